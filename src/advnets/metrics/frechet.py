"""The Fréchet distance of two sets of features, taken as Gaussians, with its bias and its error."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.errors import BadInput, NonFinite
from advnets.statistics import bures
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.estimate import Z95, Estimate, Note
from advnets.statistics.gaussian import Gaussian
from advnets.statistics.moments import Moments, expect_covariance

SHORT = 0.12
"""Largest shortfall of the curvature with which bias, floor and interval are told: beyond it their series is no use."""


LARGE = 1e70
"""Features have a root mean square below it, and vary by its inverse or not at all: fourth powers must not overflow."""


@dataclass(frozen=True, eq=False)
class FrechetSide:
    """One side of the distance: its Gaussian, and its rows (n, d) unless only the Gaussian was given."""

    gaussian: Gaussian
    rows: Tensor | None

    @staticmethod
    def of(given: Array | Gaussian, name: str, ddof: int) -> "FrechetSide":
        """The side that was given, named so in errors.

        Raises BadInput for what has no covariance, NonFinite for what is too large or too small.
        """
        if isinstance(given, Gaussian):
            return FrechetSide(_finite(given.with_ddof(ddof), name), None)
        rows = flatten(given, name)
        expect_covariance(len(rows), ddof, name)
        return FrechetSide(_finite(Gaussian.of(rows, ddof), name), rows)


def _finite(gaussian: Gaussian, name: str) -> Gaussian:
    """A Gaussian whose errors, of fourth moments, can be told; raises NonFinite for features too large or too small."""
    size = math.sqrt(gaussian.trace + float(gaussian.mean.square().sum()))
    if not size < LARGE:
        raise NonFinite(f"{name}: found features of size {size:.3g}, expected less than {LARGE:.0e}. Scale them.")
    widest = float(gaussian.factor.abs().max())
    if 0 < widest < 1 / LARGE:
        raise NonFinite(f"{name}: found features that vary by {widest:.3g}, expected {1 / LARGE:.0e} or 0. Scale them.")
    return gaussian


@dataclass(frozen=True)
class SamplingError:
    """What drawing n samples of one side does: the bias it adds, the variance of its linear part (None: not known)."""

    n: int
    bias: float
    variance: float | None
    excess: float


def frechet(samples: Array | Gaussian, real: Array | Gaussian, *, ddof: int = 1) -> Estimate:
    """Fréchet distance of the Gaussians of two sets of features; of Inception features, the FID.

        |mu_1 - mu_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^1/2,        tr (S_1 S_2)^1/2 = |A B^T|_*

    D. Dowson and B. Landau, The Fréchet distance between multivariate normal distributions, 1982, eq. 4; M. Heusel et
    al., GANs trained by a two time-scale update rule, 2017, eq. 6; the right form, by singular values of a product of
    factors, A. Mathiasen and F. Hvilshoj, 2020 (`advnets.statistics.bures`). Not to be confused with a distance that
    holds for any distributions: sets of one mean and covariance are at 0. It needs no eps, is never complex, and is
    exact for fewer samples than features.
    samples, real: features (n, ...) and (m, ...) of one extractor, at least 2 each; or a `Gaussian`, made once of a
    reference, which is taken for the population itself. ddof: 1 divides covariances by n - 1, 0 by n.
    bias: of the value, above the distance of the populations, to second order in the covariances of both sides: by the
    features' fourth moments, or for a Gaussian's side as of normal features.
    error: of drawing the sides that were given as features (notes: error_of), by influence functions, with the second
    order that remains where both sides are alike; None if there is none. interval: value less the bias of these sides,
    +- 1.96 error, cut at 0.
    floor: mean value for two real sets of these sizes, to second order, by the real side.
    Where samples are so few that the series fails (below about 4 d if all axes are alike), bias, floor and interval are
    None (few_samples), and the error is the linear part's alone; up to d samples (rank_deficient) values are far above
    those of many samples.
    notes: mean_term, covariance_term, n, m, dimension; constant_features, where a side does not vary in some.
    Raises BadInput for a bad shape or value, unlike widths, fewer than 2 samples, and another ddof; NonFinite for
    features whose root mean square is LARGE or more, or that vary by less than 1 / LARGE.
    """
    y, x = FrechetSide.of(samples, "samples", ddof), FrechetSide.of(real, "real", ddof)
    a, b = y.gaussian, x.gaussian
    s, short, lucks = _sampling_errors(y, x)
    few = min(a.n, b.n) <= len(a.mean) or short > SHORT
    mean_term, covariance_term = _terms(a, b, s)
    value = mean_term + covariance_term
    notes = _notes(a, b, few) | {"mean_term": mean_term, "covariance_term": covariance_term}
    drawn = {name: luck for name, luck in zip(("samples", "real"), lucks, strict=True) if luck.variance is not None}
    error = _error(list(drawn.values()), s, few) if drawn else None
    if drawn:
        notes["error_of"] = " and ".join(drawn)
    if few:
        return Estimate(value, error, notes=notes)
    interval = _interval(value - sum(luck.bias for luck in drawn.values()), error)
    return Estimate(value, error, _floor(1 / a.n, x), notes, interval, sum(luck.bias for luck in lucks))


def frechet_infinite(
    samples: Array,
    real: Array | Gaussian,
    *,
    ddof: int = 1,
    points: int = 15,
    fewest: int | None = None,
    seed: int = 0,
) -> Estimate:
    """Fréchet distance as it would be of infinitely many samples: the intercept of distances of n of them over 1/n.

        F(n) = F_inf + c / n,        n in `points` equal steps from `fewest` to all of them

    M. Chong and D. Forsyth, Effectively unbiased FID and Inception Score and where to find them, 2020, section 4. The
    n samples are the first n of one random order, so that all covariances cost one pass; every distance costs two
    decompositions. Only the samples' side is extrapolated, as there.
    samples: (n, ...) features. real: features or a `Gaussian`, as for `frechet`. ddof: as there. fewest: None takes the
    published 5,000, or for fewer than 50,000 samples a tenth of them, but at least 2 d. seed: of the order.
    error: of drawing the samples, by the influence functions and the weight that each sample has in the intercept, and
    of drawing real features, where they are given (notes: error_of). It is larger than that of `frechet`: the price of
    the extrapolation. bias: what the real side's own number adds. interval: value less that bias, if real is features,
    +- 1.96 error, cut at 0. floor: the same for two real sets: the real side's bias.
    notes: finite, the value of all samples; slope c; residual, the deviation from the line; n, m, dimension, fewest,
    points, seed. Raises BadInput and NonFinite as `frechet` does, BadInput also for fewer samples than 2 fewest or real
    ones than d + 1.
    """
    if isinstance(samples, Gaussian):
        raise BadInput("samples: found a Gaussian, expected features, for fewer of them must be drawn. Give features.")
    y, x = FrechetSide.of(samples, "samples", ddof), FrechetSide.of(real, "real", ddof)
    sizes = _sizes(y, x, points=points, fewest=fewest)
    s, _, lucks = _sampling_errors(y, x)
    found = np.array(_prefixes(y, x.gaussian, sizes, seed=seed))
    over = 1 / sizes
    slope = np.polyfit(over, found, 1)
    value = float(slope[1])
    weights = 1 / points - over.mean() * (over - over.mean()) / ((over - over.mean()) ** 2).sum()
    share = _largest_share(weights, sizes)
    error = _extrapolated_error(lucks, s, share)
    drawn = lucks[1].bias if x.rows is not None else 0.0
    notes: dict[str, Note] = _notes(y.gaussian, x.gaussian, False) | {
        "finite": float(found[-1]),
        "slope": float(slope[0]),
        "residual": float(np.std(found - np.polyval(slope, over), ddof=2)),
        "fewest": int(sizes[0]),
        "points": points,
        "seed": seed,
        "error_of": "samples" if x.rows is None else "samples and real",
    }
    return Estimate(value, error, _floor(0.0, x), notes, _interval(value - drawn, error), lucks[1].bias)


def _sizes(y: FrechetSide, x: FrechetSide, *, points: int, fewest: int | None) -> NDArray[np.int64]:
    """Numbers of samples, (points,), rising to n."""
    n, m, width = y.gaussian.n, x.gaussian.n, len(y.gaussian.mean)
    if points < 3:
        raise BadInput(f"points: found {points}, expected 3 or more, to fit a line. Leave it out for 15.")
    first = min(5000, max(n // 10, 2 * width)) if fewest is None else fewest
    if not width < first <= n // 2 or m <= width:
        found = f"{n} samples and {m} real ones of {width} features, the fewest {first}"
        raise BadInput(f"frechet_infinite: found {found}, expected fewest in d + 1 .. n / 2, and m > d. Draw more.")
    return np.linspace(first, n, points).astype(np.int64)


def _prefixes(y: FrechetSide, real: Gaussian, sizes: NDArray[np.int64], *, seed: int) -> list[float]:
    """The distances of the first so many rows of a random order."""
    assert y.rows is not None
    rows = y.rows
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).to(rows.device)
    moments, values = None, []
    for start, stop in zip([0, *sizes[:-1]], sizes, strict=True):
        part = Moments.of(rows[order[start:stop]])
        moments = part if moments is None else moments.merge(part)
        gaussian = Gaussian.of_moments(moments, real.ddof)
        values.append(sum(_terms(gaussian, real, bures.singular_values(gaussian.factor, real.factor))))
    return values


def _largest_share(weights: NDArray[np.float64], sizes: NDArray[np.int64]) -> float:
    """sum_i a_i^2 of the weights a_i that samples have in the intercept: 1/n, were they all alike."""
    per_sample = np.cumsum((weights / sizes)[::-1])[::-1]  # a sample is in all prefixes that are long enough
    return float((per_sample**2 * np.diff(sizes, prepend=0)).sum())


def _extrapolated_error(lucks: list[SamplingError], s: Tensor, share: float) -> float:
    own, other = lucks
    square = bures.second_order_variance(s) * own.excess**2
    linear = max((own.variance or 0.0) - 2 * square / own.n, 0.0) * share
    return math.sqrt(linear + square * share**2 + (other.variance or 0.0) / other.n)


def _terms(a: Gaussian, b: Gaussian, s: Tensor) -> tuple[float, float]:
    return float((a.mean - b.mean).square().sum()), a.trace + b.trace - 2 * float(s.sum())


def _interval(centre: float, error: float | None) -> tuple[float, float] | None:
    if error is None:
        return None
    return max(centre - Z95 * error, 0.0), max(centre + Z95 * error, 0.0)


def _sampling_errors(y: FrechetSide, x: FrechetSide) -> tuple[Tensor, float, list[SamplingError]]:
    """The singular values s, the curvature's shortfall at them, and what drawing each side does; raises BadInput for
    unlike widths."""
    a, b = y.gaussian, x.gaussian
    if len(a.mean) != len(b.mean):
        found = f"{len(a.mean)} and {len(b.mean)} features"
        raise BadInput(f"samples and real: found {found}, expected as many. Use one extractor for both.")
    over = (1 / a.n + 1 / b.n) / 2
    if y.rows is None and x.rows is None:
        s = bures.singular_values(a.factor, b.factor)
        short, normal = bures.curvature_shortfall(s) * over, bures.normal_curvature(s)
        return s, short, [_sampling_error(side, s, short, normal=normal) for side in (y, x)]
    s, for_samples, for_real = bures.transport_maps(a.factor, b.factor)
    short, normal, shift = bures.curvature_shortfall(s) * over, bures.normal_curvature(s), a.mean - b.mean
    own = _sampling_error(y, s, short, normal=normal, carry=for_samples, shift=shift)
    return s, short, [own, _sampling_error(x, s, short, normal=normal, carry=for_real, shift=-shift)]


def _sampling_error(
    side: FrechetSide,
    s: Tensor,
    short: float,
    *,
    normal: float,
    carry: Tensor | None = None,
    shift: Tensor | None = None,
) -> SamplingError:
    """What drawing one side does; normal: the curvature of normal features."""
    gaussian = side.gaussian
    variance, curvature = None, normal
    if side.rows is not None:
        assert carry is not None
        assert shift is not None
        variance, curvature = bures.influence_and_curvature(side.rows, gaussian.mean, shift, carry=carry, s=s)
    # Divided by n, a covariance is S/n too small, which moves the distance by -tr (I - T) S / n.
    shrunk = 0.0 if gaussian.ddof else gaussian.trace - float(s.sum())
    excess = _excess(curvature, normal)
    bias = (gaussian.trace + curvature / (1 - min(excess * short, 0.5)) - shrunk) / gaussian.n
    return SamplingError(gaussian.n, bias, variance, excess)


def _error(drawn: list[SamplingError], s: Tensor, few: bool) -> float:
    """Standard error of the value by the luck of these sides."""
    linear = sum((luck.variance or 0.0) / luck.n for luck in drawn)
    if few:
        return math.sqrt(linear)
    # Influences are taken at the estimates, whose own luck adds twice the square terms' variance to theirs.
    square = bures.second_order_variance(s) * sum(luck.excess / luck.n for luck in drawn) ** 2
    return math.sqrt(max(linear - square, square))


def _floor(over: float, real: FrechetSide) -> float:
    """Mean distance of n = 1/over and m real samples: (1/n + 1/m)(tr S + curvature), at the real side's S."""
    gaussian, width = real.gaussian, len(real.gaussian.mean)
    if real.rows is None:
        s = gaussian.spectrum
        curvature = normal = bures.normal_curvature(s)
    else:
        s, carry, _ = bures.transport_maps(gaussian.factor, gaussian.factor)
        still = torch.zeros(width, dtype=torch.float64)
        _, curvature = bures.influence_and_curvature(real.rows, gaussian.mean, still, carry=carry, s=s)
        normal = bures.normal_curvature(s)
    short = bures.curvature_shortfall(s) / gaussian.n * _excess(curvature, normal)
    return (over + 1 / gaussian.n) * (gaussian.trace + curvature / (1 - min(short, 0.5)))


def _excess(curvature: float, normal: float) -> float:
    """How much larger the curvature is than that of normal features, 1 at least: heavier tails have more."""
    return max(curvature / normal, 1.0) if normal > 0 else 1.0


def _notes(a: Gaussian, b: Gaussian, few: bool) -> dict[str, Note]:
    notes: dict[str, Note] = {"n": a.n, "m": b.n, "dimension": len(a.mean)}
    if few:
        notes["few_samples"] = True
    if min(a.n, b.n) <= len(a.mean):
        notes["rank_deficient"] = True
    still = int((_constant(a) | _constant(b)).sum())
    return notes | ({"constant_features": still} if still else {})


def _constant(gaussian: Gaussian) -> Tensor:
    """Which features do not vary, beyond the rounding of their mean."""
    return gaussian.factor.square().sum(0).sqrt() <= 1e-12 * gaussian.mean.abs()
