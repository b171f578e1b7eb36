"""A generator of one's own as a model, without a run: it draws, is measured and is compared as others are."""

from importlib.metadata import version
from os import PathLike
from typing import Any

from torch import nn

from advnets.averaging import copy_deeply, prepare_sampling
from advnets.data import TRANSFORMS, Dataset, load
from advnets.errors import BadInput, unknown
from advnets.experiment.model import Model
from advnets.latents import Latent
from advnets.networks import NO_CODE
from advnets.runs import Card, DataCard

TRIED = 2
"""Samples that are drawn to see what the network makes."""


def own_model(
    network: nn.Module,
    data: Any,
    *,
    latent: Latent | None,
    given: str | None = None,
    transform: str = "unit",
    name: str = "own",
) -> Model:
    """Wrap a generator that was trained elsewhere.

    Args:
        network: z (n, latent size), and labels (n,) where they are given, -> samples of the data's shape, float32.
            It is copied, and the copy put into evaluation mode on the CPU.
        data: What it was trained on: a data set, the name of one or a path, or a tensor or an array.
        latent: The distribution of z, such as advnets.gaussian(100); None for none.
        given: "labels" if it sees labels, otherwise None.
        transform: Row of TRANSFORMS: the range that it makes pixels in.
        name: How reports call it.

    Returns:
        The model; `model.evaluate(data)` measures it, and `advnets.compare` takes it beside runs.

    Raises:
        BadInput: If its samples are not like the data.
    """
    if not isinstance(network, nn.Module):
        raise BadInput(f"network is {type(network).__name__}; expected an nn.Module. Wrap the function in one.")
    if transform not in TRANSFORMS:
        raise unknown("transform", str(transform), TRANSFORMS)
    if given not in (None, "labels"):
        raise BadInput(f"given is {given!r}; expected 'labels' or None")
    dataset = _as_dataset(data)
    card = Card(
        generator={"row": "own"},
        latent="gaussian" if latent is None else latent.name,
        latent_size=0 if latent is None else latent.size,
        code=NO_CODE if latent is None else latent.code,
        given=given,
        transform=transform if dataset.is_image else "identity",
        data=_data_card(dataset, given),
        recipe=name,
        step=0,
        advnets=version("advnets"),
    )
    model = Model(name, prepare_sampling(copy_deeply(network)).cpu(), card)
    _expect_like_data(model, dataset)
    return model


def _as_dataset(data: Any) -> Dataset:
    if isinstance(data, Dataset):
        return data
    return load(str(data)) if isinstance(data, str | PathLike) else Dataset.of(data)


def _data_card(dataset: Dataset, given: str | None) -> DataCard:
    labels = dataset.train.labels if given == "labels" else None
    if given == "labels" and labels is None:
        raise BadInput(f"given is 'labels', and {dataset.name} has none; take labelled data")
    shares = None if labels is None else (labels.bincount(minlength=dataset.classes or 0) / len(labels)).tolist()
    names = None if labels is None else dataset.class_names
    frequencies = None if shares is None else tuple(shares)
    return DataCard(dataset.name, dataset.digest, dataset.shape, dataset.classes, frequencies, None, names)


def _expect_like_data(model: Model, dataset: Dataset) -> None:
    try:
        made = tuple(model.sample(TRIED).stored_values.shape[1:])
    except (RuntimeError, TypeError, IndexError) as error:
        raise BadInput(f"the network cannot draw {TRIED} samples: {' '.join(str(error).split())}") from error
    if made != dataset.shape:
        raise BadInput(
            f"the network makes samples of shape {made}, expected {dataset.shape}, as {dataset.name} has them"
        )
