"""Algorithm 1: who moves when.

Goodfellow et al. 2014, "Generative Adversarial Nets", Algorithm 1: for each step, k times {draw m noises and m
examples; ascend the discriminator's stochastic gradient}; then {draw m noises; descend the generator's}. What is
ascended and descended is the game's; here is only the order, written once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

from advnets.distributed import average_gradients
from advnets.errors import BadInput, NonFinite
from advnets.games.playable import Draw, Playable, Terms
from advnets.schedules import Schedule
from advnets.training import Batch, Moment, Move, Step

Moves = int | Callable[[int], int]
Optimizers = Mapping[str, Optimizer]
Origin = Mapping[str, Sequence[Tensor]]
"""{player: parameters} that a descent begins from, in place of those that its gradients were taken at."""


class Turn(Protocol):
    """How players move: `play_turn`, or a `capture.Recorder`, which replays what it has recorded."""

    def __call__(
        self,
        game: Playable,
        movers: Sequence[str],
        optimizers: Optimizers,
        batch: Batch,
        step: int,
        *,
        draw: Draw | None = None,
        origin: Origin | None = None,
    ) -> tuple[Move, ...]:
        """Make one move of each mover, all from gradients at the same parameters.

        Args:
            game: What is played.
            movers: The players that move.
            optimizers: An optimizer for each player.
            batch: The real samples.
            step: Number of the step.
            draw: What the fakes are made of; None draws anew.
            origin: Parameters that the descents begin from; None for the present ones.

        Returns:
            The moves, in the movers' order.
        """


def moves(
    game: Playable,
    batches: Iterator[Batch],
    optimizers: Optimizers,
    *,
    start: int = 0,
    k: Moves = 1,
    turn: Turn | None = None,
) -> Iterator[Move]:
    """Play Algorithm 1 one move at a time, without end: the discriminator's k moves, then the generator's one.

    Args:
        game: What is played.
        batches: Each discriminator's move takes a fresh batch; the generator's takes one if the game wants it.
        optimizers: {player: optimizer}; whoever consumes the moves sets the rates before asking for the next.
        start: Number of the first step.
        k: Discriminator's moves a step, 0 or more, or a function of the step's number.
        turn: How a player moves; None for `play_turn`.

    Yields:
        Each move, after it was made.

    Raises:
        NonFinite: Before the move is made, if a loss or a gradient is not finite.
    """
    step, turn = start, turn or play_turn
    while True:
        batch = None
        for _ in range(k(step) if callable(k) else k):
            batch = next(batches)
            yield from turn(game, ("discriminator",), optimizers, batch, step)
        if batch is None or game.wants_fresh_batch("generator"):
            batch = next(batches)
        yield from turn(game, ("generator",), optimizers, batch, step)
        step += 1


def algorithm1(
    game: Playable,
    batches: Iterator[Batch],
    optimizers: Optimizers,
    *,
    start: int = 0,
    k: Moves = 1,
    turn: Turn | None = None,
) -> Iterator[Step]:
    """Play Algorithm 1 one step at a time: `moves`, grouped up to each generator's move.

    Args:
        game: What is played.
        batches: As `moves` takes them.
        optimizers: As `moves` takes them.
        start: Number of the first step.
        k: As `moves` takes it.
        turn: As `moves` takes it.

    Yields:
        Each step, after its last move was made.

    Raises:
        NonFinite: As `moves` does.
    """
    made: list[Move] = []
    for move in moves(game, batches, optimizers, start=start, k=k, turn=turn):
        made.append(move)
        if move.player == "generator":
            yield Step(move.step, tuple(made))
            made = []


class AlgorithmRow(ABC):
    """A row of ALGORITHMS: a frozen dataclass of numbers, without memory: what lasts is in players and optimizers."""

    @abstractmethod
    def steps(
        self,
        game: Playable,
        batches: Iterator[Batch],
        optimizers: Optimizers,
        *,
        start: int = 0,
        turn: Turn | None = None,
        moment: Callable[[], Moment] | None = None,
    ) -> Iterator[Step]:
        """Play without end.

        Args:
            game: What is played.
            batches: The real samples.
            optimizers: {player: optimizer}, whose rates are set between the steps.
            start: Number of the first step.
            turn: How players move; None for `play_turn`.
            moment: What tells where the run stands, for numbers that are scheduled; None counts steps alone.

        Yields:
            Each step, after it was made.

        Raises:
            NonFinite: Before a move is made, if a loss or a gradient is not finite.
        """


@dataclass(frozen=True)
class Algorithm1(AlgorithmRow):
    """Algorithm 1 as the paper prints it: k moves of the discriminator, then one of the generator.

    Attributes:
        k: Discriminator's moves a step, 1 or more, or a schedule of them, rounded to whole moves.
        share_fakes: Whether the generator moves on the noises of the discriminator's last move, as many programs do.
            The paper draws fresh ones.
    """

    k: int | Schedule = 1
    share_fakes: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.k, Schedule) and (type(self.k) is not int or self.k < 1):
            raise BadInput(f"k is {self.k!r}; expected a whole number of moves, 1 or more, or a schedule")

    def steps(
        self,
        game: Playable,
        batches: Iterator[Batch],
        optimizers: Optimizers,
        *,
        start: int = 0,
        turn: Turn | None = None,
        moment: Callable[[], Moment] | None = None,
    ) -> Iterator[Step]:
        """Play Algorithm 1 without end; see `AlgorithmRow.steps`."""
        turn = turn or play_turn
        played = _SharedDraw(turn) if self.share_fakes else turn
        return algorithm1(game, batches, optimizers, start=start, k=self._moves(moment), turn=played)

    def _moves(self, moment: Callable[[], Moment] | None) -> Moves:
        k = self.k
        if isinstance(k, int):
            return k
        return lambda step: round(k.at(moment() if moment else Moment(step, 1, 0.0)))


@dataclass(frozen=True)
class Simultaneous(AlgorithmRow):
    """The released code's form: both gradients at the same parameters, from one graph and one z, then both moves.

    Not Algorithm 1, which alternates and draws fresh noise for the generator.
    """

    def steps(
        self,
        game: Playable,
        batches: Iterator[Batch],
        optimizers: Optimizers,
        *,
        start: int = 0,
        turn: Turn | None = None,
        moment: Callable[[], Moment] | None = None,
    ) -> Iterator[Step]:
        """Play without end; see `AlgorithmRow.steps`."""
        step, turn = start, turn or play_turn
        while True:
            yield Step(step, turn(game, tuple(game.players), optimizers, next(batches), step))
            step += 1


@dataclass(frozen=True)
class Extragradient(AlgorithmRow):
    """Both players look one move ahead, and then move from where they were by the gradients that they saw there.

        theta' = theta - lr g(theta),        theta <- theta - lr g(theta')

    Korpelevich 1976; Gidel et al., A variational inequality perspective on generative adversarial networks, 2019,
    Algorithm 2. Each half takes a fresh batch. Under SGD this is the formula; Adam's moments move in both halves, as in
    that paper's Algorithm 4.
    """

    def steps(
        self,
        game: Playable,
        batches: Iterator[Batch],
        optimizers: Optimizers,
        *,
        start: int = 0,
        turn: Turn | None = None,
        moment: Callable[[], Moment] | None = None,
    ) -> Iterator[Step]:
        """Play without end; see `AlgorithmRow.steps`. The moves of a step are those of its second half."""
        step, turn, movers = start, turn or play_turn, tuple(game.players)
        while True:
            origin = {who: [theta.detach().clone() for theta in parameters_of(game, who)] for who in movers}
            turn(game, movers, optimizers, next(batches), step)
            yield Step(step, turn(game, movers, optimizers, next(batches), step, origin=origin))
            step += 1


ALGORITHMS: dict[str, type[AlgorithmRow]] = {
    "algorithm1": Algorithm1,
    "simultaneous": Simultaneous,
    "extragradient": Extragradient,
}


class Gradients(NamedTuple):
    """What a player's descent takes.

    Attributes:
        loss: What is descended, ().
        parameters: The player's parameters that learn.
        values: d loss / d theta for each; None where a parameter has no part.
    """

    loss: Tensor
    parameters: list[Tensor]
    values: Sequence[Tensor | None]


def play_turn(
    game: Playable,
    movers: Sequence[str],
    optimizers: Optimizers,
    batch: Batch,
    step: int,
    *,
    draw: Draw | None = None,
    origin: Origin | None = None,
) -> tuple[Move, ...]:
    """Draw z; take every gradient at the same parameters; then make every move; see `Turn`.

    Args:
        game: What is played.
        movers: One player, or both from one graph.
        optimizers: {player: optimizer}.
        batch: The real samples.
        step: Number of the step.
        draw: What the fakes are made of; None draws anew.
        origin: Parameters that the descents begin from; None for the present ones.

    Returns:
        The moves, in the movers' order.

    Raises:
        NonFinite: Before any move is made, if a loss or a gradient is not finite.
    """
    draw = game.draw(batch, movers) if draw is None else draw
    terms = game.terms(movers, batch, draw, step)
    gradients = {}
    for player in movers:
        gradients[player] = differentiate(game, player, terms[player], shared=len(movers) > 1)
        _stop_if_not_finite(game, player, terms[player], found=gradients[player], batch=batch, step=step)
    for player in movers:
        descend(game, player, gradients[player], optimizers[player], origin)
    made = []
    for player in movers:
        losses, scores = terms[player]
        made.append(Move(step, player, dict(zip(losses, map(Tensor.detach, losses.values()), strict=True)), scores))
    return tuple(made)


def parameters_of(game: Playable, player: str) -> list[Tensor]:
    """Return a player's parameters that learn, in the order of its modules."""
    return list(filter(attrgetter("requires_grad"), game.players[player].parameters()))


