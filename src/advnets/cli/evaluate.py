"""advnets evaluate RUN|FILE.safetensors: measure."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from advnets import experiment
from advnets.cli.arguments import parse, tell
from advnets.data import Dataset
from advnets.errors import BadInput

ABOUT = """Measure a run, or a share file: the Parzen score of its samples, the same score of controls, and its
classes.

Where the data have labels, a classifier tells the classes, and how much of the data the samples cover in its features.
It is trained once for each data set, in minutes, and kept in the cache ($ADVNETS_CACHE, or the user's).

The validation split is read unless the test split is asked for; each reading of the test split is noted in the run.
The report is kept as report.json and report.md in the run directory; of a share file nothing is kept."""


@dataclass(frozen=True)
class Evaluate:
    """What, by which protocol."""

    run: tyro.conf.Positional[Path]
    """The run directory, FILE.safetensors as `advnets export` writes it, or a model that ships: paper-mnist."""
    split: str = "validation"
    """validation or test."""
    protocol: str = "goodfellow2014"
    """goodfellow2014 (sigma from ten values), optimal-sigma (golden section) or fixed-sigma (.2)."""
    n: int | None = None
    """Samples; default 10,000, or about as many as there are training images if they are fewer."""
    seed: int = 0
    """Of the noises."""
    data: str | None = None
    """For FILE.safetensors: other data than it was trained on, by name or path."""
    data_dir: str | None = None
    """For FILE.safetensors: folder where data sets are looked for first."""
    no_classifier: bool = False
    """Leave out what a classifier is needed for."""
    json: bool = False
    """Print the report as JSON."""


def main(argv: Sequence[str]) -> int:
    """Measure and tell."""
    asked = parse(Evaluate, argv, verb="evaluate", about=ABOUT)
    found = experiment.source(asked.run)
    how: dict[str, Any] = {"split": asked.split, "protocol": asked.protocol, "n": asked.n, "seed": asked.seed}
    how["classifier"] = not asked.no_classifier
    if isinstance(found, experiment.Model):
        dataset = found.dataset(asked.data, asked.data_dir)
        _warn(asked, dataset)
        report = found.evaluate(dataset, **how)
    elif asked.data or asked.data_dir:
        raise BadInput(f"{asked.run} is a run, measured on its own data; --data and --data-dir are for share files")
    else:
        _warn(asked, found.dataset)
        report = found.evaluate(**how)
    tell(report.as_dict(), as_json=asked.json, text=str(report).rstrip())
    return 0


def _warn(asked: Evaluate, dataset: Dataset) -> None:
    if not asked.no_classifier and experiment.lacks_classifier(dataset):
        print(f"training a classifier of {dataset.name}, once; --no-classifier does without", file=sys.stderr)
