"""Sliced Wasserstein distances: how far mass must move along random directions, where sorting solves the transport.

    SW_p^p = E_u W_p^p(u.x, u.y),   u uniform on the unit sphere

N. Bonneel et al., Sliced and Radon Wasserstein barycenters of measures, 2015. The distance is never below 0, and above
it for real samples too: compare each value with its floor.
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
from advnets.statistics.heavy_tails import FEWEST_DEGREES, distance_interval, mean_degrees

PROJECTIONS_AT_ONCE = 2**22
"""Projections that are in memory at once."""

HALVINGS = 4
"""Halvings of the real points that the floor averages over."""

UNSEEN_TAIL = 120.0
"""Degrees of freedom at which MIND takes half of them.

Few points decide a squared distance of sorted values on a heavy tail. A sample that lacks them has a kurtosis that is
too small as well. With the degrees by that kurtosis alone, its interval holds lognormal features in 89 to 93 % of
draws, and with these in 94 to 96 %. Where no tail is heavy, there are hundreds of degrees, and it changes nothing."""

NORMALISATIONS = ("real", "own")

TransportCost = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From projections x (m, k), y (n, k) to distances (k,) and what each point adds to them, (m, k) and (n, k)."""


@dataclass(frozen=True)
class Slices:
    """Distances along directions.

    Attributes:
        distances: Distance along each direction, (k,).
        of_x: What each point of x adds, averaged over directions, (m,).
        of_y: What each point of y adds, averaged over directions, (n,).
    """

    distances: Tensor
    of_x: Tensor
    of_y: Tensor

    @staticmethod
    def of(x: Tensor, y: Tensor, directions: Tensor, cost: TransportCost) -> "Slices":
        """Compute the distances in blocks of directions.

        Args:
            x: Points, (m, d).
            y: Points, (n, d).
            directions: Unit vectors, (k, d).
            cost: Cost of the transport along one direction.

        Returns:
            The distances and what each point adds to them.
        """
        values, of_x, of_y = [], x.new_zeros(len(x)).double(), x.new_zeros(len(y)).double()
        step = max(1, PROJECTIONS_AT_ONCE // (len(x) + len(y)))
        for start in range(0, len(directions), step):
            part = directions[start : start + step]
            distances, add_x, add_y = cost(*(z @ part.T.to(z) for z in (x, y)))
            values.append(distances.double())
            of_x += add_x.sum(1)
            of_y += add_y.sum(1)
        return Slices(torch.cat(values), of_x / len(directions), of_y / len(directions))

    def value(self) -> float:
        """Average the distances over directions.

        Returns:
            The mean distance.
        """
        return float(self.distances.mean())


def first_order_cost(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute W_1 = integral |F - G| along each direction, for m != n too.

    Its derivative by a point of x at t is -integral^t sign(F - G).

    Args:
        x: Projections, (m, k).
        y: Projections, (n, k).

    Returns:
        The cost along each direction, (k,), and its derivatives by the points of x and of y, integrated, (m, k) and
        (n, k).
    """
    m, n = len(x), len(y)
    values, where = torch.cat([x, y]).double().sort(0)
    # F - G in units of 1 / mn, which are whole numbers: rounding cannot turn the sign of a 0.
    steps = torch.where(where < m, float(n), -float(m)).double()
    gaps, widths = steps.cumsum(0)[:-1], values.diff(dim=0)
    slopes = torch.zeros_like(values)
    slopes[1:] = (gaps.sign() * widths).cumsum(0)
    slopes = torch.empty_like(slopes).scatter_(0, where, slopes)
    return (gaps.abs() * widths).sum(0) / (m * n), -slopes[:m], slopes[m:]


def second_order_cost(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute W_2^2 = mean |x_(i) - y_(i)|^2 along each direction, for m = n.

    Its derivative by a point of x at t is 2 integral^t (t - T(t)).

    Args:
        x: Projections, (m, k).
        y: Projections, (n, k), m = n.

    Returns:
        The cost along each direction, (k,), and its derivatives by the points of x and of y, integrated, (m, k) and
        (n, k).
    """
    (x, by_x), (y, by_y) = x.double().sort(0), y.double().sort(0)
    moves = x - y
    added = []
    for values, way, by in ((x, moves, by_x), (y, -moves, by_y)):
        slopes = torch.zeros_like(values)
        slopes[1:] = (values.diff(dim=0) * (way[1:] + way[:-1])).cumsum(0)
        added.append(torch.empty_like(slopes).scatter_(0, by, slopes))
    return moves.square().mean(0), added[0], added[1]


def sliced_wasserstein(samples: Array, real: Array, *, directions: int = 1000, seed: int = 0) -> Estimate:
    """Compute the sliced 1-Wasserstein distance, the mean over random directions of W_1 of the projections.

        SW_1 = mean_u integral |F_(u.x)(t) - G_(u.y)(t)| dt

    N. Bonneel et al., 2015, definition 6; here the sizes may differ. For a shift by mu, SW_1 = E|u.mu|, about
    .8 |mu| / sqrt(d). It is computed in float64.

    Args:
        samples: Features x of samples, (m, ...), of 4 rows or more.
        real: Features y of real points, (n, ...), of 4 rows or more, in the same unit, which is the value's too.
        directions: Number of directions u, 2 or more.
        seed: Seed of u, which is drawn in the feature space, and of the floor's halves.

    Returns:
        The distance. Its error is over the draws of samples and of real points, by the influence function (the dual
        potential of each direction, averaged over directions); directions are shared between models and not counted.
        Near the floor the value is biased upwards, by about the floor, and the error is up to half too large. Its floor
        is the mean distance of 4 random halvings of the real points, times sqrt((1/m + 1/n) / (1/h + 1/h)), because
        halves have h points only. Its notes hold `direction_error`, over the draw of directions; `directions`, `m`,
        `n`, `seed`.

    Raises:
        BadInput: If a shape, a value or a number is wrong.
    """
    x, y = _expect_sides(samples, real, directions)
    u = _unit_directions(directions, x.shape[1], seed)
    found = Slices.of(x, y, u, first_order_cost)
    floor = _distance_of_halves(y, u, first_order_cost, seed=seed) * math.sqrt(1 / len(x) + 1 / len(y))
    notes: dict[str, Note] = {"m": len(x), "n": len(y), "directions": directions, "seed": seed}
    notes["direction_error"] = _error_of_directions(found.distances)
    return Estimate(found.value(), _error_of_shares(found.of_x, found.of_y), floor, notes)


def mind(samples: Array, real: Array, *, directions: int = 1000, seed: int = 2020) -> Estimate:
    """Compute the Monge Inception distance (MIND), the sliced squared 2-Wasserstein distance times 3d.

        MIND = 3d mean_u mean_i |(u.x)_(i) - (u.y)_(i)|^2

    Q. Berthet et al., MIND: Monge Inception distance for generative models evaluation, 2026 (arXiv 2605.06797). It is
    drawn as torch-fidelity 0.5 draws it: of the larger side the first n of a random permutation, n being the size of
    the smaller one; then float32 directions, both from `seed`. For a shift by mu it is 3 |mu|^2 on average over
    directions. It is computed in float64, where torch-fidelity has float32.

    Args:
        samples: Features x of samples, (m, ...), of 4 rows or more.
        real: Features y of real points, (n, ...), of 4 rows or more, in the same unit; the value is in its square.
        directions: Number of directions u, 2 or more.
        seed: Seed of all draws.

    Returns:
        The distance. Its error, floor and notes are as in `sliced_wasserstein`; the floor is scaled as 1/n, and the
        note `n` is the number of points used of a side. Its interval is of the mean value at this n, not less its bias:
        `distance_interval`, with the degrees of freedom that few large influences leave, less by `UNSEEN_TAIL`.

    Raises:
        BadInput: If a shape, a value or a number is wrong.
    """
    x, y = _expect_sides(samples, real, directions)
    n, width = min(len(x), len(y)), x.shape[1]
    generator = torch.Generator().manual_seed(seed)
    x, y = (z[torch.randperm(len(z), generator=generator)[:n].to(z.device)] if len(z) > n else z for z in (x, y))
    u = torch.randn(directions, width, generator=generator)
    u = u / u.norm(dim=1, keepdim=True).clamp_min(1e-12)
    found, alpha = Slices.of(x, y, u, second_order_cost), 3.0 * width
    floor = alpha * _distance_of_halves(y, u, second_order_cost, seed=seed, rate=1.0) * 2 / n
    notes: dict[str, Note] = {"n": n, "directions": directions, "seed": seed}
    notes["direction_error"] = alpha * _error_of_directions(found.distances)
    value, error = alpha * found.value(), alpha * _error_of_shares(found.of_x, found.of_y)
    degrees = mean_degrees(found.of_x, found.of_y)
    ends = distance_interval(value, error, max(degrees / (1 + UNSEEN_TAIL / degrees), FEWEST_DEGREES))
    return Estimate(value, error, floor, notes, ends)


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
    """Compute the sliced Wasserstein distance of small patches, averaged over the levels of a Laplacian pyramid.

    T. Karras et al., Progressive growing of GANs, 2018, section 5: 7 x 7 patches, 128 an image, whose channels are
    brought to mean 0 and deviation 1; 4 x 128 directions; mean |sorted differences|; levels down to 16 pixels. They
    took 16,384 images of each side. All patches of a level are in memory at once: patches x c x 49 x 4 bytes an image.

    Args:
        samples: Images, (m, c, h, w) or (m, h, w), 4 or more, of 7 pixels a side or more.
        real: Real images, (n, ...), likewise. Both sides hold bytes, or both hold floats in one unit.
        patches: Patches of an image.
        directions: Number of directions, 2 or more.
        smallest: Pixels of the last level, 7 or more; smaller images have one level.
        normalisation: "real" scales both sides by the channels of the real patches; "own", as in the released code,
            each side by its own, which hides a wrong contrast or colour.
        seed: Seed of places, directions and the floor's halves.

    Returns:
        The distance in thousandths of a channel's deviation. Its error counts images, not patches, which are alike
        within an image; error and floor are otherwise as in `sliced_wasserstein`. Its notes hold `level 32` and so on,
        the distance of each level by its shorter side; `m`, `n`, `patches`, `directions`, `normalisation`, `seed`.

    Raises:
        BadInput: If a shape, a value, a number or a name is wrong, or a channel of a level is constant.
    """
    if normalisation not in NORMALISATIONS:
        raise unknown("normalisation", normalisation, NORMALISATIONS)
    x, y = _reshape_images(samples, "samples"), _reshape_images(real, "real")
    _expect_sides(x, y, directions)
    if patches < 1:
        raise BadInput(f"patches: found {patches}, expected 1 or more of an image. Leave it out for 128.")
    if x.shape[1:] != y.shape[1:] or min(smallest, *x.shape[2:]) < laplacian_pyramid.PATCH:
        found = f"images of {tuple(x.shape[1:])} and {tuple(y.shape[1:])}, and smallest = {smallest}"
        expected = f"one size of {laplacian_pyramid.PATCH} pixels or more"
        raise BadInput(f"samples and real: found {found}, expected {expected}. Resize them.")
    sizes = laplacian_pyramid.pyramid_sizes(x.shape[2], x.shape[3], smallest)
    generator = torch.Generator().manual_seed(seed)
    of_x, of_y = (laplacian_pyramid.draw_patches(z.cpu(), sizes, patches, generator) for z in (x, y))
    u = _unit_directions(directions, x.shape[1] * laplacian_pyramid.PATCH**2, seed)
    levels, floors = [], []
    for a, b in zip(of_x, of_y, strict=True):
        a, b = (_normalise_patches(z, b if normalisation == "real" else z) for z in (a, b))
        levels.append(Slices.of(a, b, u, first_order_cost))
        floors.append(_distance_of_halves(b, u, first_order_cost, seed=seed, per=patches))
    shares = [torch.stack([getattr(s, side) for s in levels]).mean(0) for side in ("of_x", "of_y")]
    error = _error_of_shares(*(share.view(-1, patches).mean(1) for share in shares))
    floor = sum(floors) / len(floors) * math.sqrt(1 / len(x) + 1 / len(y))
    value = sum(s.value() for s in levels) / len(levels)
    notes: dict[str, Note] = {f"level {min(k)}": 1e3 * s.value() for k, s in zip(sizes, levels, strict=True)}
    notes |= {"m": len(x), "n": len(y), "patches": patches, "directions": directions}
    return Estimate(1e3 * value, 1e3 * error, 1e3 * floor, notes | {"normalisation": normalisation, "seed": seed})


def _normalise_patches(patches: Tensor, reference: Tensor) -> Tensor:
    """Patches (n, p, c, 7, 7) as rows (n p, c 49), each channel scaled as the reference's."""
    mean = reference.double().mean((0, 1, 3, 4), keepdim=True)
    deviation = (reference - mean).square().mean((0, 1, 3, 4), keepdim=True).sqrt()
    if not bool((deviation > 1e-7 * (1 + mean.abs())).all()):
        raise BadInput(
            "images: found a channel that is constant at a level, expected none. Leave it out of both sides."
        )
    return ((patches - mean) / deviation).float().flatten(2).flatten(0, 1)


def _reshape_images(array: Array, name: str) -> Tensor:
    """Images as a tensor (n, c, h, w), or BadInput."""
    shape = tuple(array.shape)
    if len(shape) not in (3, 4):
        raise BadInput(f"{name}: found shape {shape}, expected images (n, c, h, w) or (n, h, w). Reshape it.")
    return flatten(array, name).reshape(shape[0], *shape[1:] if len(shape) == 4 else (1, *shape[1:]))


def _expect_sides(samples: Array, real: Array, count: int) -> tuple[Tensor, Tensor]:
    """Both sides in float64, or BadInput for fewer than 4 rows or 2 directions."""
    x, y = flatten_pair(samples, real, "samples", "real", least=4)
    if count < 2:
        raise BadInput(f"directions: found {count}, expected 2 or more. Draw more.")
    return x.double(), y.double()


def _unit_directions(count: int, width: int, seed: int) -> Tensor:
    """Unit vectors, (count, width) float64, uniform on the sphere."""
    u = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    lengths: Tensor = u.norm(dim=1, keepdim=True)
    return u / lengths


def _distance_of_halves(
    y: Tensor, directions: Tensor, cost: TransportCost, *, seed: int, per: int = 1, rate: float = 0.5
) -> float:
    """The distance of random halves of y, for 1/m + 1/n = 1: it shrinks as (1/m + 1/n)^rate.

    per: rows of y that stay together. Both halves have one size, which a second-order cost needs.
    """
    n = len(y) // per
    half, generator, found = n // 2, torch.Generator().manual_seed(seed), []
    for part in directions.chunk(min(HALVINGS, len(directions))):
        order = torch.randperm(n, generator=generator)[: 2 * half].to(y.device)
        first, second = (y.view(n, per, -1)[rows].flatten(0, 1) for rows in (order[:half], order[half:]))
        found.append(Slices.of(first, second, part, cost).value())
    return sum(found) / len(found) * math.pow(half / 2, rate)


def _error_of_shares(of_x: Tensor, of_y: Tensor) -> float:
    return math.sqrt(float(of_x.var()) / len(of_x) + float(of_y.var()) / len(of_y))


def _error_of_directions(distances: Tensor) -> float:
    return float(distances.std()) / math.sqrt(len(distances))
