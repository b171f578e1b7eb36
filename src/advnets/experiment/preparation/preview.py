"""Previews: what the generators make of the same inputs, again and again; given images are shown with it."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advnets import runs
from advnets.data import Dataset, Transform
from advnets.disk import Folder
from advnets.experiment.sampling import Samples
from advnets.figures.grid import remove_alpha
from advnets.games import make
from advnets.randomness import Streams


class Preview:
    """Draws the generators' samples of fixed inputs; its random numbers are its own, so watching changes nothing.

    Args:
        z: The noises, (n, latent_size), or None.
        given: What is given beside them, by the generator's way: labels (n,), images (n, c, h, w), or None.
        transform: Between stored values and what the networks see.
        device: Where the generators are.
        targets: What is to be made of given images, by way, where they are pairs; they are shown below.
    """

    def __init__(
        self,
        z: Tensor | None,
        given: Mapping[str, Tensor | None],
        transform: Transform,
        device: torch.device,
        targets: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.z, self.given, self.transform, self.device = z, given, transform, device
        self.targets = targets or {}

    @torch.no_grad()
    def draw(self, makers: Mapping[str, nn.Module], path: Path, held: Folder | None = None) -> None:
        """Write the picture, whole or not at all: a grid, or of given images a row of them above that of what is made.

        Args:
            makers: The generators by way; each adds its samples to the picture.
            path: The file.
            held: The run's folder, if it is held open; the folder of the file is made in there.

        Raises:
            CannotWrite: If it cannot be written.
        """
        picture, rows = io.BytesIO(), list[Any]()
        columns = next((len(one) for one in self.given.values() if one is not None and one.ndim == 4), None)
        with Streams(0, self.device).as_defaults():  # what a network draws for itself is drawn the same each time
            for way, maker in makers.items():
                made, given = make(maker, self.z, self.given.get(way)), self.given.get(way)
                above = given if given is not None and given.shape[2:] == made.shape[2:] else None
                shown = (made,) if columns is None else (above, made, self.targets.get(way))
                rows += [Samples.of(one, self.transform).values for one in shown if one is not None]
        Samples(join_rows(rows), columns=columns).picture().save(picture, "png")
        if held is None:
            runs.make_folder(path.parent)
        runs.write_bytes(path, picture.getvalue(), held)


def join_rows(rows: Sequence[Any]) -> Any:
    """Return images (n, h, w, c) or points (n, d) of several rows as one array; grey beside colour becomes grey in RGB.

    Args:
        rows: Arrays of one shape each but for n and c.

    Returns:
        The array.
    """
    if len({row.shape[-1] for row in rows}) == 1:
        return np.concatenate(rows)
    plain = [remove_alpha(row) for row in rows]
    return np.concatenate([row.repeat(3, 3) if row.shape[3] == 1 else row for row in plain])


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
