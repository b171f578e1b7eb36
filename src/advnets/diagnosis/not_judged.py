"""What cannot be judged yet, and when it will be, so that silence is not taken for health."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advnets.diagnosis.balance import TOO_STRONG, TOO_WEAK
from advnets.diagnosis.detector import after_warm_up, has_begun
from advnets.diagnosis.diagnose import DETECTORS
from advnets.diagnosis.motion import CYCLING, FEWEST, LEAPS
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.slopes import EXPLODING, VANISHING
from advnets.diagnosis.thresholds import THRESHOLDS, Thresholds
from advnets.diagnosis.variety import COLLAPSE, sign_of_sameness

AT_REST = "once the generator has moved: until now it has stayed near where it began"


@dataclass(frozen=True)
class NotJudged:
    """A failure that is not judged yet.

    Attributes:
        name: Row of DETECTORS.
        from_step: The step from which it is judged; None where it waits for probes and not for a step.
        probes: Probes that are lacking before it is judged; 0 where it waits for a step alone.
        why: What is to be known beside it; "" for nothing.
    """

    name: str
    from_step: int | None = None
    probes: int = 0
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON.

        Returns:
            Its fields.
        """
        return {"name": self.name, "from_step": self.from_step, "probes": self.probes, "why": self.why}

    def words_of_wait(self) -> str:
        """Say from when on it is judged.

        Returns:
            The step, the probes that are lacking, and what is to be known beside them.
        """
        step = [] if self.from_step is None else [f"from step {self.from_step:,} on"]
        more = f"after {self.probes} more probe{'' if self.probes == 1 else 's'}"
        parts = [*step, *([more] if self.probes else []), *([self.why] if self.why else [])]
        return "; ".join(parts)

    def __str__(self) -> str:
        return f"{self.name} ({self.words_of_wait()})"


def list_not_judged(history: Sequence[Probe], limits: Thresholds = THRESHOLDS) -> list[NotJudged]:
    """Return what is not judged at the last probe, that which is known to be nearest to a failure first.

    Args:
        history: Probes of one way in the order of their steps, the last one at the end.
        limits: The thresholds.

    Returns:
        The failures, each once; all that wait for a step if the history is empty.
    """
    step = history[-1].step if history else 0
    found = [] if (collapse := _collapse_to_come(history, limits)) is None else [collapse]
    lacking = limits.past - len(after_warm_up(history[:-1], limits))
    for name, row in DETECTORS.items():
        if name == COLLAPSE.name:
            continue
        if row in (TOO_STRONG, TOO_WEAK):
            rests = row is TOO_STRONG and bool(history) and not has_begun(history[:-1], history[-1], limits)
            found += [NotJudged(name, limits.settled)] if step < limits.settled else []
            found += [NotJudged(name, why=AT_REST)] if step >= limits.settled and rests else []
        elif row in (EXPLODING, VANISHING):
            found += [_wait_for_probes(name, lacking, step, limits)] if lacking > 0 else []
        elif row is CYCLING:
            tracked = sum(bool(one.track) for one in after_warm_up(history, limits))
            found += [_wait_for_probes(name, FEWEST - tracked, step, limits)] if tracked < FEWEST else []
        elif row is LEAPS:
            found += [NotJudged(name, limits.first)] if step < limits.first else []
        elif step < limits.warm_up and row.waits:
            found.append(NotJudged(name, limits.warm_up))
    return found


def gather_not_judged(ways: Mapping[str, Sequence[Probe]], standing: Collection[str] = ()) -> list[NotJudged]:
    """Return what is not judged yet in some way of a game.

    Args:
        ways: The probes of each way in the order of their steps, by the way's name.
        standing: Names of the failures that are found already, which are left out.

    Returns:
        The failures, each once.
    """
    waiting = {one.name: one for history in ways.values() for one in list_not_judged(history)}
    return [one for name, one in waiting.items() if name not in standing]


def describe_silence(step: int, waiting: int) -> str:
    """Say what it means that nothing is found; not that all is well, where not all was judged.

    Args:
        step: The step that was looked at last.
        waiting: How many failures are not judged yet.

    Returns:
        One or two sentences.
    """
    if waiting > len(DETECTORS) / 2:
        return (
            f"It is too early to say: at step {step:,}, {waiting} of {len(DETECTORS)} failures cannot be "
            "judged yet. Train on, and ask again."
        )
    return f"Nothing is found to be wrong{' in what is judged so far' if waiting else ''}."


def _collapse_to_come(history: Sequence[Probe], limits: Thresholds) -> NotJudged | None:
    """Samples that never were apart: an untrained generator draws such, and a collapsed one too."""
    if not history:
        return NotJudged(COLLAPSE.name, limits.settled)
    probe, past = history[-1], history[:-1]
    sign = sign_of_sameness(probe, limits)
    if sign is not None and all(sign_of_sameness(one, limits) for one in past if one.step):
        if probe.step >= limits.settled:
            return None if has_begun(past, probe, limits) else NotJudged(COLLAPSE.name, why=AT_REST)
        alike = "until now the samples were all alike, as those of an untrained generator are"
        return NotJudged(COLLAPSE.name, limits.settled, why=alike)
    return NotJudged(COLLAPSE.name, limits.warm_up) if probe.step < limits.warm_up else None


def _wait_for_probes(name: str, probes: int, step: int, limits: Thresholds) -> NotJudged:
    return NotJudged(name, limits.warm_up if step < limits.warm_up else None, probes)
