"""The values of a recipe that can be changed one by one: each has a name, and a place in recipe.json."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from inspect import isabstract
from typing import Any, get_args, get_type_hints

from advnets.augmentations import AUGMENTATIONS
from advnets.baselines import Baseline
from advnets.constraints import CONSTRAINTS
from advnets.data import TRANSFORMS
from advnets.games import AUTO, PRECISIONS, TIES
from advnets.latents import LATENTS
from advnets.objectives import OBJECTIVES
from advnets.optimizers import OwnOptimizer
from advnets.penalties import PENALTIES
from advnets.recipes.recipe import ROWS, Recipe
from advnets.schedules import SCHEDULES, Schedule

HIDDEN = ("name", "about", "source", "budget", "stages")
"""Fields of a recipe that are not changed so: steps and minutes are the budget, and stages are a matter of a file."""
HIDDEN_OF_BASELINES = (*HIDDEN, "algorithm", "descents", "accumulate", "average", "transform")
"""The same for a baseline, which plays no game: its row has the numbers of its training."""
UNNAMED = ("learner", "descents", "average")
"""Fields that a name leaves out: generator.hidden is learner.generator.hidden in recipe.json."""
PAIRS = {"penalties": "penalty", "ties": "tie", "constraints": "constraint"}
"""Fields that hold numbers by name, and what one of them is called."""
TABLES: dict[str, Mapping[str, Any]] = {
    "objective": OBJECTIVES,
    "latent": LATENTS,
    "transform": TRANSFORMS,
    "precision": {**PRECISIONS, AUTO: AUTO},
    "given": {"labels": "labels", "images": "images"},
    "parts": AUGMENTATIONS,
    "penalties": PENALTIES,
    "ties": TIES,
    "constraints": CONSTRAINTS,
}
"""The closed table of a field that holds the name of a row, or several."""
NAMES: dict[str, tuple[str, ...]] = {field: tuple(table) for field, table in TABLES.items()}
"""The names that such a field takes."""


@dataclass(frozen=True)
class RecipeValue:
    """A value of a recipe.

    Attributes:
        name: What it is called, such as "generator.hidden".
        path: Where it stands in recipe.json.
        hint: Its type.
        value: What the recipe has there.
        owner: The dataclass whose field it is.
    """

    name: str
    path: tuple[str, ...]
    hint: Any
    value: Any
    owner: type

    @property
    def is_pair(self) -> bool:
        """Whether it is several numbers by name, each of which can be set alone."""
        return self.path[-1] in PAIRS

    @property
    def is_row(self) -> bool:
        """Whether it is a row that has numbers of its own, such as an optimizer."""
        kind = _admitted_row(self.hint) if self.value is None else type(self.value)
        return kind is not None and kind not in SCHEDULES.values() and (kind in ROWS.values() or isabstract(kind))

    @property
    def names(self) -> tuple[str, ...]:
        """The names that stand for a value of it; empty where it takes something else."""
        if self.is_row:
            admitted = tuple(kind for kind in get_args(self.hint) or (self.hint,) if kind is not type(None))
            return tuple(name for name, kind in ROWS.items() if issubclass(kind, admitted) and kind is not OwnOptimizer)
        return NAMES.get(self.path[-1], ())


def recipe_values(recipe: Recipe) -> list[RecipeValue]:
    """Return the values of a recipe that can be changed, in the order of its fields.

    Args:
        recipe: The recipe; its rows decide which numbers there are.

    Returns:
        The values.
    """
    return list(_values_within(recipe, (), ()))


def _values_within(value: Any, path: tuple[str, ...], names: tuple[str, ...]) -> Iterator[RecipeValue]:
    """The values in a dataclass: one a field, in its order."""
    kind = type(value)
    hints = get_type_hints(kind)
    for spec in fields(value):
        if path or spec.name not in (HIDDEN_OF_BASELINES if value.baseline is not None else HIDDEN):
            item = getattr(value, spec.name)
            found = RecipeValue(spec.name, (*path, spec.name), hints[spec.name], item, kind)
            unnamed = spec.name in UNNAMED and not isinstance(item, Baseline)
            yield from _values_of(found, names if unnamed else (*names, PAIRS.get(spec.name, spec.name)))


def _values_of(found: RecipeValue, names: tuple[str, ...]) -> Iterator[RecipeValue]:
    """The values of one field: its own, and those of what it holds."""
    value, holds = found.value, not found.is_pair and not isinstance(found.value, Schedule)
    if holds and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _values_within(item, (*found.path, key), (*names, key))
        return
    if isinstance(value, tuple) and any(is_dataclass(item) and not isinstance(item, Schedule) for item in value):
        return  # layers that are rows themselves are a matter of a file
    if names and not (is_dataclass(value) and holds and not found.is_row):
        yield replace(found, name=".".join(names).replace("_", "-"))
    if is_dataclass(value) and holds and not isinstance(value, OwnOptimizer):
        yield from _values_within(value, found.path, names)


def _admitted_row(hint: Any) -> Any:
    """The kind of row that a field may hold where it now holds none; None if it holds no rows."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 and isabstract(kinds[0]) else None
