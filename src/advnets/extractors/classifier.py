"""A classifier of a labelled data set: trained in minutes from a seed, and cached in the user's cache folder."""

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from advnets import errors, runs
from advnets.data import Batches, Dataset, Split, cache_folder
from advnets.disk import Folder
from advnets.errors import Damaged, NonFinite, Unsupported
from advnets.extractors.convnet import ConvNet
from advnets.extractors.extractor import expect_images_of_shape
from advnets.randomness import Streams

VERSION = 1
"""Version of the training. It is raised with every change, so that no cached classifier is taken for a new one."""

PART = 250
"""Images that go through the network at once, in measuring."""


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is built and trained; the rest follows from the data.

    The network is `ConvNet`. Training is stochastic gradient descent with Nesterov's momentum on the cross-entropy with
    smoothed labels (C. Szegedy et al., Rethinking the Inception architecture, 2016, section 7). The rate rises linearly
    to its peak over a quarter of the steps and falls linearly to 0 (L. Smith and N. Topin, Super-convergence, 2018).
    Each image is shifted at random by up to a fourteenth of its side, at least one pixel.

    Attributes:
        widths: Channels of the stages.
        hidden: Size of the features.
        batch_size: Images a step, or all images if there are fewer.
        images: Images seen in training, each counted every time.
        passes: Most passes through the data, unless `fewest_steps` needs more.
        fewest_steps: Fewest steps.
        rate: Peak of the learning rate.
        momentum: Momentum of the descent.
        weight_decay: Weight decay of all parameters.
        smoothing: Share of the label that is spread over all classes.
        seed: Seed of the initial weights, the order of the data and the shifts.
    """

    widths: tuple[int, ...] = (24, 48, 96)
    hidden: int = 128
    batch_size: int = 128
    images: int = 200_000
    passes: int = 25
    fewest_steps: int = 200
    rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    smoothing: float = 0.1
    seed: int = 0

    def steps(self, n: int) -> int:
        """Compute the number of training steps.

        Args:
            n: Training images.

        Returns:
            The number of steps.
        """
        seen = min(self.images, self.passes * n)
        return max(seen // min(self.batch_size, n), self.fewest_steps)


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained classifier; its last hidden layer is an extractor.

    Attributes:
        network: The network, in evaluation mode.
        shape: (c, h, w) of its images.
        id: Architecture, preprocessing, and SHA-256 of the weights.
        accuracy: Share of the validation images that it classifies rightly.
        seconds: Seconds that training took.
    """

    network: ConvNet
    shape: tuple[int, ...]
    id: str
    accuracy: float
    seconds: float

    def features(self, values: Tensor) -> Tensor:
        """Compute the activations of the last hidden layer.

        Args:
            values: Images, (n, c, h, w) uint8.

        Returns:
            Features, (n, d) float32.

        Raises:
            BadInput: If the images are of another type or size.
        """
        return self._run_in_parts(self.network.features, values)

    def logits(self, images: Tensor) -> Tensor:
        """Compute the logits of images.

        Args:
            images: Images, (n, c, h, w) uint8.

        Returns:
            Logits, (n, classes) float32.

        Raises:
            BadInput: If the images are of another type or size.
        """
        return self._run_in_parts(self.network, images)

    def classify(self, images: Tensor) -> Tensor:
        """Classify images.

        Args:
            images: Images, (n, c, h, w) uint8.

        Returns:
            The class of each image, (n,) int64.

        Raises:
            BadInput: If the images are of another type or size.
        """
        return self.logits(images).argmax(1)

    def classify_features(self, features: Tensor) -> Tensor:
        """Classify images whose features are known.

        Args:
            features: Features, (n, d).

        Returns:
            The class of each image, (n,) int64.
        """
        with torch.no_grad():
            classes: Tensor = self.network.head(features).argmax(1)
        return classes

    def _run_in_parts(self, network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        expect_images_of_shape(images, self.shape)
        with torch.no_grad():
            return torch.cat([network(part) for part in torch.split(images, PART)])


@torch.inference_mode(False)  # the caller may have switched gradients off
def train_classifier(dataset: Dataset, settings: ClassifierSettings | None = None) -> Classifier:
    """Return the classifier of a labelled data set, trained now or taken from the cache.

    The cache is the folder "classifiers" of `cache_folder()`, and the key is the SHA-256 of the data's digest, the
    settings and VERSION. A cached classifier is verified by its SHA-256. A damaged one is trained again, with a
    warning. With one thread the same data and settings give the same weights bit for bit.

    Args:
        dataset: Labelled images, two or more.
        settings: How to train; None takes the defaults.

    Returns:
        The classifier.

    Raises:
        Unsupported: If the data have no labels, are points, or are a single image.
        NonFinite: If training failed.
    """
    settings = settings or ClassifierSettings()
    _expect_labelled_images(dataset)
    key, path = _cache_key(dataset, settings), _cache_path(dataset, settings)
    state = _load_cached(path, key)
    if state is None:
        state = {"about": key, **_train_network(dataset, settings)}
        _store_cached(path, state, settings.steps(len(dataset.train)))
    with Streams(settings.seed, torch.device("cpu")).as_defaults():  # initial weights are drawn, though not for long
        network = _build_network(dataset, settings)
    network.load_state_dict(state["weights"])
    name = _extractor_id(dataset, settings, state["weights"])
    return Classifier(network.eval(), dataset.shape, name, state["accuracy"], state["seconds"])


def is_cached(dataset: Dataset, settings: ClassifierSettings | None = None) -> bool:
    """Return whether a good classifier of that kind is in the cache.

    Args:
        dataset: Labelled images.
        settings: How it was trained; None takes the defaults.

    Returns:
        Whether `train_classifier` would find it.
    """
    settings = settings or ClassifierSettings()
    path = _cache_path(dataset, settings)
    if not runs.has_checkpoints(path):
        return False
    try:
        return bool(runs.load_latest(path)[1]["about"] == _cache_key(dataset, settings))
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
    fields = {**asdict(settings), "widths": list(settings.widths)}
    return {"version": VERSION, "digest": dataset.digest, "settings": fields}


def _cache_path(dataset: Dataset, settings: ClassifierSettings) -> Path:
    key = hashlib.sha256(json.dumps(_cache_key(dataset, settings), sort_keys=True).encode()).hexdigest()
    return cache_folder() / "classifiers" / key


def _load_cached(path: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    if not runs.has_checkpoints(path):
        return None
    try:
        state = runs.load_latest(path)[1]
        if state["about"] != key:
            raise Damaged(f"{path}: found a classifier of other data or settings")
    except (Damaged, Unsupported) as error:
        warnings.warn(f"a classifier in the cache cannot be read and is trained again: {error}", stacklevel=3)
        return None
    return state


def _store_cached(path: Path, state: Mapping[str, Any], steps: int) -> None:
    try:
        runs.make_folder(path.parent)
        _remove_remains(path.parent)
        with runs.open_folder(path, make=True) as held:
            held.lock()
            runs.save_checkpoint(path, steps, state, held)
    except (errors.CannotWrite, OSError) as error:
        warnings.warn(f"the classifier is not cached and will be trained again next time: {error}", stacklevel=3)


def _remove_remains(folder: Path) -> None:
    """Remove what processes that were killed left half stored in the cache; a folder in use is locked, and stays."""
    for path in folder.iterdir():
        with suppress(OSError), Folder.open(path) as each:
            if each.names() and each.lock():
                each.remove_leftovers()
                if not each.names():
                    path.rmdir()


def _extractor_id(dataset: Dataset, settings: ClassifierSettings, weights: Mapping[str, Tensor]) -> str:
    stages, size = "-".join(map(str, settings.widths)), "x".join(map(str, dataset.shape))
    digest = runs.state_fingerprint(weights)
    return f"convnet {stages}, hidden {settings.hidden}; {size} bytes, standardised; sha256 {digest}"


def _build_network(dataset: Dataset, settings: ClassifierSettings) -> ConvNet:
    assert dataset.classes is not None
    return ConvNet(dataset.shape, dataset.classes, widths=settings.widths, hidden=settings.hidden)


def _train_network(dataset: Dataset, settings: ClassifierSettings) -> dict[str, Any]:
    """Train, with random numbers of its own; gives weights, validation accuracy and seconds."""
    began = time.monotonic()
    with Streams(settings.seed, torch.device("cpu")).as_defaults():
        network = _build_network(dataset, settings)
        _set_standardisation(network, dataset.train)
        _run_descent(network, dataset.train, settings)
    weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise NonFinite(f"the classifier of {dataset.name}: found NaN or Inf in its weights. Lower its rate.")
    seconds = time.monotonic() - began
    classifier = Classifier(network.eval(), dataset.shape, "", 0.0, seconds)
    return {"weights": weights, "accuracy": accuracy(classifier, dataset.validation), "seconds": seconds}


def accuracy(classifier: Classifier, split: Split) -> float:
    """Compute the share of the images of a split that a classifier classifies rightly.

    Args:
        classifier: The classifier.
        split: Labelled images.

    Returns:
        The share, 0 .. 1.
    """
    assert split.labels is not None
    return float(torch.eq(classifier.classify(split.values), split.labels).double().mean())


def _set_standardisation(network: ConvNet, train: Split) -> None:
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
    batches = Batches(
        train, batch_size=batch_size, seed=settings.seed, transform=shift_images, whole=True, given="labels"
    )
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
    """Compute the learning rate as a share of its peak: from 0 to 1 over the first quarter, and back to 0.

    Args:
        share: Share of the steps that are done, 0 .. 1.

    Returns:
        The share of the peak, 0 .. 1.

    Example:
        >>> triangular_rate(0.125), triangular_rate(0.25), triangular_rate(0.625)
        (0.5, 1.0, 0.5)
    """
    return min(share / 0.25, (1 - share) / 0.75)


def shift_images(images: Tensor) -> Tensor:
    """Shift each image by whole pixels drawn for itself, and fill the border with zeros.

    Shifts are even over -m .. m both ways. m is a fourteenth of the shorter side, rounded, but at least 1.

    Args:
        images: Images, (b, c, h, w).

    Returns:
        The shifted images, (b, c, h, w).
    """
    n, _, height, width = images.shape
    m = max(1, round(min(height, width) / 14))
    padded = functional.pad(images, (m, m, m, m))
    down, right = torch.randint(0, 2 * m + 1, (2, n, 1))
    rows, columns = down + torch.arange(height), right + torch.arange(width)
    which = torch.arange(n)[:, None, None]
    return padded[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
