"""One move of both players on copies, before anything is written: what cannot be trained or sampled is refused here.

The copies have optimizers, random numbers and a batch of their own, so that the run begins as if there had been no
trial. It is played on two samples, so that it costs little. What fails on them is tried on a whole batch once more,
which some networks need, and the error is that of the batch.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import repeat
from typing import NamedTuple

import torch
from torch import Tensor, nn

from advnets import runs
from advnets.algorithm import Algorithm1
from advnets.averaging import copy_deeply, prepare_sampling
from advnets.data import TRANSFORMS
from advnets.diagnosis import PROBABILITIES, RANGES
from advnets.errors import AdvnetsError, BadInput, NonFinite
from advnets.experiment.preparation.game_training import GameTraining
from advnets.experiment.preparation.layer_advice import advise_on_layer
from advnets.experiment.preparation.prepare import PreparedTraining
from advnets.experiment.preparation.preview import Preview
from advnets.games import CycleGame, Draw, Game, Playable, make, pack_samples
from advnets.objectives import OBJECTIVES
from advnets.randomness import Streams
from advnets.schedules import BEGINNING
from advnets.training import Batch, Move
from advnets.turns import Optimizers, Origin, play_turn

FEW = 2
"""Samples, or packs of them, of a trial."""

MUCH_MEBIBYTES = 100
"""What a checkpoint takes on the disk, from which on it is told."""

REARRANGEMENTS = {
    "Alias", "Clone", "Expand", "Mean", "Permute", "ReshapeAlias", "Select", "Slice", "Squeeze", "T", "ToCopy",
    "Transpose", "UnsafeView", "Unsqueeze", "View",
}  # fmt: skip
"""Functions that leave numbers within their range."""


class Side(NamedTuple):
    """One generator against one discriminator, with what both are tried on.

    Attributes:
        way: "" of a game with one generator; "there" or "back" of a cycle.
        game: The two networks.
        batch: What is real to them.
        draw: What the fakes are made of.
    """

    way: str
    game: Game
    batch: Batch
    draw: Draw


def try_one_move(prepared: PreparedTraining, transform: str) -> list[str]:
    """Let copies of both players make one move and draw samples; nothing of the training is changed.

    Args:
        prepared: The training at its first step.
        transform: The row of TRANSFORMS between the data and what the networks see.

    Returns:
        What is not wrong but was hardly meant, a sentence for each; nothing for a baseline.

    Raises:
        BadInput: If a network makes samples of another shape or type than the data, returns no logits, cannot be
            copied or saved, or raises anything.
    """
    training = prepared.training
    if not isinstance(training, GameTraining):
        return []
    pack, whole = getattr(training.game, "pack", 1), training.batches.size
    pack_samples(torch.empty((whole // training.recipe.accumulate, 1), device="meta"), pack)
    numbers = sorted({min(FEW * pack, whole), whole})
    for n in numbers:
        try:
            with Streams(0, training.device).as_defaults(), torch.compiler.set_stance("force_eager"):
                return _try_on(n, training, prepared.preview, transform)
        except Exception as error:
            if _is_lack_of_memory(error):
                return ["the trial move is left out: there is no memory for copies of both players"]
            if n == numbers[-1]:
                raise
    raise AssertionError("a batch has at least one sample")


def _try_on(n: int, training: GameTraining, preview: Preview, transform: str) -> list[str]:
    """The trial, on n samples."""
    game, batch = copy_deeply(training.game), training.batches.peek(n)
    notes = [note for side in sides_of(game, batch) for note in _try_networks(side, transform)]
    trial = GameTraining.of(game, training.batches, training.recipe, training.sizes, capture=False)
    _move(trial, batch)
    for player, network in game.players.items():
        _expect_storable(player, network)
    _sample(game.makers, preview, batch)
    return [*notes, *_size_notes(trial)]


def sides_of(game: Game | CycleGame, batch: Batch) -> list[Side]:
    """Return each generator with the discriminator that it plays against, and what both see.

    Args:
        game: The game.
        batch: Real samples; what the fakes are made of is drawn for them.

    Returns:
        One side of a game of two networks, two of a cycle.
    """
    draw = game.draw(batch, ())
    if isinstance(game, Game):
        return [Side("", game, batch, draw)]
    return [Side(way, getattr(game, way), *seen) for way, seen in game.ways(batch, draw).items()]


def _try_networks(side: Side, transform: str) -> list[str]:
    """Make samples, judge real ones; what the networks end in is read from torch's graph."""
    game, real = side.game, side.batch.real
    seen = [f"{name} {tuple(tensor.shape)}" for name, tensor in side.draw.tensors().items()]
    with explain_errors(f"the generator{_of(side.way)} cannot make samples of {' and '.join(seen)}", game, len(real)):
        made = game.make(side.draw)
    expect_samples(made, real, f"the generator{_of(side.way)}")
    packs = pack_samples(real, game.pack)
    what = f"the discriminator{_of(side.way)} cannot judge samples {tuple(packs.shape)}"
    with explain_errors(what, game, len(packs)):
        logits = game.critic(packs, side.batch.given)
    return [*_range_notes(made, side.way, transform), *_logits_notes(logits, side), *_compiled_notes(side)]


