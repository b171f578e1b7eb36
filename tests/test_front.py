"""The front door: what is reached after `import advnets`, and that its lists agree."""

import ast
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import advnets
from advnets.recipes.recipe import ROWS, Recipe
from test_layering import FLOORS

FRONT = Path(advnets.__file__)


def test_every_name_at_the_front_is_there() -> None:
    for name in advnets.__all__:
        assert getattr(advnets, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = advnets.nothing  # type: ignore[attr-defined]


def test_every_room_works_after_a_bare_import() -> None:
    rooms = {room for floor in FLOORS for room in floor} - {"__init__", "__main__", "cli"}
    assert {name for name in dir(advnets) if name not in advnets.__all__} == {*rooms, "__version__"}
    code = f"import advnets\nfor room in {sorted(rooms)}: assert getattr(advnets, room).__name__ == 'advnets.' + room"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_type_checkers_read_the_same_names() -> None:
    """Without this, an editor would offer a name that is not there, or miss one that is."""
    guarded = [
        node
        for block in ast.walk(ast.parse(FRONT.read_text()))
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    ]
    whole = {node.module for node in guarded if node.names[0].name == "*"}
    assert whole == {f"advnets.{room}" for room in advnets._WHOLE}
    named = [node for node in guarded if node.module not in whole]
    assert all(alias.asname == alias.name for node in named for alias in node.names)
    read = {(alias.name, node.module) for node in named for alias in node.names if node.module != "advnets"}
    assert read == {(name, f"advnets.{home}") for name, home in advnets._HOMES.items()}
    rooms = {alias.name for node in named for alias in node.names if node.module == "advnets"}
    assert rooms == set(advnets._ROOMS)


def test_a_name_of_the_front_is_one_thing() -> None:
    """Two rooms that lend the same name would hide one of them, and a name of a room would hide that room."""
    lent = [name for room in advnets._WHOLE for name in getattr(advnets, room).__all__]
    names = [*lent, *advnets._HOMES, *advnets._ROOMS]
    assert sorted(names) == sorted(set(names))
    assert set(advnets.__all__) == {*lent, *advnets._HOMES}


def test_a_recipe_can_be_written_from_what_is_exported() -> None:
    """Every row of a recipe's tables, and every dataclass that it holds, is a name of the front."""
    hints = get_type_hints(Recipe).values()
    held = {kind for hint in hints for kind in (hint, *get_args(hint)) if dataclasses.is_dataclass(kind)}
    needed = {Recipe, *held, *ROWS.values()}
    assert {kind.__name__ for kind in needed if getattr(advnets, kind.__name__, None) is not kind} == set()


def test_types_ship() -> None:
    assert FRONT.with_name("py.typed").exists()
