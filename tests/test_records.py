"""Records: JSON becomes a dataclass only where every value fits its field."""

import doctest
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from advnets import records
from advnets.errors import BadInput
from advnets.games import AdversarialRow
from advnets.recipes import RECIPES, Recipe, from_json, maker_from_json, to_json


@dataclass(frozen=True)
class Round:
    radius: float
    wide: bool = False


@dataclass(frozen=True)
class Square:
    sides: tuple[int, ...] = (1,)


@dataclass(frozen=True)
class Whole:
    name: str
    shape: Round | Square
    spare: Round | None = None
    pair: tuple[float, float] = (0.0, 1.0)
    weights: Mapping[str, float] = field(default_factory=dict)
    length: int | str = 0


ROWS = {"round": Round, "square": Square}


def whole(**change: Any) -> Any:
    return records.parse_record(Whole, {"name": "x", "shape": {"row": "square", "sides": [2, 3]}, **change}, rows=ROWS)


def test_what_fits() -> None:
    assert whole() == Whole("x", Square((2, 3)))
    assert whole(shape={"row": "round", "radius": 2}).shape == Round(2.0)
    assert whole(spare=None, pair=[1, 2.5], weights={"r1": 3}, length="long") == Whole(
        "x", Square((2, 3)), None, (1.0, 2.5), {"r1": 3.0}, "long"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nmae": "y"}, "unknown field of Whole 'nmae'. Did you mean 'name'"),
        ({"name": 3}, "name is 3; expected a text"),
        ({"shape": None}, "expected an object"),
        ({"shape": {"radius": 1}}, "a `row`, one of round, square"),
        ({"shape": {"row": "rond", "radius": 1}}, "Did you mean 'round'"),
        ({"shape": {"row": ["round"]}}, "unknown row"),
        ({"shape": {"row": "round"}}, "radius missing"),
        ({"shape": {"row": "round", "radius": True}}, "radius is True"),
        ({"shape": {"row": "round", "radius": float("nan")}}, "a finite number"),
        ({"shape": {"row": "round", "radius": 10**400}}, "a finite number"),
        ({"shape": {"row": "round", "radius": 1, "wide": 1}}, "true or false"),
        ({"shape": {"row": "square", "sides": [1, 2.0]}}, "item 1 is 2.0"),
        ({"shape": {"row": "square", "sides": [True]}}, "item 0 is True"),
        ({"shape": {"row": "square", "sides": 3}}, "a list"),
        ({"spare": {"row": "square"}}, "unknown row"),
        ({"pair": [1.0]}, "a list of 2"),
        ({"weights": [1]}, "an object"),
        ({"weights": {"r1": "1"}}, "weights.r1 is '1'"),
        ({"length": 1.5}, "a text"),
    ],
)
def test_what_does_not(change: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        whole(**change)
    assert message in str(caught.value)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def fields_of(value: Mapping[str, Any], within: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all fields of a JSON object, those of objects inside too."""
    paths = [(*within, name) for name in value]
    inner = [fields_of(one, (*within, name)) for name, one in value.items() if isinstance(one, Mapping)]
    return paths + [path for some in inner for path in some]


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(path=st.sampled_from(sorted(fields_of(to_json(RECIPES["paper"])))), junk=JUNK)
def test_junk_in_a_recipe_is_refused_or_a_recipe(path: tuple[str, ...], junk: Any) -> None:
    """Whatever stands in a field, however deep: BadInput, or a recipe that is written and read back as the same."""
    told = to_json(RECIPES["paper"])
    inner = told
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = junk
    try:
        recipe = from_json(told)
    except BadInput:
        return
    assert isinstance(recipe, Recipe)
    assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe


def test_a_generator_is_a_generators_row() -> None:
    told = to_json(RECIPES["paper"])["learner"]
    learner = RECIPES["paper"].learner
    assert isinstance(learner, AdversarialRow)
    assert maker_from_json(told["generator"]) == learner.generator
    for value in (
        None,
        told["discriminator"],
        to_json(RECIPES["paper"].descents["generator"].rate),
        [],
        "dense_generator",
        told["generator"] | {"hidden": [0]},
    ):
        with pytest.raises(BadInput):
            maker_from_json(value)


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(records).failed == 0
