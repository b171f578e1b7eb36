"""The flags that change a recipe: each is a path in its recipe.json, and the value that stands there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from inspect import isabstract
from typing import Any, get_args, get_origin, get_type_hints

from advnets.augmentations import AUGMENTATIONS
from advnets.baselines import Baseline
from advnets.cli.flags.help import field_docs
from advnets.constraints import CONSTRAINTS
from advnets.data import TRANSFORMS
from advnets.errors import BadInput, unknown
from advnets.games import AUTO, PRECISIONS, TIES, Weight
from advnets.latents import LATENTS
from advnets.objectives import OBJECTIVES
from advnets.penalties import PENALTIES
from advnets.recipes.recipe import ROWS, Recipe, from_json, to_json
from advnets.records import parse_value
from advnets.schedules import SCHEDULES, Constant, Number, Schedule

HIDDEN = ("name", "about", "source", "budget", "stages")
"""Fields of a recipe that no flag changes: --steps and --minutes are the budget, and stages are a matter of a file."""
HIDDEN_OF_BASELINES = (*HIDDEN, "algorithm", "descents", "accumulate", "average", "transform")
"""The same for a baseline, which plays no game: its row has the numbers of its training."""
UNNAMED = ("learner", "descents", "average")
"""Fields that a flag's name leaves out: --generator.hidden is learner.generator.hidden in recipe.json."""
PAIRS = {"penalties": "penalty", "ties": "tie", "constraints": "constraint"}
"""Fields that hold numbers by name, and the flag that sets one of them."""
NAMES: dict[str, tuple[str, ...]] = {
    "objective": tuple(OBJECTIVES),
    "latent": tuple(LATENTS),
    "transform": tuple(TRANSFORMS),
    "precision": (*PRECISIONS, AUTO),
    "given": ("labels", "images"),
    "parts": tuple(AUGMENTATIONS),
    "penalties": tuple(PENALTIES),
    "ties": tuple(TIES),
    "constraints": tuple(CONSTRAINTS),
}
"""The names that a field takes."""
WORDS = {
    "generator": "The generator's network.",
    "discriminator": "The discriminator's network.",
    "learner": "The model that is trained.",
    "objective": "What each player wants.",
    "latent": "The distribution of the noise z.",
    "latent_size": "Coordinates of z; 0 plays without noise.",
    "categories": "Values of a category at the end of z.",
    "continuous": "Numbers in (-1, 1) behind it.",
    "given": "What the networks see beside z or x.",
    "penalties": "Add a penalty to the discriminator's loss, as in r1=10.",
    "ties": "Tie a player to the data, as in generator:l1=100.",
    "constraints": "Bound weights, as in generator:max_column_norm=1.9.",
    "parts": f"D sees images through {', '.join(AUGMENTATIONS)}.",
    "p": "Probability that an image gets a part, or a schedule.",
    "same_for_real_and_fake": "Whether real and fake images are changed alike.",
    "controller": "What moves p.",
    "pack": "Samples that the discriminator judges as one.",
    "precision": "Type of the networks' products.",
    "algorithm": "Who moves when.",
    "optimizer": "How it descends.",
    "rate": "Its rate.",
    "batch_size": "Real samples in each move, over all processes.",
    "accumulate": "Parts of a batch, one after another: less memory.",
    "balanced": "Draw every class equally often.",
    "transform": "How stored values become inputs.",
    "half_life": "Images that halve a weight's share of the sampled average.",
    "ramp": "Limit of the half-life, as a share of the images averaged.",
    "averaged_from": "Share of the run before which nothing is averaged.",
}
"""What the help says about a field; without an entry, what its dataclass says."""

MOST_IN_FULL = 8
"""Names that the help writes with the ending that they share."""


