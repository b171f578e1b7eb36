"""MNIST: 70,000 handwritten digits of 28x28 pixels, from a folder of the user's or a download."""

import os
from pathlib import Path

from advnets.data.dataset import Dataset, Split
from advnets.data.formats.idx import read_pair
from advnets.data.sets.download import fetch
from advnets.data.sets.published_files import data_folders, verify_file
from advnets.errors import Damaged, Missing

TRAIN = 50_000  # of the 60,000 training images, the first; the rest is the validation split
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
# The checksums of .gz files are those of the published files; the others are of what gunzip makes of them.
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
BYTES = {
    "train-images-idx3-ubyte.gz": 9_912_422,
    "train-labels-idx1-ubyte.gz": 28_881,
    "t10k-images-idx3-ubyte.gz": 1_648_877,
    "t10k-labels-idx1-ubyte.gz": 4_542,
}
LAYOUTS = ("mnist", "MNIST/raw", "")  # folders inside a data folder; the second is torchvision's


def load_mnist(data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load MNIST: 50,000 train, 10,000 validation and the published 10,000 test images, with labels 0..9.

    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition" (1998). The
    split of the training images is that of I. Goodfellow et al., "Maxout networks" (2013), section 5.1.

    Args:
        data_dir: Folder that is searched first; then $ADVNETS_DATA, then the cache folder, to which missing files are
            downloaded.

    Returns:
        The data set, images uint8 (n, 1, 28, 28).

    Raises:
        Missing: If a file is in none of these places, which the error names, and cannot be downloaded.
        Damaged: If a file has another checksum than the published one.
    """
    folders = data_folders(data_dir)
    paths = [_obtain(name, folders) for name in FILES]
    images, labels = read_pair(paths[0], paths[1], 10)
    test_images, test_labels = read_pair(paths[2], paths[3], 10)
    return Dataset(
        name="mnist",
        train=Split(images[:TRAIN], labels[:TRAIN]),
        validation=Split(images[TRAIN:], labels[TRAIN:]),
        test=Split(test_images, test_labels),
        classes=10,
        source=str(paths[0].parent.absolute()),
        class_names=tuple("0123456789"),
    )


def _obtain(name: str, folders: list[Path]) -> Path:
    """The verified path of one of the four files, from the first folder that has it, or downloaded to the last."""
    for folder in folders:
        for layout in LAYOUTS:
            for filename in (f"{name}.gz", name):
                path = folder / layout / filename
                if path.is_file():
                    return verify_file(path, SHA256[filename], "MNIST")
    try:
        packed, folder = f"{name}.gz", folders[-1] / "mnist"
        return fetch(packed, SHA256[packed], MIRRORS, size=BYTES[packed], folder=folder)
    except (Missing, Damaged) as error:
        looked = ", ".join(str(folder) for folder in folders)
        inside = "mnist/, MNIST/raw/ or directly"
        raise type(error)(f"{error} Looked in {looked} (each: {inside}, as {name}.gz or {name}).") from error
