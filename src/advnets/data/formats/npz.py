"""A user's own images in a .npz file, as numpy.savez writes it."""

import difflib
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from advnets.data.conversion import CHANNELS, MAX_CLASSES
from advnets.data.dataset import Dataset, Split
from advnets.data.formats.npz_archive import Array, ArrayHeader, open_archive, read_array, read_header
from advnets.data.splits import MIN_SAMPLES, split_order
from advnets.errors import BadInput

KNOWN = ("images", "labels")


def load_npz(path: str | os.PathLike[str]) -> Dataset:
    """Load the data set in a .npz file, and split it 80 : 10 : 10 in a fixed random order (`splits.split_order`).

    Args:
        path: File with an array `images`, uint8 (n, h, w) or (n, h, w, c), with c in 1, 3, 4 and n of 10 or more. An
            array `labels` may be there, integers (n,), each in 0 .. `MAX_CLASSES` - 1.

    Returns:
        The data set, named after the file.

    Raises:
        Missing: If the file is not there.
        Damaged: If the file is broken.
        TooBig: If it unpacks to more than the limit.
        Unsupported: If it holds objects, records or strings.
        BadInput: If arrays are unknown, of another shape or dtype, or at odds with each other.
    """
    path = Path(path)
    arrays = _read(path)
    images = _channels_first(arrays["images"])
    labels = _labels(path, arrays["labels"]) if "labels" in arrays else None
    whole = Split(images, labels)
    train, validation, test = (whole.select(torch.from_numpy(places)) for places in split_order(len(images)))
    classes = None if labels is None else int(labels.max()) + 1
    return Dataset(path.stem, train, validation, test, classes, str(path))


def _read(path: Path) -> dict[str, Array]:
    """The arrays by name; all headers are checked before the values of any are read."""
    with open_archive(path) as entries:
        _check_names(path, list(entries))
        headers = {name: read_header(entry) for name, entry in entries.items()}
        _check_images(path, headers["images"])
        if "labels" in headers:
            _check_labels(path, headers["labels"], headers["images"].shape[0])
        return {name: read_array(entry, headers[name]) for name, entry in entries.items()}


def _check_names(path: Path, names: list[str]) -> None:
    for name in names:
        if name not in KNOWN:
            near = difflib.get_close_matches(name.lower(), KNOWN, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise BadInput(f"{path}: unknown array {name!r}.{hint} Known: images, labels. Rename it, or leave it out.")
    if "images" not in names:
        raise BadInput(f"{path}: has no array `images`. Save it with numpy.savez_compressed(path, images=...).")


def _check_images(path: Path, header: ArrayHeader) -> None:
    if header.dtype != np.uint8:
        convert = "(255 * images).round().astype('uint8') if they lie in [0, 1]"
        raise BadInput(f"{path}: `images` are {header.dtype}, expected uint8 0..255. Convert them: {convert}.")
    shape = header.shape
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in CHANNELS):
        first = len(shape) == 4 and shape[1] in CHANNELS
        mend = "Move the channels last: images.transpose(0, 2, 3, 1)." if first else "Reshape them."
        raise BadInput(f"{path}: `images` have shape {shape}, expected (n, h, w) or (n, h, w, c), c in 1, 3, 4. {mend}")
    if shape[0] < MIN_SAMPLES or 0 in shape:
        raise BadInput(
            f"{path}: `images` have shape {shape}, expected at least {MIN_SAMPLES} images of at least one pixel, as "
            "they are split into train, validation and test. Add images."
        )


def _check_labels(path: Path, header: ArrayHeader, n: int) -> None:
    if header.dtype.kind not in "iu":
        raise BadInput(
            f"{path}: `labels` are {header.dtype}, expected integers. Number the classes from 0; if they are whole "
            "numbers already, save labels.astype('int64')."
        )
    if header.shape != (n,):
        raise BadInput(
            f"{path}: `labels` have shape {header.shape}, expected ({n},), one per image. Save one label each."
        )


def _channels_first(images: Array) -> Tensor:
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(images))


def _labels(path: Path, labels: Array) -> Tensor:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= MAX_CLASSES:
        raise BadInput(
            f"{path}: `labels` run from {low} to {high}, expected 0..{MAX_CLASSES - 1}. Number the classes from 0, and "
            "leave out `labels` where there are none."
        )
    return torch.from_numpy(labels.astype(np.int64))
