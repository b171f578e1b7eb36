"""What an extractor is, and the one that learns nothing: pixels."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from advnets.errors import BadInput


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


@dataclass(frozen=True)
class Pixels:
    """The pixels themselves: bytes / 255; points as they are."""

    @property
    def id(self) -> str:
        """Always the same: nothing is learnt."""
        return "pixels; bytes / 255, points as they are"

    def features(self, values: Tensor) -> Tensor:
        """(n, ...) -> (n, d)."""
        return flat(values).float()


def flat(values: Tensor) -> Tensor:
    """Images in [0, 1], or points, as (n, d) float64; raises BadInput for what is neither."""
    images, points = values.dtype == torch.uint8 and values.ndim == 4, values.is_floating_point() and values.ndim == 2
    if not (images or points) or values.numel() == 0:
        found = f"{values.dtype} of shape {tuple(values.shape)}"
        raise BadInput(f"values: found {found}, expected uint8 images (n, c, h, w) or float points (n, d). Convert.")
    return values.flatten(1).double() / 255 if images else values.double()
