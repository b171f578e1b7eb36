"""Decoded images in one file of the user's cache, in the order of the splits, which can be mapped into memory.

    magic, place and length of the table, its SHA-256        64 bytes
    pixels        (n, c, h, w) uint8: train, then validation, then test                 from byte 4096
    labels        (n,) int64, where there are any
    blocks        (blocks,) uint32: CRC-32 of each block of pixels
    contents      (files, 16) uint8: BLAKE2b of each listed file, by name; zeros for one that cannot be read
    mean          (c, h, w) float32, of the training images in [0, 1]
    table         JSON: where each part is, what was found, and the SHA-256 of each part but the pixels

Between the parts there are zeros. Every bit is verified: the pixels as they are read, all else when the file is opened.
The file is written under a temporary name, synced to the disk and renamed, so that it is there whole or not at all.
"""

import hashlib
import json
import math
import os
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.data.dataset import Dataset, Split, Survey
from advnets.data.images.blocks import BlockChecks, block_sums, copy_verified
from advnets.disk import sync_folder
from advnets.errors import Missing, TooBig
from advnets.text import escape

MAGIC = b"advnets cache 2\n"
HEAD = struct.Struct("<16sQQ32s")
PIXELS_AT = 4096
ALIGNED = 64
Array = NDArray[Any]


@dataclass(frozen=True)
class CacheFile:
    """An open cache file.

    Attributes:
        table: Table of the file: where each part is, and what was found among the images.
        content: All bytes of the file from which the table was read, mapped.
        path: Path of the file.
    """

    table: Mapping[str, Any]
    content: Array
    path: Path

    def part(self, name: str) -> Array:
        """Return a part of the file, mapped and read-only; a writable map needs as much memory as the file is long.

        Args:
            name: Name of the part: "pixels", "labels", "blocks", "contents" or "mean".
        """
        entry = self.table["parts"][name]
        shape, dtype = tuple(entry["shape"]), np.dtype(entry["dtype"])
        end = entry["at"] + _length(entry)
        part: Array = self.content[entry["at"] : end].view(dtype).reshape(shape)
        return part

    @property
    def is_whole(self) -> bool:
        """Whether all bytes but the pixels are as they were written."""
        parts, end = self.table["parts"], HEAD.size
        spans = sorted((entry["at"], entry["at"] + _length(entry)) for entry in parts.values())
        for start, stop in (*spans, (self.table_at, 0)):
            if self.content[end:start].any():
                return False
            end = max(end, stop)
        found = {name: _sha256(self.part(name)) for name in parts if name != "pixels"}
        return bool(found == self.table["sha256"])

    @property
    def table_at(self) -> int:
        """The place of the table."""
        return int(HEAD.unpack(self.content[: HEAD.size].tobytes())[1])

    def dataset(self, name: str, source: str, memory_bytes: int) -> Dataset | None:
        """Return the data set in the file.

        Pixels that are read into memory are verified; mapped ones are, when they are first read.

        Args:
            name: Name of the data set.
            source: Folder or archive that it was decoded from.
            memory_bytes: Pixels of more bytes are mapped, others are read into memory.

        Returns:
            The data set; None if pixels are not as they were written.
        """
        pixels, sums = self.part("pixels"), np.array(self.part("blocks"))
        mapped = pixels.nbytes > memory_bytes
        held = pixels if mapped else copy_verified(pixels, sums)
        if held is None:
            return None
        values = _as_tensor(held) if mapped else torch.from_numpy(held)
        checks = BlockChecks(pixels, sums, self.path) if mapped else None
        labels = torch.from_numpy(np.array(self.part("labels"))) if "labels" in self.table["parts"] else None
        parts = _cut_splits(values, labels, self.table["counts"], mapped, checks)
        classes = None if labels is None else len(self.table["survey"]["class_names"])
        mean = torch.from_numpy(np.array(self.part("mean")))
        survey, digest = Survey.from_json(self.table["survey"]), self.table["digest"]
        # Folders may be named by anything; these names are typed, and go into files that are shared.
        names = None if labels is None or survey.class_names is None else tuple(map(escape, survey.class_names))
        return Dataset(name, *parts, classes, source, digest, mean, survey, names)


def open_cache(path: Path, key: str) -> CacheFile | None:
    """Open a cache file.

    Args:
        path: Path of the file.
        key: Hash of all that the decoded images depend on.

    Returns:
        The file, or None where there is none, it is not whole, or it was made for another key.

    Raises:
        TooBig: If the system does not map it.
    """
    try:
        file = path.open("rb")
    except OSError:
        return None
    with file:
        table = _table(file)
        if table is None or table["key"] != key:
            return None
        try:
            found = CacheFile(table, np.memmap(file, np.uint8, "r"), path)
        except OSError as error:
            raise TooBig(
                f"{path}: cannot be mapped into memory ({error.strerror or error}). Raise the limit of address space "
                "(ulimit -v), or choose a smaller --image-size."
            ) from error
        return found if found.is_whole else None


