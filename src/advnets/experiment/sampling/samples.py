"""Samples of a generator, as a user takes them away."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from advnets import figures, runs
from advnets.data import Split, Transform, to_uint8
from advnets.disk import Folder
from advnets.errors import Unsupported

FILES = (".png", ".npz")
"""Endings of samples in one file; another name is that of a folder."""


@dataclass(frozen=True)
class Samples:
    """Samples in the data's own units.

    values: images, uint8 (n, h, w, c); or points, float32 (n, d).
    """

    values: NDArray[np.uint8] | NDArray[np.float32]

    @staticmethod
    def of(emitted: Tensor, transform: Transform) -> "Samples":
        """Samples of what a generator emitted: (n, c, h, w) or (n, d), as the recipe's transform has it."""
        emitted = emitted.detach().cpu()
        if emitted.ndim == 2:
            return Samples(emitted.float().numpy())
        return Samples(to_uint8(transform.back(emitted)).permute(0, 2, 3, 1).contiguous().numpy())

    @staticmethod
    def first(split: Split, n: int) -> "Samples":
        """The first n samples of a split, or all if there are fewer."""
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

    def picture(self) -> Image.Image:
        """A grid of the images, or a plot of the points."""
        if self.values.ndim == 4:
            return figures.draw_grid(self.values.astype(np.uint8))
        return figures.draw_scatter(self.values.astype(np.float32))

    def save(self, path: str | Path) -> Path:
        """Write FILE.png (a grid), FILE.npz (`images` or `points`) or FOLDER/ (a PNG each); nothing is overwritten.

        Each is there whole or not at all. Raises BadInput if the place is taken, be it since this call began,
        Unsupported for another ending, and CannotWrite if the disk fails.
        """
        expect_place_for_samples(path)
        path = Path(path)
        return self._save_file(path) if path.suffix.lower() in FILES else self._save_folder(path)

    def _save_file(self, path: Path) -> Path:
        if path.suffix.lower() == ".png":
            picture = self.picture()
            return runs.write_new(path, lambda file: picture.save(file, "png"))
        named: dict[str, Any] = {"images" if self.values.ndim == 4 else "points": self.values}
        return runs.write_new(path, lambda file: np.savez_compressed(file, **named))

    def _save_folder(self, path: Path) -> Path:
        if self.values.ndim != 4:
            raise Unsupported("points are not pictures to be written one by one; use FILE.npz or FILE.png")
        return runs.write_new_folder(path, self._write_pictures)

    def _write_pictures(self, folder: Folder) -> None:
        for number, image in enumerate(self.values.astype(np.uint8)):
            content = io.BytesIO()
            Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(content, "png")
            folder.create(f"{number:06d}.png", content.getvalue(), force=False)


def expect_place_for_samples(path: str | Path) -> None:
    """Expect a place where samples can be written, before they are drawn.

    Args:
        path: FILE.png, FILE.npz or FOLDER/.

    Raises:
        BadInput: If the place is taken.
        Unsupported: For another ending.
        CannotWrite: If nothing can be written there.
    """
    text, path = str(path), Path(path)
    if path.suffix.lower() in FILES:
        runs.expect_new(path)
    elif path.suffix and not text.endswith("/"):
        raise Unsupported(f"samples cannot be written as {path.name!r}; expected FILE.png, FILE.npz or FOLDER/")
    else:
        runs.expect_new_folder(path, "")
