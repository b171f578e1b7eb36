"""The Toronto Face Database: grey faces of 48x48 pixels in five folds, from a file that its owners give out."""

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from advnets.data.dataset import Dataset, Split
from advnets.data.formats.mat import Array, read_mat, to_pixels
from advnets.data.sets.published_files import data_folders
from advnets.errors import BadInput, Missing

FILE = "TFD_48x48.mat"
LAYOUTS = ("tfd", "")  # folders inside a data folder
SIDE, FOLDS = 48, 5
UNLABELLED, LABELLED, VALIDATION, TEST = range(4)  # the part of a face, as in `folds`
MOST_BYTES = 2**31  # 102,236 faces are 236 million bytes, eight times as many as doubles
MAX_FOLDS_BYTES = 2**24


def load_tfd(path: str | os.PathLike[str], *, fold: int = 0) -> Dataset:
    """Load the faces of one fold: the unlabelled faces are train, the fold's own are validation and test.

    J. Susskind, A. Anderson, G. Hinton, "The Toronto Face Database" (2010). The code of I. Goodfellow et al.,
    "Generative Adversarial Nets" (2014), trains on the unlabelled faces and measures on the validation and the test
    faces of each of the five folds. There are no labels: labs_ex (expressions) and labs_id (people) are not read.

    Args:
        path: A TFD_48x48.mat, with `images` (n, 48, 48), 0..255, and `folds` (n, 5): 0 unlabelled, 1 train, 2
            validation, 3 test.
        fold: Number of the fold, 0..4.

    Returns:
        The data set, images uint8 (n, 1, 48, 48).

    Raises:
        BadInput: If the layout or the fold is another, and what `read_mat` raises.
    """
    path = Path(path)
    if not 0 <= fold < FOLDS:
        raise BadInput(f"{path}: found fold {fold}, expected 0..{FOLDS - 1}. Write {path}:0 to {path}:{FOLDS - 1}.")
    arrays = read_mat(path, {"images": MOST_BYTES, "folds": MAX_FOLDS_BYTES})
    images, folds = arrays["images"], arrays["folds"]
    _check_layout(path, images, folds)
    part_of = folds[:, fold]
    train, validation, test = (_split(path, images, part_of == part) for part in (UNLABELLED, VALIDATION, TEST))
    return Dataset(f"tfd-{fold}", train, validation, test, None, str(path.absolute()))


def load_tfd_fold(fold: int, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a fold of the file in a data folder.

    Args:
        fold: Number of the fold, 0..4.
        data_dir: Folder that is searched first; then $ADVNETS_DATA, then the cache folder.

    Returns:
        The data set, as `load_tfd` returns it.

    Raises:
        Missing: If the file is in none of these places, which the error names.
    """
    folders = data_folders(data_dir)
    for path in (folder / layout / FILE for folder in folders for layout in LAYOUTS):
        if path.is_file():
            return load_tfd(path, fold=fold)
    looked = ", ".join(str(folder) for folder in folders)
    raise Missing(
        f"{FILE}: looked in {looked} (each: tfd/ or directly), and there is none. The Toronto Face Database is not "
        "public: its owners, at the University of Toronto, give it on request. Put the file into one of these folders, "
        f"or give its path, as path/{FILE} for fold 0 or path/{FILE}:4 for fold 4."
    )


def split_fold(name: str) -> tuple[str, int]:
    """Split a name into the path of a .mat file and the fold after the colon, which is 0 where there is none.

    Args:
        name: A path such as faces/TFD_48x48.mat:3.

    Example:
        >>> split_fold("faces/TFD_48x48.mat:3")
        ('faces/TFD_48x48.mat', 3)
    """
    found = re.fullmatch(r"(?is)(.*\.mat):([0-9]{1,9})", name)
    return (found[1], int(found[2])) if found else (name, 0)


TFD: dict[str, Callable[[str | os.PathLike[str] | None], Dataset]] = {
    f"tfd-{fold}": partial(load_tfd_fold, fold) for fold in range(FOLDS)
}


def _check_layout(path: Path, images: Array, folds: Array) -> None:
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise BadInput(f"{path}: `images` have shape {images.shape}, expected (n, {SIDE}, {SIDE}). Give {FILE}.")
    if folds.shape != (len(images), FOLDS):
        raise BadInput(f"{path}: `folds` have shape {folds.shape}, expected ({len(images)}, {FOLDS}). Give {FILE}.")
    if not bool(np.isin(folds, range(4)).all()):
        raise BadInput(f"{path}: `folds` hold other values than 0, 1, 2 and 3. Give {FILE} as its owners gave it.")


def _split(path: Path, images: Array, chosen: Array) -> Split:
    if not chosen.any():
        raise BadInput(f"{path}: one of the unlabelled, validation and test parts of the fold is empty. Give {FILE}.")
    return Split(torch.from_numpy(to_pixels(path, "images", images[chosen])[:, None]))
