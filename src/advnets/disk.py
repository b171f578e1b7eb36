"""Forcing names to the disk, so that a renamed file is there after a power cut."""

import os
from pathlib import Path


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
