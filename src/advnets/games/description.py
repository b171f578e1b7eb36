"""A game of one's own in words, so that a run directory tells the truth about what it plays."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import nn

from advnets.augmentations import CONTROLLERS, Augmentation
from advnets.constraints import CONSTRAINTS
from advnets.games.cycle import WAYS, CycleGame
from advnets.games.game import Game
from advnets.games.own_code import code_digest, is_own, python_version, qualified_name
from advnets.games.playable import PRECISIONS, Playable
from advnets.games.ties import TIES
from advnets.games.weights import as_weight
from advnets.latents import Latent
from advnets.objectives import OBJECTIVES, Objective
from advnets.penalties import PENALTIES
from advnets.schedules import SCHEDULES, Number, Schedule

MOST_LETTERS = 20_000
"""A network's text is cut there."""
PARTS = ("discriminator", "generator", "score")
"""The functions of an objective."""


def describe_game(game: Playable) -> dict[str, Any]:
    """Describe a game as JSON holds it: objective, latent, penalties, ties, and its networks as text.

    What is a row of a table is named by it; what is not, by its qualified name. Of functions of one's own,
    "own_code" holds name and digest by their place, and the version of Python that the digests hold for.

    Args:
        game: A Game, a CycleGame, or whatever else can be played.

    Returns:
        The description, equal for games that play the same; the networks' weights are no part of it.
    """
    networks = {player: _describe_network(network) for player, network in game.players.items()}
    if isinstance(game, CycleGame):
        ways = {way: _describe_rules(getattr(game, way)) for way in WAYS}
        numbers = {"cycle": game.cycle, "identity": game.identity, "pool": game.pool}
        return {"kind": "cycle", **ways, **numbers, "networks": networks}
    if isinstance(game, Game):
        return {"kind": "game", **_describe_rules(game), "networks": networks}
    return {"kind": qualified_name(type(game)), "networks": networks}


def _describe_rules(game: Game) -> dict[str, Any]:
    code = {place: {"name": qualified_name(one), "sha256": code_digest(one)} for place, one in _own_functions(game)}
    return {
        **({"own_code": {"python": python_version(), "functions": code}} if code else {}),
        "objective": _describe_objective(game.objective),
        "latent": None if game.latent is None else _describe_latent(game.latent),
        "given": game.given,
        "penalties": {_name_in(PENALTIES, one): _plain_weight(weight) for one, weight in game.penalties.items()},
        "ties": {
            player: {_name_in(TIES, tie): _plain_weight(weight) for tie, weight in tied.items()}
            for player, tied in game.ties.items()
        },
        "constraints": {
            player: {_name_in(CONSTRAINTS, one): bound for one, bound in bounds.items()}
            for player, bounds in game.constraints.items()
        },
        "augment": _describe_augmentation(game.augment),
        "pack": game.pack,
        "precision": _name_in(PRECISIONS, game.precision),
    }


def _describe_objective(objective: Objective) -> Any:
    """The row that it is, or the names of its functions."""
    row = next((name for name, one in OBJECTIVES.items() if one == objective), None)
    if row is not None:
        return row
    names = {part: qualified_name(getattr(objective, part)) for part in PARTS}
    return {**names, "generator_sees_real": objective.generator_sees_real}


def _own_functions(game: Game) -> Iterator[tuple[str, Any]]:
    """The functions of one's own of a game, with their places in its description."""
    held: dict[str, Iterable[Any]] = {"penalties": game.penalties}
    held |= {f"ties.{player}": tied for player, tied in game.ties.items()}
    held |= {f"constraints.{player}": bounds for player, bounds in game.constraints.items()}
    named = [(f"{place}.{qualified_name(one)}", one) for place, functions in held.items() for one in functions]
    if game.objective not in OBJECTIVES.values():
        named += [(f"objective.{part}", getattr(game.objective, part)) for part in PARTS]
    yield from ((place, one) for place, one in named if is_own(one))
    if game.augment is not None and is_own(game.augment):
        yield "augment", game.augment


def _describe_latent(latent: Latent) -> dict[str, Any]:
    code = {"code": vars(latent.code)} if latent.code.size else {}
    return {"row": latent.name, "size": latent.size, **code}


def _describe_augmentation(augment: Any) -> Any:
    """The numbers of an Augmentation; the qualified name of one's own."""
    if not isinstance(augment, Augmentation):
        return None if augment is None else qualified_name(augment)
    row = augment.row
    controller = None if row.controller is None else {
        "row": _name_in(CONTROLLERS, type(row.controller)), **vars(row.controller)
    }  # fmt: skip
    shared = {"same_for_real_and_fake": row.same_for_real_and_fake}
    return {"parts": list(row.parts), "p": _plain_number(row.p), **shared, "controller": controller}


def _describe_network(network: nn.Module) -> dict[str, Any]:
    text = repr(network)
    if len(text) > MOST_LETTERS:
        text = f"{text[:MOST_LETTERS]} ... ({len(text):,} letters)"
    return {"text": text, "parameters": sum(theta.numel() for theta in network.parameters())}


def _name_in(table: Mapping[str, Any], value: Any) -> str:
    """The row whose value this is, or the qualified name of what is in no table."""
    return next((name for name, row in table.items() if row is value or row == value), qualified_name(value))


def _plain_weight(weight: Any) -> Any:
    found = as_weight(weight)
    value = _plain_number(found.value)
    return value if found.every == 1 else {"value": value, "every": found.every}


def _plain_number(number: Number) -> Any:
    if not isinstance(number, Schedule):
        return number
    row = next(name for name, kind in SCHEDULES.items() if kind is type(number))
    return {"row": row, **vars(number)}
