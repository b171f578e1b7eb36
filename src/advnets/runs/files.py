"""Files that are there whole or not at all."""

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
    """Write JSON under a temporary name, force it to the disk, then give it its name."""
    write_bytes(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> None:
    """As `write_json`, of bytes. Raises CannotWrite naming the file."""
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


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are not there, and force them to the disk. Raises CannotWrite."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for made in new:
            sync_folder(made.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what a writer that was killed left behind in a folder; for whoever holds the run's lock."""
    for stale in folder.glob(".tmp-*"):
        if stale.is_dir() and not stale.is_symlink():
            shutil.rmtree(stale, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                stale.unlink()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a file. Raises Missing, or Damaged naming the file and the place."""
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
    """The bytes of a file that is one: a device or a pipe that lies in its place has no end. Raises OSError."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return path.read_bytes()


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """The error for a failed write: which file, why, and what to do; a disk that fails spares earlier checkpoints."""
    spared = "What was saved before is untouched;"
    told = {
        errno.ENOSPC: f"the disk is full. {spared} make room, resume.",
        errno.EDQUOT: f"the quota is used up. {spared} make room, resume.",
        errno.EROFS: f"the disk is read-only. {spared} make it writable, resume.",
        errno.EIO: f"{os.strerror(errno.EIO)}. {spared} check the disk, resume.",
    }
    other = f"{error.strerror or error}. Check the path and its permissions."
    return CannotWrite(f"{path} could not be written: {told.get(error.errno or 0, other)}")
