"""Samples that a data set has twice, bit for bit or nearly."""

import hashlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from advnets.data.dataset import BLOCK, Dataset

NEAR_BITS = 2
BANDS = (0, 21, 42, 64)
"""Ends of three bands of bits: hashes that differ in two bits agree in one band at least."""
SMALLEST = 32
"""Pixels of the shorter side below which a 64-bit hash tells kinds of images apart, not images."""
ROWS = 1024
Hashes = NDArray[np.uint64]


def duplicates(dataset: Dataset) -> dict[str, int | None]:
    """Count the samples that are there more than once.

    Args:
        dataset: Data set to search.

    Returns:
        `copies`: samples of all splits that repeat an earlier one bit for bit. `held_out_in_train`: validation and test
        samples that are also in train; they flatter a model that memorises. `near`: among different images, those whose
        `difference_hash` is within two bits of another's; None for points and for images under 32 pixels.
    """
    prints = [fingerprints(split.values) for split in dataset.splits.values()]
    seen, held_out = set(prints[0]), prints[1] + prints[2]
    everything = seen.union(held_out)
    return {
        "copies": len(prints[0]) + len(held_out) - len(everything),
        "held_out_in_train": sum(fingerprint in seen for fingerprint in held_out),
        "near": _count_near(dataset, prints) if dataset.is_image and min(dataset.shape[1:]) >= SMALLEST else None,
    }


def fingerprints(values: Tensor) -> list[bytes]:
    """Return the BLAKE2b hash of each sample.

    Args:
        values: Samples, (n, ...).
    """
    return [hashlib.blake2b(row.data, digest_size=16).digest() for row in values.cpu().contiguous().numpy()]


def difference_hash(images: Tensor) -> Hashes:
    """Compute a hash of 64 bits that is nearly the same for images that look alike.

    Each bit says whether a cell of the image's 8 x 9 averages is darker than the cell to its right. N. Krawetz, "Kind
    of like that" (2013).

    Args:
        images: Images (n, c, h, w) uint8; the last of two or four channels, alpha, is left out.

    Returns:
        The hashes, (n,) uint64.
    """
    rows = max(1, BLOCK // images[0].numel())
    parts = [_hash_block(images[start : start + rows]) for start in range(0, len(images), rows)]
    return np.concatenate(parts)


def near_pairs(hashes: Hashes) -> Iterator[tuple[int, int]]:
    """Find the pairs of hashes that differ in at most `NEAR_BITS` bits.

    Args:
        hashes: Hashes, (n,) uint64.

    Yields:
        Places i < j; a pair may come more than once.
    """
    for low, high in itertools.pairwise(BANDS):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order], prepend=band[order[0]] + np.uint64(1)))
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            if end - start > 1:
                yield from _pairs(hashes, order[start:end])


def _count_near(dataset: Dataset, prints: Sequence[Sequence[bytes]]) -> int:
    """The number of different images that have a near one."""
    everything = [fingerprint for part in prints for fingerprint in part]
    _, firsts = np.unique(np.frombuffer(b"".join(everything), "V16"), return_index=True)
    hashes = np.concatenate([difference_hash(split.values) for split in dataset.splits.values()])[firsts]
    hashes, counts = np.unique(hashes, return_counts=True)
    near = counts > 1
    for i, j in near_pairs(hashes):
        near[i] = near[j] = True
    return int(counts[near].sum())


def _hash_block(images: Tensor) -> Hashes:
    colours = images[:, : 3 if images.shape[1] >= 3 else 1].float().mean(1, keepdim=True)
    cells = functional.interpolate(colours, size=(8, 9), mode="area")[:, 0]
    bits = (cells[:, :, :-1] < cells[:, :, 1:]).flatten(1).numpy()
    return np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint64)[:, 0]


def _pairs(hashes: Hashes, places: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """The near pairs among places whose hashes agree in a band, in blocks of rows."""
    mine = hashes[places]
    for start in range(0, len(mine), ROWS):
        near = np.bitwise_count(mine[start : start + ROWS, None] ^ mine[None, start:]) <= NEAR_BITS
        for i, j in zip(*np.nonzero(near), strict=True):
            if i < j:
                first, second = int(places[start + i]), int(places[start + j])
                yield min(first, second), max(first, second)
