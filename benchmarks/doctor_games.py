"""Games for doctor.py: small networks on three kinds of data, and fourteen ways of breaking them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from advnets import data
from advnets.algorithm import Algorithm1, Simultaneous
from advnets.data import Dataset
from advnets.games import Game
from advnets.optimizers import SGD, Adam
from advnets.penalties import gradient_penalty, r1
from advnets.recipes import Average

LATENT, WIDTH, BATCH, NAN_AT = 8, 48, 64, 150


def dense_generator(shape: tuple[int, ...], end: nn.Module, *, norm: bool = True) -> nn.Module:
    """Two hidden layers of ReLUs."""
    d = int(torch.Size(shape).numel())
    layers: list[nn.Module] = []
    for inputs in (LATENT, WIDTH):
        layers += [nn.Linear(inputs, WIDTH), *([nn.BatchNorm1d(WIDTH)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, d), end, nn.Unflatten(1, shape))


def dense_discriminator(d: int, *end: nn.Module) -> nn.Module:
    """Two hidden layers of leaky ReLUs."""
    body = [nn.Linear(d, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, 1)]
    return nn.Sequential(nn.Flatten(), *body, *end)


def conv_generator() -> nn.Module:
    """8 x 8 images from 2 x 2 maps."""
    return nn.Sequential(
        nn.Linear(LATENT, 4 * 16), nn.Unflatten(1, (16, 2, 2)), nn.BatchNorm2d(16), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def conv_discriminator() -> nn.Module:
    """A logit of 8 x 8 images."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(),
        nn.Linear(64, 1),
    )  # fmt: skip


@dataclass
class Plan:
    """One run: its game's parts, and the numbers of its training."""

    dataset: Dataset
    generator: Callable[[], nn.Module]
    discriminator: Callable[[], nn.Module]
    objective: str = "non_saturating"
    penalties: dict[Any, float] = field(default_factory=dict)
    rates: tuple[float, float] = (2e-4, 2e-4)  # discriminator, generator
    optimizer: Any = Adam((0.5, 0.99))  # noqa: RUF009 - frozen
    algorithm: Any = Algorithm1()  # noqa: RUF009 - frozen
    transform: str = "unit"
    average: Average = Average(half_life=2000.0)  # noqa: RUF009 - frozen
    batch: int = BATCH
    probe_factor: int = 1
    before: Callable[[Game], None] | None = None
    at_step: tuple[int, Callable[[Game], None]] | None = None


def digits() -> Plan:
    """Digits by dense networks."""
    shape = (1, 8, 8)
    return Plan(data.load("digits"), lambda: dense_generator(shape, nn.Sigmoid()), lambda: dense_discriminator(64))


def conv() -> Plan:
    """Digits by convolutions."""
    return Plan(data.load("digits"), conv_generator, conv_discriminator, transform="symmetric")


def ring() -> Plan:
    """Eight modes on a circle, by dense networks without batch normalisation."""
    return Plan(
        data.load("ring-8-pacgan"), lambda: dense_generator((2,), nn.Identity(), norm=False),
        lambda: dense_discriminator(2), "relativistic", {r1: 0.1}, rates=(1e-3, 1e-3),
    )  # fmt: skip


ARENAS: dict[str, Callable[[], Plan]] = {"digits": digits, "conv": conv, "ring": ring}
BINDS: dict[str, dict[Any, float]] = {
    "non_saturating": {r1: 0.1}, "hinge": {r1: 0.1}, "least_squares": {r1: 0.1}, "wasserstein": {gradient_penalty: 1.0},
    "relativistic": {r1: 0.1},
}  # fmt: skip


def healthy(arena: str, objective: str) -> Plan:
    """A run on which nothing is broken."""
    plan = ARENAS[arena]()
    k = 3 if objective == "wasserstein" else 1
    return replace(plan, objective=objective, penalties=BINDS[objective], algorithm=Algorithm1(k))


def detached(seen: Any) -> Tensor:
    """R1 of logits whose graph is cut off."""
    slopes: Tensor = torch.autograd.grad(seen.real_logits.sum(), seen.real, retain_graph=True)[0]
    return slopes.flatten(1).square().sum(1).detach()


def kill_units(game: Game) -> None:
    """Push the biases of the generator's first layer far down."""
    next(layer for layer in game.generator.modules() if isinstance(layer, nn.Linear)).bias.data.fill_(-50.0)


def inject_nan(game: Game) -> None:
    """Make a weight a NaN."""
    next(game.generator.parameters()).data.view(-1)[0] = float("nan")


