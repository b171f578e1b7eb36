"""Pure functions of arrays that return an Estimate: a value, its error, its floor and notes."""

from advnets.metrics.chains import autocorrelation_time
from advnets.metrics.estimate import Estimate
from advnets.metrics.jackknife import BLOCKS, Jackknife, difference, jackknife, smallest_difference, two_sided
from advnets.metrics.modes import class_distance, class_entropy, class_shares, nearest, nearest_class
from advnets.metrics.neighbours import coverage, expected_coverage, nearness
from advnets.metrics.parzen import PROTOCOLS, ceiling, centroids, controls, log_densities, parzen
from advnets.metrics.replicates import frechet_jackknife, kernel_jackknife, manifold_jackknife, parzen_jackknife
from advnets.metrics.spread import pairwise_distance

__all__ = [
    "BLOCKS",
    "Estimate",
    "Jackknife",
    "PROTOCOLS",
    "autocorrelation_time",
    "ceiling",
    "centroids",
    "class_distance",
    "class_entropy",
    "class_shares",
    "controls",
    "coverage",
    "difference",
    "expected_coverage",
    "frechet_jackknife",
    "jackknife",
    "kernel_jackknife",
    "log_densities",
    "manifold_jackknife",
    "nearest",
    "nearest_class",
    "nearness",
    "pairwise_distance",
    "parzen",
    "parzen_jackknife",
    "smallest_difference",
    "two_sided",
]
