"""How far a run has come, and how one ends, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advnets import errors, runs
from advnets.diagnosis import Finding
from advnets.experiment.training_loop.validation import Validation
from advnets.text import format_clock

AUGMENTED_ALWAYS = ("augment/p", 1.0)
"""What is read of an augmentation that is always done, which a line need not tell again and again."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a run has come, at a line of its journal.

    Attributes:
        step: Steps made so far.
        seconds: Seconds that it was trained for.
        share: Share of the budget that is spent, from 0 to 1.
        seconds_left: Seconds to the end of the budget, at the present pace.
        images_per_second: Real images that were trained on a second, since the last line.
        readings: Losses and scores by name.
        findings: What the doctor has found since the last line, or has found to be graver than before.
        validation: The checkpoints that were measured so far, the last of them just now; None where none was.
    """

    step: int
    seconds: float
    share: float
    seconds_left: float
    images_per_second: float
    readings: Mapping[str, float]
    findings: tuple[Finding, ...] = ()
    validation: Validation | None = None

    def line(self) -> str:
        """Return the progress as one line: losses, D(x), D(G(z)), images a second and the time left.

        Returns:
            The line.
        """
        told = {name: value for name, value in self.readings.items() if (name, value) != AUGMENTED_ALWAYS}
        readings = "  ".join(f"{_short(name)} {value:.3f}" for name, value in told.items())
        return (
            f"{100 * self.share:3.0f} %  step {self.step:,}  {readings}  "
            f"{self.images_per_second:,.0f} images/s  {format_clock(self.seconds_left)} left"
        )


def _short(name: str) -> str:
    if name == AUGMENTED_ALWAYS[0]:
        return "chance of augmentation"
    player, _, part = name.partition("/")
    loss = {"discriminator": "loss D", "generator": "loss G"}
    return name if not part or player not in loss else loss[player] + ("" if part == "objective" else f" {part}")


def describe_end(error: BaseException, *, is_callers: bool) -> tuple[str, str]:
    """Return the state and the message of status.json for an error.

    Args:
        error: What ended the run.
        is_callers: Whether the caller had the word, who may leave for any reason of its own.

    Returns:
        "stopped" or "failed", and the message.
    """
    if isinstance(error, GeneratorExit):
        return "stopped", "the loop was left"
    message = str(error) if isinstance(error, errors.AdvnetsError) else f"{type(error).__name__}: {error}"
    is_stop = is_callers or not isinstance(error, Exception) or isinstance(error, errors.Collapsed)
    return ("stopped" if is_stop else "failed"), message


def write_status(directory: runs.RunDirectory, told: Mapping[str, Any], *, in_place: bool) -> None:
    """Write status.json.

    Args:
        directory: The run.
        told: What it says.
        in_place: Whether it is written over the former one where there is no place for another.

    Raises:
        CannotWrite: If the disk fails or is full.
    """
    try:
        runs.write_json(directory.status_json, told, directory.held)
    except errors.CannotWrite:
        if not in_place:
            raise
        runs.overwrite_json(directory.status_json, told, directory.held)
