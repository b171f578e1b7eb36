"""advnets export RUN: a generator as one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result
from advnets.text import escape, quote_word

ABOUT = """Write the averaged generator of a run's newest good checkpoint, or of the one that --checkpoint names, as one
file, to be given away.

The ending of --out says which kind of file it is:

{kinds}

`advnets sample FILE`, `advnets translate FILE` and `advnets evaluate FILE` take a .safetensors or .onnx file in place
of the run. Its card says what it is: the network and its numbers, the noise, the transform, the data set, the step, and
what `advnets evaluate` measured at that step. Every bit of the file is checked. Nothing in a .safetensors file is
executed. An .onnx file is run by onnxruntime: its inputs are z, labels or image, and its output is samples, images in
[0, 1]. A page has sliders, seeds, classes, and the way from seed to seed; its pixels are those of `advnets sample`
within one level of 255.

Of networks of your own a .safetensors file holds the weights alone, a plain state dict, with words that say what they
are."""


@dataclass(frozen=True)
class ExportFlags:
    """Which run is exported, and where its generator goes.

    Attributes:
        run: The run directory; also a file of a model, or the name of a model that ships.
        out: The file that is written; one that is there already is not overwritten.
        checkpoint: Take this checkpoint of a run, by its step, or the best, which --keep-best has kept; default the
            newest.
        way: Of the run of a cycle, the generator from A to B (there, the default) or from B to A (back).
        half: Store half precision, which takes half the space; a pixel may then differ by a level or two.
        licence: The licence under which others may use the generator.
        notes: What else they should know.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    out: Annotated[Path, tyro.conf.arg(metavar="|".join(f"FILE{ending}" for ending in experiment.EXPORTERS))]
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP|best")] = None
    way: Annotated[str | None, tyro.conf.arg(metavar="there|back")] = None
    half: bool = False
    licence: str = ""
    notes: str = ""
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Write the file and say what it is.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    kinds = "\n".join(f"  {ending}: {row.about}" for ending, row in experiment.EXPORTERS.items())
    asked = parse(ExportFlags, argv, verb="export", about=ABOUT.format(kinds=kinds))
    words = {"licence": asked.licence, "notes": asked.notes}
    source = experiment.open_source(asked.run, checkpoint=asked.checkpoint)
    made = experiment.export_generator(source, asked.out, half=asked.half, way=asked.way, **words)
    size = made.path.stat().st_size
    result = {"out": str(made.path), "bytes": size, "half": asked.half, "step": made.step, "notes": list(made.notes)}
    lines = [f"{made.path}: {asked.run} at step {made.step}, {size:,} bytes", *(f"  {note}" for note in made.notes)]
    use = [f"  {made.use.format(path=quote_word(made.path))}"] if made.use else []
    text = "\n".join([*map(escape, lines), *use])
    print_result(result, as_json=asked.json, text=text, kept=made.path)
    return 0
