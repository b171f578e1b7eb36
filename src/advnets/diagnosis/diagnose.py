"""From probes to findings: every detector looks at the last probe, and at those before it."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from advnets.diagnosis.advice import Case, Option, lower_rate, sentence_of, without_contradictions
from advnets.diagnosis.balance import OVERFITTING, SATURATION, TOO_STRONG, TOO_WEAK
from advnets.diagnosis.detector import Detector, Sign
from advnets.diagnosis.finding import SEVERITIES, Finding
from advnets.diagnosis.motion import CYCLING, LEAPS, STANDSTILL
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.setup import UNKNOWN, Setup
from advnets.diagnosis.sight import (
    BATCH_READING,
    BATCH_STATISTICS,
    BOUNDED_LOGITS,
    DEAD_UNITS,
    UNTRAINED_AVERAGE,
    WRONG_RANGE,
)
from advnets.diagnosis.slopes import EXPLODING, IDLE_PENALTY, VANISHING
from advnets.diagnosis.thresholds import THRESHOLDS, Thresholds
from advnets.diagnosis.variety import COLLAPSE, MEMORISATION

DETECTORS: dict[str, Detector] = {
    detector.name: detector
    for detector in (
        WRONG_RANGE, BOUNDED_LOGITS, STANDSTILL, LEAPS, COLLAPSE, TOO_STRONG, TOO_WEAK, SATURATION, CYCLING, VANISHING,
        EXPLODING, IDLE_PENALTY, DEAD_UNITS, MEMORISATION, OVERFITTING, BATCH_STATISTICS, BATCH_READING,
        UNTRAINED_AVERAGE,
    )
}  # fmt: skip
NON_FINITE = "non-finite"
"""The finding of a run that a NaN or an Inf has ended."""
LONGEST_LOOK = 100
"""Probes that the beginning of a finding is looked for in; cycling, whose sign takes long to compute, has its own."""
APART = (WRONG_RANGE.name, BOUNDED_LOGITS.name)
"""Mistakes in what is played, which a lower rate does not mend."""
CONSEQUENCES = (STANDSTILL.name, SATURATION.name, VANISHING.name, TOO_WEAK.name)
"""What a player looks like whose weights were thrown: it is flat, and its own cure would be the wrong one."""

RATE_FIRST = Option(f"lower the rate first, as {LEAPS.name} says: this may follow from it")
GRAVER_FIRST = Option("follow first what is said of the graver findings")


def diagnose(history: Sequence[Probe], limits: Thresholds = THRESHOLDS, setup: Setup = UNKNOWN) -> list[Finding]:
    """Return what is wrong at the last probe.

    A sign of one probe is a warning; in as many probes in a row as its detector needs it is a finding, so that what
    passes is not called a failure. Where a rate is far too high, what follows from it is not told beside it, and the
    rate is the one remedy; no remedy moves a number the other way than that of a graver finding.

    Args:
        history: Probes of one way in the order of their steps, the last one at the end.
        limits: The thresholds.
        setup: What the run plays, which remedies read.

    Returns:
        The findings, gravest first; none of an empty history.
    """
    seen = [one for row in DETECTORS.values() if (one := _look(row, history, limits)) is not None]
    leaps = any(one.detector is LEAPS for one in seen)
    if leaps:
        seen = [one for one in seen if one.detector.name not in CONSEQUENCES]
    seen.sort(key=lambda one: gravity(one.detector.name, one.severity), reverse=True)
    taken: dict[str, int] = {}
    first = (LEAPS.name, *APART) if leaps else tuple(DETECTORS)
    return [_finding_of(one, history[-1], setup, taken, waits=one.detector.name not in first) for one in seen]


def gravity(name: str, severity: str) -> tuple[int, bool]:
    """Return what findings are sorted by: a graver one has more, and leaps, of which others follow, have most.

    Args:
        name: Row of DETECTORS, or "non-finite".
        severity: One of SEVERITIES.

    Returns:
        A value to compare.
    """
    return SEVERITIES.index(severity), name == LEAPS.name


class _Seen(NamedTuple):
    """A sign that stands: since when, and how grave it is."""

    detector: Detector
    sign: Sign
    since: int
    severity: str


def _look(detector: Detector, history: Sequence[Probe], limits: Thresholds) -> _Seen | None:
    signs: list[Sign] = []
    since = 0
    for place in range(len(history) - 1, -1, -1):
        sign = _sign_at(detector, history, place, limits)
        if sign is None:
            break
        signs.append(sign)
        since = history[place].step
        if len(signs) >= (detector.needed if detector is CYCLING else max(detector.needed, LONGEST_LOOK)):
            break
    if not signs:
        return None
    is_standing = len(signs) >= detector.needed
    severity = detector.severity if is_standing or detector.severity == "note" else "warning"
    return _Seen(detector, signs[0], since, severity)


def _finding_of(seen: _Seen, probe: Probe, setup: Setup, taken: dict[str, int], *, waits: bool) -> Finding:
    """The finding; what it moves is noted for those after it, which do not move it back.

    One that waits has no remedy of its own: a far too high rate is to be lowered first.
    """
    sign = seen.sign
    advice = seen.detector.advise(Case(probe, setup, sign.player, sign.part))
    options = (RATE_FIRST,) if waits else without_contradictions(advice.options, taken) or (GRAVER_FIRST,)
    taken |= {one.flag: one.way for one in options if one.way}
    remedy = sentence_of(options)
    numbers = (sign.what, sign.measured, sign.threshold, sign.null)
    return Finding(seen.detector.name, seen.severity, probe.step, seen.since, *numbers, advice.cause, remedy)


def _sign_at(detector: Detector, history: Sequence[Probe], place: int, limits: Thresholds) -> Sign | None:
    probe = history[place]
    if detector.waits and probe.step < limits.warm_up:
        return None
    return detector.sign(probe, history[:place], limits)


def finding_of_failure(message: str, step: int, setup: Setup = UNKNOWN) -> Finding | None:
    """Return the finding of a run that has ended with a NaN or an Inf.

    Args:
        message: What the run's status says of its end.
        step: Its step.
        setup: What the run plays, which the remedy reads.

    Returns:
        The finding; None for another end.
    """
    named = re.match(r"(NaN|Inf|NaN or Inf) in (.*?) at step ([\d,]+)", message)
    if named is None:
        return None
    kind, where, at = named.groups()
    number = int(at.replace(",", ""))
    precise = None if setup.precision == "float32" else Option("take --precision float32")
    rates = [lower_rate(setup, player) for player in ("discriminator", "generator")]
    options = [*rates, precise, Option("look into what is named")]
    return Finding(
        NON_FINITE, "finding", max(step, number), number, f"There is {kind} in {where}, and the training stopped.",
        1.0, 0.0, "tensors that are not finite: none in a training that can go on",
        "A loss or a weight has grown beyond what its type can hold, or the data or a layer of one's own made it.",
        sentence_of(one for one in options if one is not None),
    )  # fmt: skip
