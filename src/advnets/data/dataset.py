"""A data set: three splits of images or points, in memory or mapped, and the digest that says which data they are."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.data.conversion import Values, to_given, to_labels, to_values
from advnets.data.dataset_card import dataset_card
from advnets.data.split_checks import expect_given, expect_labels, expect_values
from advnets.data.splits import MIN_SAMPLES, split_order
from advnets.errors import BadInput

IN_MEMORY = "given in memory"
"""The source of a data set that was made of tensors."""
BLOCK = 2**22
"""Values that are widened at a time."""


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of one split, with labels and given images where there are any.

    Attributes:
        values: Images (n, c, h, w) uint8, or points (n, d) float32, all finite; n is 1 or more.
        labels: Class numbers (n,) int64, each 0 or more, or None.
        given: Images (m, c', h', w') uint8 that the networks see beside `values`, or None; m is n where they are pairs.
        is_mapped: Whether the values lie in a file that is read as they are used. They may then be more than memory
            holds, and must not be written to, because the system ends a process that does. Clone what you change.
        check: Verifies mapped values at places (m,), or all for None, before they are read; see `verify`.
        is_paired: Whether a given image belongs to the sample at its place; else batches draw each side by itself.
        given_labels: Class numbers of the given images where nothing pairs them, or None; those of pairs are `labels`.

    Raises:
        BadInput: If a tensor is of another dtype or shape.
        NonFinite: If a point has a NaN or an Inf.
    """

    values: Tensor
    labels: Tensor | None = None
    given: Tensor | None = None
    is_mapped: bool = False
    check: Callable[[NDArray[Any] | None], None] | None = None
    is_paired: bool = True
    given_labels: Tensor | None = None

    def __post_init__(self) -> None:
        expect_values(self.values)
        if self.labels is not None:
            expect_labels(self.labels, len(self.values))
        if self.given is not None:
            expect_given(self.given, self.values, is_paired=self.is_paired)
        if self.given_labels is not None:
            _check_given_labels(self)

    def __len__(self) -> int:
        return len(self.values)

    @staticmethod
    def of(
        values: Values,
        *,
        labels: Values | None = None,
        given: Values | None = None,
        channel_axis: int | None = None,
    ) -> "Split":
        """Make a split of tensors or NumPy arrays in memory, as `Dataset.of` takes them.

        Returns:
            The split.
        """
        tensor = to_values(values, channel_axis=channel_axis)
        return Split(
            tensor,
            None if labels is None else to_labels(labels, len(tensor)),
            None if given is None else to_given(given, len(tensor)),
        )

    def verify(self, places: Tensor | None = None) -> None:
        """Verify mapped values against the checksums of their file, where that was not done yet.

        Args:
            places: Indices (m,) int64 of the samples that are about to be read; None for all.

        Raises:
            Damaged: If they are not as they were written.
        """
        if self.check is not None:
            self.check(None if places is None else places.numpy())

    def select(self, places: Tensor) -> "Split":
        """Return the samples at some places, with their labels and given images, or all that nothing pairs, in memory.

        Args:
            places: Indices (m,) int64 with m of 1 or more, or a mask (n,) of truth values.

        Returns:
            The samples, (m, ...), as a split in memory.

        Raises:
            Damaged: If mapped values are not as they were written.
        """
        self.verify(places.nonzero().flatten() if places.dtype == torch.bool else places)
        labels = None if self.labels is None else self.labels[places]
        given = self.given[places] if self.given is not None and self.is_paired else self.given
        return Split(self.values[places], labels, given, is_paired=self.is_paired, given_labels=self.given_labels)

    @property
    def input_labels(self) -> Tensor | None:
        """Class numbers of the given images; None where there are none, or they are not known."""
        if self.given is None:
            return None
        return self.labels if self.is_paired else self.given_labels

    def turn(self) -> "Split":
        """Return the split with given images and samples in each other's place.

        Returns:
            The turned split, which shares the tensors of this one.

        Raises:
            BadInput: If no images are given.
        """
        if self.given is None:
            raise BadInput("a split without given images cannot be turned; expected two kinds of images")
        given_labels = None if self.is_paired else self.labels
        return Split(
            self.given, self.input_labels, self.values, self.is_mapped, self.check, self.is_paired, given_labels
        )


