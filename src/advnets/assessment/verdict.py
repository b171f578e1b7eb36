"""Verdicts: what the numbers say, in words that say no more than the numbers do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from advnets import statistics
from advnets.assessment.measure_row import ALIKE, MeasureCard
from advnets.assessment.measures import card_of
from advnets.statistics import Estimate
from advnets.statistics.estimate import Z95, Note
from advnets.text import format_number

LEVEL = 0.05
"""The largest chance that a report on samples that are real tells any difference."""

CLAIMED = 0.01
"""The largest chance that the first three sentences on samples that are real claim any difference."""

NOT_SHOWN = ALIKE

INCEPTION = "inception"
"""How the id of an extractor begins whose Frechet distance is the published one."""


@dataclass(frozen=True)
class Verdict:
    """What a measure says about the samples.

    Attributes:
        words: The finding, for people.
        differs: Whether real samples would hardly get such a value; None if that is not known.
        adjusted: The p-value after Holm, for all rows of the report together; None where no p-value is known.
    """

    words: str
    differs: bool | None
    adjusted: float | None = None


def verdicts(estimates: Mapping[str, Estimate], cards: Mapping[str, MeasureCard] | None = None) -> dict[str, Verdict]:
    """The verdict on each measure; the p-values of all of them are adjusted together (Holm, 1979).

    A test has its p-value. A value that is not a test has one by how far its interval is from what real samples get,
    see `floor_p_value`. So of a hundred reports on samples that are real, five tell anything, however the rows depend
    on each other.

    Args:
        estimates: Estimates by the name of their measure.
        cards: What a page says of measures that are no rows of MEASURES, by their name.

    Returns:
        Verdicts by the name of their measure.
    """
    known = {name: p for name, found in estimates.items() if (p := row_p_value(found)) is not None}
    adjusted = dict(zip(known, statistics.holm(list(known.values())), strict=True))
    said = {name: card_of(name, (cards or {}).get(name)) for name in estimates}
    return {
        name: _judge_value(said[name], found, adjusted.get(name))
        if found.p_value is None
        else _judge_test(said[name], adjusted[name])
        for name, found in estimates.items()
    }


def explain_numbers(estimates: Mapping[str, Estimate], extractor: str) -> str:
    """Say what the values, errors and verdicts of a table mean.

    Args:
        estimates: Estimates by the name of their measure.
        extractor: Id of what gave the features.

    Returns:
        A paragraph.
    """
    text = (
        "Values have their standard error, or their 95 % interval, of that value taken alone. The column `real` is "
        "what as many real images get."
    )
    if any(one.interval and one.bias and not one.notes.get("few_samples") for one in estimates.values()):
        text += (
            " Behind `less bias` stands the value less its bias, and the interval is of that number; `real` is as "
            "biased as the value itself."
        )
    if "fid" in estimates and not extractor.startswith(INCEPTION):
        text += " `fid` is not the published FID, which is of Inception's features."
    rows = sum(row_p_value(found) is not None for found in estimates.values())
    if rows:
        text += (
            f" P-values, those of values without a test too, are adjusted for the {rows} row{'s' * (rows > 1)} of this "
            f"table that {'has' if rows == 1 else 'have'} one (Holm), so that of reports on real samples "
            f"{100 * LEVEL:.0f} % at most tell any difference here, and {100 * CLAIMED:.0f} % in the first three "
            "sentences. Real samples are ones drawn as the held-out images were: an official test split, of other "
            "writers or cameras, may truly differ. "
            "If no difference can be shown, there may still be one."
        )
    return text


def row_p_value(found: Estimate) -> float | None:
    """The p-value of a row: that of its test, or else `floor_p_value`.

    Args:
        found: The estimate.

    Returns:
        The p-value before it is adjusted; None if there is none.
    """
    return floor_p_value(found) if found.p_value is None else found.p_value


def _judge_test(card: MeasureCard, adjusted: float) -> Verdict:
    differs = adjusted < LEVEL
    words = card.differs if differs else card.alike
    return Verdict(f"{words} ({format_p_value(adjusted)})", differs, adjusted)


def _judge_value(card: MeasureCard, found: Estimate, adjusted: float | None) -> Verdict:
    if found.floor is None:
        few = found.notes.get("few_samples")
        return Verdict("too few samples to tell" if few else "there is nothing real to compare it with", None)
    apart = found.value - found.floor
    words = f"{format_number(abs(apart))} {'above' if apart > 0 else 'below'} real images"
    if card.better == "lower" and apart > 0 and found.floor > 0:
        words = f"{format_number(found.value / found.floor)} times that of real images"
    if adjusted is None:
        return Verdict(f"{words}; its error is not known", None)
    differs = adjusted < LEVEL
    return Verdict(f"{words if differs else NOT_SHOWN} ({format_p_value(adjusted)})", differs, adjusted)


def floor_p_value(found: Estimate) -> float | None:
    """The p-value of a value that is not a test: the level at which its interval ends at what real samples get.

        p = 2 P(N > 1.96 |value - floor| / half),    half = sqrt(side^2 + floor_side^2)

    The sides are those of the 95 % intervals of value and floor that face each other, for the sampling error of a floor
    that was measured or counted counts too (G. Zou and A. Donner, Construction of confidence limits about effect
    measures, 2008). For normal errors that is 2 P(N > |value - floor| / sqrt(error^2 + floor_error^2)). Intervals at
    other levels are taken to be as wide as normal ones are beside those at 95 %.

    An interval is about the true value, and a floor is as biased as the value, so that the bias is added again. A
    distance whose interval reaches 0 may be 0, however biased it is.

    Args:
        found: The estimate; its notes may hold `low`, `floor_low`, `floor_high` and `floor_error`.

    Returns:
        The p-value, two-sided; None if there is no floor or no interval.
    """
    half = floor_half_width(found)
    if half is None or found.floor is None:
        return None
    apart = found.value - found.floor
    if apart == 0 or math.isinf(half):
        return 1.0
    return math.erfc(Z95 * abs(apart) / half / math.sqrt(2)) if half > 0 else 0.0


def floor_half_width(found: Estimate) -> float | None:
    """The distance from what real samples get at which a value's 95 % interval ends there, as in `floor_p_value`.

    Args:
        found: The estimate, as in `floor_p_value`.

    Returns:
        `half`, of the sides that face each other; None if there is no floor or no interval.
    """
    bounds = _bounds(found)
    if found.floor is None or bounds is None:
        return None
    low, high = bounds
    if found.interval is not None and found.bias is not None:
        low, high = -math.inf if low <= 0 < found.bias else low + found.bias, high + found.bias
    floor_low, floor_high = _floor_bounds(found.floor, found.notes)
    if found.value > found.floor:
        return math.hypot(found.value - low, floor_high - found.floor)
    return math.hypot(high - found.value, found.floor - floor_low)


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
