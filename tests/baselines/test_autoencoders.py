"""Auto-encoders of the 2014 table: penalty and moves against autograd's Jacobian, the chain against its own matrix."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.stats import chi2
from torch import Tensor

from advnets import data
from advnets.baselines import BaselineTraining, DenoisingAutoencoder, StackedContractive
from advnets.baselines.denoising_autoencoder import DenoisingChain, add_salt_and_pepper
from advnets.baselines.stacked_contractive import ContractiveStack, contraction_penalty, tangent_move
from advnets.baselines.tied_layer import TiedLayer
from advnets.data import TRANSFORMS, Batches
from advnets.errors import BadInput, Unsupported
from advnets.networks import Sizes
from advnets.schedules import Constant
from advnets.training import Moment

SHAPE = (1, 2, 3)
MEAN = torch.tensor([[[0.1, 0.5, 0.9], [0.0, 1.0, 0.3]]])
EXACT = {"rtol": 1e-11, "atol": 1e-13}
"""Float64 sums of a few dozen terms: some 1e-15 of their size; the public codes' mistakes are off by half or more."""

ROWS = {
    "one layer": StackedContractive(hidden=(5,), contraction=(0.1,), shares=(1.0,), burn_in=3),
    "two layers": StackedContractive(hidden=(7, 5), contraction=(0.1, 0.3), shares=(2.0, 1.0), burn_in=3),
    "one step": DenoisingAutoencoder(hidden=5, walkbacks=1, burn_in=3),
    "walkback": DenoisingAutoencoder(hidden=5, walkbacks=3, burn_in=3),
}


def layer_and_input(seed: int = 0) -> tuple[TiedLayer, Tensor]:
    """A layer of float64, its biases not 0, and a batch of four."""
    torch.manual_seed(seed)
    layer = TiedLayer(6, 5, MEAN).double()
    with torch.no_grad():
        layer.hidden_bias.normal_()
        layer.visible_bias.normal_()
    return layer, torch.rand(4, 6, dtype=torch.float64)


def jacobians(layer: TiedLayer, x: Tensor) -> Tensor:
    """dh/dx of every sample by autograd, (batch, hidden, visible), differentiable again."""
    whole = torch.autograd.functional.jacobian(lambda x: layer.encode(x), x, create_graph=True)
    return torch.stack([whole[n, :, n] for n in range(len(x))])


def gradients(loss: Tensor, layer: TiedLayer) -> list[Tensor]:
    parameters = [layer.weight, layer.hidden_bias]
    return [torch.zeros_like(theta) if g is None else g for theta, g in zip(
        parameters, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True)]  # fmt: skip


