"""advnets evaluate RUN: measure."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from advnets import experiment
from advnets.cli.arguments import parse, tell

ABOUT = """Measure a run: the Parzen score of its samples, the same score of controls, and the classes it draws.

Where the data have labels, a classifier tells the classes, and how much of the data the samples cover in its features.
It is trained once for each data set, in minutes, and kept in the cache ($ADVNETS_CACHE, or the user's).

The validation split is read unless the test split is asked for; each reading of the test split is noted in the run.
The report is kept as report.json and report.md in the run directory."""


@dataclass(frozen=True)
class Evaluate:
    """Which run, by which protocol."""

    run: tyro.conf.Positional[Path]
    """The run directory."""
    split: str = "validation"
    """validation or test."""
    protocol: str = "goodfellow2014"
    """goodfellow2014 (sigma from ten values) or optimal-sigma (golden section)."""
    n: int | None = None
    """Samples; default 10,000, or about as many as there are training images if they are fewer."""
    seed: int = 0
    """Of the noises."""
    no_classifier: bool = False
    """Leave out what a classifier is needed for."""
    json: bool = False
    """Print the report as JSON."""


def main(argv: Sequence[str]) -> int:
    """Measure and tell."""
    asked = parse(Evaluate, argv, verb="evaluate", about=ABOUT)
    run = experiment.Run(asked.run)
    classifier = not asked.no_classifier
    if classifier and run.lacks_classifier():
        print(f"training a classifier of {run.dataset.name}, once; --no-classifier does without", file=sys.stderr)
    report = run.evaluate(split=asked.split, protocol=asked.protocol, n=asked.n, seed=asked.seed, classifier=classifier)
    tell(report.as_dict(), as_json=asked.json, text=str(report).rstrip())
    return 0
