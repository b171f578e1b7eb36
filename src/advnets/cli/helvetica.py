"""advnets helvetica: collapse a generator against a frozen discriminator, and bring it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets.cli.flags.arguments import parse, print_result
from advnets.runs import expect_new
from advnets.studies.helvetica import helvetica

ABOUT = """Play the Helvetica scenario of the 2014 paper: a generator that is trained alone collapses, and Algorithm 1
brings it back.

It has three acts. A game is played by Algorithm 1. Then the discriminator is frozen, and the generator moves alone.
From there Algorithm 1 goes on, once for each k. After each act the samples are measured: the entropy of their classes,
how many classes they hit, their mean distance from one another, and that to the nearest real sample. Each takes a few
minutes at most on two free cores."""


@dataclass(frozen=True)
class HelveticaFlags:
    """What is played on, and what is written.

    Attributes:
        data: A data set with labels, by name or path, such as digits or mnist; by default ring-8, points of a plane.
        data_dir: A folder where data sets are looked for first.
        k: The discriminator's moves before each move of the generator in the third act, one number or several.
        seed: Seed of the game.
        out: Draw the measurements into this file; one that is there already is not overwritten.
        json: Print every measurement as JSON.
    """

    data: str = "ring-8"
    data_dir: str | None = None
    k: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N [N ...]")] = (1, 2, 5)
    seed: int = 0
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Play the acts, print the table, and draw the figure.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    flags = parse(HelveticaFlags, argv, verb="helvetica", about=ABOUT)
    if flags.out is not None:
        expect_new(flags.out, ".png", flag="--out")
    played = helvetica(flags.data, data_dir=flags.data_dir, seed=flags.seed, ks=flags.k)
    result = played.as_dict()
    kept = None
    try:
        if flags.out is not None:
            kept = played.save(flags.out)
            result["out"] = str(kept)
    finally:  # what was measured is printed, even if the figure cannot be kept
        print_result(result, as_json=flags.json, text=str(played), kept=kept)
    return 0
