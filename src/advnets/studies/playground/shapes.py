"""The distributions that are learnt in the playground: what is drawn of them, and their densities where known."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets import theory
from advnets.studies.playground.settings import BARS, PLACES, Settings

REACH = {1: 5.0, 2: 3.0}
"""Half of the side of the picture, in units of x, by dimension."""
CELLS = {1: 200, 2: 32}
"""Cells a side in which densities are given; those at the ends hold the tails."""
EDGES = torch.linspace(-REACH[1], REACH[1], CELLS[1] + 1, dtype=torch.float64)
JITTER = 0.06
"""Deviation of the noise around each point that is drawn by hand in the plane."""


@dataclass(frozen=True)
class Shape:
    """A distribution to learn.

    Attributes:
        sample: n -> points (n, d) float32, drawn from torch's default generator.
        modes: Middles of its modes, (modes, d); none where it has no separate ones.
        deviation: Deviation of a mode.
    """

    sample: Callable[[int], Tensor]
    modes: Tensor
    deviation: float = 0.0


def shape_of(settings: Settings) -> Shape:
    """Return the distribution that settings name.

    Args:
        settings: The settings.

    Returns:
        The shape.
    """
    return (_line_shape if settings.dimension == 1 else _plane_shape)(settings)


def line_masses(settings: Settings) -> Tensor:
    """Return p_data on the line exactly, as the masses of the cells, (200,) float64; they sum to 1.

    Args:
        settings: Settings of one dimension.

    Returns:
        The masses; the cells at both ends hold the tails.
    """
    share = _cumulative(settings)
    inner: Tensor = share(EDGES[1:-1])
    return torch.cat([torch.zeros(1), inner, torch.ones(1)]).double().diff()


def _normal_share(x: Tensor) -> Tensor:
    share: Tensor = torch.special.ndtr(x)
    return share


def _cumulative(settings: Settings) -> Callable[[Tensor], Tensor]:
    if settings.data == "gaussian":
        return _normal_share
    if settings.data == "two_gaussians":
        return lambda x: (_normal_share((x + 2) / 0.5) + _normal_share((x - 2) / 0.5)) / 2
    if settings.data == "uniform":
        return lambda x: ((x + 1.5) / 3).clamp(0, 1)
    edges, shares = _histogram(settings)
    below = torch.cat([torch.zeros(1, dtype=torch.float64), shares.cumsum(0)])
    return lambda x: _interpolate(x, edges, below)


def _interpolate(x: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """The piecewise linear function through (xs, ys), constant outside."""
    place = torch.searchsorted(xs, x.contiguous()).clamp(1, len(xs) - 1)
    t = ((x - xs[place - 1]) / (xs[place] - xs[place - 1])).clamp(0, 1)
    return ys[place - 1] + t * (ys[place] - ys[place - 1])


def _histogram(settings: Settings) -> tuple[Tensor, Tensor]:
    heights = torch.tensor(settings.drawn, dtype=torch.float64)
    return torch.linspace(-4, 4, BARS + 1, dtype=torch.float64), heights / heights.sum()


def _line_shape(settings: Settings) -> Shape:
    none = torch.empty(0, 1)
    if settings.data == "gaussian":
        return Shape(lambda n: torch.randn(n, 1), none)
    if settings.data == "two_gaussians":
        return _mixture(torch.tensor([[-2.0], [2.0]]), 0.5)
    if settings.data == "uniform":
        return Shape(lambda n: 3 * torch.rand(n, 1) - 1.5, none)
    edges, shares = _histogram(settings)

    def sample(n: int) -> Tensor:
        bars = torch.multinomial(shares, n, replacement=True)
        width = edges[1] - edges[0]
        return (edges[bars] + width * torch.rand(n)).float()[:, None]

    return Shape(sample, none)


def _plane_shape(settings: Settings) -> Shape:
    name, none = settings.data, torch.empty(0, 2)
    if name == "two_gaussians":
        return _mixture(torch.tensor([[-1.3, -0.7], [1.3, 0.7]]), 0.3)
    if name == "eight_gaussians":
        angles = torch.arange(8) * (2 * math.pi / 8)
        return _mixture(2 * torch.stack([angles.cos(), angles.sin()], 1), 0.08)
    if name == "grid":
        ticks = torch.linspace(-2.2, 2.2, 5)
        return _mixture(torch.cartesian_prod(ticks, ticks), 0.07)
    if name == "drawn":
        side = 2 * REACH[2] / PLACES
        return _mixture(torch.tensor(settings.drawn).reshape(-1, 2) * side - REACH[2], JITTER, are_modes=False)
    return Shape({"line": _line, "ring": _ring, "spirals": _spirals}[name], none)


def _mixture(means: Tensor, deviation: float, *, are_modes: bool = True) -> Shape:
    def sample(n: int) -> Tensor:
        chosen = torch.randint(len(means), (n,))
        return means[chosen] + deviation * torch.randn(n, means.shape[1])

    return Shape(sample, means if are_modes else means[:0], deviation)


def _line(n: int) -> Tensor:
    t = 4 * torch.rand(n) - 2
    return torch.stack([t, 0.6 * t], 1) + 0.08 * torch.randn(n, 2)


def _ring(n: int) -> Tensor:
    angle = 2 * math.pi * torch.rand(n)
    return 1.8 * torch.stack([angle.cos(), angle.sin()], 1) + 0.08 * torch.randn(n, 2)


def _spirals(n: int) -> Tensor:
    t = torch.rand(n).sqrt()
    angle, side = 3 * math.pi * t, 2 * torch.randint(2, (n,)) - 1
    arm = (0.2 + 2.1 * t) * side
    return torch.stack([arm * angle.cos(), arm * angle.sin()], 1) + 0.06 * torch.randn(n, 2)


def jensen_shannon(p: Tensor, q: Tensor) -> float:
    """Return the Jensen-Shannon divergence of two lists of masses, in nats.

    Args:
        p: Masses of cells, which sum to 1.
        q: Masses of the same cells.

    Returns:
        The divergence, from 0 to log 2.
    """
    return float(theory.jsd(p.log(), q.log()))
