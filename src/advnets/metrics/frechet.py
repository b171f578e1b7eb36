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
from advnets.statistics.estimate import Estimate, Note
from advnets.statistics.gaussian import Gaussian
from advnets.statistics.heavy_tails import distance_interval, variance_degrees
from advnets.statistics.moments import Moments, expect_covariance

MOST_SHORTFALL = 0.12
"""Largest shortfall of the curvature for which bias, floor and interval are given; beyond it their series fails."""


LARGEST_SIZE = 1e70
"""The root mean square of features is below it, and they vary by its inverse or more, or not at all.

Otherwise fourth powers could overflow.
"""


@dataclass(frozen=True, eq=False)
class FrechetSide:
    """One side of the distance.

    Attributes:
        gaussian: Its Gaussian.
        rows: Its features, (n, d), or None if only the Gaussian was given.
    """

    gaussian: Gaussian
    rows: Tensor | None

    @staticmethod
    def of(given: Array | Gaussian, name: str, ddof: int) -> "FrechetSide":
        """Make a side of what was given.

        Args:
            given: Features, (n, ...), or a Gaussian.
            name: What an error calls the side.
            ddof: 1 divides the covariance by n - 1, 0 by n.

        Returns:
            The side.

        Raises:
            BadInput: If there is no covariance.
            NonFinite: If the features are too large or vary too little.
        """
        if isinstance(given, Gaussian):
            return FrechetSide(_expect_size(given.with_ddof(ddof), name), None)
        rows = flatten(given, name)
        expect_covariance(len(rows), ddof, name)
        return FrechetSide(_expect_size(Gaussian.of(rows, ddof), name), rows)


def _expect_size(gaussian: Gaussian, name: str) -> Gaussian:
    """The same Gaussian; raises NonFinite if its features are too large or small for fourth moments."""
    size = math.sqrt(gaussian.trace + float(gaussian.mean.square().sum()))
    if not size < LARGEST_SIZE:
        raise NonFinite(
            f"{name}: found features of size {size:.3g}, expected less than {LARGEST_SIZE:.0e}. Scale them."
        )
    widest = float(gaussian.factor.abs().max())
    if 0 < widest < 1 / LARGEST_SIZE:
        raise NonFinite(
            f"{name}: found features that vary by {widest:.3g}, expected {1 / LARGEST_SIZE:.0e} or 0. Scale them."
        )
    return gaussian


@dataclass(frozen=True)
class SamplingError:
    """What drawing n samples of one side does to the distance.

    Attributes:
        n: Number of samples.
        bias: The bias that the draw adds.
        variance: Variance of its linear part, times n; None if the rows are not known.
        kurtosis: Kurtosis of the influences: large where few samples decide; 1 if the rows are not known.
        excess: How many times larger the curvature is than that of normal features, 1 at least.
    """

    n: int
    bias: float
    variance: float | None
    kurtosis: float
    excess: float


