"""How a notebook shows a data set: its counts, its classes and its first images."""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from advnets.figures import draw_grid, encode_picture
from advnets.markup import html_card, html_picture, html_table

PICTURED, THUMBNAIL = 20, 96
"""Training images that are shown, and the side in pixels beyond which every so many pixels are left out."""


class ShownSplit(Protocol):
    """What is asked of a split that is shown."""

    @property
    def values(self) -> Tensor:
        """Images or points."""

    def __len__(self) -> int:
        """How many samples there are."""

    def verify(self, places: Tensor | None = None) -> None:
        """Check values of mapped files at some places."""


class ShownData(Protocol):
    """What is asked of a data set that is shown."""

    @property
    def name(self) -> str:
        """How it is called."""

    @property
    def classes(self) -> int | None:
        """How many classes there are."""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Their names."""

    @property
    def splits(self) -> Mapping[str, ShownSplit]:
        """The splits by name."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample."""

    @property
    def is_image(self) -> bool:
        """Whether samples are images."""


def dataset_card(dataset: ShownData) -> str:
    """Return a data set as HTML.

    Args:
        dataset: The data set.

    Returns:
        A card of its splits, shape and classes, with the first training images.
    """
    rows = [(name, f"{len(split):,}") for name, split in dataset.splits.items()]
    rows += [("shape", " x ".join(map(str, dataset.shape)))]
    rows += [("classes", ", ".join(dataset.class_names or [str(dataset.classes)]))] if dataset.classes else []
    return html_card(f"Data {dataset.name}", html_table(rows), _first_images(dataset))


def _first_images(dataset: ShownData) -> str:
    if not dataset.is_image:
        return ""
    train = dataset.splits["train"]
    train.verify(torch.arange(min(PICTURED, len(train))))
    step = -(-max(dataset.shape[1:]) // THUMBNAIL)
    images = train.values[:PICTURED, :, ::step, ::step].permute(0, 2, 3, 1).contiguous().numpy()
    return html_picture(encode_picture(draw_grid(images, columns=PICTURED // 2)), "the first training images")
