"""advnets helvetica: collapse a generator against a frozen discriminator, and bring it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from advnets.cli.arguments import parse, print_result
from advnets.errors import BadInput
from advnets.studies.helvetica import helvetica

ABOUT = """Play the Helvetica scenario of the 2014 paper: G collapses when it is trained while D stands still, and
Algorithm 1 brings it back.

There are three acts. First a game is played by Algorithm 1. Then D is frozen, and G moves alone. From there Algorithm 1
goes on with k moves of D a step, once for each k. The table has the entropy of the samples' classes, the number of
modes that they hit, their mean distance from each other, and that to the nearest real sample. ring-8 and digits take
seconds, mnist some minutes."""


@dataclass(frozen=True)
class HelveticaFlags:
    """The flags of the verb.

    Attributes:
        data: Data set with labels, by name or path, such as ring-8, digits or mnist.
        data_dir: Folder where data sets are looked for first.
        k: Moves of D a step in the third act, one number or more.
        seed: Seed of the game.
        out: FILE.png for a figure; nothing is overwritten.
        json: Print every reading as JSON.
    """

    data: str = "ring-8"
    data_dir: str | None = None
    k: tuple[int, ...] = (1, 2, 5)
    seed: int = 0
    out: Path | None = None
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Play the acts, print the table, and draw the figure.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    flags = parse(HelveticaFlags, argv, verb="helvetica", about=ABOUT)
    if flags.out is not None and (flags.out.suffix.lower() != ".png" or flags.out.exists()):
        raise BadInput(f"--out {flags.out}: expected the name of a .png file that is not there yet")
    played = helvetica(flags.data, data_dir=flags.data_dir, seed=flags.seed, ks=flags.k)
    result = played.as_dict()
    if flags.out is not None:
        result["out"] = str(played.save(flags.out))
    print_result(result, as_json=flags.json, text=str(played))
    return 0
