"""The arrays of a .npz archive, read in place and without trust: every size is checked before memory is asked for.

Neither NumPy nor the zip reader of Python's library will do: the one allocates what a header claims, the other trusts
what `zip_checks` does not.
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
    """What the header of a .npy entry claims: its dtype, its shape, and whether the first dimension is the fastest."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    fortran: bool


@dataclass(frozen=True)
class ArrayEntry:
    """An array in an open archive.

    path, name: of the archive and of the array, for the errors.
    stream: its unpacked bytes.
    size: how many there are by the directory of the archive; no more are read.
    """

    path: Path
    name: str
    stream: IO[bytes]
    size: int


@contextmanager
def open_archive(path: Path) -> Iterator[dict[str, ArrayEntry]]:
    """The entries of a .npz file by array name, each at its start; only for the length of the `with`.

    Raises Missing, Unsupported (a lone .npy, or encrypted), Damaged (not a zip, truncated, overlapping, or a sum that
    does not match while reading), TooBig (over `MAX_BYTES`, `MAX_ENTRIES` or a bomb's ratio) or BadInput.
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
    """The header of an entry at its start; what it claims is held against the bytes that the archive has for it.

    Raises Unsupported for objects, records and strings, Damaged for another size or no .npy header.
    """
    start = _read_exactly(entry, 8)
    if start[:6] != b"\x93NUMPY" or start[6] not in (1, 2, 3):
        raise _damage_error(entry, f"starts with {start!r}, expected a .npy header")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(_read_exactly(entry, width), "little")
    if length > MAX_HEADER:
        raise _damage_error(entry, f"has a header of {length:,} bytes, the limit is {MAX_HEADER:,}")
    header = _parse(entry, _read_exactly(entry, length).decode("latin-1"))
    claimed = 8 + width + length + math.prod(header.shape) * header.dtype.itemsize
    if claimed != entry.size:
        raise _damage_error(entry, f"claims {claimed:,} bytes by its header, the archive has {entry.size:,} for it")
    return header


def read_array(entry: ArrayEntry, header: ArrayHeader) -> Array:
    """The array of an entry whose header was read: its bytes, to the end, where the archive checks their CRC.

    Raises Damaged for fewer bytes than the header claims.
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


def _parse(entry: ArrayEntry, text: str) -> ArrayHeader:
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
