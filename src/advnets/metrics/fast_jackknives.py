"""Jackknives of single metrics, each at little more than the cost of one value.

The values are those of `frechet`, `kernel_distance`, `manifolds` and `parzen`. A jackknife adds the values without
each block of samples and of real items. A difference between two sets of samples is judged by these.
"""

import math
from functools import reduce

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.metrics.parzen import log_densities
from advnets.statistics.arrays import Array, expect_same_width, flatten, squared_distances
from advnets.statistics.bures import singular_values
from advnets.statistics.gaussian import Gaussian
from advnets.statistics.jackknife import BLOCKS, Jackknife, block_ranges, expect_enough, jackknife_values
from advnets.statistics.moments import Moments

ROWS = 512
"""Rows of distances that are in memory at once."""

WIDE = 128
"""Most features for which blocks of both sides are left out of the Frechet distance: (1 + g)^2 decompositions."""


def parzen_jackknife(points: Array, centres: Array, sigma: float, *, blocks: int = BLOCKS) -> Jackknife:
    """Compute the mean Parzen log density of points, in nats, without each block of centres and of points.

    Args:
        points: Points, (n, ...), in random order.
        centres: Samples, (m, ...), in random order.
        sigma: Bandwidth, chosen on other points. It stays the same for every block, for near its best the score hardly
            changes with it.
        blocks: Blocks of each side.

    Returns:
        The jackknife of the score.

    Raises:
        BadInput: As `log_densities` does, or if there are fewer points or centres than blocks.
    """
    x, s = flatten(points, "points"), flatten(centres, "centres")
    expect_enough(len(x), "points", blocks)
    expect_enough(len(s), "centres", blocks)
    # Of each block of centres, the log of the sum of its windows at every point: (g, n).
    sums = [
        log_densities(x, s[start:stop], [sigma])[0] + math.log(stop - start)
        for start, stop in block_ranges(len(s), blocks)
    ]
    kept = [logs.logsumexp(0) for logs in _all_and_all_but_one(torch.stack(sums).cpu())]
    return Jackknife(_block_means(torch.stack(kept, 1) - _block_counts(len(s), blocks).log(), blocks).T, len(s), len(x))


def frechet_jackknife(samples: Array, real: Array, *, blocks: int = BLOCKS) -> Jackknife:
    """Compute the Frechet distance of `frechet` without each block of samples and of real items.

    With more than `WIDE` features no blocks of both sides are left out at once, see `jackknife_values`. The bias of too
    few samples is equal for equally many samples. In a difference it cancels, except for what the covariances differ
    in.

    Args:
        samples: Features of the samples, (m, ...), in random order.
        real: Features of the real items by the same extractor, (n, ...), in random order.
        blocks: Blocks of each side.

    Returns:
        The jackknife of the distance.

    Raises:
        BadInput: If a shape or a value is wrong, or there are fewer than two items a block.
    """
    y, x = _paired_rows(samples, real, 2 * blocks)
    of_y, of_x = _gaussians(y, blocks), _gaussians(x, blocks)
    values = jackknife_values(lambda j, b: _distance_of_gaussians(of_y[j], of_x[b]), blocks, crossed=y.shape[1] <= WIDE)
    return Jackknife(values, len(y), len(x))


def _gaussians(items: Tensor, blocks: int) -> list[Gaussian]:
    """The Gaussians of all items, and of all without each block."""
    parts = [Moments.of(items[start:stop]) for start, stop in block_ranges(len(items), blocks)]
    kept = [parts, *(parts[:j] + parts[j + 1 :] for j in range(blocks))]
    return [Gaussian.of_moments(reduce(Moments.merge, each)) for each in kept]


def _distance_of_gaussians(a: Gaussian, b: Gaussian) -> float:
    apart = float((a.mean - b.mean).square().sum())
    return apart + a.trace + b.trace - 2 * float(singular_values(a.factor, b.factor).sum())


