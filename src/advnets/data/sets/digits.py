"""The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn, so that they need no network."""

import numpy as np
import torch
from torch import Tensor

from advnets.data.dataset import Dataset, Split
from advnets.data.splits import fixed_order

TRAIN, VALIDATION, TEST = 1297, 250, 250


def load_digits() -> Dataset:
    """Load the digits: 1,297 train, 250 validation and 250 test images, with labels 0..9.

    E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits" (UCI, 1998), its test part, as in scikit-learn.
    Its levels v = 0..16 become round(255 v / 16). The digits are put into a fixed random order
    (`splits.fixed_order`), because the original runs through the classes and writers in turn.

    Returns:
        The data set, images uint8 (n, 1, 8, 8).
    """
    # scikit-learn takes about a second to import, and only this data set needs it.
    from sklearn.datasets import load_digits as bundled_digits

    levels, labels = bundled_digits(return_X_y=True)
    images = np.floor(levels * 255 / 16 + 0.5).astype(np.uint8).reshape(-1, 1, 8, 8)
    order = fixed_order(TRAIN + VALIDATION + TEST)
    values, classes = torch.from_numpy(images[order]), torch.from_numpy(labels[order].astype(np.int64))
    parts = zip(_cut_splits(values), _cut_splits(classes), strict=True)
    train, validation, test = (Split(*part) for part in parts)
    source, names = "scikit-learn's bundled 8x8 digits", tuple("0123456789")
    return Dataset("digits", train, validation, test, 10, source, class_names=names)


def _cut_splits(samples: Tensor) -> tuple[Tensor, ...]:
    return tuple(part.clone() for part in samples.split_with_sizes([TRAIN, VALIDATION, TEST]))
