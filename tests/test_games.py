"""Games: what each player's move is made of, checked on networks small enough to write out."""

import pytest
import torch
from torch import Tensor, nn

from advnets import penalties
from advnets.constraints import clip_weights
from advnets.games.game import Game, frozen, judges_one_by_one
from advnets.latents import gaussian
from advnets.networks import DenseGenerator, MaxoutDiscriminator
from advnets.objectives import OBJECTIVES, non_saturating, relativistic
from advnets.training import Batch


def small_game(objective: str = "non_saturating", **more: object) -> Game:
    torch.manual_seed(0)
    generator = DenseGenerator(hidden=(8,), irange=0.5).build(3, (2,), torch.zeros(2))
    discriminator = MaxoutDiscriminator(units=(4,), pieces=2, irange=0.5, dropout=(0.0, 0.0)).build((2,))
    return Game(generator, discriminator, OBJECTIVES[objective], latent=gaussian(3), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_losses_are_the_objective_of_the_logits(objective: str, player: str) -> None:
    game, real, z = small_game(objective), torch.randn(6, 2), torch.randn(6, 3)
    terms = game.losses(player, Batch(real), z, 0)
    loss = getattr(game.objective, player)
    expected = loss(game.discriminator(real), game.discriminator(game.generator(z))).mean()
    torch.testing.assert_close(terms.losses["objective"], expected)


def test_the_discriminators_move_does_not_differentiate_the_generator() -> None:
    game = small_game()
    loss = game.losses("discriminator", Batch(torch.randn(6, 2)), torch.randn(6, 3), 0).losses["objective"]
    gradients = torch.autograd.grad(loss, list(game.generator.parameters()), allow_unused=True)
    assert gradients == (None,) * len(gradients)


def test_the_generators_move_does_not_differentiate_the_discriminator() -> None:
    game = small_game()
    loss = game.losses("generator", Batch(torch.randn(6, 2)), torch.randn(6, 3), 0).losses["objective"]
    gradients = torch.autograd.grad(loss, list(game.discriminator.parameters()), allow_unused=True)
    assert gradients == (None,) * len(gradients)
    assert all(theta.requires_grad for theta in game.discriminator.parameters())


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_joint_losses_are_those_of_both_players_at_the_same_z(objective: str) -> None:
    game, batch, z = small_game(objective), Batch(torch.randn(6, 2)), torch.randn(6, 3)
    joint = game.joint_losses(batch, z, 0)
    for player in game.players:
        alone = game.losses(player, batch, z, 0).losses["objective"]
        torch.testing.assert_close(joint[player].losses["objective"], alone)


def test_penalties_are_weighted_and_named() -> None:
    game = small_game(penalties={penalties.r1: 10.0, penalties.r2: 2.0})
    real, z = torch.randn(6, 2), torch.randn(6, 3)
    losses = game.losses("discriminator", Batch(real), z, 0).losses
    assert set(losses) == {"objective", "r1", "r2"}
    expected = 10.0 * penalties.r1(game.critic, real, game.generator(z).detach()).mean()
    torch.testing.assert_close(losses["r1"], expected)
    assert set(game.losses("generator", Batch(real), z, 0).losses) == {"objective"}


def test_constraints_bind_the_player_they_are_given_for() -> None:
    game = small_game(constraints={"discriminator": {clip_weights: 0.01}})
    before = [theta.clone() for theta in game.generator.parameters()]
    game.constrain("discriminator")
    game.constrain("generator")
    assert max(float(theta.detach().abs().max()) for theta in game.discriminator.parameters()) <= 0.01
    assert all(torch.equal(old, new) for old, new in zip(before, game.generator.parameters(), strict=True))


def test_scores_are_the_mean_probabilities() -> None:
    game, real, z = small_game(), torch.randn(6, 2), torch.randn(6, 3)
    scores = game.losses("discriminator", Batch(real), z, 0).scores
    torch.testing.assert_close(scores["D(x)"], game.discriminator(real).sigmoid().mean().detach())
    torch.testing.assert_close(scores["D(G(z))"], game.discriminator(game.generator(z)).sigmoid().mean().detach())


def test_one_pass_is_taken_only_where_samples_are_judged_one_by_one() -> None:
    class Sees(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x - x.mean(0)

    assert judges_one_by_one(small_game().discriminator)
    assert not judges_one_by_one(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    assert not judges_one_by_one(nn.Sequential(nn.Linear(2, 2), Sees()))
    assert not judges_one_by_one(Sees())


def test_a_discriminator_with_batch_normalisation_sees_real_and_drawn_apart() -> None:
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    game = Game(nn.Linear(3, 2), discriminator, non_saturating, latent=gaussian(3))
    real, z = torch.randn(6, 2), torch.randn(6, 3)
    loss = game.losses("discriminator", Batch(real), z, 0).losses["objective"]
    real_logits, fake_logits = discriminator(real).flatten(), discriminator(game.generator(z)).flatten()
    torch.testing.assert_close(loss, non_saturating.discriminator(real_logits, fake_logits).mean())


def test_the_generator_of_a_relativistic_game_sees_real_samples() -> None:
    assert relativistic.generator_sees_real
    game, z = small_game("relativistic"), torch.randn(6, 3)
    a, b = (game.losses("generator", Batch(torch.randn(6, 2)), z, 0).losses["objective"] for _ in range(2))
    assert not torch.equal(a, b)


def test_frozen_gives_back_what_it_took_and_no_more() -> None:
    network = nn.Linear(2, 2)
    network.bias.requires_grad_(False)
    with frozen(network):
        assert not network.weight.requires_grad
    assert network.weight.requires_grad
    assert not network.bias.requires_grad


def test_sampling_is_in_evaluation_mode_and_leaves_training_mode_as_it_was() -> None:
    game = small_game()
    rng = torch.Generator().manual_seed(1)
    first = game.sample(5, rng)
    assert game.generator.training
    torch.testing.assert_close(first, game.sample(5, torch.Generator().manual_seed(1)))
    assert not first.requires_grad


@pytest.mark.parametrize("objective", ["non_saturating", "relativistic"])
def test_in_bfloat16_gradients_are_nearly_those_of_float32(objective: str) -> None:
    """bfloat16 keeps 8 bits of a product: errors of 2^-8, a few times over; weights and losses stay float32."""
    plain, real, z = small_game(objective), torch.randn(64, 2), torch.randn(64, 3)
    coarse = small_game(objective, precision=torch.bfloat16)
    for player in plain.players:
        theirs, ours = (
            torch.autograd.grad(
                game.losses(player, Batch(real), z, 0).losses["objective"], list(game.players[player].parameters())
            )
            for game in (plain, coarse)
        )
        assert {gradient.dtype for gradient in ours} == {torch.float32}
        a, b = (torch.cat([gradient.flatten() for gradient in gradients]) for gradients in (theirs, ours))
        assert 0 < float((a - b).norm() / a.norm()) < 0.03
    joint = coarse.joint_losses(Batch(real), z, 0)
    assert joint["generator"].losses["objective"].dtype == torch.float32
    assert coarse.sample(5).dtype == torch.float32
