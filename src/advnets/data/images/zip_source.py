"""The image files of a zip archive, read in place: nothing is ever extracted."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from advnets.data.formats.zip_checks import MAX_RATIO, REDO, check_count, check_entry, check_overlap, translate_errors
from advnets.data.images.folder_source import MAX_FILE, FileEntry, FileListing, is_hidden, sort_out, too_long
from advnets.errors import Damaged, TooBig

MAX_ENTRIES = 250_000
SMALL = 2**30
"""Bytes that any archive may unpack to, whatever its ratio."""


class ZipSource:
    """A zip archive of image files. A folder that everything in it lies in is left out of the names."""

    def __init__(self, path: Path) -> None:
        """List an archive after every check that needs its directory alone.

        Raises Missing, Damaged (not a zip, truncated, overlapping), TooBig (`MAX_ENTRIES`, a bomb), Unsupported
        (encrypted or packed oddly) or BadInput (names that lead elsewhere, links).
        """
        self.path = path
        self._entries: dict[str, zipfile.ZipInfo] = {}
        with translate_errors(str(path)):
            check_count(path, MAX_ENTRIES, "file")
            with zipfile.ZipFile(path) as archive:
                self._entries = _check_archive(path, archive)
        self._archive: zipfile.ZipFile | None = None
        self.files: FileListing = sort_out(
            FileEntry(name, info.file_size, info.CRC) for name, info in self._entries.items() if not _is_clutter(name)
        )

    def full_name(self, name: str) -> str:
        """A file's name as the errors say it."""
        return f"{self.path}: {name}"

    @contextmanager
    def hold_open(self) -> Iterator[None]:
        """Keep the archive open; `open_archive` and `read` work within only."""
        with translate_errors(str(self.path)):
            self._archive = zipfile.ZipFile(self.path)
        try:
            yield
        finally:
            self._archive.close()
            self._archive = None

    def open_file(self, name: str) -> IO[bytes]:
        """The unpacked bytes of a file as a stream."""
        return BytesIO(self.read(name))

    def read(self, name: str) -> bytes:
        """The unpacked bytes of a file; raises Damaged if its sum or size does not match, TooBig over `MAX_FILE`."""
        info = self._entries[name]
        if info.file_size > MAX_FILE:
            raise too_long(self.full_name(name), info.file_size)
        assert self._archive is not None, "read within hold_open()"
        with translate_errors(self.full_name(name)), self._archive.open(info) as stream:
            # No more is unpacked than the directory says; the sum is checked at that many bytes.
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
        if info.filename in entries:
            raise Damaged(f"{path}: has two files {info.filename!r}. {REDO}")
        entries[info.filename] = info
    check_overlap(path, archive, infos, "file")
    total, packed = sum(info.file_size for info in infos), path.stat().st_size
    if total > SMALL and total > MAX_RATIO * packed:
        raise TooBig(
            f"{path}: unpacks {packed:,} bytes to {total:,}, over {MAX_RATIO} times as many. Unpack it yourself."
        )
    files = {name: info for name, info in entries.items() if not info.is_dir()}
    return _without_wrapper(files)


def _without_wrapper(files: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The files by their names below the one folder that they all lie in, as archivers make of `photos/`."""
    tops = {name.partition("/")[0] for name in files if not _is_clutter(name)}
    if len(tops) != 1 or any("/" not in name for name in files if not _is_clutter(name)):
        return files
    top = f"{tops.pop()}/"
    return {name.removeprefix(top): info for name, info in files.items()}


def _is_clutter(name: str) -> bool:
    return any(is_hidden(part) for part in name.split("/"))
