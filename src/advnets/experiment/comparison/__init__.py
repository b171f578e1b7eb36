"""Sides beside each other: measured now in pairs, as their reports have it, or groups of runs that differ by seed."""

from advnets.experiment.comparison.comparing import comparing
from advnets.experiment.comparison.comparison import Comparison, Side
from advnets.experiment.comparison.contrast import CONTROLS, Contrast
from advnets.experiment.comparison.paired import PAIRED
from advnets.experiment.comparison.reported import compare_reports

__all__ = ["CONTROLS", "Comparison", "Contrast", "PAIRED", "Side", "compare_reports", "comparing"]
