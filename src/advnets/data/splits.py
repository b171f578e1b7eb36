"""The one rule by which samples without splits of their own are split: 80 : 10 : 10, in a fixed random order."""

import numpy as np
from numpy.typing import NDArray

PERMUTATION_SEED = 2014
MIN_SAMPLES = 10
"""Fewer samples have no tenth, and validation and test would be empty."""


def fixed_order(n: int) -> NDArray[np.int64]:
    """Return the fixed random order of n samples.

    The order is a permutation drawn with `PERMUTATION_SEED`, so it is the same on every machine and in every release:
    NumPy freezes the stream of RandomState for ever (NEP 19), and that of default_rng may change.

    Args:
        n: Number of samples, 0 or more.

    Returns:
        A permutation of 0 .. n - 1, (n,) int64.
    """
    order: NDArray[np.int64] = np.random.RandomState(PERMUTATION_SEED).permutation(n).astype(np.int64)
    return order


def split_order(
    n: int, *, validation: bool = True, test: bool = True
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Split n samples into train, validation and test.

    The samples are put into their fixed random order. The last floor(n / 10) are the test split, the floor(n / 10)
    before them the validation split, and the rest is the training split.

    Args:
        n: Number of samples, at least `MIN_SAMPLES` where a split is taken.
        validation: Whether to take a validation split.
        test: Whether to take a test split.

    Returns:
        The places of the samples of train, validation and test, each (m,) int64; empty for a split that is not taken.
    """
    order, tenth = fixed_order(n), n // 10
    train_end = n - tenth * (validation + test)
    train, validation_part, test_part = np.split(order, [train_end, train_end + tenth * validation])
    return train, validation_part, test_part
