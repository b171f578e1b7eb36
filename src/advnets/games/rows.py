"""Rows of games: frozen numbers that build a game for a data set, so that a recipe can hold one and a file store it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch

from advnets.augmentations import AugmentationRow
from advnets.constraints import CONSTRAINTS
from advnets.errors import BadInput, unknown
from advnets.games.cycle import CycleGame
from advnets.games.game import SIDES, Game
from advnets.games.playable import PRECISIONS
from advnets.games.precision import AUTO, settle_precision
from advnets.games.ties import TIES
from advnets.games.weights import Weight, as_weight
from advnets.latents import LATENTS, Latent
from advnets.networks import NO_CODE, Code, DiscriminatorRow, GeneratorRow, Sizes
from advnets.objectives import OBJECTIVES
from advnets.penalties import PENALTIES
from advnets.schedules import Number


class Learner(Protocol):
    """What a recipe trains: the row of a game or of a baseline.

    Attributes:
        latent: The prior of z, a row of LATENTS.
        latent_size: Coordinates of z; 0 where there is no noise.
    """

    latent: str
    latent_size: int

    def makers(self) -> Mapping[str, Any]:
        """Return the rows of the networks that are sampled, by way: {"": row}.

        Returns:
            {way: row}, where "" is the only way of a learner that has one.
        """


@dataclass(frozen=True)
class AdversarialRow:
    """A game of two networks.

    Attributes:
        generator: The generator's row and settings.
        discriminator: The discriminator's row and settings.
        objective: What each player wants, a row of OBJECTIVES.
        latent: The prior of z, a row of LATENTS.
        latent_size: Coordinates of z, 0 for no noise.
        code: What the last coordinates of z are, which heads of the discriminator are to tell.
        given: What the networks see beside z or x: "labels", "images" or None.
        penalties: {row of PENALTIES: weight}, added to the discriminator's loss.
        ties: {player: {row of TIES: weight}}, added to that player's loss.
        constraints: {player: {row of CONSTRAINTS: bound}}, applied after the player's move.
        augment: What the discriminator sees real and fake images through.
        pack: Samples that the discriminator judges as one.
        precision: Type of the networks' products in training: a row of PRECISIONS, or "auto", which takes bfloat16
            where the device multiplies it natively, as `settle_precision` measures.

    Raises:
        BadInput: For a row that does not exist, or a number out of its range.
    """

    generator: GeneratorRow
    discriminator: DiscriminatorRow
    objective: str = "non_saturating"
    latent: str = "gaussian"
    latent_size: int = 100
    code: Code = NO_CODE
    given: str | None = None
    penalties: Mapping[str, Weight | Number] = field(default_factory=dict)
    ties: Mapping[str, Mapping[str, Weight | Number]] = field(default_factory=dict)
    constraints: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    augment: AugmentationRow = AugmentationRow()  # noqa: RUF009 - frozen
    pack: int = 1
    precision: str = "float32"

    def __post_init__(self) -> None:
        _expect_row("objective", self.objective, OBJECTIVES)
        _expect_row("latent", self.latent, LATENTS)
        _expect_row("precision", self.precision, (*PRECISIONS, AUTO))
        _expect_augmentation(self.augment)
        for penalty, weight in self.penalties.items():
            _expect_row("penalty", penalty, PENALTIES)
            as_weight(weight)
        for what, table, bound in (("tie", TIES, self.ties), ("constraint", CONSTRAINTS, self.constraints)):
            for player, rows in bound.items():
                _expect_row("player", player, SIDES)
                for name in rows:
                    _expect_row(what, name, table)
        for name, least in (("latent_size", 0), ("pack", 1)):
            if type(getattr(self, name)) is not int or getattr(self, name) < least:
                raise BadInput(f"{name} is {getattr(self, name)!r}; expected a whole number of at least {least}")

    def makers(self) -> Mapping[str, GeneratorRow]:
        """Return the generator's row, by way.

        Returns:
            {"": row}.
        """
        return {"": self.generator}

    def build(self, sizes: Sizes, device: torch.device) -> Game:
        """Build the game, its networks sized to the data; initial weights come from torch's default generator.

        Args:
            sizes: What the data say; the latent size is the row's own.
            device: Where the networks go.

        Returns:
            The game.

        Raises:
            BadInput: If the networks cannot be built in these sizes.
        """
        sizes = replace(sizes, code=self.code)
        generator = self.generator.build(sizes).to(device)
        augment = self.augment.build()
        return Game(
            generator,
            self.discriminator.build(sizes.of_packs(self.pack)).to(device),
            OBJECTIVES[self.objective],
            latent=self._latent(),
            given=self.given,  # type: ignore[arg-type]  # the game checks it
            penalties={PENALTIES[name]: weight for name, weight in self.penalties.items()},
            ties={who: {TIES[name]: weight for name, weight in tied.items()} for who, tied in self.ties.items()},
            constraints={
                who: {CONSTRAINTS[name]: bound for name, bound in bounds.items()}
                for who, bounds in self.constraints.items()
            },
            augment=None if augment is None else augment.to(device),
            pack=self.pack,
            precision=PRECISIONS[settle_precision(self.precision, device)],
        )

    def _latent(self) -> Latent | None:
        return LATENTS[self.latent](self.latent_size, self.code) if self.latent_size else None


@dataclass(frozen=True)
class CycleRow:
    """A game of two translators, there and back, alike but for their data.

    Attributes:
        generator: The generators' row and settings, which make images of given images.
        discriminator: The discriminators' row and settings.
        objective: What each player wants, a row of OBJECTIVES.
        cycle: Weight of the way there and back, 0 or more.
        identity: Weight of leaving images of the right kind as they are, 0 or more.
        pool: Earlier fakes that each discriminator is shown, 0 or more.
        augment: What each discriminator sees real and fake images through.
        precision: Type of the networks' products in training, as in `AdversarialRow`.

    Raises:
        BadInput: For a row that does not exist.
    """

    generator: GeneratorRow
    discriminator: DiscriminatorRow
    objective: str = "least_squares"
    cycle: float = 10.0
    identity: float = 5.0
    pool: int = 50
    augment: AugmentationRow = AugmentationRow()  # noqa: RUF009 - frozen
    precision: str = "float32"
    latent = "gaussian"
    latent_size = 0
    given = "images"

    def __post_init__(self) -> None:
        _expect_row("objective", self.objective, OBJECTIVES)
        _expect_row("precision", self.precision, (*PRECISIONS, AUTO))
        _expect_augmentation(self.augment)

    def makers(self) -> Mapping[str, GeneratorRow]:
        """Return the generators' row, by way.

        Returns:
            {"there": row, "back": the same row}.
        """
        return {"there": self.generator, "back": self.generator}

    def build(self, sizes: Sizes, device: torch.device) -> CycleGame:
        """Build the game, as `AdversarialRow.build` does.

        Args:
            sizes: What the data say.
            device: Where the networks go.

        Returns:
            The game.

        Raises:
            BadInput: If both kinds of images are not of one shape, or the networks cannot be built in it.
        """
        if sizes.given_shape is not None and sizes.given_shape != sizes.shape:
            raise BadInput(
                f"a cycle: found images of shape {sizes.given_shape} and of {sizes.shape}; expected one shape, for "
                "what is made one way is translated back. Read both alike, by --image-channels and --image-size."
            )
        there = AdversarialRow(
            self.generator, self.discriminator, self.objective, latent_size=0, given="images", augment=self.augment,
            precision=self.precision,
        )  # fmt: skip
        games = (there.build(sizes, device), there.build(sizes, device))
        return CycleGame(*games, cycle=self.cycle, identity=self.identity, pool=self.pool)


def _expect_row(what: str, name: Any, table: Any) -> None:
    if name not in table:
        raise unknown(what, str(name), table)


def _expect_augmentation(found: Any) -> None:
    if not isinstance(found, AugmentationRow):
        raise BadInput(
            f"augment is {found!r}; expected a row such as AugmentationRow(parts=('mirror', 'translation')), which "
            "without parts stands for none"
        )
