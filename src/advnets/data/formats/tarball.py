"""Files of a .tar.gz archive, read in place: nothing is unpacked to disk, and no link is followed.

Python's own reader will not do: it allocates the memory that a header claims, and before 3.11.10 a crafted header keeps
it busy for hours (CVE-2024-6232). The format is that of POSIX.1-1988, "ustar".
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig, Unsupported

MAX_UNPACKED = 256 * 2**20
MAX_MEMBERS = 1000
BLOCK = 512
CHUNK = 2**20
FILES, FOLDERS, REMARKS = (b"0", b"\0"), (b"5",), (b"x", b"g", b"L", b"K")
REDO = "Get the archive again from its source."


@dataclass(frozen=True)
class _Header:
    name: str
    kind: bytes
    size: int


class _Stream:
    """The unpacked bytes of an archive, of which no more than `MAX_UNPACKED` are read."""

    def __init__(self, path: Path, file: gzip.GzipFile) -> None:
        self.path, self.file, self.left = path, file, MAX_UNPACKED

    def read_exactly(self, size: int) -> bytes:
        """The next bytes, all of them."""
        if size > self.left:
            raise TooBig(f"{self.path}: unpacks to more than {MAX_UNPACKED:,} bytes, the limit. {REDO}")
        data = self.file.read(size)
        self.left -= len(data)
        if len(data) < size:
            raise Damaged(f"{self.path}: the archive ends before its end mark. {REDO}")
        return data

    def skip(self, size: int) -> None:
        """Pass over the next bytes, a chunk at a time."""
        while size > 0:
            size -= len(self.read_exactly(min(size, CHUNK)))


def read_members(path: Path, wanted: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Read some files of an archive, in the order of the archive.

    Args:
        path: Archive to read.
        wanted: Largest number of bytes of each wanted file, by its path inside the archive.

    Yields:
        The name and the bytes of each wanted file.

    Raises:
        Missing: If the archive is not there or cannot be read.
        Damaged: If it is truncated, a checksum differs, or a file is there twice.
        Unsupported: If it holds links or devices.
        TooBig: If it is over `MAX_UNPACKED` or `MAX_MEMBERS`, or a file is over its limit.
        BadInput: If a name leads outside.
    """
    try:
        with gzip.open(path) as file:
            yield from _members(_Stream(path, file), wanted)
    except AdvnetsError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Damaged(f"{path}: found bytes that are not gzip's, or too few of them ({error}). {REDO}") from error
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror or error}). Check the path and permissions.") from error


def _members(stream: _Stream, wanted: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    for _ in range(MAX_MEMBERS):
        block = stream.read_exactly(BLOCK)
        if not any(block):
            return
        header = _header(stream.path, block)
        padding = -header.size % BLOCK
        if header.kind not in FILES or header.name not in wanted:
            stream.skip(header.size + padding)
            continue
        if header.name in seen:
            raise Damaged(f"{stream.path}: has {header.name!r} twice. {REDO}")
        seen.add(header.name)
        if header.size > wanted[header.name]:
            raise TooBig(
                f"{stream.path}: {header.name!r} has {header.size:,} bytes, expected at most {wanted[header.name]:,}. "
                f"{REDO}"
            )
        yield header.name, stream.read_exactly(header.size)
        stream.skip(padding)
    raise TooBig(f"{stream.path}: has more than {MAX_MEMBERS:,} members, the limit. {REDO}")


def _header(path: Path, block: bytes) -> _Header:
    claimed = _octal(path, block[148:156])
    if claimed != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]):
        raise Damaged(f"{path}: a header in the archive has another checksum than it claims. {REDO}")
    prefix = block[345:500].split(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    name = b"/".join(part for part in (prefix, block[:100].split(b"\0")[0]) if part).decode("latin-1")
    header = _Header(name.removeprefix("./"), block[156:157], _octal(path, block[124:136]))
    if header.kind in REMARKS:
        return header
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        raise BadInput(f"{path}: found a member {name[:100]!r}, which leads outside the archive. {REDO}")
    if header.kind not in FILES + FOLDERS:
        raise Unsupported(
            f"{path}: member {name[:100]!r} is a link, a device or the like (type {header.kind!r}), expected files and "
            f"folders. {REDO}"
        )
    return header


def _octal(path: Path, text: bytes) -> int:
    digits = text.rstrip(b"\0 ").lstrip(b" ")
    # `int` also takes a sign, and a size below 0 would lift every limit.
    if not re.fullmatch(rb"[0-7]*", digits):
        raise Damaged(f"{path}: a header in the archive has {text!r} for a number. {REDO}")
    return int(digits or b"0", 8)
