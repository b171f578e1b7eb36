"""What recipe.json says of a run: its recipe, what was asked beside it, its data, and the game if it is one's own."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from advnets.errors import BadInput, unknown
from advnets.experiment.settings import Settings, settings_from
from advnets.games import CycleGame, Game, code_digest, describe_game, is_own, python_version
from advnets.games.cycle import WAYS
from advnets.optimizers import OwnOptimizer
from advnets.recipes import Recipe, from_json, to_json
from advnets.recipes.recipe import own_optimizers, with_own_optimizers
from advnets.records import parse_record
from advnets.runs import DataCard, read_json, read_sealed
from advnets.runs.directory import RECIPE_ADVICE
from advnets.runs.sealed_json import SEAL


@dataclass(frozen=True)
class RunRecord:
    """The contents of recipe.json, which a run is started with and which never changes.

    Attributes:
        recipe: The recipe.
        settings: What was asked of the run beside its recipe.
        data: The data's card.
        source: Where the data came from.
        notes: What the start decided of the data and saw in a trial move, for people to read.
        game: What a game of one's own plays, as `describe_game` has it; None where the recipe names the networks.
        optimizers: Names and digests of the code of optimizers of one's own, by player, as "own_code"; None where the
            recipe's optimizers are advnets' and torch's.
        origin: The path, step and SHA-256 of the weights that it began from; None where they were fresh.
    """

    recipe: Recipe
    settings: Settings
    data: DataCard
    source: str
    notes: tuple[str, ...] = ()
    game: Mapping[str, Any] | None = None
    optimizers: Mapping[str, Any] | None = None
    origin: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the record as JSON."""
        return {
            "recipe": to_json(self.recipe),
            "settings": self.settings.as_json(),
            "data": asdict(self.data),
            "source": self.source,
            "notes": list(self.notes),
            "game": self.game,
            "optimizers": self.optimizers,
            "origin": self.origin,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any], what: str) -> "RunRecord":
        """Return the record that `as_json` wrote.

        Args:
            value: The JSON object.
            what: Name of the file, for errors.

        Returns:
            The record.

        Raises:
            BadInput: If something is missing or does not fit.
        """
        missing = [name for name in ("recipe", "settings", "data") if name not in value]
        if missing:
            raise BadInput(f"{what}: {', '.join(missing)} missing; expected the recipe.json of a run")
        notes = value.get("notes")
        described = {name: value.get(name) for name in ("game", "optimizers", "origin")}
        return RunRecord(
            recipe=from_json(value["recipe"]),
            settings=settings_from(value["settings"]),
            data=parse_record(DataCard, value["data"], what=what),
            source=str(value.get("source", "")),
            notes=tuple(map(str, notes)) if isinstance(notes, list) else (),
            **{name: one if isinstance(one, Mapping) else None for name, one in described.items()},
        )

    def expect_game(self, game: Game | CycleGame | None, path: str, *, code: bool = False) -> None:
        """Expect the game that the run was started on, or none where its recipe names the networks.

        Args:
            game: The game that is given now.
            path: The run, for errors.
            code: Whether functions of one's own must compute what they did, as training on needs; their names are
                compared in any case. Digests of two versions of Python are not compared.

        Raises:
            BadInput: If a game is missing, is given beside a recipe's networks, or plays something else.
        """
        if self.game is None and game is None:
            return
        if self.game is None:
            raise BadInput(f"{path} was started on the networks of the recipe {self.recipe.name!r}; leave game= out")
        if game is None:
            raise BadInput(
                f"{path} was started on networks of your own: give them again, as `game=` in Python, or by --game "
                "MODULE:NAME where the verb has it"
            )
        now = describe_game(game)
        differing = _differences(self.game, now)
        if code and not differing:
            differing = code_differences(self.game, now)
        if differing:
            raise BadInput(f"{path} was started on another game: {'; '.join(differing)}. Give the former game again.")

    def with_optimizers(self, given: Any, path: str) -> Recipe:
        """Return the recipe with the functions of the optimizers that the run was started with.

        Args:
            given: A function for all players whose optimizer is one's own, or {player: function}, or None.
            path: The run, for errors.

        Returns:
            The recipe.

        Raises:
            BadInput: If one is missing, is given where none is needed, or is another by its name or its code.
        """
        own = own_optimizers(self.recipe)
        functions = given if isinstance(given, Mapping) else {} if given is None else dict.fromkeys(own, given)
        if (given is not None and set(functions) != set(own)) or (given is not None and not own):
            expected = ", ".join(own) or "none"
            found = ", ".join(functions) or "no player that has one"
            raise BadInput(f"{path}: found optimizers of your own for {found}, expected them for {expected}")
        if not functions:
            missing = sorted({row.name for row in own.values() if row.factory is None})
            if missing:
                raise BadInput(
                    f"{path} was started with an optimizer of your own, {', '.join(missing)}: give it again, as "
                    "`optimizer=` of advnets.resume"
                )
            return self.recipe
        rows = {player: OwnOptimizer.of(function) for player, function in functions.items()}
        for player, row in rows.items():
            if row != own[player]:
                told = f"the {player}'s optimizer was {own[player].name}, and is {row.name}"
                raise BadInput(f"{path}: {told}. Give the former again.")
        if differing := code_differences(self.optimizers or {}, describe_optimizers(rows) or {}):
            raise BadInput(f"{path}: {'; '.join(differing)}. Give the former optimizer again.")
        return with_own_optimizers(self.recipe, rows)


