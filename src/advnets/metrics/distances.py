"""Nearest neighbours in blocks: a fast matrix product proposes, direct differences in float64 decide.

Squared distances by |x|^2 - 2 x.r + |r|^2 are off by at most

    |D^ - D| <= (d + 16) u (|x| + |r|)^2,    u = 2^-24 in float32, 2^-53 in float64

with norms about one origin (N. Higham, Accuracy and stability of numerical algorithms, 2002, section 3.1), and
|r| <= |x| + sqrt(D). So whatever that error could turn round is found, and measured again: a copy is at distance 0,
and neither the block size nor the number of threads decides which of two points is the nearer.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.metrics.parzen import Array, flatten, full_precision, same_width, squared_distances

BLOCK = (2048, 4096)
"""Rows x columns of one product."""

SPARE = 4
"""Neighbours beyond the k-th that the product names: from their distances it is seen whether one was missed."""

DIRECT = 1 << 17
"""Numbers of one chunk of direct differences: 1 MiB in float64, which a cache holds."""

SETTLED = 1e-9
"""Neighbours whose float64 distances differ by less than this share of them are equally near."""


def nearest(samples: Array, real: Array, *, block: tuple[int, int] = BLOCK) -> tuple[Tensor, Tensor]:
    """The nearest real image of every sample by squared pixel distance, |x - r|^2.

    samples: x, (n, ...); real: r, (m, ...); both bytes, or both floats in the same unit; real may be mapped.
    block: samples x real images of one product; changes the speed, not the result.
    Gives indices into real, (n,) int64, and squared distances, (n,) float64, in that unit squared; a copy is at 0. Of
    equally near ones among the 1 + SPARE nearest the first is taken.
    Raises BadInput for a bad shape or value, or for bytes beside floats.
    """
    x, r = pair(samples, real, "samples", "real")
    index, squared = _search(x, r, 1, own=None, block=block)
    return index[:, 0], squared[:, 0]


def nearest_others(
    points: Array, k: int, *, rows: Tensor | None = None, block: tuple[int, int] = BLOCK
) -> tuple[Tensor, Tensor]:
    """The k nearest others of every point; a point is told from its copies by its index.

    points: x, (n, ...). k: 1 .. n - 1. rows: indices of the points that are asked about, (q,), or None for all.
    Gives indices, (q, k) int64, and squared distances, (q, k) float64, the nearest first.
    Raises BadInput for a bad shape or value, or such a k.
    """
    x = flatten(points, "points")
    if not 1 <= k < len(x):
        raise BadInput(f"k: found {k}, expected 1..{len(x) - 1}, below the number of points. Change it.")
    own = torch.arange(len(x), device=x.device) if rows is None else rows.to(x.device)
    return _search(x[own] if rows is not None else x, x, k, own=own, block=block)


def pair(first: Array, second: Array, name: str, other: str) -> tuple[Tensor, Tensor]:
    """Two arrays flattened on the first one's device, of one width and one scale, or BadInput."""
    x, r = flatten(first, name), flatten(second, other)
    names = f"{name} and {other}"
    same_width(x, r, names)
    if x.is_floating_point() != r.is_floating_point():
        raise BadInput(f"{names}: found {x.dtype} and {r.dtype}, expected one scale. Bring both to [0, 1].")
    return x, r.to(x.device)


@dataclass(frozen=True)
class Frame:
    """Where distances are measured from, so that norms are small: v -> (v - origin) / scale, in float32 or float64.

    origin: mean of the reference points, (d,) float64. scale: a power of two, above every |v - origin|, so that
    dividing by it is exact and no square overflows.
    """

    origin: Tensor
    scale: float

    @staticmethod
    def of(x: Tensor, r: Tensor) -> "Frame":
        """The frame of queries x (n, d) and references r (m, d). In parts: r may be more than memory holds."""
        parts = r.split(BLOCK[1])
        origin = torch.stack([part.double().sum(0) for part in parts]).sum(0) / len(r)
        farthest = max(float((part.double() - origin).abs().max()) for part in (*parts, *x.split(BLOCK[1])))
        if not farthest < 1e150:
            raise BadInput(f"features: found values {farthest:.3g} apart, expected squares below 1e308. Scale them.")
        return Frame(origin, 2.0 ** math.ceil(math.log2(farthest)) if farthest > 1e-150 else 1.0)

    def place(self, v: Tensor, dtype: torch.dtype) -> Tensor:
        """Points v (b, d) in the frame, so rounded once."""
        return torch.cat([((part.double() - self.origin) / self.scale).to(dtype) for part in v.split(BLOCK[1])])

    def slack(self, norms: Tensor, squared: Tensor, dtype: torch.dtype) -> Tensor:
        """The error of a product's squared distance between a point of that norm and any that lies so near; float64."""
        unit, floor = torch.finfo(dtype).eps / 2, torch.finfo(dtype).tiny
        d = len(self.origin)
        return (d + 16) * (unit * (2 * norms.double() + squared.sqrt()).square() + floor)


