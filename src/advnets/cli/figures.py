"""advnets figures NAME: draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.arguments import parse, print_result, split_words
from advnets.errors import BadInput, unknown
from advnets.studies import saturation
from advnets.studies.figure1 import figure1

ABOUT = """Draw a figure. RUN is a run directory, a share file, or a model that ships, such as paper-mnist.

  grid RUN     64 samples
  figure1      the paper's Figure 1, a game on the line; FILE.webp is an animation of the whole game
  figure2 RUN  the paper's Figure 2: samples, and beside the last column the nearest training images
  figure3 RUN  the paper's Figure 3: samples along straight lines between two noises
  saturation   the gradients of the generator's two losses while the discriminator is trained alone"""

OF_A_RUN = ("grid", "figure2", "figure3")
NAMES = ("figure1", *OF_A_RUN, "saturation")
ENDINGS = {"figure1": (".png", ".webp")}


@dataclass(frozen=True)
class FiguresFlags:
    """Where the figure goes, and what it is drawn with.

    Attributes:
        out: The file that is written; one that is there already is not overwritten.
        seed: Seed of the noise that the samples are made from, or of the game.
        data: A data set, by name or path, for saturation (default mnist) and for figure2 of a share file.
        data_dir: With --data, a folder where data sets are looked for first.
        json: Print the result as JSON.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FILE.png|FILE.webp")]
    seed: int = 0
    data: str | None = None
    data_dir: str | None = None
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Draw one figure and write it."""
    names, flags = split_words(argv)
    asked = parse(FiguresFlags, flags, verb="figures NAME [RUN]", about=ABOUT)
    if not names:
        raise BadInput(f"no figure is named; expected one of {', '.join(NAMES)}")
    if names[0] not in NAMES:
        raise unknown("figure", names[0], NAMES)
    expected = 2 if names[0] in OF_A_RUN else 1
    if len(names) != expected:
        raise BadInput(f"{names[0]} takes {'one RUN or share file' if expected == 2 else 'no run'}; found {names[1:]}")
    endings = ENDINGS.get(names[0], (".png",))
    if asked.out.suffix.lower() not in endings or asked.out.exists():
        expected_name = f"a {' or '.join(endings)} file that is not there yet"
        raise BadInput(f"--out {asked.out}: expected the name of {expected_name}")
    if names[0] == "figure1":
        return _figure1(asked)
    told = _saturation(asked) if names[0] == "saturation" else _of_a_run(names[0], Path(names[1]), asked)
    print_result(
        {"out": str(asked.out), **told}, as_json=asked.json, text=f"{asked.out}: {names[0]} {_words(told)}".rstrip()
    )
    return 0


def _figure1(asked: FiguresFlags) -> int:
    if asked.data or asked.data_dir:
        raise BadInput(
            "figure1 is of a game on the line, whose data are a normal; --data and --data-dir are not for it"
        )
    played = figure1(asked.seed)
    out = str(played.save(asked.out))
    print_result({"out": out, **played.as_dict()}, as_json=asked.json, text=f"{out}: figure1\n{played}")
    return 0


def _of_a_run(name: str, path: Path, asked: FiguresFlags) -> dict[str, float]:
    found = experiment.open_source(path)
    model = found if isinstance(found, experiment.Model) else found.model
    if (asked.data or asked.data_dir) and (model is not found or name != "figure2"):
        raise BadInput(
            f"--data and --data-dir are for saturation, and for figure2 of a share file, not for {name} here"
        )
    if name == "grid":
        model.sample(64, seed=asked.seed).save(asked.out)
    elif name == "figure2":
        dataset = model.dataset(asked.data, asked.data_dir) if isinstance(found, experiment.Model) else found.dataset
        model.figure2(dataset, seed=asked.seed).save(asked.out)
    else:
        model.figure3(seed=asked.seed).save(asked.out)
    return {"step": model.step}


def _saturation(asked: FiguresFlags) -> dict[str, float]:
    course = saturation.saturation(asked.data or "mnist", data_dir=asked.data_dir, seed=asked.seed)
    course.figure().savefig(asked.out, dpi=150)
    return {"moves": course.moves[-1], "ratio": course.ratios[-1]}


def _words(told: dict[str, float]) -> str:
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value:.4g}" for name, value in told.items()
    )
