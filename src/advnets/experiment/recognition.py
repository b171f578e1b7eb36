"""What a classifier of the data makes of samples: which classes they show, and how much of the data they cover."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from advnets import extractors, metrics
from advnets.data import Dataset
from advnets.experiment.measure import Measure
from advnets.experiment.samples import Samples

COVERED = 5000
"""Real images, and as many samples, that coverage is measured with at most: the time grows with the square."""

FEW = 20
"""Classes whose shares are told one by one; of more, the smallest."""


@dataclass(frozen=True)
class Recognition:
    """Measures in the eyes of a classifier; `extractor` in their protocols says which.

    shares: the smallest share of a class among the samples. distance: of the classes of samples from those of the
    training images. coverage: of images of the split that is read, by as many samples, in the classifier's features.
    accuracy: of the classifier, on the validation images.
    """

    shares: Measure
    distance: Measure
    coverage: Measure
    accuracy: float

    def as_dict(self) -> dict[str, Any]:
        """The measures as JSON."""
        measures = {"shares": self.shares, "distance": self.distance, "coverage": self.coverage}
        told = {name: measure.as_dict() for name, measure in measures.items()}
        return {**told, "accuracy": self.accuracy}

    def lines(self) -> list[str]:
        """The measures as lines of Markdown."""
        distance, cover = self.distance.estimate, self.coverage.estimate
        return [
            f"Classes by a classifier ({100 * self.accuracy:.1f} % right on validation images), in %: "
            f"{in_percent(self.shares.estimate)}.",
            "",
            f"Distance of these shares from the data's: {distance.value:.3f} (standard error "
            f"{distance.standard_error:.3f}; as many real images have {_floor(distance):.3f}); chi^2 "
            f"{distance.notes['chi2']:.1f} at {distance.notes['degrees']} degrees of freedom, "
            f"p = {distance.p_value:.2g}.",
            "",
            f"Coverage of {cover.notes['n']} {self.coverage.protocol['split']} images by as many samples, in the "
            f"classifier's features, k = {cover.notes['k']}: {cover.value:.3f} (standard error "
            f"{cover.standard_error:.3f}; real images have {_floor(cover):.3f}).",
            "",
            f"Classifier: {self.coverage.protocol['extractor']}.",
        ]


def lacks_classifier(dataset: Dataset) -> bool:
    """Whether measuring samples of these data would have a classifier trained first."""
    return bool(dataset.classes) and dataset.is_image and not extractors.is_cached(dataset)


def recognise(samples: Samples, dataset: Dataset, *, split: str, seed: int) -> Recognition:
    """Measure samples by the classifier of labelled images, which is trained first if the cache has none.

    split: whose images are to be covered. seed: of the samples, for the protocol.
    """
    assert dataset.classes is not None
    assert dataset.train.labels is not None
    classifier = extractors.train_classifier(dataset)
    images = torch.from_numpy(samples.values).permute(0, 3, 1, 2)
    features = classifier.features(images)
    classes = classifier.classes_of(features)
    told = {"extractor": classifier.id, "split": split, "samples": len(images), "seed": seed, "data": dataset.name,
            "digest": dataset.digest}  # fmt: skip
    shares = metrics.class_shares(classes, dataset.classes)
    distance = metrics.class_distance(classes, dataset.train.labels, dataset.classes)
    coverage = _coverage(features, classifier, dataset.splits[split].values)
    return Recognition(
        shares=Measure("class shares", shares, told),
        distance=Measure("class distance", distance, told),
        coverage=Measure("coverage", coverage, {**told, **coverage.notes}),
        accuracy=classifier.accuracy,
    )


def in_percent(classes: metrics.Estimate) -> str:
    """The shares of `class_shares` in words: each one, or the smallest where they are many."""
    shares = {
        name.removeprefix("class "): float(share) for name, share in classes.notes.items() if name.startswith("class ")
    }
    if len(shares) > FEW:
        return f"{100 * classes.value:.2f} at least, {classes.notes['missing']} of {len(shares)} missing"
    return ", ".join(f"{name} {100 * share:.1f}" for name, share in shares.items())


def _coverage(features: Tensor, classifier: extractors.Classifier, real: Tensor) -> metrics.Estimate:
    """Of as many real images as samples, drawn once and for all from those of the split, in an order of its own."""
    n = min(len(features), len(real), COVERED)
    drawn = torch.randperm(len(real), generator=torch.Generator().manual_seed(0))[:n]
    return metrics.coverage(features[:n], classifier.features(real[drawn]), k=min(5, n - 1))


def _floor(estimate: metrics.Estimate) -> float:
    assert estimate.floor is not None
    return estimate.floor
