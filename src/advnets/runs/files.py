"""Files that are written whole or not at all: those of a run, and those that a user asked for."""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from advnets.disk import Content, Folder, sync_folder, temporary_name
from advnets.errors import BadInput, CannotWrite, Damaged, Missing

LARGEST_JSON = 64 * 2**20


@contextlib.contextmanager
def open_folder(path: Path, held: Folder | None = None, *, make: bool = False) -> Iterator[Folder]:
    """Open a folder for a while.

    Args:
        path: The folder.
        held: A folder above it that is held open, or itself: the path is followed from there, wherever that is now, and
            a link on the way is refused. None follows the path from the root, with its links.
        make: Whether it is made where it is missing.

    Yields:
        The folder.

    Raises:
        BadInput: If there is a link below the one that is held.
        OSError: If it is not there, or cannot be opened.
        CannotWrite: If it cannot be made.
    """
    with contextlib.ExitStack() as opened:
        if held is None:
            if make:
                make_folder(path)
            folder = opened.enter_context(Folder.open(path))
        else:
            folder = held
            for name in path.relative_to(held.path).parts:
                folder = opened.enter_context(folder.folder(name, make=make))
        yield folder


def write_json(path: Path, value: Any, held: Folder | None = None) -> None:
    """Write JSON as `write_bytes` writes.

    Args:
        path: The file.
        value: A value of JSON.
        held: As in `open_folder`.

    Raises:
        CannotWrite: If the disk fails or is full.
        BadInput: If there is a link below the folder that is held.
    """
    write_bytes(path, json_bytes(value), held)


def json_bytes(value: Any) -> bytes:
    """Return the bytes of a value of JSON as this package writes its files.

    Args:
        value: A value of JSON.

    Returns:
        Indented ASCII text with sorted keys, which ends with a line break.
    """
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def write_bytes(path: Path, content: bytes, held: Folder | None = None) -> None:
    """Write bytes under a temporary name, force them to the disk, and then give them their name.

    Args:
        path: The file. A former one is replaced, and so is a link.
        content: Its bytes.
        held: As in `open_folder`; folders below it are made.

    Raises:
        CannotWrite: If the disk fails or is full.
        BadInput: If there is a link below the folder that is held.
    """
    try:
        with open_folder(path.parent, held, make=held is not None) as folder:
            folder.write(path.name, content)
    except OSError as error:
        raise cannot_write(path, error) from error


def write_new(path: Path, content: Content, *, overwrite: bool = False) -> Path:
    """Write a file that a user asked for: whole or not at all, with the folders above it, and over nothing.

    Args:
        path: The file.
        content: Its bytes, or what writes them into an open file.
        overwrite: Whether a file that is there is replaced, once the new one is written beside it. A folder never is.

    Returns:
        The path.

    Raises:
        BadInput: If something is at the path, be it since this call began.
        CannotWrite: If the disk fails or is full.
    """
    make_folder(path.parent)
    try:
        with Folder.open(path.parent) as folder:
            (folder.write if overwrite else folder.write_new)(path.name, content)
    except (FileExistsError, IsADirectoryError) as error:
        raise is_taken(path) from error
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def write_new_folder(path: Path, fill: Callable[[Folder], object]) -> Path:
    """Write a folder that a user asked for: whole or not at all, over nothing, with the folders above it.

    Args:
        path: The folder, which is not there yet, or is empty.
        fill: What writes into it.

    Returns:
        The path.

    Raises:
        BadInput: If something is at the path, be it since this call began.
        CannotWrite: If the disk fails or is full.
    """
    expect_new_folder(path, "")
    inside = path.is_dir()  # it stays the folder that it is, in which somebody may work
    make_folder(path if inside else path.parent)
    temporary = temporary_name()
    try:
        with Folder.open(path if inside else path.parent) as at:
            try:
                at.make_folder(temporary)
                with at.folder(temporary) as made:
                    fill(made)
                    if inside:
                        for name in made.names():
                            made.rename_new(name, name, at)
                if not inside:
                    at.rename(temporary, path.name)
            finally:
                with contextlib.suppress(OSError):
                    at.remove(temporary)
            at.sync()
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise is_taken(path) from error
        raise cannot_write(path, error) from error
    return path


def expect_new(path: Path, *endings: str, flag: str = "", overwrite: bool = False) -> None:
    """Expect the name of a file that can be written, before what takes long: a command would else end with nothing.

    Args:
        path: The file.
        *endings: Endings that are allowed, such as ".png"; none allow any.
        flag: The flag that named it, for errors.
        overwrite: Whether a file may be there.

    Raises:
        BadInput: If it has another ending, or something is there, be it no file.
        CannotWrite: If the folder in which it would be made cannot be written.
    """
    if endings and path.suffix.lower() not in endings:
        raise BadInput(f"{f'{flag} {path}'.strip()}: expected the name of a {' or '.join(endings)} file")
    is_there = os.path.lexists(path)
    if is_there and not (overwrite and path.is_file()):
        raise is_taken(path, flag)
    _expect_writable(path.parent if is_there else path)


