"""The gradients of both players, the part of each penalty in them, and the step that each player would make next."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from advnets.games import CycleGame, Game
from advnets.games.cycle import WAYS
from advnets.games.weights import name_of
from advnets.training import Batch
from advnets.turns import Gradients, descend, parameters_of


def probe_gradients(
    game: Game | CycleGame, optimizers: Mapping[str, Optimizer], batch: Batch, *, step: int
) -> dict[str, Any]:
    """Differentiate both players' losses on a fixed batch, and let the copies make their next step.

    Args:
        game: A copy of the game, which moves.
        optimizers: Copies of the optimizers, of the copy's parameters.
        batch: Real samples.
        step: Steps made before; at 0 no rate is set yet, and no step is made.

    Returns:
        Fields of `Probe`.
    """
    draw = game.draw(batch, ())._replace(due=tuple(_penalties(game)))
    found: dict[str, Any] = {"gradients": {}, "strides": {}, "throws": {}, "penalties": {}}
    moves = {}
    for player in game.players:
        parameters = parameters_of(game, player)
        losses = game.terms((player,), batch, draw, step)[player].losses
        parts = {name: _slopes(loss, parameters) for name, loss in losses.items()}
        total = [torch.stack(one).sum(0) for one in zip(*parts.values(), strict=True)]
        found["gradients"][player] = _norm(total)
        moves[player] = Gradients(torch.zeros(()), parameters, total)
        if player == "discriminator":
            found["penalties"] = _shares(parts, _penalties(game))
    for player, gradients in moves.items() if step else ():
        before = [theta.detach().clone() for theta in gradients.parameters]
        descend(game, player, gradients, optimizers[player])
        stride = [now.detach() - then for now, then in zip(gradients.parameters, before, strict=True)]
        found["strides"][player] = _norm(stride) / max(_norm(before), 1e-30)
        found["throws"][player] = _norm(stride) / math.sqrt(sum(theta.numel() for theta in before))
    return found


def _penalties(game: Game | CycleGame) -> list[str]:
    """The names of the penalties, as losses have them."""
    if isinstance(game, Game):
        return [name_of(one) for one in game.penalties]
    return [f"{way}/{name_of(one)}" for way in WAYS for one in getattr(game, way).penalties]


def _slopes(loss: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    """The gradient of a loss; 0 where its graph is cut off."""
    if not loss.requires_grad:
        return [torch.zeros_like(theta) for theta in parameters]
    slopes = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    pairs = zip(slopes, parameters, strict=True)
    return [torch.zeros_like(theta) if one is None else one.detach() for one, theta in pairs]


def _shares(parts: Mapping[str, list[Tensor]], penalties: list[str]) -> dict[str, float]:
    """The norm of each penalty's gradient over that of the objective's."""
    objectives = [slopes for name, slopes in parts.items() if name.rpartition("/")[2] == "objective"]
    whole = _norm([torch.stack(one).sum(0) for one in zip(*objectives, strict=True)])
    # where D is flat the objective's gradient is 0 too, and a penalty cannot be measured by it
    return {name: _norm(parts[name]) / whole for name in penalties if name in parts and whole > 0}


def _norm(tensors: list[Tensor]) -> float:
    return float(torch.stack([torch.linalg.vector_norm(one.detach()) for one in tensors]).double().norm())
