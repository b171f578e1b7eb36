"""The two sides of a measuring: samples, wherever they lie, and the data that they are held against."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from advnets import data
from advnets.assessment.reference import within_memory
from advnets.data import Dataset, Split
from advnets.data.formats.npz_archive import ArrayEntry, open_archive, read_array, read_header
from advnets.errors import BadInput, NonFinite

Discriminator = Callable[[Tensor], Tensor]
"""Values of a data set -> a discriminator's logits, (n,)."""

POOLED_SEED = 2014


@dataclass(frozen=True, eq=False)
class Subject:
    """What is measured.

    values: (n, c, h, w) uint8 images, or (n, d) float32 points. name: how the report calls it. step: that a model was
    trained to. critic: the discriminator that the generator was trained against, where there is one. note: of what was
    left out of the files.
    """

    name: str
    values: Tensor
    step: int | None = None
    critic: Discriminator | None = None
    note: str = ""

    def __post_init__(self) -> None:
        images = self.values.dtype == torch.uint8 and self.values.ndim == 4
        points = self.values.dtype == torch.float32 and self.values.ndim == 2
        if not (images or points) or self.values.numel() == 0:
            raise BadInput(
                f"{self.name}: found {self.values.dtype} of shape {tuple(self.values.shape)}, expected at least one "
                "image, uint8 (n, c, h, w), or point, float32 (n, d). Convert images to bytes 0..255."
            )
        if points and not bool(self.values.isfinite().all()):
            row = int((~self.values.isfinite()).any(1).nonzero()[0])
            raise NonFinite(f"{self.name}: point {row} has a NaN or an Inf. Remove such points, or look where from.")

    def must_fit(self, dataset: Dataset) -> None:
        """Raise BadInput unless samples and data are of one shape: resizing on the way would change what is found."""
        found = tuple(self.values.shape[1:])
        if found != dataset.shape:
            raise BadInput(
                f"{self.name}: samples of shape {found}, expected {dataset.shape}, as {dataset.name} has them. Bring "
                "both to one size and as many channels first, and say how: resizing changes every measure."
            )


def subject_of_files(path: Path) -> Subject:
    """The images in a folder, a .zip or a .npz file, all of them; or the points in a .npz file as `sample` writes it.

    Raises what `data.load` does, and BadInput for images of several sizes.
    """
    if path.suffix.lower() == ".npz" and path.is_file():
        with open_archive(path) as entries:
            if set(entries) == {"points"}:
                return Subject(path.name, _points(entries["points"]))
    found = data.load(path)
    _one_size(path, found)
    values = torch.cat([split.values for split in within_memory(found).splits.values()])
    return Subject(path.resolve().name, values, note=unreadable_files_note(path, found))


def load_reference_data(name_or_path: str, data_dir: str | None = None) -> Dataset:
    """What samples are held against: a data set by name, with its splits; or images at a path, parted here.

    Images at a path are drawn apart by a fixed seed: a half stands for training images, a quarter each for validation
    and test, whatever the folder calls them, so that much is held out. Raises what `data.load` does.
    """
    found = data.load(name_or_path, data_dir)
    if name_or_path in data.DATASETS:
        return found
    _one_size(Path(name_or_path), found)
    whole = found.splits.values()
    values = torch.cat([split.values for split in whole])
    labels = [split.labels for split in whole if split.labels is not None]
    order = torch.from_numpy(np.random.RandomState(POOLED_SEED).permutation(len(values))).long()
    quarter = len(values) // 4
    parts = order.split_with_sizes([len(values) - 2 * quarter, quarter, quarter])
    pooled = torch.cat(labels) if labels else None
    train, validation, test = (Split(values[part], None if pooled is None else pooled[part]) for part in parts)
    return replace(found, train=train, validation=validation, test=test, known_digest=None, known_mean=None)


def unreadable_files_note(path: str | Path, dataset: Dataset) -> str:
    """How many image files at a path could not be read, and the first of them; nothing where all could."""
    if dataset.survey is None or not dataset.survey.unreadable:
        return ""
    unreadable, sizes = dataset.survey.unreadable, dataset.survey.sizes
    some = "1 image" if len(unreadable) == 1 else f"{len(unreadable):,} images"
    of = sum(sizes.values()) + len(unreadable)
    return f"{path}: {some} of {of:,} cannot be read, and left out; the first: {next(iter(unreadable.values()))}"


def is_of_files(path: Path) -> bool:
    """Whether there are images or points at a path, not a run or a share file."""
    if path.is_dir():
        return not (path / "recipe.json").exists()
    return os.path.exists(path) and path.suffix.lower() in (".npz", ".zip")


def _one_size(path: Path, found: Dataset) -> None:
    sizes = {} if found.survey is None else found.survey.sizes
    if len(sizes) > 1:
        told = ", ".join(f"{count:,} of {size}" for size, count in list(sizes.items())[:4])
        raise BadInput(f"{path}: found images of several sizes ({told}), expected one. Bring them to one size first.")


def _points(entry: ArrayEntry) -> Tensor:
    header = read_header(entry)
    if header.dtype.kind != "f" or len(header.shape) != 2:
        raise BadInput(
            f"{entry.path}: `points` are {header.dtype} of shape {header.shape}, expected floats (n, d). Convert them."
        )
    values = read_array(entry, header)
    largest = float(np.abs(values, where=np.isfinite(values), out=np.zeros_like(values)).max(initial=0))
    if largest > float(np.finfo(np.float32).max):
        raise BadInput(
            f"{entry.path}: found points of {largest:.3g}, more than float32 holds. Scale them, and the data."
        )
    return torch.from_numpy(values.astype(np.float32))
