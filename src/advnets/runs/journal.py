"""The journal: one line of JSON an entry, each written by one system call."""

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advnets.errors import Damaged
from advnets.runs.files import cannot_write, read_regular, sync_folder, write_bytes


@dataclass(frozen=True)
class Journal:
    """journal.jsonl of a run."""

    path: Path

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add a line, whole or not at all as far as the system keeps its word."""
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
        """Force the lines so far to the disk: before a checkpoint, which the journal must not fall behind."""
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
        """The entries; a torn last line is passed over. Raises Damaged for any other line that is none."""
        try:
            lines = read_regular(self.path).splitlines(keepends=True) if self.path.exists() else []
        except OSError as error:
            raise Damaged(f"{self.path} cannot be read: {error.strerror}") from error
        entries = []
        for number, line in enumerate(lines, start=1):
            try:
                entries.append(_entry(line))
            except (ValueError, RecursionError) as error:
                if number < len(lines):
                    raise Damaged(f"{self.path}, line {number} is not JSON of a step") from error
        return entries

    def cut(self, step: int) -> None:
        """Drop the entries after a step, which a resumed run will write again."""
        kept = [entry for entry in self.read() if entry["step"] <= step]
        write_bytes(self.path, "".join(json.dumps(entry) + "\n" for entry in kept).encode())


def _entry(line: bytes) -> dict[str, Any]:
    entry = json.loads(line)
    if not isinstance(entry, dict) or type(entry.get("step")) is not int:
        raise ValueError("found no step")
    return entry
