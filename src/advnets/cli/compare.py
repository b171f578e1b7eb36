"""advnets compare A B ...: what differs, and what does not."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import tyro

from advnets import assessment, comparison
from advnets.cli import console
from advnets.cli.arguments import parse, print_result
from advnets.errors import BadInput
from advnets.runs import make_folder, write_bytes

ABOUT = """Compare sides: runs, share files, models that ship, or samples in folders, .zip or .npz files. All sides are
measured by one protocol against the same real images. A side may also be a group of runs that differ by seed,
NAME=RUN,RUN,RUN.

Each difference has its error, a p-value adjusted for all tests of the page, the difference that could have been shown,
and a verdict in words. Sides that cannot be compared are refused, and the error says what differs.

A test of two runs speaks of these two generators only: to compare recipes, train several seeds of each. Groups are
compared by Welch's t test over runs, or by a paired t test if each has runs of the same seeds.

  advnets compare runs/a runs/b
  advnets compare small=runs/s0,runs/s1,runs/s2 large=runs/l0,runs/l1,runs/l2
  advnets compare ours/ theirs.npz --against cifar10

Measures: {measures}; with --reports all that the reports have."""


@dataclass(frozen=True)
class CompareFlags:
    """What is compared, against what, by which measures."""

    sides: tyro.conf.Positional[tuple[str, ...]]
    """Two or more: PATH, NAME=PATH, or NAME=RUN,RUN,... for runs that differ by seed."""
    reports: bool = False
    """Compare reports and measure nothing: report.json of runs, or FILE.json that `advnets evaluate --json` printed.
    Their errors are taken as independent."""
    against: str | None = None
    """Data set by name, or folder, .zip or .npz of real images; default: the data that the models were trained on."""
    split: str = "validation"
    """validation or test."""
    measures: str | None = None
    """Names of measures, with commas between them; default: all that the data allow."""
    extractor: str | None = None
    """Features: classifier (default with labels), random (default without), pixels, pca, inception or onnx."""
    weights: Path | None = None
    """FILE of the weights, for --extractor inception (default: cached or downloaded), or the .onnx file."""
    protocol: str = "goodfellow2014"
    """Parzen score: goodfellow2014, optimal-sigma or fixed-sigma."""
    n: int | None = None
    """Samples of a side; default: 10,000, or as many as there are training images or samples in the smallest file."""
    seed: int = 0
    """Seed of the noises and of every draw."""
    data_dir: str | None = None
    """Folder where data sets are looked for first."""
    no_classifier: bool = False
    """Skip the measures that need a classifier."""
    control: str = "holm"
    """Control of the tests: holm (no false difference) or benjamini-hochberg (few among those reported)."""
    unpaired: bool = False
    """Compare groups by Welch's t test, even if they have runs of the same seeds."""
    out: Path | None = None
    """FILE.md for the page; nothing is overwritten."""
    json: bool = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Compare sides, and print the page.

    Args:
        argv: Words and flags of the command.

    Returns:
        The exit status.
    """
    asked = parse(CompareFlags, argv, verb="compare", about=ABOUT.format(measures=", ".join(comparison.COMPARABLE)))
    if asked.out is not None and (asked.out.suffix.lower() != ".md" or asked.out.exists()):
        raise BadInput(f"--out {asked.out}: expected the name of a .md file that is not there yet")
    if not asked.sides:
        raise BadInput("found no side, expected two or more to compare. Name runs, files or groups.")
    names = None if asked.measures is None else tuple(name.strip() for name in asked.measures.split(","))
    found = _compare_reports(asked, names) if asked.reports else _compare_samples(asked, names)
    if asked.out is not None:
        make_folder(asked.out.parent)
        write_bytes(asked.out, found.markdown().encode())
    print_result(found.as_dict(), as_json=asked.json, text=found.markdown().rstrip())
    return 0


def _compare_reports(asked: CompareFlags, names: tuple[str, ...] | None) -> comparison.Comparison:
    """Compare reports; refuse the flags that say how to measure, as they would be ignored."""
    used = {"sides", "reports", "measures", "control", "unpaired", "out", "json"}
    idle = [
        spec.name.replace("_", "-")
        for spec in fields(CompareFlags)
        if spec.name not in used and getattr(asked, spec.name) != spec.default
    ]
    if idle:
        raise BadInput(f"--reports compares existing reports; leave out --{', --'.join(idle)}, or --reports")
    return comparison.compare_reports(asked.sides, names, control=asked.control, unpaired=asked.unpaired)


def _compare_samples(asked: CompareFlags, names: tuple[str, ...] | None) -> comparison.Comparison:
    plan = assessment.EvaluationPlan(
        split=asked.split,
        measures=names,
        extractor=asked.extractor,
        weights=asked.weights,
        classifier=not asked.no_classifier,
        protocol=asked.protocol,
        n=asked.n,
        seed=asked.seed,
    )
    return console.follow_measures(
        comparison.compare_samples(
            asked.sides,
            plan,
            others=asked.against,
            data_dir=asked.data_dir,
            control=asked.control,
            unpaired=asked.unpaired,
        )
    )
