"""Decoded images in one file of the user's cache, in the order of the splits, which can be mapped into memory.

    magic, place and length of the table, its SHA-256        64 bytes
    pixels        (n, c, h, w) uint8: train, then validation, then test                 from byte 4096
    labels        (n,) int64, where there are any
    contents      (files, 16) uint8: BLAKE2b of each listed file, by name; zeros for one that cannot be read
    mean          (c, h, w) float32, of the training images in [0, 1]
    table         JSON: where each part is, and what was found

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
from advnets.disk import sync_folder
from advnets.errors import Missing, TooBig

MAGIC = b"advnets cache 1\n"
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
    """

    table: Mapping[str, Any]
    content: Array

    def part(self, name: str) -> Array:
        """Return a part of the file, mapped and read-only; a writable map needs as much memory as the file is long.

        Args:
            name: Name of the part: "pixels", "labels", "contents" or "mean".
        """
        entry = self.table["parts"][name]
        shape, dtype = tuple(entry["shape"]), np.dtype(entry["dtype"])
        end = entry["at"] + math.prod(shape) * dtype.itemsize
        part: Array = self.content[entry["at"] : end].view(dtype).reshape(shape)
        return part

    def dataset(self, name: str, source: str, memory_bytes: int) -> Dataset:
        """Return the data set in the file.

        Args:
            name: Name of the data set.
            source: Folder or archive that it was decoded from.
            memory_bytes: Pixels of more bytes are mapped, others are read into memory.
        """
        pixels = self.part("pixels")
        mapped = pixels.nbytes > memory_bytes
        values = _as_tensor(pixels) if mapped else torch.from_numpy(np.array(pixels))
        labels = torch.from_numpy(np.array(self.part("labels"))) if "labels" in self.table["parts"] else None
        parts = _cut_splits(values, labels, self.table["counts"], mapped)
        classes = None if labels is None else len(self.table["survey"]["class_names"])
        mean = torch.from_numpy(np.array(self.part("mean")))
        survey = Survey.from_json(self.table["survey"])
        return Dataset(name, *parts, classes, source, known_digest=self.table["digest"], known_mean=mean, survey=survey)


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
            return CacheFile(table, np.memmap(file, np.uint8, "r"))
        except OSError as error:
            raise TooBig(
                f"{path}: cannot be mapped into memory ({error.strerror or error}). Raise the limit of address space "
                "(ulimit -v), or choose a smaller --image-size."
            ) from error


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
            place, digest, mean = self._summarise(counts, labels, classes)
            places, arrays = {"pixels": place}, {"contents": contents, "mean": mean}
            for name, array in (arrays if labels is None else {"labels": labels, **arrays}).items():
                places[name] = _array_entry(self._align(), array)
                self._file.write(np.ascontiguousarray(array).data)
            self._end({**table, "parts": places, "counts": dict(counts), "digest": digest})

    def _summarise(
        self, counts: Mapping[str, int], labels: Array | None, classes: int | None
    ) -> tuple[dict[str, Any], str, Array]:
        """The entry, digest and mean of the pixels; they are mapped here only, as Windows renames no mapped file."""
        pixels = np.memmap(self._temporary, np.uint8, "r+", PIXELS_AT, (self._count, *self._shape))
        parts = _cut_splits(
            torch.from_numpy(pixels), None if labels is None else torch.from_numpy(labels), counts, True
        )
        known = Dataset("", *parts, classes, "")
        return _array_entry(PIXELS_AT, pixels), known.digest, known.mean.numpy()

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
    values: Tensor, labels: Tensor | None, counts: Mapping[str, int], mapped: bool
) -> tuple[Split, Split, Split]:
    """The three splits, each a slice."""
    sizes = [counts[name] for name in ("train", "validation", "test")]
    parts = zip(
        values.split_with_sizes(sizes),
        labels.split_with_sizes(sizes) if labels is not None else [None] * 3,
        strict=True,
    )
    train, validation, test = (Split(part, numbers, is_mapped=mapped) for part, numbers in parts)
    return train, validation, test


def _array_entry(at: int, array: Array) -> dict[str, Any]:
    return {"at": at, "shape": list(array.shape), "dtype": array.dtype.str}


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
