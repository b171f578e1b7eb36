"""Every data set by name, and the one function that loads them."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from advnets.data.class_choice import choose_class, split_class
from advnets.data.dataset import Dataset
from advnets.data.formats.npz import load_npz
from advnets.data.images.folder import load_images
from advnets.data.images.image_options import ImageOptions
from advnets.data.images.pairs import load_pairs
from advnets.data.memory import STORED_NAME
from advnets.data.sets.cifar10 import load_cifar10
from advnets.data.sets.digits import load_digits
from advnets.data.sets.mnist import load_mnist
from advnets.data.sets.olivetti import load_olivetti
from advnets.data.sets.tfd import TFD, load_tfd, split_fold
from advnets.data.sets.toys import MIXTURES, load_toy
from advnets.data.two_kinds import join_unpaired
from advnets.disk import expect_regular
from advnets.errors import BadInput, Missing, Unsupported, unknown

DataDir = str | os.PathLike[str] | None


def _ignore_folder(make: Callable[[], Dataset]) -> Callable[[DataDir], Dataset]:
    """A loader of data that come with the package or are drawn, for which no folder is searched."""
    return lambda data_dir: make()


DATASETS: dict[str, Callable[[DataDir], Dataset]] = (
    {
        "digits": _ignore_folder(load_digits),
        "mnist": load_mnist,
        "cifar10": load_cifar10,
        "olivetti": load_olivetti,
        "olivetti-48": lambda data_dir: load_olivetti(data_dir, side=48),
    }
    | TFD
    | {name: _ignore_folder(partial(load_toy, name)) for name in MIXTURES}
)


def load(
    name_or_path: str | os.PathLike[str], data_dir: DataDir = None, *, options: ImageOptions | None = None
) -> Dataset:
    """Load the data set of a name, or the images in a user's own file or folder.

    Args:
        name_or_path: Row of `DATASETS`, after which a colon and a class may stand (`choose_class`); or the path of a
            .npz file (`load_npz`), of a folder or a .zip of image files (`load_images`; `load_pairs` where the options
            have a direction), or of a TFD_48x48.mat (`load_tfd`), after which a colon and a fold may stand.
        data_dir: Folder that is searched first for the files of named data sets. Digits and toys have no files, and a
            path says by itself where it is.
        options: How image files become tensors; refused where there are no image files.

    Returns:
        The data set.

    Raises:
        BadInput: If the name is unknown, and what the loader raises.
        Missing: If there is no such file, or if the name stands for data that were given in memory.
        Unsupported: If the path is of another kind, such as a run, a pipe or a device.
    """
    name = os.fspath(name_or_path)
    path = Path(name)
    _refuse_what_is_no_data(name, path)
    if holds_image_files(name):
        return load_images(path, options) if options is None or options.direction is None else load_pairs(path, options)
    faces, fold = split_fold(name)
    is_known = is_named(name) or path.suffix.lower() == ".npz" or faces.lower().endswith(".mat")
    if is_known and options is not None and options.chosen_flags:
        raise BadInput(
            f"{', '.join(options.chosen_flags)}: found data set {name!r}, expected a folder or a .zip of images, as "
            "only image files are decoded. Leave the flag out."
        )
    if is_named(name):
        whole, chosen = split_class(name)
        dataset = DATASETS[whole](data_dir)
        return dataset if chosen is None else choose_class(dataset, chosen)
    if path.suffix.lower() == ".npz":
        return load_npz(path)
    if faces.lower().endswith(".mat"):
        return load_tfd(faces, fold=fold)
    raise _no_data_error(name, path)


def load_unpaired(
    a: str | os.PathLike[str] | Dataset,
    b: str | os.PathLike[str] | Dataset,
    data_dir: DataDir = None,
    *,
    options: ImageOptions | None = None,
) -> Dataset:
    """Load two kinds of images that nothing pairs, as `cyclegan` learns to translate them.

    Args:
        a: Images of the kind that is given on the way there: a name or path as `load` takes it, or a data set.
        b: Images of the kind that is made on the way there.
        data_dir: As in `load`.
        options: How image files of both become tensors; without a direction.

    Returns:
        The data set; see `join_unpaired`.

    Raises:
        BadInput: For images of unlike shapes, and what `load` raises.

    Example:
        >>> digits = load_unpaired("digits:3", "digits:8")
        >>> digits.name, digits.shape, digits.train.is_paired
        ('digits:3 to digits:8', (1, 8, 8), False)
    """
    of_files = [not isinstance(each, Dataset) and holds_image_files(os.fspath(each)) for each in (a, b)]
    if options is not None and options.chosen_flags and not any(of_files):
        raise BadInput(
            f"{', '.join(options.chosen_flags)}: found no image files in either kind of images, and only they are "
            "decoded. Leave the flag out."
        )
    one, other = (
        each if isinstance(each, Dataset) else load(each, data_dir, options=options if is_of_files else None)
        for each, is_of_files in zip((a, b), of_files, strict=True)
    )
    return join_unpaired(one, other)


def is_named(name: str) -> bool:
    """Return whether a name is that of a data set, or of one class of it; else it is a path.

    Args:
        name: Name or path of data.

    Returns:
        True if it is a name.
    """
    return name in DATASETS or (split_class(name)[0] in DATASETS and not os.path.exists(name))


def holds_image_files(name: str) -> bool:
    """Return whether `load` decodes image files for a name, so that `ImageOptions` apply to it.

    Args:
        name: Name or path of data.

    Returns:
        True for a folder and for a .zip; False for the name of a data set and for a .npz.
    """
    suffix = Path(name).suffix.lower()
    return not is_named(name) and suffix != ".npz" and (os.path.isdir(name) or suffix == ".zip")


def _refuse_what_is_no_data(name: str, path: Path) -> None:
    if name == STORED_NAME:
        raise Missing(
            "the data of the run were given in memory, and a run does not store them. Give the data again, as data= of "
            "resume or of Run."
        )
    if not is_named(name):
        expect_regular(Path(split_fold(name)[0]))
    if not is_named(name) and os.path.isfile(path / "recipe.json"):
        raise Unsupported(
            f"{name} is a run directory, expected images; the images inside are previews. Name the data that it was "
            "trained on, or draw samples from it with `advnets sample`."
        )


def _no_data_error(name: str, path: Path) -> BadInput:
    if os.path.exists(name):
        return Unsupported(
            f"{name}: found a file ending in {path.suffix!r}, expected a folder or a .zip of images, a .npz file with "
            f"an array `images` (uint8), or one of the data sets {', '.join(DATASETS)}. Put the images into a folder."
        )
    if path.name != name:
        return Missing(
            f"{name}: there is no such file or folder. Check the path, or give a data set: {', '.join(DATASETS)}."
        )
    return unknown("data set", name, DATASETS)
