"""How many of K modes are seen among n samples, and how uneven they are, from the count of each mode."""

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from advnets.statistics.arrays import Floats
from advnets.statistics.estimate import Z95, Estimate, Note

Counts = NDArray[np.int64]

CERTAIN = 30
"""A mode that is expected so often is missed with a chance of exp(-30), which is as good as never."""

RATES = np.concatenate([[0.0], np.geomspace(0.01, 2 * CERTAIN, 80)])
"""Expected counts lambda from which the distribution of modes is mixed; 0 is a mode that is never drawn."""

FEWEST_PER_MODE = 20
"""Fewest samples a mode, on average, from which the divergence has an interval.

With fewer, the next term of its bias counts beside its error: at 5 samples a mode, an interval of 1,000 uneven modes
would hold the truth in 45 % of draws, at 10 in 86 %, at 20 in 94 %."""

STEPS = 50
"""Most Newton steps to the likeliest rates; a dozen are usually enough."""

ENOUGH = 1e-6
"""Mean gain of log likelihood, nats a mode, below which the steps end."""


def occupied_modes(counts: Counts, n: int, *, floor: float | None = None) -> Estimate:
    """Estimate the mean number of modes that are seen at least once among n samples.

        S = #{k: c_k > 0},    E S = sum_k 1 - (1 - p_k)^n
        Var S = sum_k e_k (1 - e_k) - (sum_k lambda_k e_k)^2 / n,    e_k = exp(-lambda_k), lambda_k = n p_k

    W. Feller, An introduction to probability theory and its applications, vol. 1, 1968, section IV.2. The rates
    lambda_k are not known, but their distribution nearly is: the one that makes the counts likeliest (N. Laird,
    Nonparametric maximum likelihood estimation of a mixing distribution, 1978). It covers modes never seen too, for K
    is known. With c_k in place of lambda_k every missing mode would count as impossible, and the error would be too
    small.

    The error is the square root of Var S. The interval is for E S, the mean number at that n, not for the number of
    modes that the distribution has. It is value +- 1.96 error within 0..K, and upwards no less than u (1 - .025^(1 /
    u)): u unseen modes might have brought so many on average and yet, 2.5 times in a hundred, bring none.

    Args:
        counts: c_k, the samples in each mode, (K,).
        n: Samples drawn, those in no mode included: sum_k c_k or more.
        floor: E S of real samples; None takes that of samples even over the K modes.

    Returns:
        S, with the interval of E S. The notes hold `n`; `of`, which is K; `once`, the modes with one sample; and
        `least`, the smallest count.
    """
    k, seen, once = len(counts), int((counts > 0).sum()), int((counts == 1).sum())
    rates, weights = _likeliest_rates(counts)
    missed = np.exp(-rates)
    variance = k * weights @ (missed - missed**2) - (k * weights @ (rates * missed)) ** 2 / n
    error, unseen = math.sqrt(max(0.0, float(variance))), k - seen
    unlucky = unseen * (1 - 0.025 ** (1 / unseen)) if unseen else 0.0
    interval = (max(0.0, seen - Z95 * error), min(float(k), seen + max(Z95 * error, unlucky)))
    notes: dict[str, Note] = {"n": n, "of": k, "once": once, "least": int(counts.min())}
    usual = expected_occupied(np.full(k, 1 / k), n) if floor is None else floor
    return Estimate(float(seen), error, usual, notes, interval)


def expected_occupied(shares: Floats, n: int) -> float:
    """Compute the mean number of modes with a sample among n, sum_k 1 - (1 - p_k)^n.

    Args:
        shares: p_k, the share of each mode, (K,).
        n: Samples.

    Returns:
        The mean number of modes.

    Example:
        >>> round(expected_occupied(np.full(1000, 0.001), 1000), 1)
        632.3
    """
    return float((1 - (1 - shares) ** n).sum())


