"""A classifier of a labelled data set: trained on the spot in minutes, from a seed, and kept in the user's cache."""

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from advnets import errors, runs
from advnets.data import Batches, Dataset, Split, cache_folder
from advnets.errors import BadInput, Damaged, NonFinite, Unsupported
from advnets.extractors.convnet import ConvNet
from advnets.randomness import Streams

VERSION = 1
"""Of the way of training; to be raised with every change of it, so that no cached classifier is taken for the new."""

PART = 250
"""Images that go through the net at once, in measuring."""


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is built and trained; the rest follows from the data.

    The net is `ConvNet`. Stochastic gradient descent with Nesterov's momentum on the cross-entropy with smoothed
    labels (C. Szegedy et al., Rethinking the Inception architecture, 2016, section 7); the rate rises linearly to its
    peak over a quarter of the way and falls linearly to 0 (L. Smith and N. Topin, Super-convergence, 2018); each image
    is shifted at random by up to a fourteenth of its side, at least one pixel.
    """

    widths: tuple[int, ...] = (24, 48, 96)
    """Channels of the stages."""
    hidden: int = 128
    """Size of the features."""
    batch_size: int = 128
    """Images a step, or all there are if they are fewer."""
    images: int = 200_000
    """Images seen in training, counting each time."""
    passes: int = 25
    """Through the data, at most, where `fewest_steps` does not ask for more."""
    fewest_steps: int = 200
    """Steps, at least."""
    rate: float = 0.1
    """Peak of the learning rate."""
    momentum: float = 0.9
    """Of the descent."""
    weight_decay: float = 5e-4
    """Of all parameters."""
    smoothing: float = 0.1
    """Share of the label that is spread over all classes."""
    seed: int = 0
    """Of the initial weights, the order of the data, the shifts."""

    def steps(self, n: int) -> int:
        """Steps for n training images."""
        seen = min(self.images, self.passes * n)
        return max(seen // min(self.batch_size, n), self.fewest_steps)


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained classifier, and the extractor that its last hidden layer is.

    network: the net, in evaluation mode. shape: (c, h, w) of its images. id: architecture, preprocessing, SHA-256 of
    the weights. accuracy: share of the validation images that it names rightly. seconds: that training took.
    """

    network: ConvNet
    shape: tuple[int, ...]
    id: str
    accuracy: float
    seconds: float

    def features(self, values: Tensor) -> Tensor:
        """Activations of the last hidden layer, (n, d) float32, of images, (n, c, h, w) uint8."""
        return self._in_parts(self.network.features, values)

    def logits(self, images: Tensor) -> Tensor:
        """Logits, (n, classes) float32."""
        return self._in_parts(self.network, images)

    def classify(self, images: Tensor) -> Tensor:
        """The class of every image, (n,) int64."""
        return self.logits(images).argmax(1)

    def classify_features(self, features: Tensor) -> Tensor:
        """The classes, (n,) int64, of images whose features, (n, d), are at hand."""
        with torch.no_grad():
            classes: Tensor = self.network.head(features).argmax(1)
        return classes

    def _in_parts(self, way: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        if images.dtype != torch.uint8 or tuple(images.shape[1:]) != self.shape or len(images) == 0:
            found = f"{images.dtype} of shape {tuple(images.shape)}"
            raise BadInput(f"images: found {found}, expected uint8 (n, *{self.shape}). Bring them to that size.")
        with torch.no_grad():
            return torch.cat([way(part) for part in torch.split(images, PART)])


def train_classifier(dataset: Dataset, settings: ClassifierSettings | None = None) -> Classifier:
    """The classifier of a labelled data set: trained now, or taken from the cache if it was trained before.

    The cache is `cache_folder()`, "classifiers"; the key is the SHA-256 of the data's digest, the settings and VERSION.
    What is read is verified by its SHA-256; a damaged one is trained anew, with a warning that says so. With one
    thread the same data and settings give the same weights bit for bit.
    Raises Unsupported for data without labels, points, or a single image; NonFinite if training failed.
    """
    settings = settings or ClassifierSettings()
    _expect_labelled_images(dataset)
    about = _cache_key(dataset, settings)
    place = _cache_path(dataset, settings)
    state = _load_cached(place, about)
    if state is None:
        state = {"about": about, **_train_network(dataset, settings)}
        _store_cached(place, state, settings.steps(len(dataset.train)))
    with Streams(settings.seed, torch.device("cpu")).as_defaults():  # initial weights are drawn, though not for long
        network = _build_network(dataset, settings)
    network.load_state_dict(state["weights"])
    name = _extractor_id(dataset, settings, state["weights"])
    return Classifier(network.eval(), dataset.shape, name, state["accuracy"], state["seconds"])


def is_cached(dataset: Dataset, settings: ClassifierSettings | None = None) -> bool:
    """Whether a good classifier of that kind is in the cache."""
    settings = settings or ClassifierSettings()
    place = _cache_path(dataset, settings)
    if not runs.has_checkpoints(place):
        return False
    try:
        return bool(runs.load_latest(place)[1]["about"] == _cache_key(dataset, settings))
    except (Damaged, Unsupported):
        return False


def _expect_labelled_images(dataset: Dataset) -> None:
    if dataset.classes is None or not dataset.is_image or len(dataset.train) < 2:
        kind = "points" if not dataset.is_image else f"{len(dataset.train)} training images"
        labels = "without labels" if dataset.classes is None else "with labels"
        raise Unsupported(
            f"{dataset.name}: found {kind} {labels}; a classifier is trained on two or more labelled images. "
            "Give labels, or take the extractor pixels or pca."
        )


def _cache_key(dataset: Dataset, settings: ClassifierSettings) -> dict[str, Any]:
    told = {**asdict(settings), "widths": list(settings.widths)}
    return {"version": VERSION, "digest": dataset.digest, "settings": told}


def _cache_path(dataset: Dataset, settings: ClassifierSettings) -> Path:
    key = hashlib.sha256(json.dumps(_cache_key(dataset, settings), sort_keys=True).encode()).hexdigest()
    return cache_folder() / "classifiers" / key


def _load_cached(place: Path, about: Mapping[str, Any]) -> dict[str, Any] | None:
    if not runs.has_checkpoints(place):
        return None
    try:
        state = runs.load_latest(place)[1]
        if state["about"] != about:
            raise Damaged(f"{place} holds a classifier of other data or settings")
    except (Damaged, Unsupported) as error:
        warnings.warn(f"a classifier in the cache cannot be read and is trained anew: {error}", stacklevel=3)
        return None
    return state


def _store_cached(place: Path, state: Mapping[str, Any], steps: int) -> None:
    try:
        runs.save_checkpoint(place, steps, state)
    except errors.CannotWrite as error:
        warnings.warn(f"the classifier is not kept, and will be trained anew next time: {error}", stacklevel=3)


def _extractor_id(dataset: Dataset, settings: ClassifierSettings, weights: Mapping[str, Tensor]) -> str:
    stages, size = "-".join(map(str, settings.widths)), "x".join(map(str, dataset.shape))
    digest = runs.state_fingerprint(weights)
    return f"convnet {stages}, hidden {settings.hidden}; {size} bytes, standardised; sha256 {digest}"


def _build_network(dataset: Dataset, settings: ClassifierSettings) -> ConvNet:
    assert dataset.classes is not None
    return ConvNet(dataset.shape, dataset.classes, widths=settings.widths, hidden=settings.hidden)


def _train_network(dataset: Dataset, settings: ClassifierSettings) -> dict[str, Any]:
    """Weights, validation accuracy and seconds of training, by random numbers of its own."""
    began = time.monotonic()
    with Streams(settings.seed, torch.device("cpu")).as_defaults():
        network = _build_network(dataset, settings)
        _standardise(network, dataset.train)
        _run_descent(network, dataset.train, settings)
    weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise NonFinite(f"the classifier of {dataset.name}: found NaN or Inf in its weights. Lower its rate.")
    seconds = time.monotonic() - began
    classifier = Classifier(network.eval(), dataset.shape, "", 0.0, seconds)
    return {"weights": weights, "accuracy": accuracy(classifier, dataset.validation), "seconds": seconds}


def accuracy(classifier: Classifier, split: Split) -> float:
    """Share of the images of a labelled split that a classifier names rightly."""
    assert split.labels is not None
    return float(torch.eq(classifier.classify(split.values), split.labels).double().mean())


def _standardise(network: ConvNet, train: Split) -> None:
    """Set the mean and deviation of each channel, from its histogram of 256 levels: exact, and without large copies."""
    levels = torch.arange(256).double() / 255
    for channel in range(train.values.shape[1]):
        counts = torch.zeros(256, dtype=torch.float64)
        for part in torch.split(train.values, PART):
            counts += torch.bincount(part[:, channel].flatten(), minlength=256)
        mean = (counts * levels).sum() / counts.sum()
        variance = (counts * (levels - mean).square()).sum() / counts.sum()
        network.mean[channel] = mean
        network.deviation[channel] = variance.sqrt().clamp(min=1 / 255)


def _run_descent(network: ConvNet, train: Split, settings: ClassifierSettings) -> None:
    steps, batch_size = settings.steps(len(train)), min(settings.batch_size, len(train))
    labelled = Split(train.values, train.labels, is_mapped=train.is_mapped)  # a batch gives the labels, no images
    batches = Batches(labelled, batch_size=batch_size, seed=settings.seed, transform=shift_images, whole=True)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=settings.rate,
        momentum=settings.momentum,
        nesterov=True,
        weight_decay=settings.weight_decay,
    )
    for step, batch in zip(range(steps), batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * triangular_rate((step + 1) / (steps + 1))
        assert batch.given is not None
        loss = functional.cross_entropy(network(batch.real), batch.given, label_smoothing=settings.smoothing)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def triangular_rate(share: float) -> float:
    """From 0 to 1 over the first quarter of the way, and back to 0.

    >>> triangular_rate(0.125), triangular_rate(0.25), triangular_rate(0.625)
    (0.5, 1.0, 0.5)
    """
    return min(share / 0.25, (1 - share) / 0.75)


def shift_images(images: Tensor) -> Tensor:
    """Images (b, c, h, w), each moved by whole pixels drawn for itself, with zeros moved in.

    Moves are even over -m .. m both ways, m being a fourteenth of the shorter side, rounded, but at least 1.
    """
    n, _, height, width = images.shape
    m = max(1, round(min(height, width) / 14))
    padded = functional.pad(images, (m, m, m, m))
    down, right = torch.randint(0, 2 * m + 1, (2, n, 1))
    rows, columns = down + torch.arange(height), right + torch.arange(width)
    which = torch.arange(n)[:, None, None]
    return padded[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
