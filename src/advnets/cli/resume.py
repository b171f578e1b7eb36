"""advnets resume RUN: train on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse
from advnets.cli.train import follow
from advnets.experiment.own_networks import load_game

ABOUT = """Train a run on, from its newest good checkpoint, to its own limit or to a new one.
The limit that was asked for last is the run's own from then on.

A run that has a limit in steps ends bit for bit as if it had never stopped, if it is resumed on the same machine with
as many threads. Data that were moved are recognised at their new place, which is not written down: give --data again
the next time."""


@dataclass(frozen=True)
class ResumeFlags:
    """Which run is trained on, and how far; a new limit stays the run's.

    Attributes:
        run: The run directory.
        steps: Train until this step, in place of the run's own limit.
        minutes: Train until this many minutes are spent in all, in place of the run's own limit.
        data: The new place of the data, if they were moved.
        data_dir: A folder where data sets are looked for first, in place of that of the start.
        game: The game of networks of your own, as the training had it: a game, or a function that returns one.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    steps: int | None = None
    minutes: float | None = None
    data: str | None = None
    data_dir: str | None = None
    game: str | None = None
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Train a run on.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(ResumeFlags, argv, verb="resume", about=ABOUT)
    run = experiment.Run(asked.run, load_game(asked.game), data=asked.data, data_dir=asked.data_dir)
    return follow(run, as_json=asked.json, game=asked.game, steps=asked.steps, minutes=asked.minutes)
