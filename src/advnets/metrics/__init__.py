"""Pure functions of arrays that return an Estimate: a value, its error, its floor and notes."""

from advnets.metrics.estimate import Estimate
from advnets.metrics.modes import class_distance, class_entropy, class_shares, nearest, nearest_class
from advnets.metrics.neighbours import coverage, expected_coverage
from advnets.metrics.parzen import PROTOCOLS, ceiling, controls, log_densities, parzen
from advnets.metrics.spread import pairwise_distance

__all__ = [
    "PROTOCOLS",
    "Estimate",
    "ceiling",
    "class_distance",
    "class_entropy",
    "class_shares",
    "controls",
    "coverage",
    "expected_coverage",
    "log_densities",
    "nearest",
    "nearest_class",
    "pairwise_distance",
    "parzen",
]
