"""CIFAR-10: 60,000 colour images of 32x32 pixels in ten classes, from a folder, the archive, or a download."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from advnets.data.dataset import Dataset, Split
from advnets.data.formats.pickle_reader import CLASSES, IMAGES, read_batch
from advnets.data.formats.tarball import read_members
from advnets.data.sets.download import fetch
from advnets.data.sets.published_files import checksum_error, data_folders
from advnets.errors import Damaged, Missing, TooBig

TRAIN, VALIDATION = 40_000, 10_000  # of the 50,000 images of the five training batches, in their order
MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
ARCHIVE_BYTES = 170_498_071
FOLDER = "cifar-10-batches-py"
# SHA-256 of the files whose MD5 sums the authors and torchvision publish.
SHA256 = {
    "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    "test_batch": "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
}
NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""Names of the classes, as the authors' batches.meta has them."""
MAX_BATCH = 32 * 2**20
LAYOUTS = ("cifar10", "")  # folders inside a data folder


def load_cifar10(data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load CIFAR-10: 40,000 train, 10,000 validation and the published 10,000 test images, with labels 0..9.

    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009). The split of the training images is
    that of the code of I. Goodfellow et al., "Generative Adversarial Nets" (2014): train[0:40000] and the rest.

    Args:
        data_dir: Folder that is searched first; then $ADVNETS_DATA, then the cache folder, to which the archive is
            downloaded.

    Returns:
        The data set, images uint8 (n, 3, 32, 32).

    Raises:
        Missing: If it is in none of these places, which the error names, and cannot be downloaded.
        Damaged: If a batch has another checksum than the published one.
    """
    place = _place(data_folders(data_dir))
    images = np.empty((len(SHA256) * IMAGES, 3, 32, 32), np.uint8)
    labels = np.empty(len(images), np.int64)
    for name, batch in _batches(place):
        start = IMAGES * list(SHA256).index(name)
        part = slice(start, start + IMAGES)
        images[part], labels[part] = read_batch(f"{place}: {name}", batch)
    sizes = [TRAIN, VALIDATION, IMAGES]
    parts = zip(
        torch.from_numpy(images).split_with_sizes(sizes), torch.from_numpy(labels).split_with_sizes(sizes), strict=True
    )
    train, validation, test = (Split(*part) for part in parts)
    return Dataset("cifar10", train, validation, test, CLASSES, str(place.absolute()), class_names=NAMES)


def _place(folders: list[Path]) -> Path:
    """The first folder of batches or archive that is found, or the archive downloaded to the last folder."""
    for folder in folders:
        for inside in (folder / layout for layout in LAYOUTS):
            for place in (inside / FOLDER, inside):
                if any((place / name).is_file() for name in SHA256):
                    return place
            if (inside / ARCHIVE).is_file():
                return inside / ARCHIVE
    try:
        return fetch(ARCHIVE, ARCHIVE_SHA256, MIRRORS, size=ARCHIVE_BYTES, folder=folders[-1] / "cifar10")
    except (Missing, Damaged) as error:
        looked = ", ".join(str(folder) for folder in folders)
        raise type(error)(
            f"{error} Looked in {looked} (each: {FOLDER}/ or {ARCHIVE}, in cifar10/ or directly)."
        ) from error


def _batches(place: Path) -> Iterator[tuple[str, bytes]]:
    """The six batches, each once, after its checksum."""
    left = dict(SHA256)
    for name, batch in _from_folder(place) if place.is_dir() else _from_archive(place):
        found = hashlib.sha256(batch).hexdigest()
        expected = left.pop(name)
        if found != expected:
            where = str(place / name) if place.is_dir() else f"{place}: {name}"
            raise checksum_error(where, found, expected, "CIFAR-10")
        yield name, batch
    if left:
        raise Missing(f"{place}: has no {', '.join(left)}. Unpack the archive again, or delete the folder.")


def _from_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in (folder / name for name in SHA256):
        try:
            if not path.is_file():
                raise Missing(f"{path}: there is no such file beside the other batches. Unpack the archive again.")
            if path.stat().st_size > MAX_BATCH:
                raise TooBig(
                    f"{path}: has {path.stat().st_size:,} bytes, a batch has fewer than {MAX_BATCH:,}. Delete it."
                )
            yield path.name, path.read_bytes()
        except OSError as error:
            raise Missing(f"{path}: cannot be read ({error.strerror}). Check the disk and permissions.") from error


def _from_archive(archive: Path) -> Iterator[tuple[str, bytes]]:
    wanted = {f"{FOLDER}/{name}": MAX_BATCH for name in SHA256}
    for name, batch in read_members(archive, wanted):
        yield name.removeprefix(f"{FOLDER}/"), batch
