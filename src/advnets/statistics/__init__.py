"""Estimates with errors, jackknives, tests, distances and moments, on which the measures stand.

The files have an order. `arrays` and `estimate` come first; `moments`, `distances`, `jackknife` and the tests stand on
them; `gaussian`, `bures` and `ball_counts` come last.

Inside of the room a file imports only from those before it: arrays, estimate, autocorrelation, differences, distances,
ball_counts, gaps, jackknife, mann_whitney, exchange, mode_counts, moments, heavy_tails, bures, gaussian,
multiple_testing. A file that is not named stands alone.
"""

from advnets.statistics.arrays import Array
from advnets.statistics.autocorrelation import autocorrelation_time
from advnets.statistics.differences import paired_difference, unpaired_difference
from advnets.statistics.distances import find_nearest, pairwise_distance
from advnets.statistics.estimate import Estimate
from advnets.statistics.gaussian import Gaussian
from advnets.statistics.jackknife import (
    BLOCKS,
    Jackknife,
    jackknife,
    jackknife_difference,
    smallest_difference,
    student_p_value,
)
from advnets.statistics.moments import Moments
from advnets.statistics.multiple_testing import benjamini_hochberg, holm

__all__ = [
    "Array",
    "BLOCKS",
    "Estimate",
    "Gaussian",
    "Jackknife",
    "Moments",
    "autocorrelation_time",
    "benjamini_hochberg",
    "jackknife_difference",
    "holm",
    "jackknife",
    "find_nearest",
    "paired_difference",
    "pairwise_distance",
    "smallest_difference",
    "student_p_value",
    "unpaired_difference",
]
