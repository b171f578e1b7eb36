"""One class of a data set, chosen by name or number: `cifar10:horse`, `mnist:3`."""

from dataclasses import replace

import torch

from advnets.data.dataset import Dataset
from advnets.data.splits import MIN_SAMPLES
from advnets.errors import BadInput, unknown


def split_class(name: str) -> tuple[str, str | None]:
    """Split a name into that of a data set and the class behind the colon, which is None where there is none.

    Args:
        name: A name such as cifar10:horse.

    Example:
        >>> split_class("cifar10:horse"), split_class("mnist")
        (('cifar10', 'horse'), ('mnist', None))
    """
    whole, colon, chosen = name.partition(":")
    return (whole, chosen) if colon else (name, None)


def choose_class(dataset: Dataset, chosen: str) -> Dataset:
    """Return the images of one class; they have no labels, as one class says nothing.

    Args:
        dataset: A labelled data set.
        chosen: Name of the class, or its number.

    Returns:
        The data set, called `name:class`.

    Raises:
        BadInput: If the data have no classes, or no such class, or a split has no image of it, or too few are there.
    """
    if dataset.classes is None:
        raise BadInput(
            f"{dataset.name}:{chosen}: {dataset.name} has no classes, expected labelled data to choose one of. Leave "
            f":{chosen} out."
        )
    names = dataset.class_names or tuple(map(str, range(dataset.classes)))
    number = _number_of(dataset, chosen, names)
    name = f"{dataset.name}:{names[number]}"
    parts = []
    for where, split in dataset.splits.items():
        assert split.labels is not None
        places = torch.eq(split.labels, number).nonzero().flatten()
        if len(places) < (MIN_SAMPLES if where == "train" else 1):
            raise BadInput(
                f"{name}: found {len(places)} images of the class in {where}, expected {MIN_SAMPLES} or more to train "
                "on, and at least one to validate and test each. Choose another class."
            )
        parts.append(replace(split.select(places), labels=None))
    train, validation, test = parts
    return Dataset(name, train, validation, test, None, dataset.source)


def _number_of(dataset: Dataset, chosen: str, names: tuple[str, ...]) -> int:
    if chosen in names:
        return names.index(chosen)
    if chosen.isascii() and chosen.isdigit() and int(chosen) < len(names):
        return int(chosen)
    raise unknown(f"class of {dataset.name}", chosen, names)