def frechet(samples: Array | Gaussian, real: Array | Gaussian, *, ddof: int = 1) -> Estimate:
    """Compute the Fréchet distance of the Gaussians of two sets of features.

        |mu_1 - mu_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^1/2,        tr (S_1 S_2)^1/2 = |A B^T|_*

    Of Inception features it is the FID. D. Dowson and B. Landau, The Fréchet distance between multivariate normal
    distributions, 1982, eq. 4; M. Heusel et al., GANs trained by a two time-scale update rule, 2017, eq. 6. The right
    form, by the singular values of a product of factors, is of A. Mathiasen and F. Hvilshoj, 2020
    (`advnets.statistics.bures`). It needs no eps, is never complex, and is exact for fewer samples than features. It is
    not to be confused with a distance between arbitrary distributions: sets of one mean and covariance are at 0.

    Where samples are so few that the series of the bias fails (below about 4 d if all axes are alike), bias, floor and
    interval are None, the note `few_samples` is set, and the error covers the linear part alone. Values of up to d
    samples (`rank_deficient`) are far above those of many samples.

    Args:
        samples: Features, (n, ...), of 2 samples or more; or a `Gaussian`, made once of a reference, which is taken for
            the population itself.
        real: Features by the same extractor, (m, ...), of 2 real items or more; or a `Gaussian` likewise.
        ddof: 1 divides covariances by n - 1, 0 by n.

    Returns:
        The distance. Its bias is what the value has above the distance of the populations, to second order in the
        covariances of both sides: by the features' fourth moments, or for a Gaussian as of normal features. Its error
        is that of drawing the sides that were given as features, which `error_of` names: by influence functions, with
        the second-order part that remains where both sides are alike; None if both sides are Gaussians. Its interval is
        about the value less the bias of these sides, by `distance_interval`, with the degrees of freedom that few large
        influences leave. Its floor is the mean value for two real sets
        of these sizes, to second order, by the real side. Its notes hold `mean_term`, `covariance_term`, `n`, `m` and
        `dimension`, and `constant_features`, where a side does not vary in some.

    Raises:
        BadInput: If a shape, a value or ddof is wrong, the widths differ, or there are fewer than 2 samples.
        NonFinite: If the features' root mean square is `LARGEST_SIZE` or more, or they vary by less than its inverse.

    Example:
        >>> features = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
        >>> round(frechet(features + 3, features).value, 3)
        18.0
    """
    y, x = FrechetSide.of(samples, "samples", ddof), FrechetSide.of(real, "real", ddof)
    a, b = y.gaussian, x.gaussian
    s, short, errors = _sampling_errors(y, x)
    few = min(a.n, b.n) <= len(a.mean) or short > MOST_SHORTFALL
    mean_term, covariance_term = _distance_terms(a, b, s)
    value = mean_term + covariance_term
    notes = _size_notes(a, b, few) | {"mean_term": mean_term, "covariance_term": covariance_term}
    drawn = {name: one for name, one in zip(("samples", "real"), errors, strict=True) if one.variance is not None}
    error = _standard_error(list(drawn.values()), s, few) if drawn else None
    if drawn:
        notes["error_of"] = " and ".join(drawn)
    if few:
        return Estimate(value, error, notes=notes)
    interval = _interval(value - sum(one.bias for one in drawn.values()), error, [(one, 1 / one.n) for one in errors])
    return Estimate(value, error, _mean_distance_of_real(1 / a.n, x), notes, interval, sum(one.bias for one in errors))


def frechet_infinite(
    samples: Array,
    real: Array | Gaussian,
    *,
    ddof: int = 1,
    points: int = 15,
    fewest: int | None = None,
    seed: int = 0,
) -> Estimate:
    """Extrapolate the Fréchet distance to infinitely many samples.

    It is the intercept of a line through the distances F(n) of n samples, over 1/n:

        F(n) = F_inf + c / n,        n in `points` equal steps from `fewest` to all of them

    M. Chong and D. Forsyth, Effectively unbiased FID and Inception Score and where to find them, 2020, section 4. The
    n samples are the first n of one random order, so that all covariances cost one pass. Each distance costs two
    decompositions. As in the paper, only the samples' side is extrapolated.

    Args:
        samples: Features of samples, (n, ...).
        real: Features or a `Gaussian`, as for `frechet`.
        ddof: As for `frechet`.
        points: Distances that the line is fitted to, 3 or more.
        fewest: Samples of the first distance. None takes the published 5,000, or for fewer than 50,000 samples a tenth
            of them, but at least 2 d.
        seed: Seed of the order.

    Returns:
        The intercept. Its error is that of drawing the samples, by the influence functions and the weight that each
        sample has in the intercept, and of drawing real features where they are given (`error_of` says so). The error
        is larger than that of `frechet`: the price of the extrapolation. Its bias is what the real side's number of
        items adds. Its interval is as that of `frechet`, about the value less that bias, if real is features. Its floor
        is the same for two real sets, the real side's bias. Its notes hold `finite` (the value of all samples), `slope`
        (c), `residual` (the deviation from the line), `n`, `m`, `dimension`, `fewest`, `points` and `seed`.

    Raises:
        BadInput: As `frechet` does, or if there are fewer samples than 2 fewest, or fewer real items than d + 1.
        NonFinite: As `frechet` does.
    """
    if isinstance(samples, Gaussian):
        raise BadInput("samples: found a Gaussian, expected features, to draw subsets of them. Give features.")
    y, x = FrechetSide.of(samples, "samples", ddof), FrechetSide.of(real, "real", ddof)
    sizes = _prefix_sizes(y, x, points=points, fewest=fewest)
    s, _, errors = _sampling_errors(y, x)
    found = np.array(_prefix_distances(y, x.gaussian, sizes, seed=seed))
    over = 1 / sizes
    slope = np.polyfit(over, found, 1)
    value = float(slope[1])
    weights = 1 / points - over.mean() * (over - over.mean()) / ((over - over.mean()) ** 2).sum()
    share = _largest_share(weights, sizes)
    error = _extrapolated_error(errors, s, share)
    drawn = errors[1].bias if x.rows is not None else 0.0
    notes: dict[str, Note] = _size_notes(y.gaussian, x.gaussian, False) | {
        "finite": float(found[-1]),
        "slope": float(slope[0]),
        "residual": float(np.std(found - np.polyval(slope, over), ddof=2)),
        "fewest": int(sizes[0]),
        "points": points,
        "seed": seed,
        "error_of": "samples" if x.rows is None else "samples and real",
    }
    interval = _interval(value - drawn, error, [(errors[0], share), (errors[1], 1 / errors[1].n)])
    return Estimate(value, error, _mean_distance_of_real(0.0, x), notes, interval, errors[1].bias)


