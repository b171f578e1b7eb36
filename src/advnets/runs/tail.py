"""What is new in a list of lines since a reader looked last, by a cursor that the reader keeps itself."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from advnets.disk import Folder
from advnets.runs.journal import LONGEST_LINE

PART = 2 * 2**20
"""Most bytes that are read at once; more than a line may have."""
BEFORE = 128
"""Bytes before a cursor by which it is known that the file is still the one that was read."""
CURSOR = re.compile(r"(\d{1,18})-([0-9a-f]{16})")


@dataclass(frozen=True)
class Tail:
    """The next lines of a file.

    Attributes:
        entries: Their JSON objects.
        cursor: Where the next call goes on.
        is_anew: Whether they are the first of the file, because there was no cursor or the file is another one by now:
            a run that is resumed writes its journal anew, up to its checkpoint.
        is_more: Whether there are more lines already.
        broken: How many of the lines were no JSON objects, and are left out.
    """

    entries: list[dict[str, Any]]
    cursor: str
    is_anew: bool
    is_more: bool
    broken: int = 0


def read_tail(folder: Folder, name: str, cursor: str = "") -> Tail:
    """Return the lines that a file has behind a cursor; a last line that is not whole yet is left for later.

    Nothing is remembered here: a reader that keeps the cursor loses no line if this process ends.

    Args:
        folder: The run's directory, held open.
        name: Name of the file, such as "journal.jsonl".
        cursor: Where the reader stopped, "" at the first call.

    Returns:
        The lines; none of a file that is not there.

    Raises:
        OSError: If the file cannot be read, or is no regular file.
    """
    found = CURSOR.fullmatch(cursor)
    offset, digest = (int(found[1]), found[2]) if found else (0, "")
    if folder.status(name) is None:
        return Tail([], "", is_anew=bool(offset), is_more=False)
    with folder.open_file(name) as file:
        is_same = offset > 0 and _digest_before(file, offset) == digest
        offset = offset if is_same else 0
        file.seek(offset)
        content = file.read(PART)
        end = content.rfind(b"\n") + 1
        if not end and len(content) == PART:  # a line that is too long is passed over
            end = PART
        values = [_object(line) for line in content[:end].splitlines()]
        entries = [value for value in values if value is not None]
        offset += end
        cursor = f"{offset}-{_digest_before(file, offset)}" if offset else ""
        is_more = len(content) == PART
    return Tail(entries, cursor, is_anew=not is_same, is_more=is_more, broken=len(values) - len(entries))


def read_last(folder: Folder, name: str) -> Mapping[str, Any]:
    """Return the last whole line of a file that is a JSON object; an empty one where there is none.

    Args:
        folder: The run's directory, held open.
        name: Name of the file.

    Returns:
        The object.

    Raises:
        OSError: If the file cannot be read, or is no regular file.
    """
    return next(reversed(read_last_lines(folder, name)), {})


def read_last_lines(folder: Folder, name: str) -> list[Mapping[str, Any]]:
    """Return the last whole lines of a file that are JSON objects: those of its last 64 KiB.

    Args:
        folder: The run's directory, held open.
        name: Name of the file.

    Returns:
        The objects in their order; none where there is no file.

    Raises:
        OSError: If the file cannot be read, or is no regular file.
    """
    if folder.status(name) is None:
        return []
    with folder.open_file(name) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2**16))
        lines = file.read().split(b"\n")[:-1]
    return [value for value in map(_object, lines) if value is not None]


def _digest_before(file: Any, offset: int) -> str:
    begin = max(0, offset - BEFORE)
    file.seek(begin)
    read = file.read(offset - begin)
    return hashlib.sha256(read).hexdigest()[:16] if len(read) == offset - begin else "none"


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line) if len(line) < LONGEST_LINE else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
