"""What an extractor is, the checks and loops that extractors share, and the extractor that learns nothing: pixels."""

import math
from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite, is_of_advnets, name_own_failure
from advnets.statistics.arrays import full_precision


class Extractor(Protocol):
    """A map from the values of a data set to features, in which distances between images are measured.

    The features of an image must not depend on the images beside it, and two extractors with one `id` must give the
    same features. An extractor of your own is any object with these two members.
    """

    @property
    def id(self) -> str:
        """Architecture, preprocessing, and SHA-256 of what was learnt; it is part of every measure's protocol."""

    def features(self, values: Tensor) -> Tensor:
        """Compute the features of images or points.

        Args:
            values: Images, (n, c, h, w) uint8, or points, (n, d) float32.

        Returns:
            Features, (n, d) float32.
        """


@runtime_checkable
class Judge(Protocol):
    """A map from images to logits, from which the Inception Score and every measure of classes is computed.

    An extractor with a last layer of classes is a judge; `isinstance(extractor, Judge)` tells which is one.
    """

    @property
    def id(self) -> str:
        """Architecture, preprocessing, and SHA-256 of what was learnt, as for an extractor."""

    def logits(self, images: Tensor) -> Tensor:
        """Compute the logits of images.

        Args:
            images: Images, (n, c, h, w) uint8.

        Returns:
            Logits, (n, classes) float32.
        """


@dataclass(frozen=True)
class Pixels:
    """The extractor whose features are the pixels themselves: bytes / 255, and points as they are."""

    @property
    def id(self) -> str:
        """The same text for all data, because nothing is learnt."""
        return "pixels; bytes / 255, points as they are"

    def features(self, values: Tensor) -> Tensor:
        """Flatten images or points to rows.

        Args:
            values: Images, (n, c, h, w) uint8, or points, (n, d) of floats.

        Returns:
            Features, (n, d) float32.

        Raises:
            BadInput: If the values are neither images nor points.
        """
        return to_rows(values).float()


def extract_features(extractor: Extractor, values: Tensor) -> Tensor:
    """Compute features by an extractor, which may be the user's own.

    Args:
        extractor: The extractor.
        values: Images, (n, c, h, w) uint8, or points, (n, d) float32.

    Returns:
        Features, (n, d) float32.

    Raises:
        BadInput: If one of the user's own raises anything; names it.
    """
    return _call(extractor.features, extractor, values)


def extract_logits(judge: Judge, images: Tensor) -> Tensor:
    """Compute logits by a judge, which may be the user's own.

    Args:
        judge: The judge.
        images: Images, (n, c, h, w) uint8.

    Returns:
        Logits, (n, classes) float32.

    Raises:
        BadInput: If one of the user's own raises anything; names it.
    """
    return _call(judge.logits, judge, images)


def _call(method: Callable[[Tensor], Tensor], owner: Extractor | Judge, values: Tensor) -> Tensor:
    if is_of_advnets(owner):
        return method(values)
    with name_failed_extractor(owner, owner.id):
        return method(values)


def name_failed_extractor(code: object, whose: str) -> AbstractContextManager[None]:
    """Return the context in which an extractor's own code is called, so that an error names the extractor.

    Args:
        code: The function, network or object that is called inside.
        whose: Id or name of the extractor.

    Returns:
        The context, as of `errors.name_own_failure`.
    """
    return name_own_failure(code, f"the extractor {whose}", "Call it with a few of these data, and correct it.")


def to_rows(values: Tensor) -> Tensor:
    """Return images in [0, 1], or points, as rows.

    Args:
        values: Images, (n, c, h, w) uint8, or points, (n, d) of floats.

    Returns:
        Rows, (n, d) float64.

    Raises:
        BadInput: If the values are neither images nor points.
    """
    images, points = values.dtype == torch.uint8 and values.ndim == 4, values.is_floating_point() and values.ndim == 2
    if not (images or points) or values.numel() == 0:
        found = describe_tensor(values)
        raise BadInput(f"values: found {found}, expected uint8 images (n, c, h, w) or float points (n, d). Convert.")
    return values.flatten(1).double() / 255 if images else values.double()


