"""One measure of two sides: their difference, how sure it is, and what can be said about it."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from advnets import statistics
from advnets.assessment.measures import MEASURES, badness
from advnets.errors import BadInput, unknown
from advnets.statistics import Estimate

LEVEL = 0.05
POWER = 0.8
NOT_SHOWN = "no difference can be shown"
NOT_TESTED = "not tested: no error is known"
THE_SAME = "equal: the difference is exactly 0"
ROUNDED = "equal, to rounding"

ROUNDING = 1e-6
"""The share of a value that the same samples may differ by, when a file rounds them or another order sums them."""

CONTROLS = {"holm": statistics.holm, "benjamini-hochberg": statistics.benjamini_hochberg}
"""What stays below LEVEL over all tests: the chance of any false difference, or the expected share of false ones."""


@dataclass(frozen=True)
class Contrast:
    """A measure of two sides.

    Attributes:
        measure: A name in MEASURES.
        first: Name of the first side.
        second: Name of the second side.
        a: Value of the first side.
        b: Value of the second side.
        difference: a - b, with its p-value before adjustment where it could be tested.
        degrees: Degrees of freedom of its error.
        adjusted: The p-value after adjustment for all tests.
        smallest: The least true difference that would be shown with probability POWER, after adjustment.
        words: The finding, for people.
        better: The side that is nearer to real, where that is shown too and has a meaning.
    """

    measure: str
    first: str
    second: str
    a: Estimate
    b: Estimate
    difference: Estimate
    degrees: float
    adjusted: float | None = None
    smallest: float | None = None
    words: str = NOT_TESTED
    better: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The contrast as JSON.

        Returns:
            Its fields without the degrees of freedom; `adjusted` and `smallest` are left out where they are not known.
        """
        texts = {name: getattr(self, name) for name in ("measure", "first", "second", "words", "better")}
        numbers = {"adjusted": self.adjusted, "smallest": self.smallest}
        estimates = {name: getattr(self, name).as_dict() for name in ("a", "b", "difference")}
        return {**texts, **estimates, **{name: number for name, number in numbers.items() if number is not None}}


def with_p_value(difference: Estimate, degrees: float) -> Estimate:
    """Add the p-value to a difference, by Student's t test.

    Args:
        difference: The difference, with its error.
        degrees: Degrees of freedom of the error.

    Returns:
        The difference; without a p-value where its error is not known, or is 0.
    """
    if difference.value == 0 and difference.error == 0:
        return replace(difference, p_value=1.0)
    if not difference.error or difference.p_value is not None:
        return difference
    return replace(difference, p_value=statistics.student_p_value(difference.value, difference.error, degrees))


def judge(contrasts: Sequence[Contrast], control: str = "holm", level: float = LEVEL) -> tuple[Contrast, ...]:
    """Adjust p-values for all contrasts together, and find words that say no more than these do.

    Args:
        contrasts: The contrasts.
        control: A row of CONTROLS.
        level: The level that the control keeps.

    Returns:
        The contrasts with their words.

    Raises:
        BadInput: For an unknown control.
    """
    if control not in CONTROLS:
        raise unknown("control", control, CONTROLS)
    p_values = [each.difference.p_value for each in contrasts if each.difference.p_value is not None]
    adjusted = iter(CONTROLS[control](p_values))
    return tuple(
        each if each.difference.p_value is None else _judge_one(each, next(adjusted), level, tests=len(p_values))
        for each in contrasts
    )


def _judge_one(contrast: Contrast, adjusted: float, level: float, *, tests: int) -> Contrast:
    found = contrast.difference
    least = None
    if found.error:
        least = statistics.smallest_difference(found.error, contrast.degrees, level=level / tests, power=POWER)
    if found.value == 0 and not found.error:
        words, better = THE_SAME, None
    elif adjusted > level:
        words, better = NOT_SHOWN, None
    elif abs(found.value) <= ROUNDING * max(abs(contrast.a.value), abs(contrast.b.value)):
        words, better = ROUNDED, None
    else:
        # One claim of both tests, which holds if both hold: the second is judged as strictly as the first was.
        better = better_side(contrast, level * (found.p_value or 0.0) / adjusted if adjusted else level / tests)
        higher = contrast.first if found.value > 0 else contrast.second
        words = f"{higher} is higher" if better is None else f"{better} is better"
    return replace(contrast, adjusted=adjusted, smallest=least, words=words, better=better)


