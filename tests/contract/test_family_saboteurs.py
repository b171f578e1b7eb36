"""What each recipe of the family stands on, checked on narrow nets, and saboteurs that each check must notice."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.parametrizations import _SpectralNorm

import tiny
from advnets import penalties
from advnets.data import load
from advnets.errors import AdvnetsError
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import Game, rows
from advnets.games.sight import Sight
from advnets.networks import Sizes
from advnets.networks.acgan import BesideOneHot
from advnets.networks.resnet import FirstDownBlock
from advnets.recipes import RECIPES
from advnets.training import Batch

Patch = pytest.MonkeyPatch


def play(name: str) -> tuple[Game, Batch]:
    """The game of a recipe with narrow nets, in float64, and a batch of digits."""
    torch.manual_seed(0)
    recipe = tiny.with_learner(tiny.narrow(RECIPES[name]), precision="float32")
    training = build_game_training(recipe, load("digits"), seed=0, device=torch.device("cpu"))
    game = training.game
    assert isinstance(game, Game)
    for network in game.players.values():
        network.double()
    batch = next(iter(training.batches))
    return game, Batch(batch.real[:16].double(), None if batch.given is None else batch.given[:16])


def labels() -> None:
    """Fakes are made of the batch's own labels, which change them; and the class heads are paid for these."""
    game, batch = play("acgan")
    draw = game.draw(batch, ("discriminator",))
    draw = draw._replace(z=draw.z.double())
    assert draw.given is not None
    assert batch.given is not None
    assert draw.given.equal(batch.given)
    generator = game.generator.eval()
    assert not torch.allclose(generator(draw.z, draw.given), generator(draw.z, (draw.given + 1) % 10))
    game.discriminator.eval()  # without dropout, so that heads can be computed again
    losses = game.terms(("discriminator",), batch, draw, 0)["discriminator"].losses
    heads = [game.judge(x).heads["classes"] for x in (batch.real, generator(draw.z, batch.given))]
    expected = cross_entropy(heads[0], batch.given) + cross_entropy(heads[1], batch.given)
    assert losses["class_heads"].item() == pytest.approx(expected.item(), rel=1e-9)


def clip() -> None:
    game, _ = play("wgan")
    assert max(theta.abs().max().item() for theta in game.discriminator.parameters()) > 0.05
    game.constrain("discriminator")
    assert max(theta.abs().max().item() for theta in game.discriminator.parameters()) <= 0.01


def penalty() -> None:
    """The critic's gradient, penalty included, is the slope of its loss by finite differences."""
    game, batch = play("wgan-gp")

    def loss() -> Tensor:
        torch.manual_seed(1)
        draw = game.draw(batch, ("discriminator",))
        losses = game.terms(("discriminator",), batch, draw._replace(z=draw.z.double()), 0)["discriminator"].losses
        assert losses["gradient_penalty"] > 0
        return losses["gradient_penalty"]

    thetas = list(game.discriminator.parameters())
    way = [torch.randn_like(theta) for theta in thetas]
    slopes = torch.autograd.grad(loss(), thetas, allow_unused=True)
    found = sum(float((slope * step).sum()) for slope, step in zip(slopes, way, strict=True) if slope is not None)
    ends = []
    for sign in (1, -1):
        with torch.no_grad():
            for theta, step in zip(thetas, way, strict=True):
                theta += sign * 1e-6 * step
        ends.append(loss().item())
        with torch.no_grad():
            for theta, step in zip(thetas, way, strict=True):
                theta -= sign * 1e-6 * step
    assert found == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-3)


def spectral_norms() -> None:
    """However the weights grow, a few passes later the largest singular value of what multiplies is 1."""
    game, batch = play("sngan")
    with torch.no_grad():
        for theta in game.discriminator.parameters():
            theta.mul_(7).add_(torch.randn_like(theta))
    for _ in range(200):
        game.discriminator(batch.real)
    block = next(layer for layer in game.discriminator.modules() if isinstance(layer, FirstDownBlock))
    norm = np.linalg.svd(block.first.weight.detach().flatten(1).numpy(), compute_uv=False)[0]
    assert norm == pytest.approx(1, abs=1e-3)


