"""What machines read of a model card: the YAML head as model hubs have it."""

from collections.abc import Mapping
from typing import Any

from advnets.assessment import FEW_REAL, Measure, MeasureCard, card_of
from advnets.experiment.publication.card_subject import CardSubject
from advnets.experiment.publication.yaml_head import Value, format_head

LICENCES = frozenset({
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "cc", "cc0-1.0",
    "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "ecl-2.0", "epl-2.0", "eupl-1.1", "gpl", "gpl-2.0", "gpl-3.0",
    "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl", "ofl-1.1", "openrail", "osl-3.0",
    "pddl", "unlicense", "wtfpl", "zlib",
})  # fmt: skip
"""Licences that hubs know, by their ids there; another one is "other"."""

HUB_DATASETS = {"mnist": "ylecun/mnist", "cifar10": "uoft-cs/cifar10"}
"""Ids of the data sets on the hub. Those without one are named in the text alone: their name may be another set's."""


def format_card_head(subject: CardSubject) -> str:
    """Return the YAML head of a model card.

    Args:
        subject: What the card tells of.

    Returns:
        Lines from "---" to "---".
    """
    fields: dict[str, Value] = {}
    licence, card = subject.model.card.licence.strip(), subject.model.card
    if licence:
        known = licence.lower().replace(" ", "-")
        fields |= {"license": known} if known in LICENCES else {"license": "other", "license_name": licence}
    fields["library_name"] = "advnets"
    if len(card.data.shape) == 3:
        fields["pipeline_tag"] = _task(subject)
    fields["tags"] = ["gan", "generative-adversarial-network", "pytorch", "safetensors", card.recipe]
    if card.data.name in HUB_DATASETS:
        fields["datasets"] = [HUB_DATASETS[card.data.name]]
    results = _results(subject)
    if results:
        fields["model-index"] = [{"name": subject.model.name, "results": results}]
    return format_head(fields)


def _task(subject: CardSubject) -> str:
    return "image-to-image" if subject.translates else "unconditional-image-generation"


def _results(subject: CardSubject) -> list[Value]:
    """The measures as hubs list them; those of which no number can be told yet are left out, all by few real images."""
    report = subject.report
    if report is not None and report.against.samples < FEW_REAL:
        return []
    told = (
        [] if report is None else [one for one in report.measures.values() if not one.estimate.notes.get("few_samples")]
    )
    if report is None or not told:
        return []
    against = report.against
    dataset: dict[str, Value] = {"type": HUB_DATASETS.get(against.data, against.data), "name": against.data}
    task: dict[str, Value] = {"type": _task(subject)}
    metrics: list[Value] = [_metric(measure, against.samples) for measure in told]
    return [{"task": task, "dataset": {**dataset, "split": against.split}, "metrics": metrics}]


def _metric(measure: Measure, samples: int) -> dict[str, Value]:
    features = str(measure.protocol.get("extractor", ""))
    error = measure.estimate.error
    biased = f"less bias {measure.estimate.less_bias:.3g}" if measure.estimate.bias else ""
    told = [features, f"{samples:,} samples", "" if error is None else f"standard error {error:.2g}", biased]
    return {
        "type": metric_type(measure.name, features, measure.card),
        "value": measure.estimate.value,
        "name": f"{measure.name} ({'; '.join(filter(None, told))})",
    }


def metric_type(name: str, features: str, stored: MeasureCard | None = None) -> str:
    """Return how a hub files a measure: one of features other than Inception's is not beside those of Inception's.

    Args:
        name: The measure.
        features: Id of the extractor.
        stored: What its report holds of it, for a measure that is no row of MEASURES.

    Returns:
        The type.

    Example:
        >>> metric_type("fid", "inception 2015"), metric_type("fid", "convnet 24"), metric_type("parzen", "convnet 24")
        ('fid', 'fid-other-features', 'parzen')
    """
    of_features = card_of(name, stored).on in ("features", "scores")
    return f"{name}-other-features" if of_features and not features.startswith("inception") else name


def protocol_text(protocol: Mapping[str, Any]) -> str:
    """Return what a measure was taken on, in words, without digests and the extractor.

    Args:
        protocol: The protocol of a measure.

    Returns:
        Its fields.

    Example:
        >>> protocol_text({"data": "digits", "digest": "23", "samples": 100, "split": "validation"})
        'data digits, samples 100, split validation'
    """
    left_out = ("digest", "extractor", "classifier", "accuracy")
    told = {name: value for name, value in protocol.items() if name not in left_out and value is not None}
    return ", ".join(f"{name} {value}" for name, value in told.items())
