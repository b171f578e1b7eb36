"""Pure functions of arrays that return an Estimate: a value, its error, its floor and notes."""

from advnets.metrics.chains import autocorrelation_time
from advnets.metrics.compat import CONVENTIONS, Convention, convention
from advnets.metrics.estimate import Estimate
from advnets.metrics.frechet import frechet, frechet_infinite
from advnets.metrics.gaussian import Gaussian
from advnets.metrics.inception_score import inception_score
from advnets.metrics.modes import class_distance, class_entropy, class_shares, nearest, nearest_class
from advnets.metrics.moments import Moments
from advnets.metrics.neighbours import coverage, expected_coverage, nearness
from advnets.metrics.parzen import PROTOCOLS, ceiling, centroids, controls, log_densities, parzen
from advnets.metrics.spread import pairwise_distance

__all__ = [
    "CONVENTIONS",
    "PROTOCOLS",
    "Convention",
    "Estimate",
    "Gaussian",
    "Moments",
    "autocorrelation_time",
    "ceiling",
    "centroids",
    "class_distance",
    "class_entropy",
    "class_shares",
    "controls",
    "convention",
    "coverage",
    "expected_coverage",
    "frechet",
    "frechet_infinite",
    "inception_score",
    "log_densities",
    "nearest",
    "nearest_class",
    "nearness",
    "pairwise_distance",
    "parzen",
]