def expect_new_folder(path: Path, flag: str) -> None:
    """Expect the name of a folder that can be written, before what takes long.

    Args:
        path: The folder.
        flag: The flag that named it, for errors.

    Raises:
        BadInput: If there is something else than an empty folder.
        CannotWrite: If the folder in which it would be made cannot be written.
    """
    if os.path.lexists(path) and (not path.is_dir() or any(path.iterdir())):
        raise BadInput(f"{f'{flag} {path}'.strip()} is there already and is not an empty folder. Name another one.")
    _expect_writable(path)


def _expect_writable(path: Path) -> None:
    """Expect that the nearest folder above a path, in which something is to be made, can be written."""
    whole = path.absolute()
    above = next(folder for folder in (whole, *whole.parents) if os.path.lexists(folder))
    if not above.is_dir():
        raise cannot_write(path, NotADirectoryError(errno.ENOTDIR, f"{above} is not a folder"))
    if not os.access(above, os.W_OK | os.X_OK):
        read_only = hasattr(os, "statvfs") and os.statvfs(above).f_flag & os.ST_RDONLY
        code = errno.EROFS if read_only else errno.EACCES
        raise cannot_write(path, OSError(code, os.strerror(code)))


def is_taken(path: Path, flag: str = "") -> BadInput:
    """Return the error for a path at which there is something, to be raised."""
    return BadInput(
        f"{f'{flag} {path}'.strip()} is there already and is not overwritten. Name another one, or move it away."
    )


def overwrite_json(path: Path, value: Any, held: Folder | None = None) -> None:
    """Write JSON into the place of a small file that is there, which takes no room on a disk that is full.

    A power cut in between may tear it, so this is for what would be false otherwise.

    Args:
        path: The file.
        value: A value of JSON.
        held: As in `open_folder`.

    Raises:
        CannotWrite: If the disk fails, or the file is not there.
    """
    try:
        with open_folder(path.parent, held) as folder:
            folder.overwrite(path.name, json_bytes(value))
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
    with contextlib.suppress(OSError), Folder.open(folder) as opened:
        opened.remove_leftovers()


def read_json(path: Path, held: Folder | None = None) -> dict[str, Any]:
    """Return the JSON object of a file.

    Args:
        path: The file.
        held: As in `open_folder`.

    Returns:
        The object.

    Raises:
        Missing: If there is no such file.
        Damaged: If it is not JSON, not an object, or larger than LARGEST_JSON bytes.
        BadInput: If it cannot be read.
    """
    return parse_json(read_content(path, held), path)


def read_content(path: Path, held: Folder | None = None) -> bytes:
    """Return the bytes of a JSON file.

    Args:
        path: The file.
        held: As in `open_folder`.

    Returns:
        Its bytes.

    Raises:
        Missing: If there is no such file.
        Damaged: If it is larger than LARGEST_JSON bytes.
        BadInput: If it cannot be read.
    """
    try:
        content = _read_json_bytes(path, held)
        if len(content) > LARGEST_JSON:
            raise Damaged(f"{path}: found over {LARGEST_JSON} bytes, expected JSON of at most so many")
        return content
    except FileNotFoundError as error:
        raise Missing(f"{path} is not there; expected a JSON file") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def parse_json(content: bytes, path: Path) -> dict[str, Any]:
    """Return the JSON object of a file's bytes.

    Args:
        content: The bytes.
        path: The file, for errors.

    Returns:
        The object.

    Raises:
        Damaged: If it is not JSON, or not an object.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path} is not JSON: {error}") from error
    if not isinstance(value, Mapping):
        raise Damaged(f"{path}: found {type(value).__name__}, expected a JSON object")
    return dict(value)


def _read_json_bytes(path: Path, held: Folder | None) -> bytes:
    """The bytes of a file, or the first of them if they are too many."""
    if held is None:
        _expect_regular(path)
        with path.open("rb") as file:
            return file.read(LARGEST_JSON + 1)
    with open_folder(path.parent, held) as folder, folder.open_file(path.name) as file:
        return file.read(LARGEST_JSON + 1)


def read_regular(path: Path) -> bytes:
    """Return the bytes of a regular file; a device or a pipe that lies in its place has no end.

    Args:
        path: The file.

    Returns:
        Its bytes.

    Raises:
        OSError: If it is not a regular file, or cannot be read.
    """
    _expect_regular(path)
    return path.read_bytes()


def _expect_regular(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """Return the error for a write that failed, which names the file, the reason and what to do.

    Args:
        path: The file.
        error: What the system said.

    Returns:
        The error, to be raised.
    """
    spared, again = "What was saved before is untouched;", "and try again, a training by `advnets resume`"
    reasons = {
        errno.ENOSPC: f"the disk is full. {spared} make room {again}.",
        errno.EDQUOT: f"the quota is used up. {spared} make room {again}.",
        errno.EROFS: f"the disk is read-only. {spared} make it writable {again}.",
        errno.EIO: f"{os.strerror(errno.EIO)}. {spared} check the disk {again}.",
        errno.ENOENT: "the folder that it is in was removed. Leave a run where it is, or move it away whole.",
    }
    other = f"{error.strerror or error}. Check the path and its permissions."
    return CannotWrite(f"{path} could not be written: {reasons.get(error.errno or 0, other)}")
