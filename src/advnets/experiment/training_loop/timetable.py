"""When a line of the journal, a preview and a checkpoint of a run are due: by steps, or by the clock."""

import time

from advnets import distributed
from advnets.experiment.settings import Settings

JOURNAL_STEPS, JOURNAL_SECONDS = 50, 2.0
"""Steps, or seconds of training, after which a line of the journal is due, where its steps are not given."""
FIRST_PREVIEW_SECONDS = 5.0
"""Seconds of training after which the first preview is due, where its steps are not given."""


class Timetable:
    """When each thing is due that a run writes. Seconds are those of training, on which all processes agree.

    Args:
        settings: Intervals, in steps or minutes.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._reported_at = self._next_preview_at = 0.0
        self._saved_at = time.monotonic()

    def begin(self, seconds: float) -> None:
        """Count from a training that begins, or goes on, at so many seconds."""
        self._reported_at, self._saved_at = seconds, time.monotonic()
        self._next_preview_at = seconds + min(FIRST_PREVIEW_SECONDS, 60 * self.settings.preview_minutes)

    def is_report_due(self, step: int, seconds: float) -> bool:
        """Return whether a line of the journal is due at a step, at so many seconds."""
        if self.settings.journal_steps is not None:
            return step % self.settings.journal_steps == 0
        return step % JOURNAL_STEPS == 0 or seconds - self._reported_at >= JOURNAL_SECONDS

    def is_preview_due(self, step: int, seconds: float) -> bool:
        """Return whether a preview is due at a step, at so many seconds."""
        if self.settings.preview_steps is not None:
            return step % self.settings.preview_steps == 0
        return seconds >= self._next_preview_at

    def has_mark(self, step: int, seconds: float) -> bool:
        """Return whether anything is due at a step, at so many seconds, but for checkpoints that the clock asks for."""
        is_due = self.is_save_due_by_steps(step), self.is_report_due(step, seconds), self.is_preview_due(step, seconds)
        return any(is_due)

    def is_save_due_by_steps(self, step: int) -> bool:
        """Return whether a checkpoint is due at a step, whatever the clock says."""
        every = self.settings.checkpoint_steps
        return every is not None and step % every == 0

    def is_save_due(self, step: int) -> bool:
        """Return whether a checkpoint is due at a step, by the clock of the first process where steps are not given."""
        if self.settings.checkpoint_steps:
            return self.is_save_due_by_steps(step)
        return distributed.on_rank0(lambda: time.monotonic() - self._saved_at >= 60 * self.settings.checkpoint_minutes)

    def note_report(self, seconds: float) -> None:
        """Note that a line of the journal was written."""
        self._reported_at = seconds

    def note_preview(self, seconds: float) -> None:
        """Note that a preview was drawn."""
        self._next_preview_at = seconds + 60 * self.settings.preview_minutes

    def note_save(self) -> None:
        """Note that a checkpoint was written, and measured where that is asked for."""
        self._saved_at = time.monotonic()
