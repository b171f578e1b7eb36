"""What samples are held against: a data set's held-out and training images, with what is computed of them once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from advnets import extractors
from advnets.data import Dataset, Split
from advnets.errors import BadInput

MOST_FLOATS = 2**28
"""Pixels of a split that are measured, 1 GiB as floats: of larger splits a fixed random draw is."""
SELECTION = 1000
"""Images that sigma is chosen on: the first of the validation split, as in parzen_ll.py."""
HALF = 5000
"""Real images, and as many samples, that measures whose time grows with the square see at most."""

Extract = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Reference:
    """Real images (or points) of one data set: `held_out`, which samples should be like, and `train`.

    Features and classes are computed when they are first asked for, and kept: one reference serves many sets of
    samples. dataset: with a fixed random draw in place of a split that memory does not hold. split: the held-out one.
    extractor: gives the features. classifier: of labelled images, or None.
    """

    dataset: Dataset
    split: str
    extractor: extractors.Extractor
    classifier: extractors.Classifier | None

    @property
    def held_out(self) -> Tensor:
        """Values of the held-out split."""
        return self.dataset.splits[self.split].values

    @property
    def train(self) -> Tensor:
        """Values of the training split."""
        return self.dataset.train.values

    @cached_property
    def held_out_features(self) -> Tensor:
        """(m, d)."""
        return self.extractor.features(self.held_out)

    @cached_property
    def train_features(self) -> Tensor:
        """(t, d)."""
        return self.extractor.features(self.train)

    @cached_property
    def held_out_logits(self) -> Tensor:
        """The classifier's, (m, classes)."""
        return self.seen.logits(self.held_out)

    @property
    def seen(self) -> extractors.Classifier:
        """The classifier. Raises BadInput where there is none."""
        if self.classifier is None:
            raise BadInput("no classifier: it takes labelled images, and leave to train one")
        return self.classifier

    @property
    def scorer(self) -> extractors.Judge:
        """What gives logits for the Inception Score: the extractor, if it has a layer of classes, or the classifier."""
        return self.extractor if isinstance(self.extractor, extractors.Judge) else self.seen

    @cached_property
    def order(self) -> Tensor:
        """Held-out images in an order of their own, once and for all: draws are its beginnings."""
        return torch.randperm(len(self.held_out), generator=torch.Generator().manual_seed(0))

    def halves(self, n: int) -> tuple[Tensor, Tensor]:
        """Indices of real images that samples are held against, and of as many that stand in for n samples.

        Each is at most n, HALF, and half of the held-out images.
        """
        size = min(n, HALF, len(self.order) // 2)
        return self.order[:size], self.order[size : 2 * size]

    def draw_indices(self, n: int) -> Tensor:
        """Indices of at most n and HALF held-out images."""
        return self.order[: min(n, HALF)]


def reference(
    dataset: Dataset,
    extractor: str | extractors.Extractor | None = None,
    *,
    split: str = "validation",
    weights: Path | None = None,
    classifier: bool = True,
) -> Reference:
    """The reference of a data set; trains its classifier first, for minutes, where one is wanted and not cached.

    extractor, split, weights, classifier: as in Plan. Raises BadInput as `extractors.build_extractor` does.
    """
    seer = extractors.train_classifier(dataset) if classifier and can_be_classified(dataset) else None
    if extractor is None or isinstance(extractor, str):
        extractor = _extractor(dataset, extractor, weights, seer)
    return Reference(within_memory(dataset), split, extractor, seer)


def _extractor(
    dataset: Dataset, name: str | None, weights: Path | None, classifier: extractors.Classifier | None
) -> extractors.Extractor:
    name = name or default_extractor(dataset, classifier is not None)
    if name == "classifier" and classifier is not None and weights is None:
        return classifier
    return extractors.build_extractor(name, dataset, weights)


def default_extractor(dataset: Dataset, classifier: bool) -> str:
    """The row of EXTRACTORS that a data set is measured in, where none is asked for."""
    if not dataset.is_image:
        return "pixels"
    return "classifier" if classifier else "random"


def can_be_classified(dataset: Dataset) -> bool:
    """Whether a classifier can be trained of the data: they are labelled images."""
    return bool(dataset.classes) and dataset.is_image


def needs_new_classifier(dataset: Dataset) -> bool:
    """Whether measuring samples of these data would have a classifier trained first."""
    return can_be_classified(dataset) and not extractors.is_cached(dataset)


def within_memory(dataset: Dataset, most: int = MOST_FLOATS) -> Dataset:
    """The data set, with a fixed random draw in place of each split of more than `most` pixels; its digest is kept."""
    rows = max(1, most // dataset.train.values[0].numel())
    if all(len(split) <= rows for split in dataset.splits.values()):
        return dataset
    train, validation, test = (_draw_rows(split, rows) for split in dataset.splits.values())
    return replace(dataset, train=train, validation=validation, test=test, known_digest=dataset.digest)


def _draw_rows(split: Split, rows: int) -> Split:
    chosen = torch.randperm(len(split), generator=torch.Generator().manual_seed(0))[:rows].sort().values
    return split.select(chosen)


def default_sample_count(dataset: Dataset) -> int:
    """Samples that are measured: 10,000, or as many as there are training images or as 1 GiB holds."""
    most = min(10_000, MOST_FLOATS // dataset.train.values[0].numel())
    return min(most, len(dataset.train) // 1000 * 1000 or len(dataset.train))


def to_unit_interval(values: Tensor) -> Tensor:
    """Images (n, c, h, w) uint8 as (n, d) float32 in [0, 1]; points as they are."""
    return values.flatten(1).float() / 255 if values.dtype == torch.uint8 else values


def selection_and_points(dataset: Dataset, split: str) -> tuple[Tensor, Tensor]:
    """The images that sigma is chosen on, and those of the split that the score is read on; both in [0, 1].

    Sigma is chosen on the first 1,000 validation images, or the first half if there are fewer than 2,000; the score
    of the validation split is read on its other images.
    """
    validation = to_unit_interval(dataset.validation.values)
    chosen = min(SELECTION, len(validation) // 2)
    rest = validation[chosen:] if split == "validation" else to_unit_interval(dataset.test.values)
    return validation[:chosen], rest
