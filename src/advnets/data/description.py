"""The description of a data set before training: counts, moments, classes, duplicates."""

import math
from typing import Any

import torch
from torch import Tensor

from advnets.data.dataset import Dataset, Split
from advnets.data.images.duplicates import duplicates

PAIRS_HINT = (
    "all images are twice as wide as high: if they are pairs side by side, train pix2pix, with --direction AtoB or BtoA"
)


def hints_at_pairs(dataset: Dataset) -> list[str]:
    """Say of images that are read one by one that they may be pairs.

    Args:
        dataset: The data set.

    Returns:
        One line if all image files are twice as wide as high and none is given beside another; else none.
    """
    if dataset.survey is None or dataset.given_shape is not None or not dataset.survey.sizes:
        return []
    sizes = [tuple(map(int, size.split("x"))) for size in dataset.survey.sizes]
    return [PAIRS_HINT] if all(width == 2 * height for height, width in sizes) else []


def describe(dataset: Dataset) -> dict[str, Any]:
    """Describe a data set.

    Args:
        dataset: Data set to describe.

    Returns:
        JSON values: name, source, digest, kind, shape, classes, class_names; of each split its count, samples per
        class, mean and standard deviation (of the population; pixels in [0, 1], points as they are); `duplicates`; and,
        for image files, the fields of `Survey`. Where images are given beside the samples, also `given_shape`.
    """
    return {
        "name": dataset.name,
        "source": dataset.source,
        "digest": dataset.digest,
        "kind": "images" if dataset.is_image else "points",
        "shape": list(dataset.shape),
        "classes": dataset.classes,
        "class_names": None if dataset.class_names is None else list(dataset.class_names),
        **({} if dataset.given_shape is None else {"given_shape": list(dataset.given_shape)}),
        "splits": {name: _split(split, dataset.classes) for name, split in dataset.splits.items()},
        "duplicates": duplicates(dataset),
        **({} if dataset.survey is None else dataset.survey.as_json()),
    }


def _split(split: Split, classes: int | None) -> dict[str, Any]:
    split.verify()
    mean, std = _pixel_moments(split.values) if split.values.dtype == torch.uint8 else _moments(split.values)
    labels, k = split.labels, classes
    per_class = None if labels is None or k is None else torch.bincount(labels, minlength=k).tolist()
    return {"count": len(split), "per_class": per_class, "mean": mean, "std": std}


def _pixel_moments(values: Tensor) -> tuple[float, float]:
    # From the histogram of the 256 levels: exact, and no copy of the data in a wider type.
    weights = torch.zeros(256, dtype=torch.float64)
    # In parts, as bincount widens what it counts to int64.
    for part in values.chunk(math.ceil(values.numel() / 2**24)):
        weights += torch.bincount(part.flatten(), minlength=256)
    levels = torch.arange(256, dtype=torch.float64) / 255
    mean = float((weights * levels).sum() / weights.sum())
    return mean, math.sqrt(float((weights * (levels - mean).square()).sum() / weights.sum()))


def _moments(points: Tensor) -> tuple[float, float]:
    return float(points.double().mean()), float(points.double().std(correction=0))