def kernel_jackknife(samples: Array, real: Array, *, blocks: int = BLOCKS) -> Jackknife:
    """Compute the unbiased squared MMD of KID without each block of samples and of real items.

    The kernel is k(x, y) = (x.y / d + 1)^3. M. Binkowski et al., Demystifying MMD GANs, 2018. The terms among real
    items cancel in a difference, as in W. Bounliphone et al., A test of relative similarity for model selection in
    generative models, 2016.

    Args:
        samples: Features of the samples, (m, ...), in random order.
        real: Features of the real items, (n, ...), in random order.
        blocks: Blocks of each side.

    Returns:
        The jackknife of the distance.

    Raises:
        BadInput: If a shape or a value is wrong, or there are fewer than two items a block.
    """
    y, x = _paired_rows(samples, real, 2 * blocks)
    masks = torch.cat([torch.ones(1, blocks), 1 - torch.eye(blocks)]).double()
    y_y, y_x, x_x = (masks @ _block_sums(*pair, blocks) @ masks.T for pair in ((y, y), (y, x), (x, x)))
    m, n = _block_counts(len(y), blocks), _block_counts(len(x), blocks)
    within_y, within_x = y_y.diagonal() / (m * (m - 1)), x_x.diagonal() / (n * (n - 1))
    return Jackknife(within_y[:, None] + within_x - 2 * y_x / (m[:, None] * n), len(y), len(x))


def _block_sums(a: Tensor, b: Tensor, blocks: int) -> Tensor:
    """Sums of the kernel over pairs of blocks, (g, g); an item of a set is not paired with itself."""
    sums = torch.zeros(blocks, blocks, dtype=torch.float64)
    for row, (start, stop) in enumerate(block_ranges(len(a), blocks)):
        kernel = (a[start:stop] @ b.T / a.shape[1] + 1) ** 3
        if a is b:
            kernel[torch.arange(stop - start), torch.arange(start, stop)] = 0
        columns = kernel.sum(0)
        sums[row] = torch.stack([columns[left:right].sum() for left, right in block_ranges(len(b), blocks)])
    return sums


def manifold_jackknife(samples: Array, real: Array, *, k: int = 5, blocks: int = BLOCKS) -> dict[str, Jackknife]:
    """Compute precision, recall, density and coverage of `manifolds` without each block of samples and of real items.

    The radii are computed anew without each block.

    Args:
        samples: Features of the samples, (m, ...), in random order.
        real: Features of the real items, (n, ...), in random order.
        k: Which neighbour sets a ball's radius.
        blocks: Blocks of each side.

    Returns:
        The jackknives by name: precision, recall, density and coverage.

    Raises:
        BadInput: If a shape or a value is wrong, there are too few items, or k is not below the number of items that
            are left without a block.
    """
    y, x = _paired_rows(samples, real, blocks)
    left = int(min(_block_counts(len(items), blocks).min() for items in (y, x)))
    if not 1 <= k < left:
        raise BadInput(f"k: found {k}, expected 1..{left - 1}, below the {left} items that a block leaves. Change it.")
    origin = x.mean(0)  # norms about the mean are smaller, and so is what their cancellation loses
    y, x = y - origin, x - origin
    of_y, of_x = _radii(y, k, blocks), _radii(x, k, blocks)
    in_real, in_samples = _balls_around(y, x, of_x), _balls_around(x, y, of_y)
    values = {
        "precision": _block_means((in_real > 0).double(), blocks),
        "recall": _block_means((in_samples > 0).double(), blocks).T,
        "density": _block_means(in_real / k, blocks),
        "coverage": _crossed_means(_nearest_squared(x, y, blocks), of_x),
    }
    return {name: Jackknife(of_blocks, len(y), len(x)) for name, of_blocks in values.items()}


