"""The real images that samples are measured against: a held-out split, the training split, and their features."""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from advnets import extractors
from advnets.data import Dataset, Split
from advnets.errors import BadInput

MOST_FLOATS = 2**28
"""Pixels of a split that are measured, 1 GiB as floats; a larger split is replaced by a fixed random draw."""
SELECTION = 1000
"""Images that sigma is chosen on: the first of the validation split, as in parzen_ll.py."""
REPEATED = 0.01
"""Share of held-out images with an equal from which data are said to repeat themselves.

Below it, formulas that hold without ties are off by less than this share."""
HALF = 5000
"""Real images, and as many samples, that measures whose time grows with the square see at most."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Real images, or points, of one data set: the held-out ones, which samples should be like, and the training ones.

    Features and logits are computed when they are first needed and then stay, so that one reference serves many sets
    of samples.

    Attributes:
        dataset: The data set; a split that memory does not hold is replaced by a fixed random draw.
        split: Name of the held-out split, "validation" or "test".
        extractor: Gives the features.
        classifier: The classifier of labelled images, or None.
    """

    dataset: Dataset
    split: str
    extractor: extractors.Extractor
    classifier: extractors.Classifier | None

    @cached_property
    def kind(self) -> str:
        """What the data are: "images" or "points"."""
        return "images" if self.dataset.is_image else "points"

    @cached_property
    def held_out(self) -> Tensor:
        """Values of the held-out split, (m, ...)."""
        return self.dataset.splits[self.split].values

    @cached_property
    def train(self) -> Tensor:
        """Values of the training split, (t, ...)."""
        return self.dataset.train.values

    @cached_property
    def held_out_features(self) -> Tensor:
        """Features of the held-out images, (m, d)."""
        return extractors.extract_features(self.extractor, self.held_out)

    @cached_property
    def train_features(self) -> Tensor:
        """Features of the training images, (t, d)."""
        return extractors.extract_features(self.extractor, self.train)

    @cached_property
    def held_out_logits(self) -> Tensor:
        """Logits of the held-out images by the classifier, (m, classes)."""
        return self.require_classifier().logits(self.held_out)

    def require_classifier(self) -> extractors.Classifier:
        """Return the classifier.

        Returns:
            The classifier.

        Raises:
            BadInput: If there is none.
        """
        if self.classifier is None:
            raise BadInput("no classifier: it takes labelled images, and permission to train one")
        return self.classifier

    @property
    def scorer(self) -> extractors.Judge:
        """What gives the logits of the Inception Score: an extractor with a layer of classes, else the classifier."""
        return self.extractor if isinstance(self.extractor, extractors.Judge) else self.require_classifier()

    @cached_property
    def repeats(self) -> int:
        """Held-out images that equal another held-out or training image in every pixel."""
        held_out, train = (_digest_rows(values) for values in (self.held_out, self.train))
        times = Counter(held_out)
        times.update(set(train))
        return sum(times[digest] > 1 for digest in held_out)

    @property
    def repeats_itself(self) -> bool:
        """Whether so many held-out images have an equal that formulas without ties do not hold."""
        return self.repeats > REPEATED * len(self.held_out)

    @cached_property
    def order(self) -> Tensor:
        """A fixed random order of the held-out images, whose first ones are what is drawn."""
        return torch.randperm(len(self.held_out), generator=torch.Generator().manual_seed(0))

    def halves(self, n: int) -> tuple[Tensor, Tensor]:
        """Draw two disjoint halves of the held-out images.

        Args:
            n: Number of samples.

        Returns:
            Indices of the images that samples are measured against, and of those that stand in for samples. Each has
            at most n, HALF and half of the held-out images.
        """
        size = min(n, HALF, len(self.order) // 2)
        return self.order[:size], self.order[size : 2 * size]

    def draw_indices(self, n: int) -> Tensor:
        """Indices of a draw of at most n and HALF held-out images.

        Args:
            n: Number of samples.

        Returns:
            Indices, (k,) int64, with k the least of n, HALF and the number of held-out images.
        """
        return self.order[: min(n, HALF)]


def reference(
    dataset: Dataset,
    extractor: str | extractors.Extractor | None = None,
    *,
    split: str = "validation",
    weights: Path | None = None,
    classifier: bool = True,
) -> Reference:
    """The reference of a data set.

    Its classifier is trained first, for minutes, if one is wanted and the cache has none.

    Args:
        dataset: The real images, or points.
        extractor: A row of EXTRACTORS, or an extractor; None as in `EvaluationPlan`.
        split: The held-out split, "validation" or "test".
        weights: File of the extractor's weights, where it reads one.
        classifier: Whether the classifier of labelled images is wanted.

    Returns:
        The reference.

    Raises:
        BadInput: As `extractors.build_extractor` does.
    """
    trained = extractors.train_classifier(dataset) if classifier and can_be_classified(dataset) else None
    if extractor is None or isinstance(extractor, str):
        extractor = _find_extractor(dataset, extractor, weights, trained)
    return Reference(within_memory(dataset), split, extractor, trained)


def _find_extractor(
    dataset: Dataset, name: str | None, weights: Path | None, classifier: extractors.Classifier | None
) -> extractors.Extractor:
    name = name or default_extractor(dataset, classifier is not None)
    if name == "classifier" and classifier is not None and weights is None:
        return classifier
    return extractors.build_extractor(name, dataset, weights)


def default_extractor(dataset: Dataset, classifier: bool) -> str:
    """The row of EXTRACTORS that a data set is measured in by default.

    Args:
        dataset: The data set.
        classifier: Whether its classifier is at hand.

    Returns:
        The name of the row.
    """
    if not dataset.is_image:
        return "pixels"
    return "classifier" if classifier else "random"


def _digest_rows(values: Tensor) -> list[bytes]:
    """A digest of each image or point, equal where these are."""
    rows = values.flatten(1).contiguous().cpu().numpy()
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows]


