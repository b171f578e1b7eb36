"""Previews: what the generator makes of the same noises, again and again."""

import os
from pathlib import Path

import torch
from torch import nn

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
        """Write the picture under a temporary name, then give it its own."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.stem}.tmp.png")
        Samples.of(generator(self.z), self.transform).picture().save(temporary)
        os.replace(temporary, path)
