"""Data given in memory: a tensor, an array, a TensorDataset or a Dataset becomes a Dataset; all else is refused."""

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from advnets.data.conversion import Values
from advnets.data.dataset import Dataset
from advnets.errors import BadInput, Unsupported

STORED_NAME = "<memory>"
"""What recipe.json holds in place of a name or path, where the data were given in memory."""


def find_data(data: Any, *, labels: Values | None = None, given: Values | None = None) -> str | Dataset:
    """Return the name or path of data as text, or the data set that is given in memory.

    Args:
        data: Name or path of data, as text or a Path; or data in memory, as `from_memory` takes them.
        labels: Integers (n,) for a tensor or an array, or None.
        given: Images (n, c', h', w') for a tensor or an array, or None.

    Returns:
        Text that `data.load` takes, or a data set.

    Raises:
        BadInput: If `labels` or `given` stand beside a name or a path, and what `from_memory` raises.
    """
    if isinstance(data, str | os.PathLike):
        name = os.fspath(data)
        if not isinstance(name, str):
            raise BadInput(f"data: found the path {name!r}, expected text. Decode it with os.fsdecode.")
        _refuse_more(f"the name {name!r}", labels=labels, given=given)
        return name
    return from_memory(data, labels=labels, given=given)


def from_memory(data: Any, *, labels: Values | None = None, given: Values | None = None) -> Dataset:
    """Return the data set that is given in memory.

    Args:
        data: Tensor or NumPy array, as `Dataset.of` takes them; a torch TensorDataset of values, or of values and
            labels; or a Dataset.
        labels: Integers (n,) for a tensor or an array, or None.
        given: Images (n, c', h', w') for a tensor or an array, or None.

    Returns:
        The data set.

    Raises:
        Unsupported: If the data are of another kind; the error says how to convert them.
        BadInput: If `labels` or `given` are given beside data that bring their own, and what `Dataset.of` raises.
    """
    if isinstance(data, Dataset):
        _refuse_more("a Dataset", labels=labels, given=given)
        return data
    if isinstance(data, TensorDataset):
        values, labels = _unpack(data, labels)
        return Dataset.of(values, labels=labels, given=given)
    if isinstance(data, Tensor | np.ndarray):
        return Dataset.of(data, labels=labels, given=given)
    raise _refusal(data)


def _unpack(data: TensorDataset, labels: Values | None) -> tuple[Tensor, Values | None]:
    """The values and labels of a TensorDataset."""
    if len(data.tensors) not in (1, 2):
        raise BadInput(
            f"data: found a TensorDataset of {len(data.tensors)} tensors, expected (values,) or (values, labels). Give "
            "the tensors themselves: data=values, labels=..., given=..."
        )
    values, *rest = data.tensors
    if not rest:
        return values, labels
    _refuse_more("a TensorDataset with labels", labels=labels)
    if rest[0].dim() > 2:
        raise BadInput(
            f"data: found a TensorDataset whose second tensor has shape {tuple(rest[0].shape)}, expected labels (n,). "
            "Give pairs of images as data=target, given=input."
        )
    return values, rest[0]


def _refuse_more(what: str, **more: Values | None) -> None:
    found = [f"{name}=" for name, value in more.items() if value is not None]
    if found:
        raise BadInput(f"data: found {what} with {' and '.join(found)} beside it. Leave {' and '.join(found)} out.")


def _refusal(data: Any) -> Unsupported:
    if isinstance(data, DataLoader):
        advice = "advnets draws the batches itself, so that a run can be resumed. Give the tensors that are loaded."
    elif isinstance(data, list | tuple):
        advice = "Stack the samples first: torch.stack(samples), or numpy.stack(samples)."
    elif isinstance(data, torch.utils.data.Dataset):
        advice = "Collect its samples into one tensor: torch.stack([data[i][0] for i in range(len(data))])."
    else:
        advice = "Convert it to a tensor first."
    return Unsupported(
        f"data: found an object of type {type(data).__name__}, expected a name, a path, a tensor, a NumPy array, "
        f"a TensorDataset or a Dataset of advnets.data. {advice}"
    )
