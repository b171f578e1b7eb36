"""Pure functions of arrays that return an Estimate: a value, its error, its floor and notes."""

from advnets.metrics.birthday import birthday, duplicates
from advnets.metrics.chains import autocorrelation_time
from advnets.metrics.distances import nearest
from advnets.metrics.estimate import Estimate
from advnets.metrics.manifolds import manifolds
from advnets.metrics.memorisation import (
    authenticity,
    copying,
    data_copying,
    logits_gap,
    near_duplicates,
    nearest_training_test,
)
from advnets.metrics.modes import class_distance, class_entropy, class_shares, nearest_class
from advnets.metrics.neighbours import coverage, expected_coverage, nearness
from advnets.metrics.parzen import PROTOCOLS, ceiling, centroids, controls, log_densities, parzen
from advnets.metrics.spread import pairwise_distance

__all__ = [
    "PROTOCOLS",
    "Estimate",
    "authenticity",
    "autocorrelation_time",
    "birthday",
    "ceiling",
    "centroids",
    "class_distance",
    "class_entropy",
    "class_shares",
    "controls",
    "copying",
    "coverage",
    "data_copying",
    "duplicates",
    "expected_coverage",
    "log_densities",
    "logits_gap",
    "manifolds",
    "near_duplicates",
    "nearest",
    "nearest_class",
    "nearest_training_test",
    "nearness",
    "pairwise_distance",
    "parzen",
]
