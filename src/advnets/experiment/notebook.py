"""What is shown of a run in Python: its card, and, while it trains, a bar and the newest picture, or plain lines."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from advnets import distributed
from advnets.errors import AdvnetsError
from advnets.experiment.run_record import RunRecord
from advnets.experiment.training_loop import TrainingProgress
from advnets.markup import html_bar, html_card, html_picture, html_table
from advnets.runs import RunDirectory, has_checkpoints
from advnets.text import escape

REDRAW_SECONDS = 0.5
"""Least seconds between two pictures of a training."""
TELL_SECONDS = 10.0
"""Least seconds between two lines of a training, where there is no notebook."""


def describe_run(directory: RunDirectory, record: RunRecord, step: Callable[[], int]) -> str:
    """Return the card of a run as HTML.

    Args:
        directory: The run's files.
        record: What recipe.json says of it.
        step: Tells the step of its newest good checkpoint, if there is one.

    Returns:
        Recipe, data, step and the newest preview.
    """
    rows = [
        ("recipe", record.recipe.name),
        ("data", record.data.name),
        ("checkpoint", f"step {step():,}" if has_checkpoints(directory.checkpoints) else "none yet"),
        ("seed", record.settings.seed),
    ]
    return html_card(f"Run {directory.path}", html_table(rows), _newest_preview(directory))


def follow_training(directory: RunDirectory, progresses: Iterable[TrainingProgress]) -> Iterator[TrainingProgress]:
    """Hand on the progress of a training, and show it.

    A notebook shows a card. Elsewhere standard error has what the doctor finds, and a line now and then.

    Args:
        directory: The run's files.
        progresses: The progress.

    Yields:
        The same progress.
    """
    shown, is_told = _open_display(), distributed.is_rank0()
    last: TrainingProgress | None = None
    drawn_at, told_at = float("-inf"), time.monotonic()
    try:
        for last in progresses:
            if shown is not None and time.monotonic() - drawn_at >= REDRAW_SECONDS:
                shown.show(_training_card(directory, last))
                drawn_at = time.monotonic()
            elif shown is None and is_told:
                is_due = time.monotonic() - told_at >= TELL_SECONDS
                told_at = time.monotonic() if is_due else told_at
                _tell([*(one.line() for one in last.findings), *([last.line()] if is_due else [])])
            yield last
    except KeyboardInterrupt:
        if is_told and shown is None and last is not None:
            _tell([f"stopped and saved; go on by advnets.resume({str(directory.path)!r})"])
        raise
    finally:
        if shown is not None and last is not None:
            shown.show(_training_card(directory, last))


def is_notebook() -> bool:
    """Return whether a notebook's kernel runs this program."""
    found = sys.modules.get("IPython")
    shell = None if found is None else found.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class NotebookDisplay:
    """A place in a notebook's output whose HTML is put anew."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, html: str) -> None:
        """Put HTML in the place of what stands there."""
        from IPython import display

        ipython: Any = display
        if self._handle is None:
            self._handle = ipython.display(ipython.HTML(html), display_id=True)
        else:
            self._handle.update(ipython.HTML(html))


def _tell(lines: Iterable[str]) -> None:
    """Print lines on standard error; what cannot be written stops no training."""
    with suppress(OSError, ValueError, AttributeError):
        for line in lines:
            print(escape(line), file=sys.stderr, flush=True)


def _open_display() -> NotebookDisplay | None:
    return NotebookDisplay() if is_notebook() and distributed.is_rank0() else None


def _training_card(directory: RunDirectory, progress: TrainingProgress) -> str:
    readings = ", ".join(f"{name} {value:.3f}" for name, value in progress.readings.items())
    left = (
        "" if progress.share >= 1 or progress.seconds_left == float("inf") else f", {progress.seconds_left:,.0f} s left"
    )
    text = f"step {progress.step:,}, {progress.images_per_second:,.0f} images/s{left}: {readings}"
    return html_card(f"Run {directory.path}", html_bar(progress.share, text), _newest_preview(directory))


def _newest_preview(directory: RunDirectory) -> str:
    """The newest picture of the fixed noises; nothing where there is none, or it cannot be read just now."""
    try:
        newest = max(directory.previews.glob("*.png"), default=None)
        return "" if newest is None else html_picture(newest.read_bytes(), f"samples at step {int(newest.stem):,}")
    except (OSError, ValueError, AdvnetsError):
        return ""
