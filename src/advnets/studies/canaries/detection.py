"""What was read of samples, and whether a measure noticed what was done to them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

from scipy import stats

CLEAN = "clean"
"""What units are called whose samples are as they were."""

LEVEL = 0.01
"""A measure notices where its p-value is below."""


@dataclass(frozen=True)
class MeasureReading:
    """What one measure said of one set of samples. error, p_value: None where it gives none."""

    value: float
    error: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class MeasuredSamples:
    """One set of samples, measured.

    damage: a row of DAMAGES, or CLEAN. strength: 0 for clean samples. split: number of the re-split. seconds: that
    measuring took. readings: by measure; one that refused is not among them. refused: why it did.
    """

    damage: str
    strength: float
    split: int
    seconds: float
    readings: Mapping[str, MeasureReading]
    refused: Mapping[str, str]


@dataclass(frozen=True)
class Detection:
    """Whether a measure noticed.

    p_value: its own, or where it has none `prediction`'s. z: how many standard deviations of clean samples its value
    lies from their mean. own: whether the p-value is its own.
    """

    p_value: float
    z: float
    own: bool

    @property
    def is_noticed(self) -> bool:
        """Whether the p-value is below LEVEL."""
        return self.p_value < LEVEL


def prediction(value: float, clean: Sequence[float]) -> tuple[float, float]:
    """How unlike a value is to those of clean samples: z, and the two-sided p-value of one draw more of the same.

        z = (v - mean) / (s sqrt(1 + 1/R)),    p = 2 P(t_(R-1) > |z|)

    The prediction interval of a normal distribution (R. Fisher, Statistical Methods for Research Workers, 1925).
    value: v. clean: R >= 2 values. Counts and shares have ties, and may vary by more than their draws do: s is no
    smaller than the least step between unequal clean values. Where all of these are equal any other is infinitely far
    away, but p is 2 / (R + 1): the chance that of R + 1 draws of the same this one is the lowest or the highest.
    """
    mean, deviation, r = fmean(clean), stdev(clean), len(clean)
    rounding = 1e-12 * max(1.0, abs(mean))
    steps = [high - low for low, high in pairwise(sorted(clean)) if high - low > rounding]
    if not steps:
        same = math.isclose(value, mean, rel_tol=1e-9, abs_tol=1e-12)
        return (0.0, 1.0) if same else (math.copysign(math.inf, value - mean), 2 / (r + 1))
    z = (value - mean) / (max(deviation, min(steps)) * math.sqrt(1 + 1 / r))
    return z, float(2 * stats.t.sf(abs(z), r - 1))


def verdict(reading: MeasureReading, clean: Sequence[MeasureReading]) -> Detection | None:
    """The verdict on one reading, given those of clean samples; None where these are fewer than two.

    Where a measure has a p-value that one counts: it has to stand by itself where there are no clean samples.
    """
    if len(clean) < 2:
        return None
    z, p_value = prediction(reading.value, [one.value for one in clean])
    own = reading.p_value is not None
    return Detection(reading.p_value if reading.p_value is not None else p_value, z, own)


def false_alarms(clean: Sequence[MeasureReading]) -> int:
    """How many sets of clean samples a measure calls damaged, each judged by the others."""
    judged = [verdict(one, [*clean[:place], *clean[place + 1 :]]) for place, one in enumerate(clean)]
    return sum(one is not None and one.is_noticed for one in judged)


def weakest(verdicts: Sequence[tuple[float, Detection | None]]) -> float | None:
    """The weakest strength that is noticed as all stronger ones are; None if the strongest is not.

    verdicts: (strength, verdict), the weakest first.
    """
    found = None
    for strength, one in reversed(verdicts):
        if one is None or not one.is_noticed:
            break
        found = strength
    return found
