"""Previews: what the generators make of the same inputs, again and again."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advnets import runs
from advnets.data import Dataset, Transform
from advnets.disk import Folder
from advnets.experiment.sampling import Samples
from advnets.games import make
from advnets.randomness import Streams


class Preview:
    """Draws the generators' samples of fixed inputs; its random numbers are its own, so watching changes nothing.

    Args:
        z: The noises, (n, latent_size), or None.
        given: What is given beside them, by the generator's way: labels (n,), images (n, c, h, w), or None.
        transform: Between stored values and what the networks see.
        device: Where the generators are.
    """

    def __init__(
        self, z: Tensor | None, given: Mapping[str, Tensor | None], transform: Transform, device: torch.device
    ) -> None:
        self.z, self.given, self.transform, self.device = z, given, transform, device

    @torch.no_grad()
    def draw(self, makers: Mapping[str, nn.Module], path: Path, held: Folder | None = None) -> None:
        """Write the picture, whole or not at all.

        Args:
            makers: The generators by way; each adds its samples to the picture.
            path: The file.
            held: The run's folder, if it is held open; the folder of the file is made in there.

        Raises:
            CannotWrite: If it cannot be written.
        """
        picture, made = io.BytesIO(), []
        with Streams(0, self.device).as_defaults():  # what a network draws for itself is drawn the same each time
            for way, maker in makers.items():
                made.append(Samples.of(make(maker, self.z, self.given.get(way)), self.transform).values)
        everything: Any = np.concatenate(made)
        Samples(everything).picture().save(picture, "png")
        if held is None:
            runs.make_folder(path.parent)
        runs.write_bytes(path, picture.getvalue(), held)


def fixed_given(dataset: Dataset, given: str | None, transform: Transform, *, n: int) -> Tensor | None:
    """Return what a preview gives its generator: every class in turn, or the first images of the validation split.

    Args:
        dataset: The data.
        given: "labels", "images" or None.
        transform: Between stored images and what the networks see.
        n: How many samples are drawn.

    Returns:
        Labels (n,), images (at most n, c, h, w), or None.
    """
    if given == "labels":
        return torch.arange(n) % (dataset.classes or 1)
    if given == "images" and dataset.validation.given is not None:
        return transform.forward(dataset.validation.given[:n])
    return None
