"""A folder or a zip of image files: decoded once into the cache, and read from there."""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from advnets.data.dataset import Dataset
from advnets.data.images.cache import CacheFile, open_cache, write_error
from advnets.data.images.decode_folder import DIGEST, FolderDecoder, hash_bytes, map_in_order
from advnets.data.images.decode_image import FORMATS, strict_pillow
from advnets.data.images.folder_source import FolderSource, ImageSource
from advnets.data.images.image_options import ImageOptions
from advnets.data.images.unreadable import expect_readable
from advnets.data.images.zip_source import ZipSource
from advnets.data.sets.published_files import cache_folder
from advnets.errors import BadInput, Damaged, Unsupported

MIN_IMAGES = 10
READER = 3
"""Another number wherever the same files become other pixels, splits or notes, so that they are decoded anew."""


def load_images(path: str | os.PathLike[str], options: ImageOptions | None = None) -> Dataset:
    """Load the data set of a folder or a .zip of images: PNG, JPEG, WebP, GIF (its first image) and BMP.

    Sub-folders name splits and classes, or a dataset.json the classes; see `arrangement.arrange`. The data set's
    `survey` lists the decisions and the files that could not be read. Decoded images are stored in the user's cache
    ($ADVNETS_CACHE, or the system's) and decoded anew where names, sizes, times or options change.

    Args:
        path: Folder or archive, which is read in place.
        options: How image files become tensors; None takes the defaults.

    Returns:
        The data set, named after the folder or archive.

    Raises:
        BadInput: If there is anything that cannot be trained on, or more images cannot be read than may be left out:
            1 % or 3, whichever is more, and never more than 10 %. It is a Missing, Damaged, TooBig or Unsupported where
            one of them fits, and names the files.
    """
    path = Path(path)
    name = path.resolve().name if path.is_dir() else path.stem
    return load_source(open_source(path), name, options or ImageOptions())


def open_source(path: Path) -> ImageSource:
    """Return a folder or an archive as a source of images. Raises what `FolderSource` and `ZipSource` do."""
    return FolderSource(path) if path.is_dir() else ZipSource(path)


def load_source(source: ImageSource, name: str, options: ImageOptions) -> Dataset:
    """Load the data set of a source of images, as `load_images` does.

    Args:
        source: The images; its path says where the decoded ones are stored.
        name: Name of the data set.
        options: How image files become tensors.

    Returns:
        The data set.

    Raises:
        BadInput: As `load_images` does.
    """
    found = _load_however_many(source, name, options)
    if not options.any_unreadable and found.survey is not None:
        expect_readable(source.path, found.survey)
    return found


def _load_however_many(source: ImageSource, name: str, options: ImageOptions) -> Dataset:
    """Load the data set of a source, however many of its images cannot be read."""
    _check_there(source)
    key = _key(source, options)
    path = source.path
    place = _cache_path(path, options)
    cached = open_cache(place, key)
    if cached is not None and options.verify and not _is_unchanged(source, cached):
        cached = None  # Windows replaces no file that is still mapped
    found = None if cached is None else cached.dataset(name, str(path), options.memory_bytes)
    if found is not None:
        return found
    is_damaged, cached = cached is not None, None
    made = _make_cache(source, options, key, place, anew=is_damaged)
    found = made.dataset(name, str(path), options.memory_bytes)
    if found is None:
        raise _unreadable(place)
    return _with_note(found, f"{place}: its pixels had changed, and were decoded anew") if is_damaged else found


def _with_note(dataset: Dataset, note: str) -> Dataset:
    assert dataset.survey is not None
    return replace(dataset, survey=replace(dataset.survey, changes=[*dataset.survey.changes, note]))


