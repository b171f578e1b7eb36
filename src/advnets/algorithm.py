"""Algorithm 1: who moves when.

Goodfellow et al. 2014, "Generative Adversarial Nets", Algorithm 1: for each step, k times {draw m noises and m
examples; ascend the discriminator's stochastic gradient}; then {draw m noises; descend the generator's}. What is
ascended and descended is the game's; here is only the order, written once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from advnets.errors import BadInput
from advnets.games import Draw, Playable
from advnets.schedules import Schedule
from advnets.training import Batch, Moment, Move, Step
from advnets.turns import Optimizers, Origin, Turn, parameters_of, play_turn

__all__ = ["ALGORITHMS", "Algorithm1", "AlgorithmRow", "Extragradient", "Simultaneous", "algorithm1", "moves"]

Moves = int | Callable[[int], int]


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
        share_fakes: Whether the generator moves on the fakes of the discriminator's last move, as many programs do,
            which costs one pass of the generator less. The paper draws fresh noises.

    Raises:
        BadInput: If k is neither a whole number of 1 or more nor a schedule.
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
            draw = self.last = game.draw(batch, movers)._replace(kept={})
        return self.turn(game, movers, optimizers, batch, step, draw=draw, origin=origin)
