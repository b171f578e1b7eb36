"""Four ways to bring an image to a size, that published distances were measured with: they differ by more than models.

G. Parmar, R. Zhang and J.-Y. Zhu, On aliased resizing and surprising subtleties in GAN evaluation, 2022. All take and
give floats (n, c, h, w) in the unit of bytes, 0 .. 255, and leave an image that has the size already as it is.
"""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

Size = tuple[int, int]
Resize = Callable[[Tensor, Size], Tensor]


def tensorflow(images: Tensor, size: Size) -> Tensor:
    """Bilinear as TensorFlow 1 had it: out[i] lies at i * in / out, corner on corner at the first pixel only.

        y_i = x_a + (x_b - x_a) t,  a = floor(s i),  b = min(a + 1, in - 1),  t = s i - a,  s = in / out

    Neither half-pixel centres nor antialiasing: the picture is moved by up to half a pixel, and shrinking it drops
    pixels. All in float32, rows first, as the kernel does. The distances of the paper are measured with it.
    """
    height, width = images.shape[2:]
    upper, lower, down = _neighbours(height, size[0], images)
    left, right, across = _neighbours(width, size[1], images)
    top, bottom = images[:, :, upper], images[:, :, lower]
    top = top[..., left] + (top[..., right] - top[..., left]) * across
    bottom = bottom[..., left] + (bottom[..., right] - bottom[..., left]) * across
    return top + (bottom - top) * down[:, None]


def _neighbours(given: int, wanted: int, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each place wanted: the pixel before it, the pixel after it, and how far it is between them."""
    scale = torch.tensor(given, dtype=torch.float32) / torch.tensor(wanted, dtype=torch.float32)
    places = torch.arange(wanted, dtype=torch.float32) * scale
    before = places.long()
    after = (before + 1).clamp(max=given - 1)
    return before.to(images.device), after.to(images.device), (places - before).to(images)


def bilinear(images: Tensor, size: Size) -> Tensor:
    """Bilinear with half-pixel centres and without antialiasing: torch's interpolate, as pytorch-fid has it."""
    return functional.interpolate(images, size, mode="bilinear", align_corners=False)


def bilinear_antialiased(images: Tensor, size: Size) -> Tensor:
    """Bilinear with half-pixel centres and, where the image shrinks, antialiasing: the default of torchmetrics."""
    return functional.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)


def bicubic(images: Tensor, size: Size) -> Tensor:
    """Bicubic with antialiasing by Pillow, each channel in float32, cut to 0 .. 255 but not rounded: clean-fid's."""
    planes = images.detach().cpu().float().flatten(0, 1).numpy()
    made = [np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BICUBIC)) for plane in planes]
    resized = torch.from_numpy(np.stack(made)).view(*images.shape[:2], *size)
    return resized.clamp(0, 255).to(images)


RESIZES: dict[str, Resize] = {
    "tensorflow": tensorflow,
    "pytorch-fid": bilinear,
    "clean-fid": bicubic,
    "torchmetrics": bilinear_antialiased,
}
"""Ways to resize, by whose they are."""
