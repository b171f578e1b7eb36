"""Samples of a generator, as a user takes them away."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from advnets import figures, runs
from advnets.data import Split, Transform, to_uint8
from advnets.errors import BadInput
from advnets.experiment.sampling.files import expect_place_for_samples, is_streamed, write_blocks

SHOWN, MOST_PIXELS = 256, 2**22
"""Samples, and numbers of them, that a notebook shows at most."""
PART = 64
"""Images that are turned into bytes at once: they stay in the processor's cache, which takes half the time."""


@dataclass(frozen=True, repr=False)
class Samples:
    """Samples in the data's own units.

    Attributes:
        values: Images, (n, h, w, c) uint8, or points, (n, d) float32.
        frames: Number of frames between the samples of two seeds in an interpolation; None for other samples.
        columns: Number of samples in a row of the picture of a sweep; None for other samples.
    """

    values: NDArray[np.uint8] | NDArray[np.float32]
    frames: int | None = None
    columns: int | None = None

    @staticmethod
    def of(emitted: Tensor, transform: Transform) -> "Samples":
        """Samples of what a generator emitted: (n, c, h, w) or (n, d), as the recipe's transform has it.

        Args:
            emitted: What the generator emitted, on any device.
            transform: The recipe's transform, which is undone for images.

        Returns:
            The samples, in memory.
        """
        emitted = emitted.detach().cpu()
        if emitted.ndim == 2:
            return Samples(emitted.float().numpy())
        parts = [to_uint8(transform.back(part)).permute(0, 2, 3, 1) for part in torch.split(emitted, PART)]
        return Samples(torch.cat(parts).contiguous().numpy())

    @staticmethod
    def first(split: Split, n: int) -> "Samples":
        """The first n samples of a split, or all if there are fewer.

        Args:
            split: The split.
            n: Number of samples, 1 or more.

        Returns:
            The samples.

        Raises:
            Damaged: If mapped values are not as they were written.
        """
        split.verify(torch.arange(min(n, len(split))))
        values = split.values[:n]
        return Samples((values.permute(0, 2, 3, 1) if values.ndim == 4 else values).contiguous().numpy())

    @property
    def stored_values(self) -> Tensor:
        """The values as a Split has them: images (n, c, h, w) uint8, or points."""
        values = torch.from_numpy(self.values)
        return values.permute(0, 3, 1, 2).contiguous() if values.ndim == 4 else values

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        n, *shape = self.values.shape
        what = "" if n == 1 else "s"
        if len(shape) == 1:
            return f"{n:,} sample{what} of {shape[0]:,} coordinate{'' if shape[0] == 1 else 's'}"
        height, width, channels = shape
        colours = f"{channels} channel{'' if channels == 1 else 's'}"
        return f"{n:,} image{what} of {height} x {width}, {colours}, {self.values.dtype}"

    def picture(self) -> Image.Image:
        """A grid of the images, or a plot of the points; of an interpolation a row from each seed to the next.

        Returns:
            The picture.
        """
        if self.values.ndim != 4:
            return figures.draw_scatter(self.values.astype(np.float32), labelled=True)
        images = self.values.astype(np.uint8)
        if self.frames is None:
            return figures.draw_grid(images, columns=self.columns)
        step = self.frames + 1
        return figures.draw_figure3(np.stack([images[i : i + step + 1] for i in range(0, len(images) - 1, step)]))

    def _repr_png_(self) -> bytes:
        """What a notebook shows: the first of them, as many as can be seen."""
        most = len(self) if self.frames is not None else min(SHOWN, max(1, MOST_PIXELS // self.values[0].size))
        return figures.encode_picture(replace(self, values=self.values[:most]).picture())

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write FILE.png (a grid), FILE.webp (an animation), FILE.npz, FILE.zip or FOLDER/.

        An animation has a frame a sample, 20 a second, without loss, and plays for ever. FILE.npz has one array,
        `images` or `points`. FILE.zip and FOLDER/ have a PNG a sample. Each is there whole or not at all.

        Args:
            path: The place.
            overwrite: Whether a file that is there is replaced, once the new one is written beside it. A folder never
                is.

        Returns:
            The path.

        Raises:
            BadInput: If the place is taken, be it since this call began.
            Unsupported: For another ending, and for points as pictures one by one.
            CannotWrite: If the disk fails or is full.
        """
        if not overwrite and Path(path).is_file():
            raise BadInput(f"{path} is there already and is not overwritten. Name another one, or say overwrite=True.")
        expect_place_for_samples(path, points=self.values.ndim != 4, overwrite=overwrite)
        path = Path(path)
        if is_streamed(path):
            return write_blocks(path, [self.values], self.values.shape, overwrite=overwrite)
        if path.suffix.lower() == ".webp":
            frames = self.values.astype(np.uint8)
            return runs.write_new(path, lambda file: figures.write_animation(frames, file), overwrite=overwrite)
        picture = self.picture()
        return runs.write_new(path, lambda file: picture.save(file, "png"), overwrite=overwrite)
