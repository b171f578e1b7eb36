"""The data that a model was trained on, by the name on its card, or other data of the same shape."""

from pathlib import Path

from advnets import data
from advnets.data import Dataset, ImageOptions
from advnets.errors import BadInput
from advnets.runs import Card


def load_model_data(card: Card, name: str, name_or_path: str | None, data_dir: str | None) -> Dataset:
    """Load the data that a model is measured against; see `Model.dataset`.

    Args:
        card: What the model is.
        name: How errors call the model.
        name_or_path: As in `Model.dataset`.
        data_dir: As in `Model.dataset`.

    Returns:
        The data, of the shape that the model draws.

    Raises:
        BadInput: As `Model.dataset` does.
    """
    told = card.data
    if name_or_path is None and not data.is_named(told.name):
        raise BadInput(f"{name} was trained on {told.name!r}, which is no data set by name; give the path of it")
    dataset = data.load(name_or_path or told.name, data_dir, options=_image_options(card, name_or_path))
    if name_or_path is None and dataset.digest != told.digest:
        raise BadInput(
            f"{told.name} is not the data that {name} was trained on: its digest is {dataset.digest[:12]}, "
            f"expected {told.digest[:12]}. Name the data, to measure against them all the same."
        )
    dataset = dataset.turn() if card.way == "back" else dataset
    if dataset.shape != told.shape:
        raise BadInput(f"{dataset.name}: samples of shape {dataset.shape}, expected {told.shape}, as {name} draws")
    return dataset


def _image_options(card: Card, path: str | None) -> ImageOptions | None:
    """How the images of a folder or a zip are brought to the card's size and channels; None of all other data."""
    if path is None or not (Path(path).is_dir() or path.lower().endswith(".zip")):
        return None
    channels, height, width = card.data.shape
    alpha = "keep" if channels in (2, 4) else None
    return ImageOptions(size=(height, width), channels="grey" if channels < 3 else "rgb", alpha=alpha)
