"""What the numbers say, in words that say no more than the numbers do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from advnets import statistics
from advnets.assessment.measures import MEASURES
from advnets.statistics import Estimate
from advnets.statistics.estimate import Z95, Note

LEVEL = 0.05
"""False discoveries among the tests that speak of a difference, at most, on average."""

AS_REAL = "as real, within its error"


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
    adjusted = dict(zip(tests, statistics.benjamini_hochberg(list(tests.values())) if tests else [], strict=True))
    return {
        name: _of_a_test(name, adjusted[name]) if name in adjusted else _of_a_value(name, found)
        for name, found in estimates.items()
    }


def _of_a_test(name: str, adjusted: float) -> Verdict:
    differs = adjusted < LEVEL
    row = MEASURES.get(name)
    words = (row.differs, row.alike) if row else ("differs from real", "no difference can be shown")
    said = words[0] if differs else words[1]
    return Verdict(f"{said} ({format_p_value(adjusted)})", differs, adjusted)


def _of_a_value(name: str, found: Estimate) -> Verdict:
    if found.floor is None:
        few = found.notes.get("few_samples")
        return Verdict("too few samples to tell" if few else "nothing real to hold it against", None)
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

    The luck of a floor that was measured or counted counts too: the distance of the two is held against the root of
    the sum of squares of both intervals' sides that face each other (G. Zou and A. Donner, Construction of confidence
    limits about effect measures, 2008), which for normal errors is 1.96 sqrt(error^2 + floor_error^2). An interval is
    of the truth, and a floor is as biased as the value, so that the bias is put back; a distance whose interval
    reaches 0 may be 0, however biased.
    """
    bounds = _bounds(found)
    if found.floor is None or bounds is None:
        return None
    low, high = bounds
    if found.interval is not None and found.bias is not None:
        low, high = -math.inf if low <= 0 < found.bias else low + found.bias, high + found.bias
    floor_low, floor_high = _floor_bounds(found.floor, found.notes)
    below = math.hypot(found.value - low, floor_high - found.floor)
    above = math.hypot(high - found.value, found.floor - floor_low)
    return found.value - below <= found.floor <= found.value + above


def _bounds(found: Estimate) -> tuple[float, float] | None:
    """The 95 % interval of a value, which has no upper end where only a `low` one is noted."""
    if found.bounds is None and "low" in found.notes:
        return float(found.notes["low"]), math.inf
    return found.bounds


def _floor_bounds(floor: float, notes: Mapping[str, Note]) -> tuple[float, float]:
    """The 95 % interval of a floor, by its noted ends or error; without an upper end where only the lower is noted."""
    if "floor_low" in notes:
        return float(notes["floor_low"]), float(notes.get("floor_high", math.inf))
    luck = Z95 * float(notes.get("floor_error", 0.0))
    return floor - luck, floor + luck


def format_p_value(p: float) -> str:
    """A p-value, without digits that mean nothing.

    >>> format_p_value(0.034), format_p_value(1e-9)
    ('p = 0.034', 'p < 1e-06')
    """
    return f"p = {p:.2g}" if p >= 1e-6 else "p < 1e-06"
