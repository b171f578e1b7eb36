"""What samples and logits of one generator and its discriminator tell."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from advnets.diagnosis import chance_above, compare_samples, copy_ratio, reach_of_logits
from advnets.experiment.preparation.trial_move import Side, last_function
from advnets.experiment.probes.fixed_samples import Floats, directions, view_of
from advnets.experiment.probes.relu_watch import ReluWatch, largest_dead_share
from advnets.games import Draw, make, pack_samples
from advnets.objectives import OBJECTIVES
from advnets.penalties import mean_of_patches
from advnets.training import Batch

TRACKED, DIRECTIONS = 16, 8
"""Noises whose samples are followed, and directions along which they are."""

SCALED = tuple(row for name, row in OBJECTIVES.items() if name != "wasserstein")
"""Objectives whose losses are at rest at logits of a few units; those of a critic grow with the data's distances."""


@torch.no_grad()
def probe_samples(
    side: Side, held: Batch | None, many: tuple[Floats, Floats] | None, averaged: nn.Module, *, batch_size: int
) -> dict[str, Any]:
    """Measure the samples of a generator, and what the discriminator says of them.

    Args:
        side: Copies of both networks in training mode, real samples, and what the fakes are made of.
        held: Held-out samples.
        many: The views of training samples among which copies are looked for, and how near held-out ones come.
        averaged: A copy of the averaged generator, in evaluation mode.
        batch_size: Samples that batch normalisation sees at once.

    Returns:
        Fields of `Probe`.
    """
    real, z, given = side.batch.real, side.draw.z, side.draw.given
    resting = _in_evaluation_mode(side.game.generator, side) if _has_batch_norm(side.game.generator) else None
    with ReluWatch() as watch:
        made = _make_in_batches(side, batch_size if resting is not None else len(real))
    seen = {"made": view_of(made), "real": view_of(real)}
    found: dict[str, Any] = {
        "way": side.way,
        "count": len(real),
        "made": (float(made.min()), float(made.max())),
        "real": (float(real.min()), float(real.max())),
        "dead": {"generator": largest_dead_share(watch)},
    }
    unit = _mean_distance(seen["real"])
    if held is not None:
        found |= compare_samples(seen["made"], seen["real"][: len(held.real)], view_of(held.real))._asdict()
    found["spread"] = _over(_mean_distance(seen["made"]), unit)
    found["spread_average"] = _over(_mean_distance(view_of(make(averaged, z, given))), unit)
    found["track"] = _track(seen["made"], unit)
    if many is not None:
        found["copies"], found["copies_p"] = copy_ratio(seen["made"], *many)
    gaps = {} if resting is None else {"generator": _over(_mean_length(seen["made"] - view_of(resting)), unit)}
    judged = _probe_judge(side, made, held)
    return (
        found
        | judged
        | {
            "mode_gaps": gaps | judged["mode_gaps"],
            "dead": {player: one for player, one in (found["dead"] | judged["dead"]).items() if one is not None},
        }
    )


def _probe_judge(side: Side, made: Tensor, held: Batch | None) -> dict[str, Any]:
    """What the discriminator says: at rest of training and held-out samples, as it plays of real and made ones."""
    game, real, given = side.game, side.batch.real, side.batch.given
    bare = replace(game, augment=None, penalties={}, constraints={})
    game.discriminator.eval()
    resting = _logits(bare, real, given)
    found: dict[str, Any] = {"mode_gaps": {}}
    if held is not None:
        found["auc_held"], found["auc_held_error"] = chance_above(resting, _logits(bare, held.real, held.given))
    game.discriminator.train()
    with ReluWatch() as of_real:
        real_logits = _logits(game, real, given)
    with ReluWatch() as of_made:
        made_logits = _logits(game, made, side.draw.given)
    found["auc"], _ = chance_above(real_logits, made_logits)
    if side.game.objective in SCALED:
        found["logits"] = reach_of_logits(real_logits, made_logits)
    found["dead"] = {"discriminator": largest_dead_share(of_real, of_made)}
    if _has_batch_norm(game.discriminator):
        playing = _logits(bare, real, given)
        found["mode_gaps"]["discriminator"] = _over(abs(float(playing.mean() - resting.mean())), float(resting.std()))
    return found


def ends_of(side: Side) -> dict[str, Any]:
    """Return what the networks end in, as torch's graph has it, and whether the objective takes logits.

    Args:
        side: Copies of both networks.

    Returns:
        Fields of `Probe`; they do not change while a run trains.
    """
    row = next((name for name, one in OBJECTIVES.items() if one == side.game.objective), None)
    made = side.game.make(side.draw)
    logits = side.game.critic(pack_samples(side.batch.real, side.game.pack), side.batch.given)
    ends = {"generator": last_function(made), "discriminator": last_function(logits)}
    return {"ends_in": ends, "takes_logits": row not in (None, "least_squares")}


def _logits(game: Any, samples: Tensor, given: Tensor | None) -> Floats:
    logits = mean_of_patches(game.critic(pack_samples(samples, game.pack), given))
    found: Floats = logits.float().cpu().numpy()
    return found


def _make_in_batches(side: Side, size: int) -> Tensor:
    """Samples in batches of about the size of training's, which batch normalisation sees; none is smaller."""
    parts = max(1, len(side.batch.real) // size)
    zs, givens = (
        [None] * parts if one is None else torch.tensor_split(one, parts) for one in (side.draw.z, side.draw.given)
    )
    return torch.cat([side.game.make(Draw(z, given)) for z, given in zip(zs, givens, strict=True)])


def _in_evaluation_mode(generator: nn.Module, side: Side) -> Tensor:
    generator.eval()
    made = side.game.make(Draw(side.draw.z, side.draw.given))
    generator.train()
    return made


def _has_batch_norm(network: nn.Module) -> bool:
    return any("BatchNorm" in type(layer).__name__ for layer in network.modules())


def _track(made: Floats, unit: float) -> tuple[float, ...]:
    if not unit:
        return ()
    places = made[:TRACKED] @ directions(made.shape[1], DIRECTIONS) / (unit * math.sqrt(min(TRACKED, len(made))))
    return tuple(round(float(one), 4) for one in places.flatten())


def _mean_distance(rows: Floats) -> float:
    return float(torch.pdist(torch.from_numpy(rows)).mean()) if len(rows) > 1 else 0.0


def _mean_length(rows: Floats) -> float:
    return float(torch.from_numpy(rows).norm(dim=1).mean())


def _over(number: float, unit: float) -> float:
    return number / unit if unit > 0 else 0.0
