"""Recipes, schedules, optimizers, latents, averages: every number of the 2014 code, and the forms they are kept in."""

import math
from dataclasses import replace

import pytest
import torch

from advnets.averaging import MovingAverage
from advnets.errors import BadInput
from advnets.latents import LATENTS
from advnets.optimizers import Momentum
from advnets.recipes import from_json, paper, paper_released, to_json
from advnets.schedules import Constant, EpochRamp, ExponentialDecay, LinearDecay
from advnets.training import Moment


def test_every_number_of_the_released_code() -> None:
    told = to_json(paper_released)
    assert told["generator"] == {
        "row": "dense_generator", "hidden": [1200, 1200], "activations": ["relu"], "irange": 0.05, "sigmoid_bias": 0.0,
        "output": "sigmoid", "output_irange": None, "sparse": 0, "batch_norm": False,
    }  # fmt: skip
    assert told["discriminator"] == {
        "row": "maxout_discriminator", "units": [240, 240], "pieces": 5, "irange": 0.005, "dropout": [0.2, 0.5],
        "noise": 0.0,
    }  # fmt: skip
    assert (told["batch_size"], told["latent"], told["latent_size"]) == (100, "gaussian", 100)
    assert told["generator_rate"] == {"row": "exponential_decay", "start": 0.1, "factor": 1.000004, "floor": 1e-6}
    assert told["momentum"] == {"row": "epoch_ramp", "start": 0.5, "end": 0.7, "first": 1, "last": 250}
    assert (told["algorithm"], told["objective"]) == ("simultaneous", "non_saturating_halved")
    assert (paper.algorithm, paper.objective) == ("algorithm1", "minimax")


def test_the_rate_halves_every_347_epochs_of_500_updates() -> None:
    rate = ExponentialDecay(0.1, 1.000004, 1e-6)
    for epochs, expected in ((50, 0.0905), (250, 0.0607), (500, 0.0368)):
        assert rate.at(Moment(500 * epochs, epochs, 0)) == pytest.approx(expected, abs=5e-5)
    assert rate.at(Moment(10**9, 1, 0)) == 1e-6


def test_the_momentum_ramp() -> None:
    ramp = EpochRamp(0.5, 0.7, 1, 250)
    assert [ramp.at(Moment(0, epoch, 0)) for epoch in (1, 250, 999)] == pytest.approx([0.5, 0.7, 0.7])
    assert ramp.at(Moment(0, 126, 0)) == pytest.approx(0.5 + 0.2 * 125 / 249)


def test_other_schedules() -> None:
    assert LinearDecay(2.0).at(Moment(7, 1, 0.25)) == 1.5
    assert Constant(3.0).at(Moment(7, 1, 0.25)) == 3.0


def test_momentum_is_pylearn2s_also_when_the_rate_changes() -> None:
    theta = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = Momentum([theta], lr=0.1)
    v, w = 0.0, 1.0
    for step in range(20):
        lr, mu, g = 0.1 / (1 + step), 0.5 + 0.01 * step, math.cos(step)
        optimizer.param_groups[0].update(lr=lr, momentum=mu)
        theta.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        v = mu * v - lr * g
        w += v
    assert float(theta.detach()) == pytest.approx(w, abs=1e-14)


@pytest.mark.parametrize("name", sorted(LATENTS))
def test_latents_have_mean_zero_and_variance_one(name: str) -> None:
    z = LATENTS[name](4)(100_000, torch.Generator().manual_seed(0))
    assert z.shape == (100_000, 4)
    assert z.mean(0).abs().max() < 0.015
    assert (z.var(0) - 1).abs().max() < 0.02


def test_the_average_halves_in_its_half_life() -> None:
    network = torch.nn.Linear(1, 1)
    torch.nn.init.ones_(network.weight)
    average = MovingAverage(network, half_life=1000)
    torch.nn.init.zeros_(network.weight)
    for _ in range(10):
        average.update(network, 100)
    assert float(average.network.weight) == pytest.approx(0.5, abs=1e-6)
    follows = MovingAverage(network, half_life=0)
    torch.nn.init.constant_(network.weight, 3.0)
    follows.update(network, 100)
    assert float(follows.network.weight) == 3.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": "minmax"}, "Did you mean 'minimax'"),
        ({"optimizer": "adm"}, "Did you mean 'adam'"),
        ({"penalties": {"r3": 1.0}}, "unknown penalty 'r3'"),
        ({"constraints": {"critic": {}}}, "unknown player 'critic'"),
        ({"constraints": {"discriminator": {"clip": 1.0}}}, "unknown constraint"),
        ({"algorithm": "simultaneous", "discriminator_moves": 2}, "one move of each player"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"ema_half_life": -1.0}, "ema_half_life"),
        ({"usual_minutes": 0.0}, "usual_minutes"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        replace(paper, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", [{"nmae": "x"}, {"generator": {"row": "nothing"}}, {"generator": {"row": "dense_generator", "depth": 3}}]
)
def test_a_file_of_another_recipe_language_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=r"unknown|; expected"):
        from_json(value)
