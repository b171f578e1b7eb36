"""What looks at the samples: every measure that there is, prepared once for a re-split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from advnets import extractors, metrics
from advnets.data import Dataset
from advnets.metrics import Estimate
from advnets.studies.canaries.resplit import Resplit

Look = Callable[[Tensor], Mapping[str, Estimate | str]]
"""Samples, (n, c, h, w) uint8 -> by measure what it says of them, or why it refuses."""


@dataclass(frozen=True)
class Battery:
    """Measures that look by one extractor.

    extractor: its id. prepare: what is the same for all samples of a re-split is computed here, once.
    """

    extractor: str
    prepare: Callable[[Resplit], Look]


def usual_battery(dataset: Dataset) -> Battery:
    """Basic measures; to be replaced by the report's."""
    seen = extractors.train_classifier(dataset)

    def prepare(drawn: Resplit) -> Look:
        train, held = (seen.features(part.values) for part in (drawn.dataset.train, drawn.dataset.test))
        classes = seen.classes_of(held)

        def look(samples: Tensor) -> Mapping[str, Estimate | str]:
            found = seen.features(samples)
            assert dataset.classes is not None
            return {
                "class distance": metrics.class_distance(seen.classes_of(found), classes, dataset.classes),
                "coverage": metrics.coverage(found, held),
                "nearness": metrics.nearness(found, held, train),
            }

        return look

    return Battery(seen.id, prepare)
