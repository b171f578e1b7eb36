"""Deep GSN: its chain and loss against float64 numpy, its gradient, its stationary distribution, and its resume."""

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from advnets import data
from advnets.baselines.deep_gsn import (
    DeepGsn,
    GenerativeStochasticNetwork,
    WalkbackTraining,
    published,
    walkback_losses,
)
from advnets.data import TRANSFORMS, Batches
from advnets.errors import BadInput, Unsupported
from advnets.networks import Sizes
from advnets.optimizers import Adam, Momentum, OptimizerRow
from advnets.schedules import Constant
from advnets.training import Moment
from reference import gsn as reference

SMALL = DeepGsn(hidden=(6, 5), walkbacks=3, sigma=0.5, burn_in=4, rate=Constant(1e-2), bfloat16=False)
ROWS = {
    "one layer": replace(SMALL, hidden=(5,), noiseless_first=False),
    "two layers": SMALL,
    "three layers": replace(SMALL, hidden=(6, 5, 4)),
    "no noise": replace(SMALL, sigma=0.0, salt_and_pepper=0.0),
}


def network_of(row: DeepGsn, shape: tuple[int, ...] = (1, 2, 4)) -> GenerativeStochasticNetwork:
    """A float64 network whose biases are not zeros."""
    torch.manual_seed(0)
    network = row.build(Sizes(shape, row.hidden[-1], mean=torch.full(shape, 0.3))).double()
    assert isinstance(network, GenerativeStochasticNetwork)
    with torch.no_grad():
        for bias in network.biases:
            bias += torch.randn_like(bias)
    return network


def oracle_of(network: GenerativeStochasticNetwork) -> reference.Gsn:
    """The numpy GSN of the same numbers, whose draws come from torch's default generator."""

    def drawn(draw: Callable[..., Tensor]) -> reference.Draw:
        return lambda shape: draw(*shape, dtype=torch.float64).numpy()

    weights, biases = ([theta.detach().numpy() for theta in part] for part in (network.weights, network.biases))
    return reference.Gsn(
        weights, biases, network.sigmas, network.salt_and_pepper, drawn(torch.rand), drawn(torch.randn)
    )


def images(n: int, *shape: int) -> Tensor:
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def training_on_digits(row: DeepGsn, seed: int = 0) -> WalkbackTraining:
    torch.manual_seed(seed)
    digits = data.load("digits")
    batches = Batches(digits.train, batch_size=50, seed=3, transform=TRANSFORMS["unit"].forward)
    training = row.training(row.build(Sizes(digits.shape, row.hidden[-1], mean=digits.mean)), batches)
    assert isinstance(training, WalkbackTraining)
    training.schedule(Moment(0, 0, 0.0))
    return training


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_walkbacks_and_their_losses_are_those_of_the_formulas(row: DeepGsn) -> None:
    network, x = network_of(row), images(7, 1, 2, 4)
    torch.manual_seed(5)
    losses = walkback_losses(network, x, 3)
    torch.manual_seed(5)
    expected = oracle_of(network).reconstructions(x.flatten(1).numpy(), 3)
    torch.manual_seed(5)
    for logits, p in zip(network.reconstructions(x, 3), expected, strict=True):
        np.testing.assert_allclose(logits.detach().sigmoid().numpy(), p, rtol=1e-12)
    entropies = [reference.cross_entropy(p, x.flatten(1).numpy()) for p in expected]
    np.testing.assert_allclose([loss.item() for loss in losses.values()], entropies, rtol=1e-12)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_chain_from_z_is_that_of_the_formulas(row: DeepGsn) -> None:
    network, z = network_of(row), images(7, row.hidden[-1])
    torch.manual_seed(5)
    walked = [p.flatten(1).numpy() for p in islice(network.walk(z), 4)]
    torch.manual_seed(5)
    np.testing.assert_allclose(walked, oracle_of(network).walk(z.numpy(), 4), rtol=1e-12)


