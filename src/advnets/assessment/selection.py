"""The checkpoints of a run beside each other, and the best of them by one measure of the validation split."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advnets.assessment.measures import MEASURES, badness
from advnets.assessment.report import Report, align_table, format_estimate
from advnets.errors import BadInput
from advnets.statistics import Estimate
from advnets.statistics.estimate import Z95


@dataclass(frozen=True)
class CheckpointChoice:
    """Reports of the checkpoints of a run, and which is the best.

    by: the measure that decides. reports: by step. damaged: checkpoints passed over, with the reason.
    """

    by: str
    reports: Mapping[int, Report]
    damaged: Mapping[str, str]

    @property
    def ranking(self) -> list[int]:
        """Steps, the best first."""
        return sorted(self.reports, key=lambda step: _badness(self.by, self._found(step)))

    @property
    def best(self) -> int:
        """The step of the best."""
        return self.ranking[0]

    def lead(self) -> Estimate | None:
        """By how much the next is worse, with an error that takes the two as independent; None with one checkpoint.

        Both are held against the same real images, so that the error is an upper one.
        """
        if len(self.reports) < 2:
            return None
        first, second = (self._found(step) for step in self.ranking[:2])
        both = None if first.error is None or second.error is None else math.hypot(first.error, second.error)
        return Estimate(_badness(self.by, second) - _badness(self.by, first), both)

    def words(self) -> str:
        """Which is the best, and whether that can be told."""
        found = f"The best checkpoint by {self.by}, validation split: step {self.best:,}, {format_estimate(self._found(self.best))}."
        lead = self.lead()
        if lead is None:
            return f"{found} It is the only one."
        next_best = f"step {self.ranking[1]:,}, is worse by {format_estimate(lead)}"
        if lead.error is None:
            return f"{found} The next, {next_best}; the error of that is not known."
        within = lead.value <= Z95 * lead.error
        told = "within the error: they cannot be told apart" if within else "more than the error"
        return f"{found} The next, {next_best}, {told}."

    def as_dict(self) -> dict[str, Any]:
        """The choice as JSON."""
        lead = self.lead()
        return {
            "by": self.by,
            "best": self.best,
            "lead": None if lead is None else lead.as_dict(),
            "words": self.words(),
            "reports": {str(step): report.as_dict() for step, report in self.reports.items()},
            "damaged": dict(self.damaged),
        }

    def __str__(self) -> str:
        names = self._asked()
        rows = [["step", *names]]
        for step, report in self.reports.items():
            taken = report.measures
            cells = (format_estimate(taken[name].estimate) if name in taken else "-" for name in names)
            rows.append([f"{step:,}", *cells])
        damaged = "".join(f"\n\nPassed over: {path}: {reason}" for path, reason in self.damaged.items())
        return f"{align_table(rows, right=range(len(names) + 1))}\n\n{self.words()}{self._skipped()}{damaged}"

    def _asked(self) -> list[str]:
        """The measures that were asked for, the one that decides first, whether or not every report has them."""
        asked = {name for report in self.reports.values() for name in (*report.measures, *report.skipped)}
        return sorted(asked, key=lambda name: (name != self.by, list(MEASURES).index(name)))

    def _skipped(self) -> str:
        """What was asked for and could not be taken: each reason once, with its steps."""
        steps: dict[tuple[str, str], list[str]] = {}
        for step, report in self.reports.items():
            for name, reason in report.skipped.items():
                steps.setdefault((name, reason), []).append(f"{step:,}")
        return "".join(
            f"\n\nNot measured: {name}, step {' and '.join(at)}: {reason}" for (name, reason), at in steps.items()
        )

    def _found(self, step: int) -> Estimate:
        return self.reports[step].measures[self.by].estimate


def _badness(name: str, found: Estimate) -> float:
    """What is smaller, the nearer to real."""
    bad = badness(name, found.value, found.floor)
    if bad is None:
        raise BadInput(f"{name} cannot decide: it is not known what real images get. Take another measure.")
    return bad
