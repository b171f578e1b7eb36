"""The measures that look at the samples: every one that `advnets evaluate` takes, prepared once for a re-split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from advnets import assessment, metrics
from advnets.data import Dataset
from advnets.statistics import Estimate
from advnets.studies.canaries.resplit import Resplit

MeasureSamples = Callable[[Tensor], Mapping[str, Estimate | str]]
"""Takes samples, (n, c, h, w) uint8, and returns for each measure its estimate, or why it refuses them."""

PARZEN = "parzen"
"""Is measured here without its controls, which are of the data, not of the samples, and take longer than all else."""


@dataclass(frozen=True)
class Battery:
    """Measures that look by one extractor.

    Attributes:
        extractor: Id of the extractor.
        prepare: Computes what is the same for all samples of a re-split, and returns the measures.
    """

    extractor: str
    prepare: Callable[[Resplit], MeasureSamples]


def default_battery(dataset: Dataset) -> Battery:
    """Return every row of MEASURES that images allow, by the extractor and the classifier of the whole data set.

    These were fitted on a part of the pool that no re-split knows of, so that samples, held-out and training images
    are seen alike; and they need not be trained again for each re-split.

    Args:
        dataset: Images.

    Returns:
        The battery.
    """
    whole = assessment.reference(dataset)
    rows = assessment.MEASURES.items()
    names = [name for name, row in rows if row.of != "points" and set(row.needs) <= {"labels"} and name != PARZEN]

    def prepare(drawn: Resplit) -> MeasureSamples:
        here = replace(whole, dataset=assessment.within_memory(drawn.dataset))
        selection, points = assessment.selection_and_points(here.dataset, here.split)

        def measure(samples: Tensor) -> Mapping[str, Estimate | str]:
            report = assessment.assess(samples, here, measures=names)
            parzen = metrics.parzen(points, assessment.to_unit_interval(samples), selection)
            found = {name: measure.estimate for name, measure in report.measures.items()}
            return {**found, PARZEN: parzen, **report.skipped}

        return measure

    return Battery(whole.extractor.id, prepare)
