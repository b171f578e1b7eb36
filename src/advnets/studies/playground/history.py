"""The past of a game: pictures to scrub through, each with all that the game goes on from, in bounded memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from advnets.errors import BadInput

State = TypeVar("State")

MOST = 400
"""Moments that are kept."""
BUDGET = 64 * 2**20
"""Bytes that all kept moments may take."""
LEAST = 16


@dataclass(frozen=True)
class Moment(Generic[State]):
    """One moment of a game.

    Attributes:
        numbers: Steps, moves, losses and measures by name.
        arrays: What is drawn, by name: bytes as the page reads them.
        state: What the game goes on from.
        size: Bytes that the moment takes.
    """

    numbers: Mapping[str, Any]
    arrays: Mapping[str, bytes]
    state: State
    size: int


class History(Generic[State]):
    """Moments in the order of the game: when there are too many, every second one is let go, and fewer are added.

    So what is kept is spread evenly over the whole game, and the first and the newest moment are always among it.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[int, Moment[State]]] = []
        self._stride, self._count = 1, 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Moment[State]]:
        return (moment for _, moment in self._kept)

    def add(self, moment: Moment[State]) -> bool:
        """Add the newest moment.

        Args:
            moment: The moment.

        Returns:
            Whether older moments were let go, so that places have changed.
        """
        has_replaced = bool(self._kept) and self._kept[-1][0] % self._stride != 0
        if has_replaced:
            self._kept.pop()
        self._kept.append((self._count, moment))
        self._count += 1
        thinned = False
        while len(self._kept) > self._limit():
            self._stride *= 2
            newest = self._kept[-1]
            self._kept = [one for one in self._kept[:-1] if one[0] % self._stride == 0] + [newest]
            thinned = True
        return thinned or has_replaced

    def at(self, place: int) -> Moment[State]:
        """Return a moment.

        Args:
            place: Its place, from 0; the newest is the last.

        Raises:
            BadInput: If there is none.
        """
        self._expect(place)
        return self._kept[place][1]

    def forget_after(self, place: int) -> None:
        """Let go of all moments after a place, from which the game then goes on.

        Args:
            place: The place.

        Raises:
            BadInput: If there is none.
        """
        self._expect(place)
        del self._kept[place + 1 :]
        self._count = self._kept[-1][0] + 1

    def columns(self) -> dict[str, list[Any]]:
        """Return the numbers of all moments, by name, None where a moment has no such number."""
        names = dict.fromkeys(name for moment in self for name in moment.numbers)
        return {name: [moment.numbers.get(name) for moment in self] for name in names}

    def _limit(self) -> int:
        return max(LEAST, min(MOST, BUDGET // max(moment.size for moment in self)))

    def _expect(self, place: int) -> None:
        if type(place) is not int or not 0 <= place < len(self._kept):
            raise BadInput(f"place is {str(place)[:40]}; expected a whole number from 0 to {len(self._kept) - 1}")
