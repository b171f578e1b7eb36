"""Opening files that cannot hang: a pipe, a socket or a device in the place of a file is refused."""

import os
import stat
from pathlib import Path
from typing import IO

from advnets.errors import Unsupported


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
