"""Previews: what the generator makes of the same noises, again and again."""

import io
from pathlib import Path

import torch
from torch import nn

from advnets import runs
from advnets.data import TRANSFORMS, Dataset
from advnets.experiment.samples import Samples
from advnets.latents import Latent
from advnets.randomness import Streams
from advnets.recipes import Recipe


class Preview:
    """Draws the generator's samples of fixed noises; its random numbers are its own, so watching changes nothing.

    seed: of the noises. n: how many samples.
    """

    def __init__(
        self, latent: Latent, recipe: Recipe, dataset: Dataset, *, seed: int, device: torch.device, n: int = 64
    ) -> None:
        self.z = latent(n, torch.Generator().manual_seed(seed)).to(device)
        self.transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]

    @torch.no_grad()
    def draw(self, generator: nn.Module, path: Path) -> None:
        """Write the picture, whole or not at all. Raises CannotWrite."""
        picture = io.BytesIO()
        with Streams(0, self.z.device).as_defaults():  # what a network draws for itself is drawn the same each time
            drawn = generator(self.z)
        Samples.of(drawn, self.transform).picture().save(picture, "png")
        runs.make_folder(path.parent)
        runs.write_bytes(path, picture.getvalue())
