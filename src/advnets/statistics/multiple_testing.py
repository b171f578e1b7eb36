"""Several tests at once: p-values adjusted for their number."""

from collections.abc import Sequence

import numpy as np
import scipy

from advnets.errors import BadInput
from advnets.statistics.arrays import Floats


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that among those up to q a share of q is false, on average.

        adjusted_(i) = min_(j >= i) min(1, m p_(j) / j)

    Y. Benjamini and Y. Hochberg, Controlling the false discovery rate, 1995, for tests that are independent or rise
    together. It is not to be confused with Holm's method, which guards against any false one.

    Args:
        p_values: p-values of m tests, each in [0, 1].

    Returns:
        m adjusted p-values, in the order given.

    Raises:
        BadInput: If a number is not a p-value.

    Example:
        >>> benjamini_hochberg([0.01, 0.04, 0.03])
        [0.03, 0.04, 0.04]
    """
    p = _check_p_values(p_values)
    return [float(one) for one in scipy.stats.false_discovery_control(p)] if len(p) else []


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that any of those up to alpha is false with a chance of alpha at most.

        adjusted_(i) = max_(j <= i) min(1, (m - j + 1) p_(j))

    S. Holm, A simple sequentially rejective multiple test procedure, 1979. It holds however the tests depend on each
    other.

    Args:
        p_values: p-values of m tests, each in [0, 1].

    Returns:
        m adjusted p-values, in the order given.

    Raises:
        BadInput: If a number is not a p-value.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    p = _check_p_values(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(np.minimum(1, np.arange(len(p), 0, -1) * p[order])) if len(p) else p
    return [float(one) for one in adjusted]


def _check_p_values(p_values: Sequence[float]) -> Floats:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not bool(((p >= 0) & (p <= 1)).all()):  # NaN is neither
        raise BadInput(f"p_values: found {p_values}, expected numbers in [0, 1] in a row. Leave out tests without one.")
    return p
