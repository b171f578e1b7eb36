"""Small games of every kind that the house holds, on which the contract tests and the checks of processes play.

Everything is in float64 and without dropout or batch normalisation, so that processes can be compared to rounding.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from advnets.algorithm import Algorithm1, AlgorithmRow, Extragradient, Simultaneous
from advnets.augmentations import AUGMENTATIONS, Augmentation, PairSigns, RealSigns
from advnets.constraints import clip_weights
from advnets.data import Batches, Split
from advnets.experiment.preparation.game_training import GameTraining
from advnets.games import CycleGame, Game, Weight, class_heads, information, l1
from advnets.games.game import Weights
from advnets.latents import gaussian
from advnets.networks import BatchNorm, Code, Judged, Sizes
from advnets.networks.infogan import CodeHeads
from advnets.objectives import hinge, least_squares, non_saturating, relativistic, wasserstein
from advnets.optimizers import Adam
from advnets.penalties import r1, r1_finite, r2, r2_finite
from advnets.recipes import Descent, Recipe
from advnets.schedules import Bursts, CosineDecay, LinearDecay
from advnets.training import Moment

SHAPE = (1, 6, 6)
BATCH = 12
CLASSES = 3
LATENT = 4


class Maker(nn.Module):
    """z, and a label if it is given one -> an image."""

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        self.classes = classes
        self.layers = nn.Sequential(nn.Linear(LATENT + classes, 8), nn.Tanh(), nn.Linear(8, 36), nn.Unflatten(1, SHAPE))


class PlainMaker(Maker):
    """z -> an image."""

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z.double())


class NormalisedMaker(PlainMaker):
    """z -> an image, with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.layers.insert(1, BatchNorm(8))


class LabelledMaker(Maker):
    """z and a label -> an image."""

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        label = nn.functional.one_hot(given, self.classes)
        return self.layers(torch.cat([z.double(), label.double()], 1))


class LabelledJudge(nn.Module):
    """An image and a label -> a logit."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(36 + CLASSES, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        return self.layers(torch.cat([x.flatten(1), nn.functional.one_hot(given, CLASSES).double()], 1))


class HeadedJudge(nn.Module):
    """An image -> a logit, and beside it what a head tells."""

    def __init__(self, head: str, outputs: int) -> None:
        super().__init__()
        self.head = head
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Tanh())
        self.logit, self.told = nn.Linear(8, 1), nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Judged:
        seen = self.body(x)
        return Judged(self.logit(seen), {self.head: self.told(seen)})


class PairJudge(nn.Module):
    """An image and the one that was given -> a logit a patch."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = patch_judge(2)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        return self.layers(torch.cat([x, given], 1))


class Fading(nn.Module):
    """An augmentation with a buffer: images times p, which a checkpoint must hold."""

    p: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("p", torch.tensor(1.0, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        seen = x * self.p.clone()
        self.p.mul_(0.99)
        return seen


def judge() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 1))


def patch_judge(channels: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.Tanh(), nn.Conv2d(4, 1, 2))


def translator() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 1, 3, padding=1))


def make_cycle(
    there: Weights | None = None, back: Weights | None = None, *, augment: Augmentation | None = None
) -> CycleGame:
    """Two translators and two discriminators, with pools so small that they fill at once, and penalties each way."""
    games = (
        Game(translator(), patch_judge(), least_squares, given="images", penalties=way or {}, augment=deepcopy(augment))
        for way in (there, back)
    )
    return CycleGame(*games, pool=5)


def make_lazy_cycle() -> CycleGame:
    """A penalty each way, by the same name, due at other moves."""
    return make_cycle({r1: Weight(1.0, every=2)}, {r1: Weight(2.0, every=3)})


@dataclass(frozen=True)
class Toy:
    """A game, what it is given, and the algorithm that it is played by."""

    make: Callable[[], Game | CycleGame]
    given: str | None = None
    algorithm: AlgorithmRow = Algorithm1()  # noqa: RUF009 - frozen


def spectral_judge() -> nn.Module:
    """An image -> a logit, each weight over its spectral norm."""
    first, last = nn.Linear(36, 8), nn.Linear(8, 1)
    return nn.Sequential(nn.Flatten(), spectral_norm(first), nn.Tanh(), spectral_norm(last), nn.Flatten(0))


def code_judge() -> nn.Module:
    """An image -> a logit, and what heads tell of the code."""
    return CodeHeads(nn.Sequential(nn.Flatten(), nn.Linear(36, 8)), nn.Linear(8, 1), nn.Linear(8, CODE.size), CODE)


