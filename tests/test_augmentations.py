"""Augmentations: each map against plain numpy, what a move sees through them, and the controllers of p."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from advnets.augmentations import AUGMENTATIONS, Augmentation, AugmentationRow, PairSigns, RealSigns
from advnets.cli.flags.recipe_flags import choose_typed_rows
from advnets.errors import BadInput
from advnets.games import Draw, Game, describe_game
from advnets.games.sight import Seen, Sight
from advnets.latents import gaussian
from advnets.objectives import non_saturating, relativistic
from advnets.penalties import input_gradient, r1, r1_finite, r2, r2_finite
from advnets.recipes import RECIPES, from_json, to_json
from advnets.recipes.changes import with_values
from advnets.schedules import CosineDecay
from advnets.training import Batch, Moment

SHAPES = [(5, 1, 6, 6), (5, 3, 9, 4), (3, 4, 16, 8)]
every_map = pytest.mark.parametrize("part", AUGMENTATIONS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def images(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def oracle(part: str, x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """One image, pixel by pixel, from the words of the paper."""
    _, h, w = x.shape
    y = np.zeros_like(x)
    if part == "colour":
        y = x + (u[0] - 0.5)
        for i in range(h):
            for j in range(w):
                grey = y[:, i, j].mean()
                y[:, i, j] = grey + 2 * u[1] * (y[:, i, j] - grey)
        return y.mean() + (0.5 + u[2]) * (y - y.mean())
    most = [round(size / 8 + 1e-9) for size in (h, w)]
    moves = [int(np.floor(u[a] * (2 * most[a] + 1))) - most[a] for a in (0, 1)] if part == "translation" else [0, 0]
    cut = [-(-size // 2) for size in (h, w)]
    firsts = [int(np.floor(u[a] * (x.shape[1 + a] + 1 - cut[a] % 2))) - cut[a] // 2 for a in (0, 1) if len(u) > 1]
    for i in range(h):
        for j in range(w):
            if part == "mirror":
                y[:, i, j] = x[:, i, w - 1 - j] if u[0] < 0.5 else x[:, i, j]
            elif part == "translation":
                a, b = i - moves[0], j - moves[1]
                y[:, i, j] = x[:, a, b] if 0 <= a < h and 0 <= b < w else 0
            else:
                inside = firsts[0] <= i < firsts[0] + cut[0] and firsts[1] <= j < firsts[1] + cut[1]
                y[:, i, j] = 0 if inside else x[:, i, j]
    return y


def numbers(part: str, n: int, seed: int = 1) -> Tensor:
    return torch.rand(n, AUGMENTATIONS[part].numbers, generator=torch.Generator().manual_seed(seed)).double()


@every_map
@every_shape
def test_a_map_is_the_plain_one_of_each_image(part: str, shape: tuple[int, ...]) -> None:
    x = images(shape)
    for seed in range(4):
        u = numbers(part, len(x), seed)
        expected = np.stack([oracle(part, *pair) for pair in zip(x.numpy(), u.numpy(), strict=True)])
        torch.testing.assert_close(AUGMENTATIONS[part].apply(x, u), torch.from_numpy(expected), rtol=0, atol=1e-12)


@every_map
def test_its_gradient_is_that_of_central_differences_and_is_differentiable_again(part: str) -> None:
    x, u = images((2, 3, 4, 4)).requires_grad_(), numbers(part, 2)
    assert torch.autograd.gradcheck(lambda x: AUGMENTATIONS[part].apply(x, u), (x,))
    assert torch.autograd.gradgradcheck(lambda x: AUGMENTATIONS[part].apply(x, u), (x,))


@every_map
def test_the_numbers_reach_both_ends(part: str) -> None:
    """u just below 1 and u = 0 stay in the image: float32 rounds products of them up to the next whole number."""
    x = images((2, 1, 64, 64)).float()
    u = torch.tensor([[0.0], [1 - 2**-24]]).expand(2, AUGMENTATIONS[part].numbers)
    torch.testing.assert_close(
        AUGMENTATIONS[part].apply(x, u)[1], torch.from_numpy(oracle(part, x[1].numpy(), u[1].double().numpy())).float(),
        rtol=0, atol=1e-5,
    )  # fmt: skip


def test_strengths_are_those_of_the_paper() -> None:
    """10,000 draws at 16 x 16: moves -2 to 2 alike often; cut squares of 8 x 8 at most; half are mirrored."""
    torch.manual_seed(0)
    ramp = torch.arange(1.0, 257).view(1, 1, 16, 16).expand(10_000, -1, -1, -1)
    seen = {part: Augmentation((part,))(ramp) for part in AUGMENTATIONS}
    moved = (ramp[0, 0, 8, 8] - seen["translation"][:, 0, 8, 8]) / 16
    assert sorted(moved.round().unique().int().tolist()) == [-2, -1, 0, 1, 2]
    cut = (seen["cutout"] == 0).flatten(1).sum(1)
    assert (int(cut.min()), int(cut.max())) == (16, 64)
    assert abs(float((seen["mirror"][:, 0, 0, 0] > 1).float().mean()) - 0.5) < 0.02


def test_each_image_gets_each_part_with_chance_p() -> None:
    torch.manual_seed(0)
    x = torch.rand(20_000, 1, 2, 2)
    for p in (0.0, 0.25, 1.0):
        changed = (Augmentation(("colour",), p=p)(x) != x).flatten(1).any(1).float().mean()
        assert abs(float(changed) - p) < 0.013  # 4 standard errors
    assert torch.equal(Augmentation(tuple(AUGMENTATIONS), p=0.0)(x), x)
    one = Augmentation(("mirror", "cutout"), p=0.5)
    drawn = one.draw(len(x))
    together = [(drawn[part][:, 0] < 0.5).float() for part in drawn]
    assert abs(float((together[0] * together[1]).mean()) - 0.25) < 0.013


def net(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers).double()


class Maker(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 64).double()

    def forward(self, z: Tensor) -> Tensor:
        return self.linear(z.double()).view(-1, 1, 8, 8)


def game_of(augment: Any, objective: Any = relativistic, **more: Any) -> Game:
    torch.manual_seed(0)
    judge = net(nn.Conv2d(more.get("pack", 1), 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(144, 1))
    more = {"penalties": {r1: 2.0, r2: 3.0}, **more}
    return Game(Maker(), judge, objective, latent=gaussian(3), augment=augment, **more)


def all_parts(**more: Any) -> Augmentation:
    return Augmentation(tuple(AUGMENTATIONS), **more).double()


def losses_of(game: Game, player: str = "discriminator") -> dict[str, Tensor]:
    torch.manual_seed(4)
    return game.terms((player,), Batch(images((6, 1, 8, 8))), Draw(images((6, 3), 2).float()), 0)[player].losses


def a_move_sees_one_draw() -> None:
    """Objective, R1 and R2 written out by hand with the numbers that the move draws; and finite differences too."""
    game = game_of(all_parts(p=0.7))
    real, fake = (
        images((6, 1, 8, 8)).requires_grad_(),
        game.generator(images((6, 3), 2).float()).detach().requires_grad_(),
    )
    torch.manual_seed(4)
    drawn = [game.augment.draw(6) for _ in range(2)]
    logits = [game.discriminator(game.augment(x, one)).flatten() for x, one in zip((real, fake), drawn, strict=True)]
    expected = {
        "objective": relativistic.discriminator(*logits).mean(),
        "r1": 2 * 0.5 * input_gradient(logits[0], real).square().sum(1).mean(),
        "r2": 3 * 0.5 * input_gradient(logits[1], fake).square().sum(1).mean(),
    }
    assert game.players["discriminator"].get_submodule("augment") is game.augment
    found = losses_of(game)
    thetas = list(game.discriminator.parameters())
    for name, loss in expected.items():
        torch.testing.assert_close(found[name], loss, rtol=1e-10, atol=1e-12)
        ours, theirs = (torch.autograd.grad(one, thetas[:1], retain_graph=True) for one in (found[name], loss))
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    finite = losses_of(game_of(all_parts(p=0.7), penalties={r1_finite: 2.0, r2_finite: 3.0}))
    for name in ("r1", "r2"):  # with another draw in the second pass the quotient would be of order 1 / s^2 = 10,000
        assert float(finite[f"{name}_finite"].detach()) < 20 * float(expected[name].detach())


def test_a_move_sees_one_draw_and_penalties_are_of_the_image_before_it() -> None:
    a_move_sees_one_draw()


def drawn_for_each_pass(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sight, "draw", lambda self, n, *, real=True: Seen())


def penalty_after_the_augmentation(patch: pytest.MonkeyPatch) -> None:
    show = Sight.show

    def detach(self: Sight, samples: Tensor, parameters: Any = None) -> Tensor:
        seen = show(self, samples.detach(), parameters)
        return seen + (samples - samples.detach()) if samples.requires_grad else seen

    patch.setattr(Sight, "show", detach)


def real_and_fake_share(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Augmentation, "same_for_real_and_fake", True)


@pytest.mark.parametrize("saboteur", [drawn_for_each_pass, penalty_after_the_augmentation, real_and_fake_share])
def test_a_saboteur_is_caught(saboteur: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn anew for each pass; slopes taken behind the augmentation; one draw where there should be two."""
    saboteur(monkeypatch)
    with pytest.raises(AssertionError):
        a_move_sees_one_draw()


