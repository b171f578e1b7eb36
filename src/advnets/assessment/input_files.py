"""Files of a user: samples to measure, and real images to measure against."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from advnets import data
from advnets.assessment.context import Subject
from advnets.assessment.reference import within_memory
from advnets.data import Dataset, ImageOptions, Split
from advnets.data.formats.npz_archive import ArrayEntry, open_archive, read_array, read_header
from advnets.data.images.layout import names_held_out
from advnets.data.sets.tfd import split_fold
from advnets.errors import BadInput

POOLED_SEED = 2014
"""Seed of the split of real images at a path."""


@dataclass(frozen=True)
class TrainingData:
    """The data that a generator was trained on.

    Attributes:
        trained: How errors call the generator.
        digest: Digest of the data.
        paths: Where the data lie; none where that is not known, and where they have a name.
        advice: What to do in place of `--against` with the same data.
    """

    trained: str
    digest: str
    paths: tuple[str, ...]
    advice: str

    def refuse_path(self, path: str) -> None:
        """Refuse a path at which images lie that the generator was trained on.

        Args:
            path: Path of real images, whose own splits are not kept.

        Raises:
            BadInput: If it is that of the data, of a folder around them, or of a folder in them that is neither a
                validation nor a test split.
        """
        place = Path(split_fold(path)[0]).resolve()
        if any(_shares_training_images(place, Path(split_fold(own)[0])) for own in self.paths):
            raise self._error(path)

    def refuse_digest(self, path: str, dataset: Dataset) -> None:
        """Refuse data that are the same wherever they lie.

        Args:
            path: Where they lie.
            dataset: The data, with the splits that they have there.

        Raises:
            BadInput: If the digest is that of the data.
        """
        if dataset.digest == self.digest:
            raise self._error(path)

    def _error(self, path: str) -> BadInput:
        return BadInput(f"--against {path}: {self.trained} was trained on these data. {self.advice}")


def _shares_training_images(path: Path, own: Path) -> bool:
    if path == own or path in own.parents:
        return True
    return own in path.parents and not any(names_held_out(part) for part in path.relative_to(own).parts)


def subject_of_files(path: Path, options: ImageOptions | None = None) -> Subject:
    """All images in a folder, a .zip or a .npz file; or the points in a .npz file as `sample` writes it.

    Args:
        path: The folder or file.
        options: How image files become tensors; None for the defaults.

    Returns:
        The images or points, with notes on how they were read.

    Raises:
        BadInput: For images of several sizes unless the options choose one, and as `data.load` does.
    """
    if path.suffix.lower() == ".npz" and path.is_file():
        with open_archive(path) as entries:
            if set(entries) == {"points"}:
                return Subject(path.name, _read_points(entries["points"]))
    found = data.load(path, options=options)
    _expect_one_size(path, found, options)
    values = torch.cat([split.values for split in within_memory(found).splits.values()])
    return Subject(path.resolve().name, values, notes=reading_notes(path, found))


def load_reference_data(
    name_or_path: str,
    data_dir: str | None = None,
    options: ImageOptions | None = None,
    trained: Sequence[TrainingData] = (),
) -> Dataset:
    """Load what samples are measured against: a data set by name, with its splits; or images at a path.

    Images at a path are split at random by a fixed seed, so that many are held out: a half stands for training images,
    a quarter each for validation and test, whatever splits the folder has.

    Args:
        name_or_path: Name of a data set, or path of a folder, a .zip or a .npz file.
        data_dir: Folder where data sets are looked for first.
        options: How image files become tensors; refused where there are none, and None for the defaults.
        trained: What the measured generators were trained on. A data set by name may be the same, as its splits are.

    Returns:
        The data set.

    Raises:
        BadInput: For images of several sizes unless the options choose one; for images at a path that a generator was
            trained on, some of which would be held out; and as `data.load` does.
    """
    if data.is_named(name_or_path):
        return data.load(name_or_path, data_dir, options=options)
    for one in trained:
        one.refuse_path(name_or_path)
    found = data.load(name_or_path, data_dir, options=options)
    for one in trained:
        one.refuse_digest(name_or_path, found)
    _expect_one_size(Path(name_or_path), found, options)
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


def options_where_they_apply(names: Sequence[str], options: ImageOptions | None) -> tuple[ImageOptions | None, ...]:
    """Return the options for each of several names: None for those that are no image files.

    Args:
        names: Names and paths of data, of runs and of share files.
        options: How image files become tensors, or None.

    Returns:
        The options, or None, for each name in turn.

    Raises:
        BadInput: If options are chosen, and none of the names is of image files, so that they would be ignored.
    """
    apply = [data.holds_image_files(name) and not (Path(name) / "recipe.json").exists() for name in names]
    if options is not None and options.chosen_flags and not any(apply):
        raise BadInput(
            f"{', '.join(options.chosen_flags)}: found {' and '.join(names)}, expected a folder or a .zip of images, "
            "as only image files are decoded. Leave the flag out."
        )
    return tuple(options if applies else None for applies in apply)


def reading_notes(path: str | Path, dataset: Dataset) -> list[str]:
    """Tell what was changed or left out when image files were read.

    Args:
        path: Where the images lie.
        dataset: What was loaded from there.

    Returns:
        How their size, colours and levels were changed; how many could not be read, and the first of them; and how
        many files are no images. Nothing where the images are as they are in their files.
    """
    survey = dataset.survey
    if survey is None:
        return []
    notes = [f"{path}: {change}" for change in survey.changes]
    if survey.unreadable:
        some = "1 image" if len(survey.unreadable) == 1 else f"{len(survey.unreadable):,} images"
        total = sum(survey.sizes.values()) + len(survey.unreadable)
        first = next(iter(survey.unreadable.values()))
        notes.append(f"{path}: {some} of {total:,} cannot be read, and left out; the first: {first}")
    if survey.others:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in list(survey.others.items())[:5])
        notes.append(f"{path}: {sum(survey.others.values()):,} files are no images, and left out ({kinds})")
    return notes


def is_of_files(path: Path) -> bool:
    """Whether there are images or points at a path, not a run or a share file.

    Args:
        path: The path; nothing need be there.

    Returns:
        True for a folder without recipe.json, and for a .npz or .zip that is there.
    """
    if path.is_dir():
        return not (path / "recipe.json").exists()
    return os.path.exists(path) and path.suffix.lower() in (".npz", ".zip")


def _expect_one_size(path: Path, found: Dataset, options: ImageOptions | None) -> None:
    sizes = {} if found.survey is None else found.survey.sizes
    if len(sizes) > 1 and (options is None or options.size is None):
        some = ", ".join(f"{count:,} of {size}" for size, count in list(sizes.items())[:4])
        raise BadInput(
            f"{path}: found images of several sizes ({some}), expected one. Bring them to one size first, or choose "
            "one by --image-size."
        )


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
