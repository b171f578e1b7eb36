"""Where the files of published data sets are looked for, and the checksum that says they are those published."""

import hashlib
import os
from pathlib import Path

import pooch

from advnets.errors import Damaged, Missing


def cache_folder() -> Path:
    """Where downloads, and whatever else can be made again, are kept: $ADVNETS_CACHE, or the user's cache."""
    return Path(os.environ.get("ADVNETS_CACHE") or pooch.os_cache("advnets"))


def data_folders(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    """The folders to look through, in order: the one given, $ADVNETS_DATA, the cache.

    Raises Missing for a folder that was given and is not there.
    """
    given = [data_dir, os.environ.get("ADVNETS_DATA")]
    for folder, flag in zip(given, ("data_dir", "$ADVNETS_DATA"), strict=True):
        if folder and not Path(folder).is_dir():
            raise Missing(f"{folder}: there is no such folder, given as {flag}. Make it, or give one that exists.")
    return [Path(folder) for folder in given if folder] + [cache_folder()]


def verify_file(path: Path, sha256: str, whose: str) -> Path:
    """The path itself, if its bytes have that SHA-256; raises Damaged if not, Missing if it cannot be read."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror}). Check the disk and permissions.") from error
    if found != sha256:
        raise checksum_error(str(path), found, sha256, whose)
    return path


def checksum_error(where: str, found: str, expected: str, whose: str) -> Damaged:
    """The error for bytes that are not those published."""
    return Damaged(
        f"{where}: found sha256 {found}, expected {expected}, that of {whose} as published. Delete the file: it "
        "is then looked for elsewhere or downloaded."
    )
