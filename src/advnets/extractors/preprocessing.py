"""What is done to bytes before a network of the user's own sees them: stated once, and part of the extractor's id."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.errors import BadInput, unknown
from advnets.extractors.extractor import check_images
from advnets.extractors.resizing import RESIZES


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

    def check(self, images: Tensor) -> None:
        """Raise BadInput for what are not uint8 images (n, c, h, w) of channels that can be brought to those wanted."""
        wanted = (
            range(1, images.shape[1] + 1 if images.ndim > 1 else 1) if self.channels is None else (1, self.channels)
        )
        check_images(images, wanted, f"(n, {self.channels or 'c'}, h, w)" + (" or (n, 1, h, w)" * bool(self.channels)))

    def __call__(self, images: Tensor) -> Tensor:
        """(n, c, h, w) uint8 -> (n, channels, *size) float32, on the device where they lie."""
        x = images.float()
        x = x if self.channels is None else x.expand(-1, self.channels, -1, -1)
        x = x if self.size is None else RESIZES[self.resize](x, self.size)
        mean, deviation = (
            torch.tensor(numbers, device=x.device)[:, None, None] for numbers in (self.mean, self.deviation)
        )
        return (self.low + (self.high - self.low) * (x / 255) - mean) / deviation