def mode_divergence(counts: Counts) -> Estimate:
    """Estimate the KL divergence of the samples' modes from even ones, in nats.

        KL = sum_k p_k log(K p_k),    p_k = c_k / n

    It is 0 if all K modes are equally often, and log K if there is one alone.

    The error is the delta method's, sqrt((sum_k p_k (log K p_k)^2 - KL^2) / n - (m - 1) / 2n^2) with m the modes seen.
    It is no less than sqrt((m - 1) / 2n^2), its value where modes are even and 2n KL is chi-squared. The floor is
    (K - 1) / 2n, the mean of KL for samples that are even (G. Miller, Note on the bias of information estimates, 1955),
    and the bias is (m - 1) / 2n. The interval is that of `_divergence_interval`, about KL less its bias. With fewer
    than `FEWEST_PER_MODE` samples a mode, error and interval are None, for the bias is not known well enough.

    Args:
        counts: c_k, the samples in each mode, (K,), with n = sum_k c_k > 0.

    Returns:
        KL. The notes hold `corrected`, KL less its bias (Miller and Madow); `exact_floor`, the mean for even samples
        without approximation, which is well below the floor where n is less than K; `few`, whether n < 20 K; `n`; `of`,
        which is K; and `seen`, which is m.
    """
    k, n, m = len(counts), int(counts.sum()), int((counts > 0).sum())
    p = np.sort(counts[counts > 0]) / n  # in an order of its own, for the sums' last digit
    surprise = np.log(k * p)
    kl = abs(float(p @ surprise))
    bias = (m - 1) / (2 * n)
    delta = (float(p @ surprise**2) - kl**2 - bias) / n
    is_few = n < FEWEST_PER_MODE * k
    notes: dict[str, Note] = {
        "corrected": kl - bias,
        "exact_floor": _even_divergence(k, n),
        "few": is_few,
    }
    notes |= {"n": n, "of": k, "seen": m}
    error = None if is_few else math.sqrt(max(delta, bias / n))
    interval = None if is_few else _divergence_interval(kl - bias, bias / n, delta, n)
    return Estimate(kl, error, (k - 1) / (2 * n), notes, interval, bias=bias)


def _divergence_interval(corrected: float, at_zero: float, delta: float, n: int) -> tuple[float, float]:
    """The divergences t at which the estimate would lie within 1.96 of its errors: |corrected - t| <= 1.96 sqrt(V(t)).

    The variance rises with the divergence, in a line: V(t) = a + b t, with a that of even modes, and b so that V is the
    delta method's at the estimate. Near 0 the slope is 2 / n, that of a noncentral chi-squared 2n KL. E. Wilson,
    Probable inference, the law of succession, and statistical inference, 1927, does so for a share.
    """
    slope = max((delta - at_zero) / corrected, 0.0) if corrected > math.sqrt(at_zero) else 2 / n
    middle = corrected + Z95**2 * slope / 2
    reach = Z95 * math.sqrt(max(at_zero + slope * corrected + (Z95 * slope / 2) ** 2, 0.0))
    return max(middle - reach, 0.0), max(middle + reach, 0.0)


def _even_divergence(k: int, n: int) -> float:
    """Compute the mean KL of n samples even over K modes: K E[c/n log(K c/n)], c ~ Bin(n, 1/K)."""
    c = np.arange(max(1, int(scipy.stats.binom.ppf(1e-18, n, 1 / k))), int(scipy.stats.binom.isf(1e-18, n, 1 / k)) + 1)
    terms = scipy.stats.binom.pmf(c, n, 1 / k) * c / n * np.log(k * c / n)
    return max(0.0, k * float(terms.sum()))


def _likeliest_rates(counts: Counts) -> tuple[Floats, Floats]:
    """Return RATES, and the weight of each that makes Poisson counts likeliest; (81,) both."""
    found, times = np.unique(np.minimum(counts, CERTAIN), return_counts=True)
    exact, or_more = scipy.stats.poisson.pmf(found[:, None], RATES), scipy.stats.poisson.sf(CERTAIN - 1, RATES)
    likelihood = np.where(found[:, None] < CERTAIN, exact, or_more)
    weights = np.full(len(RATES), 1 / len(RATES))
    for _ in range(STEPS):
        ratios = likelihood / (likelihood @ weights)[:, None]
        if (times / times.sum() @ ratios).max() < 1 + ENOUGH:  # no rate is worth more weight
            break
        weights = _newton_step(likelihood, times, weights, ratios=ratios)
    return RATES, weights


def _newton_step(likelihood: Floats, times: Counts, weights: Floats, *, ratios: Floats) -> Floats:
    """Take one constrained Newton step, halved until the likelihood rises.

    Y. Wang, On fast computation of the non-parametric maximum likelihood estimate of a mixing distribution, 2007.
    """
    rows = np.sqrt(times / times.sum())[:, None] * (ratios - 2)
    target, _ = scipy.optimize.nnls(np.vstack([rows, np.ones(len(RATES))]), np.append(np.zeros(len(rows)), 1.0))
    target /= target.sum()
    before = times @ np.log(likelihood @ weights)
    for halving in range(20):
        new: Floats = weights + 0.5**halving * (target - weights)
        if times @ np.log(np.maximum(likelihood @ new, 1e-300)) > before:
            return new
    return weights
