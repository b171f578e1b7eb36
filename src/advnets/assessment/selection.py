"""The selection of a checkpoint: reports of all checkpoints of a run, and the best by one measure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advnets.assessment.measures import MEASURES, badness
from advnets.assessment.report import Report, format_estimate
from advnets.errors import BadInput
from advnets.statistics import Estimate
from advnets.statistics.estimate import Z95
from advnets.text import align_table


@dataclass(frozen=True)
class CheckpointChoice:
    """Reports of the checkpoints of a run, and which is the best.

    Attributes:
        by: Name of the measure that decides.
        reports: Reports by step.
        damaged: Reasons, by checkpoint, why damaged ones were passed over.
    """

    by: str
    reports: Mapping[int, Report]
    damaged: Mapping[str, str]

    @property
    def ranked_steps(self) -> list[int]:
        """Steps, the best first."""
        return sorted(self.reports, key=lambda step: _badness(self.by, self._estimate(step)))

    @property
    def best(self) -> int:
        """The step of the best checkpoint."""
        return self.ranked_steps[0]

    def lead(self) -> Estimate | None:
        """By how much the second best is worse; None with one checkpoint.

        Its error takes the two as independent. It is an upper bound, as both are measured against the same real images.

        Returns:
            How much worse the second best is, 0 or more in the unit of `badness`, with the error of that; None with one
            checkpoint.
        """
        if len(self.reports) < 2:
            return None
        first, second = (self._estimate(step) for step in self.ranked_steps[:2])
        both = None if first.error is None or second.error is None else math.hypot(first.error, second.error)
        return Estimate(_badness(self.by, second) - _badness(self.by, first), both)

    def words(self) -> str:
        """Which checkpoint is the best, and whether the difference is larger than its error.

        Returns:
            Two sentences for people.
        """
        value = format_estimate(self._estimate(self.best))
        found = f"The best checkpoint by {self.by}, validation split: step {self.best:,}, {value}."
        lead = self.lead()
        if lead is None:
            return f"{found} It is the only one."
        next_best = f"step {self.ranked_steps[1]:,}, is worse by {format_estimate(lead)}"
        if lead.error is None:
            return f"{found} The next, {next_best}; the error of that is not known."
        within = lead.value <= Z95 * lead.error
        verdict = "within the error: they cannot be told apart" if within else "more than the error"
        return f"{found} The next, {next_best}, {verdict}."

    def as_dict(self) -> dict[str, Any]:
        """The choice as JSON.

        Returns:
            A dict of "by", "best", "lead", "words", "reports" by step, and "damaged".
        """
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
        names = self._measure_names()
        rows = [["step", *names]]
        for step, report in self.reports.items():
            taken = report.measures
            cells = (format_estimate(taken[name].estimate) if name in taken else "-" for name in names)
            rows.append([f"{step:,}", *cells])
        damaged = "".join(f"\n\nPassed over: {path}: {reason}" for path, reason in self.damaged.items())
        return f"{align_table(rows, right=range(len(names) + 1))}\n\n{self.words()}{self._list_skipped()}{damaged}"

    def _measure_names(self) -> list[str]:
        """The measures that were asked for, the one that decides first, whether or not every report has them."""
        asked = {name for report in self.reports.values() for name in (*report.measures, *report.skipped)}
        return sorted(asked, key=lambda name: (name != self.by, list(MEASURES).index(name)))

    def _list_skipped(self) -> str:
        """Measures that could not be taken: each reason once, with its steps."""
        steps: dict[tuple[str, str], list[str]] = {}
        for step, report in self.reports.items():
            for name, reason in report.skipped.items():
                steps.setdefault((name, reason), []).append(f"{step:,}")
        return "".join(
            f"\n\nNot measured: {name}, step {' and '.join(at)}: {reason}" for (name, reason), at in steps.items()
        )

    def _estimate(self, step: int) -> Estimate:
        return self.reports[step].measures[self.by].estimate


def _badness(name: str, found: Estimate) -> float:
    """A number that is smaller the nearer to real the estimate is."""
    bad = badness(name, found.value, found.floor)
    if bad is None:
        raise BadInput(f"{name} cannot decide: it is not known what real images get. Take another measure.")
    return bad
