"""How the recipes and settings of runs differ, by their recipe.json alone."""

from collections.abc import Mapping, Sequence
from typing import Any

LEFT_OUT = ("settings.out", "data.digest", "recipe.about", "recipe.source", "sha256")
"""Fields that tell nothing of what is learnt, or that another field tells too."""
ABSENT = "not there"


def flatten_settings(record: Mapping[str, Any]) -> dict[str, str]:
    """Return all that a recipe.json says of a run, as lines.

    Args:
        record: Contents of recipe.json.

    Returns:
        {field: value}, such as {"recipe.learner.generator.hidden": "1200, 1200"}, in the file's order.
    """
    lines: dict[str, str] = {}
    for part in ("recipe", "settings", "data", "game", "optimizers", "origin"):
        _flatten(record.get(part), part, lines)
    return {name: text for name, text in lines.items() if name not in LEFT_OUT}


def _flatten(value: Any, name: str, lines: dict[str, str]) -> None:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}", lines)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, inner in enumerate(value):
            _flatten(inner, f"{name}.{number}", lines)
    elif value is not None:
        lines[name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def settings_differences(records: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the fields in which runs differ.

    Args:
        records: Contents of their recipe.json files.

    Returns:
        {field: its value in each run}, ABSENT where a run has no such field; empty for runs that are set alike.
    """
    return differing_fields([flatten_settings(record) for record in records])


def differing_fields(flat: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the fields in which settings differ.

    Args:
        flat: Settings of runs, as `flatten_settings` has them.

    Returns:
        As `settings_differences`.
    """
    names = list(dict.fromkeys(name for lines in flat for name in lines))
    rows = {name: tuple(lines.get(name, ABSENT) for lines in flat) for name in names}
    return {name: values for name, values in rows.items() if len(set(values)) > 1}
