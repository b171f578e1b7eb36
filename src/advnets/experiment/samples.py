"""Samples of a generator, as a user takes them away."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from advnets import figures
from advnets.data import Split, Transform, to_uint8
from advnets.errors import BadInput, Unsupported


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

        Raises BadInput if the place is taken, Unsupported for another ending.
        """
        text, path = str(path), Path(path)
        if path.suffix.lower() in (".png", ".npz"):
            return self._save_file(path)
        if path.suffix and not text.endswith("/"):
            raise Unsupported(f"samples cannot be written as {path.name!r}; expected FILE.png, FILE.npz or FOLDER/")
        return self._save_folder(path)

    def _save_file(self, path: Path) -> Path:
        if path.exists():
            raise BadInput(f"{path} is there already and is not overwritten; name another file or move it away")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".png":
            self.picture().save(path)
        elif self.values.ndim == 4:
            np.savez_compressed(path, images=self.values)
        else:
            np.savez_compressed(path, points=self.values)
        return path

    def _save_folder(self, path: Path) -> Path:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise BadInput(f"{path} is there already and not an empty folder; nothing was written")
        if self.values.ndim != 4:
            raise Unsupported("points are not pictures to be written one by one; use FILE.npz or FILE.png")
        path.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(self.values.astype(np.uint8)):
            Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(path / f"{number:06d}.png")
        return path
