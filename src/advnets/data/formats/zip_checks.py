"""Checks of a zip archive before anything in it is unpacked.

The zip reader of Python's library, before 3.11.8 and 3.12.2, accepts entries that overlap (CVE-2024-0450). It lists a
million entries before it says how many there are, and it refuses neither bombs nor hostile names.
"""

import bisect
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from advnets.disk import open_regular_file
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig, Unsupported

MAX_RATIO = 200  # of an entry over 1 MiB: images worth learning shrink to a tenth, bombs to a thousandth
MAX_NAME = 1024
DRIVE = re.compile("[A-Za-z]:(?! )")
"""A drive of Windows at the start of a name; "a: first.png" has none."""
LOCAL_HEADER = 30  # bytes; PKWARE, "APPNOTE.TXT", section 4.3.7
END, END_SIZE = b"PK\5\6", 22  # section 4.3.16
END_64, END_64_SIZE, LOCATOR_SIZE = b"PK\6\6", 56, 20  # sections 4.3.14 and 4.3.15
ENTRY = 46  # bytes of a directory's entry beside its name; section 4.3.12
REDO = "Copy the file again from its source, or write it again."
# What zipfile and zlib raise on bytes that are not a zip archive; MemoryError and the like are not among them.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, KeyError, RuntimeError, OverflowError)


@contextmanager
def translate_errors(where: str, redo: str = REDO) -> Iterator[None]:
    """Turn what the zip reader raises within a `with` into our errors.

    Args:
        where: What the errors call the archive.
        redo: What they say to do.

    Yields:
        Nothing.

    Raises:
        Missing: If the file is not there.
        Unsupported: If it is packed in a way that is not read.
        Damaged: If it is broken.
    """
    try:
        yield
    except AdvnetsError:
        raise
    except FileNotFoundError:
        raise Missing(f"{where}: there is no such file. Check the path.") from None
    except NotImplementedError as error:
        raise Unsupported(f"{where}: packed in a way that is not read ({error}). {redo}") from error
    except BROKEN as error:
        raise Damaged(f"{where}: the archive is broken ({str(error)[:120]}). {redo}") from error
    except OSError as error:
        raise Damaged(f"{where}: cannot be read ({error.strerror or error}). {redo}") from error


def check_count(path: Path, most: int, kind: str) -> None:
    """Check how many entries an archive claims to have, before they are listed.

    Args:
        path: Archive to check.
        most: Largest number of entries.
        kind: What the error calls an entry.

    Raises:
        TooBig: If it claims more entries, or a directory of more bytes than so many entries take.
    """
    count, size = _read_claims(path)
    if count > most or size > most * (ENTRY + MAX_NAME):
        found = max(count, size // (ENTRY + MAX_NAME))
        raise TooBig(f"{path}: found {found:,} {kind}s or more, the limit is {most:,}. Keep fewer.")


def check_entry(path: Path, info: zipfile.ZipInfo, kind: str, redo: str = REDO) -> None:
    """Refuse an entry that no honest archive has, by its name, its kind, its packing or its ratio.

    Args:
        path: Archive, for the errors.
        info: Entry to check.
        kind: What the errors call an entry.
        redo: What they say to do.

    Raises:
        BadInput: If the name is hostile, or the entry is a link or a device.
        Unsupported: If it is encrypted, or packed by another method than deflate.
        TooBig: If it unpacks to more than `MAX_RATIO` times its bytes.
    """
    name = info.filename
    if is_hostile(info.orig_filename) or is_hostile(name):
        raise BadInput(f"{path}: found an entry {name[:80]!r}, expected names inside the archive only. {redo}")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadInput(f"{path}: {kind} {name!r} is a link or a device, expected files only. {redo}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unsupported(f"{path}: {kind} {name!r} is packed by method {info.compress_type}, expected deflate. {redo}")
    if info.flag_bits & 0x1:
        raise Unsupported(f"{path}: {kind} {name!r} is encrypted. Save it without a password.")
    if info.file_size > 2**20 and info.file_size > MAX_RATIO * info.compress_size:
        raise TooBig(
            f"{path}: {kind} {name!r} unpacks {info.compress_size:,} bytes to {info.file_size:,}, over {MAX_RATIO} "
            "times as many, as no images do. If it is really yours, save it without compression."
        )


def is_hostile(name: str) -> bool:
    """Return whether an entry's name leads out of the archive or to a drive, or is a name that no file can have.

    Args:
        name: Name of the entry; backslashes are read as slashes.
    """
    path = name.replace("\\", "/")
    outside = path.startswith("/") or ".." in path.split("/") or DRIVE.match(path) is not None
    return outside or "\0" in name or not 0 < len(name) <= MAX_NAME


def check_overlap(
    path: Path, archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo], kind: str, redo: str = REDO
) -> None:
    """Refuse entries that share bytes, by which small archives unpack to vast ones.

    D. Fifield, "A better zip bomb" (WOOT 2019).

    Args:
        path: Archive to check.
        archive: The same archive, open.
        infos: Its entries.
        kind: What the errors call an entry.
        redo: What they say to do.

    Raises:
        Damaged: If entries overlap.
    """
    offsets = sorted(info.header_offset for info in infos)
    ends = [*offsets, archive.start_dir]
    if len(set(offsets)) < len(offsets):
        raise Damaged(f"{path}: two {kind}s are the same bytes, one overlaps the other. {redo}")
    with path.open("rb") as file:
        for info in infos:
            file.seek(info.header_offset)
            local = file.read(LOCAL_HEADER)
            if len(local) < LOCAL_HEADER:
                raise Damaged(f"{path}: {kind} {info.filename!r} starts beyond the end of the file. {redo}")
            name_length, extra_length = struct.unpack("<HH", local[26:30])
            end = info.header_offset + LOCAL_HEADER + name_length + extra_length + info.compress_size
            place = bisect.bisect_right(ends, info.header_offset)
            if place == len(ends) or end > ends[place]:
                raise Damaged(f"{path}: {kind} {info.filename!r} overlaps what follows it in the archive. {redo}")


def _read_claims(path: Path) -> tuple[int, int]:
    """Entries and bytes of the directory, by the record at the archive's end; zeros where there is none."""
    with open_regular_file(path) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2**16 - END_SIZE - LOCATOR_SIZE - END_64_SIZE))
        tail = file.read()
    place = tail.rfind(END)
    if place < 0 or place + END_SIZE > len(tail):
        return 0, 0
    count, directory = struct.unpack("<HI", tail[place + 10 : place + 16])
    longer = tail.rfind(END_64, 0, place)
    if longer >= 0 and longer + END_64_SIZE <= len(tail):
        count_64, directory_64 = struct.unpack("<QQ", tail[longer + 32 : longer + 48])
        count, directory = max(count, count_64), max(directory if directory < 2**32 - 1 else 0, directory_64)
    return count, directory
