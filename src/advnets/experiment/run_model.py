"""The model that a checkpoint of a run holds, and the card that says what it is."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from advnets import runs
from advnets.averaging import copy_deeply
from advnets.errors import Damaged, Unsupported
from advnets.experiment.model import Model, build_row_on_meta, with_lower_layers, with_weights
from advnets.experiment.run_record import RunRecord
from advnets.games import CycleGame, Game
from advnets.recipes import to_json


def model_of_state(
    record: RunRecord,
    game: Game | CycleGame | None,
    path: Path,
    *,
    step: int,
    state: Mapping[str, Any],
    way: str,
) -> Model:
    """Return the averaged generator of a checkpoint.

    Args:
        record: What recipe.json says of the run.
        game: The game of one's own that the run plays; its generator is copied.
        path: The run, which the model is named after.
        step: The checkpoint's step.
        state: The checkpoint's state.
        way: "" of a game with one generator; "there" or "back" of a cycle.

    Returns:
        The model.

    Raises:
        BadInput: If the run was started on networks that are not given, or the checkpoint is of others.
    """
    record.expect_game(game, str(path))
    card = _card(record, game, step=step, stage=state["training"].get("stage", {"number": 0})["number"], way=way)
    if game is None:
        network = build_row_on_meta(record.recipe.expect_learner().makers()[way], card)
    else:
        network = with_lower_layers(copy_deeply(game.makers[way]).cpu(), card)
        runs.put_back_memory(network, _memory_of_maker(game, way, state["training"]))
    return Model(f"{path.name}/{way}" if way else path.name, with_weights(network, state["average"][way]), card)


def _memory_of_maker(game: Game | CycleGame, way: str, training: Mapping[str, Any]) -> dict[str, Any]:
    """What the maker's modules remember, by their names within it; a player may hold several makers."""
    for player, network in game.players.items():
        for prefix, module in network.named_modules():
            if module is game.makers[way]:
                inner = {name: one for name, one in training["memory"][player].items() if name.startswith(prefix)}
                return {name[len(prefix) :].lstrip("."): one for name, one in inner.items()}
    return {}


def _card(record: RunRecord, game: Game | CycleGame | None, *, step: int, stage: int, way: str) -> runs.Card:
    recipe, data = record.recipe, record.data
    below = (to_json(later.below) for later in recipe.stages[:stage] if later.below is not None)
    return runs.Card(
        **_maker_card(record, game, way),
        below=tuple(below),
        way=way,
        transform=recipe.transform if len(data.shape) == 3 else "identity",
        data=data,
        recipe=recipe.name,
        step=step,
        advnets=version("advnets"),
    )


def _maker_card(record: RunRecord, game: Game | CycleGame | None, way: str) -> dict[str, Any]:
    """What the card says of the generator, by its row; of a network of one's own there is none."""
    if game is None:
        learner = record.recipe.expect_learner()
        return {
            "generator": to_json(learner.makers()[way]),
            "latent": learner.latent,
            "latent_size": learner.latent_size,
            "given": getattr(learner, "given", None),
        }
    latent = game.latent if isinstance(game, Game) else None
    given = game.given if isinstance(game, Game) else "images"
    name, size = (latent.name, latent.size) if latent else ("gaussian", 0)
    return {"generator": {"row": "own"}, "latent": name, "latent_size": size, "given": given}


def load_all_states(folder: Path) -> tuple[dict[int, dict[str, Any]], dict[str, str]]:
    """Load all good checkpoints of a run.

    Args:
        folder: The folder of the checkpoints.

    Returns:
        The states by step, and the reasons, by checkpoint, why damaged ones are passed over.

    Raises:
        Missing: If there is no good checkpoint.
    """
    good: dict[int, dict[str, Any]] = {}
    damaged: dict[str, str] = {}
    for path in reversed(runs.newest_first(folder)):
        try:
            step, state = runs.load_checkpoint(path)
        except (Damaged, Unsupported) as error:
            if path.is_dir():  # a trainer may have pruned it meanwhile
                damaged[path.name] = str(error)
            continue
        good[step] = state
    if not good:
        runs.load_latest(folder)  # says why there is none
    return good, damaged
