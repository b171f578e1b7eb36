"""What a training is made of: batches go in, moves and steps come out, and a run can hold its state."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn


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
        """Return the batch's tensors by name.

        Returns:
            {"real": ...}, and "given" where there is something.
        """
        return {"real": self.real} if self.given is None else {"real": self.real, "given": self.given}


@dataclass(frozen=True)
class Move:
    """One descent of one player.

    Attributes:
        step: Number of the step that the move belongs to, from 0.
        player: The player's name in `game.players`.
        losses: Each named part of what was descended, () tensors on the device; their sum is the loss.
        scores: What is only watched, such as "D(x)" and "D(G(z))", () tensors on the device.
    """

    step: int
    player: str
    losses: Mapping[str, Tensor]
    scores: Mapping[str, Tensor]


@dataclass(frozen=True)
class Step:
    """The moves of one step, valid until the next step is asked for.

    Attributes:
        number: The step's number, from 0.
        moves: The moves in the order in which they were made.
    """

    number: int
    moves: tuple[Move, ...]

    def readings(self) -> dict[str, float]:
        """Read every loss and score of the step's last moves, by name; this waits for the device."""
        named: dict[str, Tensor] = {}
        for move in self.moves:
            named |= {f"{move.player}/{name}": value for name, value in move.losses.items()}
            named |= move.scores
        return {name: float(value) for name, value in named.items()}


@dataclass(frozen=True)
class Moment:
    """Where a run stands.

    Attributes:
        step: Updates made so far.
        epoch: The pass over the training data that is under way, 1 in the first.
        progress: Share of the run's budget that is spent, from 0 to 1.
    """

    step: int
    epoch: int
    progress: float


class Position(Protocol):
    """The stream of training batches, as far as a run asks for its position."""

    @property
    def epoch(self) -> int:
        """Number of the pass over the data that is under way, from 0."""


class Training(Protocol):
    """All that a run, its loop and its cost ask of what they train: a game under an algorithm, or a baseline."""

    @property
    def players(self) -> Mapping[str, nn.Module]:
        """The networks that learn, by the player that holds them."""

    @property
    def makers(self) -> Mapping[str, nn.Module]:
        """The networks that are sampled: {"": G}, or one for each way of a cycle."""

    @property
    def device(self) -> torch.device:
        """The device that the networks live on."""

    @property
    def batches(self) -> Position:
        """The training batches."""

    @property
    def stage(self) -> int:
        """Number of the stage that is under way, from 0."""

    def steps(self, start: int) -> Iterator[Step]:
        """Yield the steps from number `start` on, without end."""

    def schedule(self, moment: Moment) -> None:
        """Set every number that changes with the run to its value at a moment; called before each step."""

    def moment_of_stage(self, moment: Moment) -> Moment:
        """Return a moment of the run as it counts from the beginning of the stage that is under way."""

    def is_next_stage_due(self, share: float) -> bool:
        """Return whether the next stage begins at this share of the run's budget."""

    def begin_next_stage(self, step: int) -> None:
        """Begin the next stage at this step. Raises BadInput where there is none, or it cannot be built."""

    def state(self) -> dict[str, Any]:
        """Return all that the next step depends on, as nested dicts of tensors and JSON scalars."""

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned. Raises BadInput if it is of other networks."""

    def draw_latent(self, n: int, rng: torch.Generator | None = None) -> Tensor | None:
        """Draw n noises z for the makers, (n, latent_size); None where they take no noise."""
