"""advnets evaluate RUN: measure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from advnets import experiment
from advnets.cli.arguments import parse, tell

ABOUT = """Measure a run: the Parzen score of its samples, the same score of controls, and the classes it draws.

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
    json: bool = False
    """Print the report as JSON."""


def main(argv: Sequence[str]) -> int:
    """Measure and tell."""
    asked = parse(Evaluate, argv, verb="evaluate", about=ABOUT)
    run = experiment.Run(asked.run)
    report = run.evaluate(split=asked.split, protocol=asked.protocol, n=asked.n, seed=asked.seed)
    tell(report.as_dict(), as_json=asked.json, text=str(report).rstrip())
    return 0
