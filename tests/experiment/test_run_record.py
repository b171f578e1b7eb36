"""The truth about what a run plays: its recipe's networks, or a game of one's own, in words that are held to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import advnets
from advnets import experiment
from advnets.errors import BadInput
from advnets.networks import DenseGenerator, MaxoutDiscriminator
from tiny import OWN, RECIPE, settings, trained


def make_game(**more: Any) -> advnets.Game:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(16, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    fields: dict[str, Any] = {"latent": advnets.uniform(16), "penalties": {advnets.r1: 10.0}, **more}
    return advnets.Game(generator, discriminator, advnets.hinge, **fields)


def test_recipe_json_says_what_a_game_of_ones_own_plays(tmp_path: Path) -> None:
    experiment.start(game=make_game(), settings=settings("run"))
    told = json.loads(Path("run/recipe.json").read_text())
    assert told["recipe"]["learner"] is None
    game = told["game"]
    assert (game["objective"], game["latent"]) == ("hinge", {"row": "uniform", "size": 16})
    assert game["penalties"] == {"r1": 10.0}
    assert game["networks"]["generator"]["parameters"] == 17 * 64
    assert "Linear(in_features=16" in game["networks"]["generator"]["text"]


def test_what_is_in_no_table_is_named_by_where_it_is_defined(tmp_path: Path) -> None:
    def slope(seen: Any) -> torch.Tensor:
        return advnets.r1(seen)

    own = replace(advnets.hinge, generator_sees_real=True)
    told = advnets.games.describe_game(replace(make_game(penalties={slope: 1.0}), objective=own))
    assert list(told["penalties"]) == [f"{__name__}.{slope.__qualname__}"]
    losses = {name: told["objective"][name] for name in ("discriminator", "generator")}
    assert losses == {
        "discriminator": "advnets.objectives.hinge_discriminator", "generator": "advnets.objectives.critic_generator"
    }  # fmt: skip
    assert told["objective"]["generator_sees_real"]
    assert f"penalties.{__name__}.{slope.__qualname__}" in told["own_code"]["functions"]


@pytest.mark.parametrize("recipe", ["paper-adam", RECIPE], ids=["by name", "itself"])
def test_a_recipe_that_names_networks_is_refused_beside_a_game(recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"names its own networks, objective and latent\. Give one of them"):
        experiment.start(recipe, game=make_game(), settings=settings("run"))
    assert not Path("run").exists()


def test_a_recipe_that_names_none_lends_its_other_numbers_to_a_game(tmp_path: Path) -> None:
    run = experiment.start(OWN, game=make_game(), settings=settings("run"))
    assert run.recipe == OWN


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"penalties": {}}, "penalties.r1 was 10.0, and is None"),
        ({"latent": advnets.gaussian(16)}, "latent.row was uniform, and is gaussian"),
        ({"pack": 2}, "pack was 1, and is 2"),
    ],
)
def test_another_game_is_refused_by_what_differs(more: dict[str, Any], says: str, tmp_path: Path) -> None:
    for _ in experiment.start(OWN, game=make_game(), settings=settings("run", steps=4)).carry_on():
        pass
    with pytest.raises(BadInput, match=says):
        experiment.resume("run", game=make_game(**more), steps=6)
    with pytest.raises(BadInput, match="was started on networks of your own: give them again"):
        experiment.resume("run", steps=6)
    assert experiment.resume("run", game=make_game(), steps=6).step == 6


def test_a_game_beside_a_run_of_a_recipe_is_refused(tmp_path: Path) -> None:
    trained("run", steps=4)
    with pytest.raises(BadInput, match="was started on the networks of the recipe 'tiny'; leave game= out"):
        experiment.resume("run", game=make_game(), steps=6)


def test_a_start_builds_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    for row in (DenseGenerator, MaxoutDiscriminator):
        build = row.build
        monkeypatch.setattr(
            row, "build", lambda self, sizes, build=build: built.append(type(self).__name__) or build(self, sizes)
        )
    for _ in experiment.start(RECIPE, settings=settings("run", steps=4)).carry_on():
        pass
    assert sorted(built) == ["DenseGenerator", "MaxoutDiscriminator"]
