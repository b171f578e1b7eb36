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
from advnets.metrics.jackknife import BLOCKS, Jackknife, difference, jackknife, smallest_difference, two_sided
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
from advnets.metrics.replicates import frechet_jackknife, kernel_jackknife, manifold_jackknife, parzen_jackknife
from advnets.metrics.sliced import mind, pyramid_wasserstein, sliced_wasserstein
from advnets.metrics.spectrum import radial_spectrum, spectrum_distance
from advnets.metrics.spread import pairwise_distance
from advnets.metrics.stacked import stacked_modes
from advnets.metrics.two_sample import classifier_test, nearest_neighbour_test
from advnets.metrics.vendi import vendi

__all__ = [
    "BLOCKS",
    "CONVENTIONS",
    "Convention",
    "Estimate",
    "Gaussian",
    "Jackknife",
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
    "difference",
    "different_bins",
    "duplicates",
    "expected_coverage",
    "frechet",
    "frechet_infinite",
    "frechet_jackknife",
    "holm",
    "inception_score",
    "jackknife",
    "kernel_distance",
    "kernel_jackknife",
    "kernel_subsets",
    "kernel_test",
    "log_densities",
    "logits_gap",
    "manifold_jackknife",
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
    "parzen_jackknife",
    "pyramid_wasserstein",
    "radial_spectrum",
    "sliced_wasserstein",
    "smallest_difference",
    "spectrum_distance",
    "stacked_modes",
    "two_sided",
    "unpaired_difference",
    "vendi",
]
