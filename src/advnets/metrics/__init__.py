"""Measures: pure functions of arrays that return an Estimate, one subject a file.

Inside of the room a file imports only from those before it: kernel, neighbours, manifolds, parzen, fast_jackknives,
pixels, vendi, cosine, paired. A file that is not named stands alone.
"""

from advnets.metrics.birthday import birthday, duplicates
from advnets.metrics.conventions import CONVENTIONS, Convention, convention
from advnets.metrics.cosine import mean_min_cosine
from advnets.metrics.fast_jackknives import frechet_jackknife, kernel_jackknife, manifold_jackknife, parzen_jackknife
from advnets.metrics.frechet import frechet, frechet_infinite
from advnets.metrics.inception_score import inception_score
from advnets.metrics.kernel import kernel_distance, kernel_subsets, kernel_test
from advnets.metrics.manifolds import manifolds
from advnets.metrics.memorisation import (
    authenticity,
    copying_share,
    data_copying,
    find_training_neighbours,
    logits_gap,
    near_duplicates,
    nearest_training_test,
)
from advnets.metrics.mixture import mixture_modes
from advnets.metrics.modes import (
    class_agreement,
    class_distance,
    class_entropy,
    class_shares,
    nearest_class,
    stacked_modes,
)
from advnets.metrics.ndb import different_bins
from advnets.metrics.neighbours import coverage, expected_coverage, nearness
from advnets.metrics.parzen import PROTOCOLS, ceiling, centroids, log_densities, parzen, parzen_controls
from advnets.metrics.pixels.sliced_wasserstein import mind, pyramid_wasserstein, sliced_wasserstein
from advnets.metrics.pixels.spectrum import radial_spectrum, spectrum_distance
from advnets.metrics.pixels.tone import tone_distance
from advnets.metrics.two_sample import classifier_test, nearest_neighbour_test
from advnets.metrics.vendi import vendi

__all__ = [
    "CONVENTIONS",
    "Convention",
    "PROTOCOLS",
    "authenticity",
    "birthday",
    "ceiling",
    "centroids",
    "class_agreement",
    "class_distance",
    "class_entropy",
    "class_shares",
    "classifier_test",
    "parzen_controls",
    "convention",
    "copying_share",
    "coverage",
    "data_copying",
    "different_bins",
    "duplicates",
    "expected_coverage",
    "find_training_neighbours",
    "frechet",
    "frechet_infinite",
    "frechet_jackknife",
    "inception_score",
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
    "nearest_class",
    "nearest_neighbour_test",
    "nearest_training_test",
    "nearness",
    "parzen",
    "parzen_jackknife",
    "pyramid_wasserstein",
    "radial_spectrum",
    "sliced_wasserstein",
    "spectrum_distance",
    "stacked_modes",
    "tone_distance",
    "vendi",
]
