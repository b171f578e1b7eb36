"""Jackknives of measures, by which two sets of samples are compared against the same real images, block by block.

Each of them is a column of MEASURES, and so is what real images get.
"""

import torch
from torch import Tensor

from advnets import metrics, statistics
from advnets.assessment.context import Context, Pair
from advnets.assessment.reference import selection_and_points, to_unit_interval
from advnets.statistics import Jackknife
from advnets.statistics.gaps import neighbour_gap

NEIGHBOURS = 5
"""Which neighbour sets the radius of a ball of `manifold_jackknife`, as it does by default."""


def shuffled_features(context: Context) -> Pair:
    """Features of all samples, and of all held-out images in random order, so that a block is no class."""
    return context.features, context.reference.held_out_features[context.reference.order]


def jackknife_class_distance(context: Context) -> Jackknife:
    """Total variation distance of the classes of samples from those of held-out images, both by the classifier."""
    classes = context.reference.dataset.classes
    assert classes is not None
    real = context.reference.held_out_logits[context.reference.order]
    votes = [torch.eye(classes)[each.argmax(1)] for each in (context.logits, real)]
    return statistics.jackknife(lambda p, q: float((p.mean(0) - q.mean(0)).abs().sum() / 2), *votes)


def jackknife_nearest_training(context: Context) -> Jackknife:
    """The chance that a sample is nearer to the training images, which are not resampled, than a held-out one.

    It is nearer the more its nearest training images stand out, as in `metrics.nearest_training_test`.
    """
    train = context.reference.train_features
    near = (metrics.find_training_neighbours(features, train) for features in shuffled_features(context))
    # The test sees only their order, and a copy's gap is infinite, which a jackknife does not take.
    ours, theirs = (1 / (1 + neighbour_gap(squared))[:, None] for squared in near)
    return statistics.jackknife(_chance_smaller, ours, theirs)


def _chance_smaller(ours: Tensor, theirs: Tensor) -> float:
    a, b = ours[:, 0].contiguous(), theirs[:, 0].sort().values
    below, to = torch.searchsorted(b, a), torch.searchsorted(b, a, right=True)
    return 1 - float((below + to).double().mean()) / (2 * len(b))


def jackknife_parzen(context: Context) -> Jackknife:
    """The Parzen score, whose sigma is chosen once."""
    selection, points = selection_and_points(context.reference.dataset, context.reference.split)
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    centres = context.centres
    choose = metrics.PROTOCOLS[context.protocol].choose
    sigma, _ = choose(lambda sigmas: metrics.log_densities(selection, centres, sigmas).mean(1).tolist())
    return metrics.parzen_jackknife(points[order], centres, sigma)


def frechet_of_real(context: Context) -> float | None:
    """The mean Frechet distance of as many real images, as `frechet` has it; None of too few samples to tell it."""
    return metrics.frechet(*context.whole).floor


def class_distance_of_real(context: Context) -> float | None:
    """Nearly the mean distance of as many real images, as `class_distance` has it."""
    classes = context.reference.dataset.classes
    assert classes is not None
    drawn = context.logits.argmax(1), context.reference.held_out_logits.argmax(1)
    return metrics.class_distance(*drawn, classes).floor


def precision_of_real(context: Context) -> float:
    """The precision that as many training images get as there are samples."""
    return context.train_manifolds["precision"].value


def recall_of_real(context: Context) -> float:
    """The recall that as many training images get as there are samples."""
    return context.train_manifolds["recall"].value


def density_of_real(context: Context) -> float:
    """The density that real images get: 1, but for data that repeat themselves, as `precision_of_real` has it."""
    return context.train_manifolds["density"].value if context.reference.repeats_itself else 1.0


def coverage_of_real(context: Context) -> float:
    """The mean coverage of as many real images; of data that repeat themselves, as `precision_of_real` has it."""
    if context.reference.repeats_itself:
        return context.train_manifolds["coverage"].value
    samples, real = context.paired_features
    return metrics.expected_coverage(len(real), len(samples), NEIGHBOURS)


def parzen_of_real(context: Context) -> float:
    """The Parzen score that as many training images get as there are samples."""
    selection, points = selection_and_points(context.reference.dataset, context.reference.split)
    centres = to_unit_interval(context.reference.train)[context.order_of_train[: context.n]]
    return metrics.parzen(points, centres, selection, protocol=context.protocol).value
