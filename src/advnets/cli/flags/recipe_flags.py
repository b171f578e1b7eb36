"""The flags that change a recipe: one a value, by its name, and how the help and the command line have them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from advnets.augmentations import AUGMENTATIONS
from advnets.cli.flags.help import field_docs
from advnets.errors import BadInput
from advnets.recipes import Recipe
from advnets.recipes.changes import (
    HABITS,
    SHORT,
    RecipeValue,
    answer_habit,
    choose_rows,
    full_names,
    recipe_values,
    with_values,
)
from advnets.recipes.changes.value_text import form_of_pair
from advnets.schedules import Schedule

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
    "penalties": "Penalties of the discriminator; r1=none takes it out.",
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
    "transform": "How values are scaled.",
    "half_life": "Images that halve a weight's share of the sampled average.",
    "ramp": "Limit of the half-life, as a share of the images averaged.",
    "averaged_from": "Share of the run before which nothing is averaged.",
}
"""What the help says about a field; without an entry, what its dataclass says."""

MOST_IN_FULL = 8
"""Names that the help writes with the ending that they share."""


def about_value(found: RecipeValue) -> str:
    """Return what the help says that a value is."""
    field = found.path[-1]
    if field in WORDS:
        return WORDS[field]
    return field_docs(found.owner).get(field, "")


def metavar_of(found: RecipeValue) -> str:
    """Return what the help writes for a value."""
    if found.is_pair:
        return form_of_pair(found)
    if found.path[-1] == "parts":
        return "LIST"
    if found.names:
        return _format_choice(found.names)
    if isinstance(found.value, Schedule):
        return "SCHEDULE"
    return {bool: "true|false", int: "N", float: "NUMBER", tuple: "LIST"}.get(type(found.value), "VALUE")


def choose_typed_rows(recipe: Recipe, argv: Sequence[str]) -> Recipe:
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
    texts = zip(words, [*words[1:], ""], strict=True)
    return choose_rows(recipe, {word[2:]: text for word, text in texts if word.startswith("--")}, typed=True)


def with_typed_values(recipe: Recipe, given: Mapping[str, Any], argv: Sequence[str]) -> Recipe:
    """Put the values of flags into a recipe.

    Args:
        recipe: The recipe, with the rows that the flags name.
        given: {flag in full without its dashes: its text or texts}.
        argv: The flags as typed.

    Returns:
        The changed recipe.

    Raises:
        BadInput: For a value that does not fit, under the flag that was typed.
    """
    try:
        return with_values(recipe, given, typed=True)
    except BadInput as error:
        flag = None if "--" in str(error) else _find_culprit(recipe, given, argv, str(error))
        if flag is None:
            raise
        raise type(error)(f"{flag}: {error}") from error


def _find_culprit(recipe: Recipe, given: Mapping[str, Any], argv: Sequence[str], told: str) -> str | None:
    """The flag, as typed, whose value alone leads to an error; None if no single one does."""
    values = recipe_values(recipe)
    for name, value in given.items():
        try:
            with_values(recipe, {name: value}, typed=True)
        except BadInput as error:
            if str(error) == told:
                words = [word.partition("=")[0] for word in argv if word.startswith("--")]
                short = [word for word in words if name in full_names(word[2:], values)]
                return short[0] if short and f"--{name}" not in words else f"--{name}"
    return None


def spell_out(argv: Sequence[str], recipe: Recipe, flags: Iterable[str]) -> list[str]:
    """Write the flags that each short name, and each name of other programs, stands for.

    Args:
        argv: The flags as typed.
        recipe: The recipe, with the rows that the flags name.
        flags: Flags of the verb beside the recipe's, which are left as they are.

    Returns:
        The flags, where `--lr .1` is both players' rates. Those that were typed in full come last, and so hold.

    Raises:
        BadInput: For a name that stands for nothing here, with what does, and for two names of one value.
    """
    values, own = recipe_values(recipe), {flag.removeprefix("--") for flag in flags if flag.startswith("--")}
    known = own | {value.name for value in values}
    front: list[str] = []
    rest: list[str] = []
    taken: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        name, equals, text = word[2:].partition("=")
        full = _meant(name, values, known) if word.startswith("--") and name not in known else ()
        if not full:
            rest.append(word)
            continue
        given = text if equals else next(words, "")
        for one in full:
            if taken.setdefault(one, name) != name:
                raise BadInput(f"--{name}: found --{taken[one]} beside it, and both set --{one}. Leave one out.")
            front += [f"--{one}={given}"]
    return [*front, *rest]


def _meant(name: str, values: Sequence[RecipeValue], known: set[str]) -> tuple[str, ...]:
    full = full_names(name, values)
    if full:
        return full
    if HABITS.get(name, name) in known:
        return (HABITS.get(name, name),)
    answer = answer_habit(name, in_python=False)
    if answer is not None:
        raise answer
    if name in SHORT or HABITS.get(name) in SHORT:
        raise BadInput(f"--{name}: the recipe has no value of that name; `advnets train RECIPE --help` lists its own.")
    return ()


def _format_choice(names: Sequence[str]) -> str:
    """{a, b}, or {a, b}_end where there are many that end alike."""
    end = "_" + names[0].rpartition("_")[2]
    if len(names) > MOST_IN_FULL and all(name.endswith(end) for name in names):
        return f"{{{', '.join(name.removesuffix(end) for name in names)}}}{end}"
    return f"{{{', '.join(names)}}}"
