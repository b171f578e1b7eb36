"""Files of a user: samples to measure, and real images to measure against."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from advnets import data
from advnets.assessment.context import Subject
from advnets.assessment.reference import within_memory
from advnets.data import Dataset, Split
from advnets.data.formats.npz_archive import ArrayEntry, open_archive, read_array, read_header
from advnets.errors import BadInput

POOLED_SEED = 2014
"""Seed of the split of real images at a path."""


def subject_of_files(path: Path) -> Subject:
    """All images in a folder, a .zip or a .npz file; or the points in a .npz file as `sample` writes it.

    Args:
        path: The folder or file.

    Returns:
        The images or points.

    Raises:
        BadInput: For images of several sizes, and as `data.load` does.
    """
    if path.suffix.lower() == ".npz" and path.is_file():
        with open_archive(path) as entries:
            if set(entries) == {"points"}:
                return Subject(path.name, _read_points(entries["points"]))
    found = data.load(path)
    _expect_one_size(path, found)
    values = torch.cat([split.values for split in within_memory(found).splits.values()])
    return Subject(path.resolve().name, values, note=unreadable_files_note(path, found))


def load_reference_data(name_or_path: str, data_dir: str | None = None) -> Dataset:
    """Load what samples are measured against: a data set by name, with its splits; or images at a path.

    Images at a path are split at random by a fixed seed, so that many are held out: a half stands for training images,
    a quarter each for validation and test, whatever splits the folder has.

    Args:
        name_or_path: Name of a data set, or path of a folder, a .zip or a .npz file.
        data_dir: Folder where data sets are looked for first.

    Returns:
        The data set.

    Raises:
        BadInput: For images of several sizes, and as `data.load` does.
    """
    found = data.load(name_or_path, data_dir)
    if name_or_path in data.DATASETS:
        return found
    _expect_one_size(Path(name_or_path), found)
    whole = found.splits.values()
    for split in whole:
        split.verify()
    values = torch.cat([split.values for split in whole])
    labels = [split.labels for split in whole if split.labels is not None]
    order = torch.from_numpy(np.random.RandomState(POOLED_SEED).permutation(len(values))).long()
    quarter = len(values) // 4
    parts = order.split_with_sizes([len(values) - 2 * quarter, quarter, quarter])
    pooled = torch.cat(labels) if labels else None
    train, validation, test = (Split(values[part], None if pooled is None else pooled[part]) for part in parts)
    return replace(found, train=train, validation=validation, test=test, known_digest=None, known_mean=None)


def unreadable_files_note(path: str | Path, dataset: Dataset) -> str:
    """A note on the image files that could not be read.

    Args:
        path: Where the images lie.
        dataset: What was loaded from there.

    Returns:
        How many they are, and the first of them; an empty text if all could be read.
    """
    if dataset.survey is None or not dataset.survey.unreadable:
        return ""
    unreadable, sizes = dataset.survey.unreadable, dataset.survey.sizes
    some = "1 image" if len(unreadable) == 1 else f"{len(unreadable):,} images"
    total = sum(sizes.values()) + len(unreadable)
    first = next(iter(unreadable.values()))
    return f"{path}: {some} of {total:,} cannot be read, and left out; the first: {first}"


def is_of_files(path: Path) -> bool:
    """Whether there are images or points at a path, not a run or a share file."""
    if path.is_dir():
        return not (path / "recipe.json").exists()
    return os.path.exists(path) and path.suffix.lower() in (".npz", ".zip")


def _expect_one_size(path: Path, found: Dataset) -> None:
    sizes = {} if found.survey is None else found.survey.sizes
    if len(sizes) > 1:
        some = ", ".join(f"{count:,} of {size}" for size, count in list(sizes.items())[:4])
        raise BadInput(f"{path}: found images of several sizes ({some}), expected one. Bring them to one size first.")


def _read_points(entry: ArrayEntry) -> Tensor:
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
