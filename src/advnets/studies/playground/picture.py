"""What one sees of a game at one moment: densities, D, samples and arrows. Looking changes nothing of the game."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advnets import theory
from advnets.games import Game, frozen_parameters, pack_samples
from advnets.objectives import hinge, least_squares, minimax, non_saturating, non_saturating_halved
from advnets.studies.playground.settings import Settings
from advnets.studies.playground.shapes import CELLS, EDGES, REACH, Shape, jensen_shannon, line_masses

HEAT = 64
"""Cells a side of the map of D in the plane."""
GRID = 17
"""Lines a side of the grid of z that is warped into the plane."""
SHOWN, COUNTED = 192, 4096
"""Fakes that are drawn as points, and fakes by which densities of the plane are counted."""
NODES = 1001
LIMIT = 40.0
"""Largest coordinate that is written for the page."""


@dataclass(frozen=True)
class Canvas:
    """What pictures of one game are drawn from, which stays the same while it is played.

    Attributes:
        settings: The settings.
        z: Noises of the fakes that are counted, evenly spread over the prior, (n, latent_size).
        shares: Share of z below each node where z is one number, (nodes,), float64; else empty.
        nodes: The nodes, (nodes, 1).
        arrows: Noises whose way to x is drawn, or the lines of the grid, (n, latent_size).
        p_data: Masses of the cells on the line, or of the 32 x 32 cells of the plane.
        real: Points of the data that are drawn, (SHOWN, d).
    """

    settings: Settings
    z: Tensor
    shares: Tensor
    nodes: Tensor
    arrows: Tensor
    p_data: Tensor
    real: Tensor

    @staticmethod
    def of(settings: Settings, shape: Shape) -> "Canvas":
        """Prepare pictures; points of the data come from torch's default generator.

        Args:
            settings: The settings.
            shape: The data.

        Returns:
            The canvas.
        """
        size, many = settings.latent_size, shape.sample(COUNTED * 8)
        even = _even_points(size)
        u = torch.linspace(-13.8, 13.8, NODES).double().sigmoid()
        shares = torch.cat([torch.zeros(1), u, torch.ones(1)]).double()
        nodes = _quantile(torch.cat([u[:1], u, u[-1:]]), settings.latent)[:, None]
        p_data = line_masses(settings) if settings.dimension == 1 else _plane_masses(many)
        return Canvas(
            settings, _quantile(even, settings.latent), shares if size == 1 else shares[:0], nodes,
            _arrows(settings), p_data, many[:SHOWN],
        )  # fmt: skip

    def draw(self, game: Game, shown: nn.Module, shape: Shape) -> dict[str, Any]:
        """Draw the moment at which a game stands.

        Args:
            game: The game; its networks, their modes and the random states are left as they are.
            shown: The generator that is sampled, which may be an average.
            shape: The data.

        Returns:
            Arrays of float32 and uint8, and numbers, by name.
        """
        with as_evaluated(game.generator, game.discriminator):
            with torch.no_grad():
                made = shown(self.z)
            part = self._draw_line if self.settings.dimension == 1 else self._draw_plane
            return {**part(game, shown, made, shape), **self._scores(game, made)}

    def _draw_line(self, game: Game, shown: nn.Module, made: Tensor, shape: Shape) -> dict[str, Any]:
        objective, centres = game.objective, (EDGES[1:] + EDGES[:-1]) / 2
        with torch.no_grad():
            p_g = self._line_p_g(shown, made)
            logits = self._judge(game, centres.float()[:, None], made)
            landing = shown(self.arrows)
        D = objective.score(logits).double()
        best = best_scores(game, self.p_data, p_g)
        found: dict[str, Any] = {
            "p_g": p_g, "D": D, "arrows": torch.cat([_axis(self.arrows), landing], 1),
            "jsd": jensen_shannon(self.p_data, p_g), **_modes(made, shape),
        }  # fmt: skip
        if best is not None:
            found["best"] = best
        if objective in LOG_OBJECTIVES:
            found["value"] = float(theory.value_of_logits(logits.double(), self.p_data.log(), p_g.log()))
        return found

    def _line_p_g(self, shown: nn.Module, made: Tensor) -> Tensor:
        if len(self.shares):
            return theory.cell_masses(shown(self.nodes).double()[:, 0], self.shares, EDGES)
        return spread_over_cells(made.double()[:, 0])

    def _draw_plane(self, game: Game, shown: nn.Module, made: Tensor, shape: Shape) -> dict[str, Any]:
        side = torch.linspace(-REACH[2], REACH[2], HEAT + 1)
        x, y = torch.meshgrid((side[1:] + side[:-1]) / 2, -(side[1:] + side[:-1]) / 2, indexing="xy")
        fakes = made[:SHOWN]
        with torch.no_grad():
            scores = game.objective.score(self._judge(game, torch.stack([x.flatten(), y.flatten()], 1), made))
            grid = shown(self.arrows)
        p_g = _plane_masses(made)
        found: dict[str, Any] = {
            "heat": as_bytes(scores, game), "fake": fakes, "slopes": self._slopes(game, fakes), "grid": grid,
            "jsd": jensen_shannon(self.p_data, p_g), "mass": float(p_g.sum()), **_modes(made, shape),
        }  # fmt: skip
        if game.objective in LOG_OBJECTIVES:
            real, fake = (self._judge(game, points, made) for points in (self.real, fakes))
            log = torch.nn.functional.logsigmoid
            found["value"] = float(log(real).mean() + log(-fake).mean())
        return found

    def _slopes(self, game: Game, fakes: Tensor) -> Tensor:
        """Return -d L_G / d x at each fake, times their number: where each would go, (n, d)."""
        pack = game.pack
        x = fakes[: len(fakes) // pack * pack].detach().clone().requires_grad_()
        with torch.enable_grad(), frozen_parameters(game.discriminator):
            logits = game.critic(pack_samples(x, pack))
            real = game.critic(pack_samples(self.real[: len(x)], pack))
            loss = game.objective.generator(real, logits).sum()
            (slope,) = torch.autograd.grad(loss, x)
        return -slope

    def _judge(self, game: Game, points: Tensor, made: Tensor) -> Tensor:
        """Return logits at points; in packs, their mean beside three companions each of the data and of the fakes."""
        with torch.no_grad():
            if game.pack == 1:
                return game.critic(points)
            logits = []
            for crowd in (self.real, made):
                for first in range(3):
                    beside = crowd[first * (game.pack - 1) :][: game.pack - 1].flatten().expand(len(points), -1)
                    logits.append(game.critic(torch.cat([points, beside], 1)))
            return torch.stack(logits).mean(0)

    def _scores(self, game: Game, made: Tensor) -> dict[str, float]:
        score = game.objective.score
        real, fake = (float(score(self._judge(game, points, made)).mean()) for points in (self.real, made[:SHOWN]))
        return {"score_real": real, "score_fake": fake}


LOG_OBJECTIVES = (minimax, non_saturating, non_saturating_halved)
"""Those whose D is a probability that climbs V(D, G)."""


def best_scores(game: Game, p_data: Tensor, p_g: Tensor) -> Tensor | None:
    """Return what an unbound D would show for this p_g at the cells, (cells,); None where the objective has no such.

    Args:
        game: The game; D* of Proposition 1 holds for the objectives of the paper, and for least squares alike (Mao et
            al. 2017, equation 5); hinge's is the sign of p_data - p_g.
        p_data: Masses of cells.
        p_g: Masses of the same cells.
    """
    if game.objective in (*LOG_OBJECTIVES, least_squares):
        return theory.optimal_discriminator(p_data, p_g)
    return torch.sign(p_data - p_g) if game.objective is hinge else None


def as_bytes(scores: Tensor, game: Game) -> Tensor:
    """Return scores as 0 (fake) to 255 (real), 128 in between.

    Args:
        scores: D at the cells.
        game: The game: probabilities and least squares lie around 1/2, critics around their middle.

    Returns:
        uint8 of the same shape.
    """
    if game.objective.score is torch.sigmoid or game.objective is least_squares:
        share = scores
    else:
        middle = scores.median() if game.objective is not hinge else scores.new_zeros(())
        share = 0.5 + (scores - middle) / (2 * (scores - middle).abs().max().clamp(min=1e-6))
    return (255 * share.nan_to_num(0.5).clamp(0, 1)).round().to(torch.uint8)


@contextmanager
def as_evaluated(*networks: nn.Module) -> Iterator[None]:
    """Put networks into evaluation mode while the context is open, so that nothing is drawn and no buffer moves.

    Args:
        *networks: The networks, all in training mode.

    Yields:
        Nothing.
    """
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for network in networks:
            network.train()


def spread_over_cells(x: Tensor) -> Tensor:
    """Estimate masses of the cells of the line of points, each spread by a kernel of 1.5 cells; they sum to 1.

    Args:
        x: Points, (n,), float64.

    Returns:
        The masses, (cells,), float64.
    """
    cells, width = CELLS[1], EDGES[1] - EDGES[0]
    at = ((x - EDGES[0]) / width - 0.5).clamp(0, cells - 1)
    low = at.floor().clamp(max=cells - 2)
    counts = torch.zeros(cells, dtype=torch.float64)
    counts.index_add_(0, low.long(), 1 - (at - low)).index_add_(0, low.long() + 1, at - low)
    offsets = torch.arange(-5, 6, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (offsets / 1.5) ** 2)
    padded = torch.nn.functional.pad(counts[None], (5, 5), mode="reflect")
    smooth = torch.nn.functional.conv1d(padded[None], (kernel / kernel.sum())[None, None])[0, 0]
    return smooth / smooth.sum()


def as_numbers(tensor: Tensor) -> bytes:
    """Return an array as the page reads it: bytes as they are, all else as little-endian float32."""
    if tensor.dtype == torch.uint8:
        return tensor.numpy().tobytes()
    bounded = tensor.double().nan_to_num(0.0, LIMIT, -LIMIT).clamp(-LIMIT, LIMIT)
    return bounded.numpy().astype(np.dtype("<f4")).tobytes()


def _even_points(size: int) -> Tensor:
    """Points that fill the unit cube evenly, (COUNTED, size) float64."""
    engine = torch.quasirandom.SobolEngine(size, scramble=True, seed=2014)  # type: ignore[no-untyped-call]
    points: Tensor = engine.draw(COUNTED)
    return points.double()


def _quantile(u: Tensor, latent: str) -> Tensor:
    if latent == "uniform":
        return (math.sqrt(3) * (2 * u - 1)).float()
    z: Tensor = torch.special.ndtri(u.clamp(1e-6, 1 - 1e-6))
    return z.float()


def _arrows(settings: Settings) -> Tensor:
    """Noises that are followed to x: 23 on the first axis of z, or a grid of its first two."""
    size, count = settings.latent_size, 23 if settings.dimension == 1 else GRID
    ticks = _quantile(torch.linspace(0.02, 0.98, count).double(), settings.latent)
    if settings.dimension == 1 or size == 1:
        z = torch.zeros(len(ticks) if settings.dimension == 1 else 8 * GRID, size)
        z[:, 0] = (
            ticks
            if settings.dimension == 1
            else _quantile(torch.linspace(0.004, 0.996, 8 * GRID).double(), settings.latent)
        )
        return z
    z = torch.zeros(GRID * GRID, size)
    z[:, :2] = torch.cartesian_prod(ticks, ticks)
    return z


def _axis(z: Tensor) -> Tensor:
    """The first number of z, scaled so that the prior's bulk lies within [-1, 1], (n, 1)."""
    first: Tensor = z[:, :1] / z[:, 0].abs().max()
    return first


def _plane_masses(points: Tensor) -> Tensor:
    """Masses of 32 x 32 cells, those of what lies outside in the nearest, (1024,)."""
    cells, reach = CELLS[2], REACH[2]
    place = ((points + reach) * (cells / (2 * reach))).long().clamp(0, cells - 1)
    counts = torch.bincount(place[:, 0] * cells + place[:, 1], minlength=cells * cells)
    return counts.double() / len(points)


def _modes(made: Tensor, shape: Shape) -> dict[str, Any]:
    """How many modes hold at least a quarter of their share of the fakes, within four deviations."""
    if not len(shape.modes):
        return {}
    distance, nearest = torch.cdist(made, shape.modes).min(1)
    counts = torch.bincount(nearest[distance < max(4 * shape.deviation, 0.25)], minlength=len(shape.modes))
    return {"modes": int((counts >= 0.25 * len(made) / len(shape.modes)).sum()), "modes_of": len(shape.modes)}
