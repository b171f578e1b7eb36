"""The whole state of the page as the fragment of a URL, which a teacher can give away."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from advnets.errors import BadInput, unknown
from advnets.studies.playground.lessons import LESSONS
from advnets.studies.playground.settings import CONTROLS, Settings

LANGUAGES = ("en", "ko")
SPEEDS = (1, 5, 20, 60, 200, 0)
"""Steps a second; 0 is as fast as it goes."""
LONGEST = 20_000
"""Characters of a fragment that are read."""
SECOND = "b."
DRESS = ("hide", "lesson", "lang", "speed")
"""Words that say how the page is dressed, and nothing of a game."""
OTHER_WORDS = ("drawn", "compare", "hide", "lesson", "lang", "speed")


@dataclass(frozen=True)
class Link:
    """What the address of a page says.

    Attributes:
        first: The settings of the game.
        second: Those of a second game beside it, or None.
        hidden: Controls that the page does not show.
        lesson: The prepared lesson that the page tells of, or "".
        language: One of `LANGUAGES`.
        speed: Steps a second, one of `SPEEDS`.

    Raises:
        BadInput: If a name is unknown.
    """

    first: Settings = Settings()  # noqa: RUF009 - frozen
    second: Settings | None = None
    hidden: tuple[str, ...] = ()
    lesson: str = ""
    language: str = "en"
    speed: int = 0

    def __post_init__(self) -> None:
        for name in self.hidden:
            if name not in CONTROLS:
                raise unknown("control to hide", name[:40], CONTROLS)
        if len(set(self.hidden)) != len(self.hidden):
            raise BadInput("hide names a control twice; expected each once")
        if self.lesson and self.lesson not in LESSONS:
            raise unknown("lesson", self.lesson[:40], LESSONS)
        if self.language not in LANGUAGES:
            raise unknown("language", self.language[:40], LANGUAGES)
        if type(self.speed) is not int or self.speed not in SPEEDS:
            raise BadInput(f"speed is {self.speed!r:.40}; expected one of {', '.join(map(str, SPEEDS))}")

    def fragment(self) -> str:
        """Return the state as `name=value&...`; what has its default is left out, and the order is always the same.

        Returns:
            The fragment without the leading #; "" if all has its default.
        """
        return "&".join(f"{name}={quote(text, safe='.,-')}" for name, text in self._words())

    def replace(self, **changes: Any) -> "Link":
        """Return this state with other values of some attributes.

        Args:
            changes: The new values, by attribute.

        Returns:
            The new state.

        Raises:
            BadInput: If a value is not one of those that are known.
        """
        return replace(self, **changes)

    def _words(self) -> Iterator[tuple[str, str]]:
        base = Settings()
        yield from _differences(self.first, base, "")
        if self.second is not None:
            yield "compare", "1"
            yield from _differences(self.second, self.first, SECOND)
        if self.hidden:
            yield "hide", ",".join(self.hidden)
        if self.lesson:
            yield "lesson", self.lesson
        if self.language != "en":
            yield "lang", self.language
        if self.speed:
            yield "speed", str(self.speed)

    @staticmethod
    def of(fragment: str) -> "Link":
        """Read what `fragment` wrote, with or without the leading #. A lesson alone is the lesson's own state.

        Args:
            fragment: The fragment.

        Returns:
            The state.

        Raises:
            BadInput: If it is too long, a name is unknown or given twice, or a value is out of bounds.
        """
        if len(fragment) > LONGEST:
            raise BadInput(f"the address has {len(fragment):,} characters; expected at most {LONGEST:,}")
        words = _read_words(fragment.removeprefix("#"))
        if words.get("lesson") in LESSONS and not set(words) - set(DRESS):
            words = _read_words(LESSONS[words["lesson"]].state) | words
        first = _settings(words, "", Settings())
        compare = words.pop("compare", "0")
        if compare not in ("0", "1"):
            raise BadInput(f"compare is {compare[:40]!r}; expected 0 or 1")
        second = _settings(words, SECOND, first) if compare == "1" else None
        hidden = tuple(filter(None, words.pop("hide", "").split(",")))
        lesson, language = words.pop("lesson", ""), words.pop("lang", "en")
        speed = _number("speed", words.pop("speed", "0"), whole=True)
        for name in words:
            raise unknown("word of the address", name[:40], (*CONTROLS, *OTHER_WORDS))
        return Link(first, second, hidden, lesson, language, int(speed))


def _differences(settings: Settings, base: Settings, prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in settings.values.items():
        if value != base.values[name]:
            yield prefix + name, repr(value) if isinstance(value, float) else str(value)
    if settings.drawn != base.drawn:
        yield f"{prefix}drawn", ".".join(map(str, settings.drawn))


def _read_words(text: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        name, equals, value = part.partition("=")
        if not equals or name in words:
            raise BadInput(f"{part[:40]!r} in the address: expected name=value, each name once")
        words[name] = unquote(value)
    return words


def _settings(words: dict[str, str], prefix: str, base: Settings) -> Settings:
    """Take the words of one game out of all words."""
    found: dict[str, Any] = base.as_dict()
    for name, control in CONTROLS.items():
        if prefix + name in words:
            text = words.pop(prefix + name)
            found[name] = text if control.options else _number(name, text, whole=isinstance(control.default, int))
    if f"{prefix}drawn" in words:
        found["drawn"] = [
            int(_number("drawn", one, whole=True)) for one in words.pop(f"{prefix}drawn").split(".") if one
        ]
    elif found["data"] != "drawn":
        found["drawn"] = []
    return Settings.of(found)


def _number(name: str, text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError as error:
        kind = "a whole number" if whole else "a number"
        raise BadInput(f"{name} is {text[:40]!r} in the address; expected {kind}") from error
