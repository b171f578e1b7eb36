"""What a run plays, read of its recipe and of its game, for the doctor's advice."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

from advnets.diagnosis import Rate, Setup
from advnets.games import CycleGame, Game, describe_game
from advnets.optimizers import Adam
from advnets.recipes import RECIPES, Recipe
from advnets.recipes.changes import format_value, recipe_values
from advnets.schedules import BEGINNING, Number, value_at
from advnets.training import Moment

SCALED = ("value", "start", "end", "floor")
"""Fields of schedules that are values of what is scheduled."""


def setup_of(recipe: Recipe, game: Game | CycleGame, *, is_image: bool, is_own: bool) -> Setup:
    """Return what a run plays.

    Args:
        recipe: Rates, batches, algorithm and average are read.
        game: Objective, penalties, augmentation and packs are read; both ways of a cycle play the same.
        is_image: Whether the data are images.
        is_own: Whether it is a game of the user's own.

    Returns:
        The setup.
    """
    rules = describe_game(game)
    rules = rules.get("there", rules)
    k = getattr(recipe.algorithm, "k", None)
    optimizers = {player: descent.optimizer for player, descent in recipe.descents.items()}
    return Setup(
        objective=rules["objective"] if isinstance(rules["objective"], str) else "own",
        rates={
            player: rate_of(descent.rate, published_rate(recipe, player)) for player, descent in recipe.descents.items()
        },
        betas={
            player: value_at(one.betas[0], BEGINNING) for player, one in optimizers.items() if isinstance(one, Adam)
        },
        algorithm=format_value(recipe.algorithm),
        k=k if isinstance(k, int) else None,
        batch_size=recipe.batch_size,
        penalties={name: _weight(value) for name, value in rules["penalties"].items()},
        augment=_augmentation(rules["augment"]),
        pack=rules["pack"],
        half_life=format_value(recipe.average.half_life),
        ramp=recipe.average.ramp,
        precision=rules["precision"],
        names=frozenset(one.name for one in recipe_values(recipe)),
        is_image=is_image,
        is_own=is_own,
    )


def published_rate(recipe: Recipe, player: str) -> Number | None:
    """Return a player's rate in the recipe that comes under this name; None where there is none, or no such player."""
    published = RECIPES.get(recipe.name)
    return None if published is None or player not in published.descents else published.descents[player].rate


def rate_of(rate: Number, published: Number | None = None) -> Rate:
    """Return a rate as the command takes it, with a tenth of it and ten times as much, and with that of its recipe."""
    lower, higher = (format_value(scale(rate, factor)) for factor in (0.1, 10))
    is_zero = all(value_at(rate, moment) == 0 for moment in (BEGINNING, Moment(1000, 1, 0.5)))
    return Rate(format_value(rate), lower, higher, is_zero, _name_published(rate, published))


def _name_published(rate: Number, published: Number | None) -> str:
    if published is None or value_at(published, BEGINNING) >= value_at(rate, BEGINNING):
        return ""
    begins = "" if isinstance(published, int | float) else "which begins at "
    return f"the recipe's own, {begins}{format_value(value_at(published, BEGINNING))}"


def scale(number: Number, factor: float) -> Number:
    """Return a number times a factor; of a schedule all its values."""
    if is_dataclass(number) and not isinstance(number, type):
        scaled = {one.name: _times(getattr(number, one.name), factor) for one in fields(number) if one.name in SCALED}
        scheduled: Number = replace(number, **scaled)  # type: ignore[arg-type]
        return scheduled
    return _times(float(number), factor)  # type: ignore[arg-type]


def _weight(value: Any) -> str:
    """A weight as a description has it: a number, or a dict of a schedule or of a lazy weight."""
    return format_value(value) if isinstance(value, int | float) else "a schedule or a lazy weight"


def _augmentation(described: Any) -> tuple[str, ...]:
    """The parts of an augmentation; the name of one of one's own."""
    if isinstance(described, dict):
        return tuple(described["parts"])
    return () if described is None else (str(described),)


def _times(number: float, factor: float) -> float:
    return float(f"{number * factor:.6g}")
