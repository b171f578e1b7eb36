"""advnets sample RUN|FILE.safetensors: draw samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.arguments import parse, print_result
from advnets.errors import BadInput

ABOUT = """Draw samples of a run's newest good checkpoint, by the moving average of its generator, or of a share file.

FILE.png is a grid; FILE.npz holds `images`, uint8, (n, h, w, c); FOLDER/ gets a PNG each. Nothing is overwritten."""


@dataclass(frozen=True)
class SampleFlags:
    """Of what, how many samples, and where they go."""

    run: tyro.conf.Positional[Path]
    """The run directory, FILE.safetensors as `advnets export` writes it, or a model that ships: paper-mnist."""
    out: str
    """FILE.png, FILE.npz or FOLDER/."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 64
    """How many samples."""
    seed: int = 0
    """Of the noises."""
    json: bool = False
    """Print the result as JSON."""


def main(argv: Sequence[str]) -> int:
    """Draw and write."""
    asked = parse(SampleFlags, argv, verb="sample", about=ABOUT)
    if Path(asked.out).exists() and not Path(asked.out).is_dir():
        raise BadInput(f"{asked.out} is there already and is not overwritten; name another file or move it away")
    model = experiment.find_model(asked.run)
    path = model.sample(asked.n, seed=asked.seed).save(asked.out)
    result = {"out": str(path), "n": asked.n, "seed": asked.seed, "step": model.step}
    print_result(result, as_json=asked.json, text=f"{path}: {asked.n} samples of {asked.run} at step {model.step}")
    return 0
