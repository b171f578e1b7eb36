"""Images -> features, in which distances mean more than in pixels: each extractor has an id that says which it is."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from advnets.data import Dataset
from advnets.errors import BadInput, Missing, unknown
from advnets.extractors.classifier import Classifier, ClassifierSettings, accuracy, is_cached, train_classifier
from advnets.extractors.extractor import Extractor, Judge, Pixels
from advnets.extractors.image_preprocessing import Preprocessing
from advnets.extractors.inception import Inception, inception_extractor
from advnets.extractors.onnx import OnnxExtractor, onnx_extractor
from advnets.extractors.own_network import NetworkExtractor, network_extractor
from advnets.extractors.pca import Pca, fit_pca
from advnets.extractors.random_features import RandomFeatures, draw_random_features

EXTRACTORS: dict[str, Callable[[Dataset, Path | None], Extractor]] = {
    "pixels": lambda dataset, weights: Pixels(),
    "random": lambda dataset, weights: draw_random_features(dataset),
    "pca": lambda dataset, weights: fit_pca(dataset.train),
    "classifier": lambda dataset, weights: train_classifier(dataset),
    "inception": lambda dataset, weights: inception_extractor(weights),
    "onnx": lambda dataset, weights: onnx_extractor(cast(Path, weights)),
}
"""Ways to get an extractor for a data set, by name; what is learnt is learnt from its training split."""

READS_WEIGHTS = frozenset({"inception", "onnx"})
"""Rows that take a file of weights."""

NEEDS_WEIGHTS = frozenset({"onnx"})
"""Rows that are nothing without that file; others take it from the cache, or download it."""


def build_extractor(name: str, dataset: Dataset, weights: str | Path | None = None) -> Extractor:
    """The extractor of that row, fitted to the data.

    weights: path of the weights' file, for a row of READS_WEIGHTS. Raises BadInput for a name that is none; what
    `expect_weights` raises, and the row.
    """
    if name not in EXTRACTORS:
        raise unknown("extractor", name, EXTRACTORS)
    expect_weights(name, weights)
    return EXTRACTORS[name](dataset, None if weights is None else Path(weights))


def expect_weights(name: str | None, weights: str | Path | None) -> None:
    """Raise BadInput for weights that an extractor does not read, or lacks, and Missing if there is no such file.

    name: of the extractor, or None where it is left to the data, none of which takes weights.
    """
    if weights is None:
        if name in NEEDS_WEIGHTS:
            raise BadInput(f"weights: found none for the extractor {name}, expected the path of its file. Give it.")
        return
    if name not in READS_WEIGHTS:
        takes = " and ".join(sorted(READS_WEIGHTS))
        raise BadInput(
            f"weights: found {weights} for the extractor {name or 'of these data'}, expected none: only {takes} "
            "read any. Name one, or leave them out."
        )
    if not Path(weights).is_file():
        raise Missing(f"{weights} is not there; expected a file of the weights of {name}")


__all__ = [
    "EXTRACTORS", "Classifier", "ClassifierSettings", "Extractor", "Inception", "Judge", "NEEDS_WEIGHTS", "OnnxExtractor", "NetworkExtractor",
    "Pca", "Pixels", "Preprocessing", "READS_WEIGHTS", "RandomFeatures", "accuracy", "expect_weights", "build_extractor",
    "fit_pca", "inception_extractor", "is_cached", "onnx_extractor", "network_extractor", "draw_random_features", "train_classifier",
]  # fmt: skip
