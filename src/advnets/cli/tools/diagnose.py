"""advnets diagnose RUN: say what is wrong with a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result
from advnets.experiment.own_networks import load_game

ABOUT = """Say what is wrong with a training, in whole sentences: the number that shows it, its threshold, what the
number is where nothing is wrong, the likely cause, and the flag to change. Nothing is written.

The run may be finished or under way. Its newest checkpoints are probed, beside what the doctor measured while the run
trained. A sign of one probe is a warning; what stands in several probes in a row is a finding. What cannot be judged
yet is named, with the step from which it is."""


@dataclass(frozen=True)
class DiagnoseFlags:
    """Which run is diagnosed.

    Attributes:
        run: The run directory.
        data: The new place of the data, if they were moved.
        data_dir: A folder where data sets are looked for first, in place of that of the start.
        game: The game of networks of your own, as the training had it: a game, or a function that returns one.
        json: Print the findings as JSON.
    """

    run: tyro.conf.Positional[Path]
    data: str | None = None
    data_dir: str | None = None
    game: str | None = None
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Diagnose a run.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status, which is 0 whatever was found.
    """
    asked = parse(DiagnoseFlags, argv, verb="diagnose", about=ABOUT)
    game = load_game(asked.game)
    found = experiment.Run(asked.run, data=asked.data, data_dir=asked.data_dir, game=game).diagnose()
    print_result(found.as_dict(), as_json=asked.json, text=str(found))
    return 0
