"""What a training is made of: batches go in, moves and steps come out, and a run can hold its state."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Real samples x drawn from p_data, on the device, and what the networks are given beside them.

    Attributes:
        real: Images (batch, channels, height, width) or points (batch, d), as the networks see them.
        given: Labels (batch,) int64, or images (batch, channels, height, width), or None.
    """

    real: Tensor
    given: Tensor | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Return the batch's tensors by name."""
        return {"real": self.real} if self.given is None else {"real": self.real, "given": self.given}


@dataclass(frozen=True)
class Move:
    """One descent of one player.

    step: number of the step that this move belongs to, from 0.
    player: the name in `game.players`.
    losses: each named part of what was descended, () tensors on the device; their sum is the loss.
    scores: what is only watched, such as "D(x)" and "D(G(z))", () tensors on the device.
    """

    step: int
    player: str
    losses: Mapping[str, Tensor]
    scores: Mapping[str, Tensor]


@dataclass(frozen=True)
class Step:
    """The moves of one step, valid until the next is asked for; a scalar is read only when it is wanted."""

    number: int
    moves: tuple[Move, ...]

    def readings(self) -> dict[str, float]:
        """Every loss and score of the step's last moves as floats, by name; waits for the device."""
        named: dict[str, Tensor] = {}
        for move in self.moves:
            named |= {f"{move.player}/{name}": value for name, value in move.losses.items()}
            named |= move.scores
        return {name: float(value) for name, value in named.items()}


class Training(Protocol):
    """What a run runs: a game under an algorithm, or a baseline."""

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on, without end."""

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, as nested dicts of tensors and JSON scalars."""

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""

    def sample(self, n: int, rng: Any) -> Tensor:
        """n samples of the model as its networks emit them."""