def expect_images(images: Tensor, channels: Container[int], expected: str) -> None:
    """Raise BadInput unless these are images of a supported number of channels.

    Args:
        images: One or more images, (n, c, h, w) uint8.
        channels: Supported numbers of channels.
        expected: The supported shapes, in words.

    Raises:
        BadInput: If the shape, the type or the number of channels is another.
    """
    right = images.dtype == torch.uint8 and images.ndim == 4 and images.numel() > 0
    if not right or images.shape[1] not in channels:
        found = describe_tensor(images)
        raise BadInput(f"images: found {found}, expected uint8 {expected}, one or more. Convert or resize them.")


def expect_images_of_shape(images: Tensor, shape: tuple[int, ...]) -> None:
    """Raise BadInput unless these are images of one given shape.

    Args:
        images: One or more images, (n, c, h, w) uint8.
        shape: (c, h, w) that they must have.

    Raises:
        BadInput: If the shape or the type is another.
    """
    if images.dtype != torch.uint8 or tuple(images.shape[1:]) != shape or len(images) == 0:
        found = describe_tensor(images)
        raise BadInput(f"images: found {found}, expected uint8 (n, *{shape}). Resize them.")


def describe_tensor(tensor: Tensor) -> str:
    """Describe a tensor's type and shape for an error.

    Args:
        tensor: Any tensor.

    Returns:
        The words, such as "torch.uint8 of shape (3, 4)".
    """
    return f"{tensor.dtype} of shape {tuple(tensor.shape)}"


def halving_factor(shape: tuple[int, ...], largest: int) -> int:
    """Compute the power of two by which images are averaged so that the shorter side is at most `largest`.

    Args:
        shape: (c, h, w) of the images.
        largest: Pixels of the shorter side.

    Returns:
        The factor, 1 or more.
    """
    return int(2 ** max(0, math.ceil(math.log2(min(shape[1:]) / largest))))


@contextmanager
def exact_inference() -> Iterator[None]:
    """Compute without gradients and without TF32 while the context is open, by deterministic kernels.

    TF32 stores 10 bits of each factor, which moves features by about a thousandth of themselves.

    Yields:
        Nothing. The settings of before are back after the context.
    """
    with torch.no_grad(), full_precision(), torch.backends.cudnn.flags(allow_tf32=False, deterministic=True):
        yield


def pad_part(images: Tensor, part: int) -> Tensor:
    """Pad a part of images with copies of its first image, so that a network sees one size only.

    The kernels of a matrix product are chosen by its size, and round differently.

    Args:
        images: Images, (b, c, h, w), b <= part.
        part: Size of a whole part.

    Returns:
        Images, (part, c, h, w).
    """
    missing = part - len(images)
    return torch.cat([images, images[:1].expand(missing, *images.shape[1:])]) if missing else images


def run_in_parts(network: Callable[[Tensor], Tensor], images: Tensor, part: int, *, full: bool = False) -> Tensor:
    """Run a network on images, some at a time, under `exact_inference`.

    Args:
        network: (b, c, h, w) -> (b, ...).
        images: Images, (n, c, h, w).
        part: Images that are run at once.
        full: Whether the last part is padded, so that the network sees one size only; see `pad_part`.

    Returns:
        The outputs of all images, (n, ...), on the CPU.
    """
    outputs = []
    with exact_inference():
        for some in torch.split(images, part):
            outputs.append(network(pad_part(some, part) if full else some)[: len(some)].cpu())
    return torch.cat(outputs)


def expect_features(features: object, n: int, whose: str) -> Tensor:
    """Return a network's output as features, or raise if it is none.

    Args:
        features: Features of n images, (n, d) of floats.
        n: Number of images.
        whose: What to call the network in an error.

    Returns:
        Features, (n, d) float32.

    Raises:
        BadInput: If the type or the shape is another.
        NonFinite: If there is a NaN or an Inf.
    """
    if not isinstance(features, Tensor):
        raise BadInput(
            f"{whose}: found {type(features).__name__}, expected floats ({n}, d), a row an image. Return these."
        )
    if features.ndim != 2 or len(features) != n or features.shape[1] == 0 or not features.is_floating_point():
        found = describe_tensor(features)
        raise BadInput(f"{whose}: found {found}, expected floats ({n}, d), a row an image. Pool or flatten its output.")
    features = features.float()
    if not bool(features.isfinite().all()):
        count = int((~features.isfinite()).sum())
        raise NonFinite(f"{whose}: found {count} features that are NaN or Inf. Look at its weights and preprocessing.")
    return features
