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

FILE.html is a page that draws samples in any browser, without a server and without a request: sliders, seeds, classes,
and the way from seed to seed. Its pixels are those of `advnets sample` within one level of 255. A page is also made of
a share file, or of a model that ships: `advnets export paper-mnist --out page.html`."""


@dataclass(frozen=True)
class ExportFlags:
    """Which run is exported, and where its generator goes.

    Attributes:
        run: The run directory; for FILE.html also a share file, or the name of a model that ships.
        out: The file that is written; one that is there already is not overwritten.
        half: Store half precision, which takes half the space; a pixel may then differ by a level or two.
        licence: The licence under which others may use the generator.
        notes: What else they should know.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    out: Annotated[Path, tyro.conf.arg(metavar="FILE.safetensors|FILE.html")]
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
    if asked.out.suffix.lower() == ".html":
        return _export_page(asked)
    path = experiment.Run(asked.run).export(asked.out, asked.half, licence=asked.licence, notes=asked.notes)
    step, size = experiment.open_model(path).step, path.stat().st_size
    result = {"out": str(path), "bytes": size, "half": asked.half, "step": step}
    text = escape(f"{path}: {asked.run} at step {step}, {size:,} bytes")
    text = f"{text}\n  advnets sample {quote_word(path)} --out samples.png"
    print_result(result, as_json=asked.json, text=text, kept=path)
    return 0


def _export_page(asked: ExportFlags) -> int:
    path = experiment.export_page(asked.run, asked.out, half=asked.half, licence=asked.licence, notes=asked.notes)
    size = path.stat().st_size
    text = escape(f"{path}: a page of {asked.run}, {size:,} bytes\n  Open it in a browser; it needs no server.")
    print_result({"out": str(path), "bytes": size, "half": asked.half}, as_json=asked.json, text=text, kept=path)
    return 0
