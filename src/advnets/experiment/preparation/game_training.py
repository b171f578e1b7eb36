"""A game under an algorithm, as a Training: what a run of adversarial nets trains."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from advnets.capture import Recorder
from advnets.data import Batches
from advnets.errors import AdvnetsError, BadInput
from advnets.games import CycleGame, Game, Playable
from advnets.networks import Sizes
from advnets.optimizers import load_optimizer_state, optimizer_state, set_numbers
from advnets.recipes import Recipe, Stage
from advnets.runs import ModuleMemory, name_iterators
from advnets.schedules import BEGINNING, moment_within, value_at
from advnets.training import Moment, Step
from advnets.turns import play_turn


@dataclass
class GameTraining:
    """A game, the batches it is played on, and how each player descends; later stages of the recipe change the game.

    Attributes:
        game: What is played.
        batches: The training samples.
        optimizers: {player: optimizer}.
        recipe: Algorithm, descents and stages are read.
        sizes: What networks of later stages are built from.
        capture: Whether turns are recorded and replayed.
        stage: Number of the stage that is under way, from 0.
        began: The step and the number of whole epochs at which it began.
        moment: Where the run stands, as `schedule` was told last.
    """

    game: Game | CycleGame
    batches: Batches
    optimizers: dict[str, Optimizer]
    recipe: Recipe
    sizes: Sizes
    capture: bool = False
    stage: int = 0
    began: tuple[int, int] = (0, 0)
    moment: Moment = BEGINNING
    recorder: Recorder | None = field(default=None, init=False)
    memory: ModuleMemory = field(default_factory=ModuleMemory, init=False)

    def __post_init__(self) -> None:
        self._watch_players()

    @staticmethod
    def of(game: Game | CycleGame, batches: Batches, recipe: Recipe, sizes: Sizes, *, capture: bool) -> "GameTraining":
        """Return the training at its first step, with fresh optimizers.

        Raises:
            BadInput: If a player has nothing to train, or is TorchScript, or a batch has no such parts.
        """
        for player, network in game.players.items():
            _expect_no_script(player, network)
            _expect_trainable(player, network)
        if batches.size % recipe.accumulate:
            raise BadInput(
                f"accumulate is {recipe.accumulate}, and a process has {batches.size} samples of a batch: expected a "
                "number of parts that divides them. Change --accumulate or --batch-size."
            )
        return GameTraining(game, batches, _optimizers(game, recipe), recipe, sizes, capture)

    @property
    def players(self) -> Mapping[str, nn.Module]:
        """The networks that learn, by player."""
        return self.game.players

    @property
    def makers(self) -> Mapping[str, nn.Module]:
        """The networks that are sampled, by way."""
        return self.game.makers

    @property
    def device(self) -> torch.device:
        """The device that the networks live on."""
        return self.game.device

    def steps(self, start: int) -> Iterator[Step]:
        """Yield the steps from number `start` on, without end."""
        algorithm = self.recipe.algorithm
        assert algorithm is not None
        parts = self.recipe.accumulate
        self.recorder = Recorder(self.game.device, parts=parts) if self.capture else None
        turn = self.recorder or partial(play_turn, parts=parts)
        return algorithm.steps(
            self.game, self.batches, self.optimizers, start=start, turn=turn, moment=lambda: self.moment
        )

    def schedule(self, moment: Moment) -> None:
        """Set every number that changes to its value at a moment, counted from the stage's beginning."""
        self.moment = self.moment_of_stage(moment)
        for player, descent in self.recipe.descents.items():
            numbers = descent.optimizer.numbers_at(self.moment)
            set_numbers(self.optimizers[player], lr=value_at(descent.rate, self.moment), **numbers)
        self.game.schedule(self.moment)

    def moment_of_stage(self, moment: Moment) -> Moment:
        """Return a moment of the run as it counts from the beginning of the stage that is under way."""
        begins = (0.0, *(stage.begins for stage in self.recipe.stages), 1.0)
        return moment_within(moment, begins, self.stage, self.began)

    def is_next_stage_due(self, share: float) -> bool:
        """Return whether the next stage begins at this share of the run's budget."""
        return self.stage < len(self.recipe.stages) and share >= self.recipe.stages[self.stage].begins

    def begin_next_stage(self, step: int) -> None:
        """Begin the next stage at this step: its networks, fresh optimizers, a new epoch of the data.

        Args:
            step: Steps made so far.

        Raises:
            BadInput: If the networks cannot be built.
        """
        self._settle()
        with explain_build_errors():
            self.game = _later_game(self.game, self.recipe.stages[self.stage], self.sizes)
        self._watch_players()
        self.optimizers = _optimizers(self.game, self.recipe)
        self.stage, self.began = self.stage + 1, (step, self.batches.epoch + 1)
        self.batches.load({**self.batches.state(), "epoch": self.batches.epoch + 1, "index": 0})

    def state(self) -> dict[str, Any]:
        """Return the stage, the players, all that they remember, their optimizers and the position in the data."""
        self._settle()
        return {
            "stage": {"number": self.stage, "began": list(self.began)},
            "players": {name: dict(network.state_dict()) for name, network in self.game.players.items()},
            "memory": {name: self.memory.state(network) for name, network in self.game.players.items()},
            "not stored": {name: name_iterators(network) for name, network in self.game.players.items()},
            "optimizers": {name: optimizer_state(optimizer) for name, optimizer in self.optimizers.items()},
            "batches": self.batches.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned, as `load_networks` does, with the optimizers and the position in the data.

        Args:
            state: The state.

        Raises:
            BadInput: If its stages, networks or optimizers are others.
        """
        self.load_networks(state)
        for name, optimizer in self.optimizers.items():
            try:
                load_optimizer_state(optimizer, state["optimizers"][name])
            except (ValueError, KeyError) as error:
                raise BadInput(f"the checkpoint is of another optimizer of the {name} than this: {error}") from error
        self.batches.load(state["batches"])

    def load_networks(self, state: Mapping[str, Any]) -> None:
        """Take back the stage, the players and what they remember.

        The networks of later stages are built first, with random numbers from torch's default generator.

        Args:
            state: The state.

        Raises:
            BadInput: If its stages or networks are others.
        """
        try:
            while self.stage < state["stage"]["number"]:
                self.begin_next_stage(0)
            self.began = tuple(state["stage"]["began"])
            for name, network in self.game.players.items():
                network.load_state_dict(state["players"][name])
                self.memory.load(network, state["memory"][name])
        except (RuntimeError, KeyError, IndexError) as error:
            raise BadInput(f"the checkpoint is of other networks than these: {error}") from error

    def draw_latent(self, n: int, rng: torch.Generator | None = None) -> Tensor | None:
        """Draw n noises z, (n, latent_size); None where the makers take no noise."""
        latent = self.game.latent if isinstance(self.game, Game) else None
        return None if latent is None else latent(n, rng, self.device)

    def _watch_players(self) -> None:
        for network in self.game.players.values():
            self.memory.watch(network)

    def _settle(self) -> None:
        if self.recorder is not None:
            self.recorder.settle()


@contextmanager
def explain_build_errors() -> Iterator[None]:
    """Turn what networks raise of their numbers into a BadInput that says so.

    Yields:
        Nothing.

    Raises:
        BadInput: If a network within cannot be built.
    """
    try:
        yield
    except AdvnetsError:
        raise
    except (RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
        raise BadInput(f"the recipe's networks cannot be built, change their sizes: {error}") from error


def _expect_no_script(player: str, network: nn.Module) -> None:
    for name, layer in network.named_modules():
        if isinstance(layer, torch.jit.ScriptModule) and any(theta.requires_grad for theta in layer.parameters()):
            where = f"in {name!r}" if name else "as a whole"
            raise BadInput(
                f"the {player}, {where}, is TorchScript, whose weights cannot be copied to be averaged; expected an "
                "nn.Module. Give the module that it was scripted from."
            )


def _expect_trainable(player: str, network: nn.Module) -> None:
    sizes = [theta.numel() for theta in network.parameters()]
    if any(theta.requires_grad for theta in network.parameters()):
        return
    found = f"{sum(sizes):,} parameters, none of which requires a gradient" if sizes else "no parameters"
    advice = f"Call {player}.requires_grad_(True)" if sizes else "Give it layers that have weights"
    raise BadInput(f"the {player} has nothing to train: found {found}, expected one at least. {advice}.")


def _optimizers(game: Playable, recipe: Recipe) -> dict[str, Optimizer]:
    return {
        player: recipe.descents[player].optimizer.build(list(network.parameters()))
        for player, network in game.players.items()
    }


def _later_game(game: Game | CycleGame, stage: Stage, sizes: Sizes) -> Game:
    """The next stage's game: the former generator, whole, above new layers as wide as its z; a new discriminator."""
    if not isinstance(game, Game) or game.latent is None:
        raise BadInput("a recipe with stages plays a game of two networks and noise; this game is another")
    generator, discriminator = game.generator, game.discriminator
    if stage.below is not None:
        generator = nn.Sequential(stage.below.build(replace(sizes, latent_size=game.latent.size)), generator)
    if stage.discriminator is not None:
        discriminator = stage.discriminator.build(sizes.of_packs(game.pack))
    return replace(game, generator=generator.to(game.device), discriminator=discriminator.to(game.device))
