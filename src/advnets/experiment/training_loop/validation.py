"""A measure of each checkpoint on held-out data: which checkpoint is the best, and whether the training goes on.

The numbers stand in the journal, as validation/fid, so that a resumed run goes on with those that it has.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from advnets import runs
from advnets.assessment import badness
from advnets.errors import first_line
from advnets.statistics import Estimate

PLACE = "validation/"
SECONDS, PROBLEM = f"{PLACE}seconds", f"{PLACE}problem"

TakeMeasure = Callable[[runs.RunDirectory, int], Estimate]
"""A run's files and a step -> the measure of the checkpoint of that step; nothing of the training is touched."""


@dataclass(frozen=True)
class MeasuredCheckpoint:
    """A checkpoint and what was measured of it on held-out data.

    Attributes:
        measure: Name of the measure.
        step: The checkpoint's step.
        estimate: The number with its error; None if it could not be measured.
        seconds: How long that took.
        problem: Why it could not be measured.
    """

    measure: str
    step: int
    estimate: Estimate | None
    seconds: float
    problem: str = ""

    @property
    def badness(self) -> float | None:
        """A number that is smaller the nearer to real the samples are; None if it is not known."""
        found = self.estimate
        return None if found is None else badness(self.measure, found.value, found.floor)

    def as_json(self) -> dict[str, Any]:
        """Return what the journal says of it.

        Returns:
            {"step": ..., "validation/fid": ...} and the like: the number, its error and its value for real images where
            they are known, the seconds, and the problem if there was one.
        """
        told: dict[str, Any] = {"step": self.step}
        if self.estimate is not None:
            numbers = {"": self.estimate.value, "-error": self.estimate.error, "-real": self.estimate.floor}
            told |= {f"{PLACE}{self.measure}{end}": one for end, one in numbers.items() if one is not None}
        told[SECONDS] = round(self.seconds, 3)
        return told | ({PROBLEM: self.problem} if self.problem else {})

    @staticmethod
    def from_json(entry: Mapping[str, Any], measure: str) -> "MeasuredCheckpoint":
        """Return what `as_json` wrote, of one measure.

        Args:
            entry: An entry of the journal that `as_json` wrote.
            measure: Name of the measure.

        Returns:
            The checkpoint.
        """
        value, error, real = (_number(entry.get(f"{PLACE}{measure}{end}")) for end in ("", "-error", "-real"))
        estimate = None if value is None else Estimate(value, error, real)
        took = _number(entry[SECONDS]) or 0.0
        return MeasuredCheckpoint(measure, entry["step"], estimate, took, str(entry.get(PROBLEM, "")))

    def __str__(self) -> str:
        if self.estimate is None:
            return "not known"
        error = "" if self.estimate.error is None else f" +- {self.estimate.error:.2g}"
        return f"{self.estimate.value:.4g}{error}"


