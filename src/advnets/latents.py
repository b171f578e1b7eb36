"""Latents: where z comes from, with mean 0 and variance 1 a coordinate, so that one can replace another."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets import distributed

Draw = Callable[[int, int, torch.Generator | None, torch.device], Tensor]


@dataclass(frozen=True)
class Latent:
    """The prior p(z) of a generator.

    size: number of coordinates of z.
    name: the row of LATENTS.
    """

    size: int
    name: str

    def __call__(self, n: int, rng: torch.Generator | None = None, device: torch.device | str = "cpu") -> Tensor:
        """Draw z, shape (n, size), float32.

        `rng` None draws for the global batch, from the run's shared random numbers (torch's default generator outside a
        run), and gives this process's n.
        """
        draw, there = _DRAWS[self.name], torch.device(device)
        if rng is not None:
            return draw(n, self.size, rng, there)
        return distributed.draw_global(lambda every, shared: draw(every, self.size, shared, there), n)


def gaussian(size: int) -> Latent:
    """z ~ N(0, I), the prior of the first public version of the 2014 code."""
    return Latent(size, "gaussian")


def uniform(size: int) -> Latent:
    """z ~ U(-sqrt 3, sqrt 3) each coordinate: `noise: 'uniform'` of the 2014 code, of unit variance."""
    return Latent(size, "uniform")


def _draw_gaussian(n: int, size: int, rng: torch.Generator | None, device: torch.device) -> Tensor:
    return torch.randn(n, size, generator=rng, device=rng.device if rng else device).to(device)


def _draw_uniform(n: int, size: int, rng: torch.Generator | None, device: torch.device) -> Tensor:
    u = torch.rand(n, size, generator=rng, device=rng.device if rng else device).to(device)
    return (2 * u - 1) * math.sqrt(3)


LATENTS: dict[str, Callable[[int], Latent]] = {"gaussian": gaussian, "uniform": uniform}
_DRAWS: dict[str, Draw] = {"gaussian": _draw_gaussian, "uniform": _draw_uniform}
