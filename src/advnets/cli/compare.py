"""advnets compare A B ...: what differs, and what does not."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import tyro

from advnets import comparison
from advnets.cli import console
from advnets.cli.flags.arguments import IMAGE_GROUP, parse, print_result
from advnets.comparison.inputs import open_runs, parse_sides
from advnets.errors import BadInput, CannotWrite
from advnets.experiment.evaluation import MeasuringFlags
from advnets.experiment.own_networks import load_game
from advnets.experiment.settings import ImageFlags
from advnets.runs import expect_new, write_new

ABOUT = """Compare sides: runs, share files, models that ship, or samples in folders, .zip or .npz files. All sides are
measured by one protocol against the same real images. A side may also be a group of runs that differ by seed,
NAME=RUN,RUN,RUN.

Each difference has its error, a p-value adjusted for all tests of the page, the difference that could have been shown,
and a verdict in words. Sides that cannot be compared are refused, and the error says what differs.

A test of two runs speaks of these two generators only: to compare recipes, train several seeds of each. Groups are
compared by Welch's t test over runs, or by a paired t test if each has runs of the same seeds. Such pairs share their
seed alone; --unpaired tests without pairing. Both tests rest on normally distributed values. The exact tests in --json
do not, but few pairs cannot make their p small: it is at least .5 of 2 pairs, .25 of 3, .125 of 4 and .0625 of 5.

  advnets compare runs/a runs/b
  advnets compare small=runs/s0,runs/s1,runs/s2 large=runs/l0,runs/l1,runs/l2
  advnets compare ours/ theirs.npz --against cifar10

Measures: {measures}. With --reports these are all that the reports have."""


@dataclass(frozen=True)
class SidesFlags:
    """What is compared, against what, and how differences are judged.

    Attributes:
        sides: Two or more sides: PATH, NAME=PATH, or NAME=RUN,RUN,... for runs that differ by seed.
        reports: Compare reports without measuring: those of runs, or files that `advnets evaluate --json` printed.
            Their errors are taken as independent.
        against: Compare with these real images; default the data that the models were trained on.
        data: The new place of the data that the models were trained on, if they were moved.
        data_dir: A folder where data sets are looked for first.
        control: Allow no false difference (holm), or few among those found (benjamini-hochberg).
        unpaired: Compare groups by Welch's t test, even if they have runs of the same seeds.
        game: The game of networks of your own, as the training had it: a game, or a function that returns one.
        checkpoint: Take this checkpoint of every run, by its step, or the best, which --keep-best has kept; default the
            newest good one.
        out: Write the page into this file; one that is there already is not overwritten.
        json: Print JSON.
    """

    sides: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="SIDE SIDE ...")]
    reports: bool = False
    against: str | None = None
    data: str | None = None
    data_dir: str | None = None
    control: str = "holm"
    unpaired: bool = False
    game: str | None = None
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP|best")] = None
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.md")] = None
    json: bool = False


@dataclass(frozen=True)
class CompareFlags(ImageFlags, MeasuringFlags, SidesFlags):
    """The flags of `advnets compare`; how images are read holds for images in files, and for --against."""


def main(argv: Sequence[str]) -> int:
    """Compare sides, and print the page.

    Args:
        argv: Words and flags of the command.

    Returns:
        The exit status.
    """
    about = ABOUT.format(measures=", ".join(comparison.COMPARABLE))
    asked = parse(CompareFlags, argv, verb="compare", about=about, groups=IMAGE_GROUP)
    if asked.out is not None:
        expect_new(asked.out, ".md", flag="--out")
    if not asked.sides:
        raise BadInput("found no side, expected two or more to compare. Name runs, files or groups.")
    try:
        found = _compare_reports(asked) if asked.reports else _compare_samples(asked)
    except CannotWrite as error:  # a reading of the test split could not be noted
        if isinstance(error.result, comparison.Comparison):
            _print(error.result, asked)
        raise
    kept = None
    try:
        if asked.out is not None:
            kept = write_new(asked.out, found.markdown().encode())
    finally:  # what was measured is printed, even if it cannot be kept
        _print(found, asked, kept)
    return 0


def _print(found: comparison.Comparison, asked: CompareFlags, kept: Path | None = None) -> None:
    print_result(found.as_dict(), as_json=asked.json, text=found.markdown().rstrip(), kept=kept)


def _compare_reports(asked: CompareFlags) -> comparison.Comparison:
    """Compare reports; refuse the flags that say how to measure, as they would be ignored."""
    used = {"sides", "reports", "measures", "control", "unpaired", "out", "json"}
    idle = [
        spec.name.replace("_", "-")
        for spec in fields(CompareFlags)
        if spec.name not in used and getattr(asked, spec.name) != spec.default
    ]
    if idle:
        raise BadInput(f"--reports compares existing reports; leave out --{', --'.join(idle)}, or --reports")
    return comparison.compare_reports(asked.sides, asked.measure_names, control=asked.control, unpaired=asked.unpaired)


def _compare_samples(asked: CompareFlags) -> comparison.Comparison:
    game = load_game(asked.game) if asked.game else None
    return console.follow_measures(
        comparison.compare_samples(
            open_runs(parse_sides(asked.sides), game, asked.checkpoint),
            asked.plan(),
            others=asked.against,
            data=asked.data,
            data_dir=asked.data_dir,
            options=asked.image_options,
            control=asked.control,
            unpaired=asked.unpaired,
            way=asked.way,
        )
    )
