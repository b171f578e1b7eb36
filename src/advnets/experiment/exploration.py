"""Walks through a generator's latents: seeds, the way between two, single coordinates, classes; and translations."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from advnets.data import Dataset
from advnets.data.images.decode_image import decode_whole, strict_pillow
from advnets.errors import BadInput
from advnets.experiment.model import Model
from advnets.experiment.opening import find_model
from advnets.experiment.run import Run
from advnets.experiment.sampling import Samples, choose_given, find_nearest_training_images
from advnets.latents import LATENTS
from advnets.runs import newest_first

MOST = 64
"""Samples of one picture, at most."""
FURTHEST = 8.0
"""How far from 0 a coordinate may be set, in standard deviations."""
SLIDERS = 24
"""Coordinates that have a slider of their own."""


@dataclass(frozen=True)
class Exploration:
    """A place in a generator's latents.

    Attributes:
        seed: Seed of z.
        other: Seed of another z, to which a way leads; None for no way.
        share: How much of the way lies behind, from 0 to 1.
        coordinates: Values that single coordinates of z are set to, by number from 0.
        class_name: The class that is drawn, by name or number; None for one by its share.
        n: How many samples: of seed, seed + 1 and so on, all moved alike.
        is_beside_nearest: Whether each is shown beside the training image that is nearest to it.

    Raises:
        BadInput: For numbers out of range.
    """

    seed: int = 0
    other: int | None = None
    share: float = 0.0
    coordinates: Mapping[int, float] = field(default_factory=dict)
    class_name: str | None = None
    n: int = 1
    is_beside_nearest: bool = False

    def __post_init__(self) -> None:
        for name, seed in (("seed", self.seed), ("other", self.other)):
            if seed is not None and not (type(seed) is int and 0 <= seed < 2**53 - MOST):
                raise BadInput(f"{name}: found {seed!r}, expected a whole number from 0 to 2^53. Give another one.")
        if type(self.n) is not int or not 1 <= self.n <= MOST:
            raise BadInput(f"n: found {self.n!r}, expected a whole number from 1 to {MOST}")
        if not isinstance(self.share, int | float) or not 0 <= self.share <= 1:
            raise BadInput(f"share: found {self.share!r}, expected a number from 0 to 1")
        for place, value in self.coordinates.items():
            if not isinstance(value, int | float) or not abs(value) <= FURTHEST:
                raise BadInput(f"coordinate {place}: found {value!r}, expected a number from -{FURTHEST} to {FURTHEST}")
        if self.class_name is not None and not isinstance(self.class_name, str):
            raise BadInput(f"class: found {self.class_name!r}, expected its name or its number as a text")
        if type(self.is_beside_nearest) is not bool:
            raise BadInput(f"nearest: found {self.is_beside_nearest!r}, expected true or false")

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Exploration":
        """Return the place that a JSON object names.

        Args:
            value: {"seed": 3, "other": 7, "share": 0.5, "coordinates": {"0": 1.5}, "class": "4", "n": 16, "nearest":
                true}, each of which may be missing.

        Returns:
            The place.

        Raises:
            BadInput: For other fields, and for numbers out of range.
        """
        known = {"seed", "other", "share", "coordinates", "class", "n", "nearest"}
        if set(value) - known:
            raise BadInput(f"found {', '.join(sorted(set(value) - known))}; expected {', '.join(sorted(known))}")
        moves = value.get("coordinates", {})
        if not isinstance(moves, Mapping) or not all(key.isdecimal() and len(key) < 9 for key in moves):
            raise BadInput('coordinates: expected an object, such as {"0": 1.5}')
        rest = {name: value[name] for name in ("seed", "other", "share", "n") if value.get(name) is not None}
        return Exploration(
            **rest,
            coordinates={int(key): move for key, move in moves.items()},
            class_name=value.get("class"),
            is_beside_nearest=value.get("nearest", False),
        )


def draw_place(model: Model, place: Exploration) -> Samples:
    """Draw the samples of a place.

    Args:
        model: The generator.
        place: Where.

    Returns:
        The samples.

    Raises:
        BadInput: For a coordinate or a class that is not there, and for a generator that is given images.
        Unsupported: If the generator takes no noises.
        NonFinite: If the network makes a NaN or an Inf.
    """
    if model.card.given == "images":
        raise BadInput(f"{model.name} makes images out of images. Translate one.")
    z = torch.cat([model.draw(1, seed=place.seed + number) for number in range(place.n)])
    if place.other is not None:
        ends = torch.cat([model.draw(1, seed=place.other + number) for number in range(place.n)])
        latent = LATENTS[model.card.latent](model.card.latent_size, model.card.code)
        share = torch.tensor([place.share], dtype=torch.float64)
        z = torch.cat([latent.interpolate(start, end, share) for start, end in zip(z, ends, strict=True)])
    for coordinate, value in place.coordinates.items():
        if coordinate >= z.shape[1]:
            raise BadInput(f"coordinate {coordinate}: {model.name} has those from 0 to {z.shape[1] - 1}")
        z[:, coordinate] = float(value)
    given = choose_given(model.card, model.name, place.n, place.seed, place.class_name)
    return model.emit(z, seed=place.seed, given=given)


def translate_upload(model: Model, content: bytes, seed: int = 0) -> Samples:
    """Translate an image that somebody uploaded.

    Args:
        model: A generator that is given images.
        content: The bytes of an image file, PNG, JPEG or another that is read from folders.
        seed: Seed of its noise, where it has some.

    Returns:
        The image and, where it has as many channels, beside it its translation.

    Raises:
        BadInput: If the generator is given no images, or the bytes are no image.
        TooBig: If the image has too many pixels.
        NonFinite: If the network makes a NaN or an Inf.
    """
    shape = model.card.data.given_shape
    if model.card.given != "images" or shape is None:
        raise BadInput(f"{model.name} draws from noise and takes no image; expected a run of pix2pix or cyclegan")
    with strict_pillow():
        image = torch.tensor(decode_whole(content, "the upload", shape[0]))
    made = model.translate(image[None], seed=seed)
    own = image.permute(1, 2, 0)[None].numpy()
    return (
        Samples(torch.cat([torch.tensor(own), torch.tensor(made.values)]).numpy())
        if (own.shape[3] == made.values.shape[3])
        else made
    )


def picture_bytes(samples: Samples) -> bytes:
    """Return samples as the bytes of a PNG file: one image as large as a page shows it, or a grid."""
    file = io.BytesIO()
    samples.picture().save(file, "png")
    return file.getvalue()


def describe_latents(model: Model) -> dict[str, Any]:
    """Return what can be moved in a generator, as JSON.

    Args:
        model: The generator.

    Returns:
        Its step, the coordinates of z and how many have sliders, its classes, whether it makes images, whether it
        translates them, and which way.
    """
    card = model.card
    names = card.data.class_names or tuple(map(str, range(card.data.classes or 0)))
    return {
        "step": model.step,
        "latent": card.latent,
        "size": card.latent_size,
        "sliders": min(SLIDERS, card.latent_size),
        "classes": list(names) if card.given == "labels" else [],
        "translates": card.given == "images",
        "way": card.way,
        "is_image": len(card.data.shape) == 3,
    }


@dataclass
class LatentExplorer:
    """Draws from the newest checkpoint of one source, which is loaded anew when there is a newer one.

    Attributes:
        path: A run, or a share file.
    """

    path: Path

    def __post_init__(self) -> None:
        self._models: dict[str | None, Model] = {}
        self._newest: str | None = None

    def model(self, way: str | None = None) -> Model:
        """Return a generator of the newest good checkpoint.

        Args:
            way: The way of a cycle, "there" or "back"; None for the first.

        Returns:
            The generator.

        Raises:
            AdvnetsError: As `find_model` does.
        """
        newest = next((path.name for path in newest_first(self.path / "checkpoints")), None)
        if newest != self._newest:
            self._models, self._newest = {}, newest
        if way not in self._models:
            self._models[way] = find_model(self.path, way=way)
        return self._models[way]

    @cached_property
    def data(self) -> Dataset:
        """The data of the run. Raises BadInput for a share file, and what `Run.dataset` does."""
        if not self.path.is_dir():
            raise BadInput(f"{self.path.name} is a share file, which holds no training images. Look at samples alone.")
        return Run(self.path).dataset

    def draw(self, place: Exploration) -> Samples:
        """Draw the samples of a place, each beside its nearest training image if that is asked for.

        Args:
            place: The place.

        Returns:
            The samples, (n, h, w, c); beside training images, which are on the right, (n, h, 2 w, c).

        Raises:
            BadInput: For points or a share file beside training images, and as `draw_place` and `Run.dataset` do.
        """
        model = self.model()
        samples = draw_place(model, place)
        if not place.is_beside_nearest:
            return samples
        if samples.values.ndim != 4:
            raise BadInput(f"{self.path.name} draws points, and only images are shown beside training images")
        nearest = find_nearest_training_images(samples, self.data, model.transform)
        return Samples(np.concatenate([samples.values, nearest.values], axis=2).astype(np.uint8))
