"""What samples of the table are held against: one code for models and controls."""

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
"""Samples, and validation images, whose nearest training image is looked for."""

CLASSIFIED = 10_000
"""Samples that a classifier sees."""

FEW = 100
"""Fewer samples tell nothing of classes."""

PAPER = "goodfellow2014"
"""The protocol of the paper's MNIST column, which rows are compared by."""


@dataclass(frozen=True, eq=False)
class Evaluator:
    """What all samples of a table are held against: sigma is chosen on `selection`, scores are read on `points`.

    dataset: all of it, or a fixed draw of what memory does not hold. n: samples of a model.
    """

    dataset: Dataset
    selection: Tensor
    points: Mapping[str, Tensor]
    n: int

    @staticmethod
    def of(dataset: Dataset) -> "Evaluator":
        """That of a data set."""
        held = within_memory(dataset)
        found = {split: selection_and_points(held, split) for split in SPLITS}
        points = {split: images for split, (_, images) in found.items()}
        return Evaluator(held, found["validation"][0], points, default_sample_count(dataset))

    @property
    def lacks_classifier(self) -> bool:
        """Whether the first measuring trains a classifier."""
        return needs_new_classifier(self.dataset)

    @cached_property
    def seen(self) -> Reference:
        """What classes and coverage are measured against; trains the classifier when it is first asked for."""
        return reference(self.dataset)

    def score(self, samples: Samples, protocol: str) -> dict[str, ParzenScore]:
        """Both splits' Parzen scores; sigma is that of the validation images."""
        centres = to_unit_interval(samples.stored_values)
        found = {
            split: metrics.parzen(x, centres, self.selection, protocol=protocol) for split, x in self.points.items()
        }
        return {split: _score(estimate) for split, estimate in found.items()}

    def numbers(self, samples: Samples) -> Measurements:
        """All that samples are measured by."""
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
        seen = assess(samples.stored_values[:CLASSIFIED], self.seen, measures=("class-shares", "coverage")).measures
        shares, cover = seen["class-shares"].estimate, seen["coverage"].estimate
        assert cover.floor is not None
        most = max(float(share) for name, share in shares.notes.items() if name.startswith("class "))
        return ClassCoverage(shares.value, most, cover.value, cover.standard_error, cover.floor)


def _score(estimate: statistics.Estimate) -> ParzenScore:
    notes = estimate.notes
    return ParzenScore(
        estimate.value, estimate.standard_error, float(notes["sigma"]), bool(notes["edge"]), float(notes["ceiling"])
    )
