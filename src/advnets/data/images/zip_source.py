"""A zip archive of image files, read in place: nothing is extracted to disk."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from advnets.data.formats.zip_checks import MAX_RATIO, REDO, check_count, check_entry, check_overlap, translate_errors
from advnets.data.images.folder_source import MAX_FILE, FileEntry, FileListing, is_hidden, size_error, sort_files
from advnets.errors import Damaged, TooBig

MAX_ENTRIES = 250_000
SMALL = 2**30
"""Bytes to which any archive may unpack, whatever its ratio."""


class ZipSource:
    """A zip archive of image files. Backslashes in names separate folders, as some programs of Windows write them.

    Args:
        path: Path of the archive, which is listed after every check that needs its directory alone.

    Raises:
        Missing: If it is not there.
        Damaged: If it is not a zip, truncated or overlapping.
        TooBig: If there are more than `MAX_ENTRIES` files, or it unpacks to far more than its size.
        Unsupported: If it is encrypted or packed by another method than deflate.
        BadInput: If it holds links, or names that lead elsewhere.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, zipfile.ZipInfo] = {}
        with translate_errors(str(path)):
            check_count(path, MAX_ENTRIES, "file")
            with zipfile.ZipFile(path) as archive:
                self._entries = _check_archive(path, archive)
        self._archive: zipfile.ZipFile | None = None
        self.files: FileListing = sort_files(
            FileEntry(name, info.file_size, info.CRC) for name, info in self._entries.items() if not _is_clutter(name)
        )

    def full_name(self, name: str) -> str:
        """Return what the errors call a file.

        Args:
            name: Name of the file in `files`.
        """
        return f"{self.path}: {self.files.wrapper}{name}"

    @contextmanager
    def hold_open(self) -> Iterator[None]:
        """Keep the archive open within a `with`; `open_file` and `read` work there only.

        Yields:
            Nothing.
        """
        with translate_errors(str(self.path)):
            self._archive = zipfile.ZipFile(self.path)
        try:
            yield
        finally:
            self._archive.close()
            self._archive = None

    def open_file(self, name: str) -> IO[bytes]:
        """Open the unpacked bytes of a file as a stream.

        Args:
            name: Name of the file in `files`.
        """
        return BytesIO(self.read(name))

    def read(self, name: str) -> bytes:
        """Read the unpacked bytes of a file.

        Args:
            name: Name of the file in `files`.

        Raises:
            Damaged: If its checksum or size does not match.
            TooBig: If there are more than `MAX_FILE`.
        """
        info = self._entries[self.files.wrapper + name]
        if info.file_size > MAX_FILE:
            raise size_error(self.full_name(name), info.file_size)
        assert self._archive is not None, "read within hold_open()"
        with translate_errors(self.full_name(name)), self._archive.open(info) as stream:
            # No more is unpacked than the directory claims; the checksum is verified at that many bytes.
            content = stream.read(info.file_size + 1)
        if len(content) != info.file_size:
            raise Damaged(f"{self.full_name(name)}: has {len(content):,} bytes, expected {info.file_size:,}. {REDO}")
        return content


def _check_archive(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise TooBig(f"{path}: found {len(infos):,} files, the limit is {MAX_ENTRIES:,}. Unpack it to a folder.")
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        check_entry(path, info, "file")
        name = info.filename.replace("\\", "/")
        if name in entries:
            raise Damaged(f"{path}: has two files {name!r}. {REDO}")
        entries[name] = info
    check_overlap(path, archive, infos, "file")
    total, packed = sum(info.file_size for info in infos), path.stat().st_size
    if total > SMALL and total > MAX_RATIO * packed:
        raise TooBig(
            f"{path}: unpacks {packed:,} bytes to {total:,}, over {MAX_RATIO} times as many. Unpack it yourself."
        )
    return {name: info for name, info in entries.items() if not name.endswith("/")}


def _is_clutter(name: str) -> bool:
    return any(is_hidden(part) for part in name.split("/"))