def describe_optimizers(rows: Mapping[str, OwnOptimizer]) -> dict[str, Any] | None:
    """Describe the code of optimizers of one's own, as `describe_game` does that of a game's functions.

    Args:
        rows: {player: optimizer}, each with its function.

    Returns:
        {"own_code": names and digests by player, and the version of Python that they hold for}; None where there are
        none, or they are torch's own classes.
    """
    own = {player: row for player, row in rows.items() if row.factory is not None and is_own(row.factory)}
    functions = {player: {"name": row.name, "sha256": code_digest(row.factory)} for player, row in own.items()}
    return {"own_code": {"python": python_version(), "functions": functions}} if functions else None


def recipe_from(path: Path) -> Recipe:
    """Return the recipe in a file: a recipe.json of a run, or a bare recipe that a person wrote.

    Args:
        path: The file. A digest in it must be that of its content, as in a run; without one it is taken as it is.

    Returns:
        The recipe.

    Raises:
        BadInput: If there is no such recipe.
        Damaged: If its digest is another.
    """
    value = read_json(path)
    if SEAL in value:
        value = read_sealed(path, RECIPE_ADVICE)
    if "recipe" not in value:
        return from_json(value)
    known = [spec.name for spec in fields(RunRecord)]
    for name in value:
        if name not in known:
            raise unknown(f"field of {path}", name, known)
    return from_json(value["recipe"])


def _differences(former: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> list[str]:
    """What two descriptions differ in; weights and code are no part of them."""
    found = []
    for name in sorted({*former, *now} - {"own_code"}):
        a, b = former.get(name), now.get(name)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += _differences(a, b, f"{where}{name}.")
        elif a != b:
            found.append(f"{where}{name} was {_brief(a)}, and is {_brief(b)}")
    return found


def code_differences(former: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return which functions of one's own compute something else than before, under the same names.

    Args:
        former: What a run was started on, as `describe_game` has it.
        now: What is given now.

    Returns:
        A sentence for each function; none where the digests were made by another version of Python.
    """
    found = []
    for way, held in own_code(now).items():
        before = own_code(former).get(way, {"functions": {}})
        if before.get("python", held["python"]) != held["python"]:
            continue
        for place, one in held["functions"].items():
            known = before["functions"].get(place)
            where = f"{one['name']} ({way}{place})"
            if known is None:
                found.append(f"the code of {where} is not known, for an earlier advnets did not note it")
            elif known["sha256"] != one["sha256"]:
                found.append(f"the code of {where} is not what it was, under the same name")
    return found


def own_code(description: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a description says of the code of functions of one's own.

    Args:
        description: A game, as `describe_game` has it.

    Returns:
        Digests by place, and the version of Python that they hold for, by way: "" of a game with one generator,
        "there." and "back." of a cycle.
    """
    rules = {"": description, **{f"{way}.": description.get(way) for way in WAYS}}
    return {way: held["own_code"] for way, held in rules.items() if isinstance(held, Mapping) and "own_code" in held}


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        value = ", ".join(f"{name} {one}" for name, one in value.items()) or "none"
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
