"""Sliced Wasserstein distances: how far mass must move along random directions, where sorting solves the transport.

    SW_p^p = E_u W_p^p(u.x, u.y),   u uniform on the unit sphere

N. Bonneel et al., Sliced and Radon Wasserstein barycenters of measures, 2015. Never below 0, and above it for real
samples too: compare each value with its floor.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.errors import BadInput, unknown
from advnets.statistics import laplacian_pyramid
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.distances import flatten_pair
from advnets.statistics.estimate import Estimate, Note

HELD = 2**22
"""Projections held at once."""

SPLITS = 4
"""Halvings of the real points that the floor is a mean of."""

NORMALISATIONS = ("real", "own")

Cost = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""Projections x (m, k), y (n, k) -> distances (k,) and what each point adds to them, (m, k) and (n, k)."""


@dataclass(frozen=True)
class Slices:
    """Distances along each direction, (k,), and the mean over directions of what each point adds, (m,) and (n,)."""

    distances: Tensor
    of_x: Tensor
    of_y: Tensor

    @staticmethod
    def of(x: Tensor, y: Tensor, directions: Tensor, cost: Cost) -> "Slices":
        """Of x (m, d) and y (n, d) along directions (k, d), in blocks of directions."""
        values, of_x, of_y = [], x.new_zeros(len(x)).double(), x.new_zeros(len(y)).double()
        step = max(1, HELD // (len(x) + len(y)))
        for start in range(0, len(directions), step):
            part = directions[start : start + step]
            distances, add_x, add_y = cost(*(z @ part.T.to(z) for z in (x, y)))
            values.append(distances.double())
            of_x += add_x.sum(1)
            of_y += add_y.sum(1)
        return Slices(torch.cat(values), of_x / len(directions), of_y / len(directions))

    def value(self) -> float:
        """The mean over directions."""
        return float(self.distances.mean())


def first_order(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """W_1 = integral |F - G|, for m != n too; its derivative by a point of x at t is -integral^t sign(F - G)."""
    m, n = len(x), len(y)
    values, where = torch.cat([x, y]).double().sort(0)
    # F - G in units of 1 / mn, which are whole numbers: rounding cannot turn the sign of a 0.
    steps = torch.where(where < m, float(n), -float(m)).double()
    gaps, widths = steps.cumsum(0)[:-1], values.diff(dim=0)
    slopes = torch.zeros_like(values)
    slopes[1:] = (gaps.sign() * widths).cumsum(0)
    slopes = torch.empty_like(slopes).scatter_(0, where, slopes)
    return (gaps.abs() * widths).sum(0) / (m * n), -slopes[:m], slopes[m:]


def second_order(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """W_2^2 = mean |x_(i) - y_(i)|^2 for m = n; its derivative by a point of x at t is 2 integral^t (t - T(t))."""
    (x, by_x), (y, by_y) = x.double().sort(0), y.double().sort(0)
    moves = x - y
    added = []
    for values, way, by in ((x, moves, by_x), (y, -moves, by_y)):
        slopes = torch.zeros_like(values)
        slopes[1:] = (values.diff(dim=0) * (way[1:] + way[:-1])).cumsum(0)
        added.append(torch.empty_like(slopes).scatter_(0, by, slopes))
    return moves.square().mean(0), added[0], added[1]


def sliced_wasserstein(samples: Array, real: Array, *, directions: int = 1000, seed: int = 0) -> Estimate:
    """The sliced 1-Wasserstein distance: the mean over random directions of W_1 of the projections.

        SW_1 = mean_u integral |F_(u.x)(t) - G_(u.y)(t)| dt

    N. Bonneel et al., 2015, definition 6; sizes may differ. For a shift by mu, SW_1 = E|u.mu|, about .8 |mu| / sqrt(d).
    samples: x, (m, ...) features; real: y, (n, ...), each with 4 or more rows, in one unit, which is the value's too.
    directions: u; seed: of u, drawn in the feature space, and of the floor's halves.
    Its error is over the draws of samples and of real points, by the influence function (the dual potential of each
    direction, averaged over directions); directions are shared between models and not counted. Near the floor the value
    is biased upwards, by about the floor, and the error is up to half too large. The floor is the mean distance of 4
    random halvings of the real points, times sqrt((1/m + 1/n) / (1/h + 1/h)), as halves of h points are smaller.
    Notes: direction_error, over the draw of directions; directions, m, n, seed. In float64.
    Raises BadInput for a bad shape, value or count.
    """
    x, y = _pair(samples, real, directions)
    u = _directions(directions, x.shape[1], seed)
    found = Slices.of(x, y, u, first_order)
    floor = _floor(y, u, first_order, seed=seed) * math.sqrt(1 / len(x) + 1 / len(y))
    notes: dict[str, Note] = {"m": len(x), "n": len(y), "directions": directions, "seed": seed}
    notes["direction_error"] = _direction_error(found.distances)
    return Estimate(found.value(), _error(found.of_x, found.of_y), floor, notes)


def mind(samples: Array, real: Array, *, directions: int = 1000, seed: int = 2020) -> Estimate:
    """The Monge Inception distance: the sliced squared 2-Wasserstein distance, times 3d.

        MIND = 3d mean_u mean_i |(u.x)_(i) - (u.y)_(i)|^2

    Q. Berthet et al., MIND: Monge Inception distance for generative models evaluation, 2026 (arXiv 2605.06797). Drawn
    as torch-fidelity 0.5 draws: of more samples than real points, or fewer, the first n of a random permutation;
    then float32 directions, both from `seed`. For a shift by mu it is 3 |mu|^2 on average over directions.
    samples: x, (m, ...) features; real: y, (n, ...), each with 4 or more rows, in one unit; the value is in its square.
    Its error, floor and notes are as in `sliced_wasserstein`, the floor scaled as 1/n; n is what was used of a side. In
    float64, where torch-fidelity has float32. Raises BadInput for a bad shape, value or count.
    """
    x, y = _pair(samples, real, directions)
    n, width = min(len(x), len(y)), x.shape[1]
    generator = torch.Generator().manual_seed(seed)
    x, y = (z[torch.randperm(len(z), generator=generator)[:n].to(z.device)] if len(z) > n else z for z in (x, y))
    u = torch.randn(directions, width, generator=generator)
    u = u / u.norm(dim=1, keepdim=True).clamp_min(1e-12)
    found, alpha = Slices.of(x, y, u, second_order), 3.0 * width
    floor = alpha * _floor(y, u, second_order, seed=seed, rate=1.0) * 2 / n
    notes: dict[str, Note] = {"n": n, "directions": directions, "seed": seed}
    notes["direction_error"] = alpha * _direction_error(found.distances)
    return Estimate(alpha * found.value(), alpha * _error(found.of_x, found.of_y), floor, notes)


def pyramid_wasserstein(
    samples: Array,
    real: Array,
    *,
    patches: int = 128,
    directions: int = 512,
    smallest: int = 16,
    normalisation: str = "real",
    seed: int = 0,
) -> Estimate:
    """The sliced Wasserstein distance of small patches, mean over the levels of a Laplacian pyramid, times 1,000.

    T. Karras et al., Progressive growing of GANs, 2018, section 5: 7 x 7 patches, 128 an image, whose channels are
    brought to mean 0 and deviation 1; 4 x 128 directions; mean |sorted differences|; levels down to 16 pixels.
    samples: (m, c, h, w) images, or (m, h, w); real: (n, ...) likewise; 4 or more of each, both bytes, or both floats
    in one unit, of 7 pixels a side or more. Karras et al. took 16,384 of each. Every level's patches are held at once:
    patches x c x 49 x 4 bytes an image. smallest: pixels of the last level, from 7; smaller images have one level.
    normalisation: "real" brings both to the real patches' channels; "own", as in the released code, each to its own,
    which hides a wrong contrast or colour. seed: of places, directions and the floor's halves.
    In thousandths of a channel's deviation. Its error counts images, not patches, which are alike within an image; it
    and the floor are otherwise as in `sliced_wasserstein`.
    Notes: "level 32" and so on, by the level's shorter side; m, n, patches, directions, normalisation, seed.
    Raises BadInput for a bad shape, value, count or name, and where a channel of a level is constant.
    """
    if normalisation not in NORMALISATIONS:
        raise unknown("normalisation", normalisation, NORMALISATIONS)
    x, y = _images(samples, "samples"), _images(real, "real")
    _pair(x, y, directions)
    if patches < 1:
        raise BadInput(f"patches: found {patches}, expected 1 or more of an image.")
    if x.shape[1:] != y.shape[1:] or min(smallest, *x.shape[2:]) < laplacian_pyramid.PATCH:
        found = f"images of {tuple(x.shape[1:])} and {tuple(y.shape[1:])}, and smallest = {smallest}"
        raise BadInput(
            f"samples and real: found {found}, expected one size, and {laplacian_pyramid.PATCH} pixels or more."
        )
    sizes = laplacian_pyramid.pyramid_sizes(x.shape[2], x.shape[3], smallest)
    generator = torch.Generator().manual_seed(seed)
    of_x, of_y = (laplacian_pyramid.draw_patches(z.cpu(), sizes, patches, generator) for z in (x, y))
    u = _directions(directions, x.shape[1] * laplacian_pyramid.PATCH**2, seed)
    levels, floors = [], []
    for a, b in zip(of_x, of_y, strict=True):
        a, b = (_normalise_patches(z, b if normalisation == "real" else z) for z in (a, b))
        levels.append(Slices.of(a, b, u, first_order))
        floors.append(_floor(b, u, first_order, seed=seed, per=patches))
    shares = [torch.stack([getattr(s, side) for s in levels]).mean(0) for side in ("of_x", "of_y")]
    error = _error(*(share.view(-1, patches).mean(1) for share in shares))
    floor = sum(floors) / len(floors) * math.sqrt(1 / len(x) + 1 / len(y))
    value = sum(s.value() for s in levels) / len(levels)
    notes: dict[str, Note] = {f"level {min(k)}": 1e3 * s.value() for k, s in zip(sizes, levels, strict=True)}
    notes |= {"m": len(x), "n": len(y), "patches": patches, "directions": directions}
    return Estimate(1e3 * value, 1e3 * error, 1e3 * floor, notes | {"normalisation": normalisation, "seed": seed})


def _normalise_patches(patches: Tensor, reference: Tensor) -> Tensor:
    """Patches (n, p, c, 7, 7) as rows (n p, c 49), each channel by the mean and the deviation of the reference's."""
    mean = reference.double().mean((0, 1, 3, 4), keepdim=True)
    deviation = (reference - mean).square().mean((0, 1, 3, 4), keepdim=True).sqrt()
    if not bool((deviation > 1e-7 * (1 + mean.abs())).all()):
        raise BadInput(
            "images: found a channel that is constant at a level, expected none. Leave it out of both sides."
        )
    return ((patches - mean) / deviation).float().flatten(2).flatten(0, 1)


def _images(array: Array, name: str) -> Tensor:
    """As a tensor (n, c, h, w), or BadInput."""
    shape = tuple(array.shape)
    if len(shape) not in (3, 4):
        raise BadInput(f"{name}: found an array of shape {shape}, expected images (n, c, h, w) or (n, h, w).")
    return flatten(array, name).reshape(shape[0], *shape[1:] if len(shape) == 4 else (1, *shape[1:]))


def _pair(samples: Array, real: Array, count: int) -> tuple[Tensor, Tensor]:
    """Both sides in float64, with 4 rows or more and at least two directions, or BadInput."""
    x, y = flatten_pair(samples, real, "samples", "real", least=4)
    if count < 2:
        raise BadInput(f"directions: found {count}, expected 2 or more.")
    return x.double(), y.double()


def _directions(count: int, width: int, seed: int) -> Tensor:
    """Unit vectors, (count, width) float64, uniform on the sphere."""
    u = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    lengths: Tensor = u.norm(dim=1, keepdim=True)
    return u / lengths


def _floor(y: Tensor, directions: Tensor, cost: Cost, *, seed: int, per: int = 1, rate: float = 0.5) -> float:
    """The distance of random halves of y, for 1/m + 1/n = 1: it shrinks as (1/m + 1/n)^rate.

    per: rows of y that stay together. Halves have one size, as a second-order cost needs.
    """
    n = len(y) // per
    half, generator, found = n // 2, torch.Generator().manual_seed(seed), []
    for part in directions.chunk(min(SPLITS, len(directions))):
        order = torch.randperm(n, generator=generator)[: 2 * half].to(y.device)
        first, second = (y.view(n, per, -1)[rows].flatten(0, 1) for rows in (order[:half], order[half:]))
        found.append(Slices.of(first, second, part, cost).value())
    return sum(found) / len(found) * math.pow(half / 2, rate)


def _error(of_x: Tensor, of_y: Tensor) -> float:
    return math.sqrt(float(of_x.var()) / len(of_x) + float(of_y.var()) / len(of_y))


def _direction_error(distances: Tensor) -> float:
    return float(distances.std()) / math.sqrt(len(distances))
