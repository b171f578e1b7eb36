"""Recipes, schedules, optimizers, latents, averages: every number of the 2014 code, and the forms they are kept in."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

import tiny
from advnets.algorithm import Algorithm1
from advnets.averaging import MovingAverage
from advnets.errors import BadInput
from advnets.games import AdversarialRow, Weight
from advnets.latents import LATENTS
from advnets.optimizers import Adam, ClassicalMomentum, Momentum
from advnets.recipes import RECIPES, Average, Budget, Descent, from_json, paper, paper_released, to_json
from advnets.schedules import Constant, CosineDecay, EpochRamp, ExponentialDecay, LateLinearDecay, LinearDecay
from advnets.training import Moment


def test_every_number_of_the_released_code() -> None:
    told = to_json(paper_released)
    learner, descents = told["learner"], told["descents"]
    assert learner["generator"] == {
        "row": "dense_generator", "hidden": [1200, 1200], "activations": ["relu"], "irange": 0.05, "sigmoid_bias": 0.0,
        "output": "sigmoid", "output_irange": None, "sparse": 0, "batch_norm": False,
    }  # fmt: skip
    assert learner["discriminator"] == {
        "row": "maxout_discriminator", "units": [240, 240], "pieces": 5, "irange": 0.005, "dropout": [0.2, 0.5],
        "noise": 0.0,
    }  # fmt: skip
    assert (told["batch_size"], learner["latent"], learner["latent_size"]) == (100, "gaussian", 100)
    ramp = {"row": "epoch_ramp", "start": 0.5, "end": 0.7, "first": 1, "last": 250}
    descent = {
        "optimizer": {"row": "momentum", "momentum": ramp},
        "rate": {"row": "exponential_decay", "start": 0.1, "factor": 1.000004, "floor": 1e-6},
    }
    assert descents == {"discriminator": descent, "generator": descent}
    assert (told["algorithm"], learner["objective"]) == ({"row": "simultaneous"}, "non_saturating_halved")
    assert isinstance(paper.learner, AdversarialRow)
    assert (paper.algorithm, paper.learner.objective) == (Algorithm1(k=1, share_fakes=False), "minimax")


def test_weights_and_schedules_of_a_game_are_read_back_from_a_file() -> None:
    penalties = {"r1": Weight(LinearDecay(2.0, 1.0), every=16), "r2": LinearDecay(1.0), "gradient_penalty": 10.0}
    recipe = tiny.with_learner(paper, penalties=penalties, ties={"generator": {"l1": Weight(100.0)}})
    assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe


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
    late = LateLinearDecay(2.0, 1.0, begins=0.6)
    assert [late.at(Moment(7, 1, progress)) for progress in (0.0, 0.6, 0.8, 1.0)] == [2.0, 2.0, pytest.approx(1.5), 1.0]
    with pytest.raises(BadInput, match=r"begins of a late decay is 1\.0"):
        LateLinearDecay(2.0, begins=1.0)
    cosine = CosineDecay(2.0, 0.5, until=0.8)
    expected = [2.0, 0.5 + 1.5 * (1 + math.sqrt(0.5)) / 2, 1.25, 0.5, 0.5]
    assert [cosine.at(Moment(7, 1, at)) for at in (0.0, 0.2, 0.4, 0.8, 1.0)] == pytest.approx(expected, abs=1e-15)
    assert CosineDecay(0.0, 0.55).at(Moment(0, 1, 1.0)) == 0.55
    for until in (0.0, 1.5):
        with pytest.raises(BadInput, match="until of a cosine"):
            CosineDecay(1.0, until=until)
    assert Constant(3.0).at(Moment(7, 1, 0.25)) == 3.0


def test_momentum_is_pylearn2s_also_when_the_rate_changes() -> None:
    theta = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = ClassicalMomentum([theta], lr=0.1)
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
    average = MovingAverage({"": network}, half_life=1000)
    torch.nn.init.zeros_(network.weight)
    for _ in range(10):
        average.update({"": network}, 100)
    assert float(average.makers[""].weight) == pytest.approx(0.5, abs=1e-6)
    follows = MovingAverage({"": network}, half_life=0)
    torch.nn.init.constant_(network.weight, 3.0)
    follows.update({"": network}, 100)
    assert float(follows.makers[""].weight) == 3.0


@pytest.mark.parametrize("ramp", [0.05, 0.1, 0.2])
def test_a_ramp_gives_the_older_weights_the_share_of_its_closed_form(ramp: float) -> None:
    """2^(-sum 1 / (ramp k)) over the steps k after the first tenth, near f^(ln 2 / ramp); the first weights have 0."""
    row, steps, old = Average(half_life=1e9, ramp=ramp), 400, 40
    network = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
    average = MovingAverage({"": network})
    shares = {}
    for switch in (0, old):
        average.makers[""].weight.fill_(1.0)
        for step in range(steps):
            torch.nn.init.constant_(network.weight, float(step < switch))
            average.half_life = row.half_life_at(Moment(step, 1, 0.0), 100)
            average.update({"": network}, 100)
        shares[switch] = float(average.makers[""].weight)
    assert shares[0] == 0.0
    assert shares[old] == pytest.approx(0.5 ** (sum(1 / k for k in range(old, steps)) / ramp), rel=1e-9)
    assert shares[old] == pytest.approx((old / steps) ** (math.log(2) / ramp), rel=0.2)


def test_the_half_life_in_force_is_the_shorter_one_and_follows_its_schedule() -> None:
    row = Average(half_life=LinearDecay(2000.0, 1000.0), ramp=0.1)
    assert row.half_life_at(Moment(0, 1, 0.0), 100) == 0.0
    assert row.half_life_at(Moment(50, 1, 0.1), 100) == 500.0
    assert row.half_life_at(Moment(400, 1, 0.5), 100) == 1500.0
    assert Average(ramp=0.5).half_life_at(Moment(400, 1, 0.5), 100) == 0.0


def test_an_average_that_begins_later_counts_the_images_from_there() -> None:
    row = Average(half_life=30_000.0, ramp=0.5, averaged_from=0.1)
    assert row.half_life_at(Moment(0, 1, 0.0), 100) == 0.0
    assert row.half_life_at(Moment(100, 1, 0.1), 100) == 0.0
    assert row.half_life_at(Moment(200, 1, 0.2), 100) == pytest.approx(0.5 * 10_000)
    assert row.half_life_at(Moment(1000, 1, 1.0), 100) == 30_000.0
    with pytest.raises(BadInput, match=r"averaged_from is 1.0; expected a share of the budget"):
        Average(averaged_from=1.0)


@pytest.mark.parametrize(("name", "first_tenth"), [("paper-mnist", 0.1548), ("best-mnist", 0.1257)])
def test_the_long_averages_keep_nothing_of_the_first_percent_and_a_known_share_of_the_first_tenth(
    name: str, first_tenth: float
) -> None:
    recipe = RECIPES[name]
    assert recipe.budget.steps is not None
    steps, kept = recipe.budget.steps, {0.01: 1.0, 0.1: 1.0}
    for step in range(steps):
        half_life = recipe.average.half_life_at(Moment(step, 1, step / steps), recipe.batch_size)
        share = 1 - 0.5 ** (recipe.batch_size / half_life) if half_life else 1.0
        for age in kept:
            kept[age] += share * ((step < age * steps) - kept[age])
    assert kept[0.01] == 0.0
    assert kept[0.1] == pytest.approx(first_tenth, abs=5e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objective": "minmax"}, "Did you mean 'minimax'"),
        ({"latent": "gausian"}, "Did you mean 'gaussian'"),
        ({"precision": "float23"}, "Did you mean 'float32'"),
        ({"penalties": {"r3": 1.0}}, "unknown penalty 'r3'"),
        ({"ties": {"generator": {"l3": 1.0}}}, "unknown tie 'l3'"),
        ({"constraints": {"critic": {}}}, "unknown player 'critic'"),
        ({"constraints": {"discriminator": {"clip": 1.0}}}, "unknown constraint"),
        ({"latent_size": -1}, "latent_size is -1"),
        ({"pack": 0}, "pack is 0"),
    ],
)
def test_a_game_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        tiny.with_learner(paper, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: replace(paper, batch_size=0), "batch_size is 0"),
        (lambda: replace(paper, accumulate=3), "accumulate is 3 with a batch of 100"),
        (lambda: replace(paper, balanced=1), "balanced is 1; expected True or False"),
        (lambda: replace(paper, algorithm="simultaneous"), "algorithm is 'simultaneous'; expected a row"),
        (lambda: replace(paper, descents={"generator": Descent()}), "descents are of generator; expected a Descent"),
        (lambda: replace(paper, transform="unti"), "Did you mean 'unit'"),
        (lambda: replace(paper, learner=3), "learner is 3"),
        (lambda: Algorithm1(k=0), "k is 0; expected a whole number of moves"),
        (lambda: Average(half_life=-1.0), "half_life, in images, is -1.0"),
        (lambda: Average(ramp=0.0), "ramp of the average is 0.0; expected a finite number above 0"),
        (lambda: Average(half_life=math.nan), "half_life, in images, is nan"),
        (lambda: Budget(minutes=0.0), "minutes of the budget are 0.0"),
        (lambda: Budget(steps=0), "steps of the budget are 0"),
        (lambda: Descent(rate=-1.0), "rate is -1.0"),
        (lambda: Descent(rate=math.nan), "rate is nan"),
        (lambda: Descent("adam"), "optimizer is 'adam'; expected a row"),
        (lambda: Adam(betas=(0.5, 1.0)), "beta 2 is 1.0"),
        (lambda: Adam(eps=0.0), "eps is 0.0"),
        (lambda: Momentum(1.0), "momentum is 1.0"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(change: Callable[[], object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        change()


@pytest.mark.parametrize(
    "value",
    [
        {"nmae": "x"},
        {"learner": {"row": "nothing"}},
        {"learner": {"row": "adversarial", "generator": {"row": "dense_generator", "depth": 3}}},
        {"descents": {"generator": {"optimizer": {"row": "adm"}}}},
        {"algorithm": {"row": "algorithm2"}},
    ],
)
def test_a_file_of_another_recipe_language_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=r"unknown|; expected"):
        from_json(value)
