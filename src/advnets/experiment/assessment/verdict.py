"""What the numbers say, in words that say no more than the numbers do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from advnets import metrics
from advnets.experiment.assessment.battery import MEASURES
from advnets.metrics import Estimate
from advnets.metrics.estimate import Z95

LEVEL = 0.05
"""False discoveries among the tests that speak of a difference, at most, on average."""

AS_REAL = "as real, within its error"
NOT_SHOWN = "no difference can be shown"


@dataclass(frozen=True)
class Verdict:
    """What a measure says of the samples.

    words: for people. differs: whether real samples would hardly get it; None where that is not known.
    adjusted: the p-value after Benjamini and Hochberg, where the measure is a test.
    """

    words: str
    differs: bool | None
    adjusted: float | None = None


def verdicts(estimates: Mapping[str, Estimate]) -> dict[str, Verdict]:
    """The verdict on each measure; p-values are adjusted for all tests together (Benjamini and Hochberg, 1995)."""
    tests = {name: found.p_value for name, found in estimates.items() if found.p_value is not None}
    adjusted = dict(zip(tests, metrics.benjamini_hochberg(list(tests.values())) if tests else [], strict=True))
    return {
        name: _of_a_test(name, adjusted[name]) if name in adjusted else _of_a_value(name, found)
        for name, found in estimates.items()
    }


def _of_a_test(name: str, adjusted: float) -> Verdict:
    differs = adjusted < LEVEL
    row = MEASURES.get(name)
    said = (row.differs if row else "differs from real") if differs else NOT_SHOWN
    return Verdict(f"{said} ({in_words(adjusted)})", differs, adjusted)


def _of_a_value(name: str, found: Estimate) -> Verdict:
    if found.floor is None:
        return Verdict("nothing real to hold it against", None)
    row = MEASURES.get(name)
    apart = found.value - found.floor
    said = f"{abs(apart):.3g} {'above' if apart > 0 else 'below'} real images"
    if row and row.better == "lower" and apart > 0 and found.floor > 0:
        said = f"{found.value / found.floor:.3g} times the floor"
    within = holds_floor(found)
    if within is None:
        return Verdict(f"{said}; its error is not known", None)
    return Verdict(AS_REAL if within else said, not within)


def holds_floor(found: Estimate) -> bool | None:
    """Whether what real samples get lies within the 95 % interval; None where there is no interval.

    The error of a floor that was measured counts too.
    """
    if found.floor is None or found.bounds is None:
        return None
    low, high = found.bounds
    luck = Z95 * float(found.notes.get("floor_error", 0.0))
    below, above = math.hypot(found.value - low, luck), math.hypot(high - found.value, luck)
    return found.value - below <= found.floor <= found.value + above


def in_words(p: float) -> str:
    """A p-value, without digits that mean nothing.

    >>> in_words(0.034), in_words(1e-9)
    ('p = 0.034', 'p < 1e-06')
    """
    return f"p = {p:.2g}" if p >= 1e-6 else "p < 1e-06"
