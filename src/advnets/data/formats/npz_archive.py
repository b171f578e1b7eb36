"""The arrays of a .npz archive, read in place; every size is checked before memory is allocated for it.

NumPy's own reader will not do, because it allocates what a header claims. Nor will the zip reader of Python's library,
because it does not check what `zip_checks` checks.
"""

import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from advnets.data.formats.zip_checks import check_count, check_entry, check_overlap, translate_errors
from advnets.errors import BadInput, Damaged, TooBig, Unsupported

MAX_BYTES = 2**32
MAX_ENTRIES = 64
MAX_HEADER = 10_000  # NumPy's own limit
CHUNK = 2**20
REDO = "Copy the file again from its source, or write it again with numpy.savez_compressed."
Array = NDArray[Any]


@dataclass(frozen=True)
class ArrayHeader:
    """The claims in the header of a .npy entry.

    Attributes:
        dtype: Type of the values.
        shape: Shape of the array.
        fortran: Whether the first dimension varies fastest.
    """

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    fortran: bool


@dataclass(frozen=True)
class ArrayEntry:
    """An array in an open archive.

    Attributes:
        path: Path of the archive, for the errors.
        name: Name of the array, for the errors.
        stream: Unpacked bytes of the entry.
        size: Number of those bytes by the directory of the archive; no more are read.
    """

    path: Path
    name: str
    stream: IO[bytes]
    size: int


@contextmanager
def open_archive(path: Path) -> Iterator[dict[str, ArrayEntry]]:
    """Open a .npz file for the length of a `with`.

    Args:
        path: File to open.

    Yields:
        The entries by array name, each at its start.

    Raises:
        Missing: If the file is not there.
        Unsupported: If it is a lone .npy, or encrypted.
        Damaged: If it is not a zip, truncated or overlapping, or if a checksum does not match while reading.
        TooBig: If it is over `MAX_BYTES` or `MAX_ENTRIES`, or unpacks to far more than its size.
        BadInput: If it is a folder, or an entry has a hostile name.
    """
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: found a folder or a device, expected a .npz file. Name the file itself.")
    with translate_errors(str(path), REDO), ExitStack() as stack:
        _check_magic(path)
        check_count(path, MAX_ENTRIES, "array")
        archive = stack.enter_context(zipfile.ZipFile(path))
        entries = _check_entries(path, archive)
        streams = {name: stack.enter_context(archive.open(info)) for name, info in entries.items()}
        yield {name: ArrayEntry(path, name, stream, entries[name].file_size) for name, stream in streams.items()}


def read_header(entry: ArrayEntry) -> ArrayHeader:
    """Read the header of an entry at its start, and compare it with the bytes that the archive has for the entry.

    Args:
        entry: Entry of `open_archive`.

    Returns:
        The header.

    Raises:
        Unsupported: If the array holds objects, records or strings.
        Damaged: If there is no .npy header, or its size differs from the archive's.
    """
    start = _read_exactly(entry, 8)
    if start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise _damage_error(entry, f"starts with {start!r}, expected a .npy header")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(_read_exactly(entry, width), "little")
    if length > MAX_HEADER:
        raise _damage_error(entry, f"has a header of {length:,} bytes, the limit is {MAX_HEADER:,}")
    header = _parse_header(entry, _read_exactly(entry, length).decode("latin-1"))
    claimed = 8 + width + length + math.prod(header.shape) * header.dtype.itemsize
    if claimed != entry.size:
        raise _damage_error(entry, f"claims {claimed:,} bytes by its header, the archive has {entry.size:,} for it")
    return header


def read_array(entry: ArrayEntry, header: ArrayHeader) -> Array:
    """Read the array of an entry whose header was read, to the end, where the archive checks the CRC.

    Args:
        entry: Entry of `open_archive`.
        header: Header that `read_header` returned for it.

    Returns:
        The array.

    Raises:
        Damaged: If there are fewer bytes than the header claims.
    """
    size = math.prod(header.shape) * header.dtype.itemsize
    values = bytearray()
    while chunk := entry.stream.read(CHUNK):
        values += chunk
    if len(values) != size:
        raise _damage_error(entry, f"has {len(values):,} bytes, expected {size:,}")
    return np.frombuffer(values, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _damage_error(entry: ArrayEntry, found: str) -> Damaged:
    return Damaged(f"{entry.path}: array {entry.name!r} {found}. {REDO}")


def _check_magic(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(6)
    if start == b"\x93NUMPY":
        raise Unsupported(
            f"{path}: found a single .npy array, expected a .npz. Save it with numpy.savez(path, images=array)."
        )
    if start[:4] != b"PK\x03\x04":
        raise Damaged(f"{path}: starts with {start!r}, expected a zip archive as numpy.savez writes it. {REDO}")


def _check_entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries by array name, after every check that needs the directory alone."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise TooBig(f"{path}: found {len(infos):,} arrays, the limit is {MAX_ENTRIES}. Keep fewer.")
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES:
        raise TooBig(f"{path}: unpacks to {total:,} bytes, the limit is {MAX_BYTES:,}. Keep fewer or smaller images.")
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_entry(path, info)
        name = info.filename.removesuffix(".npy")
        if name in entries:
            raise Damaged(f"{path}: has two arrays {name!r}. {REDO}")
        entries[name] = info
    check_overlap(path, archive, infos, "array", REDO)
    return entries


def _check_entry(path: Path, info: zipfile.ZipInfo) -> None:
    name = info.filename
    if not name.endswith(".npy") or "\\" in name or name.startswith("/") or ".." in name.split("/") or ":" in name:
        raise BadInput(f"{path}: found an entry {name!r}, expected arrays such as images.npy only. {REDO}")
    check_entry(path, info, "array", REDO)


def _read_exactly(entry: ArrayEntry, size: int) -> bytes:
    found = entry.stream.read(size)
    if len(found) < size:
        raise _damage_error(entry, "ends inside its header")
    return found


def _parse_header(entry: ArrayEntry, text: str) -> ArrayHeader:
    # Three patterns, not an evaluator of Python literals: a hostile header is text and stays text.
    descr = re.findall(r"['\"]descr['\"]\s*:\s*['\"]([^'\"]*)['\"]", text)
    fortran = re.findall(r"['\"]fortran_order['\"]\s*:\s*(True|False)", text)
    shape = re.findall(r"['\"]shape['\"]\s*:\s*\(([0-9\s,L]*)\)", text)
    if len(fortran) != 1 or len(shape) != 1 or not re.search(r"['\"]descr['\"]", text):
        raise _damage_error(entry, "has a header that is not one of NumPy's")
    if len(descr) != 1 or not re.fullmatch(r"[<>|=]?[biufc][0-9]{1,2}", descr[0]):
        found = repr(descr[0]) if descr else "of records"
        raise Unsupported(
            f"{entry.path}: array {entry.name!r} has dtype {found}: objects, strings, dates and records are not read. "
            "Save uint8 images and integer labels."
        )
    dims = [part.strip().rstrip("L") for part in shape[0].split(",") if part.strip()]
    if not all(re.fullmatch("[0-9]{1,18}", part) for part in dims):
        raise _damage_error(entry, f"claims the shape ({shape[0][:60]})")
    try:
        return ArrayHeader(np.dtype(descr[0]), tuple(int(part) for part in dims), fortran[0] == "True")
    except TypeError as error:
        raise _damage_error(entry, f"claims the dtype {descr[0]!r}, which NumPy does not know") from error
