"""From probes to findings: every detector looks at the last probe, and at those before it."""

import re
from collections.abc import Sequence

from advnets.diagnosis.balance import OVERFITTING, SATURATION, TOO_STRONG, TOO_WEAK
from advnets.diagnosis.detector import Detector, Sign
from advnets.diagnosis.finding import Finding
from advnets.diagnosis.motion import CYCLING, LEAPS, STANDSTILL
from advnets.diagnosis.probe import Probe
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


def diagnose(history: Sequence[Probe], limits: Thresholds = THRESHOLDS) -> list[Finding]:
    """Return what is wrong at the last probe.

    A sign of one probe is a warning; in as many probes in a row as its detector needs it is a finding, so that what
    passes is not called a failure.

    Args:
        history: Probes of one way in the order of their steps, the last one at the end.
        limits: The thresholds.

    Returns:
        The findings, gravest first; none of an empty history.
    """
    found = [one for detector in DETECTORS.values() if (one := _look(detector, history, limits)) is not None]
    return sorted(found, key=lambda one: {"finding": 0, "warning": 1, "note": 2}[one.severity])


def _look(detector: Detector, history: Sequence[Probe], limits: Thresholds) -> Finding | None:
    signs: list[Sign] = []
    since = 0
    for place in range(len(history) - 1, -1, -1):
        sign = _sign_at(detector, history, place, limits)
        if sign is None:
            break
        signs.append(sign)
        since = history[place].step
        if len(signs) >= detector.needed:
            break
    if not signs:
        return None
    is_standing = len(signs) >= detector.needed
    severity = detector.severity if is_standing or detector.severity == "note" else "warning"
    step = history[-1].step
    return Finding(detector.name, severity, step, since, *signs[0], detector.cause, detector.remedy)


def _sign_at(detector: Detector, history: Sequence[Probe], place: int, limits: Thresholds) -> Sign | None:
    probe = history[place]
    if detector.waits and probe.step < limits.warm_up:
        return None
    return detector.sign(probe, history[:place], limits)


def finding_of_failure(message: str, step: int) -> Finding | None:
    """Return the finding of a run that has ended with a NaN or an Inf.

    Args:
        message: What the run's status says of its end.
        step: Its step.

    Returns:
        The finding; None for another end.
    """
    named = re.match(r"(NaN|Inf|NaN or Inf) in (.*?) at step ([\d,]+)", message)
    if named is None:
        return None
    kind, where, at = named.groups()
    number = int(at.replace(",", ""))
    return Finding(
        NON_FINITE, "finding", max(step, number), number, f"There is {kind} in {where}, and the training stopped.",
        1.0, 0.0, "tensors that are not finite: none in a training that can go on",
        "A loss or a weight has grown beyond what its type can hold, or the data or a layer of one's own made it.",
        "Lower --discriminator.rate and --generator.rate, or take --precision float32; look into what is named.",
    )  # fmt: skip
