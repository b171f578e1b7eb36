"""The idx format of MNIST, read strictly: a header is checked before memory is allocated for it.

Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section "File formats": two zero bytes,
a type code, the number of dimensions, each dimension as a big-endian uint32, then the values, last dimension fastest.
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig, Unsupported

MAX_BYTES = 2**30
UBYTE = 0x08
TYPE_NAMES = {0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
KINDS = {1: "labels (1 dimension)", 3: "images (3 dimensions)"}
DEFLATE_RATIO = 1032  # the most that deflate can expand one byte to (zlib's technical notes)
CHUNK = 2**20
REDO = "Download the file again, or copy it again from its source."


def read_images(path: Path) -> Tensor:
    """Read the images of an idx file, plain or gzipped.

    Args:
        path: File of images.

    Returns:
        The images, uint8 (n, 1, h, w).

    Raises:
        Missing: If the file is not there or cannot be read.
        Unsupported: If the values are not uint8.
        TooBig: If there are more than `MAX_BYTES`.
        Damaged: If the bytes contradict the header.
        BadInput: If it is a file of labels, or has no images.
    """
    return read_idx(path, 3).unsqueeze(1)


def read_labels(path: Path, classes: int) -> Tensor:
    """Read the labels of an idx file, plain or gzipped.

    Args:
        path: File of labels.
        classes: Number of classes.

    Returns:
        The labels, int64 (n,), each in 0 .. classes - 1.

    Raises:
        Damaged: If a label is out of range, and what `read_images` raises.
    """
    labels = read_idx(path, 1)
    if int(labels.max()) >= classes:
        at = int((labels >= classes).nonzero()[0])
        raise Damaged(f"{path}: found label {int(labels[at])} at {at}, expected 0..{classes - 1}. {REDO}")
    return labels.long()


def read_pair(images: Path, labels: Path, classes: int) -> tuple[Tensor, Tensor]:
    """Read the images of one idx file and their labels from another.

    Args:
        images: File of images.
        labels: File of labels.
        classes: Number of classes.

    Returns:
        The images, uint8 (n, 1, h, w), and the labels, int64 (n,).

    Raises:
        BadInput: If there are not as many labels as images, and what `read_images` and `read_labels` raise.
    """
    values, numbers = read_images(images), read_labels(labels, classes)
    if len(values) != len(numbers):
        raise BadInput(
            f"{labels}: found {len(numbers)} labels, expected {len(values)}, as many as the images of {images}. "
            "Take both files from one source, train with train and t10k with t10k."
        )
    return values, numbers


def read_idx(path: Path, ndim: int) -> Tensor:
    """Read the uint8 tensor of an idx file, plain or gzipped.

    Args:
        path: File to read.
        ndim: Number of dimensions expected: 3 for images, 1 for labels.

    Returns:
        The tensor, of the shape in the header.

    Raises:
        BadInput: If there is another number of dimensions, and what `read_images` raises.
    """
    with _translate_errors(path), path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        bound = path.stat().st_size * (DEFLATE_RATIO if packed else 1)
        stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
        shape = _read_header(path, stream, ndim)
        values = _read_values(path, stream, math.prod(shape), bound)
    return torch.frombuffer(values, dtype=torch.uint8).reshape(shape)


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Turn what the gzip module and the file system raise into our errors, each with the file's name."""
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: found a folder or a device, expected an idx file. Name the file itself.")
    try:
        yield
    except AdvnetsError:
        raise
    except FileNotFoundError:
        raise Missing(f"{path}: there is no such file. Check the path.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Damaged(f"{path}: the gzip stream is broken ({error}). {REDO}") from error
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror or error}). Check the disk and permissions.") from error


def _read_header(path: Path, stream: IO[bytes], ndim: int) -> tuple[int, ...]:
    start = _read_exactly(path, stream, 4)
    if start[:2] != b"\0\0":
        raise Damaged(f"{path}: starts with {start!r}, expected the two zero bytes of an idx file. {REDO}")
    _, _, code, found = start
    if code in TYPE_NAMES:
        raise Unsupported(f"{path}: holds {TYPE_NAMES[code]} values, only uint8 is read. Convert them to uint8 0..255.")
    if code != UBYTE:
        raise Damaged(f"{path}: found type code 0x{code:02x}, expected 0x08 (uint8). {REDO}")
    if found != ndim:
        raise BadInput(
            f"{path}: found {KINDS.get(found, f'{found} dimensions')}, expected {KINDS[ndim]}. "
            "Check that the image file and the label file are not exchanged."
        )
    dims = _read_exactly(path, stream, 4 * ndim)
    return tuple(int.from_bytes(dims[4 * i : 4 * i + 4], "big") for i in range(ndim))


def _read_exactly(path: Path, stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) < size:
        raise Damaged(f"{path}: ends inside its header. {REDO}")
    return found


def _read_values(path: Path, stream: IO[bytes], size: int, bound: int) -> bytearray:
    """Exactly `size` bytes; `bound` is the most that the file can hold, and is checked before anything is read."""
    if size == 0:
        raise BadInput(f"{path}: its header declares no values at all. Give a file with at least one.")
    if size > MAX_BYTES:
        raise TooBig(f"{path}: its header declares {size:,} bytes, the limit is {MAX_BYTES:,}. Split the file.")
    if size > bound:
        raise Damaged(f"{path}: its header declares {size:,} bytes, the file can hold {bound:,} at most. {REDO}")
    values = bytearray()
    # One byte more than declared shows trailing bytes, and makes gzip check its CRC at the end of the stream.
    while len(values) <= size and (chunk := stream.read(min(CHUNK, size + 1 - len(values)))):
        values += chunk
    if len(values) != size:
        found = f"only {len(values):,}" if len(values) < size else "more"
        raise Damaged(f"{path}: its header declares {size:,} bytes, found {found}. {REDO}")
    return values