def _radii(items: Tensor, k: int, blocks: int) -> Tensor:
    """Squared distance to the k-th nearest other item, (n, 1 + g): among all, then without each block."""
    parts, norms = block_ranges(len(items), blocks), items.square().sum(1)
    found = []
    for start in range(0, len(items), ROWS):
        stop = min(start + ROWS, len(items))
        distances = squared_distances(items[start:stop], items, norms[start:stop, None], s_norms=norms)
        distances[torch.arange(stop - start), torch.arange(start, stop)] = math.inf
        # The k smallest of each block are enough to know the k-th smallest of any blocks together.
        least = [distances[:, a:b].topk(min(k, b - a), largest=False).values for a, b in parts]
        kept = [torch.cat(least, 1), *(torch.cat(least[:j] + least[j + 1 :], 1) for j in range(blocks))]
        found.append(torch.stack([each.kthvalue(k, 1).values for each in kept], 1))
    return torch.cat(found)


def _balls_around(probes: Tensor, centres: Tensor, radii: Tensor) -> Tensor:
    """In how many balls each probe lies, (p, 1 + g) float64: of all centres, then without each block of them."""
    parts, norms = block_ranges(len(centres), radii.shape[1] - 1), centres.square().sum(1)
    found = []
    for probe in torch.split(probes, ROWS):
        distances = squared_distances(probe, centres, probe.square().sum(1, keepdim=True), s_norms=norms)
        counts = [(distances < radii[:, 0]).sum(1)]
        for j, (start, stop) in enumerate(parts, 1):
            inside = distances < radii[:, j]
            counts.append(inside.sum(1) - inside[:, start:stop].sum(1))
        found.append(torch.stack(counts, 1))
    return torch.cat(found).double()


def _nearest_squared(x: Tensor, y: Tensor, blocks: int) -> Tensor:
    """Squared distance of x (n, d) to the nearest y, (n, 1 + g): of all y, then without each block of them."""
    norms, parts = y.square().sum(1), block_ranges(len(y), blocks)
    found = []
    for part in torch.split(x, ROWS):
        distances = squared_distances(part, y, part.square().sum(1, keepdim=True), s_norms=norms)
        found.append(torch.stack([distances[:, start:stop].amin(1) for start, stop in parts]))
    return torch.stack([each.amin(0) for each in _all_and_all_but_one(torch.cat(found, 1))], 1)


def _crossed_means(near: Tensor, radii: Tensor) -> Tensor:
    """The share of rows with near < radii, both (n, 1 + g), for each pair of columns; (1 + g, 1 + g)."""
    blocks = radii.shape[1] - 1
    shares = [_block_means((near < radii[:, b, None]).double(), blocks)[b] for b in range(1 + blocks)]
    return torch.stack(shares, 1)


def _paired_rows(samples: Array, real: Array, fewest: int) -> tuple[Tensor, Tensor]:
    """Samples and real items as (m, d) and (n, d) float64 on the CPU; raises BadInput below `fewest` rows."""
    y, x = flatten(samples, "samples").double(), flatten(real, "real").double()
    expect_same_width(y, x, "samples and real")
    expect_enough(len(y), "samples", fewest)
    expect_enough(len(x), "real", fewest)
    return y.cpu(), x.cpu()


def _all_and_all_but_one(parts: Tensor) -> list[Tensor]:
    """All of g parts (g, ...), then all but each of them."""
    return [parts, *(torch.cat([parts[:j], parts[j + 1 :]]) for j in range(len(parts)))]


def _block_counts(n: int, blocks: int) -> Tensor:
    """The number of n items, then their number without each block, (1 + g,) float64."""
    return torch.tensor([n, *(n - (stop - start) for start, stop in block_ranges(n, blocks))], dtype=torch.float64)


def _block_means(values: Tensor, blocks: int) -> Tensor:
    """Means of columns of values (n, c) over all rows, then without each block of rows, (1 + g, c)."""
    sums = torch.stack([values[start:stop].sum(0) for start, stop in block_ranges(len(values), blocks)])
    return (
        torch.stack([each.sum(0) for each in _all_and_all_but_one(sums)]) / _block_counts(len(values), blocks)[:, None]
    )
