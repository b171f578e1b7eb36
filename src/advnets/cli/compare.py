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

ABOUT = """Compare sides: runs, share files, models that ship, or samples in folders, .zip or .npz files, measured
by one protocol against the same real images; or groups of runs that differ by seed, NAME=RUN,RUN,RUN each.

Differences come with their error, a p-value adjusted for all tests of the page, the difference that could have been
shown, and a verdict in words. What cannot be compared is refused, with what is unlike.

Of two runs the test is one of these two generators: it takes several seeds of each recipe to say more. Groups are
compared by Welch's t test over runs, or by a paired t test where each has runs of the same seeds.

  advnets compare runs/a runs/b
  advnets compare small=runs/s0,runs/s1,runs/s2 large=runs/l0,runs/l1,runs/l2
  advnets compare ours/ theirs.npz --against cifar10

Measures: {measures}; with --reports all that the reports have."""


@dataclass(frozen=True)
class CompareFlags:
    """What, against what, by which measures."""

    sides: tyro.conf.Positional[tuple[str, ...]]
    """Two or more: PATH, NAME=PATH, or NAME=RUN,RUN,... for runs that differ by seed."""
    reports: bool = False
    """Compare reports as they stand, without measuring: report.json of runs, or FILE.json that `advnets evaluate
    --json` printed. Their errors are taken as independent."""
    against: str | None = None
    """Data set by name, or folder, .zip or .npz of real images; default the data that the models were trained on."""
    split: str = "validation"
    """validation or test."""
    measures: str | None = None
    """Which, between commas; default all that the data allow."""
    extractor: str | None = None
    """Of features: classifier (default with labels), random (default without), pixels, pca, inception or onnx."""
    weights: Path | None = None
    """FILE of the weights, for --extractor inception (default: cached or downloaded), or the .onnx file."""
    protocol: str = "goodfellow2014"
    """Of the Parzen score: goodfellow2014, optimal-sigma or fixed-sigma."""
    n: int | None = None
    """Samples of each side; default 10,000, or as many as there are training images or samples in the smallest file."""
    seed: int = 0
    """Of the noises, and of draws."""
    data_dir: str | None = None
    """Folder where data sets are looked for first."""
    no_classifier: bool = False
    """Leave out what a classifier is needed for."""
    control: str = "holm"
    """Of the multiple tests: holm (no false difference) or benjamini-hochberg (few among those told)."""
    unpaired: bool = False
    """Compare groups by Welch's t test, even if they have runs of the same seeds."""
    out: Path | None = None
    """FILE.md for the page; nothing is overwritten."""
    json: bool = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Compare and tell."""
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
    """With --reports nothing is measured, so that what says how to measure would be ignored."""
    used = {"sides", "reports", "measures", "control", "unpaired", "out", "json"}
    idle = [
        spec.name.replace("_", "-")
        for spec in fields(CompareFlags)
        if spec.name not in used and getattr(asked, spec.name) != spec.default
    ]
    if idle:
        raise BadInput(f"--reports compares what was measured; leave out --{', --'.join(idle)}, or --reports")
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