@dataclass(frozen=True)
class RecipeFlag:
    """A flag that changes a recipe.

    Attributes:
        name: The flag without its dashes, such as "generator.hidden".
        path: Where the value stands in recipe.json.
        hint: The type of the value.
        value: What the recipe has there.
        about: What the value is.
    """

    name: str
    path: tuple[str, ...]
    hint: Any
    value: Any
    about: str

    @property
    def is_pair(self) -> bool:
        """Whether the flag sets one of several numbers by name, and may be repeated."""
        return self.path[-1] in PAIRS

    @property
    def is_row(self) -> bool:
        """Whether the flag chooses a row that has numbers of its own, such as an optimizer."""
        kind = _admitted_row(self.hint) if self.value is None else type(self.value)
        return kind is not None and kind not in SCHEDULES.values() and (kind in ROWS.values() or isabstract(kind))

    @property
    def metavar(self) -> str:
        """What the help writes for the value."""
        if self.is_pair:
            player = "" if self.path[-1] == "penalties" else "PLAYER:"
            return f"{player}{{{', '.join(self.names)}}}=NUMBER"
        if self.path[-1] == "parts":
            return "LIST"
        if self.names:
            return _format_choice(self.names)
        if isinstance(self.value, Schedule):
            return "SCHEDULE"
        return {bool: "true|false", int: "N", float: "NUMBER", tuple: "LIST"}.get(type(self.value), "VALUE")

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the flag takes; empty where it takes something else."""
        if self.is_row:
            admitted = tuple(kind for kind in get_args(self.hint) or (self.hint,) if kind is not type(None))
            return tuple(name for name, kind in ROWS.items() if issubclass(kind, admitted))
        return NAMES.get(self.path[-1], ())

    @property
    def text(self) -> str:
        """The value as it would be typed."""
        if self.is_pair:
            return ", ".join(_format_pairs(self.value)) or "none"
        return _format_value(self.value)


def recipe_flags(recipe: Recipe) -> list[RecipeFlag]:
    """Return the flags that change a recipe, in the order of its fields.

    Args:
        recipe: The recipe; its rows decide which numbers there are.

    Returns:
        The flags.
    """
    return list(_flags_within(recipe, (), ()))


def choose_rows(recipe: Recipe, argv: Sequence[str]) -> Recipe:
    """Put the rows that flags name into a recipe, each with its usual numbers, so that these have flags too.

    Args:
        recipe: The recipe.
        argv: The flags as typed.

    Returns:
        The recipe with these rows.

    Raises:
        BadInput: If there is no such row.
    """
    words = [part for word in argv for part in (word.split("=", 1) if word.startswith("--") else [word])]
    texts = dict(zip(words, [*words[1:], ""], strict=True))
    rows = [flag.name for flag in recipe_flags(recipe) if flag.is_row and f"--{flag.name}" in texts]
    return apply_flags(recipe, {name: texts[f"--{name}"] for name in rows})


def apply_flags(recipe: Recipe, given: Mapping[str, str | Sequence[str]]) -> Recipe:
    """Return a recipe with values in place of its own.

    Args:
        recipe: The recipe.
        given: {flag: its text, or its texts where it may be repeated}.

    Returns:
        The changed recipe.

    Raises:
        BadInput: If a text is no value of its flag, or the values do not fit together.
    """
    plain = to_json(recipe)
    for flag in recipe_flags(recipe):
        texts = given.get(flag.name, ())
        for text in [texts] if isinstance(texts, str) else texts:
            _put(plain, flag, text)
    return from_json(plain)


def _put(plain: dict[str, Any], flag: RecipeFlag, text: str) -> None:
    """Write the text's value where the flag's path leads."""
    *way, last = flag.path
    for part in way:
        plain = plain[part]
    if flag.is_pair:
        _put_pair(plain[last], flag, text)
    elif not (
        flag.is_row and plain[last] is not None and plain[last]["row"] == text
    ):  # the row that stands there keeps its numbers
        plain[last] = _parse_value(text, flag.hint, f"--{flag.name}")


def _put_pair(plain: dict[str, Any], flag: RecipeFlag, text: str) -> None:
    """`r1=10` or `generator:max_column_norm=1.9`; none takes the name out again."""
    name, _, number = text.partition("=")
    *player, name = name.split(":")
    if not number or len(player) != (flag.path[-1] != "penalties"):
        raise BadInput(f"--{flag.name} is {text!r}; expected {flag.metavar}, as in {EXAMPLES[flag.path[-1]]}")
    if name not in NAMES[flag.path[-1]]:
        raise unknown(PAIRS[flag.path[-1]], name, NAMES[flag.path[-1]])
    hint = get_args(flag.hint)[1]
    if player:
        plain, hint = plain.setdefault(player[0], {}), get_args(hint)[1]
    if number == "none":
        plain.pop(name, None)
    else:
        plain[name] = _parse_value(number, hint, f"--{flag.name} {name}")


EXAMPLES = {
    "penalties": "r1=10",
    "ties": "generator:l1=100",
    "constraints": "discriminator:clip_weights=0.01",
}


def _flags_within(value: Any, path: tuple[str, ...], names: tuple[str, ...]) -> Iterator[RecipeFlag]:
    """The flags of a dataclass: one a field, in its order."""
    hints = get_type_hints(type(value))
    words = field_docs(type(value))  # type: ignore[arg-type]  # mypy takes classes for unhashable
    for spec in fields(value):
        if path or spec.name not in (HIDDEN_OF_BASELINES if value.baseline is not None else HIDDEN):
            item = getattr(value, spec.name)
            found = RecipeFlag(
                spec.name, (*path, spec.name), hints[spec.name], item, WORDS.get(spec.name, words.get(spec.name, ""))
            )
            unnamed = spec.name in UNNAMED and not isinstance(item, Baseline)
            yield from _flags_of(found, names if unnamed else (*names, PAIRS.get(spec.name, spec.name)))


def _flags_of(found: RecipeFlag, names: tuple[str, ...]) -> Iterator[RecipeFlag]:
    """The flags of one field: its own, and those of what it holds."""
    value, holds = found.value, not found.is_pair and not isinstance(found.value, Schedule)
    if holds and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flags_within(item, (*found.path, key), (*names, key))
        return
    if isinstance(value, tuple) and any(is_dataclass(item) and not isinstance(item, Schedule) for item in value):
        return  # layers that are rows themselves are a matter of a file
    if names and not (is_dataclass(value) and holds and not found.is_row):
        yield replace(found, name=".".join(names).replace("_", "-"))
    if is_dataclass(value) and holds:
        yield from _flags_within(value, found.path, names)


def _parse_value(text: str, hint: Any, what: str) -> Any:
    """The text as the JSON that a field of this type holds; checked, so that an error names the flag."""
    number, lazy, every = text.partition(",every=")
    if lazy and Weight in get_args(hint):
        weight = parse_value(_as_json(number, Number), Number, rows=ROWS, what=what)
        value = to_json(Weight(weight, _scalar(every)))
    else:
        value = _as_json(text, hint)
    parse_value(value, hint, rows=ROWS, what=what)
    return value


_LIST = re.compile(r",(?!\w+=)")
"""What stands between the items of a list; a comma before `number=` belongs to a schedule within an item."""


def _as_json(text: str, hint: Any) -> Any:
    """Read `16`, `0.5`, `true`, `none`, `a,b`, `NAME`, or `NAME:number=value,number=value`."""
    kinds = tuple(kind for kind in get_args(hint) or (hint,) if kind is not type(None))
    if text == "none" and len(kinds) < len(get_args(hint)):
        return None
    if get_origin(hint) is tuple and text == "none":
        return []
    if get_origin(hint) is tuple:
        inner = [kind for kind in get_args(hint) if kind is not ...]
        return [_as_json(item, inner[min(place, len(inner) - 1)]) for place, item in enumerate(_LIST.split(text))]
    if any(is_dataclass(kind) or isabstract(kind) for kind in kinds):
        number = _scalar(text)
        if isinstance(number, int | float):
            return number if {int, float} & set(kinds) else {"row": "constant", "value": number}
        row, _, numbers = text.partition(":")
        pairs = (item.partition("=") for item in numbers.split(",") if item)
        return {"row": row, **{name: _scalar(value) for name, _, value in pairs}}
    return text if kinds == (str,) else _scalar(text)


def _admitted_row(hint: Any) -> Any:
    """The kind of row that a field may hold where it now holds none; None if it holds no rows."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 and isabstract(kinds[0]) else None