def assert_penalty(candidate: Callable[[Tensor, Tensor], Tensor]) -> None:
    """That the mean of this penalty has autograd's value and autograd's gradient."""
    layer, x = layer_and_input()
    expected = jacobians(layer, x).square().sum((1, 2)).mean()
    found = candidate(layer.encode(x), layer.weight).mean()
    torch.testing.assert_close(found, expected, **EXACT)
    for one, other in zip(gradients(found, layer), gradients(expected, layer), strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def test_the_penalty_and_its_gradient_are_those_of_autograds_jacobian() -> None:
    assert_penalty(contraction_penalty)


def floor_divided(h: Tensor, weight: Tensor) -> Tensor:
    """DeepLearningTutorials' cA.py: the sum over the batch, `// n_batchsize`."""
    return contraction_penalty(h, weight).sum() // len(h)


def squared_sum(h: Tensor, weight: Tensor) -> Tensor:
    """Another: the square of a column's sum in place of the sum of its squares."""
    return (h * (1 - h)).square() @ weight.sum(0).square()


def half_gradient(h: Tensor, weight: Tensor) -> Tensor:
    """The authors' cae.py: the value is right, and the gradient by hand is half of it."""
    whole = contraction_penalty(h, weight)
    return (whole + whole.detach()) / 2


@pytest.mark.parametrize("mistake", [floor_divided, squared_sum, half_gradient])
def test_the_mistakes_of_public_codes_would_be_seen(mistake: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(AssertionError, match="close"):
        assert_penalty(mistake)


def test_a_move_is_that_of_autograds_jacobian() -> None:
    layer, x = layer_and_input()
    alpha = torch.randn(4, 5, dtype=torch.float64)
    J = jacobians(layer, x)
    expected = torch.einsum("nhv,nkv,nk->nh", J, J, alpha)
    torch.testing.assert_close(tangent_move(layer.encode(x), layer.weight, alpha), expected, **EXACT)


def test_a_step_of_the_sampler_moves_in_the_top_layer_and_is_decoded_by_means() -> None:
    torch.manual_seed(1)
    network = ROWS["two layers"].build(Sizes(SHAPE, 5, mean=MEAN)).double()
    assert isinstance(network, ContractiveStack)
    network.sigma = 2.0
    bottom, top = network.layer(0), network.layer(1)
    z = torch.randn(4, 5, dtype=torch.float64)
    torch.manual_seed(2)
    found = list(itertools.islice(network.walk(z), 3))
    torch.manual_seed(2)
    h = z.sigmoid()
    for emitted in found:
        J = (h * (1 - h))[:, :, None] * top.weight.T
        delta = torch.einsum("nhv,nkv,nk->nh", J, J, 2.0 * torch.randn_like(h))
        x = (top.visible_bias + (h + delta) @ top.weight.T).sigmoid()
        expected = (bottom.visible_bias + x @ bottom.weight.T).sigmoid().view(4, *SHAPE)
        torch.testing.assert_close(emitted, expected, **EXACT)
        h = (top.hidden_bias + x @ top.weight).sigmoid()


@pytest.mark.parametrize("number", [0, 1])
def test_a_layer_descends_cross_entropy_and_contraction_of_the_means_below(number: int) -> None:
    row = replace(ROWS["two layers"], rate=Constant(0.0))
    torch.manual_seed(3)
    training = row.training(row.build(Sizes((1, 8, 8), 5, mean=torch.full((1, 8, 8), 0.3))), digits())
    x = next(digits()).real.flatten(1).double()
    training.schedule(Moment(9, 2, 0.9 * number))
    step = next(training.steps(9))
    layers = [training.network.layer(each).double() for each in range(2)]
    grads = [theta.grad for theta in layers[number].parameters()]
    x = x if number == 0 else (x @ layers[0].weight + layers[0].hidden_bias).sigmoid().detach()
    reconstruction = layers[number].decode(layers[number].encode(x))
    entropy = -(x * reconstruction.log() + (1 - x) * (1 - reconstruction).log()).sum(1).mean()
    contraction = (0.1, 0.3)[number] * jacobians(layers[number], x).square().sum((1, 2)).mean()
    readings = step.readings()
    assert readings[f"layer {number + 1}/reconstruction"] == pytest.approx(entropy.item(), rel=1e-5)
    assert readings[f"layer {number + 1}/contraction"] == pytest.approx(contraction.item(), rel=1e-5)
    expected = torch.autograd.grad(entropy + contraction, list(layers[number].parameters()))
    for found, wanted in zip(grads, expected, strict=True):
        assert found is not None
        # Float32 products of the training against float64: 1e-5 of the largest.
        torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-5 * wanted.abs().max().item())
    assert all(theta.grad is None for theta in layers[1 - number].parameters())


def transitions(network: DenoisingChain, *, corruption: float) -> Tensor:
    """T[x, x'] of the chain of draws over all binary images, in their numbers' order; (states, states)."""
    states = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)), dtype=torch.float64)
    kept = (states[:, None] == states[None]).double()
    corrupted = (kept * (1 - corruption) + corruption / 2).prod(2)
    layer = network.layer
    hidden = (states @ layer.weight.double() + layer.hidden_bias.double()).sigmoid()
    p = (hidden @ layer.weight.double().T + layer.visible_bias.double()).sigmoid()
    drawn = (p[:, None] * states[None] + (1 - p[:, None]) * (1 - states[None])).prod(2)
    return (corrupted @ drawn).detach()


def distance(counts: Tensor, expected: Tensor) -> float:
    """Pearson's statistic: of independent draws of that distribution, chi square with states - 1 degrees of freedom."""
    return float(((counts - expected).square() / expected).sum())


