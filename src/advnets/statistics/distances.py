"""Nearest neighbours in blocks: a fast matrix product proposes, direct differences in float64 decide.

Squared distances by |x|^2 - 2 x.r + |r|^2 are off by at most

    |D^ - D| <= (d + 16) u (|x| + |r|)^2,    u = 2^-24 in float32, 2^-53 in float64

with norms about one origin (N. Higham, Accuracy and stability of numerical algorithms, 2002, section 3.1), and |r| <=
|x| + sqrt(D). So every pair whose order that error could change is found, and measured again. A copy is at distance 0,
and neither the block size nor the number of threads decides which of two points is the nearer.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, expect_same_width, flatten, full_precision, squared_distances
from advnets.statistics.estimate import Estimate

BLOCK = (1024, 4096)
"""Rows x columns of one product."""

SPARE = 7
"""Neighbours beyond the k-th that the product names: their distances show whether one was missed."""

DIRECT = 1 << 16
"""Numbers of one chunk in float64: 512 KiB, which a cache holds and malloc has at hand.

A chunk of 1 MiB takes 5 times as long for each number, for the system hands out fresh pages."""

SETTLED = 1e-9
"""Neighbours whose float64 distances differ by less than this share of them are equally near."""


def find_nearest(samples: Array, real: Array, *, block: tuple[int, int] = BLOCK) -> tuple[Tensor, Tensor]:
    """Find the nearest real image of every sample by squared pixel distance, |x - r|^2.

    Of equally near ones among the 1 + SPARE nearest, the first is taken.

    Args:
        samples: x, (n, ...), bytes or floats.
        real: r, (m, ...), of the samples' type and unit. It may be a memory-mapped array.
        block: Samples x real images of one product. It changes the speed, not the result.

    Returns:
        Indices into real, (n,) int64, and squared distances, (n,) float64, in the unit squared. A copy is at 0.

    Raises:
        BadInput: If a shape or a value is bad, or if one side is bytes and the other floats.
    """
    index, squared = find_nearest_few(samples, real, 1, block=block)
    return index[:, 0], squared[:, 0]


def find_nearest_few(samples: Array, real: Array, k: int, *, block: tuple[int, int] = BLOCK) -> tuple[Tensor, Tensor]:
    """Find the k nearest real images of every sample, as `find_nearest` finds one.

    Returns:
        Indices into real, (n, k) int64, and squared distances, (n, k) float64, the nearest first.
    """
    x, r = flatten_pair(samples, real, "samples", "real")
    assert 1 <= k <= len(r)
    return _search(x, r, k, own=None, block=block)


def find_nearest_others(
    points: Array, k: int, *, rows: Tensor | None = None, block: tuple[int, int] = BLOCK
) -> tuple[Tensor, Tensor]:
    """Find the k nearest others of every point; a point is distinguished from its copies by its index.

    Args:
        points: x, (n, ...).
        k: Number of neighbours, 1 .. n - 1.
        rows: Indices of the points whose neighbours are wanted, (q,); None takes all.
        block: Rows x columns of one product. It changes the speed, not the result.

    Returns:
        Indices, (q, k) int64, and squared distances, (q, k) float64, the nearest first.

    Raises:
        BadInput: If a shape or a value is bad, or k is out of its range.
    """
    x = flatten(points, "points")
    if not 1 <= k < len(x):
        raise BadInput(f"k: found {k}, expected 1..{len(x) - 1}, below the number of points. Change it.")
    own = torch.arange(len(x), device=x.device) if rows is None else rows.to(x.device)
    return _search(x[own] if rows is not None else x, x, k, own=own, block=block)


def flatten_pair(first: Array, second: Array, name: str, other: str, *, least: int = 1) -> tuple[Tensor, Tensor]:
    """Flatten two arrays to rows of one width and one scale on the first one's device.

    Args:
        first: (n, ...), of bytes or floats.
        second: (m, ...), of the same.
        name: What to call the first in an error.
        other: What to call the second in an error.
        least: Fewest rows of each.

    Returns:
        The rows of both, (n, d) and (m, d).

    Raises:
        BadInput: If a shape or a value is bad, the widths differ, one is of bytes and the other of floats, or there are
            fewer rows than `least`.
    """
    x, r = flatten(first, name), flatten(second, other)
    names = f"{name} and {other}"
    expect_same_width(x, r, names)
    if x.is_floating_point() != r.is_floating_point():
        raise BadInput(f"{names}: found {x.dtype} and {r.dtype}, expected one scale. Bring both to [0, 1].")
    for whose, rows in ((name, x), (other, r)):
        if len(rows) < least:
            raise BadInput(f"{whose}: found {len(rows)} rows, expected {least} or more. Give more.")
    return x, r.to(x.device)


def pairwise_distance(samples: Array) -> Estimate:
    """Estimate the mean distance of two samples, a U-statistic of order two: 0 where a generator has collapsed.

        2 / (n (n - 1)) sum_(i < j) |x_i - x_j|

    The error is twice the deviation of each sample's mean distance from the others, over sqrt(n) (W. Hoeffding, A class
    of statistics with asymptotically normal distribution, 1948).

    Args:
        samples: x, (n, ...), n > 1, of one unit.

    Returns:
        The mean distance, in the unit of the samples, computed in float64. The notes hold `n`.

    Raises:
        BadInput: If the shape or a value is bad, or n < 2.
    """
    x = flatten(samples, "samples").double()
    n = len(x)
    if n < 2:
        raise BadInput(f"samples: found {n}, expected 2 or more, which have a distance. Draw more.")
    # Differences, not |x|^2 - 2 x.y + |y|^2, which cancels where samples have collapsed.
    distances = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    means = distances.sum(1) / (n - 1)
    return Estimate(float(means.mean()), 2 * float(means.std()) / math.sqrt(n), notes={"n": n})


@dataclass(frozen=True)
class Frame:
    """A frame in which distances are measured, so that norms are small: v -> (v - origin) / scale.

    Attributes:
        origin: Mean of the reference points, (d,) float64.
        scale: A power of two above every |v - origin|, so that dividing by it is exact and no square overflows.
    """

    origin: Tensor
    scale: float

    @staticmethod
    def of(x: Tensor, r: Tensor) -> "Frame":
        """Return the frame of queries and references.

        The references are read in parts, for they may be more than memory holds.

        Args:
            x: Queries, (n, d).
            r: References, (m, d).

        Returns:
            The frame.

        Raises:
            BadInput: If values lie so far apart that their squares overflow.
        """
        parts = torch.split(r, BLOCK[1])
        origin = torch.stack([part.sum(0, dtype=torch.float64) for part in parts]).sum(0) / len(r)
        ends = [torch.stack([part.amin(0), part.amax(0)]).double() for part in (*parts, *torch.split(x, BLOCK[1]))]
        farthest = max(float((end - origin).abs().max()) for end in ends)
        if not farthest < 1e150:
            raise BadInput(f"features: found values {farthest:.3g} apart, expected squares below 1e308. Scale them.")
        return Frame(origin, 2.0 ** math.ceil(math.log2(farthest)) if farthest > 1e-150 else 1.0)

    def transform(self, v: Tensor, dtype: torch.dtype) -> Tensor:
        """Transform points to the frame, with one rounding.

        Args:
            v: Points, (b, d).
            dtype: float32 or float64.

        Returns:
            The points in the frame, (b, d), of that dtype.
        """
        placed = torch.empty(v.shape, dtype=dtype, device=v.device)
        rows = max(1, DIRECT // v.shape[1])
        for part, place in zip(torch.split(v, rows), torch.split(placed, rows), strict=True):
            place.copy_((part.double() - self.origin).div_(self.scale))
        return placed

    def error_bound(self, norms: Tensor, squared: Tensor, dtype: torch.dtype) -> Tensor:
        """Bound the error of a product's squared distance between a point and any other that lies so near.

        Args:
            norms: Norms of the points in the frame, (n,).
            squared: Squared distances in the frame, broadcast against the norms, float64.
            dtype: The product's precision.

        Returns:
            The bound, float64.
        """
        unit, floor = torch.finfo(dtype).eps / 2, torch.finfo(dtype).tiny
        d = len(self.origin)
        return (d + 16) * (unit * (2 * norms.double() + squared.sqrt()).square() + floor)


def squared_norms(v: Tensor) -> Tensor:
    """Compute |v|^2 of points, in their precision.

    Args:
        v: Points, (b, d).

    Returns:
        The squared norms, (b,).
    """
    return torch.cat([part.square().sum(1) for part in torch.split(v, max(1, DIRECT // v.shape[1]))])


def direct_distances(x: Tensor, r: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Compute |x_i - r_j|^2 for pairs of indices by direct difference in float64.

    Args:
        x: Points, (n, d).
        r: Points, (m, d).
        i: Indices into x, (p,).
        j: Indices into r, (p,).

    Returns:
        The squared distances, (p,) float64.
    """
    found = torch.empty(len(i), dtype=torch.float64, device=x.device)
    width = max(1, DIRECT // x.shape[1])
    for a, b, part in zip(*(torch.split(whole, width) for whole in (i, j, found)), strict=True):
        # index_select gives fresh memory, which is written over: each number is fetched once. What stays is allocated
        # before: small results between the chunks would keep malloc from using their memory again, up to 700 MiB of it.
        gap = x.index_select(0, a).double().sub_(r.index_select(0, b).double())
        torch.sum(gap.square_(), 1, out=part)
    return found


def _search(x: Tensor, r: Tensor, k: int, *, own: Tensor | None, block: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Find the k nearest r of every x, except the r of index own, (n,); gives indices and squared distances, (n, k)."""
    frame = Frame.of(x, r)
    index, squared, sure = _search_in_precision(x, r, k, own=own, block=block, frame=frame, dtype=torch.float32)
    for dtype in (torch.float64, None):
        left = (~sure).nonzero()[:, 0]
        if len(left) == 0:
            break
        mine = None if own is None else own[left]
        if dtype is None:
            index[left], squared[left] = _search_directly(x[left], r, k, own=mine)
        else:
            index[left], squared[left], sure[left] = _search_in_precision(
                x[left], r, k, own=mine, block=block, frame=frame, dtype=dtype
            )
    return index, squared


def _search_in_precision(
    x: Tensor,
    r: Tensor,
    k: int,
    *,
    own: Tensor | None,
    block: tuple[int, int],
    frame: Frame,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run `_search` by products in one precision; gives also whether each row is beyond doubt, (n,) bool."""
    others = len(r) - (own is not None)
    count = min(k + SPARE, others)
    points = frame.transform(x, dtype)
    norms = squared_norms(points)[:, None]
    if own is not None and x is r:
        found = _search_among(points, norms, count=count, side=block[0])
    else:
        found = _search_across(points, norms, r, own=own, count=count, frame=frame, block=block)

    def upper_bound(squared: Tensor) -> Tensor:
        """Return the most that a product gives for points so near."""
        near = squared / frame.scale**2
        return near + frame.error_bound(norms[:, 0].sqrt(), near, dtype)

    index, squared = _measure_exactly(x, r, k, found=found, upper_bound=upper_bound)
    last = squared[:, k - 1]
    sure = (upper_bound(last) < found.near[:, -1].double()) | (last == 0)
    if dtype == torch.float64:
        sure |= upper_bound(last) * frame.scale**2 - last < SETTLED * last
    if count == others:
        sure[:] = True
    return index[:, :k], squared[:, :k], sure


@dataclass(frozen=True)
class _Candidates:
    """The nearest references of every query by a product.

    near: squared distances, (n, count), in the product's precision. index: indices of the references, (n, count) int64.
    """

    near: Tensor
    index: Tensor

    @staticmethod
    def empty(points: Tensor, count: int) -> "_Candidates":
        """Return the candidates of points (n, d) before any was found."""
        near = points.new_full((len(points), count), math.inf)
        return _Candidates(near, torch.zeros(near.shape, dtype=torch.int64, device=points.device))

    def add(self, distances: Tensor, row: int, column: int) -> None:
        """Take in the nearest of a block of products, (b, c), whose corner is at (row, column)."""
        rows = slice(row, row + len(distances))
        near, where = distances.topk(min(self.near.shape[1], distances.shape[1]), largest=False, sorted=False)
        near, where = torch.cat([self.near[rows], near], 1), torch.cat([self.index[rows], where + column], 1)
        self.near[rows], kept = near.topk(self.near.shape[1], largest=False)
        self.index[rows] = where.gather(1, kept)


def _search_across(
    points: Tensor, norms: Tensor, r: Tensor, *, own: Tensor | None, count: int, frame: Frame, block: tuple[int, int]
) -> _Candidates:
    """Find the count references r (m, d) nearest to each point: in parts, for r may be more than memory holds."""
    found = _Candidates.empty(points, count)
    with full_precision():
        for start in range(0, len(r), block[1]):
            part = frame.transform(r[start : start + block[1]], points.dtype)
            part_norms = squared_norms(part)
            for first in range(0, len(points), block[0]):
                rows = slice(first, first + block[0])
                distances = squared_distances(points[rows], part, norms[rows], s_norms=part_norms)
                if own is not None:
                    _exclude_own(distances, own[rows] - start)
                found.add(distances, first, start)
    return found


def _search_among(points: Tensor, norms: Tensor, *, count: int, side: int) -> _Candidates:
    """Find the count others nearest to each point of the frame: a product for two blocks of points serves both."""
    found = _Candidates.empty(points, count)
    with full_precision():
        for first in range(0, len(points), side):
            for second in range(first, len(points), side):
                rows, columns = slice(first, first + side), slice(second, second + side)
                distances = squared_distances(points[rows], points[columns], norms[rows], s_norms=norms[columns, 0])
                if first == second:
                    distances.fill_diagonal_(math.inf)
                else:
                    found.add(distances.T.contiguous(), second, first)
                found.add(distances, first, second)
    return found


def _measure_exactly(
    x: Tensor, r: Tensor, k: int, *, found: _Candidates, upper_bound: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Sort candidates by their distances; gives both, (n, count), with inf where one is surely not of the k nearest.

    upper_bound: squared distance of a point's k-th neighbour, (n,) -> the most that a product may give for it, (n,).
    """
    index, near = found.index, found.near.double()
    every = torch.arange(len(x), device=x.device)
    squared = torch.full_like(near, math.inf)
    squared[:, :k] = direct_distances(x, r, every.repeat_interleave(k), index[:, :k].flatten()).view(-1, k)
    i, j = (near[:, k:] <= upper_bound(squared[:, :k].amax(1))[:, None]).nonzero(as_tuple=True)
    squared[i, k + j] = direct_distances(x, r, i, index[i, k + j])
    index, order = index.sort(1)
    squared, stable = squared.gather(1, order).sort(dim=1, stable=True)  # of equals the first
    return index.gather(1, stable), squared


def _exclude_own(distances: Tensor, columns: Tensor) -> None:
    """Set the distance of each row to its own column to inf, where that column is in the block."""
    here = ((columns >= 0) & (columns < distances.shape[1])).nonzero()[:, 0]
    distances[here, columns[here]] = math.inf


def _search_directly(x: Tensor, r: Tensor, k: int, *, own: Tensor | None) -> tuple[Tensor, Tensor]:
    """Run `_search` by direct differences alone, for rows whose neighbours are too close together for products."""
    index, squared = [], []
    every = torch.arange(len(r), device=r.device)
    for row in range(len(x)):
        distances = direct_distances(x, r, torch.full_like(every, row), every)
        if own is not None:
            distances[own[row]] = math.inf
        near, order = distances.sort(dim=0, stable=True)
        index.append(order[:k])
        squared.append(near[:k])
    return torch.stack(index), torch.stack(squared)