def _table(file: IO[bytes]) -> dict[str, Any] | None:
    """The table of a cache file that is whole."""
    try:
        magic, at, length, sha256 = HEAD.unpack(file.read(HEAD.size))
        size = os.fstat(file.fileno()).st_size
        if magic != MAGIC or at + length != size or length > size:
            return None
        file.seek(at)
        text = file.read(length)
    except (OSError, struct.error):
        return None
    table: dict[str, Any] | None = json.loads(text) if hashlib.sha256(text).digest() == sha256 else None
    return table


class Writer:
    """Writes a cache file: images one after another, then the rest, then its name.

    The caller holds the lock of the path, so that there is one writer.

    Args:
        path: Path of the finished file.
        shape: Shape (c, h, w) of every image.

    Raises:
        Missing: If the folder cannot be written.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self.path, self._shape = path, shape
        self._temporary = path.with_suffix(".tmp")
        self._count = 0
        with _translate_errors(path):
            self._file: IO[bytes] = self._temporary.open("wb")
            self._file.seek(PIXELS_AT)

    def append(self, images: Array) -> None:
        """Add images.

        Args:
            images: Pixels (n, c, h, w) uint8.
        """
        with _translate_errors(self.path):
            self._file.write(np.ascontiguousarray(images).data)
        self._count += len(images)

    def finish(
        self, counts: Mapping[str, int], labels: Array | None, contents: Array, table: Mapping[str, Any]
    ) -> None:
        """Write the rest and give the file its name.

        Args:
            counts: Number of images by split.
            labels: Class numbers (n,) int64, or None.
            contents: Hashes of the image files, (files, 16) uint8.
            table: Table with `key` and `survey`.
        """
        with _translate_errors(self.path):
            self._file.flush()
            classes = None if labels is None else len(table["survey"]["class_names"])
            place, digest, summary = self._summarise(counts, labels, classes)
            arrays = {**({} if labels is None else {"labels": labels}), **summary, "contents": contents}
            places = {"pixels": place}
            for name, array in arrays.items():
                places[name] = _array_entry(self._align(), array)
                self._file.write(np.ascontiguousarray(array).data)
            sums = {name: _sha256(array) for name, array in arrays.items()}
            self._end({**table, "parts": places, "counts": dict(counts), "digest": digest, "sha256": sums})

    def _summarise(
        self, counts: Mapping[str, int], labels: Array | None, classes: int | None
    ) -> tuple[dict[str, Any], str, dict[str, Array]]:
        """The pixels' entry, digest, and mean and checksums; mapped here only, as Windows renames no mapped file."""
        pixels = np.memmap(self._temporary, np.uint8, "r+", PIXELS_AT, (self._count, *self._shape))
        parts = _cut_splits(
            torch.from_numpy(pixels), None if labels is None else torch.from_numpy(labels), counts, True
        )
        known = Dataset("", *parts, classes, "")
        summary: dict[str, Array] = {"mean": known.mean.numpy(), "blocks": block_sums(pixels)}
        return _array_entry(PIXELS_AT, pixels), known.digest, summary

    def discard(self) -> None:
        """Close the file, and remove it unless it was finished."""
        with suppress(OSError):  # a full disk takes no more of what is still to be written
            self._file.close()
        with suppress(OSError):  # a disk that has become read-only
            self._temporary.unlink(missing_ok=True)

    def _align(self) -> int:
        self._file.write(bytes(-self._file.tell() % ALIGNED))
        return self._file.tell()

    def _end(self, table: Mapping[str, Any]) -> None:
        text, at = json.dumps(table).encode(), self._align()
        self._file.write(text)
        self._file.seek(0)
        self._file.write(HEAD.pack(MAGIC, at, len(text), hashlib.sha256(text).digest()))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._temporary, self.path)
        sync_folder(self.path.parent)


def _as_tensor(pixels: Array) -> Tensor:
    """The pixels where they lie. Nothing here writes to them; torch warns, as it has no read-only tensors."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(pixels)


def _cut_splits(
    values: Tensor, labels: Tensor | None, counts: Mapping[str, int], mapped: bool, checks: BlockChecks | None = None
) -> tuple[Split, Split, Split]:
    """The three splits, each a slice."""
    sizes = [counts[name] for name in ("train", "validation", "test")]
    starts = (0, sizes[0], sizes[0] + sizes[1])
    verify = [None if checks is None else checks.of_rows(at, n) for at, n in zip(starts, sizes, strict=True)]
    parts = zip(
        values.split_with_sizes(sizes),
        labels.split_with_sizes(sizes) if labels is not None else [None] * 3,
        verify,
        strict=True,
    )
    train, validation, test = (Split(part, numbers, is_mapped=mapped, check=check) for part, numbers, check in parts)
    return train, validation, test


def _array_entry(at: int, array: Array) -> dict[str, Any]:
    return {"at": at, "shape": list(array.shape), "dtype": array.dtype.str}


def _length(entry: Mapping[str, Any]) -> int:
    return int(math.prod(entry["shape"]) * np.dtype(entry["dtype"]).itemsize)


def _sha256(array: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> Missing:
    """Return the error for a cache that cannot be written.

    Args:
        path: Path of the cache file.
        error: Error of the system.
    """
    return Missing(
        f"{path.parent}: cannot be written ({error.strerror or error}). Free some space, or choose another folder by "
        "$ADVNETS_CACHE."
    )
