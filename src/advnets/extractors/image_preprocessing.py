"""How images are prepared before a network sees them: sizes, ranges and channels, stated once and part of the id.

Four ways to resize are here, those that published distances were measured with. They differ by more than models do:
G. Parmar, R. Zhang and J.-Y. Zhu, On aliased resizing and surprising subtleties in GAN evaluation, 2022. All of them
take and give floats (n, c, h, w) in the unit of bytes, 0 .. 255, and leave an image as it is if it has the size already.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from advnets.errors import BadInput, unknown
from advnets.extractors.extractor import expect_images

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


@dataclass(frozen=True)
class Preprocessing:
    """Bytes (n, c, h, w) -> floats: repeated to channels, resized, mapped to a range, standardised.

        y = (low + (high - low) x / 255 - mean) / deviation

    low, high: what the bytes 0 and 255 become. size: (height, width) of what the network sees, or None for as they
    are. resize: a row of RESIZES, that brings them there. channels: of what the network sees, or None for as they are;
    1 is repeated to any number, another number is refused. mean, deviation: of each channel, or one for all, in the
    unit of the range; ImageNet's are (.485, .456, .406) and (.229, .224, .225) in [0, 1].
    Raises BadInput for numbers that cannot be meant, and an unknown resize.
    """

    low: float = 0.0
    high: float = 1.0
    size: tuple[int, int] | None = None
    resize: str = "clean-fid"
    channels: int | None = None
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if self.resize not in RESIZES:
            raise unknown("resize", self.resize, RESIZES)
        numbers = (self.low, self.high, *self.mean, *self.deviation)
        if not all(math.isfinite(number) for number in numbers) or self.low == self.high or not min(self.deviation) > 0:
            raise BadInput(f"preprocessing: found {self}, expected finite numbers, low != high and deviation > 0.")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise BadInput(f"preprocessing: found size {self.size}, expected (height, width) in pixels.")
        if self.channels is not None and self.channels < 1:
            raise BadInput(f"preprocessing: found {self.channels} channels, expected 1 or more, or None.")
        if {len(self.mean), len(self.deviation)} - {1, self.channels}:
            found = f"{len(self.mean)} means and {len(self.deviation)} deviations for {self.channels} channels"
            raise BadInput(f"preprocessing: found {found}, expected one for all or one for each. State `channels`.")

    def __str__(self) -> str:
        """The preprocessing in words, as an id holds it.

        >>> print(Preprocessing(size=(224, 224), channels=3, low=-1.0))
        3 channels, resized to 224x224 as in clean-fid, bytes to [-1, 1]
        """
        told = [] if self.channels is None else [f"{self.channels} channel" + "s" * (self.channels > 1)]
        told += [] if self.size is None else [f"resized to {self.size[0]}x{self.size[1]} as in {self.resize}"]
        told += [f"bytes to [{self.low:g}, {self.high:g}]"]
        if (self.mean, self.deviation) != ((0.0,), (1.0,)):
            told += [f"less {list(self.mean)}, over {list(self.deviation)}"]
        return ", ".join(told)

    def expect_images(self, images: Tensor) -> None:
        """Raise BadInput for what are not uint8 images (n, c, h, w) of channels that can be brought to those wanted."""
        wanted = (
            range(1, images.shape[1] + 1 if images.ndim > 1 else 1) if self.channels is None else (1, self.channels)
        )
        expect_images(images, wanted, f"(n, {self.channels or 'c'}, h, w)" + (" or (n, 1, h, w)" * bool(self.channels)))

    def __call__(self, images: Tensor) -> Tensor:
        """(n, c, h, w) uint8 -> (n, channels, *size) float32, on the device where they lie."""
        x = images.float()
        x = x if self.channels is None else x.expand(-1, self.channels, -1, -1)
        x = x if self.size is None else RESIZES[self.resize](x, self.size)
        mean, deviation = (
            torch.tensor(numbers, device=x.device)[:, None, None] for numbers in (self.mean, self.deviation)
        )
        return (self.low + (self.high - self.low) * (x / 255) - mean) / deviation