def expect_samples(made: Tensor, real: Tensor, who: str) -> None:
    """Expect samples that the data could hold.

    Args:
        made: What a generator made.
        real: As many real samples.
        who: The generator, for errors.

    Raises:
        BadInput: If shape, type or device differ.
    """
    if made.shape != real.shape:
        shape = tuple(real.shape[1:])
        advice = "Let it make samples of the data's shape"
        if made.ndim == 2 and made[0].numel() == real[0].numel():
            advice = f"End it in nn.Unflatten(1, {shape})"
        raise BadInput(
            f"{who} made samples of shape {tuple(made.shape)}, expected {tuple(real.shape)}: {len(real)} of the "
            f"data's shape {shape}. {advice}, or take data of its shape."
        )
    if made.dtype != real.dtype:
        raise BadInput(
            f"{who} made samples of {made.dtype}, expected {real.dtype}, the type of the data. Convert it by .float()."
        )
    if made.device != real.device:
        raise BadInput(f"{who} made samples on {made.device}, expected {real.device}, where the data are.")


def _move(trial: GameTraining, batch: Batch) -> None:
    """One step of the recipe's algorithm, with one move of each player, all on the same batch."""
    trial.schedule(BEGINNING)
    algorithm = trial.recipe.algorithm
    assert algorithm is not None
    once = replace(algorithm, k=1) if isinstance(algorithm, Algorithm1) else algorithm
    with suppress(NonFinite):  # of two samples it says little: the training itself stops, and names its step
        next(once.steps(trial.game, repeat(batch), trial.optimizers, turn=_try_turn, moment=lambda: BEGINNING))


def _try_turn(
    game: Playable,
    movers: Sequence[str],
    optimizers: Optimizers,
    batch: Batch,
    step: int,
    *,
    draw: Draw | None = None,
    origin: Origin | None = None,
) -> tuple[Move, ...]:
    with explain_errors(f"the {' and the '.join(movers)} cannot move", game, len(batch.real)):
        return play_turn(game, movers, optimizers, batch, step, draw=draw, origin=origin)


def _expect_storable(player: str, network: nn.Module) -> None:
    """Expect a state that a checkpoint can hold: tensors of types that safetensors has, and JSON."""
    state = network.state_dict()
    kinds = {f"{t.dtype} {t.layout}": t for t in state.values() if isinstance(t, Tensor)}
    tensors = {kind: torch.empty(0, dtype=t.dtype, layout=t.layout) for kind, t in kinds.items()}
    with explain_errors(f"the state of the {player} cannot be saved"):
        runs.pack_state({**tensors, **{name: one for name, one in state.items() if not isinstance(one, Tensor)}})


def _size_notes(trial: GameTraining) -> list[str]:
    """What checkpoints take on the disk, where it is much: all weights, the optimizers' state, and the average."""
    average = {name: network.state_dict() for name, network in trial.makers.items()}
    mebibytes = runs.measure_tensors([trial.state(), average]) / 2**20
    if mebibytes < MUCH_MEBIBYTES:
        return []
    return [f"a checkpoint takes {mebibytes:,.0f} MiB on the disk, and {runs.KEPT_CHECKPOINTS} are kept"]


