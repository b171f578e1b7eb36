"""advnets export RUN: a generator as one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from advnets import experiment
from advnets.cli.arguments import parse, print_result

ABOUT = """Write the averaged generator of a run's newest good checkpoint as one safetensors file, to be given away.

`advnets sample FILE` and `advnets evaluate FILE` take it in place of a run, and it draws the very same samples.
Its card says what it is: row and numbers of the network, latent, transform, data set, step, and what `advnets evaluate`
measured of that step. Nothing in such a file is executed, each bit of it is checked, and nothing is overwritten."""


@dataclass(frozen=True)
class ExportFlags:
    """Which run, and where its generator goes."""

    run: tyro.conf.Positional[Path]
    """The run directory."""
    out: Path
    """FILE.safetensors."""
    half: bool = False
    """Keep it in half precision: half the size; a pixel may differ by a level or two."""
    licence: str = ""
    """Under which others may use it."""
    notes: str = ""
    """What else they should know."""
    json: bool = False
    """Print the result as JSON."""


def main(argv: Sequence[str]) -> int:
    """Write and tell."""
    asked = parse(ExportFlags, argv, verb="export", about=ABOUT)
    path = experiment.Run(asked.run).export(asked.out, asked.half, licence=asked.licence, notes=asked.notes)
    step, size = experiment.open_model(path).step, path.stat().st_size
    result = {"out": str(path), "bytes": size, "half": asked.half, "step": step}
    text = f"{path}: {asked.run} at step {step}, {size:,} bytes\n  advnets sample {path} --out samples.png"
    print_result(result, as_json=asked.json, text=text)
    return 0
