"""Pure functions of arrays that return an Estimate: a value, its error, its floor and notes."""

from advnets.metrics.bins import different_bins
from advnets.metrics.chains import autocorrelation_time
from advnets.metrics.cosine import mean_min_cosine
from advnets.metrics.differences import paired_difference, unpaired_difference
from advnets.metrics.discoveries import benjamini_hochberg, holm
from advnets.metrics.estimate import Estimate
from advnets.metrics.mixture import mixture_modes
from advnets.metrics.modes import class_distance, class_entropy, class_shares, nearest, nearest_class
from advnets.metrics.neighbours import coverage, expected_coverage, nearness
from advnets.metrics.parzen import PROTOCOLS, ceiling, centroids, controls, log_densities, parzen
from advnets.metrics.spread import pairwise_distance
from advnets.metrics.stacked import stacked_modes
from advnets.metrics.vendi import vendi

__all__ = [
    "PROTOCOLS",
    "Estimate",
    "autocorrelation_time",
    "benjamini_hochberg",
    "ceiling",
    "centroids",
    "class_distance",
    "class_entropy",
    "class_shares",
    "controls",
    "coverage",
    "different_bins",
    "expected_coverage",
    "holm",
    "log_densities",
    "mean_min_cosine",
    "mixture_modes",
    "nearest",
    "nearest_class",
    "nearness",
    "paired_difference",
    "pairwise_distance",
    "parzen",
    "stacked_modes",
    "unpaired_difference",
    "vendi",
]