def differentiate(game: Playable, player: str, terms: Terms, *, shared: bool = False) -> Gradients:
    """Differentiate a player's loss, the mean over all processes.

    Args:
        game: What is played.
        player: The player whose parameters are differentiated in.
        terms: What it descends.
        shared: Whether the graph is kept, for another player's gradients.

    Returns:
        Its loss and d loss / d theta.
    """
    loss, parameters = torch.stack(list(terms.losses.values())).sum(), parameters_of(game, player)
    values = torch.autograd.grad(loss, parameters, retain_graph=shared, allow_unused=True)
    mean_loss, means = average_gradients(loss, values)
    return Gradients(mean_loss, parameters, means)


def descend(
    game: Playable, player: str, gradients: Gradients, optimizer: Optimizer, origin: Origin | None = None
) -> None:
    """Make one player's move, and bring it back into its bounds.

    Args:
        game: What is played.
        player: The player that moves.
        gradients: What `differentiate` returned for it.
        optimizer: The player's optimizer.
        origin: Parameters that the descent begins from; None for the present ones.
    """
    if origin is not None:
        with torch.no_grad():
            torch._foreach_copy_(gradients.parameters, list(origin[player]))
    for theta, value in zip(gradients.parameters, gradients.values, strict=True):
        theta.grad = value
    optimizer.step()
    game.constrain(player)


