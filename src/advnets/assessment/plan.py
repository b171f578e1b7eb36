"""What is asked of a measuring: which split, which measures, in which features, by which seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from advnets import extractors, metrics
from advnets.assessment.measures import MEASURES
from advnets.errors import BadInput, unknown

SPLITS = ("validation", "test")


@dataclass(frozen=True)
class EvaluationPlan:
    """What is measured, and how; Run.evaluate and Model.evaluate take the fields as keywords.

    split: "validation" or "test", whose images samples are held against.
    measures: rows of MEASURES, or a text with commas between them; None is every one that the data allow.
    extractor: row of EXTRACTORS, whose features distances are measured in; None is the classifier of labelled images,
        random convolutions for other images, and points as they are. weights: file of those that bring their own.
    classifier: whether what a classifier is needed for is measured; it is trained first where the cache has none.
    protocol: row of metrics.PROTOCOLS, for the Parzen score.
    n: samples that a model draws; None is 10,000, or about as many as there are training images if they are fewer.
    seed: of the noises, and of every draw that a measure makes.
    figures: whether figures are drawn too, which are kept with the report.
    Raises BadInput for a split or protocol that is none, for numbers that cannot be, for the features of a classifier
    without one, and for weights that the extractor does not read; Missing where there is no file of weights.
    """

    split: str = "validation"
    measures: tuple[str, ...] | None = None
    extractor: str | None = None
    weights: Path | None = None
    classifier: bool = True
    protocol: str = "goodfellow2014"
    n: int | None = None
    seed: int = 0
    figures: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "measures", parse_measure_names(self.measures))
        if self.split not in SPLITS:
            raise unknown("split", self.split, SPLITS)
        if self.protocol not in metrics.PROTOCOLS:
            raise unknown("protocol", self.protocol, metrics.PROTOCOLS)
        if self.extractor is not None and self.extractor not in extractors.EXTRACTORS:
            raise unknown("extractor", self.extractor, extractors.EXTRACTORS)
        if self.extractor == "classifier" and not self.classifier:
            raise BadInput("found the extractor classifier, and no classifier wanted; leave one of them out")
        extractors.expect_weights(self.extractor, self.weights)
        for name in self.measures or ():
            if name not in MEASURES:
                raise unknown("measure", name, MEASURES)
        if self.n is not None and self.n < 1:
            raise BadInput(f"n is {self.n}; expected at least 1 sample")
        if not 0 <= self.seed < 2**32:
            raise BadInput(f"seed is {self.seed}; expected a whole number from 0 to 2^32 - 1")


def parse_measure_names(measures: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Names of measures, which may be given as one text with commas between them.

    >>> parse_measure_names("fid, kid")
    ('fid', 'kid')
    """
    if measures is None or not isinstance(measures, str):
        return None if measures is None else tuple(measures)
    return tuple(name.strip() for name in measures.split(","))


def plan_from(values: Mapping[str, Any]) -> EvaluationPlan:
    """The plan of these fields; raises BadInput for a name that is none, with the nearest."""
    known = [spec.name for spec in fields(EvaluationPlan)]
    for name in values:
        if name not in known:
            raise unknown("keyword of evaluate", name, known)
    return EvaluationPlan(**values)
