"""What several measures stand on: estimates with errors, jackknives, tests, distances, moments."""

from advnets.statistics.arrays import Array
from advnets.statistics.autocorrelation import autocorrelation_time
from advnets.statistics.differences import paired_difference, unpaired_difference
from advnets.statistics.distances import nearest
from advnets.statistics.estimate import Estimate
from advnets.statistics.gaussian import Gaussian
from advnets.statistics.jackknife import BLOCKS, Jackknife, difference, jackknife, smallest_difference, two_sided
from advnets.statistics.moments import Moments
from advnets.statistics.multiple_testing import benjamini_hochberg, holm
from advnets.statistics.pairwise import pairwise_distance

__all__ = [
    "Array",
    "BLOCKS",
    "Estimate",
    "Gaussian",
    "Jackknife",
    "Moments",
    "autocorrelation_time",
    "benjamini_hochberg",
    "difference",
    "holm",
    "jackknife",
    "nearest",
    "paired_difference",
    "pairwise_distance",
    "smallest_difference",
    "two_sided",
    "unpaired_difference",
]
