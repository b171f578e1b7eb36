"""The map from stored values to what the networks see, and the map back to [0, 1] for display and measuring."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite


@dataclass(frozen=True)
class Transform:
    """A pair of maps that belong together.

    forward: stored values, uint8 (n, c, h, w) or float32 (n, d), to the float32 values that the networks see.
    back: what a generator emits to [0, 1] for images (clamped), or to points.
    """

    forward: Callable[[Tensor], Tensor]
    back: Callable[[Tensor], Tensor]


def to_uint8(unit_images: Tensor) -> Tensor:
    """uint8 0..255 of images in [0, 1], as floor(255 x + 1/2): half a level rounds up.

    unit_images: floats of any shape; values beyond [0, 1] are clamped.
    Raises NonFinite for a NaN, which has no level.
    """
    if bool(unit_images.isnan().any()):
        raise NonFinite("images to be shown: found a NaN, expected values in [0, 1]. Look for the step that made it.")
    return unit_images.float().clamp(0, 1).mul(255).add(0.5).floor().to(torch.uint8)


def _unit(values: Tensor) -> Tensor:
    return _images(values).to(torch.float32).div_(255)


def _symmetric(values: Tensor) -> Tensor:
    return _images(values).to(torch.float32).div_(127.5).sub_(1)


def _unit_back(outputs: Tensor) -> Tensor:
    return outputs.clamp(0, 1)


def _symmetric_back(outputs: Tensor) -> Tensor:
    return ((outputs + 1) / 2).clamp(0, 1)


def _identity(values: Tensor) -> Tensor:
    if values.dtype == torch.uint8:
        raise BadInput(
            "transform 'identity': found uint8 images, expected points. Use 'unit' or 'symmetric' for images."
        )
    return values


def _images(values: Tensor) -> Tensor:
    if values.dtype != torch.uint8:
        raise BadInput(f"transform of images: found {values.dtype}, expected uint8 0..255. Use 'identity' for points.")
    return values


TRANSFORMS = {
    "unit": Transform(_unit, _unit_back),
    "symmetric": Transform(_symmetric, _symmetric_back),
    "identity": Transform(_identity, _identity),
}