def direct(x: Tensor, r: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """|x_i - r_j|^2 for pairs of indices, (p,) each, by direct difference in float64."""
    width = max(1, DIRECT // x.shape[1])
    parts = zip(i.split(width), j.split(width), strict=True)
    found = [(x[a].double() - r[b].double()).square_().sum(1) for a, b in parts]
    return torch.cat(found) if found else torch.empty(0, dtype=torch.float64, device=x.device)


def _search(x: Tensor, r: Tensor, k: int, *, own: Tensor | None, block: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The k nearest r of every x, without the r whose index is own, (n,); indices and squared distances, (n, k)."""
    frame = Frame.of(x, r)
    index, squared, sure = _decided(x, r, k, own=own, block=block, frame=frame, dtype=torch.float32)
    for dtype in (torch.float64, None):
        left = (~sure).nonzero()[:, 0]
        if len(left) == 0:
            break
        mine = None if own is None else own[left]
        if dtype is None:
            index[left], squared[left] = _one_by_one(x[left], r, k, own=mine)
        else:
            index[left], squared[left], sure[left] = _decided(
                x[left], r, k, own=mine, block=block, frame=frame, dtype=dtype
            )
    return index, squared


def _decided(
    x: Tensor,
    r: Tensor,
    k: int,
    *,
    own: Tensor | None,
    block: tuple[int, int],
    frame: Frame,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    """`_search` by products in one precision, and whether each row is beyond doubt, (n,) bool."""
    others = len(r) - (own is not None)
    count = min(k + SPARE, others)
    points = frame.place(x, dtype)
    norms = points.square().sum(1, keepdim=True)
    index, reach = _candidates(points, norms, r, own=own, count=count, frame=frame, block=block)
    index = index.sort(1).values  # the sort below is stable: of equals the first
    rows = torch.arange(len(x), device=x.device).repeat_interleave(count)
    squared, order = direct(x, r, rows, index.flatten()).view(-1, count).sort(dim=1, stable=True)
    last = squared[:, k - 1] / frame.scale**2
    slack = frame.slack(norms[:, 0].sqrt(), last, dtype)
    sure = (last + slack < reach.double()) | (last == 0)
    if dtype == torch.float64:
        sure |= slack < SETTLED * last
    if count == others:
        sure[:] = True
    return index.gather(1, order)[:, :k], squared[:, :k], sure


def _candidates(
    points: Tensor, norms: Tensor, r: Tensor, *, own: Tensor | None, count: int, frame: Frame, block: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Indices of the count nearest r by a product, (n, count), in no order, and the farthest one's distance, (n,)."""
    best = points.new_full((len(points), count), math.inf)
    index = torch.zeros(best.shape, dtype=torch.int64, device=r.device)
    with full_precision():
        for start in range(0, len(r), block[1]):
            part = frame.place(r[start : start + block[1]], points.dtype)
            part_norms = part.square().sum(1)
            for first in range(0, len(points), block[0]):
                rows = slice(first, first + block[0])
                distances = squared_distances(points[rows], part, norms[rows], s_norms=part_norms)
                if own is not None:
                    _leave_out(distances, own[rows] - start)
                near, where = distances.topk(min(count, len(part)), largest=False, sorted=False)
                near, where = torch.cat([best[rows], near], 1), torch.cat([index[rows], where + start], 1)
                best[rows], kept = near.topk(count, largest=False, sorted=False)
                index[rows] = where.gather(1, kept)
    return index, best.amax(1)


def _leave_out(distances: Tensor, columns: Tensor) -> None:
    """Put each row's own column, where it is one of the block, out of reach."""
    here = ((columns >= 0) & (columns < distances.shape[1])).nonzero()[:, 0]
    distances[here, columns[here]] = math.inf


def _one_by_one(x: Tensor, r: Tensor, k: int, *, own: Tensor | None) -> tuple[Tensor, Tensor]:
    """`_search` by direct differences alone, for rows whose neighbours lie closer together than products can tell."""
    index, squared = [], []
    every = torch.arange(len(r), device=r.device)
    for row in range(len(x)):
        distances = direct(x, r, torch.full_like(every, row), every)
        if own is not None:
            distances[own[row]] = math.inf
        near, order = distances.sort(dim=0, stable=True)
        index.append(order[:k])
        squared.append(near[:k])
    return torch.stack(index), torch.stack(squared)