def better_side(contrast: Contrast, level: float = LEVEL) -> str | None:
    """The side that is nearer to what real samples get.

    If two values differ, neither need be nearer to real, as real may lie between them. So their middle has to lie
    beside real too, by a test of its own.

    Args:
        contrast: The contrast.
        level: Level of that test.

    Returns:
        Name of the side; None if it is not known, or both may be equally near.
    """
    near = [badness(contrast.measure, each, contrast.a.floor) for each in (contrast.a.value, contrast.b.value)]
    if near[0] is None or near[1] is None or near[0] == near[1]:
        return None
    if MEASURES[contrast.measure].better == "floor" and not _middle_is_beside_real(contrast, level):
        return None
    return contrast.first if near[0] < near[1] else contrast.second


def _middle_is_beside_real(contrast: Contrast, level: float) -> bool:
    """Whether a + b - 2 real is surely not 0; its error is error_a + error_b at most, however they are correlated."""
    a, b = contrast.a, contrast.b
    if a.floor is None or a.error is None or b.error is None:
        return False
    middle = a.value + b.value - 2 * a.floor
    error = math.hypot(a.error + b.error, 2 * float(a.notes.get("floor_error", 0.0)))
    return middle != 0 if error == 0 else statistics.student_p_value(middle, error, contrast.degrees) <= level


def contrast_reports(measure: str, sides: tuple[str, str], a: Estimate, b: Estimate) -> Contrast:
    """Compare two estimates that were made separately, whose errors are taken as independent.

    Args:
        measure: Name of the measure.
        sides: Names of the sides.
        a: Estimate of the first.
        b: Estimate of the second.

    Returns:
        The contrast, not yet judged.
    """
    error = None if a.error is None or b.error is None else math.hypot(a.error, b.error)
    degrees = 1e6  # of errors that rest on many samples
    return Contrast(measure, *sides, a, b, with_p_value(Estimate(a.value - b.value, error, 0.0), degrees), degrees)


def contrast_jackknives(
    measure: str, sides: tuple[str, str], a: statistics.Jackknife, b: statistics.Jackknife, floor: float | None
) -> Contrast:
    """Compare two sets of samples that were measured against the same real images.

    Args:
        measure: Name of the measure.
        sides: Names of the sides.
        a: Jackknife of the first.
        b: Jackknife of the second.
        floor: What real images get, if it is known.

    Returns:
        The contrast, not yet judged.
    """
    found = statistics.jackknife_difference(a, b)
    left, right = (replace(each.estimate(), floor=floor) for each in (a, b))
    return Contrast(measure, *sides, left, right, found, float(found.notes["degrees"]))


def contrast_seeds(
    measure: str, sides: tuple[str, str], a: Sequence[float], b: Sequence[float], *, matched: bool, floor: float | None
) -> Contrast:
    """Compare values over seeds.

    Args:
        measure: Name of the measure.
        sides: Names of the sides.
        a: Values of the first side, one a run.
        b: Values of the second.
        matched: Whether run i of both has the same seed; then the test is a paired t test, else Welch's.
        floor: What real images get, if it is known.

    Returns:
        The contrast, not yet judged.
    """
    scores = [np.array(each) for each in (a, b)]
    with warnings.catch_warnings():
        # scipy warns where a group is one number, as a measure at its end is; the test is right then too.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        found = statistics.paired_difference(*scores) if matched else statistics.unpaired_difference(*scores)
    degrees = len(a) - 1.0 if matched else float(found.notes["degrees"])
    left, right = (replace(average_seeds(each), floor=floor) for each in (a, b))
    return Contrast(measure, *sides, left, right, with_p_value(found, degrees), degrees)


def smallest_exact_p_value(pairs: int) -> float:
    """The smallest p-value, two-sided, of a test of signs and of one of permutations: that of differences of one sign.

        2 / 2^n

    Args:
        pairs: Number of pairs, n.

    Returns:
        The p-value.

    Example:
        >>> [smallest_exact_p_value(pairs) for pairs in (2, 3, 4, 5, 6)]
        [0.5, 0.25, 0.125, 0.0625, 0.03125]
    """
    return 2.0 ** (1 - pairs)


def average_seeds(values: Sequence[float]) -> Estimate:
    """The mean over runs; its error is their deviation / sqrt(n).

    Args:
        values: Values, one a run.

    Returns:
        The mean; its notes hold `n` and `deviation`.

    Raises:
        BadInput: For fewer than two runs.
    """
    n = len(values)
    if n < 2:
        raise BadInput(f"found {n} run, expected two or more with seeds of their own. Train more.")
    mean = math.fsum(values) / n
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return Estimate(mean, deviation / math.sqrt(n), notes={"n": n, "deviation": deviation})
