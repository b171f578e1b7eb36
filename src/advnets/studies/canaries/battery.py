"""What looks at the samples: every measure that `advnets evaluate` takes, prepared once for a re-split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from advnets import assessment, metrics
from advnets.data import Dataset
from advnets.statistics import Estimate
from advnets.studies.canaries.resplit import Resplit

Look = Callable[[Tensor], Mapping[str, Estimate | str]]
"""Samples, (n, c, h, w) uint8 -> by measure what it says of them, or why it refuses."""

PARZEN = "parzen"
"""Is measured here without its controls, which are of the data, not of the samples, and take longer than all else."""


@dataclass(frozen=True)
class Battery:
    """Measures that look by one extractor.

    extractor: its id. prepare: what is the same for all samples of a re-split is computed here, once.
    """

    extractor: str
    prepare: Callable[[Resplit], Look]


def usual_battery(dataset: Dataset) -> Battery:
    """Every row of MEASURES that images allow; extractor and classifier are those of the data as they come.

    These were fitted on a part of the pool that no re-split knows of, so that samples, held-out and training images
    are seen alike; and they need not be trained again for each re-split.
    """
    whole = assessment.reference(dataset)
    asked = assessment.MEASURES.items()
    names = [name for name, row in asked if row.of != "points" and set(row.needs) <= {"labels"} and name != PARZEN]

    def prepare(drawn: Resplit) -> Look:
        here = replace(whole, dataset=assessment.within_memory(drawn.dataset))
        selection, points = assessment.selection_and_points(here.dataset, here.split)

        def look(samples: Tensor) -> Mapping[str, Estimate | str]:
            report = assessment.assess(samples, here, measures=names)
            parzen = metrics.parzen(points, assessment.to_unit_interval(samples), selection)
            found = {name: measure.estimate for name, measure in report.measures.items()}
            return {**found, PARZEN: parzen, **report.skipped}

        return look

    return Battery(whole.extractor.id, prepare)
