"""advnets export RUN: a generator as one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result
from advnets.text import escape, quote_word

ABOUT = """Write the averaged generator of a run's newest good checkpoint as one file, to be given away.

`advnets sample FILE` and `advnets evaluate FILE` take the file in place of the run, and it draws the very same samples.
Its card says what it is: the network and its numbers, the noise, the transform, the data set, the step, and what
`advnets evaluate` measured at that step. Nothing in the file is executed, and every bit of it is checked.

Of networks of your own the file holds the weights alone, a plain state dict, with words that say what they are."""


@dataclass(frozen=True)
class ExportFlags:
    """Which run is exported, and where its generator goes.

    Attributes:
        run: The run directory.
        out: The file that is written; one that is there already is not overwritten.
        half: Store half precision, which takes half the space; a pixel may then differ by a level or two.
        licence: The licence under which others may use the generator.
        notes: What else they should know.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.safetensors")]
    half: bool = False
    licence: str = ""
    notes: str = ""
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Write the share file and say what it is.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(ExportFlags, argv, verb="export", about=ABOUT)
    run = experiment.Run(asked.run)
    path = run.export(asked.out, asked.half, licence=asked.licence, notes=asked.notes)
    is_own = run.record.game is not None
    step, size = run.step if is_own else experiment.open_model(path).step, path.stat().st_size
    result = {"out": str(path), "bytes": size, "half": asked.half, "step": step}
    text = escape(f"{path}: {asked.run} at step {step}, {size:,} bytes")
    text += " of weights, a plain state dict" if is_own else f"\n  advnets sample {quote_word(path)} --out samples.png"
    print_result(result, as_json=asked.json, text=text, kept=path)
    return 0
