"""A detector: a sign in one probe, and how many probes in a row make a finding of it."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from advnets.diagnosis.advice import Advise
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.thresholds import Thresholds


class Sign(NamedTuple):
    """What a detector saw in a probe; `player` and `part` are whom and which penalty it is of, where it is of one."""

    what: str
    measured: float
    threshold: float
    null: str
    player: str = ""
    part: str = ""


Seen = Callable[[Probe, Sequence[Probe], Thresholds], Sign | None]
"""(probe, the probes before it, thresholds) -> the sign, or None."""


@dataclass(frozen=True)
class Detector:
    """One failure, and how it is told.

    Attributes:
        name: What the failure is called.
        sign: Looks for it in a probe.
        advise: Says the likely cause and what to change, in view of what the run plays.
        needed: Probes in a row with the sign that make a finding; before it is a warning.
        severity: The gravest that it becomes.
        waits: Whether it waits for the end of the warm-up.
    """

    name: str
    sign: Seen
    advise: Advise
    needed: int = 2
    severity: str = "finding"
    waits: bool = True


def median_before(values: Sequence[float | None], least: int) -> float | None:
    """Return the median of a number in the past, of as many as there are.

    Args:
        values: The numbers; None where it was not measured.
        least: How many make a past.

    Returns:
        The median; None where there are fewer.
    """
    found = [one for one in values if one is not None]
    return statistics.median(found) if len(found) >= least else None


def after_warm_up(past: Sequence[Probe], thresholds: Thresholds) -> list[Probe]:
    """Return the probes of the past that lie behind the warm-up."""
    return [one for one in past if one.step >= thresholds.warm_up]


def length_of_way(player: str, path: Sequence[Probe]) -> float | None:
    """Return about how far a player has come since step 0, in lengths of its weights.

    Args:
        player: The player.
        path: Probes in the order of their steps.

    Returns:
        The steps up to each probe times how long one is there, summed; None where no probe knows it.
    """
    steps = pairwise([0, *(one.step for one in path)])
    known = [(after - before) * one.strides[player] for (before, after), one in zip(steps, path, strict=True)
             if player in one.strides]  # fmt: skip
    return sum(known) if known else None


def has_begun(past: Sequence[Probe], probe: Probe, thresholds: Thresholds) -> bool:
    """Return whether the generator has moved far enough for its samples to be judged.

    Its steps show that, or how far the samples lie from the data now beside the first probe: a leap between two probes,
    after which it stands still, is in no step that was measured.
    """
    way = length_of_way("generator", [*past, probe])
    if way is None or way >= thresholds.begun:
        return True
    first = past[0].gap if past else None
    if first is None or probe.gap is None or first <= 0:
        return False
    return not 1 / thresholds.moved < probe.gap / first < thresholds.moved


def of_way(probe: Probe) -> str:
    """Return which generator is meant, where there are two."""
    return f" of the way {probe.way!r}" if probe.way else ""