@every_map
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_switching_it_on_changes_each_players_gradient(part: str, player: str) -> None:
    found = []
    for augment in (None, Augmentation((part,), p=0.0).double(), Augmentation((part,)).double()):
        game = game_of(augment)
        loss = torch.stack(list(losses_of(game, player).values())).sum()
        moving = game.generator if player == "generator" else game.discriminator
        found.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(moving.parameters()))]))
    assert torch.equal(found[0], found[1])
    assert float((found[2] - found[0]).norm() / found[0].norm()) > 1e-3


def test_one_draw_serves_real_and_fake_where_that_is_asked() -> None:
    """Real and fake images that are equal stay so: a relativistic game of them is log 2 for both players."""
    for same in (True, False):
        game = game_of(all_parts(same_for_real_and_fake=same), penalties={})
        z = images((6, 3), 2).float()
        batch = Batch(game.make(Draw(z)).detach())
        for player in game.players:
            loss = float(game.terms((player,), batch, Draw(z), 0)[player].losses["objective"].detach())
            assert (abs(loss - np.log(2)) < 1e-12) == same


def test_each_sample_of_a_pack_is_augmented_by_itself_and_images_that_are_given_alike() -> None:
    seen: list[Tensor] = []

    class Sees(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor, given: Tensor | None = None) -> Tensor:
            seen.extend([x] if given is None else [x, given])
            return self.weight * x.flatten(1).sum(1)

    augment = Augmentation(("translation",))
    packed = Game(nn.Linear(3, 2), Sees(), non_saturating, latent=gaussian(3), augment=augment, pack=2)
    x = images((4, 1, 16, 16)).float()
    drawn = augment.draw(4)
    packed.judge(x.view(2, 2, 16, 16), None, drawn)
    assert torch.equal(seen.pop().view(4, 1, 16, 16), augment(x, drawn))
    paired = Game(nn.Conv2d(1, 1, 1), Sees(), non_saturating, given="images", augment=augment)
    paired.terms(("discriminator",), Batch(x, x), Draw(None, x), 0)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], x)