def packs() -> None:
    """A logit judges two samples, and depends on both."""
    game, batch = play("packed")
    pairs = batch.real.reshape(8, 2, 8, 8)
    assert game._sight.pack == 2
    logits = game.judging_terms(batch, game.draw(batch, ("discriminator",)), batch.real.flip(0))
    assert torch.isfinite(logits.losses["objective"])
    game.discriminator.eval()
    other = pairs.clone()
    other[:, 1] += 1
    assert game.critic(pairs).shape == (8,)
    assert not torch.isclose(game.critic(pairs), game.critic(other)).any()


def code() -> None:
    """Both players are paid for the code: the discriminator for telling it, the generator for showing it."""
    game, batch = play("infogan")
    for player in ("discriminator", "generator"):
        draw = game.draw(batch, (player,))
        terms = game.terms((player,), batch, draw._replace(z=draw.z.double()), 0)[player]
        slopes = torch.autograd.grad(
            terms.losses["information"], list(game.players[player].parameters()), allow_unused=True
        )
        assert max(float(slope.abs().max()) for slope in slopes if slope is not None) > 1e-6
        # Codes told at random: log 10 for the category, 1/6 for each continuous coordinate.
        assert terms.losses["information"].item() == pytest.approx(np.log(10) + 2 / 6, abs=0.5)


CHECKS: dict[str, Callable[[], None]] = {
    "labels": labels, "clip": clip, "penalty": penalty, "spectral norms": spectral_norms, "packs": packs, "code": code,
}  # fmt: skip


def drop_label(patch: Patch) -> None:
    def forward(self: BesideOneHot, z: Tensor, given: Tensor) -> Tensor:
        samples: Tensor = self.generator(torch.cat([z, torch.zeros(len(z), self.classes, dtype=z.dtype)], 1))
        return samples

    patch.setattr(BesideOneHot, "forward", forward)


def shift_label(patch: Patch) -> None:
    given_of = Game._given_of
    patch.setattr(Game, "_given_of", lambda self, batch: (given_of(self, batch) + 1) % 10)


def never_clip(patch: Patch) -> None:
    patch.setattr(Game, "constrain", lambda self, player: None)


def detach_penalty(patch: Patch) -> None:
    slope = penalties.input_gradient
    patch.setattr(penalties, "input_gradient", lambda logits, x: slope(logits, x).detach().requires_grad_())


def freeze_u(patch: Patch) -> None:
    patch.setattr(_SpectralNorm, "_power_method", lambda self, weight, iterations: None)


def pack_one(patch: Patch) -> None:
    patch.setattr(Sizes, "of_packs", lambda self, pack: self)
    patch.setattr(Sight, "__init__", lambda self, augment, pack: self.__dict__.update(augment=augment, pack=1))


def pay_one_player(player: str) -> Callable[[Patch], None]:
    build = rows.AdversarialRow.build

    def build_without(self: Any, sizes: Any, device: torch.device) -> Game:
        game = build(self, sizes, device)
        game._tied[player].rows.clear()
        return game

    return lambda patch: patch.setattr(rows.AdversarialRow, "build", build_without)


SABOTEURS: dict[str, tuple[Callable[[Patch], None], str]] = {
    "the label is dropped": (drop_label, "labels"),
    "the label is shifted": (shift_label, "labels"),
    "the clip is never applied": (never_clip, "clip"),
    "the penalty is detached": (detach_penalty, "penalty"),
    "u is frozen": (freeze_u, "spectral norms"),
    "a pack of one": (pack_one, "packs"),
    "the code is paid to the generator alone": (pay_one_player("discriminator"), "code"),
    "the code is paid to the discriminator alone": (pay_one_player("generator"), "code"),
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_passes_without_a_saboteur(check: str) -> None:
    CHECKS[check]()


@pytest.mark.parametrize("name", SABOTEURS)
def test_a_saboteur_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage, check = SABOTEURS[name]
    sabotage(monkeypatch)
    with pytest.raises((AssertionError, AdvnetsError, KeyError)):
        CHECKS[check]()
