"""A data set: three splits of images or points, in memory or mapped, and the digest that says which data they are."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite

BLOCK = 2**22
"""Values that are widened at a time."""


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one split, with their labels where there are any.

    values: (n, c, h, w) uint8 images, or (n, d) float32 points, all finite; n >= 1.
    labels: (n,) int64, each >= 0, or None.
    is_mapped: whether the values lie in a file that is read as they are used; then they may be more than memory holds,
        and must not be written to (the system ends a process that does): clone what you change.
    Raises BadInput for another dtype or shape, NonFinite for a NaN or an Inf among points.
    """

    values: Tensor
    labels: Tensor | None = None
    is_mapped: bool = False

    def __post_init__(self) -> None:
        _check_values(self.values)
        if self.labels is not None:
            _check_labels(self.labels, len(self.values))

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Survey:
    """What was found in a folder or an archive when its images were decoded.

    sizes: images by their own size, "HxW". modes: images by how they are stored. others: files that are no images, by
    ending. unreadable: {name: why} of images that were left out. class_names: what the classes are called, or None.
    notes: what was decided, for people to read.
    """

    sizes: Mapping[str, int]
    modes: Mapping[str, int]
    others: Mapping[str, int]
    unreadable: Mapping[str, str]
    class_names: Sequence[str] | None
    notes: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """The survey as JSON."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Survey":
        """The survey that `as_json` gave."""
        return Survey(**value)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set by name: what is trained on, what settings are chosen on, and what is reported on.

    name: as in the table of data sets, or the stem of a user's file.
    train, validation, test: disjoint splits whose samples have one shape.
    classes: number of classes, labels being 0 .. classes - 1, or None where there are no labels.
    source: where the values came from, for people to read.
    known_digest, known_mean: what `digest` and `mean` would give, where it was computed before. survey: of image files.
    Raises BadInput where splits differ in shape, or labels and `classes` contradict each other.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: int | None
    source: str
    known_digest: str | None = None
    known_mean: Tensor | None = None
    survey: Survey | None = None

    def __post_init__(self) -> None:
        for split_name, split in self.splits.items():
            if split.values.shape[1:] != self.train.values.shape[1:] or split.values.dtype != self.train.values.dtype:
                raise BadInput(
                    f"data set {self.name!r}: samples of {split_name} are {_kind(split.values)}, those of train are "
                    f"{_kind(self.train.values)}. Give every split samples of one shape and dtype."
                )
            _check_classes(f"data set {self.name!r}, split {split_name}", split.labels, self.classes)

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name, in the order train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample: (c, h, w) for images, (d,) for points."""
        return tuple(self.train.values.shape[1:])

    @property
    def is_image(self) -> bool:
        """Whether the samples are images; else they are points."""
        return self.train.values.dim() == 4

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of every value and label with its shape and dtype: identifies the data of a run.

        Not to be confused with the checksum of a file: the same images in another container have the same digest.
        """
        if self.known_digest is not None:
            return self.known_digest
        sha = hashlib.sha256()
        for name, split in self.splits.items():
            for kind, tensor in (("values", split.values), ("labels", split.labels)):
                if tensor is None:
                    sha.update(f"{name}/{kind} none\n".encode())
                    continue
                sha.update(f"{name}/{kind} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
                sha.update(tensor.detach().cpu().contiguous().numpy().data)
        return sha.hexdigest()

    @cached_property
    def mean(self) -> Tensor:
        """The mean training sample, float32 of `shape`: pixels in [0, 1], points as they are."""
        if self.known_mean is not None:
            return self.known_mean
        values = self.train.values
        if not self.is_image:
            return values.mean(0)
        # In blocks of rows, as a sum widens what it sums; whole numbers, so the order does not matter.
        rows = max(1, BLOCK // values[0].numel())
        total = sum((part.sum(0, dtype=torch.int64) for part in values.chunk(-(-len(values) // rows))), torch.zeros(()))
        return (total.double() / (255 * len(values))).float()


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape[1:])}"


def _check_values(values: Tensor) -> None:
    images = values.dtype == torch.uint8 and values.dim() == 4
    points = values.dtype == torch.float32 and values.dim() == 2
    if not (images or points) or values.numel() == 0:
        raise BadInput(
            f"values of a split: found {values.dtype} of shape {tuple(values.shape)}, expected at least one sample of "
            "uint8 images (n, c, h, w) or float32 points (n, d). Convert images to uint8 0..255 first."
        )
    if points and not bool(values.isfinite().all()):
        row = int((~values.isfinite()).any(dim=1).nonzero()[0])
        raise NonFinite(f"values of a split: point {row} has a NaN or an Inf. Remove such points first.")


def _check_labels(labels: Tensor, n: int) -> None:
    if labels.dtype != torch.int64 or tuple(labels.shape) != (n,):
        raise BadInput(
            f"labels of a split: found {labels.dtype} of shape {tuple(labels.shape)}, expected int64 of shape ({n},), "
            "one per sample. Convert with labels.long() and check that every sample has one."
        )
    if int(labels.min()) < 0:
        raise BadInput(f"labels of a split: found {int(labels.min())}, expected 0 or more. Number the classes from 0.")


def _check_classes(where: str, labels: Tensor | None, classes: int | None) -> None:
    if (labels is None) != (classes is None):
        found = "no labels" if labels is None else "labels"
        raise BadInput(f"{where}: found {found} with classes={classes}. Give both, or neither.")
    if labels is not None and classes is not None and int(labels.max()) >= classes:
        raise BadInput(
            f"{where}: found label {int(labels.max())}, expected 0..{classes - 1}. Mend the label, or raise classes."
        )
