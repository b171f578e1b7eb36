"""advnets evaluate PATH: measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import assessment, experiment
from advnets.cli import console
from advnets.cli.flags.arguments import IMAGE_GROUP, parse, print_result
from advnets.cli.output import write_output
from advnets.errors import BadInput, CannotWrite
from advnets.experiment.evaluation import MeasuringFlags, ways_of
from advnets.experiment.own_networks import load_game
from advnets.experiment.settings import ImageFlags
from advnets.runs import expect_new_folder, sealed_text

ABOUT = """Measure samples of a run, of a share file or of a model that ships; or images in a folder, a .zip or a .npz
file, or points in a .npz file.

They are measured against real images that were not trained on, and, to find copies, against training images. Every
value has its error, and what real images get in the samples' place. Tests have p-values, adjusted for all tests. Where
the data have labels, distances are measured in the features of a classifier. It is trained once for each data set, in
minutes, and stays in the cache ($ADVNETS_CACHE, or the user's).

The validation split is read unless --split test asks for the test split; each reading of the test split is noted in the
run. The report of a run is written into the run, as report.json and report.md, and every other report where --out says.
A later report of the same step, split, samples, seed and features joins the one that is there. A report that was
measured otherwise is moved to RUN/reports, and comes back when the run is measured like that again.

A generator that translates is given held-out images. What it makes of them is measured as samples are; it is held
against the targets where there are pairs, and beside the input itself, the mean image and the target of the nearest
training pair. Of a cycle both ways are measured; the report of the way back lies in RUN/back.

If --against names real images at a path, a fixed seed splits them at random: a half stands for training images, a
quarter each for validation and test. --every-checkpoint selects on the validation split; for points, the default
measure is sliced-wasserstein.

Measures: {measures}."""


@dataclass(frozen=True)
class SubjectFlags:
    """What is measured, against what, and what is written.

    Attributes:
        run: A run directory, FILE.safetensors or FILE.onnx, a model that ships (paper-mnist), or a folder, .zip or .npz
            of images.
        against: Compare with these real images; default the data that the model was trained on.
        data: Of a run, the new place of its data, if they were moved. For an exported file, other data than it was
            trained on, with their own splits.
        data_dir: A folder where data sets are looked for first.
        game: The game of networks of your own, as the training had it: a game, or a function that returns one.
        checkpoint: Take this checkpoint of a run, by its step, or the best, which --keep-best has kept; default the
            newest.
        figures: Draw nearest neighbours, a projection, classes and spectra too, into RUN/figures or --out.
        every_checkpoint: Measure each checkpoint of a run on the validation split, and name the best by the first of
            --measures; default fid, or sliced-wasserstein for points.
        out: Write the report and its figures into this folder, which must be new or empty.
        definitions: Print beside the report what each measure asks.
        json: Print the report as JSON.
    """

    run: tyro.conf.Positional[Path]
    against: str | None = None
    data: str | None = None
    data_dir: str | None = None
    game: str | None = None
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP|best")] = None
    figures: bool = False
    every_checkpoint: bool = False
    out: Path | None = None
    definitions: bool = False
    json: bool = False


@dataclass(frozen=True)
class EvaluateFlags(ImageFlags, MeasuringFlags, SubjectFlags):
    """The flags of `advnets evaluate`; how images are read holds for images in files, and for --against."""


def main(argv: Sequence[str]) -> int:
    """Measure what lies at a path, and print the report.

    Args:
        argv: Words and flags of the command.

    Returns:
        The exit status.
    """
    about = ABOUT.format(measures=", ".join(assessment.MEASURES))
    asked = parse(EvaluateFlags, argv, verb="evaluate", about=about, groups=IMAGE_GROUP)
    if asked.out is not None:
        expect_new_folder(asked.out, "--out")
    plan = asked.plan(figures=asked.figures or asked.out is not None)
    if asked.every_checkpoint:
        return _choose(asked, plan)
    of_a_run = asked.against is None and (asked.run / "recipe.json").exists()
    if asked.figures and asked.out is None and not of_a_run:
        raise BadInput(
            "--figures are written into a run that is measured on its own data; say where to put these: --out FOLDER"
        )
    for way in _choose_ways(asked):
        _measure(asked, plan, way, kept=asked.run if of_a_run else None)
    return 0


def _choose_ways(asked: EvaluateFlags) -> list[str | None]:
    """The ways that are measured: of the run of a cycle both, unless one is named."""
    ways = [] if asked.way is not None else ways_of(asked.run, load_game(asked.game))
    if ways and (asked.json or asked.out is not None):
        flag = "--json prints" if asked.json else "--out holds"
        raise BadInput(f"{asked.run} goes two ways, and {flag} one report; say which: --way {' or --way '.join(ways)}")
    return [*ways] or [asked.way]


def _measure(asked: EvaluateFlags, plan: assessment.EvaluationPlan, way: str | None, kept: Path | None) -> None:
    """Measure one way, print the report, and keep it where it is to be kept."""
    try:
        report = console.follow_measures(
            experiment.evaluate_path(
                asked.run,
                plan,
                others=asked.against,
                data=asked.data,
                data_dir=asked.data_dir,
                options=asked.image_options,
                way=way,
                checkpoint=asked.checkpoint,
                game=load_game(asked.game),
            )
        )
    except CannotWrite as error:
        if isinstance(error.result, assessment.Report):
            _print(error.result, asked)
        raise
    try:
        if asked.out is not None:
            kept = assessment.write_new_report(asked.out, report)
    finally:  # what was measured is printed, even if it cannot be kept
        _print(report, asked, kept)


def _print(report: assessment.Report, asked: EvaluateFlags, kept: Path | None = None) -> None:
    text = sealed_text(report.as_dict()) if asked.json else report.markdown(definitions=asked.definitions)
    write_output(text.rstrip(), kept=kept)


def _choose(asked: EvaluateFlags, plan: assessment.EvaluationPlan) -> int:
    idle = [f"--{name}" for name in ("against", "out", "figures", "checkpoint") if getattr(asked, name)]
    idle += asked.image_options.chosen_flags
    if idle:
        raise BadInput(f"--every-checkpoint measures a run on its own data and writes nothing; leave out {idle[0]}")
    choice = console.follow_measures(
        experiment.select_checkpoint(
            asked.run, plan, data=asked.data, data_dir=asked.data_dir, game=load_game(asked.game)
        )
    )
    print_result(choice.as_dict(), as_json=asked.json, text=str(choice))
    return 0
