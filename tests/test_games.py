"""Games: what each player's move is made of, checked on networks small enough to write out."""

import pytest
import torch
from torch import Tensor, nn

from advnets import penalties
from advnets.constraints import clip_weights
from advnets.errors import BadInput
from advnets.games import Draw, Game, Terms, Weight, class_heads, frozen_parameters, l1, pack_samples
from advnets.games.sight import unpack_samples
from advnets.latents import gaussian
from advnets.networks import DenseGenerator, Judged, MaxoutDiscriminator, Sizes, is_samplewise
from advnets.objectives import OBJECTIVES, non_saturating, relativistic
from advnets.schedules import LinearDecay
from advnets.training import Batch, Moment
from toy_games import make_lazy_cycle


def small_game(objective: str = "non_saturating", **more: object) -> Game:
    torch.manual_seed(0)
    generator = DenseGenerator(hidden=(8,), irange=0.5).build(Sizes((2,), 3))
    discriminator = MaxoutDiscriminator(units=(4,), pieces=2, irange=0.5, dropout=(0.0, 0.0)).build(Sizes((2,)))
    return Game(generator, discriminator, OBJECTIVES[objective], latent=gaussian(3), **more)  # type: ignore[arg-type]


def terms_of(game: Game, player: str, batch: Batch, z: Tensor) -> Terms:
    return game.terms((player,), batch, Draw(z), 0)[player]


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_losses_are_the_objective_of_the_logits(objective: str, player: str) -> None:
    game, real, z = small_game(objective), torch.randn(6, 2), torch.randn(6, 3)
    terms = terms_of(game, player, Batch(real), z)
    loss = getattr(game.objective, player)
    expected = loss(game.discriminator(real), game.discriminator(game.generator(z))).mean()
    torch.testing.assert_close(terms.losses["objective"], expected)


def test_the_discriminators_move_does_not_differentiate_the_generator() -> None:
    game = small_game()
    loss = terms_of(game, "discriminator", Batch(torch.randn(6, 2)), torch.randn(6, 3)).losses["objective"]
    gradients = torch.autograd.grad(loss, list(game.generator.parameters()), allow_unused=True)
    assert gradients == (None,) * len(gradients)


def test_the_generators_move_does_not_differentiate_the_discriminator() -> None:
    game = small_game()
    loss = terms_of(game, "generator", Batch(torch.randn(6, 2)), torch.randn(6, 3)).losses["objective"]
    gradients = torch.autograd.grad(loss, list(game.discriminator.parameters()), allow_unused=True)
    assert gradients == (None,) * len(gradients)
    assert all(theta.requires_grad for theta in game.discriminator.parameters())


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_joint_losses_are_those_of_both_players_at_the_same_z(objective: str) -> None:
    game, batch, z = small_game(objective), Batch(torch.randn(6, 2)), torch.randn(6, 3)
    joint = game.terms(tuple(game.players), batch, Draw(z), 0)
    for player in game.players:
        alone = terms_of(game, player, batch, z).losses["objective"]
        torch.testing.assert_close(joint[player].losses["objective"], alone)


def test_penalties_are_weighted_and_named() -> None:
    game = small_game(penalties={penalties.r1: 10.0, penalties.r2: 2.0})
    real, z = torch.randn(6, 2), torch.randn(6, 3)
    losses = terms_of(game, "discriminator", Batch(real), z).losses
    assert set(losses) == {"objective", "r1", "r2"}
    expected = 10.0 * penalties.r1(penalties.judge(game.critic, real, game.generator(z))).mean()
    torch.testing.assert_close(losses["r1"], expected)
    assert set(terms_of(game, "generator", Batch(real), z).losses) == {"objective"}


def test_constraints_bind_the_player_they_are_given_for() -> None:
    game = small_game(constraints={"discriminator": {clip_weights: 0.01}})
    before = [theta.clone() for theta in game.generator.parameters()]
    game.constrain("discriminator")
    game.constrain("generator")
    assert max(float(theta.detach().abs().max()) for theta in game.discriminator.parameters()) <= 0.01
    assert all(torch.equal(old, new) for old, new in zip(before, game.generator.parameters(), strict=True))


def test_scores_are_the_mean_probabilities() -> None:
    game, real, z = small_game(), torch.randn(6, 2), torch.randn(6, 3)
    scores = terms_of(game, "discriminator", Batch(real), z).scores
    torch.testing.assert_close(scores["D(x)"], game.discriminator(real).sigmoid().mean().detach())
    torch.testing.assert_close(scores["D(G(z))"], game.discriminator(game.generator(z)).sigmoid().mean().detach())


