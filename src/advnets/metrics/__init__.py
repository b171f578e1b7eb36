"""Pure functions of arrays that return an Estimate: a value, its error, its floor and notes."""

from advnets.metrics.estimate import Estimate
from advnets.metrics.modes import class_shares, nearest, nearest_class
from advnets.metrics.parzen import PROTOCOLS, ceiling, controls, log_densities, parzen

__all__ = [
    "PROTOCOLS",
    "Estimate",
    "ceiling",
    "class_shares",
    "controls",
    "log_densities",
    "nearest",
    "nearest_class",
    "parzen",
]
