"""How images are prepared before a network sees them: channels, size and range, as a part of the extractor's id.

Four ways to resize are here, those that published distances were measured with. They differ by more than models do: G.
Parmar, R. Zhang and J.-Y. Zhu, On aliased resizing and surprising subtleties in GAN evaluation, 2022. All of them take
and give floats (n, c, h, w) in the unit of bytes, 0 .. 255, and leave an image of the right size as it is.
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


def resize_as_tensorflow(images: Tensor, size: Size) -> Tensor:
    """Resize by the bilinear method of TensorFlow 1, where out[i] lies at i * in / out.

        y_i = x_a + (x_b - x_a) t,  a = floor(s i),  b = min(a + 1, in - 1),  t = s i - a,  s = in / out

    There are neither half-pixel centres nor antialiasing: the picture is moved by up to half a pixel, and shrinking it
    drops pixels. All is in float32, rows first, as in TensorFlow's kernel. The distances of the FID paper are measured
    with it.

    Args:
        images: Floats, (n, c, h, w), 0 .. 255.
        size: (height, width) of the result.

    Returns:
        The resized images, (n, c, *size).
    """
    height, width = images.shape[2:]
    upper, lower, down = _neighbours(height, size[0], images)
    left, right, across = _neighbours(width, size[1], images)
    top, bottom = images[:, :, upper], images[:, :, lower]
    top = top[..., left] + (top[..., right] - top[..., left]) * across
    bottom = bottom[..., left] + (bottom[..., right] - bottom[..., left]) * across
    return top + (bottom - top) * down[:, None]


def _neighbours(length: int, wanted: int, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each place wanted the pixel before it, the pixel after it, and the distance from the first, 0 .. 1."""
    scale = torch.tensor(length, dtype=torch.float32) / torch.tensor(wanted, dtype=torch.float32)
    places = torch.arange(wanted, dtype=torch.float32) * scale
    before = places.long()
    after = (before + 1).clamp(max=length - 1)
    return before.to(images.device), after.to(images.device), (places - before).to(images)


def resize_bilinear(images: Tensor, size: Size) -> Tensor:
    """Resize bilinearly with half-pixel centres and without antialiasing, as pytorch-fid does by torch's interpolate.

    Args:
        images: Floats, (n, c, h, w), 0 .. 255.
        size: (height, width) of the result.

    Returns:
        The resized images, (n, c, *size).
    """
    return functional.interpolate(images, size, mode="bilinear", align_corners=False)


def resize_bilinear_antialiased(images: Tensor, size: Size) -> Tensor:
    """Resize bilinearly with half-pixel centres and, where the image shrinks, antialiasing: torchmetrics' default.

    Args:
        images: Floats, (n, c, h, w), 0 .. 255.
        size: (height, width) of the result.

    Returns:
        The resized images, (n, c, *size).
    """
    return functional.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)


def resize_bicubic(images: Tensor, size: Size) -> Tensor:
    """Resize bicubically with antialiasing by Pillow, as clean-fid does.

    Each channel is resized in float32 and clamped to 0 .. 255, but not rounded.

    Args:
        images: Floats, (n, c, h, w), 0 .. 255.
        size: (height, width) of the result.

    Returns:
        The resized images, (n, c, *size).
    """
    planes = images.detach().cpu().float().flatten(0, 1).numpy()
    resized_planes = [
        np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BICUBIC)) for plane in planes
    ]
    resized = torch.from_numpy(np.stack(resized_planes)).view(*images.shape[:2], *size)
    return resized.clamp(0, 255).to(images)


RESIZES: dict[str, Resize] = {
    "tensorflow": resize_as_tensorflow,
    "pytorch-fid": resize_bilinear,
    "clean-fid": resize_bicubic,
    "torchmetrics": resize_bilinear_antialiased,
}
"""Ways to resize, by the name of the package that uses each."""


@dataclass(frozen=True)
class Preprocessing:
    """A map from bytes (n, c, h, w) to floats: repeated to channels, resized, mapped to a range, standardised.

        y = (low + (high - low) x / 255 - mean) / deviation

    ImageNet's mean and deviation are (.485, .456, .406) and (.229, .224, .225) in [0, 1].

    Attributes:
        low: What the byte 0 becomes.
        high: What the byte 255 becomes.
        size: (height, width) of the network's input, or None to leave images as they are.
        resize: A row of RESIZES, by which they are resized.
        channels: Channels of the network's input, or None to leave images as they are. 1 channel is repeated to any
            number; another number is refused.
        mean: Mean of each channel, or one for all, in the unit of the range.
        deviation: Deviation of each channel, or one for all, in the unit of the range.

    Raises:
        BadInput: If a number makes no sense, or the resize is unknown.
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
            raise BadInput(f"preprocessing: found {self}, expected finite numbers, low != high, deviation > 0.")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise BadInput(f"preprocessing: found size {self.size}, expected (height, width) in pixels. Change it.")
        if self.channels is not None and self.channels < 1:
            raise BadInput(f"preprocessing: found {self.channels} channels, expected 1 or more, or None. Change it.")
        if {len(self.mean), len(self.deviation)} - {1, self.channels}:
            found = f"{len(self.mean)} means and {len(self.deviation)} deviations for {self.channels} channels"
            raise BadInput(f"preprocessing: found {found}, expected one for all or one for each. State `channels`.")

    def __str__(self) -> str:
        """Return the preprocessing in words, as they stand in an id.

        Example:
            >>> print(Preprocessing(size=(224, 224), channels=3, low=-1.0))
            3 channels, resized to 224x224 as in clean-fid, bytes to [-1, 1]
        """
        words = [] if self.channels is None else [f"{self.channels} channel" + "s" * (self.channels > 1)]
        words += [] if self.size is None else [f"resized to {self.size[0]}x{self.size[1]} as in {self.resize}"]
        words += [f"bytes to [{self.low:g}, {self.high:g}]"]
        if (self.mean, self.deviation) != ((0.0,), (1.0,)):
            words += [f"less {list(self.mean)}, over {list(self.deviation)}"]
        return ", ".join(words)

    def expect_images(self, images: Tensor) -> None:
        """Raise BadInput unless these are images that can be prepared.

        Args:
            images: Images, (n, c, h, w) uint8.

        Raises:
            BadInput: If the type or shape is another, or the channels cannot be repeated to the number wanted.
        """
        wanted = (
            range(1, images.shape[1] + 1 if images.ndim > 1 else 1) if self.channels is None else (1, self.channels)
        )
        expect_images(images, wanted, f"(n, {self.channels or 'c'}, h, w)" + (" or (n, 1, h, w)" * bool(self.channels)))

    def __call__(self, images: Tensor) -> Tensor:
        """Prepare images, on the device where they lie.

        Args:
            images: Images, (n, c, h, w) uint8.

        Returns:
            Floats, (n, channels, *size) float32.
        """
        x = images.float()
        x = x if self.channels is None else x.expand(-1, self.channels, -1, -1)
        x = x if self.size is None else RESIZES[self.resize](x, self.size)
        mean, deviation = (
            torch.tensor(numbers, device=x.device)[:, None, None] for numbers in (self.mean, self.deviation)
        )
        return (self.low + (self.high - self.low) * (x / 255) - mean) / deviation
