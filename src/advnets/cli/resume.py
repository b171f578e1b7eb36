"""advnets resume RUN: train on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from advnets import experiment
from advnets.cli.arguments import parse
from advnets.cli.train import follow

ABOUT = """Train a run on from its newest good checkpoint, to its own budget or a new one.

A run with a limit in steps, resumed on the same machine with as many threads, ends bit for bit as if it had never
stopped."""


@dataclass(frozen=True)
class ResumeFlags:
    """Which run, and how far."""

    run: tyro.conf.Positional[Path]
    """The run directory."""
    steps: int | None = None
    """A new limit in steps, in place of the run's own budget."""
    minutes: float | None = None
    """A new limit in minutes of training, the former ones counted."""
    json: bool = False
    """Print the result as JSON."""


def main(argv: Sequence[str]) -> int:
    """Carry a run on."""
    asked = parse(ResumeFlags, argv, verb="resume", about=ABOUT)
    return follow(experiment.Run(asked.run), as_json=asked.json, steps=asked.steps, minutes=asked.minutes)
