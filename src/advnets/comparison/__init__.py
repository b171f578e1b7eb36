"""Sides beside each other: measured now in pairs, as their reports have it, or groups of runs that differ by seed.

Inside of the room a file imports only from those before it: difference, comparison, inputs, jackknives, from_samples,
from_reports.
"""

from advnets.comparison.comparison import Comparison, Side
from advnets.comparison.difference import CONTROLS, Contrast
from advnets.comparison.from_reports import compare_reports
from advnets.comparison.from_samples import compare_samples
from advnets.comparison.jackknives import PAIRED

__all__ = ["CONTROLS", "Comparison", "Contrast", "PAIRED", "Side", "compare_reports", "compare_samples"]
