"""Random re-splits of a data set's own images: training images, held-out ones, and some that stand for samples.

A measure can be judged only where the truth is known. Real images that were not trained on are perfect samples: a
measure that calls them bad is wrong, and one that does not see damage done to them is blind to it. For that, samples
and held-out images must be exchangeable: any swap of one for another must be as likely. The splits that data come with
are not. MNIST's test images are by other writers than its training images, and a good two-sample test finds that out.
So the training and validation images are pooled and drawn anew, for each re-split by random numbers of its own; the
test split is not read.

An extractor must treat the three parts alike as well. One that was fitted before, on a part of the pool that has
nothing to do with the re-split, does: which of the images that it has seen become samples is left to chance, as it is
for those that become held-out images. One that is fitted on the re-split's training images does not treat these as the
others. It does treat samples and held-out images alike, since it has seen none of them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from advnets.data import Dataset, Split
from advnets.errors import BadInput, Unsupported
from advnets.studies.canaries.damage import CleanImages

MOST = 5000
"""Largest default number of samples of a study; of more, most measures take a random draw."""

FEWEST = 50
"""Smallest number of samples; of fewer, few measures say anything."""

SPARE = 2.2
"""Number of spare images, in average sizes of a class among the samples.

It is usually enough to replace a class that is left out; more are set aside where it is not.
"""


@dataclass(frozen=True, eq=False)
class Resplit:
    """One random re-split.

    Attributes:
        dataset: A data set whose validation and test split are both the held-out images.
        clean: The clean samples.
    """

    dataset: Dataset
    clean: CleanImages


def default_size(dataset: Dataset) -> int:
    """Return the default number of samples of a study: a fifth of the pool, at most MOST.

    Args:
        dataset: Images.

    Returns:
        The number.
    """
    return min(MOST, (len(dataset.train) + len(dataset.validation)) // 5)


def draw_resplit(dataset: Dataset, n: int, *, seed: int, number: int, spare: bool = True) -> Resplit:
    """Draw the pool of training and validation images anew: n samples, n held-out images, the rest to train on.

    Args:
        dataset: Images.
        n: Number of samples.
        seed: Seed of the study.
        number: Number of the re-split; any two are independent given the pool.
        spare: Whether images are set aside that can take the place of a class that is left out, where there are labels.

    Returns:
        The re-split.

    Raises:
        BadInput: If n is below FEWEST, or too large for the pool.
        Unsupported: If the data are points.
    """
    if not dataset.is_image:
        raise Unsupported(f"{dataset.name} holds points, and damage is done to images. Give images.")
    pool, labels = _pool_splits(dataset)
    extra_count = round(SPARE * n / dataset.classes) if spare and dataset.classes else 0
    if not FEWEST <= n <= (len(pool) - extra_count) // 3:
        raise BadInput(
            f"n is {n}; expected {FEWEST} or more samples, as many held-out images and at least as many to train on, "
            f"out of {len(pool)} images. Give another number, or more images."
        )
    order = torch.from_numpy(np.random.default_rng([seed, number]).permutation(len(pool)))
    if extra_count and labels is not None:
        extra_count = max(extra_count, _spares_needed(labels[order[:n]], labels[order[2 * n : len(order) - n]]))
    chosen, held_out_places, extra, rest = order.split_with_sizes([n, n, extra_count, len(pool) - 2 * n - extra_count])
    held_out = _split(pool, labels, held_out_places)
    return Resplit(
        Dataset(dataset.name, _split(pool, labels, rest), held_out, held_out, dataset.classes, dataset.source),
        CleanImages(
            images=pool[chosen],
            train=pool[rest],
            labels=None if labels is None else labels[chosen],
            spare=pool[extra] if extra_count else None,
            spare_labels=labels[extra] if extra_count and labels is not None else None,
        ),
    )


def _spares_needed(labels: Tensor, spare: Tensor) -> int:
    """Return how many of the spare images, in their order, replace any class that all of them can replace."""
    needed = 0
    for label in torch.unique(labels):
        size, others = (labels == label).sum(), (spare != label).cumsum(0)
        if others[-1] >= size:
            needed = max(needed, int((others < size).sum()) + 1)
    return needed


def _pool_splits(dataset: Dataset) -> tuple[Tensor, Tensor | None]:
    train, validation = dataset.train, dataset.validation
    train.verify()
    validation.verify()
    labels = None
    if train.labels is not None and validation.labels is not None:
        labels = torch.cat([train.labels, validation.labels])
    return torch.cat([train.values, validation.values]), labels


def _split(pool: Tensor, labels: Tensor | None, which: Tensor) -> Split:
    return Split(pool[which], None if labels is None else labels[which])