@dataclass(frozen=True)
class Validation:
    """The checkpoints of a run that were measured so far, in the order of their steps.

    Attributes:
        measure: Name of the measure.
        patience: The training ends after so many checkpoints in a row that are no better; None for never.
        checkpoints: The checkpoints.
    """

    measure: str
    patience: int | None = None
    checkpoints: tuple[MeasuredCheckpoint, ...] = ()

    @staticmethod
    def of(entries: Iterable[Mapping[str, Any]], measure: str, patience: int | None = None) -> "Validation":
        """Return what the entries of a journal hold.

        Args:
            entries: Entries of a journal; those of no measured checkpoint are passed over.
            measure: Name of the measure.
            patience: The training ends after so many checkpoints in a row that are no better; None for never.

        Returns:
            The checkpoints that were measured.
        """
        found = (MeasuredCheckpoint.from_json(entry, measure) for entry in entries if SECONDS in entry)
        return Validation(measure, patience, tuple(found))

    @property
    def best(self) -> MeasuredCheckpoint | None:
        """The best checkpoint, the first of equals; None if none could be measured."""
        known = [(one.badness, one.step, one) for one in self.checkpoints if one.badness is not None]
        return min(known)[-1] if known else None

    @property
    def worse(self) -> int:
        """How many checkpoints in a row, up to the last, are no better: see `count_worse`."""
        return count_worse((one.badness, one.estimate) for one in self.checkpoints)

    @property
    def is_exhausted(self) -> bool:
        """Whether the training is to end: after `patience` checkpoints that are no better, and after as many more."""
        return bool(self.patience and self.worse and self.worse % self.patience == 0)

    def among(self, steps: Iterable[int]) -> "Validation":
        """Return those of these steps alone, such as of the checkpoints that are still there.

        Args:
            steps: Steps of the checkpoints that are kept.

        Returns:
            The same measure of those checkpoints.
        """
        there = set(steps)
        return replace(self, checkpoints=tuple(one for one in self.checkpoints if one.step in there))

    def line(self) -> str:
        """Return what a person is told of the last checkpoint, in one line.

        Returns:
            The number, how it compares with the best so far, and how long it took to measure.
        """
        last, best = self.checkpoints[-1], self.best
        head = f"checkpoint of step {last.step:,}: {self.measure} on held-out data"
        took = f"It took {last.seconds:.1f} s."
        if last.estimate is None or best is None:
            return f"{head} could not be measured: {last.problem}. {took}"
        standing = f"no better than {best} of step {best.step:,}"
        if last.step == best.step:
            standing = "the best so far, but by less than its error" if self.worse else "the best so far"
        count = f" (patience {self.worse} of {self.patience})" if self.patience and self.worse else ""
        return f"{head} is {last}, {standing}{count}. {took}"

    def words_of_end(self) -> str:
        """Return why the training ends here, as a sentence; nothing where it does not.

        Returns:
            The sentence, or "".
        """
        if not self.is_exhausted:
            return ""
        times = f"{self.worse} checkpoints in a row" if self.worse > 1 else "one checkpoint"
        step = self.checkpoints[-1].step
        return f"The training ends at step {step:,}: for {times} {self.measure} got no better by more than its error."


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def count_worse(found: Iterable[tuple[float | None, Estimate | None]]) -> int:
    """Count how many measured checkpoints in a row, up to the last, are no better.

    One is better if it is better than the last one that was, by more than its own standard error; so small steps in
    one direction add up, and noise does not count. One that could not be measured is no better.

    Args:
        found: Of each checkpoint how bad it is, and its estimate.

    Returns:
        The number; 0 if the last one is better.

    Example:
        >>> values = (5.0, 4.0, 3.9, 3.8, 3.6)
        >>> count_worse((value, Estimate(value, 0.3)) for value in values[:4])
        2
        >>> count_worse((value, Estimate(value, 0.3)) for value in values)
        0
    """
    mark: float | None = None
    worse = 0
    for bad, estimate in found:
        error = 0.0 if estimate is None or estimate.error is None else estimate.error
        if bad is not None and (mark is None or bad < mark - error):
            mark, worse = bad, 0
        else:
            worse += 1
    return worse


class Validator:
    """Measures the checkpoints of a run as they are written.

    Args:
        directory: The run's files; the journal is written.
        measure: Name of the measure.
        patience: As in `Validation`.
        take: What measures.

    Attributes:
        found: What was measured so far.
        is_exhausted: Whether the training is to end.
    """

    def __init__(self, directory: runs.RunDirectory, measure: str, patience: int | None, take: TakeMeasure) -> None:
        self.directory, self._take = directory, take
        self.found = Validation(measure, patience)
        self.is_exhausted = False

    @property
    def best_step(self) -> int | None:
        """The step of the best checkpoint so far."""
        return None if self.found.best is None else self.found.best.step

    def begin(self, step: int, *, is_longer: bool = False) -> None:
        """Take up what was measured up to a step.

        Args:
            step: The step that the training stands at; the journal has no later one.
            is_longer: Whether a new limit was asked for, so that a training that had ended goes on.
        """
        entries = (entry for entry in self.directory.journal.entries() if entry["step"] <= step)
        self.found = Validation.of(entries, self.found.measure, self.found.patience)
        self.is_exhausted = self.found.is_exhausted and not is_longer

    def measure_if_owed(self, step: int, seconds: float, is_due: bool) -> Validation | None:
        """Measure a checkpoint as `measure` does, if that was due and is not done; return None otherwise.

        Args:
            step: The step of the checkpoint.
            seconds: Seconds that the run was trained for.
            is_due: Whether the checkpoint of that step was to be measured.

        Returns:
            What was measured so far, or None if nothing was owed.
        """
        is_done = any(one.step == step for one in self.found.checkpoints)
        return self.measure(step, seconds) if is_due and not is_done else None

    def measure(self, step: int, seconds: float) -> Validation:
        """Measure the checkpoint of a step, and write it down.

        Args:
            step: The step; its checkpoint was just written.
            seconds: Seconds that the run was trained for.

        Returns:
            What was measured so far.

        Raises:
            CannotWrite: If it cannot be written down.
        """
        began = time.perf_counter()
        estimate, problem = None, ""
        try:
            estimate = self._take(self.directory, step)
        except Exception as error:  # whatever a network of the user's raises; the training goes on
            problem = first_line(error)
        measured = MeasuredCheckpoint(self.found.measure, step, estimate, time.perf_counter() - began, problem)
        self.directory.journal.append({**measured.as_json(), "seconds": round(seconds, 3)})
        self.directory.journal.sync()
        self.found = replace(self.found, checkpoints=(*self.found.checkpoints, measured))
        self.is_exhausted = self.found.is_exhausted
        return self.found


def describe_early_end(validator: Validator | None) -> str:
    """Return why a training has ended before its budget was spent; nothing where it has not."""
    return "" if validator is None or not validator.is_exhausted else validator.found.words_of_end()