Z, CODE = gaussian(LATENT), Code(2, 1)
BOTH = ("discriminator", "generator")
TOYS: dict[str, Toy] = {
    "labels": Toy(lambda: Game(LabelledMaker(CLASSES), LabelledJudge(), hinge, latent=Z, given="labels"), "labels"),
    "paired images": Toy(
        lambda: Game(translator(), PairJudge(), non_saturating, given="images", ties={"generator": {l1: 10.0}}),
        "images",
    ),
    "cycle": Toy(make_cycle, "images"),
    "cycle at once": Toy(make_cycle, "images", Simultaneous()),
    "lazy cycle": Toy(make_lazy_cycle, "images"),
    "class heads": Toy(
        lambda: Game(
            LabelledMaker(CLASSES), HeadedJudge("classes", CLASSES), non_saturating, latent=Z, given="labels",
            ties={player: {class_heads: 1.0} for player in BOTH},
        ),
        "labels",
    ),
    "information": Toy(
        lambda: Game(
            PlainMaker(), HeadedJudge("continuous", 2), non_saturating, latent=Z,
            ties={player: {information: 0.5} for player in BOTH},
        )
    ),
    "code": Toy(
        lambda: Game(
            PlainMaker(), code_judge(), non_saturating, latent=gaussian(LATENT, CODE),
            ties={player: {information: 1.0} for player in BOTH},
        )
    ),
    "spectral and batch norm": Toy(lambda: Game(NormalisedMaker(), spectral_judge(), hinge, latent=Z)),
    "clipped critic": Toy(
        lambda: Game(
            PlainMaker(), judge(), wasserstein, latent=Z, constraints={"discriminator": {clip_weights: 0.05}}
        ),
        algorithm=Algorithm1(k=Bursts(1, 3, first=2, every=4)),
    ),
    "packed": Toy(
        lambda: Game(
            PlainMaker(), nn.Sequential(nn.Flatten(), nn.Linear(108, 4), nn.Tanh(), nn.Linear(4, 1)), non_saturating,
            latent=Z, pack=3, penalties={r1: 1.0},
        )
    ),
    "patches": Toy(lambda: Game(PlainMaker(), patch_judge(), relativistic, latent=Z, penalties={r1: 1.0, r2: 1.0})),
    "lazy penalty": Toy(
        lambda: Game(PlainMaker(), judge(), non_saturating, latent=Z, penalties={r1: Weight(1.0, every=3)}),
        algorithm=Algorithm1(k=2),
    ),
    "scheduled weight and k": Toy(
        lambda: Game(PlainMaker(), judge(), non_saturating, latent=Z, penalties={r1: LinearDecay(2.0, 0.5)}),
        algorithm=Algorithm1(k=LinearDecay(3.0, 1.0)),
    ),
    "augmented": Toy(lambda: Game(PlainMaker(), judge(), non_saturating, latent=Z, augment=Fading())),
    "augmentation": Toy(
        lambda: Game(
            PlainMaker(), judge(), relativistic, latent=Z, penalties={r1: 0.1, r2_finite: 0.1},
            augment=Augmentation(tuple(AUGMENTATIONS), p=CosineDecay(0.2, 0.9, until=0.5)),
        )
    ),
    "controlled augmentation": Toy(
        lambda: Game(
            PlainMaker(), nn.Sequential(nn.Flatten(), nn.Linear(72, 4), nn.Tanh(), nn.Linear(4, 1)), relativistic,
            latent=Z, pack=2, penalties={r1_finite: Weight(0.1, every=3)},
            augment=Augmentation(
                ("translation", "cutout"), p=0.5, same_for_real_and_fake=True,
                controller=PairSigns(target=0.1, images=200, every=3),
            ),
        )
    ),
    "augmented cycle": Toy(lambda: make_cycle(augment=Augmentation(("mirror", "colour"), p=0.5)), "images"),
    "augmented pairs": Toy(
        lambda: Game(
            translator(), PairJudge(), non_saturating, given="images", penalties={r1: 0.1},
            augment=Augmentation(("mirror", "translation"), controller=RealSigns(images=300)),
        ),
        "images",
    ),
    "extragradient": Toy(
        lambda: Game(PlainMaker(), judge(), non_saturating, latent=Z), algorithm=Extragradient()
    ),
    "shared fakes": Toy(
        lambda: Game(PlainMaker(), judge(), non_saturating, latent=Z), algorithm=Algorithm1(share_fakes=True)
    ),
}  # fmt: skip


def make_split(given: str | None) -> Split:
    """Sixty random images, with labels, or with images that belong to them."""
    rng = torch.Generator().manual_seed(1)
    values, others = torch.randint(0, 256, (2, 60, *SHAPE), generator=rng, dtype=torch.uint8)
    labels = torch.randint(0, CLASSES, (60,), generator=rng) if given == "labels" else None
    return Split(values, labels, others if given == "images" else None)


def make_training(name: str, *, capture: bool = False, parts: int = 1, balanced: bool = False) -> GameTraining:
    """The training of a toy at its first step, the same each time."""
    toy = TOYS[name]
    torch.manual_seed(0)
    game = toy.make()
    for network in game.players.values():
        network.double()
    batches = Batches(
        make_split(toy.given), batch_size=BATCH, seed=3, transform=lambda x: x.double() / 255, balanced=balanced
    )
    descents = {player: Descent(Adam(), rate) for player, rate in zip(BOTH, (0.02, LinearDecay(0.01)), strict=True)}
    recipe = replace(Recipe(), algorithm=toy.algorithm, descents=descents, batch_size=BATCH, accumulate=parts)
    return GameTraining.of(game, batches, recipe, Sizes(SHAPE, LATENT), capture=capture)


def play_steps(training: GameTraining, first: int, last: int, *, of: int = 16) -> GameTraining:
    """Play the steps from number `first` to before `last` of `of`; random numbers depend on the step alone."""
    steps = training.steps(first)
    for number in range(first, last):
        torch.manual_seed(number)
        training.schedule(Moment(number, training.batches.epoch + 1, number / of))
        step = next(steps)
        assert step.number == number
    return training
