"""advnets sample RUN|FILE: draw samples."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from advnets import experiment
from advnets.cli import console
from advnets.cli.flags.arguments import parse, print_result
from advnets.errors import BadInput
from advnets.experiment import Model, SamplePlan
from advnets.experiment.own_networks import load_game
from advnets.experiment.sampling import FRAMES
from advnets.text import escape

ABOUT = """Draw samples from a run, from a share file or from a model that ships.

A run's samples come from its newest good checkpoint, unless --checkpoint names another, by the moving average of its
generator. The ending of --out says
what is written: .png is one image with all samples in a grid, .webp an animation with a frame a sample, and .npz an
array `images`, uint8, (n, h, w, c). A folder and a .zip file hold one .png file a sample. These two and .npz are
written while the samples are drawn, so that tens of thousands of samples take no more memory than a thousand, but for
their noises.

A model that was trained with labels, as by the recipe dcgan-classes, draws each class as often as its data have it, or
the one class that --class names.

The noise of a model that was trained by the recipe infogan ends with a code. Training gave it a meaning without labels:
a class, a slant. --category and --continuous choose it, and --sweep shows what one of its coordinates does.

--seeds draws one sample a seed, the same one that -n 1 and --seed draw. --interpolate draws the way from each of these
to the next as well: on a sphere where the noises are Gaussian, on a straight line where they are uniform. An animation
shows 20 frames a second and plays for ever. Name the first seed again at the end, and it has no cut.

  advnets sample RUN --seeds 3,7,19,3 --interpolate --out way.webp"""


@dataclass(frozen=True)
class SampleFlags:
    """What is drawn from, how many samples, and where they go.

    Attributes:
        run: The run directory, a file that `advnets export` wrote, or a model that ships, such as paper-mnist.
        out: Where the samples go; a file that is there already is not overwritten.
        n: Draw this many samples. Default: 64.
        class_name: Draw this class alone, by its name or number.
        seed: Seed of the noise that the samples are made from. Default: 0.
        seeds: Draw one sample for each of these seeds, such as 3,7,19, in place of -n and --seed.
        truncation: Multiply the noise by this number, above 0 and at most 1. Less of it draws samples that are more
            alike, and often better (the temperature of Kingma and Dhariwal 2018).
        category: Draw samples whose code has this category, from 0 on, of a model with a code (infogan).
        continuous: Draw samples whose code has these continuous coordinates, each from -1 to 1, such as -1,0.5.
        sweep: Draw a row for each category in which this continuous coordinate of the code, from 1 on, goes from -1 to
            1; all else of the noise is that of --seed.
        interpolate: Draw the way from the sample of each of --seeds to the next.
        frames: Samples between those of two seeds, with --interpolate; the default of 19 makes one second a pair.
        game: The game of networks of your own, as the training had it: a game, or a function that returns one.
        checkpoint: Take this checkpoint of a run, by its step, or the best, which --keep-best has kept; default the
            newest.
        last: Draw by the last weights of a run, in place of their moving average.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    out: Annotated[str, tyro.conf.arg(metavar="FILE.png|FILE.webp|FILE.npz|FILE.zip|FOLDER/")]
    n: Annotated[int | None, tyro.conf.arg(aliases=["-n"])] = None
    class_name: Annotated[str | None, tyro.conf.arg(name="class", metavar="NAME")] = None
    seed: int | None = None
    seeds: Annotated[str | None, tyro.conf.arg(metavar="LIST")] = None
    truncation: float = 1.0
    category: int | None = None
    continuous: Annotated[str | None, tyro.conf.arg(metavar="LIST")] = None
    sweep: Annotated[int | None, tyro.conf.arg(metavar="COORDINATE")] = None
    interpolate: bool = False
    frames: int | None = None
    game: str | None = None
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP|best")] = None
    last: bool = False
    json: bool = False

    @property
    def plan(self) -> SamplePlan:
        """Which samples are asked for. Raises BadInput for flags that cannot be, or do not go together."""
        if self.interpolate and self.seeds is None:
            raise BadInput("--interpolate leads from seed to seed, and no seeds are given. Give two: --seeds 3,7")
        if self.frames is not None and not self.interpolate:
            raise BadInput(f"--frames {self.frames}: frames lie between the seeds of --interpolate. Give it too.")
        frames = (FRAMES if self.frames is None else self.frames) if self.interpolate else None
        seeds = None if self.seeds is None else parse_seeds(self.seeds)
        if self.sweep is not None and {self.seeds, self.n, self.category, self.continuous, self.class_name} != {None}:
            raise BadInput(
                "--sweep draws all categories by one seed. Leave -n, --seeds, --class, --category and --continuous out."
            )
        code = None if self.continuous is None else parse_numbers(self.continuous)
        return SamplePlan(self.n, self.seed, seeds, self.class_name, self.truncation, frames, self.category, code)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse a list of seeds.

    Args:
        text: Whole numbers with commas between, such as "3,7,19".

    Returns:
        The seeds.

    Raises:
        BadInput: For anything else, which it names.
    """
    words = [word.strip() for word in text.split(",")]
    wrong = [word for word in words if not re.fullmatch("[0-9]{1,19}", word)]
    if wrong:
        found = repr(wrong[0][:40]) if wrong[0] or len(words) > 1 else "no seed"
        raise BadInput(f"--seeds: found {found}, expected whole numbers from 0 with commas between, such as 3,7,19")
    return tuple(map(int, words))


def parse_numbers(text: str) -> tuple[float, ...]:
    """Parse a list of numbers, such as "-1,0.5". Raises BadInput for anything else."""
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise BadInput(
            f"--continuous: found {text[:40]!r}, expected numbers with commas between, as in -1,0.5"
        ) from None


def main(argv: Sequence[str]) -> int:
    """Draw samples and write them.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(SampleFlags, argv, verb="sample", about=ABOUT)
    plan = asked.plan
    experiment.expect_place_for_samples(asked.out)
    game = load_game(asked.game)
    model = experiment.find_model(asked.run, last=asked.last, game=game, checkpoint=asked.checkpoint)
    if asked.class_name is not None and model.card.given != "labels":
        raise BadInput(
            f"--class {asked.class_name}: {asked.run} was trained without labels and has no classes; expected a run of "
            "a recipe with labels, such as dcgan-classes. Leave --class out."
        )
    if asked.sweep is not None:
        swept = model.sweep(asked.sweep, seed=plan.seed or 0)
        plan, path = replace(plan, n=len(swept)), swept.save(asked.out)
    else:
        with console.open_progress() as show:
            path = model.save_samples(asked.out, plan, show)
    _print(path, model, plan, asked)
    return 0


def _print(path: Path, model: Model, plan: SamplePlan, asked: SampleFlags) -> None:
    by = {"seed": plan.seed or 0} if plan.seeds is None else {"seeds": list(plan.seeds), "frames": plan.frames}
    result: dict[str, Any] = {
        "out": str(path),
        "n": plan.count,
        **by,
        "truncation": plan.truncation,
        "step": model.step,
    }
    result |= {"last": asked.last, "class": asked.class_name, "category": plan.category, "sweep": asked.sweep}
    result |= {"continuous": plan.continuous}
    of_class = "" if asked.class_name is None else f" of class {asked.class_name}"
    text = escape(f"{path}: {plan.count} samples{of_class} of {asked.run} at step {model.step}")
    print_result(result, as_json=asked.json, text=text, kept=path)
