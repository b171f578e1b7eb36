"""Latents with a code at their end: what is drawn, what the heads are paid for, and how samples are drawn by it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import tiny
from advnets import experiment
from advnets.cli import main as command
from advnets.errors import BadInput
from advnets.games import Draw, Game, View, information
from advnets.latents import Latent, gaussian, uniform
from advnets.networks import Code, Judged
from advnets.objectives import non_saturating
from advnets.recipes import RECIPES, from_json, to_json
from advnets.schedules import Bursts
from advnets.training import Batch, Moment


def test_a_code_is_one_category_and_numbers_from_minus_one_to_one() -> None:
    z = uniform(9, Code(4, 2))(8000, torch.Generator().manual_seed(0))
    noise, category, continuous = z.split([3, 4, 2], dim=1)
    assert z.shape == (8000, 9)
    assert category.sum(1).eq(1).all()
    assert category.eq(0).logical_or(category.eq(1)).all()
    # Chi-squared of 3 degrees of freedom: 16.3 at .001.
    assert float((category.sum(0) - 2000).square().sum() / 2000) < 16.3
    assert continuous.abs().max() <= 1
    assert float(continuous.var()) == pytest.approx(1 / 3, abs=0.02)
    assert float(noise.var()) == pytest.approx(1, abs=0.03)
    assert noise.equal(uniform(3)(8000, torch.Generator().manual_seed(0)))


def test_a_code_is_the_end_of_z() -> None:
    with pytest.raises(BadInput, match="size is 5 with a code of 6 coordinates"):
        gaussian(5, Code(4, 2))


def test_the_way_between_two_codes_is_straight() -> None:
    latent: Latent = gaussian(6, Code(2, 1))
    start, end = latent(2, torch.Generator().manual_seed(1))
    way = latent.interpolate(start, end, torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64))
    assert way[0].equal(start)
    assert way[2].equal(end)
    torch.testing.assert_close(way[1, 3:], 0.75 * start[3:] + 0.25 * end[3:])


class Teller(nn.Module):
    """Tells what it is made to tell."""

    def __init__(self, **heads: Tensor) -> None:
        super().__init__()
        self.heads = heads
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Judged:
        return Judged(self.scale * x.flatten(1).mean(1), self.heads)


def test_information_is_the_log_likelihood_of_the_code_in_plain_numpy() -> None:
    rng = np.random.default_rng(0)
    logits, means, z = rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), rng.normal(size=(5, 7))
    z[:, 2:5] = np.eye(3)[[0, 2, 1, 1, 0]]
    log_q = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    expected = -(z[:, 2:5] * log_q).sum(1) + 0.5 * ((means - z[:, 5:]) ** 2).sum(1)
    heads = {"categories": torch.tensor(logits), "continuous": torch.tensor(means)}
    x, draw = torch.zeros(5, 1), Draw(torch.tensor(z))
    view = View("generator", Batch(x), draw, x, Judged(torch.zeros(5), heads))
    np.testing.assert_allclose(information(view), expected, rtol=1e-12)
    alone = view._replace(judged_fake=Judged(torch.zeros(5), {"continuous": heads["continuous"]}))
    np.testing.assert_allclose(information(alone), 0.5 * ((means - z[:, 5:]) ** 2).sum(1), rtol=1e-12)
    with pytest.raises(BadInput, match="the discriminator has no head 'categories'"):
        information(view._replace(judged_fake=Judged(torch.zeros(5))))
    with pytest.raises(BadInput, match="found no noise"):
        information(view._replace(draw=Draw(None)))


def test_heads_are_in_float32_whatever_the_products_are() -> None:
    teller = Teller(classes=torch.zeros(2, 3, dtype=torch.bfloat16))
    game = Game(nn.Linear(2, 4), teller, non_saturating, latent=gaussian(2), precision=torch.bfloat16)
    assert game.judge(torch.zeros(2, 4)).heads["classes"].dtype == torch.float32


def test_bursts_are_as_the_released_critic_moves() -> None:
    k = Bursts(5, 100, first=25, every=500)
    moves = [k.at(Moment(step, 1, 0.0)) for step in (0, 24, 25, 499, 500, 501, 1000)]
    assert moves == [100, 100, 5, 5, 100, 5, 100]
    for wrong in ({"first": -1, "every": 5}, {"first": 0, "every": 0}):
        with pytest.raises(BadInput, match="of bursts is"):
            Bursts(5, 100, **wrong)
    assert from_json(json.loads(json.dumps(to_json(RECIPES["wgan"])))) == RECIPES["wgan"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> experiment.Run:
    return tiny.trained(str(tmp_path_factory.mktemp("infogan") / "run"), tiny.narrow_infogan(), steps=4)


def test_samples_are_drawn_by_the_code(trained: experiment.Run) -> None:
    model = trained.model
    first = model.sample(3, category=1, continuous=[0.5, -1.0])
    z = model.draw(3, seed=0)
    z[:, -12:-2], z[:, -2:] = torch.eye(10)[1], torch.tensor([0.5, -1.0])
    assert (first.values == model.emit(z).values).all()
    swept = model.sweep(2, steps=4, seed=5)
    assert len(swept) == 40
    noise = model.draw(1, seed=5)[0]
    row = noise.repeat(4, 1)
    row[:, -12:-2], row[:, -1] = torch.eye(10)[9], torch.linspace(-1, 1, 4)
    assert (swept.values[-4:] == model.emit(row).values).all()
    small, whole = model.sample(20, truncation=0.5), model.draw(20, seed=0)
    whole[:, :-12] *= 0.5
    assert (small.values == model.emit(whole).values).all()


def test_a_share_file_keeps_the_code(trained: experiment.Run, tmp_path: Path) -> None:
    shared = experiment.open_model(trained.export(tmp_path / "shared.safetensors"))
    assert shared.card.code == Code(10, 2)
    assert (shared.sample(5, category=3).values == trained.model.sample(5, category=3).values).all()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"category": 10}, "found 10 .* expected a category of 0 to 9, and 2 continuous"),
        ({"category": -1}, "found -1"),
        ({"continuous": [0.1]}, "continuous: found 1 .* 2 continuous coordinates"),
        ({"continuous": [0.1, 1.5]}, "found 1.5, expected numbers from -1 to 1"),
    ],
)
def test_codes_that_are_not_there_are_told(asked: dict[str, object], told: str, trained: experiment.Run) -> None:
    with pytest.raises(BadInput, match=told):
        trained.model.sample(2, **asked)  # type: ignore[arg-type]


def test_models_without_a_code_say_so() -> None:
    model = experiment.find_model(Path("paper-mnist"))
    with pytest.raises(BadInput, match="trained without a code, which the recipe infogan has"):
        model.sample(2, category=1)
    with pytest.raises(BadInput, match="expected none, for its code has no such coordinates"):
        model.sweep()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sweep", "3"], "found the continuous coordinate 3 .* expected 1 to 2"),
        (["--sweep", "1", "--seeds", "1,2"], "--sweep draws all categories by one seed"),
        (["--continuous", "a,b"], "found 'a,b', expected numbers"),
        (["--category", "11"], "expected a category of 0 to 9"),
    ],
)
def test_the_command_tells_what_it_cannot_do(
    words: list[str], told: str, trained: experiment.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.png"
    assert command.main(["sample", str(trained.directory.path), "--out", str(out), *words]) == 2
    error = capsys.readouterr().err
    assert re.search(told, error), error
    assert not out.exists()


def test_the_command_sweeps(trained: experiment.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sweep.npz"
    assert command.main(["sample", str(trained.directory.path), "--sweep", "1", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n"], told["sweep"]) == (100, 1)
    assert np.load(out)["images"].shape == (100, 8, 8, 1)