def test_the_denoising_chain_has_the_stationary_distribution_of_its_matrix() -> None:
    torch.manual_seed(4)
    row = DenoisingAutoencoder(hidden=3, corruption=0.3, burn_in=40)
    network = row.build(Sizes((1, 2, 2), 3, mean=torch.tensor([[[0.3, 0.5], [0.6, 0.4]]])))
    assert isinstance(network, DenoisingChain)
    n, T = 20_000, transitions(network, corruption=0.3)
    stationary = torch.linalg.matrix_power(T, 10_000)[0]
    # From whatever state it begins in, `burn_in` steps leave less of it than the n draws could tell.
    assert (torch.linalg.matrix_power(T, 40) - stationary).abs().max() < 1e-3 / math.sqrt(n)
    p = network(torch.randn(n, 3))
    assert p.shape == (n, 1, 2, 2)
    x = p.bernoulli().flatten(1).long() @ torch.tensor([8, 4, 2, 1])
    counts = x.bincount(minlength=16).double()
    # One in a million right chains is refused.
    limit = float(chi2.isf(1e-6, 15))
    assert distance(counts, n * stationary) < limit
    without = torch.linalg.matrix_power(transitions(network, corruption=0.0), 10_000)[0]
    assert distance(counts, n * without) > 5 * limit


def test_salt_and_pepper_replaces_by_fair_coins() -> None:
    torch.manual_seed(5)
    n = 100_000
    x = add_salt_and_pepper(torch.full((n,), 0.25), 0.4)
    shares = [float((x == value).double().mean()) for value in (0.0, 1.0, 0.25)]
    for found, expected in zip(shares, (0.2, 0.2, 0.6), strict=True):
        assert abs(found - expected) < 5 * math.sqrt(expected * (1 - expected) / n)
    assert sum(shares) == pytest.approx(1)


def test_a_walkback_teaches_the_way_back_to_the_data_and_not_to_the_draw_before() -> None:
    torch.manual_seed(6)
    row = DenoisingAutoencoder(hidden=5, corruption=0.2, walkbacks=2, rate=Constant(0.0))
    training = row.training(row.build(Sizes((1, 8, 8), 5, mean=torch.full((1, 8, 8), 0.3))), digits())
    x = next(digits()).real.flatten(1)
    torch.manual_seed(7)
    readings = next(training.steps(0)).readings()
    torch.manual_seed(7)
    layer, entropies, state = training.network.layer, [], x
    for _ in range(2):
        p = layer.decode(layer.encode(add_salt_and_pepper(state, 0.2))).detach().double()
        entropies.append(float(-(x * p.log() + (1 - x) * (1 - p).log()).sum(1).mean()) / 2)
        state = p.float().bernoulli()
    assert readings["denoising/reconstruction"] == pytest.approx(entropies[0], rel=1e-5)
    # The second draw may differ in a pixel whose p rounds otherwise.
    assert readings["denoising/walkback"] == pytest.approx(entropies[1], rel=1e-3)


def digits() -> Batches:
    dataset = data.load("digits")
    return Batches(dataset.train, batch_size=20, seed=0, transform=TRANSFORMS["unit"].forward)


def start_training(row: Any, seed: int = 0) -> BaselineTraining:
    torch.manual_seed(seed)
    latent_size = row.hidden if isinstance(row.hidden, int) else row.hidden[-1]
    training: BaselineTraining = row.training(
        row.build(Sizes((1, 8, 8), latent_size, mean=torch.full((1, 8, 8), 0.3))), digits()
    )
    return training


def carry_on(training: BaselineTraining, start: int, end: int, of: int = 12) -> dict[str, Any]:
    steps = training.steps(start)
    for number in range(start, end):
        training.schedule(Moment(number, training.batches.epoch + 1, number / of))
        assert next(steps).number == number
    return training.state()


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    else:
        assert one == other


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("stop", [0, 3, 8, 10])  # of 12 steps, of which the second of two layers has the last four
def test_a_resumed_training_ends_bit_equal(row: Any, stop: int) -> None:
    first = start_training(row)
    torch.manual_seed(1)
    carry_on(first, 0, stop)
    saved = {"training": copied(first.state()), "random": torch.get_rng_state()}
    expected = carry_on(first, stop, 12)
    second = start_training(row, seed=99)
    second.load(saved["training"])
    torch.set_rng_state(saved["random"])
    assert_same(carry_on(second, stop, 12), expected)