def test_a_sample_is_the_expectation_after_the_burn_in() -> None:
    network, z = network_of(SMALL), images(7, 5)
    torch.manual_seed(5)
    sample = network(z)
    torch.manual_seed(5)
    assert torch.equal(sample, list(islice(network.walk(z), SMALL.burn_in))[-1])
    assert sample.shape == (7, 1, 2, 4)
    assert sample.min() > 0
    assert sample.max() < 1
    assert not sample.requires_grad


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_gradient_flows_through_the_unrolled_chain(row: DeepGsn) -> None:
    """Of the last walkback alone, along a random direction, by central differences with every draw held fixed."""
    network, x = network_of(row), images(7, 1, 2, 4)

    def last_loss() -> Tensor:
        torch.manual_seed(5)
        return walkback_losses(network, x, 3)["walkback 3"]

    parameters = list(network.parameters())
    gradients = torch.autograd.grad(last_loss(), parameters)
    for theta, gradient in zip(parameters, gradients, strict=True):
        direction = torch.randn(theta.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                theta += sign * 1e-6 * direction
                ends.append(last_loss().item())
                theta -= sign * 1e-6 * direction
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx((gradient * direction).sum().item(), rel=1e-5, abs=1e-9)


def chi_square(counts: Any, expected: Any) -> float:
    """The chance of a fit as bad as this or worse."""
    return float(stats.chisquare(counts, expected * (np.sum(counts) / np.sum(expected))).pvalue)


def test_the_chain_has_the_stationary_distribution_of_its_transition_matrix() -> None:
    """Three pixels, one noiseless hidden layer: the state is x alone, p(x' | h(x)) tells which of eight it was."""
    network = network_of(replace(SMALL, hidden=(4,), salt_and_pepper=0.2), (1, 1, 3))
    with torch.no_grad():
        network.weights[0] *= 2
    parameters = (network.weights[0].detach().numpy(), [bias.detach().numpy() for bias in network.biases])
    matrix, p = reference.transitions(*parameters, 0.2)
    torch.manual_seed(5)
    states = [
        torch.cdist(emitted.flatten(1), torch.tensor(p)).argmin(1).numpy()
        for emitted in islice(network.walk(torch.randn(20_000, 4, dtype=torch.float64)), 60)
    ]
    pi, counts = reference.stationary(matrix), np.bincount(states[-1], minlength=8)
    pairs = np.bincount(8 * states[-2] + states[-1], minlength=64)
    assert pi.min() > 1e-3
    assert chi_square(counts, pi) > 1e-4
    assert chi_square(pairs, (pi[:, None] * matrix).flatten()) > 1e-4
    # the statistic bites: the salt left out, or the chain's beginning taken for its end
    unsalted = reference.stationary(reference.transitions(*parameters, 0.0)[0])
    assert chi_square(counts, unsalted) < 1e-6
    assert chi_square(np.bincount(states[0], minlength=8), pi) < 1e-6


def test_salt_and_pepper_replaces_its_share_of_the_pixels_by_fair_coins() -> None:
    network = network_of(replace(SMALL, salt_and_pepper=0.4))
    torch.manual_seed(5)
    seen = network.corrupt(torch.full((200_000,), 0.5)).numpy()
    counts = [(seen == value).sum() for value in (0.0, 1.0, 0.5)]
    assert chi_square(counts, np.array([0.2, 0.2, 0.6])) > 1e-4


def test_weights_are_tied() -> None:
    """One W_i a pair of layers, which a descent moves in both directions at once."""
    training = training_on_digits(replace(SMALL, hidden=(6, 5)))
    next(training.steps(0))
    shapes = {name: tuple(theta.shape) for name, theta in training.network.named_parameters()}
    weights = {"weights.0": (64, 6), "weights.1": (6, 5)}
    assert shapes == weights | {"biases.0": (64,), "biases.1": (6,), "biases.2": (5,)}
    network = copy.deepcopy(training.network).double()
    assert isinstance(network, GenerativeStochasticNetwork)
    x = images(3, 1, 8, 8)
    torch.manual_seed(5)
    logits = network.reconstructions(x, 2)[-1]
    torch.manual_seed(5)
    expected = oracle_of(network).reconstructions(x.flatten(1).numpy(), 2)[-1]
    np.testing.assert_allclose(logits.detach().sigmoid().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [Adam((0.9, 0.99)), Momentum(0.5)], ids=["adam", "momentum"])
def test_resume_is_exact(optimizer: OptimizerRow) -> None:
    row = replace(SMALL, optimizer=optimizer)
    whole, resumed = training_on_digits(row), training_on_digits(row, seed=1)
    steps = whole.steps(0)
    list(islice(steps, 35))
    state, rng = copy.deepcopy(whole.state()), torch.get_rng_state()
    expected = [next(steps).readings() for _ in range(5)]
    resumed.load(state)
    torch.set_rng_state(rng)
    assert [step.readings() for step in islice(resumed.steps(35), 5)] == expected
    for a, b in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(a, b)
    assert whole.batches.state() == resumed.batches.state()


def test_a_state_of_another_network_is_refused() -> None:
    state = training_on_digits(replace(SMALL, hidden=(7, 5))).state()
    with pytest.raises(BadInput, match="another network"):
        training_on_digits(SMALL).load(state)


def test_published_numbers_descend_as_the_public_code_does() -> None:
    """m <- .5 m + .5 g, theta <- theta - .25 m, at the rate of the first epoch."""
    training = training_on_digits(replace(published, hidden=(6, 5), walkbacks=2))
    theta = training.network.get_parameter("weights.0")
    expected, m = theta.detach().clone(), torch.zeros_like(theta)
    twin = copy.deepcopy(training)
    for step in range(3):
        before = torch.get_rng_state()
        loss = sum(walkback_losses(twin.network, next(twin.batches).real, 2).values())  # type: ignore[arg-type]
        m = 0.5 * m + 0.5 * torch.autograd.grad(loss, twin.network.get_parameter("weights.0"))[0]  # type: ignore[arg-type]
        expected -= 0.25 * m
        torch.set_rng_state(before)
        next(training.steps(step))
        twin.network.load_state_dict(training.network.state_dict())
        torch.testing.assert_close(theta.detach(), expected, rtol=1e-5, atol=1e-7)
    assert published.rate.at(Moment(500, 1, 0.0)) == pytest.approx(0.125 * 0.995)


def test_it_learns_digits() -> None:
    """From corrupted digits it makes them better than the mean image does."""
    training = training_on_digits(replace(SMALL, hidden=(64, 64), sigma=1.0, salt_and_pepper=0.3))
    steps = [step.readings()["chain/walkback 1"] for step in islice(training.steps(0), 300)]
    x, mean = next(training.batches).real.double(), data.load("digits").mean.double().clamp(1e-3, 1 - 1e-3)
    alone = reference.cross_entropy(mean.expand_as(x).numpy(), x.numpy())
    assert np.mean(steps[-20:]) < alone - 0.02
    assert training.sample(5, torch.Generator().manual_seed(1)).shape == (5, 1, 8, 8)


def test_visible_biases_start_at_the_marginals_or_at_zero() -> None:
    mean = torch.tensor([0.0, 0.25, 0.5, 1.0]).view(1, 2, 2)
    bias = SMALL.build(Sizes((1, 2, 2), 5, mean=mean)).get_parameter("biases.0").detach()
    torch.testing.assert_close(bias.sigmoid(), torch.tensor([0.001, 0.25, 0.5, 0.999]))
    assert not replace(SMALL, marginals=False).build(Sizes((1, 2, 2), 5, mean=mean)).get_parameter("biases.0").any()


def test_products_in_bfloat16_are_near_those_in_float32() -> None:
    shape = (1, 8, 8)
    exact, coarse = (
        replace(SMALL, bfloat16=flag, sigma=0.0, salt_and_pepper=0.0).build(
            Sizes(shape, 5, mean=torch.full(shape, 0.3))
        )
        for flag in (False, True)
    )
    coarse.load_state_dict(exact.state_dict())
    x = images(7, *shape).float()
    ours, theirs = (walkback_losses(network, x, 1)["walkback 1"] for network in (exact, coarse))  # type: ignore[arg-type]
    assert ours.dtype == theirs.dtype == torch.float32
    assert ours.item() != theirs.item()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-2)