def test_one_pass_is_taken_only_where_samples_are_judged_one_by_one() -> None:
    class Sees(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x - x.mean(0)

    assert is_samplewise(small_game().discriminator)
    assert not is_samplewise(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    assert not is_samplewise(nn.Sequential(nn.Linear(2, 2), Sees()))
    assert not is_samplewise(Sees())


def test_a_discriminator_with_batch_normalisation_sees_real_and_drawn_apart() -> None:
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    game = Game(nn.Linear(3, 2), discriminator, non_saturating, latent=gaussian(3))
    real, z = torch.randn(6, 2), torch.randn(6, 3)
    loss = terms_of(game, "discriminator", Batch(real), z).losses["objective"]
    real_logits, fake_logits = discriminator(real).flatten(), discriminator(game.generator(z)).flatten()
    torch.testing.assert_close(loss, non_saturating.discriminator(real_logits, fake_logits).mean())


def test_the_generator_of_a_relativistic_game_sees_real_samples() -> None:
    assert relativistic.generator_sees_real
    game, z = small_game("relativistic"), torch.randn(6, 3)
    a, b = (terms_of(game, "generator", Batch(torch.randn(6, 2)), z).losses["objective"] for _ in range(2))
    assert not torch.equal(a, b)


def test_frozen_parameters_gives_back_what_it_took_and_no_more() -> None:
    network = nn.Linear(2, 2)
    network.bias.requires_grad_(False)
    with frozen_parameters(network):
        assert not network.weight.requires_grad
    assert network.weight.requires_grad
    assert not network.bias.requires_grad


@pytest.mark.parametrize("objective", ["non_saturating", "relativistic"])
def test_in_bfloat16_gradients_are_nearly_those_of_float32(objective: str) -> None:
    """bfloat16 keeps 8 bits of a product: errors of 2^-8, a few times over; weights and losses stay float32."""
    plain, real, z = small_game(objective), torch.randn(64, 2), torch.randn(64, 3)
    coarse = small_game(objective, precision=torch.bfloat16)
    for player in plain.players:
        theirs, ours = (
            torch.autograd.grad(
                terms_of(game, player, Batch(real), z).losses["objective"], list(game.players[player].parameters())
            )
            for game in (plain, coarse)
        )
        assert {gradient.dtype for gradient in ours} == {torch.float32}
        a, b = (torch.cat([gradient.flatten() for gradient in gradients]) for gradients in (theirs, ours))
        assert 0 < float((a - b).norm() / a.norm()) < 0.03
    joint = coarse.terms(tuple(coarse.players), Batch(real), Draw(z), 0)
    assert joint["generator"].losses["objective"].dtype == torch.float32
    assert coarse.make(Draw(z)).dtype == torch.float32


class Conditional(nn.Module):
    """A network of x and of a label's or an image's numbers."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        seen = nn.functional.one_hot(given, 3).float() if given.ndim == 1 else given.flatten(1)
        return self.linear(torch.cat([x.flatten(1), seen], 1))


def test_labels_reach_both_networks_as_given() -> None:
    torch.manual_seed(0)
    game = Game(Conditional(6, 2), Conditional(5, 1), non_saturating, latent=gaussian(3), given="labels")
    batch, z = Batch(torch.randn(6, 2), torch.tensor([0, 1, 2, 0, 1, 2])), torch.randn(6, 3)
    draw = game.draw(batch, ("generator",))
    assert draw.given is batch.given
    found = game.terms(("generator",), batch, Draw(z, batch.given), 0)["generator"].losses["objective"]
    logits = game.discriminator(game.generator(z, batch.given), batch.given).flatten()
    torch.testing.assert_close(found, non_saturating.generator(None, logits).mean())
    other = game.terms(("generator",), batch, Draw(z, batch.given.flip(0)), 0)["generator"].losses["objective"]
    assert not torch.equal(found, other)


def test_labels_never_reach_a_network_that_does_not_take_them() -> None:
    game = Game(Conditional(6, 2), nn.Linear(2, 1), non_saturating, latent=gaussian(3), given="labels")
    batch = Batch(torch.randn(6, 2), torch.tensor([0, 1, 2, 0, 1, 2]))
    for player in game.players:
        game.terms((player,), batch, game.draw(batch, (player,)), 0)


def test_pix2pix_is_a_game_given_images_without_noise_tied_to_its_target() -> None:
    torch.manual_seed(0)
    generator = nn.Conv2d(1, 1, 3, padding=1)
    discriminator = nn.Sequential(nn.Conv2d(1, 4, 3), nn.LeakyReLU(), nn.Conv2d(4, 1, 3))
    game = Game(generator, discriminator, non_saturating, given="images", ties={"generator": {l1: 100.0}})
    batch = Batch(torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8))
    draw = game.draw(batch, ("generator",))
    assert draw.z is None
    losses = game.terms(("generator",), batch, draw, 0)["generator"].losses
    expected = 100 * (generator(batch.given) - batch.real).abs().mean()
    torch.testing.assert_close(losses["l1"], expected)
    assert set(game.terms(("discriminator",), batch, draw, 0)["discriminator"].losses) == {"objective"}


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_a_discriminator_of_patches_is_averaged_per_sample_and_penalised(objective: str) -> None:
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Conv2d(4, 1, 3))
    generator = nn.Sequential(nn.Linear(3, 64), nn.Unflatten(1, (1, 8, 8)))
    game = Game(generator, discriminator, OBJECTIVES[objective], latent=gaussian(3), penalties={penalties.r1: 10.0})
    real, z = torch.rand(5, 1, 8, 8), torch.randn(5, 3)
    losses = terms_of(game, "discriminator", Batch(real), z).losses
    patches = [discriminator(x).flatten(1) for x in (real, generator(z))]
    assert patches[0].shape == (5, 16)
    loss = OBJECTIVES[objective].discriminator(patches[0].flatten(), patches[1].flatten()).mean()
    torch.testing.assert_close(losses["objective"], loss)
    x = real.clone().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(x).flatten(1).mean(1).sum(), x)
    torch.testing.assert_close(losses["r1"], 10 * 0.5 * slope.flatten(1).square().sum(1).mean())


class Heads(nn.Module):
    """Logits, and class logits beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.logit, self.classes = nn.Linear(2, 1), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Judged:
        return Judged(self.logit(x), {"classes": self.classes(x)})


def test_heads_are_tied_to_labels_for_both_players() -> None:
    torch.manual_seed(0)
    ties = {player: {class_heads: 1.0} for player in ("discriminator", "generator")}
    game = Game(Conditional(6, 2), Heads(), non_saturating, latent=gaussian(3), given="labels", ties=ties)
    batch, z = Batch(torch.randn(6, 2), torch.tensor([0, 1, 2, 0, 1, 2])), torch.randn(6, 3)
    draw, entropy = Draw(z, batch.given), nn.functional.cross_entropy
    fake = entropy(game.discriminator.classes(game.generator(z, batch.given)), batch.given)
    real = entropy(game.discriminator.classes(batch.real), batch.given)
    for player, expected in (("discriminator", real + fake), ("generator", fake)):
        torch.testing.assert_close(game.terms((player,), batch, draw, 0)[player].losses["class_heads"], expected)


def test_packs_are_consecutive_samples_joined_along_their_channels() -> None:
    x = torch.arange(24.0).view(6, 2, 2)
    packed = pack_samples(x, 3)
    assert packed.shape == (2, 6, 2)
    assert torch.equal(packed[0], x[:3].flatten(0, 1))
    assert torch.equal(unpack_samples(packed, 3), x)
    with pytest.raises(BadInput, match="found a batch of 6, expected a multiple of 4"):
        pack_samples(x, 4)


def test_a_packed_game_judges_packs_and_penalises_them() -> None:
    torch.manual_seed(0)
    game = Game(nn.Linear(3, 2), nn.Linear(4, 1), non_saturating, latent=gaussian(3), pack=2,
                penalties={penalties.r1: 1.0})  # fmt: skip
    real, z = torch.randn(6, 2), torch.randn(6, 3)
    losses = terms_of(game, "discriminator", Batch(real), z).losses
    logits = [game.discriminator(pack_samples(x, 2)).flatten() for x in (real, game.generator(z))]
    torch.testing.assert_close(losses["objective"], non_saturating.discriminator(*logits).mean())
    torch.testing.assert_close(losses["r1"], 0.5 * game.discriminator.weight.square().sum())


def test_a_lazy_penalty_is_paid_every_so_many_moves_of_the_discriminator_that_many_times_over() -> None:
    game = small_game(penalties={penalties.r1: Weight(10.0, every=3)})
    always = small_game(penalties={penalties.r1: 10.0})
    batch, z = Batch(torch.randn(6, 2)), torch.randn(6, 3)
    paid = []
    for _ in range(5):
        due = game.draw(batch, ("discriminator",)).due
        game.draw(batch, ("generator",))  # the generator's moves do not count
        paid.append(game.terms(("discriminator",), batch, Draw(z, None, due), 0)["discriminator"].losses.get("r1"))
    assert [loss is not None for loss in paid] == [True, False, False, True, False]
    torch.testing.assert_close(paid[0], 3 * terms_of(always, "discriminator", batch, z).losses["r1"])


def test_a_cycle_pays_the_lazy_penalties_of_each_way_when_they_are_due() -> None:
    """The way there every second move, the way back every third, as many times over; the generators' moves none."""
    game, batch = make_lazy_cycle(), Batch(torch.randn(6, 1, 6, 6), torch.randn(6, 1, 6, 6))
    reals = {"there": batch.real, "back": batch.given}
    for movers in (("discriminator",), tuple(game.players)):
        for move in range(12):
            losses = game.terms(movers, batch, game.draw(batch, movers), 0)["discriminator"].losses
            assert game.draw(batch, ("generator",)).due == ()
            for way, weight, every in (("there", 1.0, 2), ("back", 2.0, 3)):
                assert (f"{way}/r1" in losses) == (move % every == 0)
                if move % every == 0:
                    seen = penalties.judge(getattr(game, way).critic, reals[way], reals[way])
                    torch.testing.assert_close(losses[f"{way}/r1"], every * weight * penalties.r1(seen).mean())


def test_a_lazy_tie_is_refused() -> None:
    with pytest.raises(BadInput, match="ties of the generator: l1 is paid every 4 moves; expected a tie that is paid"):
        small_game(ties={"generator": {l1: Weight(1.0, every=4)}})


def test_the_count_of_moves_is_a_buffer_of_the_judging_player() -> None:
    game = small_game(penalties={penalties.r1: Weight(10.0, every=3)})
    batch = Batch(torch.randn(6, 2))
    for _ in range(4):
        game.draw(batch, ("discriminator",))
    again = small_game(penalties={penalties.r1: Weight(10.0, every=3)})
    again.players["discriminator"].load_state_dict(game.players["discriminator"].state_dict())
    assert [bool(again.draw(batch, ("discriminator",)).due) for _ in range(3)] == [False, False, True]


def test_weights_follow_their_schedules() -> None:
    game = small_game(penalties={penalties.r1: LinearDecay(10.0, 2.0)})
    batch, z, seen = Batch(torch.randn(6, 2)), torch.randn(6, 3), []
    for progress in (0.0, 0.5, 1.0):
        game.schedule(Moment(0, 1, progress))
        seen.append(float(terms_of(game, "discriminator", batch, z).losses["r1"].detach()))
    assert seen[0] / seen[2] == pytest.approx(5, rel=1e-6)
    assert seen[1] / seen[2] == pytest.approx(3, rel=1e-6)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"objective": "hinge"}, "expected an Objective, such as advnets.hinge"),
        ({"latent": 64}, r"expected a Latent, such as advnets.gaussian\(64\)"),
        ({"latent": None}, "found no latent and nothing given"),
        ({"penalties": [penalties.r1]}, r"expected a mapping {penalty: weight}"),
        ({"penalties": {penalties.r1: "ten"}}, "expected a number, or a schedule"),
        ({"penalties": {penalties.r1: Weight}}, "expected a number, or a schedule"),
        ({"ties": {"painter": {l1: 1.0}}}, "unknown player 'painter'"),
        ({"given": "words"}, "unknown given 'words'"),
        ({"given": "labels"}, "neither network takes them"),
        ({"pack": 0}, "pack is 0"),
        ({"generator": lambda z: z}, r"expected an nn.Module"),
    ],
)
def test_what_makes_no_game_is_refused(given: dict[str, object], says: str) -> None:
    fields: dict[str, object] = {"generator": nn.Linear(3, 2), "discriminator": nn.Linear(2, 1)}
    fields |= {"objective": non_saturating, "latent": gaussian(3), **given}
    with pytest.raises(BadInput, match=says):
        Game(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("discriminator", "says"),
    [(nn.Flatten(0), "gave .* for .* samples"), (nn.LSTM(2, 1), "returned a tuple; expected a tensor of logits")],
)
def test_a_discriminator_that_returns_no_logits_is_refused(discriminator: nn.Module, says: str) -> None:
    game = Game(nn.Linear(3, 2), discriminator, non_saturating, latent=gaussian(3))
    with pytest.raises(BadInput, match=says):
        terms_of(game, "discriminator", Batch(torch.randn(6, 2)), torch.randn(6, 3))
