"""Pure functions of arrays that return an Estimate: a value, its error, its floor and notes."""

from advnets.metrics.bins import different_bins
from advnets.metrics.birthday import birthday, duplicates
from advnets.metrics.chains import autocorrelation_time
from advnets.metrics.compat import CONVENTIONS, Convention, convention
from advnets.metrics.cosine import mean_min_cosine
from advnets.metrics.differences import paired_difference, unpaired_difference
from advnets.metrics.discoveries import benjamini_hochberg, holm
from advnets.metrics.distances import nearest
from advnets.metrics.estimate import Estimate
from advnets.metrics.frechet import frechet, frechet_infinite
from advnets.metrics.gaussian import Gaussian
from advnets.metrics.inception_score import inception_score
from advnets.metrics.kernel import kernel_distance, kernel_subsets, kernel_test
from advnets.metrics.manifolds import manifolds
from advnets.metrics.memorisation import (
    authenticity,
    copying,
    data_copying,
    logits_gap,
    near_duplicates,
    nearest_training_test,
)
from advnets.metrics.mixture import mixture_modes
from advnets.metrics.modes import class_distance, class_entropy, class_shares, nearest_class
from advnets.metrics.moments import Moments
from advnets.metrics.neighbours import coverage, expected_coverage, nearness
from advnets.metrics.parzen import PROTOCOLS, ceiling, centroids, controls, log_densities, parzen
from advnets.metrics.sliced import mind, pyramid_wasserstein, sliced_wasserstein
from advnets.metrics.spectrum import radial_spectrum, spectrum_distance
from advnets.metrics.spread import pairwise_distance
from advnets.metrics.stacked import stacked_modes
from advnets.metrics.two_sample import classifier_test, nearest_neighbour_test
from advnets.metrics.vendi import vendi

__all__ = [
    "CONVENTIONS",
    "Convention",
    "Estimate",
    "Gaussian",
    "Moments",
    "PROTOCOLS",
    "authenticity",
    "autocorrelation_time",
    "benjamini_hochberg",
    "birthday",
    "ceiling",
    "centroids",
    "class_distance",
    "class_entropy",
    "class_shares",
    "classifier_test",
    "controls",
    "convention",
    "copying",
    "coverage",
    "data_copying",
    "different_bins",
    "duplicates",
    "expected_coverage",
    "frechet",
    "frechet_infinite",
    "holm",
    "inception_score",
    "kernel_distance",
    "kernel_subsets",
    "kernel_test",
    "log_densities",
    "logits_gap",
    "manifolds",
    "mean_min_cosine",
    "mind",
    "mixture_modes",
    "near_duplicates",
    "nearest",
    "nearest_class",
    "nearest_neighbour_test",
    "nearest_training_test",
    "nearness",
    "paired_difference",
    "pairwise_distance",
    "parzen",
    "pyramid_wasserstein",
    "radial_spectrum",
    "sliced_wasserstein",
    "spectrum_distance",
    "stacked_modes",
    "unpaired_difference",
    "vendi",
]
