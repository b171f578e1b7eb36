"""The folders that are searched for files of published data sets, and the check of their checksums."""

import hashlib
import os
from pathlib import Path

import pooch

from advnets.errors import Damaged, Missing


def cache_folder() -> Path:
    """Return the folder for downloads and other files that can be made again: $ADVNETS_CACHE, or the user's cache."""
    return Path(os.environ.get("ADVNETS_CACHE") or pooch.os_cache("advnets"))


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
