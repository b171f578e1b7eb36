"""The journal: one line of JSON for each entry, which is written by one system call, and read line by line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from advnets.disk import Folder
from advnets.errors import Damaged
from advnets.runs.files import cannot_write, open_folder

LONGEST_LINE = 2**20
"""Most bytes of a line; a longer one is no entry, and is never in memory as a whole."""

SKIPPED = 1 << 16
"""Bytes of a longer line that are passed over at once."""


@dataclass(frozen=True)
class Journal:
    """A file with one line of JSON for each entry, such as journal.jsonl of a run; it may be longer than the memory.

    Attributes:
        path: Path of the file.
        held: The run's folder, if it is held open: the file is then looked for in there. A link in its place is
            refused.
    """

    path: Path
    held: Folder | None = field(default=None, compare=False, repr=False)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add a line, whole or not at all as far as the system keeps its word.

        Args:
            entry: What the line says, with its `step`.

        Raises:
            CannotWrite: If the disk fails or is full.
            BadInput: If the file is a link.
        """
        try:
            with open_folder(self.path.parent, self.held) as folder:
                folder.refuse_links(self.path.name)
                folder.append(self.path.name, _line(entry))
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def sync(self) -> None:
        """Force the lines to the disk; this comes before a checkpoint, which the journal must not fall behind.

        Raises:
            CannotWrite: If the disk fails or is full.
            BadInput: If the file is a link.
        """
        try:
            with open_folder(self.path.parent, self.held) as folder:
                folder.refuse_links(self.path.name)
                folder.sync_file(self.path.name)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def read(self) -> list[dict[str, Any]]:
        """Return the entries; a torn last line is left out.

        Returns:
            The entries, in the order in which they were written.

        Raises:
            Damaged: If any other line is not an entry, or the file cannot be read.
        """
        return list(self.entries())

    def entries(self) -> Iterator[dict[str, Any]]:
        """Read the entries one after the other; a torn last line is left out.

        Yields:
            An entry.

        Raises:
            Damaged: If any other line is not an entry, or the file cannot be read.
        """
        broken: int | None = None
        for number, entry in self._numbered_entries():
            if broken is not None:
                raise Damaged(
                    f"{self.path}, line {broken} is not JSON with a step. Resume the run, which drops the line."
                )
            if entry is None:
                broken = number
            else:
                yield entry

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the numbers of all entries by name, as columns of one length.

        Returns:
            {name: array (entries,)}: `step` int64, all else float64 with NaN where an entry has no such number.

        Raises:
            Damaged: As `read` does.
        """
        entries = self.read()
        names = dict.fromkeys(name for entry in entries for name, value in entry.items() if _is_number(value))
        steps = np.array([entry["step"] for entry in entries], np.int64)
        rest = (name for name in names if name != "step")
        return {"step": steps} | {
            name: np.array([entry[name] if _is_number(entry.get(name)) else np.nan for entry in entries], np.float64)
            for name in rest
        }

    def broken_lines(self, most: int = 20) -> list[int]:
        """Return the numbers, from 1, of lines that are not entries; a torn last one is left out.

        Args:
            most: Most numbers that are returned.

        Returns:
            The first of them.
        """
        return list(islice(self._broken_lines(), most))

    def _broken_lines(self) -> Iterator[int]:
        broken: int | None = None
        for number, entry in self._numbered_entries():
            if broken is not None:
                yield broken
            broken = number if entry is None else None

    def drop_after(self, step: int) -> None:
        """Drop the entries after a step, which a resumed run will write again, and the lines that are not entries.

        Args:
            step: The last step whose entries stay.

        Raises:
            CannotWrite: If the disk fails or is full.
            BadInput: If the file is a link.
        """

        def write_kept(file: IO[bytes]) -> None:
            for _, entry in self._numbered_entries():
                if entry is not None and entry["step"] <= step:
                    file.write(_line(entry))

        try:
            with open_folder(self.path.parent, self.held) as folder:
                folder.refuse_links(self.path.name)
                folder.write(self.path.name, write_kept)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _numbered_entries(self) -> Iterator[tuple[int, dict[str, Any] | None]]:
        """The number of each line, from 1, and its entry, or None where it is none."""
        try:
            with open_folder(self.path.parent, self.held) as folder:
                if folder.status(self.path.name) is None:
                    return
                with folder.open_file(self.path.name) as file:
                    for number, line in enumerate(_lines(file), start=1):
                        yield number, _entry(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Damaged(f"{self.path} cannot be read: {error.strerror}") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file; of one that is too long there is its beginning, which is no entry."""
    while line := file.readline(LONGEST_LINE):
        is_cut = len(line) == LONGEST_LINE and not line.endswith(b"\n")
        yield line
        while is_cut:  # the rest goes by in small pieces, none of which is kept
            rest = file.readline(SKIPPED)
            is_cut = bool(rest) and not rest.endswith(b"\n")


def _line(entry: Mapping[str, Any]) -> bytes:
    return (json.dumps(entry) + "\n").encode()


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line) if len(line) < LONGEST_LINE else None
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and type(entry.get("step")) is int else None
