"""advnets card RUN|FILE.safetensors: a model card."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result
from advnets.cli.output import write_error
from advnets.experiment.run_model import notes_of_unmeasured, read_report_of_step
from advnets.text import escape

ABOUT = """Write the model card of a generator: what it is, how it was trained, how good it is, and its limits.

The card is a page of Markdown with the head that model hubs read. It tells the recipe with every number, the data with
their digest, what `advnets evaluate` measured of the same step with errors and protocol, and what was not measured.
samples.png is written beside it, with the first 64 samples of seed 0.

Measure before you write the card: without a report it says that nothing was measured. `advnets push` writes the same
card itself."""


@dataclass(frozen=True)
class CardFlags:
    """What the card tells of, and where it goes.

    Attributes:
        run: The run directory, a file that `advnets export` wrote, or a model that ships, such as paper-mnist.
        checkpoint: Take this checkpoint of a run, by its step, or the best, which --keep-best has kept; default the
            newest good one.
        out: The card; a file that is there already is not overwritten. Default: README.md.
        licence: The licence under which others may use the generator of a run, such as cc-by-4.0.
        notes: What else they should know of a run's generator.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP|best")] = None
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.md")] = Path("README.md")
    licence: str = ""
    notes: str = ""
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Write the card.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(CardFlags, argv, verb="card", about=ABOUT)
    source = experiment.open_source(asked.run, checkpoint=asked.checkpoint)
    path = experiment.write_card(source, asked.out, licence=asked.licence, notes=asked.notes)
    picture = path.parent / experiment.PICTURE
    result = {"out": str(path), "picture": str(picture) if picture.exists() else None}
    text = escape(f"{path}: the model card of {asked.run}")
    if isinstance(source, experiment.Run):
        for note in notes_of_unmeasured(source, read_report_of_step(source, source.step)):
            write_error(escape(f"note: {note}"))
    print_result(result, as_json=asked.json, text=text, kept=path)
    return 0
