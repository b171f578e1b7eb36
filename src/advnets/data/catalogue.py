"""Every data set by name, and the one function that loads them."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from advnets.data.cifar10 import load_cifar10
from advnets.data.dataset import Dataset
from advnets.data.digits import load_digits
from advnets.data.mnist import load_mnist
from advnets.data.npz import load_npz
from advnets.data.olivetti import load_olivetti
from advnets.data.tfd import TFD, load_tfd, split_fold
from advnets.data.toys import MIXTURES, load_toy
from advnets.errors import Missing, Unsupported, unknown

DataDir = str | os.PathLike[str] | None


def _made_here(make: Callable[[], Dataset]) -> Callable[[DataDir], Dataset]:
    """A loader of data that come with the package or are drawn, so that no folder is looked through for them."""
    return lambda data_dir: make()


DATASETS: dict[str, Callable[[DataDir], Dataset]] = (
    {
        "digits": _made_here(load_digits),
        "mnist": load_mnist,
        "cifar10": load_cifar10,
        "olivetti": load_olivetti,
        "olivetti-48": lambda data_dir: load_olivetti(data_dir, side=48),
    }
    | TFD
    | {name: _made_here(partial(load_toy, name)) for name in MIXTURES}
)


def load(name_or_path: str | os.PathLike[str], data_dir: DataDir = None) -> Dataset:
    """The data set of that name, or the images in a user's own file.

    name_or_path: a row of `DATASETS`, the path of a .npz file (see `load_npz`), or that of a TFD_48x48.mat (see
        `load_tfd`), which a colon and a fold may follow.
    data_dir: folder that files of named data sets are looked for in first; digits and toys have no files, and a path
        says by itself where it is.
    Raises BadInput for an unknown name, Unsupported for a path of another kind, and what the loader raises.
    """
    name = os.fspath(name_or_path)
    if name in DATASETS:
        return DATASETS[name](data_dir)
    path = Path(name)
    if path.suffix.lower() == ".npz":
        return load_npz(path)
    faces, fold = split_fold(name)
    if faces.lower().endswith(".mat"):
        return load_tfd(faces, fold=fold)
    if os.path.exists(name):
        kind = "a folder" if path.is_dir() else f"a file ending in {path.suffix!r}"
        raise Unsupported(
            f"{name}: found {kind}, expected a .npz file with an array `images` (uint8), or one of the data sets "
            f"{', '.join(DATASETS)}. Save the images with numpy.savez_compressed(path, images=...)."
        )
    if path.name != name:
        raise Missing(f"{name}: there is no such file. Check the path, or give a data set: {', '.join(DATASETS)}.")
    raise unknown("data set", name, DATASETS)
