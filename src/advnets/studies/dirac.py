"""The Dirac-GAN, played by the games, penalties and algorithms of every other game here.

Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018. All data lie at 0, all samples
at theta, and D(x) = psi x + c, see `theory.FORCES`. Each network has one parameter, in float64, and descends plainly.
With the Wasserstein objective and no penalty it is the bilinear game, whose motion is known exactly everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from advnets import theory
from advnets.algorithm import ALGORITHMS
from advnets.constraints import Constraint, clip_weights
from advnets.errors import Unsupported, unknown
from advnets.games import Game
from advnets.latents import gaussian
from advnets.objectives import OBJECTIVES
from advnets.optimizers import SGD
from advnets.penalties import PENALTIES
from advnets.randomness import Streams
from advnets.training import Batch

Array = NDArray[np.float64]

NONE, CLIP = "none", "clip_weights"
BINDINGS = (NONE, *PENALTIES, CLIP)
"""What may bind D besides its objective: nothing, a penalty of weight 1, or a clip of psi to [-1, 1]."""
DAMPING = {"r1": 1.0, "r2": 1.0, "r1_finite": 1.0, "r2_finite": 1.0}
"""Damping of psi by a penalty of weight 1; that of finite differences is a mean over their draws."""

RATE, STEPS, START = 0.25, 400, (1.0, 1.0)
SAMPLES = 64
"""Samples of a batch, all alike: only the draws of finite differences tell them apart."""
SMALL = 1e-6
"""Distance from the equilibrium at which one step is a matrix, to about that accuracy."""
GEOMETRIC, STILL = 0.003, 0.1
"""Least fall a step, in logarithms, that counts as geometric; least change between quarters that counts."""
TURN = 0.25
"""Least part of a turn around the equilibrium, after the first quarter of the steps, that counts as turning."""
CONVERGES, CREEPS, STRAYS, CIRCLES, DIVERGES = "converges", "creeps", "strays", "circles", "diverges"
VERDICTS = (CONVERGES, CREEPS, STRAYS, CIRCLES, DIVERGES)


class DiracGenerator(nn.Module):
    """G(z) = theta, whatever z is.

    Args:
        theta: Where it begins.
    """

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([theta], dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        """Return theta for each z, (batch, 1)."""
        return self.theta * torch.ones_like(z, dtype=torch.float64)


class DiracDiscriminator(nn.Module):
    """D(x) = psi x + c.

    Args:
        psi: Where it begins.
        c: The constant, which is not learnt.
    """

    def __init__(self, psi: float, c: float) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor([psi], dtype=torch.float64))
        self.c = c

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of x (batch, 1), (batch,)."""
        logits: Tensor = self.psi * x[:, 0] + self.c
        return logits