@dataclass(frozen=True)
class Survey:
    """What was found in a folder or an archive when its images were decoded.

    Attributes:
        sizes: Number of images by their own size, "HxW".
        modes: Number of images by how they are stored: "grey", "rgb", each with " alpha" where it has transparency.
        others: Number of files that are no images, by ending.
        unreadable: Reason by the name of an image that was left out.
        class_names: Names of the classes, or None.
        layout: How the folders were understood as splits and classes, and what was left out, for people to read.
        changes: What decoding changed of the images, for people to read.
    """

    sizes: Mapping[str, int]
    modes: Mapping[str, int]
    others: Mapping[str, int]
    unreadable: Mapping[str, str]
    class_names: Sequence[str] | None
    layout: Sequence[str]
    changes: Sequence[str]

    @property
    def notes(self) -> list[str]:
        """All decisions that were made, for people to read."""
        return [*self.layout, *self.changes]

    def as_json(self) -> dict[str, Any]:
        """Return the survey as JSON values.

        Returns:
            Its fields.
        """
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Survey":
        """Return the survey that `as_json` gave.

        Args:
            value: What `as_json` returned.

        Returns:
            The survey.
        """
        return Survey(**value)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set: a training split, a validation split to choose settings on, and a test split to report on.

    Attributes:
        name: Name in the table of data sets, or the stem of a user's file.
        train: Training split.
        validation: Validation split, disjoint from the others, as all three are.
        test: Test split.
        classes: Number of classes, labels being 0 .. classes - 1, or None where there are no labels.
        source: Where the values came from, for people to read.
        known_digest: Value of `digest`, where it was computed before.
        known_mean: Value of `mean`, where it was computed before.
        survey: What was found among image files, or None.
        class_names: Names of the classes by their numbers, each on one line; None where they have none.

    Raises:
        BadInput: If splits differ in shape, if some have given images and some have none, or if labels, `classes` and
            their names contradict each other.
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
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for split_name, split in self.splits.items():
            for what, field in (("samples", "values"), ("given images", "given")):
                found, expected = (_kind(getattr(one, field)) for one in (split, self.train))
                if found != expected:
                    raise BadInput(
                        f"data set {self.name!r}: {what} of {split_name} are {found}, those of train are {expected}. "
                        "Give every split samples of one shape and dtype."
                    )
            _check_classes(f"data set {self.name!r}, split {split_name}", split.labels, self.classes)
            if split.given_labels is not None:
                _check_classes(f"data set {self.name!r}, {split_name}, given images", split.given_labels, self.classes)
        if self.class_names is not None and len(self.class_names) != self.classes:
            raise BadInput(
                f"data set {self.name!r}: found {len(self.class_names)} names of classes, expected {self.classes}. "
                "Give one for each class, or none."
            )

    @staticmethod
    def of(
        values: Values,
        *,
        labels: Values | None = None,
        given: Values | None = None,
        name: str = "tensor",
        channel_axis: int | None = None,
        validation: Split | None = None,
        test: Split | None = None,
    ) -> "Dataset":
        """Make a data set of tensors or NumPy arrays in memory.

        The samples are split as those of a .npz file are: in a fixed random order, 80 : 10 : 10. A split that is given
        is used as it is, and the others are taken from `values`.

        Args:
            values: Images or points; `conversion.to_values` says which dtypes and shapes.
            labels: Integers (n,), 0 .. classes - 1, or None.
            given: Images (n, c', h', w') that the networks see beside the samples, or None.
            name: Name of the data set.
            channel_axis: Axis of the channels of images with four axes, 1 or 3; None finds it by its size.
            validation: Validation split of your own, from `Split.of`; None takes a tenth of the samples.
            test: Test split of your own, from `Split.of`; None takes a tenth of the samples.

        Returns:
            The data set. Its digest depends on the contents alone, so that the same data are recognised later.

        Raises:
            BadInput: If something is of another dtype or shape, may be read in two ways, or cannot be split.
            NonFinite: If a point has a NaN or an Inf.

        Example:
            >>> images = torch.zeros(20, 28, 28, dtype=torch.uint8)
            >>> data = Dataset.of(images, labels=torch.arange(20) % 2)
            >>> data.shape, data.classes, [len(split) for split in data.splits.values()]
            ((1, 28, 28), 2, [16, 2, 2])
        """
        whole = Split.of(values, labels=labels, given=given, channel_axis=channel_axis)
        if len(whole) < MIN_SAMPLES and (validation is None or test is None):
            raise BadInput(
                f"data set {name!r}: found {len(whole)} samples, expected at least {MIN_SAMPLES}, as a tenth of them "
                "is the validation split and a tenth the test split. Add samples, or give validation= and test=."
            )
        places = split_order(len(whole), validation=validation is None, test=test is None)
        train = whole.select(torch.from_numpy(places[0]))
        validation = validation or whole.select(torch.from_numpy(places[1]))
        test = test or whole.select(torch.from_numpy(places[2]))
        return Dataset(name, train, validation, test, _count_classes(train, validation, test), IN_MEMORY)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(split):,} {name}" for name, split in self.splits.items())
        classes = f", {self.classes} classes" if self.classes else ""
        return f"<Dataset {self.name}: {' x '.join(map(str, self.shape))}, {counts}{classes}>"

    def _repr_html_(self) -> str:
        return dataset_card(self)

    def turn(self) -> "Dataset":
        """Return the data set with given images and samples in each other's place, for the way back.

        Returns:
            The turned data set; it has labels where all its splits have them.

        Raises:
            BadInput: If no images are given.
        """
        train, validation, test = (split.turn() for split in self.splits.values())
        has_labels = all(split.labels is not None for split in (train, validation, test))
        if not has_labels:
            train, validation, test = (_without_labels(split) for split in (train, validation, test))
        classes, names = (self.classes, self.class_names) if has_labels else (None, None)
        name = f"{self.name}, back"
        return Dataset(name, train, validation, test, classes, self.source, survey=self.survey, class_names=names)

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name, in the order train, validation, test."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample: (c, h, w) for images, (d,) for points."""
        return tuple(self.train.values.shape[1:])

    @property
    def given_shape(self) -> tuple[int, ...] | None:
        """Shape (c', h', w') of one given image, or None where no images are given."""
        return None if self.train.given is None else tuple(self.train.given.shape[1:])

    @property
    def is_image(self) -> bool:
        """Whether the samples are images; else they are points."""
        return self.train.values.dim() == 4

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hex, of every value, label and given image, with shapes and dtypes; it identifies the data.

        It is not the checksum of a file: the same images in another container have the same digest.
        """
        if self.known_digest is not None:
            return self.known_digest
        sha = hashlib.sha256()
        for name, split in self.splits.items():
            sha.update(b"" if split.is_paired else f"{name} unpaired\n".encode())
            given = (("given", split.given), ("given_labels", split.given_labels))
            for kind, tensor in (("values", split.values), ("labels", split.labels), *given):
                if tensor is None:
                    # Without given images the digest is what it was before there could be any.
                    sha.update(b"" if kind.startswith("given") else f"{name}/{kind} none\n".encode())
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


def _kind(tensor: Tensor | None) -> str:
    return (
        "none" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape[1:])}"
    )


def _check_given_labels(split: Split) -> None:
    assert split.given_labels is not None
    if split.given is None or split.is_paired:
        raise BadInput(
            "given_labels of a split: found them without given images that nothing pairs. Give the classes of pairs as "
            "labels."
        )
    expect_labels(split.given_labels, len(split.given))


def _without_labels(split: Split) -> Split:
    return replace(split, labels=None, given_labels=None)


def _count_classes(*splits: Split) -> int | None:
    """One more than the largest label; None where no split has labels."""
    largest = [int(split.labels.max()) for split in splits if split.labels is not None]
    return max(largest) + 1 if largest else None


def _check_classes(where: str, labels: Tensor | None, classes: int | None) -> None:
    if (labels is None) != (classes is None):
        found = "no labels" if labels is None else "labels"
        raise BadInput(f"{where}: found {found} with classes={classes}. Give both, or neither.")
    if labels is not None and classes is not None and int(labels.max()) >= classes:
        raise BadInput(
            f"{where}: found label {int(labels.max())}, expected 0..{classes - 1}. Mend the label, or raise classes."
        )
