"""advnets figures NAME: draw a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result, split_words
from advnets.errors import BadInput, unknown
from advnets.runs import expect_new, write_new
from advnets.studies import saturation
from advnets.studies.figure1 import figure1
from advnets.studies.laws import measure_laws, save_picture
from advnets.text import escape

ABOUT = """Draw a figure. RUN is a run directory, a share file, or a model that ships, such as paper-mnist.

  grid RUN     64 samples
  figure1      the paper's Figure 1, a game on the line; FILE.webp is an animation of the whole game
  figure2 RUN  the paper's Figure 2: samples, and beside the last column the nearest training images
  figure3 RUN  the paper's Figure 3: samples along straight lines between two noises
  saturation   the gradients of the generator's two losses while the discriminator is trained alone
  dirac        the smallest game under every objective, penalty and algorithm (docs/laws.md)"""

OF_RUNS = ("grid", "figure2", "figure3")
NAMES = ("figure1", *OF_RUNS, "saturation", "dirac")
ENDINGS = {"figure1": (".png", ".webp")}


@dataclass(frozen=True)
class FiguresFlags:
    """Where the figure goes, and what it is drawn with.

    Attributes:
        out: The file that is written; one that is there already is not overwritten.
        seed: Seed of the noise that the samples are made from, or of the game.
        data: A data set, by name or path, for saturation (default mnist) and for figure2 of a share file; or, for
            figure2 of a run, the new place of its data, if they were moved.
        data_dir: With --data, a folder where data sets are looked for first.
        checkpoint: Draw from this checkpoint of a run, by its step, or the best, which --keep-best has kept; default
            the newest.
        json: Print the result as JSON.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FILE.png|FILE.webp")]
    seed: int = 0
    data: str | None = None
    data_dir: str | None = None
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP|best")] = None
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Draw one figure and write it.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    names, rest = split_words(argv)
    flags = parse(FiguresFlags, rest, verb="figures NAME [RUN]", about=ABOUT)
    if not names:
        raise BadInput(f"no figure is named; expected one of {', '.join(NAMES)}")
    if names[0] not in NAMES:
        raise unknown("figure", names[0], NAMES)
    expected = 2 if names[0] in OF_RUNS else 1
    if len(names) != expected:
        raise BadInput(f"{names[0]} takes {'one RUN or share file' if expected == 2 else 'no run'}; found {names[1:]}")
    if flags.checkpoint is not None and names[0] not in OF_RUNS:
        raise BadInput(
            f"--checkpoint is for {', '.join(OF_RUNS)}, which are drawn of a run; found it beside {names[0]}"
        )
    expect_new(flags.out, *ENDINGS.get(names[0], (".png",)), flag="--out")
    if names[0] == "figure1":
        return _draw_figure1(flags)
    if names[0] == "saturation":
        return _draw_saturation(flags)
    if names[0] == "dirac":
        return _draw_dirac(flags)
    _print_numbers(names[0], _draw_of_run(names[0], Path(names[1]), flags), flags)
    return 0


def _print_numbers(name: str, numbers: dict[str, float], flags: FiguresFlags, told: str = "") -> None:
    text = f"{flags.out}: {told or f'{name} {_words(numbers)}'}".rstrip()
    print_result({"out": str(flags.out), **numbers}, as_json=flags.json, text=text)


def _draw_figure1(flags: FiguresFlags) -> int:
    if flags.data or flags.data_dir:
        raise BadInput(
            "figure1 draws a game on the line, whose data are a normal distribution. Leave out --data and --data-dir."
        )
    played = figure1(flags.seed)
    kept = None
    try:
        kept = played.save(flags.out)
    finally:  # what was measured is printed, even if the figure cannot be kept
        result = {"out": str(flags.out), **played.as_dict()}
        text = f"{escape(str(flags.out))}: figure1\n{played}"
        print_result(result, as_json=flags.json, text=text, kept=kept)
    return 0


def _draw_dirac(flags: FiguresFlags) -> int:
    if flags.data or flags.data_dir:
        raise BadInput("dirac draws a game whose data all lie at one point. Leave out --data and --data-dir.")
    laws = measure_laws(flags.seed)
    kept = None
    try:
        kept = save_picture(flags.out, flags.seed)
    finally:  # what was measured is printed, even if the figure cannot be kept
        result = {"out": str(flags.out), **laws.as_dict()}
        print_result(result, as_json=flags.json, text=f"{escape(str(flags.out))}: dirac\n{laws}", kept=kept)
    return 0


def _draw_of_run(name: str, path: Path, flags: FiguresFlags) -> dict[str, float]:
    found = experiment.open_source(path, checkpoint=flags.checkpoint)
    model = found if isinstance(found, experiment.Model) else found.model
    if (flags.data or flags.data_dir) and name != "figure2":
        raise BadInput(f"--data and --data-dir are for saturation and figure2. Leave them out for {name} of {path}.")
    if name == "grid":
        model.sample(64, seed=flags.seed).save(flags.out)
    elif name == "figure2":
        if isinstance(found, experiment.Model):
            dataset = model.dataset(flags.data, flags.data_dir)
        else:
            dataset = experiment.Run(found.path, data=flags.data, data_dir=flags.data_dir).dataset
        picture = model.figure2(dataset, seed=flags.seed)
        write_new(flags.out, lambda file: picture.save(file, "png"))
    else:
        picture = model.figure3(seed=flags.seed)
        write_new(flags.out, lambda file: picture.save(file, "png"))
    return {"step": model.step}


def _draw_saturation(flags: FiguresFlags) -> int:
    course = saturation.saturation(flags.data or "mnist", data_dir=flags.data_dir, seed=flags.seed)
    try:
        write_new(flags.out, lambda file: course.figure().savefig(file, format="png", dpi=150))
    finally:
        numbers = {"moves": course.moves[-1], "ratio": course.ratios[-1]}
        told = (
            f"After {course.moves[-1]:,} moves of the discriminator alone, the generator's gradient by "
            f"log(1 - D(G(z))) is {course.ratios[-1]:.2g} of that by -log D(G(z))."
        )
        _print_numbers("saturation", numbers, flags, told)
    return 0


def _words(numbers: dict[str, float]) -> str:
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value:.4g}" for name, value in numbers.items()
    )
