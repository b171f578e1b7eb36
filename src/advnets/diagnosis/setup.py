"""The setup of a run: what it plays already, so that no remedy names what is there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

OF_THE_GAME = {
    "objective": "objective=advnets.{} in your Game", "penalty": "penalties={{advnets.{}: {}}} in your Game",
    "pack": "pack={} in your Game", "augment.parts": "augment=advnets.Augmentation({}) in your Game",
    "constraint": "constraints= in your Game",
}  # fmt: skip
"""What a game of one's own is told in Python, where a recipe's is told by a flag."""


@dataclass(frozen=True)
class Rate:
    """A player's rate, as the command takes it.

    Attributes:
        now: What it is.
        lower: A tenth of it.
        higher: Ten times as much.
        is_zero: Whether the player never moves by it.
        published: The rate that the recipe of that name has, in words, where it is a lower one; "" elsewhere.
    """

    now: str
    lower: str
    higher: str
    is_zero: bool = False
    published: str = ""


@dataclass(frozen=True)
class Setup:
    """What a run plays, and by which numbers. None, "" and empty ones stand for what is not known or not there.

    Attributes:
        objective: Row of OBJECTIVES.
        rates: {player: rate}.
        betas: {player: the first beta}, where its optimizer is Adam.
        algorithm: Row of ALGORITHMS.
        k: Moves of the discriminator a step.
        batch_size: Real samples a move.
        penalties: {row of PENALTIES: weight, as text}.
        augment: Parts of the augmentation.
        pack: Samples that the discriminator judges as one.
        half_life: Of the average, as text.
        ramp: Of the average.
        precision: Type of the networks' products.
        names: What flags of the command can change of the recipe, such as "algorithm.k"; None where that is not known.
        is_image: Whether the data are images.
        is_own: Whether the networks and their game are the user's own, so that no flag changes the game.
    """

    objective: str | None = None
    rates: Mapping[str, Rate] = field(default_factory=dict)
    betas: Mapping[str, float] = field(default_factory=dict)
    algorithm: str | None = None
    k: int | None = None
    batch_size: int | None = None
    penalties: Mapping[str, str] = field(default_factory=dict)
    augment: tuple[str, ...] = ()
    pack: int | None = None
    half_life: str = ""
    ramp: float | None = None
    precision: str = ""
    names: frozenset[str] | None = None
    is_image: bool = True
    is_own: bool = False

    def has(self, name: str) -> bool:
        """Return whether this run's game has such a number, told by a flag or, of one's own, in Python.

        Args:
            name: What a flag of the command changes, such as "algorithm.k".

        Returns:
            True if the game has it, or if it is not known what the game has.
        """
        return self.names is None or name in self.names or (self.is_own and name in OF_THE_GAME)


UNKNOWN = Setup()
"""Of a run of which nothing is known: remedies name flags, and no number."""
