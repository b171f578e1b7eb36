"""PacGAN's toy nets: published sizes and starting weights; packs reach a discriminator as wide as they are."""

from itertools import islice

import pytest
import torch

from advnets import data
from advnets.errors import BadInput
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import AdversarialRow
from advnets.networks import DcganDiscriminator, DcganGenerator, PacganDiscriminator, PacganGenerator, Sizes
from advnets.recipes import PLAYERS, Descent, Recipe
from advnets.training import Moment
from network_sizes import count

SIZES = Sizes((2,), 2)


def test_the_parameters_are_as_many_as_published() -> None:
    norms = 4 * 2 * 400
    assert count(PacganGenerator().build(SIZES)) == (2 * 400 + 400) + 3 * (400 * 400 + 400) + norms + (400 * 2 + 2)
    assert count(PacganGenerator(batch_norm=False).build(SIZES)) == count(PacganGenerator().build(SIZES)) - norms
    for pack in (1, 2, 4):
        units = (2 * pack * 1000 + 1000) + 2 * (200 * 1000 + 1000) + (200 + 1)
        assert count(PacganDiscriminator().build(SIZES.of_packs(pack))) == units


@pytest.mark.parametrize("row", [PacganGenerator(), PacganDiscriminator()])
def test_weights_begin_as_published(row: PacganGenerator | PacganDiscriminator) -> None:
    torch.manual_seed(0)
    for layer in row.build(SIZES).modules():
        if isinstance(layer, torch.nn.Linear):
            assert not layer.bias.any()
            # Within six standard errors of a standard deviation of n normal numbers.
            assert abs(layer.weight.std().item() / 0.02 - 1) < 6 / (2 * layer.weight.numel()) ** 0.5


def test_samples_and_logits_have_their_shapes() -> None:
    x = PacganGenerator().build(SIZES)(torch.randn(5, 2))
    assert x.shape == (5, 2)
    assert PacganDiscriminator().build(SIZES)(x).shape == (5,)


@pytest.mark.parametrize("change", [{"units": (0,)}, {"pieces": 0}, {"deviation": 0.0}])
def test_numbers_that_are_none_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="Change it"):
        PacganDiscriminator(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize("pack", [1, 2, 4])
def test_a_row_of_packs_builds_a_discriminator_of_packs(pack: int) -> None:
    points = AdversarialRow(PacganGenerator(), PacganDiscriminator(), latent_size=2, pack=pack)
    assert points.build(SIZES, torch.device("cpu")).critic(torch.randn(3, 2 * pack)).shape == (3,)
    images = AdversarialRow(DcganGenerator(width=2), DcganDiscriminator(width=2), latent_size=2, pack=pack)
    game = images.build(Sizes((3, 8, 8), 2), torch.device("cpu"))
    assert game.critic(torch.randn(3, 3 * pack, 8, 8)).shape == (3,)


def test_a_recipe_of_packs_is_trained() -> None:
    row = AdversarialRow(PacganGenerator((8,)), PacganDiscriminator((8,)), latent_size=2, pack=2)
    recipe = Recipe(learner=row, descents=dict.fromkeys(PLAYERS, Descent()), batch_size=10)
    training = build_game_training(recipe, data.load("ring-8-pacgan"), seed=0, device=torch.device("cpu"))
    training.schedule(Moment(0, 1, 0.0))
    assert [len(step.moves) for step in islice(training.steps(0), 2)] == [2, 2]
