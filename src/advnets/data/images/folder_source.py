"""The image files of a folder, listed without being opened: names, sizes and times."""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from advnets.data.images.decode_image import SUFFIXES
from advnets.errors import BadInput, Damaged, Missing, TooBig

LABELS_FILE = "dataset.json"
MAX_FILE = 2**26
"""Bytes of one image file."""
MAX_DEPTH, MAX_ENTRIES = 64, 10_000_000
"""Of a folder, links followed."""


@dataclass(frozen=True)
class FileEntry:
    """A file: its path inside the folder or archive with "/" between parts, its bytes, and what changes with them.

    stamp: time of the last change in ns, or the CRC that an archive has for it.
    """

    name: str
    size: int
    stamp: int


@dataclass(frozen=True)
class FileListing:
    """What a folder or archive holds.

    images: sorted by name. labels_file: dataset.json, where there is one. others: files of other kinds, by ending.
    """

    images: tuple[FileEntry, ...]
    labels_file: FileEntry | None
    others: Mapping[str, int]


class ImageSource(Protocol):
    """Where image files are read from."""

    @property
    def path(self) -> Path:
        """Of the folder or the archive."""

    @property
    def files(self) -> FileListing:
        """What is there."""

    def full_name(self, name: str) -> str:
        """A file's name as the errors say it."""

    def open_file(self, name: str) -> IO[bytes]:
        """A file at its start; raises BadInput if it cannot be read."""

    def read(self, name: str) -> bytes:
        """The bytes of a file; raises BadInput if it cannot be read, TooBig over `MAX_FILE`."""

    def hold_open(self) -> AbstractContextManager[None]:
        """Within it, files can be read."""


class FolderSource:
    """A folder of image files, in folders of its own or not. Names that begin with a dot are not looked at."""

    def __init__(self, path: Path) -> None:
        """List a folder; raises Missing or BadInput if it cannot be listed."""
        self.path = path
        self.files = sort_out(_walk(path, path, (), count()))

    def full_name(self, name: str) -> str:
        """A file's name as the errors say it."""
        return str(self.path / name)

    def open_file(self, name: str) -> IO[bytes]:
        """A file at its start; raises Damaged if it cannot be read."""
        try:
            return (self.path / name).open("rb")
        except OSError as error:
            raise _unreadable(self.full_name(name), error) from error

    def read(self, name: str) -> bytes:
        """The bytes of a file; raises Damaged if it cannot be read, TooBig over `MAX_FILE`."""
        try:
            with self.open_file(name) as file:
                content = file.read(MAX_FILE + 1)
        except OSError as error:
            raise _unreadable(self.full_name(name), error) from error
        if len(content) > MAX_FILE:
            raise too_long(self.full_name(name), len(content))
        return content

    @contextmanager
    def hold_open(self) -> Iterator[None]:
        """Nothing needs to be held open."""
        yield


def sort_out(items: Iterator[FileEntry]) -> FileListing:
    """The listing of these files."""
    images: list[FileEntry] = []
    labels_file, others = None, Counter[str]()
    for item in items:
        suffix = PurePosixPath(item.name).suffix.lower()
        if suffix in SUFFIXES:
            images.append(item)
        elif item.name == LABELS_FILE:
            labels_file = item
        else:
            others[suffix or "no ending"] += 1
    return FileListing(tuple(sorted(images, key=lambda item: item.name)), labels_file, dict(others.most_common()))


def is_hidden(name: str) -> bool:
    """Whether systems put such names beside a user's files: .DS_Store, .ipynb_checkpoints, __MACOSX."""
    return name.startswith(".") or name == "__MACOSX"


def too_long(where: str, size: int) -> TooBig:
    """The error for a file of too many bytes."""
    return TooBig(f"{where}: has {size:,} bytes or more, the limit is {MAX_FILE:,}. Save it smaller.")


def _walk(
    folder: Path, root: Path, above: tuple[tuple[int, int], ...], entry_numbers: Iterator[int]
) -> Iterator[FileEntry]:
    """The files below a folder; those of a linked folder wherever a link to it is, unless it leads back up.

    above: device and inode of the folders that this one lies in. entry_numbers: of all entries so far.
    """
    try:
        own = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        raise Missing(f"{folder}: there is no such folder. Check the path.") from None
    except OSError as error:
        raise BadInput(f"{folder}: cannot be listed ({error.strerror}). Check its permissions.") from error
    here = (own.st_dev, own.st_ino)
    if here in above:
        return
    if len(above) == MAX_DEPTH:
        raise TooBig(f"{folder}: lies {MAX_DEPTH} folders deep, the limit. Put the images, or links, further up.")
    for entry in entries:
        # Links to folders of links multiply: a few of them are more folders than can be walked through.
        if next(entry_numbers) == MAX_ENTRIES:
            raise TooBig(f"{root}: found more than {MAX_ENTRIES:,} files and folders, the limit. Use fewer links.")
        if is_hidden(entry.name):
            continue
        told = _stat_entry(entry)
        if told and stat.S_ISDIR(told.st_mode):
            yield from _walk(Path(entry.path), root, (*above, here), entry_numbers)
        elif told and stat.S_ISREG(told.st_mode):
            yield FileEntry(Path(entry.path).relative_to(root).as_posix(), told.st_size, told.st_mtime_ns)
        else:
            yield FileEntry(f"{Path(entry.path).relative_to(root).as_posix()}.not-a-file", 0, 0)


def _stat_entry(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What an entry is, links followed; None where they lead nowhere."""
    try:
        return entry.stat()
    except OSError:
        return None


def _unreadable(where: str, error: OSError) -> Damaged:
    return Damaged(f"{where}: cannot be read ({error.strerror or error}). Check the disk and permissions.")
