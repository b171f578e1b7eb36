"""The battery that every recipe enters by its row of RECIPES: it is a value, it trains, it resumes, it is sampled."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from advnets import experiment, statistics
from advnets.algorithm import Algorithm1
from advnets.data import Dataset, from_memory, load
from advnets.errors import BadInput, TooBig, Unsupported
from advnets.experiment.preparation.build_model import build_on_meta
from advnets.experiment.preparation.build_training import build_game_training, build_training
from advnets.experiment.preparation.game_training import GameTraining
from advnets.experiment.sampling import Samples, find_nearest_training_images
from advnets.experiment.sampling.nearest import _as_shown
from advnets.networks import MaxoutDiscriminator
from advnets.optimizers import Adam
from advnets.recipes import PLAYERS, RECIPES, Average, Descent, Recipe, Stage, from_json, to_json
from advnets.runs import expected_tensors, load_latest
from advnets.training import Moment, Step

every_recipe = pytest.mark.parametrize("name", sorted(RECIPES))


def dataset_for(recipe: Recipe) -> Dataset:
    data = tiny.data_for(recipe)
    return load(data["data"]) if isinstance(data["data"], str) else from_memory(**data)


def draw_five(model: experiment.Model, data: dict[str, Any]) -> experiment.Samples:
    return model.translate(data["given"][:5]) if model.card.given == "images" else model.sample(5)


def train_to(out: str, recipe: Recipe, steps: int) -> experiment.Run:
    run = experiment.start(recipe, settings=tiny.settings(out, steps=steps), **tiny.data_for(recipe))
    for _ in run.carry_on():
        pass
    return run


@every_recipe
def test_it_is_a_value_that_a_file_can_hold(name: str) -> None:
    assert from_json(json.loads(json.dumps(to_json(RECIPES[name])))) == RECIPES[name]
    assert RECIPES[name].name == name
    assert RECIPES[name].source


@every_recipe
def test_it_trains_resumes_bit_for_bit_and_is_sampled(name: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipe = tiny.narrow(RECIPES[name])
    data = tiny.data_for(recipe)
    whole = train_to("whole", recipe, 12)
    parted = experiment.start(recipe, settings=tiny.settings("parted", steps=12), **data)
    next(parted.carry_on())
    assert parted.step < 12
    again = experiment.resume("parted", **data)
    assert tiny.state_hash(again) == tiny.state_hash(whole)
    model = again.model
    samples, last = draw_five(model, data), again.model_of(last=True)
    assert draw_five(last, data).values.any()
    shared = experiment.open_model(again.export("shared.safetensors"))
    assert (draw_five(shared, data).values == samples.values).all()
    training = build_training(recipe, again.dataset, seed=1, device=torch.device("cpu"))
    for _ in recipe.stages:
        training.begin_next_stage(0)
    training.load(load_latest(again.directory.checkpoints)[1]["training"])
    weights = next(iter(training.makers.values())).state_dict()
    assert all(torch.equal(theta, weights[key]) for key, theta in last.network.state_dict().items())
    channels, *size = again.dataset.shape
    assert samples.values.shape == (5, *size, channels)
    assert len(list(again.directory.previews.iterdir())) == 1


LONG_AVERAGES = {"paper-mnist", "best-mnist"}
"""These reach back to 2 % of a run on purpose; `tests/test_recipes.py` says how much they keep of its first tenth."""
AVERAGING = sorted(name for name, recipe in RECIPES.items() if recipe.average.half_life)


@pytest.mark.parametrize("name", [*AVERAGING, "two stages"])
def test_the_average_forgets_untrained_weights(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are set to 0 in the first steps and to 1 after them: the average says what share the first ones have.

    They are the first tenth of a run, or of a stage; for LONG_AVERAGES all before the average begins.
    """
    steps, two = 200, name == "two stages"
    recipe = replace(tiny.TWO_STAGES, average=Average(1e9)) if two else tiny.narrow(RECIPES[name])
    begins = steps // 2 if two else 0
    first = recipe.average.averaged_from if name in LONG_AVERAGES else 0.1
    untrained = round(first * (steps - begins))

    def set_weights(training: GameTraining, start: int) -> Iterator[Step]:
        for number in itertools.count(start):
            for theta in training.makers[""].parameters():
                theta.data.fill_(0.0 if number < begins + untrained else 1.0)
            yield Step(number, ())

    monkeypatch.setattr(GameTraining, "steps", set_weights)
    seldom = {"checkpoint_steps": steps, "journal_steps": steps, "preview_steps": steps}
    run = experiment.start(recipe, settings=tiny.settings("run", steps=steps, **seldom), **tiny.data_for(recipe))
    for _ in run.carry_on():
        pass
    assert all(float(theta.min()) > 0.99 for theta in run.model.network.parameters())


BASELINES = sorted(name for name, recipe in RECIPES.items() if recipe.baseline is not None)


