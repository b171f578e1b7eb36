"""Laws of motion: what every objective does to the Dirac-GAN under every penalty and algorithm, beside theory.

    near the equilibrium    one step from two small states is a 2 x 2 matrix, which theory has in closed form
    far from it             400 steps from (1, 1), and a verdict by the distance from the equilibrium

Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018; see `studies.dirac`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from advnets import figures, runs, theory
from advnets.algorithm import ALGORITHMS
from advnets.objectives import OBJECTIVES
from advnets.studies.dirac import BINDINGS, NONE, RATE, STEPS, Dirac, judge

NEAR = (NONE, "r1")
"""Bindings whose multipliers are tabulated; R2 is R1 here, and a clip is nothing near the equilibrium."""
PANELS = (
    ("wasserstein", NONE),
    ("non_saturating", NONE),
    ("wasserstein", "clip_weights"),
    ("wasserstein", "gradient_penalty"),
    ("non_saturating", "r1"),
)
"""Columns of the picture: objective and binding."""
DRAWN, LIMIT = 120, 2.6
"""Steps that are drawn, and half the width of a panel."""


@dataclass(frozen=True)
class Law:
    """What one Dirac-GAN does.

    Attributes:
        objective: A row of OBJECTIVES.
        binding: What binds the discriminator besides.
        algorithm: A row of ALGORITHMS.
        multiplier: What a step multiplies the distance from the equilibrium by, near it, measured; None where the force
            jumps at the equilibrium.
        predicted: The same by theory.
        verdict: What it does from (1, 1), see `judge`.
        radius: Largest distance from the equilibrium in the last quarter of the steps.
    """

    objective: str
    binding: str
    algorithm: str
    multiplier: float | None
    predicted: float | None
    verdict: str
    radius: float


@dataclass(frozen=True)
class Laws:
    """The laws of some Dirac-GANs.

    Attributes:
        rows: One for each.
    """

    rows: tuple[Law, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the laws as a value of JSON."""
        return {"rate": RATE, "steps": STEPS, "laws": [asdict(row) for row in self.rows]}

    def __str__(self) -> str:
        return f"{self.near_table()}\n\n{self.far_tables()}"

    def near_table(self) -> str:
        """Return the multipliers that were measured near the equilibrium, a row for each objective, in Markdown."""
        wanted = [(algorithm, binding) for algorithm in ALGORITHMS for binding in NEAR]
        heads = ["a step multiplies by", *(a if b == NONE else f"{a} + {b}" for a, b in wanted)]
        lines = [[name, *(f"{self._of(name, b, a).multiplier:.4f}" for a, b in wanted)] for name in self._objectives()]
        return _table([heads, *lines])

    def far_tables(self) -> str:
        """Return what each does from (1, 1), and how far out it ends; one table for each algorithm, in Markdown."""
        tables = []
        for algorithm in ALGORITHMS:
            lines = [[algorithm, *BINDINGS]]
            for name in self._objectives():
                found = [self._of(name, binding, algorithm) for binding in BINDINGS]
                lines.append([name, *(f"{row.verdict} {row.radius:.2g}" for row in found)])
            tables.append(_table(lines))
        return "\n\n".join(tables)

    def _objectives(self) -> list[str]:
        return list(dict.fromkeys(row.objective for row in self.rows))

    def _of(self, objective: str, binding: str, algorithm: str) -> Law:
        wanted = (objective, binding, algorithm)
        return next(row for row in self.rows if (row.objective, row.binding, row.algorithm) == wanted)


def measure_laws(seed: int = 0, *, objectives: Sequence[str] = tuple(OBJECTIVES)) -> Laws:
    """Play every Dirac-GAN of some objectives, near the equilibrium and far from it.

    Args:
        seed: Seed of the draws of finite differences.
        objectives: Rows of OBJECTIVES.

    Returns:
        The laws.

    Raises:
        BadInput: If there is no such objective.
    """
    cells = product(objectives, BINDINGS, ALGORITHMS)
    return Laws(tuple(measure_law(Dirac(*names), seed) for names in cells))


def measure_law(game: Dirac, seed: int = 0) -> Law:
    """Play one Dirac-GAN, near the equilibrium and far from it.

    Args:
        game: The game.
        seed: Seed of the draws of finite differences.

    Returns:
        Its law.
    """
    predicted, states = game.predict_step(), game.play(seed=seed)
    return Law(
        game.objective,
        game.binding,
        game.algorithm,
        multiplier=None if predicted is None else theory.multiplier(game.measure_step(seed)),
        predicted=None if predicted is None else theory.multiplier(predicted),
        verdict=judge(states),
        radius=float(np.linalg.norm(states[-(STEPS // 4) :], axis=1).max()),
    )


def save_picture(path: str | Path, seed: int = 0) -> Path:
    """Draw trajectories from (1, 1), a row for each algorithm, and write them; nothing is overwritten.

    Args:
        path: FILE.png.
        seed: Seed of the draws of finite differences.

    Returns:
        Its path.

    Raises:
        BadInput: If the file has another ending or is there already.
    """
    path = Path(path)
    runs.expect_new(path, ".png")
    rows = [[_panel(Dirac(*names, algorithm), seed) for names in PANELS] for algorithm in ALGORITHMS]
    figure = figures.draw_plane(rows, names=list(ALGORITHMS), labels=("psi", "theta"), limit=LIMIT)
    return runs.write_new(path, lambda file: figure.savefig(file, format="png", dpi=100))


def _panel(game: Dirac, seed: int) -> figures.PlanePanel:
    states, flow = game.play(seed=seed), game.flow(np.linspace(0, DRAWN * RATE, 1500))
    title = game.objective if game.binding == NONE else f"{game.objective}\n+ {game.binding}"
    return figures.PlanePanel(title, judge(states), states[: DRAWN + 1], flow)


def _table(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells as a Markdown table, its columns aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    head, *rest = (f"| {' | '.join(line)} |" for line in padded)
    rule = f"| {' | '.join('-' * width for width in widths)} |"
    return "\n".join([head, rule, *rest])