def copied(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: copied(value) for key, value in state.items()}
    return state.clone() if isinstance(state, Tensor) else state


def test_layers_are_trained_one_after_another_and_never_again() -> None:
    training = start_training(ROWS["two layers"])
    moved = []
    for progress in (0.0, 0.6, 0.7, 0.3):
        before = copied(dict(training.network.state_dict()))
        training.schedule(Moment(0, 1, progress))
        next(training.steps(0))
        after = training.network.state_dict()
        moved.append({name[:8] for name in before if not torch.equal(before[name], after[name])})
    assert moved == [{"layers.0"}, {"layers.0"}, {"layers.1"}, {"layers.1"}]


def test_the_rate_runs_down_over_each_layers_share() -> None:
    training = start_training(ROWS["two layers"])
    rates = []
    for progress in (0.0, 1 / 3, 0.666, 2 / 3, 5 / 6):
        training.schedule(Moment(0, 1, progress))
        rates.append(training.optimizer.param_groups[0]["lr"] / 3e-3)
    assert rates == pytest.approx([1, 0.5, 0.001, 1, 0.5], abs=1e-9)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_sample_is_an_expectation_after_the_burn_in(row: Any) -> None:
    network = start_training(row).network
    z = torch.randn(6, 5)
    torch.manual_seed(2)
    sample = network(z)
    torch.manual_seed(2)
    assert torch.equal(sample, next(itertools.islice(network.walk(z), 2, None)))
    assert sample.shape == (6, 1, 8, 8)
    assert not sample.requires_grad
    assert 0 < sample.min().item() < sample.max().item() < 1
    assert start_training(row).sample(3).shape == (3, 1, 8, 8)


@pytest.mark.parametrize("row", [replace(row, rate=Constant(1e-2)) for row in ROWS.values()], ids=ROWS)
def test_it_learns_to_reconstruct_digits(row: Any) -> None:
    training = start_training(row)
    losses = []
    for step in itertools.islice(training.steps(0), 60):
        training.schedule(Moment(0, 1, 0.0))
        losses.append(sum(value.item() for value in step.moves[0].losses.values()))
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_does_not_fit_is_refused(row: Any) -> None:
    with pytest.raises(BadInput, match=r"found a latent_size of 100, expected 5, the units of the layer"):
        row.build(Sizes(SHAPE, 100, mean=MEAN))
    with pytest.raises(Unsupported, match="found points of 2 numbers, expected images"):
        row.build(Sizes((2,), 5))
    with pytest.raises(BadInput, match="found another network"):
        row.training(torch.nn.Linear(2, 2), digits())
    other = start_training(replace(row, hidden=9 if isinstance(row.hidden, int) else (*row.hidden[:-1], 9)))
    with pytest.raises(BadInput, match="the checkpoint is of another network"):
        start_training(row).load(other.state())
    with pytest.raises(BadInput, match="the checkpoint is of another network"):
        start_training(row).load({})


@pytest.mark.parametrize(
    "numbers",
    [
        {"hidden": ()}, {"hidden": (0,)}, {"contraction": (-0.1,)}, {"contraction": (0.1, 0.1, 0.1)}, {"shares": ()},
        {"shares": (0.0, 1.0)}, {"shares": (math.inf,)}, {"sigma": math.nan}, {"sigma": -1.0}, {"burn_in": 0},
    ],
)  # fmt: skip
def test_bad_numbers_of_a_contractive_row_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"stacked_contractive: {next(iter(numbers))}"):
        StackedContractive(**numbers)


@pytest.mark.parametrize(
    "numbers", [{"hidden": 0}, {"walkbacks": 0}, {"burn_in": 0}, {"corruption": 1.1}, {"corruption": math.nan}]
)
def test_bad_numbers_of_a_denoising_row_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"denoising: {next(iter(numbers))}"):
        DenoisingAutoencoder(**numbers)
