"""The folders that are searched for files of published data sets, and the check of their checksums."""

import hashlib
import logging
import os
import stat
import tempfile
from functools import cache
from pathlib import Path

import pooch

from advnets.errors import Damaged, Missing


def cache_folder() -> Path:
    """Return the folder for downloads and other files that can be made again: $ADVNETS_CACHE, or the user's cache.

    Where there is no home, or none that can be written to, as in many containers, it is a folder of the user's among
    the temporary files, and a warning of the logger `advnets` says so once.

    Returns:
        The folder, which need not be there yet.

    Raises:
        Missing: If there is no such folder either, or it is another user's.
    """
    if chosen := os.environ.get("ADVNETS_CACHE"):
        return Path(chosen)
    usual = _user_cache()
    return usual if usual is not None and _can_be_made(usual) else _temporary_cache(usual)


def _user_cache() -> Path | None:
    """The user's cache; None where the system knows no home of the user."""
    try:
        usual = Path(pooch.os_cache("advnets"))
    except (RuntimeError, KeyError):
        return None
    return usual if usual.is_absolute() else None  # a home that is not known stays "~"


def _can_be_made(folder: Path) -> bool:
    """Whether a folder is there, or the nearest one above it that is there can be written to."""
    if folder.is_dir():
        return True
    above = next((parent for parent in folder.parents if os.path.exists(parent)), folder)
    return above.is_dir() and os.access(above, os.W_OK | os.X_OK)


def _temporary_cache(usual: Path | None) -> Path:
    """The user's folder among the temporary files, which nobody else can write to."""
    number = os.getuid() if hasattr(os, "getuid") else 0
    try:
        folder = Path(tempfile.gettempdir()) / f"advnets-{number}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise Missing(
            f"there is no home folder, and no folder for temporary files ({error}). Name a folder by $ADVNETS_CACHE."
        ) from error
    if hasattr(os, "getuid") and (found.st_uid != number or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022):
        raise Missing(f"{folder}: belongs to somebody else. Name a folder for the cache by $ADVNETS_CACHE.")
    _warn_once(
        f"{'there is no home folder' if usual is None else f'{usual} cannot be made'}, so that downloads and caches go "
        f"to {folder}; $ADVNETS_CACHE names another folder"
    )
    return folder


@cache
def _warn_once(message: str) -> None:
    logging.getLogger("advnets").warning("%s", message)


def data_folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """Return the folders to search, in order: the one given, $ADVNETS_DATA, the cache.

    Args:
        data_dir: Folder that is searched first, or None.

    Raises:
        Missing: If a folder was given and is not there.
    """
    named = [data_dir, os.environ.get("ADVNETS_DATA")]
    for folder, flag in zip(named, ("data_dir", "$ADVNETS_DATA"), strict=True):
        if folder and not Path(folder).is_dir():
            raise Missing(f"{folder}: there is no such folder, given as {flag}. Make it, or give one that exists.")
    return [Path(folder) for folder in named if folder] + [cache_folder()]


def verify_file(path: Path, sha256: str, whose: str) -> Path:
    """Check the SHA-256 of a file and return its path.

    Args:
        path: File to check.
        sha256: Published SHA-256, 64 hex digits.
        whose: Data set that the file belongs to, for the errors.

    Raises:
        Damaged: If the bytes are others.
        Missing: If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror}). Check the disk and permissions.") from error
    if found != sha256:
        raise checksum_error(str(path), found, sha256, whose)
    return path


def checksum_error(where: str, found: str, expected: str, whose: str) -> Damaged:
    """Return the error for bytes that are not the published ones.

    Args:
        where: What the error calls the file.
        found: SHA-256 of the bytes.
        expected: Published SHA-256.
        whose: Data set that the file belongs to.
    """
    return Damaged(
        f"{where}: found sha256 {found}, expected {expected}, that of {whose} as published. Delete the file; it "
        "is then searched for elsewhere, or downloaded."
    )
