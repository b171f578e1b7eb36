"""Latents: where z comes from, with mean 0 and variance 1 a coordinate, so that one can replace another.

The end of z may be a code, which a head of the discriminator is to tell.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from advnets import distributed
from advnets.errors import BadInput
from advnets.networks import NO_CODE, Code

__all__ = ["LATENTS", "Latent", "gaussian", "lerp", "slerp", "uniform"]

Prior = Callable[..., Tensor]
"""(n, generator or None for torch's default, size, device) -> z."""


@dataclass(frozen=True)
class Latent:
    """The prior p(z) of a generator.

    Attributes:
        size: Coordinates of z, 1 or more, those of the code among them.
        name: The row of LATENTS, for all coordinates but the code's.
        code: What the last coordinates of z are.

    Raises:
        BadInput: If the size is no whole number of 1 or more, or less than that of the code.
    """

    size: int
    name: str
    code: Code = NO_CODE

    def __post_init__(self) -> None:
        if type(self.size) is int and self.size < self.code.size:
            raise BadInput(
                f"size is {self.size} with a code of {self.code.size} coordinates; expected at least as many, for the "
                "code is the end of z. Give a larger size, or a smaller code."
            )
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
        prior = partial(self._draw, device=device)
        return prior(n, rng) if rng is not None else distributed.draw_global(prior, n)

    def _draw(self, n: int, rng: torch.Generator | None, device: torch.device | str) -> Tensor:
        z = _PRIORS[self.name](n, rng, self.size - self.code.size, device)
        return torch.cat([z, *_draw_code(self.code, n, rng, device)], 1) if self.code.size else z

    def interpolate(self, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
        """Return noises on the way from one to another, all of which are as likely as drawn ones.

        A Gaussian z of many coordinates lies near the sphere of radius sqrt(size), so that the way leads along it
        (`slerp`); a straight line would come through the middle, where z is never drawn. A uniform z lies in a cube,
        which a straight line (`lerp`) between two of its points never leaves, and a sphere does. So is a code's way.

        Args:
            start: z, (size,).
            end: z, (size,).
            shares: Which parts of the way lie behind, each in [0, 1], (m,) float64.

        Returns:
            z, (m, size), float32; bit for bit the start at 0, and the end at 1.
        """
        size, (p, q), t = self.size - self.code.size, (start.double(), end.double()), shares[:, None]
        return torch.cat([_PATHS[self.name](p[:size], q[:size], t), lerp(p[size:], q[size:], t)], 1).float()


def gaussian(size: int, code: Code = NO_CODE) -> Latent:
    """Return z ~ N(0, I), the prior of the first public version of the 2014 code.

    Args:
        size: Coordinates of z.
        code: What the last of them are in place of it.

    Returns:
        The latent.
    """
    return Latent(size, "gaussian", code)


def uniform(size: int, code: Code = NO_CODE) -> Latent:
    """Return z ~ U(-sqrt 3, sqrt 3) each coordinate: `noise: 'uniform'` of the 2014 code, of unit variance.

    Args:
        size: Coordinates of z.
        code: What the last of them are in place of it.

    Returns:
        The latent.
    """
    return Latent(size, "uniform", code)


def _draw_gaussian(n: int, rng: torch.Generator | None, size: int, device: torch.device | str) -> Tensor:
    return torch.randn(n, size, generator=rng, device=rng.device if rng else device).to(device)


def _draw_uniform(n: int, rng: torch.Generator | None, size: int, device: torch.device | str) -> Tensor:
    u = torch.rand(n, size, generator=rng, device=rng.device if rng else device).to(device)
    return (2 * u - 1) * math.sqrt(3)


def _draw_code(code: Code, n: int, rng: torch.Generator | None, device: torch.device | str) -> list[Tensor]:
    """Draw one category of a code, as (n, categories) of zeros and a one, and its continuous coordinates."""
    at, parts = rng.device if rng else device, []
    if code.categories:
        category = torch.randint(code.categories, (n,), generator=rng, device=at)
        parts.append(torch.nn.functional.one_hot(category, code.categories).float().to(device))
    if code.continuous:
        parts.append(2 * torch.rand(n, code.continuous, generator=rng, device=at).to(device) - 1)
    return parts


def slerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Interpolate spherically: (sin((1 - t) w) p + sin(t w) q) / sin w, with w the angle between p and q.

    T. White, "Sampling generative networks" (2016), arXiv:1609.04468, section 2. Where p and q point the same way, or
    opposite ways, no sphere says where the way leads, and it is straight.

    Args:
        start: p, (size,).
        end: q, (size,).
        shares: t, each in [0, 1], (m, 1).

    Returns:
        (m, size).
    """
    cosine = torch.dot(start, end) / (start.norm() * end.norm())
    angle = cosine.clamp(-1, 1).acos()
    if not angle.sin() > 1e-6:
        return lerp(start, end, shares)
    sine, from_start, from_end = angle.sin(), ((1 - shares) * angle).sin(), (shares * angle).sin()
    between: Tensor = from_start / sine * start + from_end / sine * end
    return between


def lerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Interpolate on a straight line: (1 - t) p + t q.

    Args:
        start: p, (size,).
        end: q, (size,).
        shares: t, each in [0, 1], (m, 1).

    Returns:
        (m, size).
    """
    return (1 - shares) * start + shares * end


LATENTS: dict[str, Callable[..., Latent]] = {"gaussian": gaussian, "uniform": uniform}
_PRIORS: dict[str, Prior] = {"gaussian": _draw_gaussian, "uniform": _draw_uniform}
_PATHS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"gaussian": slerp, "uniform": lerp}
