"""The Helvetica scenario: a generator trained too much without updating D collapses, and Algorithm 1 brings it back.

Goodfellow et al. 2014, "Generative Adversarial Nets", section 6: "G must not be trained too much without updating D, in
order to avoid 'the Helvetica scenario' in which G collapses too many values of z to the same value of x". Three acts:

    1  a game is played by Algorithm 1            2  D is frozen, and G moves alone (k = 0)
    3  Algorithm 1 goes on from that one collapsed state, with k moves of D a step, for each k that is asked for
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from advnets import data, figures, metrics, runs, statistics
from advnets.algorithm import moves
from advnets.data import TRANSFORMS, Dataset, Split
from advnets.errors import BadInput
from advnets.experiment import Samples
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import AdversarialRow, Game
from advnets.networks import DenseGenerator, MaxoutDiscriminator
from advnets.objectives import OBJECTIVES
from advnets.optimizers import Adam
from advnets.randomness import Streams, mix_seed
from advnets.recipes import PLAYERS, Descent, Recipe, paper_adam
from advnets.statistics import Estimate
from advnets.training import Moment

MOST_MOVES = 1000
"""The most moves of D in a step, whose time is in proportion to them."""
DRAWN = 500
"""Number of samples that are measured each time, from the same noises."""
REAL = 5000
"""Largest number of training samples, of which the nearest gives a sample its class."""
PICTURED = 25
BACK = 0.9
"""Share of the lost entropy that must be regained for a k to count as recovered."""


@dataclass(frozen=True)
class HelveticaPlan:
    """How long the acts are.

    Attributes:
        recipe: Recipe of the game.
        first: Steps of act 1.
        alone: Moves of G in act 2.
        again: Steps of act 3.
        every: Steps, or moves of G, between two readings in acts 2 and 3.
        wanted_alone: G's objective in act 2, a row of OBJECTIVES. The slope of -log D(G(z)) vanishes once the frozen D
            is fooled, and G stays where it is. That of log(1 - D(G(z))), the text's, grows, and G moves to where D is
            most certain.
    """

    recipe: Recipe
    first: int
    alone: int
    again: int
    every: int
    wanted_alone: str = "non_saturating"


DESCENTS = dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.5, 0.99)), rate=1e-3))
"""Both players descend at a constant rate."""

POINTS = HelveticaPlan(
    replace(
        paper_adam,
        name="helvetica-points",
        about="small nets for points of a plane",
        learner=AdversarialRow(
            generator=DenseGenerator(hidden=(128, 128), irange=0.1),
            discriminator=MaxoutDiscriminator(units=(64, 64), pieces=3, irange=0.1, dropout=(0.0, 0.0)),
            latent_size=16,
        ),
        batch_size=128,
        descents=DESCENTS,
    ),
    first=400, alone=200, again=200, every=25,
)  # fmt: skip
IMAGES = HelveticaPlan(
    replace(
        paper_adam,
        name="helvetica-images",
        about="the nets of paper-adam, narrower",
        learner=AdversarialRow(
            generator=DenseGenerator(hidden=(400, 400), irange=0.05, batch_norm=True),
            discriminator=MaxoutDiscriminator(units=(100, 100), pieces=5, irange=0.005, dropout=(0.2, 0.5)),
        ),
        descents=DESCENTS,
    ),
    first=800, alone=100, again=400, every=25, wanted_alone="minimax",
)  # fmt: skip


@dataclass(frozen=True)
class GeneratorReading:
    """What the generator draws after some of its moves in an act.

    Attributes:
        moves: Number of the moves.
        entropy: Entropy of the classes, in nats; its notes hold the number of modes that are hit.
        spread: Mean distance of two samples.
        stray: Mean distance of a sample from the nearest real one, without which scattered samples would pass for
            diverse.
    """

    moves: int
    entropy: Estimate
    spread: Estimate
    stray: Estimate

    @property
    def modes(self) -> int:
        """Number of classes that at least one sample in a hundred falls into."""
        return int(self.entropy.notes["modes"])

    def as_dict(self) -> dict[str, Any]:
        """Return the reading as a value of JSON."""
        estimates = {name: getattr(self, name).as_dict() for name in ("entropy", "spread", "stray")}
        return {"moves": self.moves, "modes": self.modes, **estimates}


@dataclass(frozen=True, eq=False)
class Helvetica:
    """Readings of the three acts; an act begins where the last one ended.

    Attributes:
        data: Name of the data set.
        seed: Seed of the game.
        acts: How long the acts were.
        real_samples: Training samples that a class is read from.
        real: Reading of as many held-out samples.
        first: Reading at the end of act 1.
        alone: Readings of act 2.
        again: Readings of act 3, by k.
        pictures: Samples of the same noises after each act, by name.
    """

    data: str
    seed: int
    acts: HelveticaPlan
    real_samples: int
    real: GeneratorReading
    first: GeneratorReading
    alone: Sequence[GeneratorReading]
    again: Mapping[int, Sequence[GeneratorReading]]
    pictures: Mapping[str, Any] = field(repr=False)

    def regained_share(self, k: int) -> float | None:
        """Return the share of the entropy lost in act 2 that act 3 has regained at its end.

        Args:
            k: Moves of D in each step of act 3.

        Returns:
            The share; None if no entropy was lost.
        """
        before, low = self.first.entropy.value, self.alone[-1].entropy.value
        return (self.again[k][-1].entropy.value - low) / (before - low) if before > low else None

    def as_dict(self) -> dict[str, Any]:
        """Return all readings as a value of JSON."""
        acts = {name: getattr(self.acts, name) for name in ("first", "alone", "again", "every", "wanted_alone")}
        return {
            "data": self.data, "seed": self.seed, "acts": acts, "samples": DRAWN, "real_samples": self.real_samples,
            "real": self.real.as_dict(), "first": self.first.as_dict(),
            "alone": [reading.as_dict() for reading in self.alone],
            "again": {str(k): [reading.as_dict() for reading in course] for k, course in self.again.items()},
            "share_back": {str(k): self.regained_share(k) for k in self.again},
        }  # fmt: skip

    def __str__(self) -> str:
        low = min(self.alone, key=lambda reading: reading.entropy.value)
        rows = [
            ("real samples", self.real), ("1: Algorithm 1", self.first), ("2: G alone", self.alone[-1]),
            *((f"3: k = {k}", course[-1]) for k, course in self.again.items()),
        ]  # fmt: skip
        head = f"{'':16}{'G moves':>8} {'class entropy':>16} {'modes':>6} {'mean distance':>16} {'to nearest real':>16}"
        return "\n".join([
            f"{self.data}, seed {self.seed}: {DRAWN} samples, entropies in nats. A sample has the class of the nearest "
            f"of {self.real_samples:,} real ones.",
            head, *(f"{name:16}{_row(reading)}" for name, reading in rows),
            f"lowest entropy in act 2: {low.entropy.value:.2f} after {low.moves} moves of G alone",
            *(self._verdict(k) for k in self.again),
        ])  # fmt: skip

    def _verdict(self, k: int) -> str:
        share = self.regained_share(k)
        if share is None:
            return f"k = {k}: no entropy was lost in act 2"
        word = "recovered" if share >= BACK else f"not recovered, which takes {BACK:.0%}"
        steps = self.again[k][-1].moves
        regained = "all" if share >= 1 else f"{share:.1%}"
        return f"k = {k}: {regained} of the lost entropy is regained after {steps} steps: {word}"

    def save(self, path: str | Path) -> Path:
        """Write the curves and the pictures as FILE.png; nothing is overwritten.

        Args:
            path: The file.

        Returns:
            Its path.

        Raises:
            BadInput: If the file has another ending or is there already.
        """
        path = Path(path)
        runs.expect_new(path, ".png")
        figure = self.figure()
        return runs.write_new(path, lambda file: figure.savefig(file, format="png", dpi=130))

    def figure(self) -> Any:
        """Return the curves and the pictures."""
        courses = {"G alone": [self.first, *self.alone]}
        courses |= {f"k = {k}": [replace(self.alone[-1], moves=0), *course] for k, course in self.again.items()}
        curves = {
            name: figures.Trajectory(*zip(*map(_plotted_numbers, course), strict=True))
            for name, course in courses.items()
        }
        return figures.draw_helvetica(curves, _plotted_numbers(self.real)[1:], self.pictures)

    def _repr_png_(self) -> bytes:
        return figures.encode_figure(self.figure())


def helvetica(
    name: str = "ring-8", *, data_dir: str | None = None, seed: int = 0, ks: Sequence[int] = (1, 2, 5),
    acts: HelveticaPlan | None = None,
) -> Helvetica:  # fmt: skip
    """Play the three acts on a labelled data set.

    Args:
        name: Data set, by name or path.
        data_dir: Folder where data sets are looked for first.
        seed: Seed of the game; the same seed gives the same play.
        ks: Moves of D in each step of act 3, which is played once for each.
        acts: How long the acts are; by default POINTS or IMAGES, by the kind of the data.

    Returns:
        The readings and pictures.

    Raises:
        BadInput: If the data have no labels, or a k or the seed is out of range.
    """
    if not ks or min(ks) < 1 or max(ks) > MOST_MOVES or len(set(ks)) != len(ks):
        raise BadInput(
            f"k: found {list(ks)}, expected different whole numbers from 1 to {MOST_MOVES:,}. Without --k: 1, 2, 5."
        )
    if not 0 <= seed < 2**63:
        raise BadInput(f"seed is {seed}; expected a whole number from 0 to 2^63 - 1")
    dataset = data.load(name, data_dir)
    if dataset.classes is None:
        raise BadInput(
            f"{dataset.name} has no labels; expected data with labels, since their classes are the modes. Name others."
        )
    acts = acts or (IMAGES if dataset.is_image else POINTS)
    with Streams(seed, torch.device("cpu")).as_defaults():
        game = HelveticaGame(dataset, acts, seed)
        game.play_steps(acts.first, k=1)
        first, pictures = game.read_samples(0), {"after act 1": game.draw_picture()}
        alone = list(game.play_and_read(acts.alone, k=0))
        pictures["G alone"] = game.draw_picture()
        collapsed, again = deepcopy(game.training.state()), {}
        for k in ks:
            game.training.load(deepcopy(collapsed))
            # Random numbers of its own, so that no k depends on which others are played.
            with Streams(mix_seed("helvetica", seed, k), torch.device("cpu")).as_defaults():
                again[k] = list(game.play_and_read(acts.again, k=k))
            pictures[f"k = {k}"] = game.draw_picture()
    return Helvetica(dataset.name, seed, acts, len(game.known), game.real, first, alone, again, pictures)


class HelveticaGame:
    """The game that is played, and what reads its samples.

    Args:
        dataset: Data with labels.
        acts: How long the acts are.
        seed: Seed of the game.
    """

    def __init__(self, dataset: Dataset, acts: HelveticaPlan, seed: int) -> None:
        self.every, self.wanted_alone, self.classes = acts.every, acts.wanted_alone, dataset.classes or 0
        self.transform = TRANSFORMS[acts.recipe.transform if dataset.is_image else "identity"]
        self.training = build_game_training(acts.recipe, dataset, seed=seed, device=torch.device("cpu"))
        assert isinstance(self.training.game, Game)
        self.game = self.training.game
        self.training.schedule(Moment(0, 1, 0.0))
        self.z = self.training.draw_latent(DRAWN, torch.Generator().manual_seed(seed))
        chosen = torch.randperm(len(dataset.train), generator=torch.Generator().manual_seed(0))[:REAL]
        self.known, self.labels = _as_floats(dataset.train, chosen), dataset.train.labels[chosen]  # type: ignore[index]
        held_out = torch.arange(min(DRAWN, len(dataset.validation)))
        self.real = self._read(0, _as_floats(dataset.validation, held_out))

    def play_steps(self, steps: int, *, k: int) -> None:
        """Play steps of Algorithm 1.

        Args:
            steps: Number of steps.
            k: Moves of D in each step; with 0 only G moves.
        """
        game = self.game if k else replace(self.game, objective=OBJECTIVES[self.wanted_alone])
        made = moves(game, self.training.batches, self.training.optimizers, k=k)
        for _ in islice(made, steps * (k + 1)):
            pass

    def play_and_read(self, steps: int, *, k: int) -> Iterator[GeneratorReading]:
        """Play steps of Algorithm 1, and read samples on the way.

        Args:
            steps: Number of steps.
            k: Moves of D in each step; with 0 only G moves.

        Yields:
            A reading after every `acts.every` steps.
        """
        for made in range(self.every, steps + 1, self.every):
            self.play_steps(self.every, k=k)
            yield self.read_samples(made)

    def read_samples(self, made: int) -> GeneratorReading:
        """Read what G draws now.

        Args:
            made: Number of moves of G in this act.

        Returns:
            The reading.
        """
        values = torch.from_numpy(self.draw_samples(DRAWN).values)
        return self._read(made, values.permute(0, 3, 1, 2).float() / 255 if values.ndim == 4 else values)

    def draw_picture(self) -> Any:
        """Return a picture of what G draws: a small grid of images, or all points on one scale."""
        if self.known.ndim == 4:
            return self.draw_samples(PICTURED).picture()
        bound = 1.5 * float(self.known.abs().max())
        return figures.draw_scatter(self.draw_samples(DRAWN).values.astype(np.float32), size=200, bound=bound)

    def draw_samples(self, n: int) -> Samples:
        """Draw samples, always of the same noises.

        Args:
            n: Number of samples, at most DRAWN.

        Returns:
            The samples.
        """
        generator = self.game.generator.eval()
        assert self.z is not None
        with torch.no_grad():
            drawn = Samples.of(generator(self.z[:n]), self.transform)
        generator.train()
        return drawn

    def _read(self, made: int, x: torch.Tensor) -> GeneratorReading:
        index, squares = statistics.find_nearest(x, self.known)
        far = squares.sqrt()
        stray = Estimate(float(far.mean()), float(far.std()) / len(far) ** 0.5, notes={"n": len(far)})
        entropy = metrics.class_entropy(self.labels[index], self.classes)
        return GeneratorReading(made, entropy, statistics.pairwise_distance(x), stray)


def _as_floats(split: Split, chosen: torch.Tensor) -> torch.Tensor:
    values = split.values[chosen]
    return values.float() / 255 if values.dtype == torch.uint8 else values


def _plotted_numbers(reading: GeneratorReading) -> tuple[float, float, float, float, float]:
    spread, stray = reading.spread.value, reading.stray.value
    return reading.moves, reading.entropy.value, reading.modes, spread, stray


def _row(reading: GeneratorReading) -> str:
    entropy, spread, stray = (
        f"{e.value:8.3f} +- {e.standard_error:.3f}" for e in (reading.entropy, reading.spread, reading.stray)
    )
    return f"{reading.moves:8,} {entropy:>16} {reading.modes:6} {spread:>16} {stray:>16}"
