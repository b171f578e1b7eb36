"""Forcing names to the disk, so that a renamed file is there after a power cut; and opening files that cannot hang."""

import os
import stat
from pathlib import Path
from typing import IO

from advnets.errors import Unsupported


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, where the platform can.

    Args:
        folder: The folder.
    """
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_regular_file(path: Path) -> IO[bytes]:
    """Open a file to read its bytes; a pipe, a socket or a device is refused, as reading it may never end.

    Args:
        path: Path of the file; links are followed.

    Returns:
        The file at its start.

    Raises:
        Unsupported: If it is a pipe, a socket or a device.
        OSError: If it cannot be opened.
    """
    expect_regular(path)
    # Opened without waiting for a writer, and looked at again: a pipe may have come between.
    descriptor = os.open(
        path, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
    )
    try:
        _refuse_special(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def expect_regular(path: Path) -> None:
    """Refuse a pipe, a socket or a device where a file or a folder is expected.

    Args:
        path: Path to look at; links are followed. Nothing need be there.

    Raises:
        Unsupported: If it is a pipe, a socket or a device.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    _refuse_special(path, mode)


def _refuse_special(path: Path, mode: int) -> None:
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    if (kind := kinds.get(stat.S_IFMT(mode))) is not None:
        raise Unsupported(f"{path}: is {kind}, expected a file or a folder. Write what it yields to a file first.")