def named_gradients(game: Playable, player: str, gradients: Gradients) -> dict[str, Tensor]:
    """Return the gradients that `differentiate` gave, as an error calls them."""
    names = (name for name, theta in game.players[player].named_parameters() if theta.requires_grad)
    named = zip(names, gradients.values, strict=True)
    return {f"the gradient of {player}.{name}": value for name, value in named if value is not None}


class _SharedDraw:
    """A turn in which the generator moves on what the discriminator's last move has drawn."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.last: Draw | None = None

    def __call__(
        self,
        game: Playable,
        movers: Sequence[str],
        optimizers: Optimizers,
        batch: Batch,
        step: int,
        *,
        draw: Draw | None = None,
        origin: Origin | None = None,
    ) -> tuple[Move, ...]:
        if tuple(movers) == ("generator",) and self.last is not None:
            draw, self.last = self.last._replace(due=()), None
        elif draw is None:
            draw = self.last = game.draw(batch, movers)
        return self.turn(game, movers, optimizers, batch, step, draw=draw, origin=origin)


def _stop_if_not_finite(
    game: Playable, player: str, terms: Terms, *, found: Gradients, batch: Batch, step: int
) -> None:
    if not found.loss.isfinite():
        raise NonFinite(_blame(game, player, terms, batch=batch, step=step))
    # A NaN or an Inf in a tensor is in its sum, one fast pass; finite tensors may overflow it, so look twice.
    if torch.stack([value.sum() for value in found.values if value is not None]).isfinite().all():
        return
    named = named_gradients(game, player, found)
    if not all(gradient.isfinite().all() for gradient in named.values()):
        raise NonFinite(_blame(game, player, terms, batch=batch, step=step, gradients=named))


def _blame(
    game: Playable, player: str, terms: Terms, *, batch: Batch, step: int, gradients: Mapping[str, Tensor] | None = None
) -> str:
    """The first tensor that is not finite, from the data on: what comes after it is its consequence."""
    suspects = {f"the {name} batch": tensor for name, tensor in batch.tensors().items()}
    for who, network in game.players.items():
        suspects |= {f"{who}.{name}": theta for name, theta in network.state_dict().items()}
    suspects |= {f"the loss {name!r} of the {player}": loss for name, loss in terms.losses.items()}
    suspects |= gradients or {}
    for name, tensor in suspects.items():
        if not tensor.isfinite().all():
            kind = "NaN" if tensor.isnan().any() else "Inf"
            return f"{kind} in {name} at step {step}. The run stops here; its last checkpoint is finite."
    return f"NaN or Inf in the losses of the {player} at step {step}, in their sum or in another process"
