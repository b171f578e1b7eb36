"""Extractors turn images into features, in which distances mean more than in pixels; each has an id that names it.

The files have an order: `extractor` comes first, then `image_preprocessing`, then the extractors.

Inside of the room a file imports only from those before it: extractor, convnet, classifier, image_preprocessing,
inception, external_data, onnx_session, onnx, own_network, own_function, pca, random_features.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from advnets.data import Dataset
from advnets.errors import BadInput, Missing, unknown
from advnets.extractors.classifier import Classifier, ClassifierSettings, accuracy, is_cached, train_classifier
from advnets.extractors.external_data import external_names, message_fields
from advnets.extractors.extractor import Extractor, Judge, Pixels, extract_features, extract_logits
from advnets.extractors.image_preprocessing import Preprocessing
from advnets.extractors.inception import Inception, inception_extractor
from advnets.extractors.onnx import OnnxExtractor, onnx_extractor
from advnets.extractors.onnx_session import Session, open_session
from advnets.extractors.own_function import FunctionExtractor, as_extractor, function_extractor
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
"""Ways to get an extractor for a data set, by name. An extractor that learns does so from the training split."""

READS_WEIGHTS = frozenset({"inception", "onnx"})
"""Rows that read a file of weights."""

NEEDS_WEIGHTS = frozenset({"onnx"})
"""Rows that need that file; others take it from the cache, or download it."""


def build_extractor(name: str, dataset: Dataset, weights: str | Path | None = None) -> Extractor:
    """Build the extractor of a row, fitted to the data.

    Args:
        name: A row of EXTRACTORS.
        dataset: The data whose images it is for.
        weights: Path of the weights' file, for a row of READS_WEIGHTS.

    Returns:
        The extractor.

    Raises:
        BadInput: If the name is unknown, or the row does not read weights or needs them.
        Missing: If there is no such file.
    """
    if name not in EXTRACTORS:
        raise unknown("extractor", name, EXTRACTORS)
    expect_weights(name, weights)
    return EXTRACTORS[name](dataset, None if weights is None else Path(weights))


def expect_weights(name: str | None, weights: str | Path | None) -> None:
    """Raise BadInput if an extractor cannot use the weights, or needs some.

    Args:
        name: A row of EXTRACTORS, or None if the data choose it, in which case it reads no weights.
        weights: Path of the weights' file, or None.

    Raises:
        BadInput: If the row does not read weights, or needs them and there are none.
        Missing: If there is no such file.
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
        raise Missing(f"{weights}: found no such file, expected the weights of {name}. Check the path.")


__all__ = [
    "Classifier",
    "ClassifierSettings",
    "EXTRACTORS",
    "Extractor",
    "FunctionExtractor",
    "Inception",
    "Judge",
    "NEEDS_WEIGHTS",
    "NetworkExtractor",
    "OnnxExtractor",
    "Pca",
    "Pixels",
    "Preprocessing",
    "READS_WEIGHTS",
    "RandomFeatures",
    "Session",
    "accuracy",
    "as_extractor",
    "build_extractor",
    "draw_random_features",
    "expect_weights",
    "external_names",
    "extract_features",
    "extract_logits",
    "fit_pca",
    "function_extractor",
    "inception_extractor",
    "is_cached",
    "message_fields",
    "network_extractor",
    "onnx_extractor",
    "open_session",
    "train_classifier",
]
