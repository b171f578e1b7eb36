"""advnets helvetica: collapse a generator against a frozen discriminator, and bring it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from advnets.cli.arguments import parse, print_result
from advnets.errors import BadInput
from advnets.studies.helvetica import helvetica

ABOUT = """The Helvetica scenario of the 2014 paper: G, trained while D stands still, collapses; Algorithm 1 recovers.

Three acts: a game is played by Algorithm 1; D is frozen and G moves alone; from there Algorithm 1 goes on with k moves
of D a step, once for each k. Told are the entropy of the samples' classes, the modes they hit, their mean distance from
one another and that to the nearest real sample. ring-8 and digits take seconds, mnist some minutes."""


@dataclass(frozen=True)
class HelveticaFlags:
    """On what, and what is written."""

    data: str = "ring-8"
    """A labelled data set, by name or path: ring-8, digits, mnist."""
    data_dir: str | None = None
    """Folder where data sets are looked for first."""
    k: tuple[int, ...] = (1, 2, 5)
    """Moves of D a step in the third act, one or more."""
    seed: int = 0
    """Of the game."""
    out: Path | None = None
    """FILE.png for a figure of the courses; nothing is overwritten."""
    json: bool = False
    """Print every reading as JSON."""


def main(argv: Sequence[str]) -> int:
    """Play the acts, print the table, draw the figure."""
    asked = parse(HelveticaFlags, argv, verb="helvetica", about=ABOUT)
    if asked.out is not None and (asked.out.suffix.lower() != ".png" or asked.out.exists()):
        raise BadInput(f"--out {asked.out}: expected the name of a .png file that is not there yet")
    played = helvetica(asked.data, data_dir=asked.data_dir, seed=asked.seed, ks=asked.k)
    told = played.as_dict()
    if asked.out is not None:
        told["out"] = str(played.save(asked.out))
    print_result(told, as_json=asked.json, text=str(played))
    return 0