@pytest.mark.parametrize(("row", "passes"), [(ROWS["one layer"], 2), (SMALL, 4), (ROWS["three layers"], 6)])
def test_the_products_of_a_step_are_counted(row: DeepGsn, passes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, made, mm = network_of(row), [], torch.mm
    states = network.walk(images(2, row.hidden[-1]))
    next(states)
    monkeypatch.setattr(torch, "mm", lambda a, b: made.append(1) or mm(a, b))
    for _ in range(3):
        next(states)
    assert network.passes_per_step == passes
    assert len(made) == 3 * passes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden": ()}, "one to three"),
        ({"hidden": (5, 5, 5, 5)}, "one to three"),
        ({"hidden": (5, 0)}, "1 unit or more"),
        ({"walkbacks": 0}, "walkbacks is 0"),
        ({"burn_in": 0}, "burn_in is 0"),
        ({"salt_and_pepper": 1.5}, "salt_and_pepper is 1.5"),
        ({"salt_and_pepper": float("nan")}, "salt_and_pepper is nan"),
        ({"sigma": -1.0}, "sigma is -1.0"),
        ({"sigma": float("inf")}, "sigma is inf"),
        ({"optimizer": "adam"}, "optimizer is 'adam'; expected a row"),
    ],
)
def test_bad_numbers_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        replace(SMALL, **change)


def test_another_latent_size_and_points_are_refused() -> None:
    with pytest.raises(BadInput, match="latent_size of 100, expected 5"):
        SMALL.build(Sizes((1, 8, 8), 100))
    with pytest.raises(Unsupported, match="points of 2 numbers"):
        SMALL.build(Sizes((2,), 5))
