"""Previews: what the generator makes of the same noises, again and again."""

import io
from pathlib import Path

import torch
from torch import nn

from advnets import runs
from advnets.data import TRANSFORMS, Dataset
from advnets.experiment.samples import Samples
from advnets.games import Game
from advnets.recipes import Recipe


class Preview:
    """Draws the generator's samples of fixed noises; its random numbers are its own, so watching changes nothing.

    seed: of the noises. n: how many samples.
    """

    def __init__(self, game: Game, recipe: Recipe, dataset: Dataset, *, seed: int, n: int = 64) -> None:
        self.z = game.latent(n, torch.Generator().manual_seed(seed)).to(game.device)
        self.transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]

    @torch.no_grad()
    def draw(self, generator: nn.Module, path: Path) -> None:
        """Write the picture, whole or not at all. Raises CannotWrite."""
        picture = io.BytesIO()
        Samples.of(generator(self.z), self.transform).picture().save(picture, "png")
        runs.make_folder(path.parent)
        runs.write_bytes(path, picture.getvalue())