def can_be_classified(dataset: Dataset) -> bool:
    """Whether a classifier of the data can be trained, as they are labelled images."""
    return bool(dataset.classes) and dataset.is_image


def needs_new_classifier(dataset: Dataset) -> bool:
    """Whether a classifier of the data would have to be trained first.

    Args:
        dataset: The data.

    Returns:
        True if the data are labelled images, and the cache holds no classifier of them.
    """
    return can_be_classified(dataset) and not extractors.is_cached(dataset)


def within_memory(dataset: Dataset, most: int = MOST_FLOATS) -> Dataset:
    """Replace each split of a data set that memory does not hold by a fixed random draw.

    Args:
        dataset: The data set.
        most: Pixels that a split may have.

    Returns:
        The data set, with the digest of the whole.

    Raises:
        Damaged: If values that are mapped from a file are not as they were written.
    """
    rows = max(1, most // dataset.train.values[0].numel())
    splits = dataset.splits.values()
    if all(len(split.values) <= rows for split in splits):
        for split in splits:
            split.verify()
        return dataset
    train, validation, test = (_draw_rows(split, rows) for split in splits)
    return replace(dataset, train=train, validation=validation, test=test, known_digest=dataset.digest)


def _draw_rows(split: Split, rows: int) -> Split:
    chosen = torch.randperm(len(split), generator=torch.Generator().manual_seed(0))[:rows].sort().values
    return split.select(chosen)


def default_sample_count(dataset: Dataset) -> int:
    """The number of samples that are measured by default.

    It is 10,000, or as many as there are training images (in thousands, where there are so many), or as many as 1 GiB
    holds, whichever is least.

    Args:
        dataset: The data that samples are measured against.

    Returns:
        The number of samples, 1 or more.
    """
    most = min(10_000, MOST_FLOATS // dataset.train.values[0].numel())
    return min(most, len(dataset.train) // 1000 * 1000 or len(dataset.train))


def to_unit_interval(values: Tensor) -> Tensor:
    """Images, (n, c, h, w) uint8, as (n, d) float32 in [0, 1]; points as they are.

    Args:
        values: Images, (n, c, h, w) uint8, or points, (n, d) float32.

    Returns:
        Images as (n, d) float32 in [0, 1], with d = c h w, or the points.
    """
    return values.flatten(1).float() / 255 if values.dtype == torch.uint8 else values


def selection_and_points(dataset: Dataset, split: str) -> tuple[Tensor, Tensor]:
    """Split the images of a Parzen score into those that choose sigma and those that the score is computed on.

    Sigma is chosen on the first 1,000 validation images, or on the first half if there are fewer than 2,000. The score
    of the validation split is computed on its other images.

    Args:
        dataset: The data set.
        split: The split that the score is of, "validation" or "test".

    Returns:
        Both sets in [0, 1], (n, d) and (m, d).
    """
    validation = to_unit_interval(dataset.validation.values)
    chosen = min(SELECTION, len(validation) // 2)
    rest = validation[chosen:] if split == "validation" else to_unit_interval(dataset.test.values)
    return validation[:chosen], rest