@pytest.mark.parametrize("name", BASELINES)
def test_every_parameter_of_a_baseline_is_moved(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    recipe = tiny.narrow(RECIPES[name])
    tried = build_training(recipe, load("digits"), seed=0, device=torch.device("cpu"))
    before = {key: theta.clone() for key, theta in tried.players["model"].named_parameters()}
    steps = tried.steps(0)
    for progress in (0.0, 0.1, 0.6, 0.7):  # both layers of those that are trained one after the other
        tried.schedule(Moment(int(100 * progress), 1, progress))
        next(steps)
    for key, theta in tried.players["model"].named_parameters():
        assert not torch.equal(theta, before[key]), key


@pytest.mark.parametrize("name", BASELINES)
def test_fields_of_games_are_refused_with_a_baseline(name: str) -> None:
    given = {
        "algorithm": Algorithm1(),
        "descents": dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.0, 0.9)))),
        "accumulate": 2,
        "average": Average(half_life=1000.0),
        "stages": (Stage(0.5, discriminator=MaxoutDiscriminator()),),
    }
    for field, value in given.items():
        with pytest.raises(BadInput, match=f"{field} is"):
            replace(RECIPES[name], **{field: value})
    with pytest.raises(BadInput, match="transform is 'symmetric'"):
        replace(RECIPES[name], transform="symmetric")


@pytest.mark.parametrize("name", sorted(set(RECIPES) - set(BASELINES)))
def test_every_parameter_has_a_gradient_and_an_optimizer(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    recipe = tiny.narrow(RECIPES[name])
    tried = build_game_training(recipe, dataset_for(recipe), seed=0, device=torch.device("cpu"))
    assert_descended(tried, 0)
    for number in range(len(recipe.stages)):
        tried.begin_next_stage(number + 1)
        assert_descended(tried, number + 1)


def assert_descended(tried: GameTraining, step: int) -> None:
    """Each parameter is handed to its player's optimizer with a gradient of its own."""
    tried.schedule(Moment(step, 1, 0.5 * step))
    next(tried.steps(step))
    for player, network in tried.game.players.items():
        for name, theta in network.named_parameters():
            assert theta.grad is not None, f"{player}.{name}"
            assert theta.grad.shape == theta.shape
        held = {id(theta) for group in tried.optimizers[player].param_groups for theta in group["params"]}
        assert held == {id(theta) for theta in network.parameters()}


def test_what_has_lost_its_contrast_is_looked_at_and_not_measured(tmp_path: Path) -> None:
    recipe = tiny.narrow(RECIPES["paper-cifar10-fc"])
    run = train_to("run", recipe, 3)
    with pytest.raises(Unsupported, match="transform 'contrast' have lost the brightness"):
        run.evaluate()
    assert run.figure2().size[0] > run.figure2().size[1]
    train = run.dataset.train
    shown = _as_shown(run.model.transform, train.values)
    assert shown.shape == train.values.shape
    assert ((shown.flatten(1).amax(1) == 255) | (shown.flatten(1).amin(1) == 0)).all()
    assert not torch.equal(shown, train.values)


def test_the_nearest_image_as_shown_is_found_in_whatever_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny.narrow(RECIPES["paper-cifar10-fc"])
    run = train_to("run", recipe, 3)
    train = run.dataset.train.values
    shown = _as_shown(run.model.transform, train)

    def nearest(images: torch.Tensor) -> torch.Tensor:
        samples = Samples(images.permute(0, 2, 3, 1).contiguous().numpy())
        return find_nearest_training_images(samples, run.dataset, run.model.transform).stored_values

    assert torch.equal(nearest(shown[[3, 0, len(train) - 1]]), shown[[3, 0, len(train) - 1]])
    monkeypatch.setattr("advnets.experiment.sampling.nearest.BLOCK", 7)
    samples = shown[5:9] // 2
    assert torch.equal(nearest(samples), shown[statistics.find_nearest(samples, shown)[0]])


@pytest.mark.parametrize("name", BASELINES)
def test_samples_of_another_seed_are_others_and_those_of_the_same_the_same(name: str, tmp_path: Path) -> None:
    model = tiny.trained("run", tiny.narrow(RECIPES[name]), data="digits", steps=40).model
    one, again, other = (model.sample(40, seed=seed).values for seed in (0, 0, 1))
    assert (one == again).all()
    assert (one != other).any(axis=(1, 2, 3)).mean() > 0.9
    with pytest.raises(Unsupported, match="Markov chains, which forget"):
        model.figure3()


@pytest.mark.parametrize("name", BASELINES)
def test_a_shared_chain_that_would_take_for_ever_is_refused(name: str, tmp_path: Path) -> None:
    model = tiny.trained("run", tiny.narrow(RECIPES[name]), data="digits", steps=3).model
    endless = {**model.card.generator, "burn_in": 2**16}
    wide = {**endless, "hidden": 2**13 if isinstance(endless["hidden"], int) else [2**13] * len(endless["hidden"])}
    with pytest.raises(TooBig, match="steps of a chain"):
        expected_tensors(replace(model.card, generator=wide, latent_size=2**13), build_on_meta)
