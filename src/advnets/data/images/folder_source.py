"""Where image files are read from, and a folder of them, listed by names, sizes and times."""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from advnets.data.images.decode_image import SUFFIXES
from advnets.data.images.layout import is_split_name
from advnets.disk import open_regular_file
from advnets.errors import BadInput, Damaged, Missing, TooBig

LABELS_FILE = "dataset.json"
MAX_FILE = 2**26
"""Largest number of bytes of one image file."""
MAX_DEPTH, MAX_ENTRIES = 64, 10_000_000
"""Limits of a folder, links followed."""
MANY_FILES, LEAST_SHARE = 1_000_000, 0.01
"""Files after which a folder is given up if fewer than this share are images: it is a disk, not a data set."""


@dataclass(frozen=True)
class FileEntry:
    """A file of a folder or an archive.

    Attributes:
        name: Path inside the folder or archive, with "/" between parts.
        size: Number of bytes.
        stamp: Time of the last change in ns, or the CRC that an archive has for it.
    """

    name: str
    size: int
    stamp: int


@dataclass(frozen=True)
class FileListing:
    """The files of a folder or archive.

    Attributes:
        images: Image files, sorted by name.
        labels_file: The dataset.json, where there is one.
        others: Number of files of other kinds, by ending.
        wrapper: Folders in which all images lie, "photos/2024/", or "". The names of the files leave them out.
    """

    images: tuple[FileEntry, ...]
    labels_file: FileEntry | None
    others: Mapping[str, int]
    wrapper: str = ""


class ImageSource(Protocol):
    """A folder or an archive from which image files are read."""

    @property
    def path(self) -> Path:
        """Path of the folder or the archive."""

    @property
    def files(self) -> FileListing:
        """The files that are there."""

    def full_name(self, name: str) -> str:
        """Return what the errors call a file.

        Args:
            name: Name of the file in `files`.
        """

    def open_file(self, name: str) -> IO[bytes]:
        """Open a file at its start.

        Args:
            name: Name of the file in `files`.

        Raises:
            BadInput: If it cannot be read.
        """

    def read(self, name: str) -> bytes:
        """Read the bytes of a file.

        Args:
            name: Name of the file in `files`.

        Raises:
            BadInput: If it cannot be read.
            TooBig: If there are more than `MAX_FILE`.
        """

    def hold_open(self) -> AbstractContextManager[None]:
        """Return a context within which files can be read."""


