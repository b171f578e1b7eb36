"""Checksums of blocks of pixels, so that a bit that changes in a file is noticed when its block is first read.

A block is some images that lie one behind the other. Its CRC-32 notices every change of one or two bits, and of bits
within 32 that lie together; of other changes it misses one in four thousand million.
"""

import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advnets.errors import Damaged

BLOCK_BYTES = 2**18
"""About how many bytes a block has: so few that one image costs little to check, so many that checksums are few."""

THREADS = 2
GROUP = 16
"""Blocks that a thread takes at a time."""

Array = NDArray[Any]


def images_of_block(shape: tuple[int, ...]) -> int:
    """Return how many images a block has.

    Args:
        shape: Shape (c, h, w) of an image.
    """
    return max(1, BLOCK_BYTES // max(1, int(np.prod(shape, dtype=np.int64))))


def block_sums(pixels: Array) -> NDArray[np.uint32]:
    """Compute the checksum of each block.

    Args:
        pixels: Images (n, c, h, w) uint8, one behind the other.

    Returns:
        The checksums, (blocks,) uint32.
    """
    rows = images_of_block(pixels.shape[1:])
    return np.array([zlib.crc32(pixels[at : at + rows].data) for at in range(0, len(pixels), rows)], np.uint32)


def copy_verified(pixels: Array, sums: NDArray[np.uint32]) -> Array | None:
    """Copy pixels into memory, and verify the copy, block by block.

    Args:
        pixels: Images (n, c, h, w) uint8.
        sums: The checksums that they had when they were written.

    Returns:
        The copy; None if a checksum is another.
    """
    rows, copy = images_of_block(pixels.shape[1:]), np.empty(pixels.shape, np.uint8)

    def run(first: int) -> bool:
        for block in range(first, min(first + GROUP, len(sums))):
            part = slice(block * rows, (block + 1) * rows)
            copy[part] = pixels[part]
            if zlib.crc32(copy[part].data) != sums[block]:
                return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        return copy if all(pool.map(run, range(0, len(sums), GROUP))) else None


class BlockChecks:
    """Verifies the blocks of mapped pixels, each when it is first read.

    Args:
        pixels: Images (n, c, h, w) uint8, mapped.
        sums: The checksums that they had when they were written.
        path: The file, for errors.
    """

    def __init__(self, pixels: Array, sums: NDArray[np.uint32], path: Path) -> None:
        self._pixels, self._sums, self._path = pixels, sums, path
        self._rows, self._good = images_of_block(pixels.shape[1:]), np.zeros(len(sums), bool)

    def of_rows(self, start: int, n: int) -> Callable[[Array | None], None]:
        """Return the check of some images that lie one behind the other.

        Args:
            start: Place of the first.
            n: How many they are.

        Returns:
            A function that verifies images at places among these, or all for None. It raises Damaged.
        """

        def verify(places: Array | None) -> None:
            self._verify((np.arange(n) if places is None else places) + start)

        return verify

    def _verify(self, places: Array) -> None:
        blocks = places // self._rows
        fresh = blocks[~self._good[blocks]]
        for block in np.unique(fresh) if len(fresh) else ():
            part = self._pixels[block * self._rows : (block + 1) * self._rows]
            if zlib.crc32(part.data) != self._sums[block]:
                raise Damaged(
                    f"{self._path}: the pixels of images {block * self._rows:,} to "
                    f"{block * self._rows + len(part) - 1:,} are not as they were written: the disk or the file has "
                    "changed. Remove this file and start again: the images are then decoded anew."
                )
            self._good[block] = True
