"""advnets sample RUN|FILE.safetensors: draw samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.arguments import parse, print_result
from advnets.errors import BadInput
from advnets.text import escape

ABOUT = """Draw samples from a run, from a share file or from a model that ships.

A run's samples come from its newest good checkpoint, by the moving average of its generator. The ending of --out says
what is written: one image with all samples in a grid, one .npz file, or a folder with one .png file a sample. An .npz
file holds `images`, uint8, (n, h, w, c).

A model that was trained with labels, as by the recipe dcgan-classes, draws each class as often as its data have it, or
the one class that --class names."""


@dataclass(frozen=True)
class SampleFlags:
    """What is drawn from, how many samples, and where they go.

    Attributes:
        run: The run directory, a file that `advnets export` wrote, or a model that ships, such as paper-mnist.
        out: Where the samples go; a file that is there already is not overwritten.
        n: Draw this many samples.
        class_name: Draw this class alone, by its name or number.
        seed: Seed of the noise that the samples are made from.
        last: Draw by the last weights of a run, in place of their moving average.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    out: Annotated[str, tyro.conf.arg(metavar="FILE.png|FILE.npz|FOLDER/")]
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 64
    class_name: Annotated[str | None, tyro.conf.arg(name="class", metavar="NAME")] = None
    seed: int = 0
    last: bool = False
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Draw samples and write them.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(SampleFlags, argv, verb="sample", about=ABOUT)
    experiment.expect_place_for_samples(asked.out)
    model = experiment.find_model(asked.run, last=asked.last)
    if asked.class_name is not None and model.card.given != "labels":
        raise BadInput(
            f"--class {asked.class_name}: {asked.run} was trained without labels and has no classes; expected a run of "
            "a recipe with labels, such as dcgan-classes. Leave --class out."
        )
    path = model.sample(asked.n, seed=asked.seed, given=asked.class_name).save(asked.out)
    result = {"out": str(path), "n": asked.n, "seed": asked.seed, "step": model.step, "last": asked.last}
    result |= {"class": asked.class_name}
    of_class = "" if asked.class_name is None else f" of class {asked.class_name}"
    text = escape(f"{path}: {asked.n} samples{of_class} of {asked.run} at step {model.step}")
    print_result(result, as_json=asked.json, text=text, kept=path)
    return 0
