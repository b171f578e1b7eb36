"""A prober: measures a training at a step, on copies, with random numbers of its own."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from advnets.averaging import copy_deeply
from advnets.data import Dataset
from advnets.diagnosis import Probe, nearest_distances, share_of_untrained
from advnets.experiment.preparation.game_training import GameTraining
from advnets.experiment.preparation.trial_move import Side, sides_of
from advnets.experiment.probes.fixed_samples import SEED, FixedSamples, Floats, choose_samples, view_of
from advnets.experiment.probes.gradient_probe import probe_gradients
from advnets.experiment.probes.sample_probe import ends_of, probe_samples
from advnets.games import CycleGame, Game
from advnets.randomness import Streams
from advnets.recipes import Recipe
from advnets.schedules import value_at
from advnets.training import Batch, Moment

DIFFERENTIATED = 64
"""Samples, at most, that gradients are taken of."""


class Prober:
    """Measures a training of a game; the samples and noises are the same at each probe.

    Args:
        recipe: Transform, batch size and average are read.
        dataset: The data.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset) -> None:
        self.recipe, self.dataset = recipe, dataset
        self._fixed: FixedSamples | None = None
        self._many: dict[str, tuple[Floats, Floats]] = {}
        self._ends: dict[str, dict[str, Any]] = {}

    def measure(
        self, training: GameTraining, averaged: Mapping[str, nn.Module], *, step: int, share: float
    ) -> list[Probe]:
        """Measure a training; nothing of it is touched.

        Args:
            training: The training, between two steps.
            averaged: The averaged generators, by way.
            step: Steps made so far.
            share: Share of the budget that is spent.

        Returns:
            A probe of each generator.
        """
        with Streams(SEED, training.device).as_defaults(), torch.compiler.set_stance("force_eager"):
            fixed = self._samples(training)
            game, optimizers, makers = copy_deeply((training.game, training.optimizers, dict(averaged)))
            held, many = _by_way(game, fixed.held), self._many_by_way(game, fixed)
            common: dict[str, Any] = {"step": step, "share": share, "bounds": fixed.bounds}
            common["untrained"] = self._old_share_of_average(training, step, share)
            found = []
            for side in sides_of(game, fixed.train):
                size = self.recipe.batch_size // self.recipe.accumulate
                others = held.get(side.way), many.get(side.way)
                measured = probe_samples(side, *others, makers[side.way], batch_size=size)
                found.append(measured | self._ends_of(side))
            n = _as_packs(min(DIFFERENTIATED, self.recipe.batch_size, len(fixed.train.real)), game)
            few = Batch(fixed.train.real[:n], None if fixed.train.given is None else fixed.train.given[:n])
            common |= probe_gradients(game, optimizers, few, step=step)
        return [Probe(**(common | one)) for one in found]

    def _samples(self, training: GameTraining) -> FixedSamples:
        if self._fixed is None:
            game = training.game
            given = "images" if isinstance(game, CycleGame) else game.given
            pack = game.pack if isinstance(game, Game) else 1
            self._fixed = choose_samples(self.recipe, self.dataset, given=given, pack=pack, device=training.device)
        return self._fixed

    def _many_by_way(self, game: Game | CycleGame, fixed: FixedSamples) -> dict[str, tuple[Floats, Floats]]:
        """The views of training samples, and how near held-out ones come to them: measured once."""
        if not self._many and fixed.many_held is not None:
            train, held = (_by_way(game, one) for one in (fixed.many_train, fixed.many_held))
            for way in train:
                seen = view_of(train[way].real)
                self._many[way] = seen, nearest_distances(view_of(held[way].real), seen)
        return self._many

    def _ends_of(self, side: Side) -> dict[str, Any]:
        """What the networks end in, which is read once."""
        if side.way not in self._ends:
            self._ends[side.way] = ends_of(side)
        return self._ends[side.way]

    def _old_share_of_average(self, training: GameTraining, step: int, share: float) -> float | None:
        average = self.recipe.average
        if self.recipe.stages or average.averaged_from:
            return None
        half_life = value_at(average.half_life, Moment(step, training.batches.epoch + 1, share))
        return share_of_untrained(half_life, average.ramp, step * self.recipe.batch_size)


def _by_way(game: Game | CycleGame, batch: Batch | None) -> dict[str, Batch]:
    """What is real to each discriminator."""
    if batch is None:
        return {}
    return {side.way: side.batch for side in sides_of(game, batch)} if isinstance(game, CycleGame) else {"": batch}


def _as_packs(n: int, game: Game | CycleGame) -> int:
    pack = game.pack if isinstance(game, Game) else 1
    return max(n // pack, 1) * pack