def _scalar(text: str) -> Any:
    """A number or a truth value; otherwise the text itself, for the type of its field to judge."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)


def _format_choice(names: Sequence[str]) -> str:
    """{a, b}, or {a, b}_end where there are many that end alike."""
    end = "_" + names[0].rpartition("_")[2]
    if len(names) > MOST_IN_FULL and all(name.endswith(end) for name in names):
        return f"{{{', '.join(name.removesuffix(end) for name in names)}}}{end}"
    return f"{{{', '.join(names)}}}"


def _format_value(value: Any) -> str:
    if isinstance(value, Constant):
        return _format_value(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        row = next(name for name, kind in ROWS.items() if kind is type(value))
        numbers = [f"{spec.name}={_format_value(getattr(value, spec.name))}" for spec in fields(value)]
        return f"{row}:{','.join(numbers)}" if isinstance(value, Schedule) else row
    if isinstance(value, tuple):
        return ",".join(map(_format_value, value)) or "none"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return {"None": "none", "True": "true", "False": "false"}.get(str(value), str(value))


def _format_pairs(pairs: Mapping[str, Any]) -> Iterator[str]:
    for name, value in pairs.items():
        if isinstance(value, Mapping):
            yield from (f"{name}:{pair}" for pair in _format_pairs(value))
        elif isinstance(value, Weight):
            yield f"{name}={_format_value(value.value)}" + (f",every={value.every}" if value.every > 1 else "")
        else:
            yield f"{name}={_format_value(value)}"
