"""Verdicts: what the numbers say, in words that say no more than the numbers do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from advnets import statistics
from advnets.assessment.measures import MEASURES
from advnets.statistics import Estimate
from advnets.statistics.estimate import Z95, Note

LEVEL = 0.05
"""The largest expected share of false discoveries among the tests that report a difference."""

AS_REAL = "as real, within its error"


@dataclass(frozen=True)
class Verdict:
    """What a measure says about the samples.

    Attributes:
        words: The finding, for people.
        differs: Whether real samples would hardly get such a value; None if that is not known.
        adjusted: The p-value after Benjamini and Hochberg, where the measure is a test.
    """

    words: str
    differs: bool | None
    adjusted: float | None = None


def verdicts(estimates: Mapping[str, Estimate]) -> dict[str, Verdict]:
    """The verdict on each measure; p-values are adjusted for all tests together (Benjamini and Hochberg, 1995).

    Args:
        estimates: Estimates by the name of their measure.

    Returns:
        Verdicts by the name of their measure.
    """
    tests = {name: found.p_value for name, found in estimates.items() if found.p_value is not None}
    adjusted = dict(zip(tests, statistics.benjamini_hochberg(list(tests.values())) if tests else [], strict=True))
    return {
        name: _judge_test(name, adjusted[name]) if name in adjusted else _judge_value(name, found)
        for name, found in estimates.items()
    }


def _judge_test(name: str, adjusted: float) -> Verdict:
    differs = adjusted < LEVEL
    row = MEASURES.get(name)
    different, alike = (row.differs, row.alike) if row else ("differs from real", "no difference can be shown")
    words = different if differs else alike
    return Verdict(f"{words} ({format_p_value(adjusted)})", differs, adjusted)


def _judge_value(name: str, found: Estimate) -> Verdict:
    if found.floor is None:
        few = found.notes.get("few_samples")
        return Verdict("too few samples to tell" if few else "there is nothing real to compare it with", None)
    row = MEASURES.get(name)
    apart = found.value - found.floor
    words = f"{abs(apart):.3g} {'above' if apart > 0 else 'below'} real images"
    if row and row.better == "lower" and apart > 0 and found.floor > 0:
        words = f"{found.value / found.floor:.3g} times the floor"
    within = holds_floor(found)
    if within is None:
        return Verdict(f"{words}; its error is not known", None)
    return Verdict(AS_REAL if within else words, not within)


def holds_floor(found: Estimate) -> bool | None:
    """Whether what real samples get lies within the 95 % interval of the value.

    The sampling error of a floor that was measured or counted counts too: the distance of the two is compared with the
    root of the sum of squares of both intervals' sides that face each other (G. Zou and A. Donner, Construction of
    confidence limits about effect measures, 2008), which for normal errors is 1.96 sqrt(error^2 + floor_error^2). An
    interval is about the true value, and a floor is as biased as the value, so that the bias is added again. A
    distance whose interval reaches 0 may be 0, however biased it is.

    Args:
        found: The estimate; its notes may hold `low`, `floor_low`, `floor_high` and `floor_error`.

    Returns:
        Whether it does; None if there is no interval.
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
    bounds = found.bounds
    if bounds is None and "low" in found.notes:
        return float(found.notes["low"]), math.inf
    return bounds


def _floor_bounds(floor: float, notes: Mapping[str, Note]) -> tuple[float, float]:
    """The 95 % interval of a floor, by its noted ends or error; without an upper end where only the lower is noted."""
    if "floor_low" in notes:
        return float(notes["floor_low"]), float(notes.get("floor_high", math.inf))
    half = Z95 * float(notes.get("floor_error", 0.0))
    return floor - half, floor + half


def format_p_value(p: float) -> str:
    """A p-value as text, without digits that mean nothing.

    Args:
        p: The p-value.

    Returns:
        The text.

    Example:
        >>> format_p_value(0.034), format_p_value(1e-9)
        ('p = 0.034', 'p < 1e-06')
    """
    return f"p = {p:.2g}" if p >= 1e-6 else "p < 1e-06"