@pytest.mark.parametrize("step", [0.0, 0.5, 1.0])
def test_p_follows_its_schedule(step: float) -> None:
    game = game_of(all_parts(p=CosineDecay(0.0, 0.5, until=0.5)))
    game.schedule(Moment(3, 1, step))
    assert float(game.augment.p) == pytest.approx({0.0: 0.0}.get(step, 0.5))


def test_the_controller_moves_p_by_its_rule_and_clips_it() -> None:
    """Signs of 8 images a move, adjusted every 4 moves: 32 / 640 = .05 up while r > target, down while below."""
    augment, path = Augmentation(("mirror",), p=0.0, controller=RealSigns(images=640)), []
    high, low = torch.tensor([1.0] * 7 + [-1.0]), torch.tensor([1.0] * 6 + [-1.0] * 2)  # r = .75 and .5
    for move in range(200):
        augment.observe(high if move < 120 else low, torch.zeros(8), 8)
        path.append(float(augment.p))
    assert path[:8] == pytest.approx([0, 0, 0, 0.05, 0.05, 0.05, 0.05, 0.1])
    assert max(path) == path[119] == 1.0
    assert path[199] == pytest.approx(0.0, abs=1e-6)
    assert min(path) >= 0


def test_pair_signs_do_not_see_a_constant_and_real_signs_do() -> None:
    real, fake = torch.tensor([3.0, 1.0, -1.0]), torch.tensor([2.0, 2.0, -2.0])
    assert PairSigns().signs(real, fake).tolist() == PairSigns().signs(real + 9, fake + 9).tolist() == [1, -1, 1]
    assert RealSigns().signs(real, fake).tolist() == [1, 1, -1]


