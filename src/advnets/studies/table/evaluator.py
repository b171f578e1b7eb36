"""What measures the samples of the table: one code for models and controls."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from advnets import metrics, statistics
from advnets.assessment import (
    SPLITS,
    Reference,
    assess,
    default_sample_count,
    needs_new_classifier,
    reference,
    selection_and_points,
    to_unit_interval,
    within_memory,
)
from advnets.data import Dataset
from advnets.experiment import Samples
from advnets.studies.table.records import ClassCoverage, Measurements, ParzenScore

COMPARED = 1000
"""Number of samples, and of validation images, whose nearest training image is searched."""

CLASSIFIED = 10_000
"""Largest number of samples that a classifier sees."""

FEW = 100
"""Smallest number of samples whose classes are measured."""

PAPER = "goodfellow2014"
"""The protocol of the paper's MNIST column, which rows are compared by."""


@dataclass(frozen=True, eq=False)
class Evaluator:
    """What all samples of a table are measured against.

    Attributes:
        dataset: The data, or a fixed draw of them where memory does not hold all.
        selection: Images on which sigma is chosen.
        points: Images on which scores are read, by split.
        n: Number of samples of a model.
    """

    dataset: Dataset
    selection: Tensor
    points: Mapping[str, Tensor]
    n: int

    @staticmethod
    def of(dataset: Dataset) -> "Evaluator":
        """Build the evaluator of a data set.

        Args:
            dataset: Images.

        Returns:
            The evaluator.
        """
        within = within_memory(dataset)
        found = {split: selection_and_points(within, split) for split in SPLITS}
        points = {split: images for split, (_, images) in found.items()}
        return Evaluator(within, found["validation"][0], points, default_sample_count(dataset))

    @property
    def lacks_classifier(self) -> bool:
        """Whether the first measurement trains a classifier."""
        return needs_new_classifier(self.dataset)

    @cached_property
    def reference(self) -> Reference:
        """What classes and coverage are measured against; the first access trains the classifier."""
        return reference(self.dataset)

    def score(self, samples: Samples, protocol: str) -> dict[str, ParzenScore]:
        """Return the Parzen score of samples on each split, with sigma chosen on validation images.

        Args:
            samples: Images.
            protocol: A row of PROTOCOLS.

        Returns:
            The scores, by split.
        """
        centres = to_unit_interval(samples.stored_values)
        found = {
            split: metrics.parzen(x, centres, self.selection, protocol=protocol) for split, x in self.points.items()
        }
        return {split: _score(estimate) for split, estimate in found.items()}

    def measure(self, samples: Samples) -> Measurements:
        """Measure samples by all that the table shows.

        Args:
            samples: Images.

        Returns:
            The measurements.
        """
        images = samples.stored_values
        held_out = self.dataset.validation.values
        near = metrics.nearness(images[:COMPARED], held_out[:COMPARED], self.dataset.train.values)
        return Measurements(
            samples=len(samples),
            scores={protocol: self.score(samples, protocol) for protocol in metrics.PROTOCOLS},
            nearness=near.value,
            nearness_error=near.standard_error,
            classes=self._classes(samples),
        )

    def _classes(self, samples: Samples) -> ClassCoverage | None:
        if self.dataset.classes is None or len(samples) < FEW:
            return None
        images = samples.stored_values[:CLASSIFIED]
        measures = assess(images, self.reference, measures=("class-shares", "coverage")).measures
        shares, cover = measures["class-shares"].estimate, measures["coverage"].estimate
        assert cover.floor is not None
        most = max(float(share) for name, share in shares.notes.items() if name.startswith("class "))
        return ClassCoverage(shares.value, most, cover.value, cover.standard_error, cover.floor)


def _score(estimate: statistics.Estimate) -> ParzenScore:
    notes = estimate.notes
    return ParzenScore(
        estimate.value, estimate.standard_error, float(notes["sigma"]), bool(notes["edge"]), float(notes["ceiling"])
    )
