"""How a run is followed: a live line on a terminal, one plain line a report elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext

from rich.console import Console
from rich.live import Live
from rich.text import Text

from advnets.experiment import Run, TrainingProgress

PLAIN_SECONDS = 5.0
"""At most one plain line in this time, and one at the end."""


def follow(run: Run, progress: Iterator[TrainingProgress], notes: Iterable[str]) -> TrainingProgress | None:
    """Exhaust the progress of a run, telling it on standard error, after what should be noted; returns the last."""
    console = Console(stderr=True)
    console.print(f"run {run.path}", highlight=False, soft_wrap=True)
    for note in notes:
        console.print(note, highlight=False, soft_wrap=True)
    last: TrainingProgress | None = None
    told_at = float("-inf")
    with Live(console=console, refresh_per_second=4) if console.is_terminal else nullcontext() as live:
        for last in progress:
            if live is not None:
                live.update(Text(progress_line(last)))
            elif time.monotonic() - told_at >= PLAIN_SECONDS or last.share == 1:
                print(progress_line(last), file=sys.stderr, flush=True)
                told_at = time.monotonic()
    return last


def show_lines(lines: Iterable[tuple[str, bool]]) -> None:
    """Tell lines on standard error as they come: a live one on a terminal, plain ones elsewhere.

    lines: each with whether it is to be told in any case; of the others one in PLAIN_SECONDS is, off a terminal.
    """
    screen = Console(stderr=True)
    told_at = float("-inf")
    with Live(console=screen, refresh_per_second=4) if screen.is_terminal else nullcontext() as live:
        for said, always in lines:
            if live is not None:
                live.update(Text(said))
            elif always or time.monotonic() - told_at >= PLAIN_SECONDS:
                print(said, file=sys.stderr, flush=True)
                told_at = time.monotonic()


def progress_line(progress: TrainingProgress) -> str:
    """Losses, D(x), D(G(z)), images a second and the time left, in one line."""
    readings = "  ".join(f"{_short(name)} {value:.3f}" for name, value in progress.readings.items())
    return (
        f"{100 * progress.share:3.0f} %  step {progress.step:,}  {readings}  "
        f"{progress.images_per_second:,.0f} images/s  {_clock(progress.seconds_left)} left"
    )


def _short(name: str) -> str:
    player, _, part = name.partition("/")
    loss = {"discriminator": "loss D", "generator": "loss G"}
    return name if not part or player not in loss else loss[player] + ("" if part == "objective" else f" {part}")


def _clock(seconds: float) -> str:
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
