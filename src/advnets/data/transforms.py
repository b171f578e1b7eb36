"""Maps from stored values to what the networks see, and back to [0, 1] for display and measures."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite

CONTRAST_SCALE = 55.0
"""L2 norm of an image after `contrast`: `gcn: 55.` of the paper's CIFAR-10 nets."""


@dataclass(frozen=True)
class Transform:
    """A pair of maps that belong together.

    Attributes:
        forward: Map from stored values, uint8 (n, c, h, w) or float32 (n, d), to the float32 values that networks see.
        back: Map from what a generator emits to images in [0, 1] (clamped), or to points.
        invertible: Whether `back` undoes `forward`. If it does not, its images are for display, not for measures of
            pixels.
        bounds: What the values that networks see lie between; None where that depends on the data.
    """

    forward: Callable[[Tensor], Tensor]
    back: Callable[[Tensor], Tensor]
    invertible: bool = True
    bounds: tuple[float, float] | None = None


def to_uint8(unit_images: Tensor) -> Tensor:
    """Convert images in [0, 1] to uint8 0..255.

    The level of x is floor(255 x + 1/2), so half a level rounds up.

    Args:
        unit_images: Floats of any shape; values beyond [0, 1] are clamped.

    Returns:
        The levels, uint8 of the same shape.

    Raises:
        NonFinite: If there is a NaN, which has no level.
    """
    if bool(unit_images.isnan().any()):
        raise NonFinite("images to convert: found a NaN, expected values in [0, 1]. Look for the step that made it.")
    # In place of the copy that clamp makes; the conversion to bytes drops what lies behind the point, as floor does.
    return unit_images.float().clamp(0, 1).mul_(255).add_(0.5).to(torch.uint8)


def _unit(values: Tensor) -> Tensor:
    return _images(values).to(torch.float32).div_(255)


def _symmetric(values: Tensor) -> Tensor:
    return _images(values).to(torch.float32).div_(127.5).sub_(1)


def _unit_back(outputs: Tensor) -> Tensor:
    return outputs.clamp(0, 1)


def _symmetric_back(outputs: Tensor) -> Tensor:
    return (outputs + 1).div_(2).clamp(0, 1)


def _contrast(values: Tensor) -> Tensor:
    """Global contrast normalisation, x <- s (x - mean) / ||x - mean||_2, over all numbers of one image; s = 55.

    pylearn2's `global_contrast_normalize` as CIFAR10(gcn=55.) calls it: no bias under the root, and an image of one
    colour, whose norm is below 1e-8, becomes 0.
    """
    x = _images(values).to(torch.float32)
    x = x - x.mean((1, 2, 3), keepdim=True)
    norm = torch.linalg.vector_norm(x, dim=(1, 2, 3), keepdim=True)
    return x.mul_(CONTRAST_SCALE / torch.where(norm < 1e-8, 1.0, norm))


def _contrast_back(outputs: Tensor) -> Tensor:
    """(1 + x / max |x|) / 2, the maximum over one image: mid-grey stays, and the farthest value becomes black or white.

    Brightness and contrast were divided out and cannot be had back. The paper's show_samples_cifar_*_paper.py divides
    by the maximum over all images that are drawn, so that the same sample looks different in another company.
    """
    largest = outputs.abs().amax((1, 2, 3), keepdim=True).clamp_(min=torch.finfo(outputs.dtype).tiny)
    return outputs.div(largest).add_(1).div_(2).clamp_(0, 1)


def _identity(values: Tensor) -> Tensor:
    if values.dtype == torch.uint8:
        raise BadInput(
            "transform 'identity': found uint8 images, expected points. Use 'unit', 'symmetric' or 'contrast' for "
            "images."
        )
    return values


def _images(values: Tensor) -> Tensor:
    if values.dtype != torch.uint8:
        raise BadInput(f"transform of images: found {values.dtype}, expected uint8 0..255. Use 'identity' for points.")
    return values


TRANSFORMS = {
    "unit": Transform(_unit, _unit_back, bounds=(0.0, 1.0)),
    "symmetric": Transform(_symmetric, _symmetric_back, bounds=(-1.0, 1.0)),
    "contrast": Transform(_contrast, _contrast_back, invertible=False),
    "identity": Transform(_identity, _identity),
}
