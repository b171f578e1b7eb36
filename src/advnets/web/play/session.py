"""One viewer's games: what the page asks for is checked and done, one thing after the other."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from advnets.errors import BadInput, unknown
from advnets.runs.strict_json import parse_strict_json
from advnets.studies.playground import Link, Playground, Settings
from advnets.studies.playground.settings import BEGINNINGS
from advnets.studies.playground.slow_motion import play_slowly
from advnets.web.play.frames import backdrop_of, columns_of, frame_of, schema
from advnets.web.play.replay import replay_html

FRAME_SECONDS = 0.036
"""Time between two pictures while the games go on, of which most is training."""
CHUNK = 2
"""Steps between two looks at the clock."""
Answer = dict[str, Any] | str
"""What the page is told: a value of JSON, or the text of a replay."""


class Session:
    """The games of one page, and whether they go on.

    Every method may train, and is to be called in one thread for all sessions.
    """

    def __init__(self) -> None:
        self.link = Link()
        self.games: list[Playground] = []
        self.is_playing = False
        self._due = 0.0
        self._last = monotonic()

    def answer(self, text: str) -> list[Answer]:
        """Do what a message asks for.

        Args:
            text: {"do": name of the deed, ...} as JSON.

        Returns:
            What the page is told.

        Raises:
            BadInput: If there is no such deed, or it cannot be done; then nothing is changed.
            NonFinite: If a game has come to numbers that are not finite.
        """
        asked = parse_strict_json(text, "the message")
        deed = asked.get("do")
        if not isinstance(deed, str) or deed not in DEEDS:
            raise unknown("deed", str(deed)[:40], DEEDS)
        if deed != "open" and not self.games:
            raise BadInput(f"{deed} before open; expected open first")
        answers = DEEDS[deed](self, asked)
        if type(asked.get("id")) is not int:
            return answers
        return [one if isinstance(one, str) else {**one, "answers": asked["id"]} for one in answers]

    def advance(self, is_asked: Callable[[], bool] = lambda: False) -> Answer | None:
        """Play on for one picture's time, at the speed of the link.

        Args:
            is_asked: Whether the page waits for an answer, which then comes first.

        Returns:
            The picture; None if the page has asked for something meanwhile.

        Raises:
            NonFinite: If a game has come to numbers that are not finite; nothing goes on then.
        """
        began, speed = monotonic(), self.link.speed
        try:
            if speed:
                self._due = min(self._due + (began - self._last) * speed, speed)
                self._play(int(self._due))
                self._due -= int(self._due)
            else:
                while monotonic() - began < FRAME_SECONDS - 0.008 * len(self.games) and not is_asked():
                    self._play(CHUNK)
        except ArithmeticError:
            self.is_playing = False
            raise
        finally:
            self._last = began
        return None if is_asked() else self._frame(self._record())

    def _play(self, steps: int) -> None:
        for game in self.games:
            game.play(steps)

    def _record(self) -> bool:
        changed = [game.record() for game in self.games]  # all of them, whatever the first says
        return any(changed)

    def _open(self, asked: Mapping[str, Any]) -> list[Answer]:
        fragment = asked.get("fragment", "")
        if not isinstance(fragment, str):
            raise BadInput("fragment: expected a text")
        link = Link.of(fragment)
        self.games = [Playground(settings) for settings in (link.first, link.second) if settings is not None]
        self.link, self.is_playing = link, False
        return [{"is": "schema", **schema()}, *self._begin()]

    def _set(self, asked: Mapping[str, Any]) -> list[Answer]:
        which, changes = asked.get("which"), asked.get("changes")
        if type(which) is not int or not 0 <= which < len(self.games) or not isinstance(changes, Mapping):
            raise BadInput("set: expected which game, 0 or 1, and an object of changes")
        before = self.games[which].settings
        if changes.get("dimension", before.dimension) != before.dimension:
            return self._turn(changes["dimension"])
        settings = Settings.of({**before.as_dict(), **changes})
        begins = self.games[which].change(settings)
        self.link = self.link.replace(**{("first", "second")[which]: settings})
        if begins:
            for game in self.games:
                game.restart()
            return self._begin()
        return [self._state(), self._frame(self._record())]

    def _turn(self, dimension: Any) -> list[Answer]:
        """Begin a game of the line, or of the plane, with the settings that suit it."""
        if type(dimension) is not int or dimension not in BEGINNINGS:
            raise BadInput(f"dimension is {str(dimension)[:40]}; expected 1 or 2")
        settings = Settings.of({**BEGINNINGS[dimension], "seed": self.link.first.seed})
        self.link = self.link.replace(first=settings, second=None, lesson="")
        self.games = [Playground(settings)]
        return self._begin()

    def _compare(self, asked: Mapping[str, Any]) -> list[Answer]:
        is_on = asked.get("on") is True
        first = self.games[0]
        self.link = self.link.replace(second=first.settings if is_on else None, lesson="")
        first.restart()
        self.games = [first, Playground(first.settings)] if is_on else [first]
        return self._begin()

    def _dress(self, asked: Mapping[str, Any]) -> list[Answer]:
        """Set what the address says beside the games."""
        link, hidden = self.link, asked.get("hidden", list(self.link.hidden))
        if not isinstance(hidden, list) or not all(isinstance(name, str) for name in hidden):
            raise BadInput("hidden: expected a list of controls")
        language, lesson = asked.get("language", link.language), asked.get("lesson", link.lesson)
        if not isinstance(language, str) or not isinstance(lesson, str):
            raise BadInput("language and lesson: expected texts")
        speed = asked.get("speed", link.speed)
        self.link = link.replace(hidden=tuple(hidden), lesson=lesson, language=language, speed=speed)
        return [self._state()]

    def _go(self, asked: Mapping[str, Any]) -> list[Answer]:
        self.is_playing, self._due, self._last = asked.get("on") is True, 0.0, monotonic()
        return [self._state()]

    def _move(self, asked: Mapping[str, Any]) -> list[Answer]:
        self.is_playing = False
        player = asked.get("player")
        for game in self.games:
            if player == "both":
                game.play(1)
            else:
                game.move(str(player))
        return [self._frame(self._record()), self._state()]

    def _slow(self, asked: Mapping[str, Any]) -> list[Answer]:
        self.is_playing = False
        told = [
            [{"line": one.line, "turn": one.turn, **frame_of(one)} for one in play_slowly(game)] for game in self.games
        ]
        frame = self._frame(self._record())
        assert isinstance(frame, dict)
        return [{**frame, "is": "phases", "phases": told}, self._state()]

    def _rewind(self, asked: Mapping[str, Any]) -> list[Answer]:
        place = asked.get("place")
        for game in self.games:  # both, or neither
            game.history.at(place)  # type: ignore[arg-type]
        self.is_playing = False
        for game in self.games:
            game.rewind(place)  # type: ignore[arg-type]
        return [self._frame(False), self._state()]

    def _restart(self, asked: Mapping[str, Any]) -> list[Answer]:
        self.is_playing = False
        for game in self.games:
            game.restart()
        return self._begin()

    def _replay(self, asked: Mapping[str, Any]) -> list[Answer]:
        return [replay_html(self.games, self.link)]

    def _begin(self) -> list[Answer]:
        self._due = 0.0
        return [{"is": "begin", "games": [backdrop_of(game) for game in self.games]}, self._state(), self._frame(True)]

    def _state(self) -> Answer:
        link = self.link
        return {
            "is": "state", "fragment": link.fragment(), "settings": [game.settings.as_dict() for game in self.games],
            "hidden": list(link.hidden), "lesson": link.lesson, "language": link.language, "speed": link.speed,
            "playing": self.is_playing,
        }  # fmt: skip

    def _frame(self, changed: bool) -> Answer:
        """The moment at which the games stand; with all columns of the charts where earlier ones have changed."""
        return {"is": "frame", "games": [_frame_of_game(game, changed) for game in self.games]}


def _frame_of_game(game: Playground, changed: bool) -> dict[str, Any]:
    told = {**frame_of(game.history.at(game.place)), "place": game.place, "length": len(game.history)}
    return {**told, "columns": columns_of(game)} if changed else told


DEEDS: dict[str, Callable[[Session, Mapping[str, Any]], list[Answer]]] = {
    "open": Session._open,
    "set": Session._set,
    "compare": Session._compare,
    "dress": Session._dress,
    "go": Session._go,
    "move": Session._move,
    "slow": Session._slow,
    "rewind": Session._rewind,
    "restart": Session._restart,
    "replay": Session._replay,
}
"""What a page may ask for."""
