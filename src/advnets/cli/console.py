"""How a run is followed: a live line on a terminal, one plain line a report elsewhere."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TextIO, TypeVar, cast

from rich.console import Console
from rich.live import Live
from rich.text import Text

from advnets import assessment
from advnets.cli.output import WIDEST, LossyStream, terminal_width, write_error
from advnets.experiment import Run, TrainingProgress
from advnets.text import escape, format_clock

Result = TypeVar("Result")

STOPPING = "Stopping after this step, and saving ... A second Ctrl-C leaves without saving."
PLAIN_SECONDS = 2.5
"""At most one plain line in this time, and one at the end: with a report every 2 seconds, no silence is over 5."""
LIVE_SECONDS = 0.25
"""A live line is drawn anew at most once in this time."""


def follow(run: Run, progress: Iterator[TrainingProgress], notes: Iterable[str]) -> TrainingProgress | None:
    """Print the notes of a run and then its progress, on standard error; what cannot be written is dropped.

    Args:
        run: The run.
        progress: Its progress, which is exhausted.
        notes: What is printed before.

    Returns:
        The last progress, or None if there was none.
    """
    write_error(escape(f"run {run.path}"))
    for note in notes:
        write_error(escape(note))
    last: TrainingProgress | None = None
    with open_live_line() as show:
        for last in progress:
            for finding in last.findings:
                show.keep(finding.line())
            if last.validation is not None:
                show.keep(last.validation.line())
                for words in filter(None, [last.validation.words_of_end()]):
                    show.keep(words)
            if last.readings:  # a run that is resumed may begin with a measure alone
                show(last.line(), last.share == 1)
    return last


class StopNotice:
    """Says at the first SIGINT that the training stops, for the step and the saving may take long."""

    def __init__(self) -> None:
        self._is_said = False

    def __call__(self, number: int) -> None:
        """Say it on standard error, if the signal is a SIGINT and nothing was said yet; nothing is waited for."""
        if number != signal.SIGINT or self._is_said:
            return
        self._is_said = True
        with suppress(Exception):  # it may have come within another write; no word is worth a step
            write_error(STOPPING)


def show_lines(lines: Iterable[tuple[str, bool]]) -> None:
    """Show lines on standard error as `open_live_line` does.

    Args:
        lines: Each with whether it is printed in any case.
    """
    with open_live_line() as show:
        for text, always in lines:
            show(text, always)


class LiveLine:
    """A line on standard error that is drawn anew on a terminal, and printed now and then elsewhere.

    Args:
        live: What draws it on a terminal; None elsewhere.
    """

    def __init__(self, live: Live | None) -> None:
        self._live, self._shown_at = live, float("-inf")

    def __call__(self, text: str, always: bool) -> None:
        """Show a text; where there is no terminal one in PLAIN_SECONDS is printed, and all with `always`."""
        patience = PLAIN_SECONDS if self._live is None else LIVE_SECONDS
        if not always and time.monotonic() - self._shown_at < patience:
            return
        self._shown_at = time.monotonic()
        if self._live is not None:
            self._live.update(Text(escape(text)), refresh=True)
        else:
            write_error(escape(text))

    def keep(self, text: str) -> None:
        """Print a text that stays, above the line."""
        if self._live is not None:
            self._live.console.print(Text(escape(text)))
        else:
            write_error(escape(text))


@contextmanager
def open_live_line() -> Iterator[LiveLine]:
    """Open a line on standard error: a live one on a terminal, plain lines elsewhere.

    Yields:
        The line, which is called with a text, and whether the text is printed in any case.
    """
    screen = _open_console()
    # A live line is drawn by who shows it: a thread of rich would hold a lock while it waits.
    with Live(console=screen, auto_refresh=False) if screen.is_terminal else nullcontext() as live:
        if live is not None:
            screen.show_cursor(True)  # a process that is killed leaves the terminal as it is
        yield LiveLine(live)


def follow_measures(steps: Generator[assessment.Progress, None, Result]) -> Result:
    """Print the progress of measuring on standard error, and its notes at the end.

    Args:
        steps: The progress, which is exhausted.

    Returns:
        What the generator returns.
    """
    notes: list[str] = []
    try:
        with open_live_line() as show_line:

            def show(progress: assessment.Progress) -> None:
                if progress.note:
                    notes.append(progress.what)
                else:  # a classifier trains for minutes, so that its line is printed in any case
                    show_line(f"{100 * progress.share:3.0f} %  {progress.what}", progress.what.startswith("training"))

            return assessment.exhaust(steps, show)
    finally:
        for note in notes:
            write_error(escape(note))


@contextmanager
def open_progress() -> Iterator[Callable[[assessment.Progress], None]]:
    """Open a line on standard error for a task whose end is known; a task of a moment says nothing.

    Yields:
        The function that shows a progress, with the time left.
    """
    began = time.monotonic()
    with open_live_line() as show_line:

        def show(progress: assessment.Progress) -> None:
            if progress.note:
                show_line.keep(progress.what)
                return
            seconds = time.monotonic() - began
            if seconds > LIVE_SECONDS:
                left = format_clock(seconds * (1 - progress.share) / progress.share)
                show_line(f"{100 * progress.share:3.0f} %  {progress.what}  {left} left", progress.share == 1)

        yield show


def _open_console() -> Console:
    """Standard error as rich sees it: a terminal only where it is one, of a width that can be drawn."""
    width = terminal_width() if {"COLUMNS", "LINES"} & set(os.environ) else None
    height = min(max(shutil.get_terminal_size().lines, 2), WIDEST) if width else None
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return Console(file=cast(TextIO, LossyStream()), force_terminal=is_terminal, width=width, height=height)
