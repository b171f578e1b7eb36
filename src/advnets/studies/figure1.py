"""Figure 1: a game on the line, played by Algorithm 1, with p_data, p_g, D and G all in view.

Goodfellow et al. 2014, "Generative Adversarial Nets", section 4 and Figure 1: p_data is a normal, z is uniform, G and D
are small dense nets, and the objective is the paper's own value V(D, G). The panels are four moments of one game:

    (a) near convergence        (b) after D's inner loop: D = p_data / (p_data + p_g) nearly
    (c) after moves of G alone, along D's gradient        (d) at the end: p_g = p_data, D = 1/2 nearly
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from advnets import figures, runs, theory
from advnets.algorithm import moves
from advnets.errors import BadInput
from advnets.games.game import Game
from advnets.latents import uniform
from advnets.objectives import minimax
from advnets.optimizers import Adam
from advnets.randomness import Streams
from advnets.training import Batch

BATCH, K = 256, 3
START = (1.5, 0.8)
"""Mean and standard deviation of p_g at the beginning."""
RATES = {"discriminator": 5e-3, "generator": 3e-4}
NEAR = 0.1
"""JSD in nats at which (a) is drawn."""
APPROACH, INNER, ALONE, REST = 300, 1500, 20, 700
"""Largest number of steps to (a); moves of D in (b); moves of G alone in (c); steps from there to (d)."""

EDGES = torch.linspace(-6, 6, 601, dtype=torch.float64)
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2
P_DATA = torch.cat([torch.zeros(1), torch.special.ndtr(EDGES[1:-1]), torch.ones(1)]).diff()
"""p_data = N(0, 1) as the masses of cells; the cells at both ends hold the tails."""
U = torch.cat([torch.zeros(1), torch.linspace(-13.8, 13.8, 1001).double().sigmoid(), torch.ones(1)])
Z = math.sqrt(3) * (2 * U.float()[:, None] - 1)
"""Nodes of z, closer towards its ends, and the shares of z below them; between nodes G is taken as linear."""
REGION = 0.99
"""Share of the mass of (p_data + p_g) / 2, its densest part, on which D is compared with D*."""


class LineGenerator(nn.Module):
    """G(z) = w s + b + net(s), with s = sqrt 3 / pi log(u / (1 - u)) and u = (z / sqrt 3 + 1) / 2.

    s is z stretched to the whole line, of variance 1 as z: a net of bounded slope maps uniform noise to a density that
    ends in two cliffs, where D* jumps. G starts as a straight line of s, and the net at 0.

    Args:
        mean: Mean of p_g at the beginning.
        deviation: Standard deviation of p_g at the beginning.
    """

    def __init__(self, mean: float, deviation: float) -> None:
        super().__init__()
        self.line, self.net = nn.Linear(1, 1), _mlp()
        for layer, weight, bias in ((self.line, deviation, mean), (self.net[-1], 0.0, 0.0)):
            nn.init.constant_(layer.weight, weight)  # type: ignore[arg-type]
            nn.init.constant_(layer.bias, bias)  # type: ignore[arg-type]

    def forward(self, z: Tensor) -> Tensor:
        """Return G(z).

        Args:
            z: Uniform noise in (-sqrt 3, sqrt 3), (batch, 1).

        Returns:
            x, (batch, 1).
        """
        s = torch.logit((z / math.sqrt(3) + 1) / 2, eps=1e-6) * (math.sqrt(3) / math.pi)
        x: Tensor = self.line(s) + self.net(s)
        return x


@dataclass(frozen=True, eq=False)
class Scene:
    """One moment of the game.

    Attributes:
        moves: Number of moves that were made so far, by player.
        p_g: Masses of the cells, by a change of variables: each piece of z between two nodes spreads its mass evenly
            over its image, so that folds of G count right.
        D: D at the centres of the cells.
        G: G at `Z`.
    """

    moves: dict[str, int]
    p_g: Tensor
    D: Tensor
    G: Tensor

    @property
    def jsd(self) -> float:
        """JSD(p_data || p_g) in nats."""
        return float(theory.jsd(P_DATA.log(), self.p_g.log()))

    @property
    def value(self) -> float:
        """V(D, G) in nats; it is -log 4 where p_g = p_data and D = 1/2."""
        return float(theory.value_function(self.D, P_DATA, self.p_g))

    @property
    def gap(self) -> float:
        """The largest |D - D*| on the densest cells of (p_data + p_g) / 2 that hold 99 % of its mass."""
        m, error = self._against_optimal
        order = m.argsort(descending=True)
        return float(error[order[m[order].cumsum(0) <= REGION]].max())

    @property
    def mean_gap(self) -> float:
        """The mean of |D - D*| over (p_data + p_g) / 2."""
        m, error = self._against_optimal
        return float((m * error).sum())

    @property
    def is_monotone(self) -> bool:
        """Whether G has no fold, so that p_g(x) = p(z) / |G'(z)|."""
        steps = self.G.diff()  # 0 at the ends, where logits are clipped
        return bool((steps >= 0).all() or (steps <= 0).all())

    @property
    def _against_optimal(self) -> tuple[Tensor, Tensor]:
        error = (self.D - theory.optimal_discriminator(P_DATA, self.p_g)).abs()
        return (P_DATA + self.p_g) / 2, error

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as a value of JSON."""
        numbers = {"moves": self.moves, "jsd": self.jsd, "value": self.value, "gap": self.gap}
        return {**numbers, "mean_gap": self.mean_gap, "monotone": self.is_monotone}

    def curves(self) -> figures.Curves:
        """Return what is drawn: densities, D, and where G takes evenly spaced z."""
        width = EDGES[1] - EDGES[0]
        z = np.linspace(-1, 1, 23)[1:-1]
        return figures.Curves(
            CENTRES.numpy(),
            p_data=(P_DATA / width).numpy(),
            p_g=(self.p_g / width).numpy(),
            D=self.D.numpy(),
            best=theory.optimal_discriminator(P_DATA, self.p_g).numpy(),
            z=z,
            G=np.interp(z, 2 * U.numpy() - 1, self.G.numpy()),
        )


@dataclass(frozen=True, eq=False)
class Figure1:
    """The four panels, and the film of the whole game.

    Attributes:
        panels: The four moments, by letter.
        film: (caption, scene) in the order of the game.
        seed: Seed of the game.
    """

    panels: dict[str, Scene]
    film: Sequence[tuple[str, Scene]]
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers of each panel as a value of JSON."""
        panels = {letter: scene.as_dict() for letter, scene in self.panels.items()}
        numbers = {"seed": self.seed, "p_data": "N(0, 1)", "minus_log_4": -theory.LOG_4, "region": REGION}
        return {**numbers, "panels": panels}

    def __str__(self) -> str:
        head = f"{'':4}{'D moves':>8} {'G moves':>8} {'JSD':>8} {'V(D, G)':>9} {'sup |D-D*|':>11} {'mean |D-D*|':>12}"
        rows = [f"({letter}) {_row(scene)}" for letter, scene in self.panels.items()]
        folds = [letter for letter, scene in self.panels.items() if not scene.is_monotone]
        return "\n".join([
            head, *rows,
            f"in nats; -log 4 = {-theory.LOG_4:.4f}; sup over the densest {REGION:.0%} of (p_data + p_g) / 2",
            f"p_g by change of variables; G {'folds in ' + ', '.join(folds) if folds else 'is monotone'}",
        ])  # fmt: skip

    def figure(self) -> Any:
        """Return the four panels, side by side, each with its JSD and V(D, G) in nats."""
        captions = [
            f"({letter}) {CAPTIONS[letter]}\nJSD {scene.jsd:.4f}, V(D, G) {scene.value:.4f}"
            for letter, scene in self.panels.items()
        ]
        return figures.draw_dynamics([scene.curves() for scene in self.panels.values()], captions)

    def _repr_png_(self) -> bytes:
        return figures.encode_figure(self.figure())

    def save(self, path: str | Path) -> Path:
        """Write FILE.png, the four panels, or FILE.webp, the animated film; nothing is overwritten.

        Args:
            path: The file.

        Returns:
            Its path.

        Raises:
            BadInput: If the file has another ending or is there already.
        """
        path = Path(path)
        runs.expect_new(path, ".png", ".webp")
        if path.suffix.lower() == ".png":
            figure = self.figure()
            return runs.write_new(path, lambda file: figure.savefig(file, format="png", dpi=150))
        film = [(_subtitle(words, scene), scene.curves()) for words, scene in self.film]
        return runs.write_new(path, lambda file: figures.write_film(film, file))


