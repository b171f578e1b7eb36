"""Pure functions of arrays that return an Estimate: a value, its error, its floor and notes."""

from advnets.metrics.chains import autocorrelation_time
from advnets.metrics.distances import nearest
from advnets.metrics.estimate import Estimate
from advnets.metrics.manifolds import manifolds
from advnets.metrics.modes import class_distance, class_entropy, class_shares, nearest_class
from advnets.metrics.neighbours import coverage, expected_coverage, nearness
from advnets.metrics.parzen import PROTOCOLS, ceiling, centroids, controls, log_densities, parzen
from advnets.metrics.spread import pairwise_distance

__all__ = [
    "PROTOCOLS",
    "Estimate",
    "autocorrelation_time",
    "ceiling",
    "centroids",
    "class_distance",
    "class_entropy",
    "class_shares",
    "controls",
    "coverage",
    "expected_coverage",
    "log_densities",
    "manifolds",
    "nearest",
    "nearest_class",
    "nearness",
    "pairwise_distance",
    "parzen",
]
