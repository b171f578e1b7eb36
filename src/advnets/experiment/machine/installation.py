"""What is installed, what it computes on, and what lies in the cache, which can be cleared."""

import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from advnets import runs
from advnets.data import cache_folder

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "safetensors", "pillow", "matplotlib")
EXTRAS = {
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "hub": ("huggingface-hub",),
    "track": ("tensorboard",),
}
"""Packages of the extras that users ask for."""


@dataclass(frozen=True)
class CacheRoom:
    """A folder of the cache.

    Attributes:
        about: What lies there.
        made: Pattern of the names that are made there, all of which can be computed again; None of downloads, which
            are never removed, for a user may have put them there.
    """

    about: str
    made: re.Pattern[str] | None = None


CACHE = {
    "classifiers": CacheRoom("classifiers that measure samples", re.compile(r"[0-9a-f]{64}")),
    "images": CacheRoom("decoded images of folders and archives", re.compile(r".*-[0-9a-f]{16}\.cache", re.DOTALL)),
    "weights": CacheRoom("downloaded weights"),
    "mnist": CacheRoom("downloaded data"),
    "cifar10": CacheRoom("downloaded data"),
    "olivetti": CacheRoom("downloaded data"),
}
"""Folders of the cache, by name."""


def describe_installation() -> dict[str, Any]:
    """Return versions, devices, threads, the cache with its sizes in bytes, and the folder of data.

    Returns:
        JSON values by name; what is not installed or not set is None. So are `commit` and `changes`, whether files
        differ from that commit, where advnets does not run from a git checkout.
    """
    return {
        "advnets": version("advnets"),
        "commit": runs.find_commit(),
        "changes": runs.has_changes(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version_of(name) for name in PACKAGES},
        "extras": {extra: {name: _version_of(name) for name in names} for extra, names in EXTRAS.items()},
        "devices": _devices(),
        "cores": os.cpu_count(),
        "memory_bytes": runs.physical_memory(),
        "arithmetic": runs.describe_arithmetic(),
        "cache": {"folder": str(cache_folder()), "bytes": measure_cache()},
        "data_folder": os.environ.get("ADVNETS_DATA"),
    }


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _devices() -> list[str]:
    """The devices that --device may name, each with what it is."""
    cards = [f"cuda:{number} ({torch.cuda.get_device_name(number)})" for number in range(torch.cuda.device_count())]
    return ["cpu", *cards, *(["mps"] if torch.backends.mps.is_available() else [])]


def measure_cache() -> dict[str, int]:
    """Return the bytes in each folder of the cache that is there.

    Returns:
        {name of the folder: bytes of all files in it}.
    """
    root = cache_folder()
    return {name: sum(_sizes(root / name)) for name in CACHE if (root / name).is_dir()}


def _sizes(folder: Path) -> Iterator[int]:
    """Bytes of the files in a folder and below; links are not followed."""
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(above) / name).lstat().st_size
            except OSError:  # removed meanwhile
                continue


def clear_cache() -> Mapping[str, int]:
    """Remove what advnets made in its cache and can make again; downloads and all other files stay.

    Only entries are removed whose names are those that advnets gives, in its own two folders; a link is removed, and
    what it leads to stays.

    Returns:
        The bytes that were removed, by folder.

    Raises:
        OSError: If something cannot be removed.
    """
    removed: dict[str, int] = {}
    for name, room in CACHE.items():
        folder = cache_folder() / name
        if room.made is None or folder.is_symlink() or not folder.is_dir():
            continue
        entries = [entry for entry in folder.iterdir() if room.made.fullmatch(entry.name)]
        before = sum(_sizes(folder))
        for entry in entries:
            _remove(entry)
        removed[name] = before - sum(_sizes(folder))
    return removed


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)