CAPTIONS = {"a": "near convergence", "b": "D trained to $D^*$", "c": "G moved along D's gradient", "d": "the end"}


def figure1(seed: int = 0) -> Figure1:
    """Play the game to its end, and record four panels and a film.

    Args:
        seed: Seed of the game; the same seed gives the same game.

    Returns:
        The figure.

    Raises:
        BadInput: If the seed is out of range, or the game does not come near convergence with it.
    """
    if not 0 <= seed < 2**63:
        raise BadInput(f"seed is {seed}; expected a whole number from 0 to 2^63 - 1")
    with Streams(seed, torch.device("cpu")).as_defaults():
        game = LineGame()
        film: list[tuple[str, Scene]] = [("the beginning", game.current_scene())]
        for scene in game.play(APPROACH, k=K, every=5):
            film.append(("D and G in turn", scene))
            if scene.jsd < NEAR:
                break
        else:
            raise BadInput(
                f"seed {seed}: found a JSD of {scene.jsd:.3f} after {APPROACH} steps, expected at most {NEAR}. Take "
                "another seed."
            )
        panels = {"a": scene}
        film += [("D alone", scene) for scene in game.play_inner_loop(INNER, every=50)]
        panels["b"] = film[-1][1]
        film += [("G alone", scene) for scene in game.play(ALONE, k=0, every=2)]
        panels["c"] = film[-1][1]
        film += [("D and G in turn", scene) for scene in game.play(REST, k=K, every=10, settle=True)]
        panels["d"] = film[-1][1]
    return Figure1(panels, film, seed)


