"""A game of the playground that is being played: the library's own games, algorithms and optimizers, step by step."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from advnets.averaging import MovingAverage
from advnets.errors import unknown
from advnets.optimizers import load_optimizer_state, optimizer_state, set_numbers
from advnets.randomness import Streams, mix_seed
from advnets.studies.playground.history import History, Moment
from advnets.studies.playground.picture import Canvas, as_numbers
from advnets.studies.playground.players import SIDES, Players, algorithm_of, optimizers_of
from advnets.studies.playground.settings import Settings
from advnets.studies.playground.shapes import shape_of
from advnets.training import Batch, Move
from advnets.turns import Turn, play_turn

CPU = torch.device("cpu")


@dataclass(frozen=True)
class State:
    """All that the next step of a game depends on, settings aside.

    Attributes:
        step: Steps made.
        made: Moves made, by player; one at rate 0 is none.
        networks: The tensors of each network, and of the average.
        optimizers: The state of each optimizer.
        own: The run's random states.
        shared: The state of the generator that z is drawn from.
    """

    step: int
    made: dict[str, int]
    networks: dict[str, dict[str, Tensor]]
    optimizers: dict[str, Any]
    own: dict[str, Any]
    shared: Tensor


class Playground:
    """One game, its past, and what is seen of it. The same settings and the same moves give the same game, bit by bit.

    Not safe in several threads at once: torch has one default generator.

    Args:
        settings: What is played.

    Raises:
        BadInput: If the settings make no game.
    """

    settings: Settings
    players: Players

    def __init__(self, settings: Settings) -> None:
        self._begin(settings)

    @property
    def place(self) -> int:
        """The place in the history at which the game stands."""
        return self._place

    def play(self, steps: int, turn: Turn = play_turn) -> None:
        """Play whole steps of the algorithm.

        Args:
            steps: Number of steps.
            turn: How players move.

        Raises:
            NonFinite: If a loss or a gradient is not finite; the game stands before that move.
        """
        with self.streams.as_defaults():
            row = algorithm_of(self.settings)
            played = row.steps(self.game, self._batches(), self.optimizers, start=self.step, turn=turn)
            for step in islice(played, steps):
                self._count(step.moves)
                self.step += 1
                self._set_rates()
                self.average.update(self.game.makers, self.settings.batch)

    def move(self, player: str) -> None:
        """Let one player move alone.

        Args:
            player: "discriminator" or "generator".

        Raises:
            BadInput: If there is no such player.
            NonFinite: As `play` does.
        """
        if player not in SIDES:
            raise unknown("player", str(player)[:40], SIDES)
        with self.streams.as_defaults():
            self._count(play_turn(self.game, (player,), self.optimizers, next(self._batches()), self.step))
            self.average.update(self.game.makers, self.settings.batch)

    def change(self, settings: Settings) -> bool:
        """Change settings, and begin anew where the game cannot go on under them.

        Args:
            settings: The new settings.

        Returns:
            Whether it has begun anew.

        Raises:
            BadInput: If they make no game; the old game is then still there.
        """
        if settings.restarts_from(self.settings):
            self._begin(settings)
            return True
        self.game = self.players.game(settings)
        self.settings = settings
        self._set_rates()
        return False

    def restart(self) -> None:
        """Begin anew under the settings that hold now, with the same seed."""
        self._begin(self.settings)

    def picture(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return what is seen now: numbers, and arrays as bytes. Nothing of the game is changed.

        Returns:
            The numbers by name, and the arrays by name, as `as_numbers` writes them.
        """
        drawn = self.canvas.draw(self.game, self.maker, self.shape)
        numbers = {name: value for name, value in drawn.items() if not isinstance(value, Tensor)}
        arrays = {name: as_numbers(value) for name, value in drawn.items() if isinstance(value, Tensor)}
        counted = {"step": self.step, "d_moves": self.made["discriminator"], "g_moves": self.made["generator"]}
        return {**counted, **numbers, **self.losses, **self._gradient_norms()}, arrays

    def backdrop(self) -> dict[str, bytes]:
        """Return the arrays that stay the same: the data's density on the line, its points in the plane.

        Returns:
            The arrays by name, as `as_numbers` writes them.
        """
        canvas = self.canvas
        return (
            {"p_data": as_numbers(canvas.p_data)} if self.settings.dimension == 1 else {"real": as_numbers(canvas.real)}
        )

    def record(self) -> bool:
        """Add the present moment to the history, after the place at which the game stands.

        Returns:
            Whether places in the history have changed otherwise than by one more at the end.
        """
        cut = self._place + 1 < len(self.history)
        if cut:
            self.history.forget_after(self._place)
        changed = self._add()
        return changed or cut

    def rewind(self, place: int) -> None:
        """Go back, or forth, to a moment of the history; the game goes on from there under the present settings.

        Args:
            place: Its place, from 0.

        Raises:
            BadInput: If there is none.
        """
        moment = self.history.at(place)
        self._restore(moment.state)
        self.losses = {name: moment.numbers[name] for name in ("loss_d", "loss_g") if name in moment.numbers}
        self._place = place

    @property
    def maker(self) -> nn.Module:
        """The generator that is sampled: the average where there is one."""
        return self.average.makers[""] if self.settings.average else self.game.generator

    def state(self) -> State:
        """Return a copy of all that the next step depends on, settings aside.

        Returns:
            The copy, which later steps leave as it is.
        """
        networks = {name: dict(network.state_dict()) for name, network in self._networks().items()}
        optimizers = {who: optimizer_state(optimizer) for who, optimizer in self.optimizers.items()}
        copied = copy.deepcopy((dict(self.made), networks, optimizers))
        return State(self.step, *copied, self.streams.states, self.streams.shared.get_state())

    def _begin(self, settings: Settings) -> None:
        streams = Streams(settings.seed, CPU)
        shape = shape_of(settings)
        with streams.as_defaults():
            players = Players.of(settings)
        game = players.game(settings)
        with Streams(mix_seed("picture", settings.seed), CPU).as_defaults():
            canvas = Canvas.of(settings, shape)
        self.settings, self.streams, self.shape, self.canvas = settings, streams, shape, canvas
        self.players, self.game = players, game
        self.optimizers: dict[str, Optimizer] = optimizers_of(game, settings)
        self.average = MovingAverage(game.makers, settings.average)
        self.step, self.made, self.losses = 0, dict.fromkeys(SIDES, 0), dict[str, float]()
        self._set_rates()
        self.history: History[State] = History()
        self._add()

    def _rate(self, player: str) -> float:
        """The rate of a player's next move; 0 for a discriminator that has stopped learning."""
        rate: float = self.settings.values[f"{SIDES[player]}_rate"]
        stands = player == "discriminator" and 0 < self.settings.d_until <= self.step
        return 0.0 if stands else rate

    def _set_rates(self) -> None:
        for player, optimizer in self.optimizers.items():
            set_numbers(optimizer, lr=self._rate(player))

    def _restore(self, state: State) -> None:
        for name, network in self._networks().items():
            network.load_state_dict(state.networks[name])
        for who, optimizer in self.optimizers.items():
            load_optimizer_state(optimizer, copy.deepcopy(state.optimizers[who]))
            optimizer.zero_grad()
        self.step, self.made = state.step, dict(state.made)
        self._set_rates()
        self.streams.states = state.own
        self.streams.shared.set_state(state.shared)

    def _networks(self) -> dict[str, nn.Module]:
        return {
            "generator": self.game.generator,
            "discriminator": self.game.discriminator,
            "average": self.average.makers[""],
        }

    def _add(self) -> bool:
        numbers, arrays = self.picture()
        state = self.state()
        size = sum(map(len, arrays.values())) + _size_of(state)
        changed = self.history.add(Moment(numbers, arrays, state, size))
        self._place = len(self.history) - 1
        return changed

    def _batches(self) -> Iterator[Batch]:
        while True:
            yield Batch(self.shape.sample(self.settings.batch))

    def _count(self, moves: tuple[Move, ...]) -> None:
        for move in moves:
            self.made[move.player] += self._rate(move.player) > 0  # at rate 0 a player stands still
            self.losses[f"loss_{SIDES[move.player]}"] = float(sum(move.losses.values()))

    def _gradient_norms(self) -> dict[str, float]:
        norms = {}
        for who, letter in SIDES.items():
            slopes = [theta.grad for theta in self.game.players[who].parameters() if theta.grad is not None]
            if slopes:
                norms[f"gradient_{letter}"] = float(torch.stack([slope.norm() for slope in slopes]).norm())
        return norms


def _size_of(state: State) -> int:
    """Bytes of a state, about."""
    networks = sum(tensor.nbytes for tensors in state.networks.values() for tensor in tensors.values())
    return 3 * networks + 40_000
