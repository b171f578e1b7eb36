"""advnets evaluate PATH: measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from advnets import assessment, experiment
from advnets.cli import console
from advnets.cli.arguments import parse, print_result
from advnets.errors import BadInput

ABOUT = """Measure samples: of a run, of a share file, of a model that ships, or images and points that lie in files.

Samples are compared with real images that were not trained on, and, to find copies, with training images. Every value
comes with its error and with its floor, which is what real images get in the samples' place. Tests come with p-values
that are adjusted for all tests of the report. Where the data have labels, distances are in the features of a
classifier, which is trained once for each data set, in minutes, and cached in $ADVNETS_CACHE or the user's cache.

The validation split is read unless you ask for the test split; each reading of the test split is noted in the run. The
report of a run is written into it, as report.json and report.md. A later call adds its measures if it has the same
step, split, samples, seed and features; otherwise the older report moves to RUN/reports.

Real images at a path given by --against are split anew, by a fixed seed: a half for training images, a quarter each
for validation and test.

Measures: {measures}."""


@dataclass(frozen=True)
class EvaluateFlags:
    """What is measured, against what, and by which measures.

    Attributes:
        run: A run directory, FILE.safetensors, a model that ships (paper-mnist), or a folder, .zip or .npz of images.
        against: Compare with these real images; default the data that the model was trained on.
        split: The split of the real images that is read.
        measures: Take only these measures; default all that the data allow.
        extractor: What computes features; default classifier with labels, random without.
        weights: The weights of inception (default: cached or downloaded), or the .onnx file.
        protocol: How the Parzen window score chooses its width: from ten, by golden section, or always .2.
        n: Number of samples; default 10,000, or about as many as there are training images if they are fewer.
        seed: Seed of the noise and of random draws.
        data: For FILE.safetensors, other data than it was trained on, with their own splits.
        data_dir: For FILE.safetensors, and with --against, a folder where data sets are looked for first.
        no_classifier: Leave out the measures that need a classifier.
        figures: Draw nearest neighbours, a projection, classes and spectra too, into RUN/figures or --out.
        every_checkpoint: Measure each checkpoint of a run on the validation split, and name the best by the first of
            --measures; default fid, or sliced-wasserstein for points.
        out: Write the report and its figures into this folder, which must be new or empty.
        json: Print the report as JSON.
    """

    run: tyro.conf.Positional[Path]
    against: str | None = None
    split: str = "validation"
    measures: str | None = None
    extractor: str | None = None
    weights: Path | None = None
    protocol: str = "goodfellow2014"
    n: int | None = None
    seed: int = 0
    data: str | None = None
    data_dir: str | None = None
    no_classifier: bool = False
    figures: bool = False
    every_checkpoint: bool = False
    out: Path | None = None
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Measure samples, and print the report."""
    asked = parse(EvaluateFlags, argv, verb="evaluate", about=ABOUT.format(measures=", ".join(assessment.MEASURES)))
    if asked.out is not None and asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        raise BadInput(f"--out {asked.out} is there already and not an empty folder; name another")
    plan = _plan(asked)
    if asked.every_checkpoint:
        return _choose(asked, plan)
    of_a_run = asked.against is None and (asked.run / "recipe.json").exists()
    if asked.figures and asked.out is None and not of_a_run:
        raise BadInput("--figures are kept of a run on its own data; say where to put these: --out FOLDER")
    report = console.follow_measures(
        experiment.evaluate_path(asked.run, plan, others=asked.against, data=asked.data, data_dir=asked.data_dir)
    )
    if asked.out is not None:
        assessment.write_report(asked.out, report)
    print_result(report.as_dict(), as_json=asked.json, text=str(report).rstrip())
    return 0


def _plan(asked: EvaluateFlags) -> assessment.EvaluationPlan:
    return assessment.EvaluationPlan(
        split=asked.split,
        measures=assessment.parse_measure_names(asked.measures),
        extractor=asked.extractor,
        weights=asked.weights,
        classifier=not asked.no_classifier,
        protocol=asked.protocol,
        n=asked.n,
        seed=asked.seed,
        figures=asked.figures or asked.out is not None,
    )


def _choose(asked: EvaluateFlags, plan: assessment.EvaluationPlan) -> int:
    idle = [name for name in ("against", "data", "data_dir", "out", "figures") if getattr(asked, name)]
    if idle:
        raise BadInput(f"--every-checkpoint measures a run on its own data and keeps nothing; leave out --{idle[0]}")
    choice = console.follow_measures(experiment.select_checkpoint(asked.run, plan))
    print_result(choice.as_dict(), as_json=asked.json, text=str(choice))
    return 0
