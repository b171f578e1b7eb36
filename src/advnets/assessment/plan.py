"""The plan of an evaluation: which split, which measures, in which features, by which seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypedDict

from advnets import extractors, metrics
from advnets.assessment.measures import MEASURES
from advnets.errors import BadInput, unknown

SPLITS = ("validation", "test")


@dataclass(frozen=True)
class EvaluationPlan:
    """What is measured, and how; `Run.evaluate` and `Model.evaluate` take the fields as keywords.

    Attributes:
        split: "validation" or "test": the images that samples are measured against.
        measures: Rows of MEASURES, or a text with commas between them; None for every one that the data allow.
        extractor: Row of EXTRACTORS, whose features distances are measured in; or one of your own, as `as_extractor`
            takes it: a network, a function of images, an object with `id` and `features`. None for the classifier of
            labelled images, random convolutions for other images, and points as they are.
        weights: File of weights, for an extractor that reads one.
        classifier: Whether measures that need a classifier are taken; it is trained first if the cache has none.
        protocol: Row of metrics.PROTOCOLS, for the Parzen score.
        n: Number of samples that a model draws; None for 10,000, or about as many as there are training images if
            they are fewer.
        seed: Seed of the noises, and of every draw that a measure makes, from 0 to 2^32 - 1.
        figures: Whether figures are drawn too, and written with the report.

    Raises:
        BadInput: For an unknown split, protocol, extractor or measure, for a number out of its range, for the features
            of a classifier where none is wanted, and for weights that the extractor does not read.
        Missing: If the file of weights is not there.
    """

    split: str = "validation"
    measures: tuple[str, ...] | None = None
    extractor: Any = None
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
        self._check_extractor()
        if self.extractor == "classifier" and not self.classifier:
            raise BadInput("found the extractor classifier, and that no classifier is wanted; leave one of them out")
        for name in self.measures or ():
            if name not in MEASURES:
                raise unknown("measure", name, MEASURES)
        if self.n is not None and self.n < 1:
            raise BadInput(f"n is {self.n}; expected at least 1 sample")
        if not 0 <= self.seed < 2**32:
            raise BadInput(f"seed is {self.seed}; expected a whole number from 0 to 2^32 - 1")

    def _check_extractor(self) -> None:
        if isinstance(self.extractor, str | None):
            if self.extractor is not None and self.extractor not in extractors.EXTRACTORS:
                raise unknown("extractor", self.extractor, extractors.EXTRACTORS)
            if self.extractor is not None or self.weights is not None:
                extractors.expect_weights(self.extractor, self.weights)
            return
        if self.weights is not None:
            raise BadInput(
                f"weights: found {self.weights} for an extractor of your own, which reads none. Leave it out."
            )
        object.__setattr__(self, "extractor", extractors.as_extractor(self.extractor))

    @property
    def wants_classifier(self) -> bool:
        """Whether anything that is asked for looks at the classifier of labelled images."""
        if not self.classifier:
            return False
        if self.measures is None or self.figures or self.extractor == "classifier":
            return True
        kinds = {MEASURES[name].on for name in self.measures}
        return bool(kinds & {"classes", "scores"}) or ("features" in kinds and self.extractor is None)


class EvaluationKeywords(TypedDict, total=False):
    """The fields of `EvaluationPlan` as keywords."""

    split: str
    measures: tuple[str, ...] | str | list[str] | None
    extractor: Any
    weights: Path | str | None
    classifier: bool
    protocol: str
    n: int | None
    seed: int
    figures: bool


def parse_measure_names(measures: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Names of measures, which may be given as one text with commas between them.

    Args:
        measures: The names, or the text; None for the default.

    Returns:
        The names, or None.

    Example:
        >>> parse_measure_names("fid, kid")
        ('fid', 'kid')
    """
    if measures is None or not isinstance(measures, str):
        return None if measures is None else tuple(measures)
    return tuple(name.strip() for name in measures.split(","))


def plan_from(values: Mapping[str, Any]) -> EvaluationPlan:
    """The plan with these fields.

    Args:
        values: Values by the name of their field.

    Returns:
        The plan.

    Raises:
        BadInput: For an unknown name, with the nearest, and as `EvaluationPlan` does.
    """
    known = [spec.name for spec in fields(EvaluationPlan)]
    for name in values:
        if name not in known:
            raise unknown("keyword of evaluate", name, known)
    return EvaluationPlan(**values)
