"""What the page is told of a game, as values of JSON: arrays travel as base64, of bytes or of little-endian float32."""

import math
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from advnets.studies.playground import CONTROLS, LESSONS, Playground
from advnets.studies.playground.history import Moment
from advnets.studies.playground.lessons import Lesson
from advnets.studies.playground.link import LANGUAGES, SPEEDS
from advnets.studies.playground.settings import BARS, DATA, HEIGHT, PLACES, POINTS
from advnets.studies.playground.shapes import REACH
from advnets.studies.playground.slow_motion import LISTINGS, Phase


def frame_of(moment: Moment[Any] | Phase) -> dict[str, Any]:
    """Return a moment, or a line of slow motion, as the page draws it: numbers, and arrays."""
    return {"numbers": finite_numbers(moment.numbers), "arrays": encode(moment.arrays)}


def backdrop_of(game: Playground) -> dict[str, Any]:
    """Return what the page keeps of a game until it begins anew."""
    settings = game.settings
    return {"settings": settings.as_dict(), "arrays": encode(game.backdrop()), "reach": REACH[settings.dimension]}


def columns_of(game: Playground) -> dict[str, list[Any]]:
    """Return the numbers of the whole history, by name, for the charts."""
    return {name: [_finite(value) for value in column] for name, column in game.history.columns().items()}


def schema() -> dict[str, Any]:
    """Return what the page builds its controls, lessons and listings of."""
    return {
        "controls": [
            {
                "name": one.name, "default": one.default, "group": one.group, "least": one.least, "most": one.most,
                "options": list(one.options), "live": one.live, "whole": isinstance(one.default, int),
            }
            for one in CONTROLS.values()
        ],
        "data": {str(dimension): list(names) for dimension, names in DATA.items()},
        "drawing": {"bars": BARS, "height": HEIGHT, "points": POINTS, "places": PLACES},
        "lessons": [_lesson(one) for one in LESSONS.values()],
        "listings": {name: [list(line) for line in lines] for name, lines in LISTINGS.items()},
        "languages": list(LANGUAGES),
        "speeds": list(SPEEDS),
    }  # fmt: skip


def encode(arrays: Mapping[str, bytes]) -> dict[str, str]:
    """Return arrays as base64, by name."""
    return {name: b64encode(content).decode() for name, content in arrays.items()}


def finite_numbers(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers with None in the place of those that are not finite."""
    return {name: _finite(value) for name, value in numbers.items()}


def _lesson(lesson: Lesson) -> dict[str, Any]:
    return {"name": lesson.name, "title": lesson.title, "look": lesson.look, "fragment": lesson.fragment}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
