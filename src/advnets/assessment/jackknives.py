"""Jackknives of measures, by which two sets of samples are compared against the same real images, block by block.

Each of them is a column of MEASURES, and so is what real images get, where either side of it is off.
"""

import torch
from torch import Tensor

from advnets import metrics, statistics
from advnets.assessment.context import Context, Pair
from advnets.assessment.reference import selection_and_points, to_unit_interval
from advnets.statistics import Jackknife
from advnets.statistics.gaps import neighbour_gap


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


def precision_of_real(context: Context) -> float:
    """The precision that as many training images get as there are samples.

    All held-out images are measured against, so that none of them is left to stand in.
    """
    samples, real = context.paired_features
    stand_in = context.reference.train_features[_order_of_train(context)[: len(samples)]]
    return metrics.manifolds(stand_in, real)["precision"].value


def density_of_real(context: Context) -> float:
    """The density that real images get: 1, but for data that repeat themselves, as `precision_of_real` has it."""
    if not context.reference.repeats_itself:
        return 1.0
    samples, real = context.paired_features
    stand_in = context.reference.train_features[_order_of_train(context)[: len(samples)]]
    return metrics.manifolds(stand_in, real)["density"].value


def parzen_of_real(context: Context) -> float:
    """The Parzen score that as many training images get as there are samples."""
    selection, points = selection_and_points(context.reference.dataset, context.reference.split)
    centres = to_unit_interval(context.reference.train)[_order_of_train(context)[: context.n]]
    return metrics.parzen(points, centres, selection, protocol=context.protocol).value


def _order_of_train(context: Context) -> Tensor:
    return torch.randperm(len(context.reference.train), generator=torch.Generator().manual_seed(context.seed))
