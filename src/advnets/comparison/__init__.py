"""Comparison of sides: samples that are measured now in pairs, reports, or groups of runs that differ by seed.

Inside of the room a file imports only from those before it: difference, work, settings_difference, comparison, inputs,
side_card, from_samples, from_reports, compare.
"""

from advnets.comparison.compare import compare
from advnets.comparison.comparison import Comparison, Side
from advnets.comparison.difference import CONTROLS, Contrast
from advnets.comparison.from_reports import compare_reports
from advnets.comparison.from_samples import COMPARABLE, compare_samples

__all__ = ["COMPARABLE", "CONTROLS", "Comparison", "Contrast", "Side", "compare", "compare_reports", "compare_samples"]