def _check_there(source: ImageSource) -> None:
    listing = source.files
    if not listing.images:
        others = ", ".join(f"{count:,} {suffix}" for suffix, count in list(listing.others.items())[:5])
        kind = Unsupported if others else BadInput
        raise kind(
            f"{source.path}: found no images ({others or 'nothing at all'}), expected files in {', '.join(FORMATS)}. "
            "Check the path, or convert them."
        )
    if len(listing.images) < MIN_IMAGES:
        raise BadInput(
            f"{source.path}: found {len(listing.images)} images, {source.full_name(listing.images[0].name)} first, "
            f"expected at least {MIN_IMAGES}, as they are split into train, validation and test. Add images."
        )


def _key(source: ImageSource, options: ImageOptions) -> str:
    """A hash of all that the decoded images depend on, except the contents of the files."""
    sha = hashlib.sha256(json.dumps([READER, str(source.path.resolve()), options.key()]).encode())
    listing = source.files
    sha.update(f"{listing.wrapper}\n".encode("utf-8", "surrogateescape"))
    for item in (*listing.images, *([listing.labels_file] if listing.labels_file else [])):
        sha.update(f"{item.name}\0{item.size}\0{item.stamp}\n".encode("utf-8", "surrogateescape"))
    return sha.hexdigest()


def _cache_path(path: Path, options: ImageOptions) -> Path:
    """The cache file of a folder under these options; it is replaced when the folder changes."""
    whole = hashlib.sha256(json.dumps([str(path.resolve()), options.key()]).encode("utf-8", "surrogateescape"))
    stem = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in path.resolve().stem)[:40]
    return cache_folder() / "images" / f"{stem}-{whole.hexdigest()[:16]}.cache"


def _is_unchanged(source: ImageSource, cached: CacheFile) -> bool:
    """Whether the contents of the files and the pixels in the cache are still those that were hashed."""
    with source.hold_open():
        found = map_in_order(lambda item: _content(source, item.name), source.files.images)
        contents = np.array(list(found), dtype=np.uint8)
    whole = cached.dataset("", "", 0)
    is_same = whole is not None and replace(whole, known_digest=None).digest == cached.table["digest"]
    return bool(np.array_equal(contents, cached.part("contents"))) and is_same


def _content(source: ImageSource, name: str) -> NDArray[np.uint8]:
    try:
        return hash_bytes(source.read(name))
    except BadInput:
        return np.zeros(DIGEST, np.uint8)


def _make_cache(source: ImageSource, options: ImageOptions, key: str, place: Path, *, anew: bool) -> CacheFile:
    """Make the cache file; one of several processes makes it, and the others wait for it, unless it is damaged."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_remains(place.parent)
        lock = FileLock(place.with_suffix(".lock"))
        lock.acquire()
    except OSError as error:
        raise write_error(place, error) from error
    try:
        cached = None if options.verify or anew else open_cache(place, key)
        if cached is None:
            with source.hold_open(), strict_pillow():
                FolderDecoder(source, options).run(key, place)
            cached = open_cache(place, key)
    finally:
        _remove_lock(lock)
    if cached is None:
        raise _unreadable(place)
    return cached


def remove_remains(folder: Path) -> None:
    """Remove what processes that were killed left half made in the cache; what is being made has a lock, and stays.

    Args:
        folder: Folder of the cache files.
    """
    for path in (*folder.glob("*.tmp"), *folder.glob("*.lock")):
        lock = FileLock(path.with_suffix(".lock"))
        with suppress(Timeout, OSError):
            lock.acquire(timeout=0)
            path.with_suffix(".tmp").unlink(missing_ok=True)
            _remove_lock(lock)


def _remove_lock(lock: FileLock) -> None:
    """Let a lock go, and remove its file first; who waits for the file sees that it is gone, and makes another."""
    with suppress(OSError):  # Windows, where the file is open
        Path(lock.lock_file).unlink()
    lock.release()


def _unreadable(place: Path) -> Damaged:
    return Damaged(
        f"{place}: was written and cannot be read. Check the disk, or choose another folder by $ADVNETS_CACHE."
    )
