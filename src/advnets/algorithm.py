"""Algorithm 1: who moves when.

Goodfellow et al. 2014, "Generative Adversarial Nets", Algorithm 1: for each step, k times {draw m noises and m
examples; ascend the discriminator's stochastic gradient}; then {draw m noises; descend the generator's}. What is
ascended and descended is the game's; here is only the order, written once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from advnets.distributed import average_gradients
from advnets.errors import NonFinite
from advnets.games.game import Game, Terms
from advnets.training import Batch, Move, Step

Moves = int | Callable[[int], int]
Turn = Callable[[Game, Sequence[str], Mapping[str, Optimizer], Batch, int], tuple[Move, ...]]
"""(game, players, optimizers, batch, step) -> the move of each of these players, all taken at the same parameters."""


def moves(
    game: Game,
    batches: Iterator[Batch],
    optimizers: Mapping[str, Optimizer],
    *,
    start: int = 0,
    k: Moves = 1,
    turn: Turn | None = None,
) -> Iterator[Move]:
    """Algorithm 1 one move at a time, without end: the discriminator's k moves, then the generator's one.

    batches: each discriminator's move takes a fresh batch; the generator's takes one if its objective sees real data.
    optimizers: {player: optimizer}; whoever consumes the moves sets the rates before asking for the next.
    start: number of the first step. k: discriminator's moves a step, or a function of the step's number.
    turn: how a player moves; `play_turn`, or a `capture.Recorder`, which replays what it has recorded.
    Raises NonFinite, before the move is made, if a loss or a gradient is not finite.
    """
    step, turn = start, turn or play_turn
    while True:
        batch = None
        for _ in range(k(step) if callable(k) else k):
            batch = next(batches)
            yield from turn(game, ("discriminator",), optimizers, batch, step)
        if batch is None or game.objective.generator_sees_real:
            batch = next(batches)
        yield from turn(game, ("generator",), optimizers, batch, step)
        step += 1


def algorithm1(
    game: Game,
    batches: Iterator[Batch],
    optimizers: Mapping[str, Optimizer],
    *,
    start: int = 0,
    k: Moves = 1,
    turn: Turn | None = None,
) -> Iterator[Step]:
    """Algorithm 1 one step at a time: `moves`, grouped up to each generator's move."""
    made: list[Move] = []
    for move in moves(game, batches, optimizers, start=start, k=k, turn=turn):
        made.append(move)
        if move.player == "generator":
            yield Step(move.step, tuple(made))
            made = []


def simultaneous(
    game: Game,
    batches: Iterator[Batch],
    optimizers: Mapping[str, Optimizer],
    *,
    start: int = 0,
    k: Moves = 1,
    turn: Turn | None = None,
) -> Iterator[Step]:
    """The released code's form: both gradients at the same parameters, from one graph and one z, then both moves.

    Not Algorithm 1, which alternates and draws fresh noise for the generator. `k` is 1 by nature.
    """
    step, turn = start, turn or play_turn
    while True:
        yield Step(step, turn(game, tuple(game.players), optimizers, next(batches), step))
        step += 1


def play_turn(
    game: Game, players: Sequence[str], optimizers: Mapping[str, Optimizer], batch: Batch, step: int
) -> tuple[Move, ...]:
    """Draw z; every gradient at the same parameters; then every move. One player, or both from one graph."""
    z = game.latent(len(batch.real), None, game.device)
    terms = turn_terms(game, players, batch, z, step)
    gradients = {}
    for player in players:
        loss, gradients[player] = differentiate(game, player, terms[player], shared=len(players) > 1)
        _stop_if_not_finite(game, player, terms[player], found=(loss, gradients[player]), batch=batch, step=step)
    for player in players:
        descend(game, player, gradients[player], optimizers[player])
    return tuple(Move(step, player, *_detach(terms[player])) for player in players)


def turn_terms(game: Game, players: Sequence[str], batch: Batch, z: Tensor, step: int) -> dict[str, Terms]:
    """What each of the players descends: alone, or, if there are several, from one graph."""
    if len(players) > 1:
        return game.joint_losses(batch, z, step)
    return {player: game.losses(player, batch, z, step) for player in players}


def differentiate(
    game: Game, player: str, terms: Terms, *, shared: bool = False
) -> tuple[Tensor, Sequence[Tensor | None]]:
    """A player's loss, and d loss / d theta; None where a parameter has no part; `shared` keeps the graph."""
    loss = torch.stack(list(terms.losses.values())).sum()
    gradients = torch.autograd.grad(loss, _parameters(game, player), retain_graph=shared, allow_unused=True)
    return average_gradients(loss, gradients)


def descend(game: Game, player: str, gradients: Sequence[Tensor | None], optimizer: Optimizer) -> None:
    """One player's move, and its way back into its bounds."""
    for theta, gradient in zip(_parameters(game, player), gradients, strict=True):
        theta.grad = gradient
    optimizer.step()
    game.constrain(player)


def named_gradients(game: Game, player: str, gradients: Sequence[Tensor | None]) -> dict[str, Tensor]:
    """The gradients that `differentiate` gave, as an error calls them."""
    names = (name for name, theta in game.players[player].named_parameters() if theta.requires_grad)
    return {f"the gradient of {player}.{name}": g for name, g in zip(names, gradients, strict=True) if g is not None}


def _parameters(game: Game, player: str) -> list[Tensor]:
    return [theta for theta in game.players[player].parameters() if theta.requires_grad]


def _detach(terms: Terms) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return {name: loss.detach() for name, loss in terms.losses.items()}, terms.scores


def _stop_if_not_finite(
    game: Game,
    player: str,
    terms: Terms,
    *,
    found: tuple[Tensor, Sequence[Tensor | None]],
    batch: Batch,
    step: int,
) -> None:
    loss, gradients = found
    if not loss.isfinite():
        raise NonFinite(_blame(game, player, terms, batch=batch, step=step))
    # A NaN or an Inf in a tensor is in its sum, one fast pass; finite tensors may overflow it, so look twice.
    if torch.stack([gradient.sum() for gradient in gradients if gradient is not None]).isfinite().all():
        return
    named = named_gradients(game, player, gradients)
    if not all(gradient.isfinite().all() for gradient in named.values()):
        raise NonFinite(_blame(game, player, terms, batch=batch, step=step, gradients=named))


def _blame(
    game: Game, player: str, terms: Terms, *, batch: Batch, step: int, gradients: Mapping[str, Tensor] | None = None
) -> str:
    """The first tensor that is not finite, from the data on: what comes after it is its consequence."""
    suspects = {"the real batch": batch.real}
    for who, network in game.players.items():
        suspects |= {f"{who}.{name}": theta for name, theta in network.state_dict().items()}
    suspects |= {f"the loss {name!r} of the {player}": loss for name, loss in terms.losses.items()}
    suspects |= gradients or {}
    for name, tensor in suspects.items():
        if not tensor.isfinite().all():
            return _found(tensor, name, step)
    return f"NaN or Inf in the losses of the {player} at step {step}, in their sum or in another process"


def _found(tensor: Tensor, name: str, step: int) -> str:
    kind = "NaN" if tensor.isnan().any() else "Inf"
    return f"{kind} in {name} at step {step}. The run stops here; its last checkpoint is finite."


ALGORITHMS: dict[str, Callable[..., Iterator[Step]]] = {"algorithm1": algorithm1, "simultaneous": simultaneous}
