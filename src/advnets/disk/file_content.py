"""What a file holds, and how it is filled and forced to the disk before it has its name."""

import os
import uuid
from collections.abc import Callable
from typing import IO

Content = bytes | Callable[[IO[bytes]], object]
"""Bytes of a file, or what writes them into it."""


def temporary_name() -> str:
    """Return a new name for a file or folder that is not whole yet.

    Returns:
        The name, which no other process makes.
    """
    return f".tmp-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def fill_file(file: IO[bytes], content: Content, *, force: bool = True) -> None:
    """Write a file's content.

    Args:
        file: The file, open for writing.
        content: Its content.
        force: Whether it is forced to the disk.

    Raises:
        OSError: If the disk fails or is full.
    """
    if isinstance(content, bytes):
        file.write(content)
    else:
        content(file)
    file.flush()
    if force:
        os.fsync(file.fileno())