def _sample(makers: Mapping[str, nn.Module], preview: Preview, batch: Batch) -> None:
    """Draw a few samples in evaluation mode: previews and users ask for other numbers than a batch has."""
    for way, maker in makers.items():
        given = preview.given.get(way)
        z, given = (None if one is None else one[:FEW] for one in (preview.z, given))
        n = len(next(one for one in (z, given) if one is not None))
        real = batch.real if way != "back" or batch.given is None else batch.given
        what = f"the generator{_of(way)} trains, and cannot draw {n} samples in evaluation mode"
        with explain_errors(what), torch.no_grad():
            made = make(prepare_sampling(maker), z, given)
        expect_samples(made, real[:1].expand(n, *real.shape[1:]), f"in evaluation mode, the generator{_of(way)}")


@contextmanager
def explain_errors(what: str, game: Playable | None = None, n: int = 0) -> Iterator[None]:
    """Turn whatever networks raise into a BadInput that says who failed at what.

    Args:
        what: What could not be done.
        game: The game, whose numbers' types may be the reason.
        n: The number of samples.

    Yields:
        Nothing.

    Raises:
        BadInput: If something within raises, but for lack of memory.
    """
    try:
        yield
    except AdvnetsError:
        raise
    except Exception as error:
        if _is_lack_of_memory(error):
            raise
        found = (str(error) or "no message").strip().splitlines()[0].rstrip(".")
        advice = advise_on_layer(error) or _advice(found, {} if game is None else game.players, n)
        raise BadInput(f"{what}: {type(error).__name__}: {found}. {advice}Nothing is written.") from error


def _advice(found: str, players: Mapping[str, nn.Module], n: int) -> str:
    if n == 1 and "more than 1 value per channel" in found:
        return "Batch normalisation needs more than one sample: raise batch_size, or leave the normalisation out. "
    if "does not require grad" in found:
        return "Some part of the network cuts the gradient off: look for detach(), no_grad(), argmax and rounding. "
    others = {
        player: theta.dtype
        for player, network in players.items()
        for theta in network.parameters()
        if theta.is_floating_point() and theta.dtype != torch.float32
    }
    if not others:
        return ""
    found = ", ".join(f"{player} {dtype}" for player, dtype in others.items())
    written = " and ".join(f"{player}.float()" for player in others)
    return f"Data and noises are torch.float32, and parameters are not: {found}. Write {written}. "


def _is_lack_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _range_notes(made: Tensor, way: str, transform: str) -> list[str]:
    last, bounds = last_function(made), TRANSFORMS[transform].bounds
    if bounds is None or RANGES.get(last, bounds) == bounds:
        return []
    (low, high), (least, most) = RANGES[last], bounds
    return [
        f"the generator{_of(way)} ends in {last.lower()}, from {low:g} to {high:g}, and images of the transform "
        f"{transform!r} go from {least:g} to {most:g}: take another last layer, or another transform"
    ]


def _logits_notes(logits: Tensor, side: Side) -> list[str]:
    last, name = last_function(logits), next((n for n, row in OBJECTIVES.items() if row == side.game.objective), None)
    if last not in PROBABILITIES or name in (None, "least_squares"):  # one of the user's own may take probabilities
        return []
    return [
        f"the discriminator{_of(side.way)} ends in {last.lower()}, and the objective {name} takes logits, which have "
        "no bounds: leave the last layer out"
    ]


def _compiled_notes(side: Side) -> list[str]:
    layers = side.game.discriminator.modules()
    if not side.game.penalties or not any(hasattr(one, "_orig_mod") or one._compiled_call_impl for one in layers):
        return []
    return [
        f"the discriminator{_of(side.way)} is compiled: its moves are made uncompiled, because penalties differentiate "
        "twice and torch.compile does not"
    ]


def last_function(found: Tensor) -> str:
    """Return the function that made a tensor's numbers, past those that only rearrange them.

    Args:
        found: A tensor with a graph.

    Returns:
        Its name in torch's graph, such as "Sigmoid"; "" where there is none.
    """
    node = found.grad_fn
    while node is not None:
        name = re.sub(r"Backward\d*$", "", node.name())
        if name not in REARRANGEMENTS:
            return name
        node = node.next_functions[0][0] if node.next_functions else None
    return ""


def _of(way: str) -> str:
    return f" of the way {way!r}" if way else ""
