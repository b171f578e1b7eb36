"""Olivetti faces: 400 grey images of 64x64 pixels of forty people; a data set of its own, not that of Toronto."""

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from advnets.data.dataset import Dataset, Split
from advnets.data.formats.mat import read_mat, to_pixels
from advnets.data.sets.published_files import data_folders
from advnets.data.splits import fixed_order
from advnets.errors import Damaged, Missing

FILE = "olivettifaces.mat"
LAYOUTS = ("olivetti", "")  # folders inside a data folder
PEOPLE, IMAGES, SIDE = 40, 10, 64
TRAIN, VALIDATION, TEST = 30, 5, 5  # people
PIXELS_SHA256 = "b119468c2f13775df12d3950e7c96644811647a6e10d30617777f245bf9b2f8b"
MOST_BYTES = PEOPLE * IMAGES * SIDE**2 * 8  # as doubles
WHERE = "https://cs.nyu.edu/~roweis/data/olivettifaces.mat (or https://ndownloader.figshare.com/files/5976027)"


def load_olivetti(data_dir: str | os.PathLike[str] | None = None, *, side: int = SIDE) -> Dataset:
    """Load the faces: 300 train, 50 validation and 50 test images, without labels.

    F. Samaria, A. Harter, "Parameterisation of a stochastic model for human face identification" (1994); AT&T
    Laboratories Cambridge ask to be credited. The file is that of S. Roweis. The split is by people: thirty, five and
    five in a fixed random order (`splits.fixed_order`). The ten images of one person are near copies, and held-out
    copies of training images would flatter a model that memorises. The people of validation and test are therefore not
    in train, and people are no classes.

    Args:
        data_dir: Folder that is searched first; then $ADVNETS_DATA, then the cache folder. The file is not downloaded.
        side: 64 pixels as published, or 48, the size of the Toronto Face Database; figures on the two data sets cannot
            be compared.

    Returns:
        The data set, images uint8 (n, 1, side, side).

    Raises:
        Missing: If the file is in none of these places, which the error names.
        Damaged: If its pixels are others, and what `read_mat` raises.
    """
    path = _find(data_folders(data_dir))
    faces = _faces(path)
    faces = _shrink_to_three_quarters(faces) if side == 48 else faces
    people = fixed_order(PEOPLE)
    of_person = faces.reshape(PEOPLE, IMAGES, 1, side, side)
    parts = np.split(of_person[people], [TRAIN, TRAIN + VALIDATION])
    train, validation, test = (Split(torch.from_numpy(part.reshape(-1, 1, side, side))) for part in parts)
    name = "olivetti" if side == SIDE else f"olivetti-{side}"
    return Dataset(name, train, validation, test, None, str(path.absolute()))


def _find(folders: list[Path]) -> Path:
    for folder in folders:
        for layout in LAYOUTS:
            if (folder / layout / FILE).is_file():
                return folder / layout / FILE
    looked = ", ".join(str(folder) for folder in folders)
    raise Missing(
        f"{FILE}: looked in {looked} (each: olivetti/ or directly), and there is none. Get it from {WHERE} and put it "
        "into one of them; its pixels are checked."
    )


def _faces(path: Path) -> NDArray[np.uint8]:
    """The faces (400, 64, 64) in the order of the file, where each is a column and holds an image column by column."""
    values = read_mat(path, {"faces": MOST_BYTES})["faces"]
    if values.shape != (SIDE**2, PEOPLE * IMAGES):
        raise Damaged(
            f"{path}: `faces` have shape {values.shape}, expected ({SIDE**2}, {PEOPLE * IMAGES}). Get {WHERE}."
        )
    pixels = to_pixels(path, "faces", values)
    # The checksum is of the pixels: the file exists in several containers, and none of its checksums was published.
    found = hashlib.sha256(np.ascontiguousarray(pixels.T).data).hexdigest()
    if found != PIXELS_SHA256:
        raise Damaged(f"{path}: its pixels have sha256 {found}, expected {PIXELS_SHA256}. Get the file from {WHERE}.")
    return np.ascontiguousarray(pixels.T.reshape(-1, SIDE, SIDE).transpose(0, 2, 1))


def _shrink_to_three_quarters(faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images of 3/4 the side; each pixel is the mean of its area, in whole numbers that are the same everywhere."""
    # Three pixels cover four: the first takes all of one and a third of the next, and so on; weights in quarters.
    block = np.array([[3, 1, 0, 0], [0, 2, 2, 0], [0, 0, 1, 3]], np.uint16)
    shrink = np.kron(np.eye(faces.shape[1] // 4, dtype=np.uint16), block)
    sixteenths = shrink @ faces.astype(np.uint16) @ shrink.T
    return ((sixteenths + 8) // 16).astype(np.uint8)
