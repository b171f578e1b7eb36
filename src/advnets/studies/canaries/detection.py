"""Readings of measures on samples, and whether a measure detected what was done to them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

import scipy

CLEAN = "clean"
"""The damage of samples that were not damaged."""

LEVEL = 0.01
"""A measure detects a damage where its p-value is below this."""


@dataclass(frozen=True)
class MeasureReading:
    """The value of one measure on one set of samples.

    Attributes:
        value: The value.
        error: Its standard error, None where the measure gives none.
        p_value: Its p-value, None where the measure gives none.
    """

    value: float
    error: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class MeasuredSamples:
    """One set of samples, and what the measures read on it.

    Attributes:
        damage: A row of DAMAGES, or CLEAN.
        strength: Strength of the damage; 0 for clean samples.
        split: Number of the re-split.
        seconds: Seconds that the measures took.
        readings: Readings by measure; a measure that refused the samples has none.
        refused: The reason of each measure that refused the samples.
    """

    damage: str
    strength: float
    split: int
    seconds: float
    readings: Mapping[str, MeasureReading]
    refused: Mapping[str, str]


@dataclass(frozen=True)
class Detection:
    """Whether a measure detected a damage.

    Attributes:
        p_value: The measure's own p-value, or where it has none that of `prediction_test`.
        z: Distance of its value from the mean of clean samples, in their standard deviations.
        own: Whether the p-value is the measure's own.
    """

    p_value: float
    z: float
    own: bool

    @property
    def is_detected(self) -> bool:
        """Whether the p-value is below LEVEL."""
        return self.p_value < LEVEL


def prediction_test(value: float, clean: Sequence[float]) -> tuple[float, float]:
    """Test whether a value is one more draw of those of clean samples, by their prediction interval.

        z = (v - mean) / (s sqrt(1 + 1/R)),    p = 2 P(t_(R-1) > |z|)

    The interval is that of a normal distribution (R. Fisher, Statistical Methods for Research Workers, 1925).
    Counts and shares have ties, and may vary by more than their draws do: s is no smaller than the least step between
    unequal clean values. Where all clean values are equal, any other is infinitely far away, but p is 2 / (R + 1): the
    chance that of R + 1 draws of the same distribution this one is the lowest or the highest.

    Args:
        value: v.
        clean: R values of clean samples, 2 or more.

    Returns:
        z, and the two-sided p-value.
    """
    mean, deviation, r = fmean(clean), stdev(clean), len(clean)
    rounding = 1e-12 * max(1.0, abs(mean))
    steps = [high - low for low, high in pairwise(sorted(clean)) if high - low > rounding]
    if not steps:
        same = math.isclose(value, mean, rel_tol=1e-9, abs_tol=1e-12)
        return (0.0, 1.0) if same else (math.copysign(math.inf, value - mean), 2 / (r + 1))
    z = (value - mean) / (max(deviation, min(steps)) * math.sqrt(1 + 1 / r))
    return z, float(2 * scipy.stats.t.sf(abs(z), r - 1))


def judge_reading(reading: MeasureReading, clean: Sequence[MeasureReading]) -> Detection | None:
    """Judge one reading by those of clean samples.

    Where a measure has a p-value of its own, that one counts, since users of the measure have no clean samples.

    Args:
        reading: The reading.
        clean: Readings of the same measure on clean samples.

    Returns:
        The detection; None where there are fewer than two clean readings.
    """
    if len(clean) < 2:
        return None
    z, p_value = prediction_test(reading.value, [one.value for one in clean])
    own = reading.p_value is not None
    return Detection(reading.p_value if reading.p_value is not None else p_value, z, own)


def count_false_alarms(clean: Sequence[MeasureReading]) -> int:
    """Count the sets of clean samples that a measure calls damaged, each judged by the others.

    Args:
        clean: Readings of the measure on clean samples.

    Returns:
        The number of false alarms.
    """
    judged = [judge_reading(one, [*clean[:place], *clean[place + 1 :]]) for place, one in enumerate(clean)]
    return sum(one is not None and one.is_detected for one in judged)


def weakest_detected(detections: Sequence[tuple[float, Detection | None]]) -> float | None:
    """Return the weakest strength that is detected, as all stronger ones are.

    Args:
        detections: (strength, detection), with the weakest strength first.

    Returns:
        The strength; None if the strongest is not detected.
    """
    found = None
    for strength, one in reversed(detections):
        if one is None or not one.is_detected:
            break
        found = strength
    return found