@dataclass(frozen=True)
class Dirac:
    """A Dirac-GAN.

    Attributes:
        objective: A row of OBJECTIVES.
        binding: What binds the discriminator besides, one of `BINDINGS`.
        algorithm: A row of ALGORITHMS.

    Raises:
        BadInput: If one of them is another name.
        Unsupported: If theory knows no such objective or algorithm yet.
    """

    objective: str = "non_saturating"
    binding: str = NONE
    algorithm: str = "algorithm1"

    def __post_init__(self) -> None:
        for what, table in (("objective", OBJECTIVES), ("binding", BINDINGS), ("algorithm", ALGORITHMS)):
            if getattr(self, what) not in table:
                raise unknown(what, getattr(self, what), table)
        for name, known in ((self.objective, theory.FORCES), (self.algorithm, theory.STEP_MAPS)):
            if name not in known:
                raise Unsupported(f"{name}: found no row in theory/mescheder2018.py, expected one to judge by. Add it.")

    @property
    def gamma(self) -> float:
        """The damping of psi."""
        return DAMPING.get(self.binding, 0.0)

    def predict_step(self) -> Array | None:
        """Return what a step does near the equilibrium by theory, (2, 2); None where the force jumps there."""
        if self.binding == "gradient_penalty":
            return None
        A = theory.jacobian(theory.FORCES[self.objective], gamma=self.gamma)
        return theory.STEP_MAPS[self.algorithm](A, RATE)

    def play(self, start: Sequence[float] = START, *, steps: int = STEPS, rate: float = RATE, seed: int = 0) -> Array:
        """Play from a state.

        Args:
            start: (psi, theta).
            steps: Number of steps.
            rate: Learning rate of both players.
            seed: Seed of the draws of finite differences; nothing else is drawn.

        Returns:
            The states (psi, theta), (steps + 1, 2), the start first.
        """
        with Streams(seed, torch.device("cpu")).as_defaults():
            game = self._build(start)
            descents = {who: SGD().build(list(network.parameters())) for who, network in game.players.items()}
            for descent in descents.values():
                descent.param_groups[0]["lr"] = rate
            batches = repeat(Batch(torch.zeros(SAMPLES, 1, dtype=torch.float64)))
            states = [np.array(start)]
            for _ in islice(ALGORITHMS[self.algorithm]().steps(game, batches, descents), steps):
                states.append(np.array([theta.item() for who in game.players.values() for theta in who.parameters()]))
        return np.stack(states)

    def measure_step(self, seed: int = 0) -> Array:
        """Measure what a step does near the equilibrium, (2, 2): the images of two small states, by `play`."""
        images = [self.play((SMALL * axis).tolist(), steps=1, seed=seed)[1] / SMALL for axis in np.eye(2)]
        return np.stack(images, axis=1)

    def flow(self, times: Array, start: Sequence[float] = START) -> Array:
        """Solve the vector field in continuous time, without a game and without the clip.

        Args:
            times: Increasing times from 0: steps times rate, (n,).
            start: (psi, theta) at time 0.

        Returns:
            The states at these times, (n, 2), to 1e-9.
        """
        force, penalty = theory.FORCES[self.objective], float(self.binding == "gradient_penalty")

        def velocity(_: float, w: Array) -> Array:
            return theory.vector_field(force, w, gamma=self.gamma, penalty=penalty)

        solved = scipy.integrate.solve_ivp(velocity, (0.0, times[-1]), start, t_eval=times, rtol=1e-10, atol=1e-12)
        found: Array = solved.y.T
        return found

    def _build(self, start: Sequence[float]) -> Game:
        psi, theta = map(float, start)
        penalties = {PENALTIES[self.binding]: 1.0} if self.binding in PENALTIES else {}
        bound: dict[Constraint, float] = {clip_weights: 1.0} if self.binding == CLIP else {}
        return Game(
            DiracGenerator(theta),
            DiracDiscriminator(psi, theory.FORCES[self.objective].c),
            OBJECTIVES[self.objective],
            latent=gaussian(1),
            penalties=penalties,
            constraints={"discriminator": bound},
        )


def judge(states: Array) -> str:
    """Say what a trajectory does, by its largest distance r from the equilibrium in each quarter of its steps.

    It converges if r is below `SMALL` at the end, or has fallen by `GEOMETRIC` a step since the second quarter.
    Otherwise it strays if it has not turned around the equilibrium since the first quarter; diverges if r has grown by
    `STILL` since the second; creeps, inwards and ever slower, if r has fallen by `STILL` since the third; circles else.
    Changes are those of log r.

    Args:
        states: (psi, theta) after each step, (steps + 1, 2).

    Returns:
        One of `VERDICTS`.
    """
    r, quarter = np.linalg.norm(states, axis=1).clip(np.finfo(float).tiny), len(states) // 4
    second, third, last = (float(np.log(r[part * quarter :][:quarter].max())) for part in (1, 2, 3))
    if last < np.log(SMALL) or second - last >= GEOMETRIC * 2 * quarter:
        return CONVERGES
    angles = np.unwrap(np.arctan2(states[quarter:, 0], states[quarter:, 1]))
    if np.ptp(angles) < TURN * 2 * np.pi:
        return STRAYS
    if last - second > STILL:
        return DIVERGES
    return CREEPS if third - last > STILL else CIRCLES
