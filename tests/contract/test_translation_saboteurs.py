"""The losses of pix2pix and CycleGAN are those of the maintained port, and saboteurs that the check must notice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

import tiny
from advnets.data import Dataset, Split
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import CycleGame, Game
from advnets.games.pool import Pool
from advnets.networks import Pix2pixGenerator
from advnets.recipes import RECIPES, Recipe
from advnets.schedules import value_at
from advnets.training import Batch, Moment

BOTH = ("discriminator", "generator")


def images(seed: int) -> Tensor:
    return torch.randint(0, 256, (12, 1, 8, 8), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def play(recipe: Recipe) -> tuple[Any, Batch]:
    """The game of a recipe with narrow nets in float64 and without dropout, and a batch of three."""
    torch.manual_seed(0)
    split = Split(images(0), None, images(1))
    recipe = replace(tiny.narrow(recipe), batch_size=3)
    data = Dataset("pairs", split, split, split, None, "")
    training = build_game_training(recipe, data, seed=0, device=torch.device("cpu"))
    for network in training.game.players.values():
        network.double()
    batch = next(iter(training.batches))
    assert batch.given is not None
    return training.game, Batch(batch.real.double(), batch.given.double())


def loss_of(loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor, label: float) -> Tensor:
    return loss(logits, torch.full_like(logits, label))


def check_pix2pix(recipe: Recipe) -> None:
    """D: half of both cross-entropies; G: its own, and 100 times the mean absolute difference."""
    learner: Any = recipe.learner
    recipe = replace(recipe, learner=replace(learner, generator=Pix2pixGenerator(dropout=0)))
    game, batch = play(recipe)
    assert isinstance(game, Game)
    a, b = batch.given, batch.real
    assert a is not None
    fake, d, bce = game.generator(a), game.discriminator, binary_cross_entropy_with_logits
    judging = (loss_of(bce, d(b, a), 1) + loss_of(bce, d(fake, a), 0)) / 2
    making = loss_of(bce, d(fake, a), 1) + 100 * l1_loss(fake, b)
    compare(game, batch, judging, making)


def check_cyclegan(recipe: Recipe) -> None:
    """D: half of both squares, each way; G: squares, 10 times both cycles and 5 times both identities, all halved."""
    game, batch = play(recipe)
    assert isinstance(game, CycleGame)
    a, b = batch.given, batch.real
    assert a is not None
    there, back = game.makers["there"], game.makers["back"]
    judge_b, judge_a = game.there.discriminator, game.back.discriminator
    fake_b, fake_a = there(a), back(b)
    making = loss_of(mse_loss, judge_b(fake_b), 1) + loss_of(mse_loss, judge_a(fake_a), 1)
    making = making + 10 * (l1_loss(back(fake_b), a) + l1_loss(there(fake_a), b))
    making = making + 5 * (l1_loss(there(b), b) + l1_loss(back(a), a))
    pairs = ((judge_b, b, fake_b), (judge_a, a, fake_a))
    judging: Any = sum((loss_of(mse_loss, d(x), 1) + loss_of(mse_loss, d(fake), 0)) / 2 for d, x, fake in pairs)
    compare(game, batch, judging, making / 2)  # our least squares are half of the port's: Adam does not see it


def compare(game: Any, batch: Batch, judging: Tensor, making: Tensor) -> None:
    for player, expected in zip(BOTH, (judging, making), strict=True):
        terms = game.terms((player,), batch, game.draw(batch, (player,)), 0)
        found: Any = sum(loss.detach() for loss in terms[player].losses.values())
        assert float(found) == pytest.approx(float(expected.detach()), rel=1e-9)


def check_pool(recipe: Recipe) -> None:
    """After the pools are full, D judges about as many old fakes as new ones; 16 of 32 are 10 to 22."""
    learner: Any = recipe.learner
    assert learner.pool == 50
    game, batch = play(replace(recipe, learner=replace(learner, pool=3)))
    pool = game.players["discriminator"].get_submodule("pool_there")
    assert isinstance(pool, Pool)
    torch.manual_seed(0)
    judged: list[Tensor] = []
    game.there.discriminator.register_forward_pre_hook(lambda _, given: judged.append(given[0]))
    new = 0
    for turn in range(33):
        draw = game.draw(batch, BOTH[:1])
        one = Batch(batch.real[:1] + turn / 40, draw.given[:1] - turn / 40)
        game.terms(BOTH[:1], one, draw._replace(given=one.given), 0)
        fake = game.makers["there"](one.given)
        new += any(torch.equal(fake[0], x) for x in judged.pop())
    assert 13 <= new <= 25  # three while it fills


def check_rates(recipe: Recipe) -> None:
    """Constant for one half of the run, and to 0 in the other."""
    for descent in recipe.descents.values():
        found = [value_at(descent.rate, Moment(0, 1, progress)) for progress in (0.0, 0.5, 0.75, 1.0)]
        assert found == pytest.approx([2e-4, 2e-4, 1e-4, 0.0])
        assert descent.optimizer.betas == (0.5, 0.999)  # type: ignore[union-attr]
    assert recipe.batch_size == 1


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan"])
def test_rates_are_those_of_the_port(name: str) -> None:
    check_rates(RECIPES[name])


def test_the_losses_of_pix2pix_are_those_of_the_port() -> None:
    check_pix2pix(RECIPES["pix2pix"])


def test_the_losses_of_cyclegan_are_those_of_the_port() -> None:
    check_cyclegan(RECIPES["cyclegan"])


def test_the_pool_of_cyclegan_is_used() -> None:
    check_pool(RECIPES["cyclegan"])


def changed(name: str, **fields: Any) -> Recipe:
    learner: Any = RECIPES[name].learner
    return replace(RECIPES[name], learner=replace(learner, **fields))


SABOTEURS: dict[str, tuple[Callable[[Recipe], None], Callable[[], Recipe]]] = {
    "D's half lost": (check_pix2pix, lambda: changed("pix2pix", objective="non_saturating")),
    "half the l1": (check_pix2pix, lambda: changed("pix2pix", ties={"generator": {"l1": 50.0}})),
    "a wrong cycle weight": (check_cyclegan, lambda: changed("cyclegan", cycle=10.0)),
    "identity off": (check_cyclegan, lambda: changed("cyclegan", identity=0.0)),
    "another objective": (check_cyclegan, lambda: changed("cyclegan", objective="non_saturating_halved")),
    "another pool": (check_pool, lambda: changed("cyclegan", pool=10)),
    "a constant rate": (check_rates, lambda: tiny.with_descents(RECIPES["pix2pix"], rate=2e-4)),
}


@pytest.mark.parametrize("name", SABOTEURS)
def test_every_saboteur_is_caught(name: str) -> None:
    check, sabotage = SABOTEURS[name]
    with pytest.raises(AssertionError):
        check(sabotage())


def test_a_pool_that_is_never_used_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pool, "exchange", lambda self, fakes: fakes.detach())
    with pytest.raises(AssertionError):
        check_pool(RECIPES["cyclegan"])


def test_a_cycle_that_comes_back_by_the_same_way_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """|G(G(a)) - a| in place of |F(G(a)) - a|."""
    make = CycleGame._make
    same = {"there": "back", "back": "there"}
    monkeypatch.setattr(CycleGame, "_make", lambda self, way, x: make(self, same[way], x))
    with pytest.raises(AssertionError):
        check_cyclegan(RECIPES["cyclegan"])
