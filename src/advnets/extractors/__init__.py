"""Images -> features, in which distances mean more than in pixels: each extractor has an id that says which it is."""

from collections.abc import Callable

from advnets.data import Dataset
from advnets.errors import unknown
from advnets.extractors.classifier import Classifier, ClassifierSettings, accuracy, is_cached, train_classifier
from advnets.extractors.extractor import Extractor, Pixels
from advnets.extractors.pca import Pca, fit_pca

EXTRACTORS: dict[str, Callable[[Dataset], Extractor]] = {
    "pixels": lambda dataset: Pixels(),
    "pca": lambda dataset: fit_pca(dataset.train),
    "classifier": train_classifier,
}
"""Ways to get an extractor for a data set, by name; what is learnt is learnt from its training split."""


def find(name: str, dataset: Dataset) -> Extractor:
    """The extractor of that row, fitted to the data; raises BadInput for a name that is none."""
    if name not in EXTRACTORS:
        raise unknown("extractor", name, EXTRACTORS)
    return EXTRACTORS[name](dataset)


__all__ = [
    "EXTRACTORS", "Classifier", "ClassifierSettings", "Extractor", "Pca", "Pixels", "accuracy", "find", "fit_pca",
    "is_cached",
    "train_classifier",
]  # fmt: skip
