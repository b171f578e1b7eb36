"""What an extractor is, what it is given, and the one that learns nothing: pixels."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite
from advnets.statistics.arrays import full_precision


class Extractor(Protocol):
    """Values of a data set -> features: what distances between images are measured in.

    The features of an image do not depend on those that it is given with, and two extractors with one `id` give the
    same features.
    """

    @property
    def id(self) -> str:
        """Architecture, preprocessing and SHA-256 of whatever was learnt: enters the protocol of every measure."""

    def features(self, values: Tensor) -> Tensor:
        """Features, (n, d) float32, of images, (n, c, h, w) uint8, or points, (n, d) float32."""


@runtime_checkable
class Judge(Protocol):
    """Images -> logits: what the Inception Score, and whatever asks for classes, is computed from.

    An extractor is a judge if it has a last layer of classes; `isinstance(extractor, Judge)` tells.
    """

    @property
    def id(self) -> str:
        """As of an extractor."""

    def logits(self, images: Tensor) -> Tensor:
        """Logits, (n, classes) float32, of images, (n, c, h, w) uint8."""


@dataclass(frozen=True)
class Pixels:
    """The pixels themselves: bytes / 255; points as they are."""

    @property
    def id(self) -> str:
        """Always the same: nothing is learnt."""
        return "pixels; bytes / 255, points as they are"

    def features(self, values: Tensor) -> Tensor:
        """(n, ...) -> (n, d)."""
        return to_rows(values).float()


def to_rows(values: Tensor) -> Tensor:
    """Images in [0, 1], or points, as (n, d) float64; raises BadInput for what is neither."""
    images, points = values.dtype == torch.uint8 and values.ndim == 4, values.is_floating_point() and values.ndim == 2
    if not (images or points) or values.numel() == 0:
        found = f"{values.dtype} of shape {tuple(values.shape)}"
        raise BadInput(f"values: found {found}, expected uint8 images (n, c, h, w) or float points (n, d). Convert.")
    return values.flatten(1).double() / 255 if images else values.double()


def expect_images(images: Tensor, channels: Container[int], expected: str) -> None:
    """Raise BadInput unless these are uint8 images (n, c, h, w), one or more, with such a number of channels.

    expected: the sizes that are asked for, in words.
    """
    right = images.dtype == torch.uint8 and images.ndim == 4 and images.numel() > 0
    if not right or images.shape[1] not in channels:
        found = f"{images.dtype} of shape {tuple(images.shape)}"
        raise BadInput(f"images: found {found}, expected uint8 {expected}, one or more. Convert, or bring to size.")


def in_parts(way: Callable[[Tensor], Tensor], images: Tensor, part: int, *, full: bool = False) -> Tensor:
    """What `way` makes of images, `part` at a time, without gradients and without TF32, put together on the CPU.

    TF32 keeps 10 bits of each factor, which moves features by about a thousandth of themselves.

    full: fill the last part up with copies of its first image, so that `way` sees one size only: the kernels of a
    matrix product are chosen by its size, and round differently.
    """
    made = []
    with torch.no_grad(), full_precision(), torch.backends.cudnn.flags(allow_tf32=False, deterministic=True):
        for some in torch.split(images, part):
            spare = part - len(some) if full else 0
            whole = torch.cat([some, some[:1].expand(spare, *some.shape[1:])]) if spare else some
            made.append(way(whole)[: len(some)].cpu())
    return torch.cat(made)


def expect_features(features: object, n: int, whose: str) -> Tensor:
    """Features of n images as (n, d) float32.

    whose: the name to put into an error. Raises BadInput for another shape or kind of number, NonFinite for a NaN or
    an Inf.
    """
    if not isinstance(features, Tensor):
        raise BadInput(f"{whose}: found {type(features).__name__}, expected floats ({n}, d), a row an image. Pick one.")
    if features.ndim != 2 or len(features) != n or features.shape[1] == 0 or not features.is_floating_point():
        found = f"{features.dtype} of shape {tuple(features.shape)}"
        raise BadInput(f"{whose}: found {found}, expected floats ({n}, d), a row an image. Pool or flatten its output.")
    features = features.float()
    if not bool(features.isfinite().all()):
        count = int((~features.isfinite()).sum())
        raise NonFinite(f"{whose}: found {count} features that are NaN or Inf. Look at its weights and preprocessing.")
    return features