def few_images(plan: Plan) -> Dataset:
    """Forty training images, and all the held-out ones."""
    whole = plan.dataset
    few = whole.train.select(torch.arange(40))
    return replace(whole, train=few, known_digest=None)


def unit_levels(plan: Plan) -> Dataset:
    """Images in [0, 1] that were rounded to whole numbers."""
    splits = {
        name: replace(one, values=(one.values / 255).round().to(torch.uint8))
        for name, one in plan.dataset.splits.items()
    }
    return replace(plan.dataset, **splits)


def turning(plan: Plan) -> Plan:
    """A linear critic without a bound against a shift, both by plain gradient descent at once: they turn for ever.

    It is probed twice as often, for a rhythm has to be seen.
    """

    class Shift(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.place = nn.Parameter(torch.tensor([1.5, 0.0]))

        def forward(self, z: Tensor) -> Tensor:
            return 0.3 * z[:, :2] + self.place

    return replace(
        plan, dataset=data.load("ring-8-pacgan"), generator=Shift, objective="wasserstein", penalties={},
        discriminator=lambda: nn.Linear(2, 1, bias=False), rates=(0.01, 0.01), optimizer=SGD(),
        algorithm=Simultaneous(), transform="unit", average=Average(), probe_factor=2,
    )  # fmt: skip


def broken(way: str, arena: str) -> Plan:
    """A run that is broken in this way."""
    plan = ARENAS[arena]()
    judge, fast, slow = plan.discriminator, plan.rates[0], plan.rates[1]
    end = nn.Sigmoid() if plan.dataset.is_image else nn.Identity()

    def plain() -> nn.Module:
        return dense_generator(plan.dataset.shape, end, norm=False)

    match way:
        case "rates x 100":
            return replace(plan, rates=(100 * fast, 100 * slow))
        case "D frozen":
            return replace(plan, rates=(0.0, slow))
        case "G frozen":
            return replace(plan, rates=(fast, 0.0))
        case "minimax, D too fast":
            return replace(
                plan, objective="minimax", penalties={}, rates=(10 * fast, slow / 4), algorithm=Algorithm1(5)
            )
        case "wrong range":
            if arena == "digits":
                return replace(plan, generator=lambda: dense_generator((1, 8, 8), nn.Tanh()))
            return replace(plan, dataset=unit_levels(plan))
        case "sigmoid D":
            return replace(plan, discriminator=lambda: nn.Sequential(judge(), nn.Sigmoid()))
        case "penalty without effect":
            return replace(plan, penalties={detached: 1.0} if arena == "ring" else {r1: 1e-9})
        case "collapse":
            return replace(
                plan, objective="non_saturating", penalties={}, rates=(fast / 10, 30 * slow), average=Average(),
                generator=plain, transform="unit",
            )  # fmt: skip
        case "few images":
            return replace(plan, dataset=few_images(plan), batch=20, rates=(5 * fast, 5 * slow))
        case "dead units":
            return replace(plan, generator=plain, before=kill_units, transform="unit")
        case "batches of two":
            return replace(plan, batch=2)
        case "NaN":
            return replace(plan, at_step=(NAN_AT, inject_nan))
        case "long average":
            return replace(plan, average=Average(half_life=1e7, ramp=1e9))
        case "turning":
            return turning(plan)
    raise AssertionError(way)


WAYS: dict[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "rates x 100": (("conv", "ring"), ("steps-too-large", "exploding-gradient", "non-finite")),
    "D frozen": (("digits", "ring", "conv"), ("standstill",)),
    "G frozen": (("conv", "ring", "digits"), ("standstill",)),
    "minimax, D too fast": (("digits", "conv"), ("saturation",)),
    "wrong range": (("digits", "conv"), ("data-range",)),
    "sigmoid D": (("digits", "conv"), ("bounded-logits",)),
    "penalty without effect": (("digits", "ring"), ("idle-penalty",)),
    "collapse": (("digits", "ring"), ("collapse",)),
    "few images": (("digits", "conv"), ("memorisation", "discriminator-overfits")),
    "dead units": (("digits", "ring"), ("dead-units",)),
    "batches of two": (("digits", "conv"), ("batch-statistics",)),
    "NaN": (("digits", "ring"), ("non-finite",)),
    "long average": (("digits", "ring"), ("untrained-average",)),
    "turning": (("ring", "ring"), ("cycling",)),
}
"""{way: (where it is broken so, what names it rightly)}, written down before any run was read; thirty games."""
