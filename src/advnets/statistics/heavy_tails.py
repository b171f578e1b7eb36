"""Intervals of a mean or a squared distance whose error is itself uncertain, because few large values decide it."""

import math
from collections.abc import Sequence

import scipy
from torch import Tensor

LOWER, UPPER = (1.5, 3.0), (0.5, 1.5)
"""Reaches between 0 and the middle of an interval up to which an end is even, and from which it is that of a log scale.

The upper end is the one that misses on heavy tails; the lower one decides whether a small distance may be 0."""

HEAVIEST = 5.0
"""Least `tail_weight` at which no error of a mean is to be had: it lacks the rare large values that decide it.

The cubic kernel's influences have 1.8 to 3.3 for MNIST, CIFAR-10 and digits, 4.6 at most for normal features, and 5.3
or more for lognormal ones."""

FEWEST_DEGREES = 2.0
"""Least degrees of freedom: from fewer, no interval is to be had."""


def kurtosis(values: Tensor) -> float:
    """Compute the kurtosis, E (x - mean)^4 / (E (x - mean)^2)^2: 3 if x is normal, more where few values are large.

    Args:
        values: x, (n,).

    Returns:
        The kurtosis; 1, the least that there is, if all values are equal.
    """
    squares = (values.double() - values.double().mean()).square()
    mean = squares.mean()
    return float((squares / mean).square().mean()) if float(mean) > 0 else 1.0


def tail_weight(values: Tensor) -> float:
    """Compute how much the largest and smallest values stand out: 2.6 if x is normal, 1.9 if even, more if heavy.

        (U(.05) - L(.05)) / (U(.5) - L(.5)),    U(a), L(a): means of the largest and smallest share a

    R. Hogg, Adaptive robust procedures: a partial review, 1974. Unlike the kurtosis, it hardly depends on the few
    largest values: a sample that happens to lack them has an error that is too small, and must not pass for that.

    Args:
        values: x, (n,).

    Returns:
        The weight; 0 if all values are equal.
    """
    x = values.double().sort().values
    few, half = max(1, len(x) // 20), max(1, len(x) // 2)
    inner = float(x[-half:].mean() - x[:half].mean())
    return float(x[-few:].mean() - x[:few].mean()) / inner if inner > 0 else 0.0


def are_too_heavy(*sides: Tensor) -> bool:
    """Whether a sum of means has no error to be had, by `HEAVIEST`.

    Args:
        *sides: What each item of a side adds, (n,) each.

    Returns:
        Whether a side that has more than a tenth of the variance is too heavy.
    """
    parts = [float(x.double().var(correction=0)) / len(x) for x in sides]
    return any(tail_weight(x) >= HEAVIEST for x, v in zip(sides, parts, strict=True) if v > sum(parts) / 10)


def variance_degrees(parts: Sequence[tuple[float, float, int]]) -> float:
    """Compute the degrees of freedom of an estimated variance V = sum_i v_i, 2 V^2 / Var V.

        2 / sum_i (v_i / V)^2 (k_i - 1) / n_i

    F. Satterthwaite, An approximate distribution of estimates of variance components, 1946. Here the variance of a
    variance is that of n values of kurtosis k, so that the mean of normal ones has n degrees.

    Args:
        parts: For each part its v_i, and the kurtosis and the number of the values that it comes from.

    Returns:
        The degrees of freedom, at least `FEWEST_DEGREES`, and infinite where nothing is spread.
    """
    whole = sum(variance for variance, _, _ in parts)
    if not whole > 0:
        return math.inf
    spread = sum((variance / whole) ** 2 * (k - 1) / n for variance, k, n in parts)
    return max(2 / spread, FEWEST_DEGREES) if spread > 0 else math.inf


def mean_degrees(*sides: Tensor) -> float:
    """Compute the degrees of freedom of the variance of a sum of means, by `variance_degrees`.

    Args:
        *sides: What each item of a side adds, (n,) each.

    Returns:
        The degrees of freedom.
    """
    return variance_degrees([(float(x.double().var(correction=0)) / len(x), kurtosis(x), len(x)) for x in sides])


def reach(error: float, degrees: float) -> float:
    """Half a 95 % interval: the error times Student's t.

    Args:
        error: The standard error.
        degrees: Degrees of freedom of the error.

    Returns:
        Half the interval.
    """
    return float(scipy.stats.t.ppf(0.975, degrees) if math.isfinite(degrees) else scipy.stats.norm.ppf(0.975)) * error


def distance_interval(centre: float, error: float, degrees: float) -> tuple[float, float]:
    """Compute a 95 % interval of a squared distance, whose error rises with it.

        centre - r phi(-x), centre + r phi(x),    phi(x) = (e^x - 1) / x,    r = t error,    x = w r / centre

    Samples that lack the rare large values of a heavy tail have too small a distance and too small an error at once.
    So t is Student's, by the degrees of freedom that the error has, and far from 0 (w = 1) the interval is even on a
    log scale: centre exp(-r / centre) to centre exp(r / centre). Near 0, where the error does not rise with the
    distance, it is centre +- r (w = 0), cut at 0. Between the two, w rises in proportion to centre / r, over `LOWER`
    for the lower end and over `UPPER` for the upper one.

    Args:
        centre: Estimate of the distance, less its bias.
        error: Its standard error.
        degrees: Degrees of freedom of the error, `variance_degrees`.

    Returns:
        The ends.

    Example:
        >>> [round(end, 3) for end in distance_interval(10.0, 1.0, math.inf)]
        [8.22, 12.165]
        >>> [round(end, 3) for end in distance_interval(0.5, 1.0, math.inf)]
        [0.0, 2.46]
    """
    r = reach(error, degrees)
    low, high = -r * _phi(-_log_share(centre, r, LOWER)), r * _phi(_log_share(centre, r, UPPER))
    return max(centre + low, 0.0), max(centre + high, 0.0)


def _log_share(centre: float, r: float, over: tuple[float, float]) -> float:
    """Return x = w r / centre for the end whose w rises over these reaches."""
    if not 0 < r < centre / over[0]:
        return 0.0
    return min((centre / r - over[0]) / (over[1] - over[0]), 1.0) * r / centre


def _phi(x: float) -> float:
    return math.expm1(x) / x if x else 1.0