def _prefix_sizes(y: FrechetSide, x: FrechetSide, *, points: int, fewest: int | None) -> NDArray[np.int64]:
    """Numbers of samples of each distance, (points,), rising to n."""
    n, m, width = y.gaussian.n, x.gaussian.n, len(y.gaussian.mean)
    if points < 3:
        raise BadInput(f"points: found {points}, expected 3 or more, for a line. Leave it out for the default of 15.")
    first = min(5000, max(n // 10, 2 * width)) if fewest is None else fewest
    if not width < first <= n // 2 or m <= width:
        found = f"{n} samples and {m} real ones of {width} features, the fewest {first}"
        raise BadInput(f"frechet_infinite: found {found}, expected fewest in d + 1 .. n / 2, and m > d. Draw more.")
    return np.linspace(first, n, points).astype(np.int64)


def _prefix_distances(y: FrechetSide, real: Gaussian, sizes: NDArray[np.int64], *, seed: int) -> list[float]:
    """The distances of the first rows of a random order, for each number of rows."""
    assert y.rows is not None
    rows = y.rows
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).to(rows.device)
    moments, values = None, []
    for start, stop in zip([0, *sizes[:-1]], sizes, strict=True):
        part = Moments.of(rows[order[start:stop]])
        moments = part if moments is None else moments.merge(part)
        gaussian = Gaussian.of_moments(moments, real.ddof)
        values.append(sum(_distance_terms(gaussian, real, bures.singular_values(gaussian.factor, real.factor))))
    return values


def _largest_share(weights: NDArray[np.float64], sizes: NDArray[np.int64]) -> float:
    """sum_i a_i^2 of the weights a_i of samples in the intercept; it would be 1/n if they were equal."""
    per_sample = np.cumsum((weights / sizes)[::-1])[::-1]  # a sample is in all prefixes that are long enough
    return float((per_sample**2 * np.diff(sizes, prepend=0)).sum())


def _extrapolated_error(errors: list[SamplingError], s: Tensor, share: float) -> float:
    own, other = errors
    square = bures.second_order_variance(s) * own.excess**2
    linear = max((own.variance or 0.0) - 2 * square / own.n, 0.0) * share
    return math.sqrt(linear + square * share**2 + (other.variance or 0.0) / other.n)


def _distance_terms(a: Gaussian, b: Gaussian, s: Tensor) -> tuple[float, float]:
    return float((a.mean - b.mean).square().sum()), a.trace + b.trace - 2 * float(s.sum())


def _interval(
    centre: float, error: float | None, shares: list[tuple[SamplingError, float]]
) -> tuple[float, float] | None:
    """The 95 % interval of the distance; each side has the sum of the squares of its samples' weights, 1/n if equal."""
    if error is None:
        return None
    parts = [((one.variance or 0.0) * share, one.kurtosis, one.n) for one, share in shares]
    return distance_interval(centre, error, variance_degrees(parts))


def _sampling_errors(y: FrechetSide, x: FrechetSide) -> tuple[Tensor, float, list[SamplingError]]:
    """The singular values s, the curvature's shortfall at them, and what drawing each side does.

    Raises BadInput for unlike widths.
    """
    a, b = y.gaussian, x.gaussian
    if len(a.mean) != len(b.mean):
        found = f"{len(a.mean)} and {len(b.mean)} features"
        raise BadInput(f"samples and real: found {found}, expected one width. Use one extractor for both.")
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
    """What drawing one side does; `normal` is the curvature of normal features."""
    gaussian = side.gaussian
    variance, kurtosis, curvature = None, 1.0, normal
    if side.rows is not None:
        assert carry is not None
        assert shift is not None
        variance, kurtosis, curvature = bures.influence_and_curvature(side.rows, gaussian.mean, shift, carry=carry, s=s)
    # Divided by n, a covariance is S/n too small, which moves the distance by -tr (I - T) S / n.
    shrunk = 0.0 if gaussian.ddof else gaussian.trace - float(s.sum())
    excess = _excess_curvature(curvature, normal)
    bias = (gaussian.trace + curvature / (1 - min(excess * short, 0.5)) - shrunk) / gaussian.n
    return SamplingError(gaussian.n, bias, variance, kurtosis, excess)


def _standard_error(drawn: list[SamplingError], s: Tensor, few: bool) -> float:
    """Standard error of the value by the draws of these sides."""
    linear = sum((one.variance or 0.0) / one.n for one in drawn)
    if few:
        return math.sqrt(linear)
    # Influences are taken at the estimates, whose own errors add twice the square terms' variance to theirs.
    square = bures.second_order_variance(s) * sum(one.excess / one.n for one in drawn) ** 2
    return math.sqrt(max(linear - square, square))


def _mean_distance_of_real(over: float, real: FrechetSide) -> float:
    """Mean distance of n = 1/over and m real samples: (1/n + 1/m)(tr S + curvature), at the real side's S."""
    gaussian, width = real.gaussian, len(real.gaussian.mean)
    if real.rows is None:
        s = gaussian.spectrum
        curvature = normal = bures.normal_curvature(s)
    else:
        s, carry, _ = bures.transport_maps(gaussian.factor, gaussian.factor)
        still = torch.zeros(width, dtype=torch.float64)
        _, _, curvature = bures.influence_and_curvature(real.rows, gaussian.mean, still, carry=carry, s=s)
        normal = bures.normal_curvature(s)
    short = bures.curvature_shortfall(s) / gaussian.n * _excess_curvature(curvature, normal)
    return (over + 1 / gaussian.n) * (gaussian.trace + curvature / (1 - min(short, 0.5)))


def _excess_curvature(curvature: float, normal: float) -> float:
    """How many times the curvature is that of normal features, 1 at least; heavy tails have more."""
    return max(curvature / normal, 1.0) if normal > 0 else 1.0


def _size_notes(a: Gaussian, b: Gaussian, few: bool) -> dict[str, Note]:
    notes: dict[str, Note] = {"n": a.n, "m": b.n, "dimension": len(a.mean)}
    if few:
        notes["few_samples"] = True
    if min(a.n, b.n) <= len(a.mean):
        notes["rank_deficient"] = True
    still = int((_constant_features(a) | _constant_features(b)).sum())
    return notes | ({"constant_features": still} if still else {})


def _constant_features(gaussian: Gaussian) -> Tensor:
    """Which features do not vary, beyond the rounding of their mean."""
    return gaussian.factor.square().sum(0).sqrt() <= 1e-12 * gaussian.mean.abs()