class FolderSource:
    """A folder of image files and of folders of them; names that begin with a dot are passed over.

    Args:
        path: Path of the folder.

    Raises:
        Missing: If it is not there.
        BadInput: If it cannot be listed, or few of its first `MANY_FILES` files are images.
        TooBig: If it is deeper than `MAX_DEPTH`, or has more than `MAX_ENTRIES`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = sort_files(_expect_images(path, _walk(path, path, (), count())))
        self._inner = path / self.files.wrapper

    def full_name(self, name: str) -> str:
        """Return what the errors call a file.

        Args:
            name: Name of the file in `files`.
        """
        return str(self._inner / name)

    def open_file(self, name: str) -> IO[bytes]:
        """Open a file at its start.

        Args:
            name: Name of the file in `files`.

        Raises:
            Damaged: If it cannot be read.
            Unsupported: If it has become a pipe or a device.
        """
        try:
            return open_regular_file(self._inner / name)
        except OSError as error:
            raise _read_error(self.full_name(name), error) from error

    def read(self, name: str) -> bytes:
        """Read the bytes of a file.

        Args:
            name: Name of the file in `files`.

        Raises:
            Damaged: If it cannot be read.
            TooBig: If there are more than `MAX_FILE`.
        """
        try:
            with self.open_file(name) as file:
                content = file.read(MAX_FILE + 1)
        except OSError as error:
            raise _read_error(self.full_name(name), error) from error
        if len(content) > MAX_FILE:
            raise size_error(self.full_name(name), len(content))
        return content

    @contextmanager
    def hold_open(self) -> Iterator[None]:
        """Return a context that does nothing, as a folder need not be kept open."""
        yield


def sort_files(entries: Iterator[FileEntry]) -> FileListing:
    """Sort files into images, labels and others, and find the folders in which all images lie.

    Args:
        entries: Files in any order.

    Returns:
        The files, with the images sorted by name.
    """
    images: list[FileEntry] = []
    labels_files, others = dict[str, FileEntry](), Counter[str]()
    for entry in entries:
        suffix = _suffix(entry)
        if suffix in SUFFIXES:
            images.append(entry)
        elif PurePosixPath(entry.name).name == LABELS_FILE:
            labels_files[entry.name.removesuffix(LABELS_FILE)] = entry
        else:
            others[suffix or "no ending"] += 1
    images.sort(key=lambda entry: entry.name)
    wrapper = _find_wrapper(images, labels_files)
    labels_file = labels_files.pop(wrapper, None)
    others.update({".json": len(labels_files)} if labels_files else {})
    return FileListing(
        tuple(_strip(entry, wrapper) for entry in images),
        None if labels_file is None else _strip(labels_file, wrapper),
        dict(others.most_common()),
        wrapper,
    )


def _find_wrapper(images: Sequence[FileEntry], labels_files: Mapping[str, FileEntry]) -> str:
    """The folders around all images, up to a dataset.json or a folder that is a split."""
    if not images:
        return ""
    wrapper = ""
    # Of sorted names, what the first and the last have in common, all have.
    for one, other in zip(*(image.name.split("/")[:-1] for image in (images[0], images[-1])), strict=False):
        if one != other or wrapper in labels_files or is_split_name(one):
            break
        wrapper += f"{one}/"
    return wrapper


def _strip(entry: FileEntry, wrapper: str) -> FileEntry:
    return replace(entry, name=entry.name.removeprefix(wrapper)) if wrapper else entry


def is_hidden(name: str) -> bool:
    """Return whether a name is one that systems put beside a user's files: .DS_Store, .ipynb_checkpoints, __MACOSX.

    Args:
        name: Name of a file or a folder, without its path.
    """
    return name.startswith(".") or name == "__MACOSX"


def size_error(where: str, size: int) -> TooBig:
    """Return the error for a file of too many bytes.

    Args:
        where: What the error calls the file.
        size: Number of bytes.
    """
    return TooBig(f"{where}: has {size:,} bytes or more, the limit is {MAX_FILE:,}. Save it smaller.")


def _walk(
    folder: Path, root: Path, above: tuple[tuple[int, int], ...], entry_numbers: Iterator[int]
) -> Iterator[FileEntry]:
    """The files below a folder; those of a linked folder wherever a link to it is, unless it leads back up.

    `above` are device and inode of the folders around this one; `entry_numbers` count all entries.
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
        status = _stat_entry(entry)
        if status and stat.S_ISDIR(status.st_mode):
            yield from _walk(Path(entry.path), root, (*above, here), entry_numbers)
        elif status and stat.S_ISREG(status.st_mode):
            yield FileEntry(Path(entry.path).relative_to(root).as_posix(), status.st_size, status.st_mtime_ns)
        else:
            kind = "broken link" if status is None else "pipe or device"
            yield FileEntry(f"{Path(entry.path).relative_to(root).as_posix()}.{kind}", 0, 0)


def _expect_images(root: Path, entries: Iterator[FileEntry]) -> Iterator[FileEntry]:
    """The files of a folder as they are; an error if so many were found that it is no folder of images."""
    images = 0
    for number, entry in enumerate(entries, start=1):
        images += _suffix(entry) in SUFFIXES
        if number == MANY_FILES and images < LEAST_SHARE * number:
            raise BadInput(
                f"{root}: found {images:,} images among the first {number:,} files, expected a folder of images. Name "
                "the folder that holds them."
            )
        yield entry


def _suffix(entry: FileEntry) -> str:
    return PurePosixPath(entry.name).suffix.lower()


def _stat_entry(entry: os.DirEntry[str]) -> os.stat_result | None:
    """The status of an entry, links followed; None where they lead nowhere."""
    try:
        return entry.stat()
    except OSError:
        return None


def _read_error(where: str, error: OSError) -> Damaged:
    return Damaged(f"{where}: cannot be read ({error.strerror or error}). Check the disk and permissions.")
