"""Files that are written whole or not at all."""

import contextlib
import errno
import json
import os
import shutil
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from advnets.disk import sync_folder
from advnets.errors import BadInput, CannotWrite, Damaged, Missing

LARGEST_JSON = 64 * 2**20


def write_json(path: Path, value: Any) -> None:
    """Write JSON under a temporary name, force it to the disk, and then give it its name.

    Args:
        path: The file.
        value: A value of JSON.

    Raises:
        CannotWrite: If the disk fails or is full.
    """
    write_bytes(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes under a temporary name, force them to the disk, and then give them their name.

    Args:
        path: The file.
        content: Its bytes.

    Raises:
        CannotWrite: If the disk fails or is full.
    """
    temporary = path.with_name(f".tmp-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):  # a disk that has become read-only
            temporary.unlink()
        raise cannot_write(path, error) from error


def overwrite_json(path: Path, value: Any) -> None:
    """Write JSON into the place of a small file that is there, which takes no room on a disk that is full.

    A power cut in between may tear it, so this is for what would be false otherwise.

    Args:
        path: The file.
        value: A value of JSON.

    Raises:
        CannotWrite: If the disk fails, or the file is not there.
    """
    content = (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            if os.write(descriptor, content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.ftruncate(descriptor, len(content))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise cannot_write(path, error) from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing, and force them to the disk.

    Args:
        folder: The folder.

    Raises:
        CannotWrite: If the disk fails or is full.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for made in new:
            sync_folder(made.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what a writer that was killed left behind in a folder; only who holds the run's lock may do so.

    Args:
        folder: The folder; those below it are not searched.
    """
    for stale in folder.glob(".tmp-*"):
        if stale.is_dir() and not stale.is_symlink():
            shutil.rmtree(stale, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                stale.unlink()


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file.

    Args:
        path: The file.

    Returns:
        The object.

    Raises:
        Missing: If there is no such file.
        Damaged: If it is not JSON, not an object, or larger than LARGEST_JSON bytes.
        BadInput: If it cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise Damaged(f"{path}: found {path.stat().st_size} bytes, expected JSON of at most {LARGEST_JSON}")
        value = json.loads(read_regular(path))
    except FileNotFoundError as error:
        raise Missing(f"{path} is not there; expected a JSON file") from error
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path} is not JSON: {error}") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if not isinstance(value, Mapping):
        raise Damaged(f"{path}: found {type(value).__name__}, expected a JSON object")
    return dict(value)


def read_regular(path: Path) -> bytes:
    """Return the bytes of a regular file; a device or a pipe that lies in its place has no end.

    Args:
        path: The file.

    Returns:
        Its bytes.

    Raises:
        OSError: If it is not a regular file, or cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return path.read_bytes()


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """Return the error for a write that failed, which names the file, the reason and what to do.

    Args:
        path: The file.
        error: What the system said.

    Returns:
        The error, to be raised.
    """
    spared = "What was saved before is untouched;"
    reasons = {
        errno.ENOSPC: f"the disk is full. {spared} make room and resume.",
        errno.EDQUOT: f"the quota is used up. {spared} make room and resume.",
        errno.EROFS: f"the disk is read-only. {spared} make it writable and resume.",
        errno.EIO: f"{os.strerror(errno.EIO)}. {spared} check the disk and resume.",
    }
    other = f"{error.strerror or error}. Check the path and its permissions."
    return CannotWrite(f"{path} could not be written: {reasons.get(error.errno or 0, other)}")
