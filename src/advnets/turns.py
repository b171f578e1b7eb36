"""How players move: gradients at the same parameters, then descents.

A turn is made of two parts, which a recording and extragradient need apart: `differentiate` takes the movers'
gradients, of the whole batch or of its parts one after another; `descend` makes a move. Nothing moves on a loss or a
gradient that is not finite.
"""

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

from advnets.distributed import average_gradients
from advnets.errors import NonFinite
from advnets.games import Draw, Playable, Terms
from advnets.optimizers import laid_out_as
from advnets.training import Batch, Move

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
    parts: int = 1,
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
        parts: Equal parts of the batch that are differentiated one after another.

    Returns:
        The moves, in the movers' order.

    Raises:
        NonFinite: Before any move is made, if a loss or a gradient is not finite.
    """
    draw = game.draw(batch, movers) if draw is None else draw
    terms, gradients = differentiate(game, movers, batch, draw, step, parts=parts)
    for player in movers:
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


def differentiate(
    game: Playable, movers: Sequence[str], batch: Batch, draw: Draw, step: int, *, parts: int = 1
) -> tuple[dict[str, Terms], dict[str, Gradients]]:
    """Differentiate the loss of each mover, the mean over all parts and processes, at the same parameters.

        d L / d theta = 1/m sum_i d L_i / d theta,        L_i the loss of the i-th of m equal parts

    A part takes the memory of a batch of its size. The mean is that of the whole batch where each sample's loss is its
    own, as without batch statistics: batch normalisation takes its moments of each part. What a network counts or
    draws (spectral norm's u, a pool of fakes, dropout) is counted and drawn once a part.

    Args:
        game: What is played.
        movers: The players whose parameters are differentiated in.
        batch: The real samples.
        draw: What the fakes are made of.
        step: Number of the step.
        parts: m, equal parts of the batch that are differentiated one after another.

    Returns:
        What each mover descends, losses and scores as means over the parts, and its gradients.
    """
    terms: dict[str, Terms] = {}
    values: dict[str, list[Tensor | None]] = {}
    for part, drawn in split_batch(batch, draw, parts=parts):
        found = game.terms(movers, part, drawn, step)
        for player in movers:
            loss, parameters = torch.stack(list(found[player].losses.values())).sum(), parameters_of(game, player)
            slopes = torch.autograd.grad(loss, parameters, retain_graph=len(movers) > 1, allow_unused=True)
            values[player] = _add(values.get(player), slopes, parts)
            terms[player] = _add_terms(terms.get(player), found[player], parts)
        del found
    return terms, {player: _average_gradients(game, player, terms[player], values[player]) for player in movers}


def split_batch(batch: Batch, draw: Draw, *, parts: int) -> Iterator[tuple[Batch, Draw]]:
    """Split a batch and what its fakes are made of.

    Args:
        batch: The real samples, a multiple of `parts` of them.
        draw: What the fakes are made of.
        parts: Number of equal parts.

    Yields:
        Each part of both; the lazy penalties that are due are due in each.
    """
    if parts == 1:
        yield batch, draw
        return
    size = len(batch.real) // parts
    for start in range(0, parts * size, size):
        here = slice(start, start + size)
        z, given = (None if one is None else one[here] for one in (draw.z, draw.given))
        yield Batch(batch.real[here], None if batch.given is None else batch.given[here]), Draw(z, given, draw.due)


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
        theta.grad = laid_out_as(theta, value)
    optimizer.step()
    game.constrain(player)


def named_gradients(game: Playable, player: str, gradients: Gradients) -> dict[str, Tensor]:
    """Return the gradients that `differentiate` gave, as an error calls them."""
    names = (name for name, theta in game.players[player].named_parameters() if theta.requires_grad)
    named = zip(names, gradients.values, strict=True)
    return {f"the gradient of {player}.{name}": value for name, value in named if value is not None}


def _average_gradients(game: Playable, player: str, terms: Terms, values: Sequence[Tensor | None]) -> Gradients:
    """The means over all processes."""
    loss, parameters = torch.stack(list(terms.losses.values())).sum().detach(), parameters_of(game, player)
    average = _average_with_complex if any(map(torch.is_complex, parameters)) else average_gradients
    mean_loss, means = average(loss, values)
    return Gradients(mean_loss, parameters, means)


def _add(total: list[Tensor | None] | None, found: Sequence[Tensor | None], parts: int) -> list[Tensor | None]:
    """The sum of the parts' gradients so far, each over the number of parts."""
    if parts == 1:
        return list(found)
    shares = [None if one is None else one / parts for one in found]
    if total is None:
        return shares
    pairs = zip(total, shares, strict=True)
    return [one if more is None else more if one is None else one + more for one, more in pairs]


def _add_terms(total: Terms | None, found: Terms, parts: int) -> Terms:
    if parts == 1:
        return found
    shares = Terms(*({name: value.detach() / parts for name, value in part.items()} for part in found))
    if total is None:
        return shares
    return Terms(*({name: one[name] + more[name] for name in one} for one, more in zip(total, shares, strict=True)))


def _average_with_complex(loss: Tensor, values: Sequence[Tensor | None]) -> tuple[Tensor, Sequence[Tensor | None]]:
    """As `average_gradients`, with complex numbers as pairs of real ones, so that the loss stays real."""
    are_complex = [value is not None and value.is_complex() for value in values]
    pairs = zip(values, are_complex, strict=True)
    plain = [torch.view_as_real(g.resolve_conj()) if g is not None and one else g for g, one in pairs]
    mean_loss, means = average_gradients(loss, plain)
    averaged = zip(means, are_complex, strict=True)
    # A part of the flat sum may begin at an odd place, where no complex number lies: so its copy is viewed.
    return mean_loss, [torch.view_as_complex(g.clone()) if g is not None and one else g for g, one in averaged]


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
