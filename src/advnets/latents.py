"""Latents: where z comes from, with mean 0 and variance 1 a coordinate, so that one can replace another."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from advnets import distributed
from advnets.errors import BadInput

__all__ = ["LATENTS", "Latent", "gaussian", "uniform"]

Prior = Callable[..., Tensor]
"""(n, generator or None for torch's default, size, device) -> z."""


@dataclass(frozen=True)
class Latent:
    """The prior p(z) of a generator.

    Attributes:
        size: Coordinates of z, 1 or more.
        name: The row of LATENTS.
    """

    size: int
    name: str

    def __post_init__(self) -> None:
        if type(self.size) is not int or self.size < 1:
            raise BadInput(f"size is {self.size!r}; expected a whole number of coordinates of z, 1 or more")

    def __call__(self, n: int, rng: torch.Generator | None = None, device: torch.device | str = "cpu") -> Tensor:
        """Draw noises z.

        Args:
            n: How many.
            rng: What draws them; None draws for the global batch from the run's shared random numbers (outside of a run
                from torch's default generator), and returns this process's n.
            device: Where they are wanted.

        Returns:
            z, (n, size), float32.
        """
        prior = partial(_PRIORS[self.name], size=self.size, device=device)
        return prior(n, rng) if rng is not None else distributed.draw_global(prior, n)


def gaussian(size: int) -> Latent:
    """Return z ~ N(0, I), the prior of the first public version of the 2014 code.

    Args:
        size: Coordinates of z.

    Returns:
        The latent.
    """
    return Latent(size, "gaussian")


def uniform(size: int) -> Latent:
    """Return z ~ U(-sqrt 3, sqrt 3) each coordinate: `noise: 'uniform'` of the 2014 code, of unit variance.

    Args:
        size: Coordinates of z.

    Returns:
        The latent.
    """
    return Latent(size, "uniform")


def _draw_gaussian(n: int, rng: torch.Generator | None, size: int, device: torch.device | str) -> Tensor:
    return torch.randn(n, size, generator=rng, device=rng.device if rng else device).to(device)


def _draw_uniform(n: int, rng: torch.Generator | None, size: int, device: torch.device | str) -> Tensor:
    u = torch.rand(n, size, generator=rng, device=rng.device if rng else device).to(device)
    return (2 * u - 1) * math.sqrt(3)


LATENTS: dict[str, Callable[[int], Latent]] = {"gaussian": gaussian, "uniform": uniform}
_PRIORS: dict[str, Prior] = {"gaussian": _draw_gaussian, "uniform": _draw_uniform}
