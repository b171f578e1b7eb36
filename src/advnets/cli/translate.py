"""advnets translate RUN|FILE IMAGE|FOLDER ...: images out of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from advnets import experiment
from advnets.cli import console
from advnets.cli.flags.arguments import parse, print_result
from advnets.experiment import TranslationPlan
from advnets.experiment.own_networks import load_game
from advnets.text import escape

ABOUT = """Translate images by a run, or a share file, of a recipe that is given images: pix2pix or cyclegan.

An image of any size is scaled to the size that the generator was trained on, and its translation is scaled back to the
image's own size. Each is written under the image's name, as a PNG. Folders may hold folders.

The dropout of pix2pix is its only noise and stays on: another seed is another translation, and -n makes several of each
image. Normalisation takes the moments of each image alone, as in training with batches of one image.

A run of cyclegan goes both ways: there, from A to B, and back.

  advnets translate RUN photo.jpg --out painting.png
  advnets translate RUN photos/ --way back --out out/"""


@dataclass(frozen=True)
class TranslateFlags:
    """By what is translated, which images, and where they go.

    Attributes:
        run: The run directory, or a file that `advnets export` wrote.
        images: Image files, and folders of them.
        out: Where the translations go; nothing is overwritten. A file takes one translation of one image.
        way: Of a cycle, from A to B (there, the default) or from B to A (back).
        n: Make this many translations of each image, of a generator with noise.
        seed: Seed of the noise of the first of them; the next ones have the numbers behind it.
        no_dropout: Leave dropout out, so that an image has one translation.
        game: The game of networks of your own, as the training had it: a game, or a function that returns one.
        checkpoint: Take this checkpoint of a run, by its step, or the best, which --keep-best has kept; default the
            newest.
        last: Translate by the last weights of a run, in place of their moving average.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    images: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE|FOLDER ...")]
    out: Annotated[str, tyro.conf.arg(metavar="FOLDER/|FILE.png")]
    way: Annotated[str | None, tyro.conf.arg(metavar="there|back")] = None
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 1
    seed: int = 0
    no_dropout: bool = False
    game: str | None = None
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP|best")] = None
    last: bool = False
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Translate images and write them.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(TranslateFlags, argv, verb="translate", about=ABOUT)
    plan = TranslationPlan(asked.n, asked.seed, dropout=not asked.no_dropout)
    game = load_game(asked.game)
    model = experiment.find_model(asked.run, last=asked.last, way=asked.way, game=game, checkpoint=asked.checkpoint)
    with console.open_progress() as show:
        path = model.translate_files(asked.images, asked.out, plan, show)
    result: dict[str, Any] = {"out": str(path), "n": plan.n, "seed": plan.seed, "dropout": plan.dropout}
    result |= {"way": model.card.way, "last": asked.last, "step": model.step}
    text = escape(f"{path}: translated by {model.name} at step {model.step}")
    print_result(result, as_json=asked.json, text=text, kept=path)
    return 0