class LineGame:
    """A game on the line that is being played."""

    def __init__(self) -> None:
        self.game = Game(LineGenerator(*START), _mlp(), minimax, latent=uniform(1))
        self.optimizers = {
            player: Adam(betas=(0.5, 0.99)).build(list(network.parameters()))
            for player, network in self.game.players.items()
        }
        self.made = dict.fromkeys(self.game.players, 0)

    def play(self, steps: int, *, k: int, every: int, settle: bool = False) -> Iterator[Scene]:
        """Play steps of Algorithm 1.

        Args:
            steps: Number of steps.
            k: Moves of D in each step.
            every: Steps between two scenes.
            settle: Whether the rates fall to 0.

        Yields:
            A scene after every `every` steps.
        """
        made = moves(self.game, _batches(), self.optimizers, k=k)
        for step in range(steps):
            self._set_rates(1 - step / steps if settle else 1.0)
            self._make(islice(made, k + 1))
            if (step + 1) % every == 0:
                yield self.current_scene()

    def play_inner_loop(self, count: int, *, every: int) -> Iterator[Scene]:
        """Move D while G stands still; D's rate falls to 0.

        Args:
            count: Number of moves.
            every: Moves between two scenes.

        Yields:
            A scene after every `every` moves.
        """
        made = moves(self.game, _batches(), self.optimizers, k=count)
        for move in range(count):
            self._set_rates(1 - move / count)
            self._make(islice(made, 1))
            if (move + 1) % every == 0:
                yield self.current_scene()

    def current_scene(self) -> Scene:
        """Return the moment at which the game stands."""
        with torch.no_grad():
            G = self.game.generator(Z).double()[:, 0]
            D = self.game.critic(CENTRES.float()[:, None]).sigmoid().double()
        return Scene(dict(self.made), push_forward(G), D, G)

    def _make(self, asked: Iterator[Any]) -> None:
        for move in asked:
            self.made[move.player] += 1

    def _set_rates(self, share: float) -> None:
        for player, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = share * RATES[player]


def push_forward(G: Tensor) -> Tensor:
    """Return the masses of the cells under p_g, for a G that is linear between the nodes of a uniform z.

    Args:
        G: G at the nodes `Z`, (nodes,).

    Returns:
        The masses, (cells,); see `theory.cell_masses`.
    """
    return theory.cell_masses(G, U, EDGES)


def _mlp(width: int = 32) -> nn.Sequential:
    tanh = nn.Tanh()
    return nn.Sequential(nn.Linear(1, width), tanh, nn.Linear(width, width), tanh, nn.Linear(width, 1))


def _batches() -> Iterator[Batch]:
    while True:
        yield Batch(torch.randn(BATCH, 1))


def _row(scene: Scene) -> str:
    made = f"{scene.moves['discriminator']:8,} {scene.moves['generator']:8,}"
    return f"{made} {scene.jsd:8.4f} {scene.value:9.4f} {scene.gap:11.4f} {scene.mean_gap:12.4f}"


def _subtitle(words: str, scene: Scene) -> str:
    made = f"D moved {scene.moves['discriminator']:,} times, G {scene.moves['generator']:,}"
    return f"{words}: {made}; JSD {scene.jsd:.3f} nats, V {scene.value:.3f}"