def test_its_words_tell_what_it_does() -> None:
    told = describe_game(game_of(all_parts(p=CosineDecay(0.0, 0.5))))["augment"]
    assert told["parts"] == list(AUGMENTATIONS)
    assert told["p"] == {"row": "cosine_decay", "start": 0.0, "end": 0.5, "until": 1.0}
    told = describe_game(game_of(Augmentation(("mirror",), controller=PairSigns(target=0.5))))["augment"]
    assert told["controller"] == {"row": "pair_signs", "target": 0.5, "images": 500_000, "every": 4}


def test_flags_and_files_hold_a_row() -> None:
    argv = ["--augment.parts", "mirror,cutout", "--augment.controller", "pair_signs"]
    chosen = choose_typed_rows(RECIPES["paper-adam"], argv)
    given = {"augment.parts": "mirror,cutout", "augment.controller.target": ".5", "augment.p": "0"}
    recipe = with_values(chosen, given)
    assert recipe.learner.augment == AugmentationRow(("mirror", "cutout"), 0.0, controller=PairSigns(0.5))
    assert from_json(to_json(recipe)) == recipe
    rising = with_values(
        RECIPES["paper-adam"], {"augment.parts": "colour", "augment.p": "cosine_decay:start=0,end=0.5,until=0.5"}
    )
    assert rising.learner.augment.p == CosineDecay(0.0, 0.5, 0.5)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Augmentation(()), "parts: found none"),
        (lambda: Augmentation(("miror",)), "Did you mean 'mirror'"),
        (lambda: Augmentation(("mirror", "mirror")), "expected each augmentation once"),
        (lambda: Augmentation(("mirror",), p=1.5), "expected a probability"),
        (lambda: Augmentation(("mirror",), p=CosineDecay(0.5, -0.1)), "expected a probability"),
        (lambda: Augmentation(("mirror",), p=CosineDecay(0.5), controller=RealSigns()), "with a controller"),
        (lambda: AugmentationRow(controller="ada"), "expected a row such as"),  # type: ignore[arg-type]
        (lambda: AugmentationRow(p=0.5).build(), "without parts"),
        (lambda: RealSigns(target=2.0), "from -1 to 1"),
        (lambda: PairSigns(every=0), "every of a controller is 0"),
        (lambda: Augmentation(("mirror",))(torch.zeros(3, 2)), "found a tensor of shape"),
        (lambda: game_of(lambda x: x, penalties={r1_finite: 1.0}), "may draw for each"),
        (
            lambda: Game(Maker(), nn.Sequential(nn.Dropout(), nn.Linear(8, 1)), relativistic, latent=gaussian(3),
                         penalties={r2_finite: 1.0}),
            "'0' is Dropout, which draws",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_augmentation_is_refused(make: Callable[[], object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        make()
