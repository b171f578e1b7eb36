"""The journal: one line of JSON for each entry, which is written by one system call."""

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advnets.disk import sync_folder
from advnets.errors import Damaged
from advnets.runs.files import cannot_write, read_regular, write_bytes


@dataclass(frozen=True)
class Journal:
    """A file with one line of JSON for each entry, such as journal.jsonl of a run.

    Attributes:
        path: Path of the file.
    """

    path: Path

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add a line, whole or not at all as far as the system keeps its word.

        Args:
            entry: What the line says, with its `step`.

        Raises:
            CannotWrite: If the disk fails or is full.
        """
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                line = (json.dumps(entry) + "\n").encode()
                if os.write(descriptor, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def sync(self) -> None:
        """Force the lines to the disk; this comes before a checkpoint, which the journal must not fall behind.

        Raises:
            CannotWrite: If the disk fails or is full.
        """
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_folder(self.path.parent)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def read(self) -> list[dict[str, Any]]:
        """Return the entries; a torn last line is left out.

        Raises:
            Damaged: If any other line is not an entry, or the file cannot be read.
        """
        for number in self.broken_lines():
            raise Damaged(f"{self.path}, line {number} is not JSON with a step. Resume the run, which drops the line.")
        return [entry for entry in self._entries() if entry is not None]

    def broken_lines(self) -> list[int]:
        """Return the numbers, from 1, of the lines that are not entries; a torn last one is left out."""
        return [number for number, entry in enumerate(self._entries()[:-1], start=1) if entry is None]

    def drop_after(self, step: int) -> None:
        """Drop the entries after a step, which a resumed run will write again, and the lines that are not entries.

        Args:
            step: The last step whose entries stay.

        Raises:
            CannotWrite: If the disk fails or is full.
        """
        kept = [entry for entry in self._entries() if entry is not None and entry["step"] <= step]
        write_bytes(self.path, "".join(json.dumps(entry) + "\n" for entry in kept).encode())

    def _entries(self) -> list[dict[str, Any] | None]:
        try:
            return [_entry(line) for line in read_regular(self.path).splitlines()] if self.path.exists() else []
        except OSError as error:
            raise Damaged(f"{self.path} cannot be read: {error.strerror}") from error


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and type(entry.get("step")) is int else None
