"""What a training begins from in place of fresh weights: the generator of a share file, or both players of a run."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from advnets import distributed, runs
from advnets.averaging import MovingAverage
from advnets.errors import BadInput
from advnets.experiment.exports import OnnxNetwork
from advnets.experiment.model import Model
from advnets.experiment.opening import open_source, shipped_model_path
from advnets.experiment.preparation.game_training import GameTraining
from advnets.experiment.preparation.prepare import PreparedTraining
from advnets.experiment.run import Run
from advnets.experiment.run_model import card_of
from advnets.experiment.run_record import RunRecord
from advnets.games import CycleGame, Game
from advnets.recipes import to_json
from advnets.runs import Card

ADVICE = "Give the recipe what was found, by its flags, or leave --from out."
WRAPPED = "network."
"""How a discriminator is called within a player that remembers something beside it."""


def begin_from(
    path: str, prepared: PreparedTraining, record: RunRecord, game: Game | CycleGame | None
) -> tuple[PreparedTraining, dict[str, Any]]:
    """Load weights into a training at its first step; its average begins with them, and optimizers stay fresh.

    A share file holds a generator, and the discriminator stays as it was built. Of a run both players are taken, by
    the last weights of its newest good checkpoint.

    Args:
        path: A share file, a model that ships, or a run. Of several processes the first alone reads it.
        prepared: The training; its networks are changed in place.
        record: What recipe.json will say of the new run.
        game: The game of one's own that it plays.

    Returns:
        The training, and for recipe.json the path, the step and the SHA-256: of a file's bytes, or of all that a
        run's checkpoint holds.

    Raises:
        BadInput: If the networks there are others, or nothing that can be read is there.
    """
    origin = distributed.on_rank0(lambda: _load(path, prepared, record, game))
    return prepared._replace(average=MovingAverage(prepared.training.makers)), origin


def _load(path: str, prepared: PreparedTraining, record: RunRecord, game: Game | CycleGame | None) -> dict[str, Any]:
    source = open_source(path)
    if isinstance(source, Run):
        return _load_run(source, prepared, record, game)
    return _load_model(source, shipped_model_path(Path(path)) or Path(path), prepared, record, game)


def _load_model(
    model: Model, path: Path, prepared: PreparedTraining, record: RunRecord, game: Game | CycleGame | None
) -> dict[str, Any]:
    if isinstance(model.network, OnnxNetwork):
        raise BadInput(
            f"{path}: found an ONNX file, which holds a computation and not the weights of a row; expected a share "
            "file, FILE.safetensors, or a run. Export the run again."
        )
    way, makers = model.card.way, prepared.training.makers
    if way not in makers:
        raise BadInput(f"{path}: found a generator of the way {way!r}, expected one of {list(makers)}. {ADVICE}")
    _expect_same(path, _architecture(model.card), _architecture(card_of(record, game, step=0, stage=0, way=way)))
    _fill(path, makers[way], model.network.state_dict())
    return {"path": str(path.resolve()), "step": model.step, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _load_run(run: Run, prepared: PreparedTraining, record: RunRecord, game: Game | CycleGame | None) -> dict[str, Any]:
    step, state, _ = runs.load_latest(run.directory.checkpoints)
    found, expected = (
        {
            **_architecture(card_of(one, game if one.game is not None else None, step=0, stage=0, way=way)),
            "discriminator": to_json(getattr(one.recipe.learner, "discriminator", None)),
        }
        for one in (run.record, record)
        for way in [next(iter(prepared.training.makers))]
    )
    stage = state["training"].get("stage", {"number": 0})["number"]
    _expect_same(run.path, {**found, "stage": stage + 1}, {**expected, "stage": 1})
    if "network" in state["training"]:
        _fill(run.path, prepared.training.makers[""], state["training"]["network"])
    for player, prefix, network in _networks(prepared):
        _fill(run.path, network, _weights_within(state["training"]["players"][player], prefix, network))
    return {"path": str(run.path.resolve()), "step": step, "sha256": runs.state_fingerprint(state)}


def _architecture(card: Card) -> dict[str, Any]:
    """What must be equal: the row and its numbers, and all that the network is sized by."""
    return {
        "generator": card.generator, "latent": card.latent, "latent_size": card.latent_size, "code": card.code,
        "given": card.given,
        "transform": card.transform, "shape": card.data.shape, "given shape": card.data.given_shape,
        "classes": card.data.classes if card.given == "labels" else None, "later layers": list(card.below),
    }  # fmt: skip


def _expect_same(path: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    differing = list(_differences(found, expected))
    if differing:
        raise BadInput(f"{path} holds other networks than are trained here: {'; '.join(differing)}. {ADVICE}")


def _differences(found: Mapping[str, Any], expected: Mapping[str, Any], where: str = "") -> Iterator[str]:
    for name in dict.fromkeys((*found, *expected)):
        a, b = found.get(name), expected.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping) and a.get("row") == b.get("row"):
            yield from _differences(a, b, f"{where}{name}.")
        elif a != b:
            a, b = (one["row"] if isinstance(one, Mapping) and "row" in one else one for one in (a, b))
            yield f"{where}{name}: found {a}, expected {b}"


def _networks(prepared: PreparedTraining) -> Iterator[tuple[str, str, nn.Module]]:
    """The networks of a game, each with its player and where it stands within; none of a baseline."""
    game = prepared.training.game if isinstance(prepared.training, GameTraining) else None
    sides = {"": game} if isinstance(game, Game) else {}
    if isinstance(game, CycleGame):
        sides = {"there.": game.there, "back.": game.back}
    for prefix, side in sides.items():
        yield "discriminator", prefix, side.discriminator
        yield "generator", prefix, side.generator


def _weights_within(held: Mapping[str, Tensor], prefix: str, network: nn.Module) -> dict[str, Tensor]:
    """The tensors of one network of a player, which may hold it beside what it remembers."""
    inner = {name.removeprefix(prefix): tensor for name, tensor in held.items() if name.startswith(prefix)}
    if set(inner) == set(network.state_dict()):
        return inner
    wrapped = {name.removeprefix(WRAPPED): tensor for name, tensor in inner.items() if name.startswith(WRAPPED)}
    return wrapped or inner


def _fill(path: Path, network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        found = " ".join(str(error).split())
        raise BadInput(f"{path} holds other networks than are trained here: {found}. {ADVICE}") from error
