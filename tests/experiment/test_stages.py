"""Recipes of several stages: what is carried over, what is built anew, what counts from the beginning; exact resume."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from advnets import experiment
from advnets.algorithm import Simultaneous
from advnets.cli.main import main
from advnets.data import load
from advnets.errors import BadInput
from advnets.experiment.preparation.build_training import build_game_training
from advnets.experiment.preparation.game_training import GameTraining
from advnets.games import Draw
from advnets.networks import ConvMaxoutDiscriminator, DenseGenerator, LowerLayers, Maps, MaxoutDiscriminator
from advnets.optimizers import Momentum
from advnets.recipes import Average, Stage, from_json, paper_tfd, to_json
from advnets.schedules import EpochRamp, ExponentialDecay, LinearDecay
from advnets.training import Moment

MOMENTUM = tiny.with_descents(
    tiny.with_descents(
        replace(tiny.TWO_STAGES, average=Average()), optimizer=Momentum(EpochRamp(0.5, 0.7, first=1, last=4))
    ),
    "generator",
    rate=ExponentialDecay(0.1, 1.01, 1e-6),
)
THREE_STAGES = replace(
    tiny.TWO_STAGES,
    algorithm=Simultaneous(),
    stages=(*tiny.TWO_STAGES.stages, Stage(begins=0.75, below=LowerLayers(hidden=(3,)))),
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def played(recipe: object = tiny.TWO_STAGES) -> GameTraining:
    torch.manual_seed(0)
    return build_game_training(recipe, load("digits"), seed=0, device=torch.device("cpu"))  # type: ignore[arg-type]


def copies(network: torch.nn.Module) -> list[torch.Tensor]:
    return [theta.detach().clone() for theta in network.state_dict().values()]


def test_the_next_stage_has_the_whole_former_generator_above_new_layers_and_a_new_discriminator() -> None:
    tried = played()
    former, judge = tried.game.generator, tried.game.discriminator
    expected = copies(former)
    tried.begin_next_stage(7)
    lower, upper = tried.game.generator
    assert upper is former
    assert all(torch.equal(now, then) for now, then in zip(copies(upper), expected, strict=True))
    assert [layer.weight.shape for layer in lower if hasattr(layer, "weight")] == [(6, 4), (4, 6)]
    assert tried.game.discriminator is not judge
    assert tried.game.discriminator[2].units == 5
    assert tried.game.make(Draw(tried.draw_latent(3))).shape == (3, 1, 8, 8)
    z = torch.randn(3, 4)
    former.eval(), lower.eval()
    torch.testing.assert_close(tried.game.generator.eval()(z), former(lower(z)))


def test_all_of_the_next_generator_is_trained_by_optimizers_without_a_past() -> None:
    tried = played(tiny.with_learner(MOMENTUM, generator=DenseGenerator(hidden=(16,))))
    steps = tried.steps(0)
    tried.schedule(Moment(0, 1, 0.0))
    next(steps)
    assert all("velocity" in slot for slot in tried.optimizers["generator"].state.values())
    tried.begin_next_stage(1)
    assert not tried.optimizers["generator"].state
    tried.schedule(Moment(1, 1, 0.5))
    next(tried.steps(1))
    for player, network in tried.game.players.items():
        slots = tried.optimizers[player].state
        assert set(slots) == set(network.parameters())
        assert all(slot["velocity"].any() for slot in slots.values())


def test_schedules_and_epochs_count_from_the_beginning_of_the_stage() -> None:
    tried = played(tiny.with_descents(MOMENTUM, "discriminator", rate=LinearDecay(2.0)))
    for _ in range(100):
        next(tried.batches)
    epoch = tried.batches.epoch
    assert epoch == 2
    tried.begin_next_stage(100)
    assert tried.batches.state() == {"seed": 0, "epoch": epoch + 1, "index": 0}
    tried.schedule(Moment(100, tried.batches.epoch + 1, 0.5))
    G, D = (tried.optimizers[player].param_groups[0] for player in ("generator", "discriminator"))
    assert (G["lr"], G["momentum"], D["lr"]) == (0.1, 0.5, 2.0)
    tried.schedule(Moment(110, tried.batches.epoch + 2, 0.75))
    assert G["lr"] == pytest.approx(0.1 / 1.01**10)
    assert G["momentum"] == pytest.approx(0.5 + 0.2 / 3)
    assert D["lr"] == 1.0


def test_the_first_stage_decays_to_its_own_end() -> None:
    tried = played(tiny.with_descents(tiny.TWO_STAGES, "generator", rate=LinearDecay(2.0)))
    tried.schedule(Moment(10, 1, 0.25))
    assert tried.optimizers["generator"].param_groups[0]["lr"] == 1.0


@pytest.mark.parametrize("name", ["adam", "momentum", "three"])
@pytest.mark.parametrize("stop", [11, 12, 13, 20])
def test_a_run_resumed_before_at_and_after_the_switch_is_the_uninterrupted_one(
    name: str, stop: int, tmp_path: Path
) -> None:
    recipe = {"adam": tiny.TWO_STAGES, "momentum": MOMENTUM, "three": THREE_STAGES}[name]
    whole = tiny.trained("whole", recipe, steps=24, checkpoint_steps=24)
    often = tiny.settings("parted", steps=24, journal_steps=1, checkpoint_steps=stop)
    parted = experiment.start(recipe, settings=often)
    for progress in parted.carry_on():
        if progress.step == stop:
            break
    assert parted.step == stop
    again = experiment.resume("parted")
    assert tiny.state_hash(again) == tiny.state_hash(whole)
    assert again.step == 24


def test_the_switch_comes_at_its_share_and_is_seen_in_journal_checkpoints_and_previews(tmp_path: Path) -> None:
    run = tiny.trained("run", tiny.TWO_STAGES, journal_steps=1, preview_steps=10)
    assert [entry["stage"] for entry in run.directory.journal.read()] == [1] * 20 + [2] * 20
    assert sorted(path.name for path in run.directory.previews.iterdir())[-1] == "00000040.png"
    assert run.sample(5).values.shape == (5, 8, 8, 1)
    assert run.evaluate(n=100).step == 40
    one = tiny.trained("one", journal_steps=1)
    assert all("stage" not in entry for entry in one.directory.journal.read())


def test_building_a_later_stage_does_not_draw_from_the_program_around(tmp_path: Path) -> None:
    run = tiny.trained("run", tiny.TWO_STAGES)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run.sample(3)
    assert torch.equal(torch.rand(3), expected)


def test_a_stage_that_has_begun_is_not_left_when_the_budget_grows(tmp_path: Path) -> None:
    run = tiny.trained("run", tiny.with_descents(tiny.TWO_STAGES, "generator", rate=LinearDecay(1e-3)))
    for _ in run.carry_on(steps=100):
        pass
    assert run.step == 100
    assert {entry["stage"] for entry in run.directory.journal.read() if entry["step"] > 20} == {2}


def test_a_dry_run_measures_every_stage(tmp_path: Path) -> None:
    cost = experiment.dry_run(tiny.TWO_STAGES, settings=tiny.settings("run", steps=1000))
    first, second = cost.stages
    assert second.parameters["generator"] == first.parameters["generator"] + 4 * 6 + 6 + 6 * 4 + 4
    assert cost.steps == 1000
    low, high = sorted(stage.milliseconds_per_step for stage in cost.stages)
    assert low <= cost.milliseconds_per_step <= high
    assert cost.minutes == pytest.approx(cost.milliseconds_per_step / 60, abs=1e-3)
    assert cost.steps_range == (1000, 1000)
    assert cost.minutes_range[0] <= cost.minutes < 2 * cost.minutes - 0.002 <= cost.minutes_range[1]
    assert not list(tmp_path.iterdir())


def test_recipes_of_stages_are_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert from_json(json.loads(json.dumps(to_json(THREE_STAGES)))) == THREE_STAGES
    main(["recipes", "paper-tfd", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert from_json(told) == paper_tfd
    assert told["stages"][0]["below"] == {"row": "lower_layers", "hidden": [8000], "irange": 0.05, "sigmoid_bias": -2.0}
    early = replace(tiny.TWO_STAGES, stages=(replace(tiny.TWO_STAGES.stages[0], begins=0.25),))
    Path("two.json").write_text(json.dumps(to_json(early)))
    often = ["--steps", "12", "--device", "cpu", "--checkpoint-steps", "4"]
    assert main(["train", "two.json", "--out", "a", *often]) == 0
    assert main(["train", "a/recipe.json", "--out", "b", *often]) == 0
    a, b = (experiment.Run(Path(name)) for name in "ab")
    assert a.recipe.stages[0].begins == 0.25
    assert tiny.state_hash(a) == tiny.state_hash(b)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((Stage(0.0, LowerLayers()),), "begin at 0.0 of the budget"),
        ((Stage(1.0, LowerLayers()),), "begin at 1.0"),
        ((Stage(0.6, LowerLayers()), Stage(0.5, LowerLayers())), "begin at 0.6, 0.5"),
        ((Stage(float("nan"), LowerLayers()),), "begin at nan"),
        ((Stage(0.5),), "stage 2 changes nothing"),
    ],
)
def test_stages_that_cannot_be_are_refused(stages: tuple[Stage, ...], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        replace(tiny.RECIPE, stages=stages)


def test_a_checkpoint_of_other_stages_is_refused() -> None:
    one, two = played(replace(tiny.RECIPE, stages=(Stage(0.5, None, MaxoutDiscriminator(units=(3,))),))), played()
    two.begin_next_stage(1)
    with pytest.raises(BadInput, match="of other networks"):
        one.load(two.state())
    with pytest.raises(BadInput, match="of other networks"):
        played(tiny.RECIPE).load(two.state())


@pytest.mark.parametrize("before", [(), tiny.TWO_STAGES.stages], ids=["second", "third"])
@pytest.mark.parametrize("begin", [experiment.start, experiment.dry_run])
@pytest.mark.parametrize(
    "stage",
    [
        Stage(begins=0.75, below=LowerLayers(hidden=(2**62,))),
        Stage(begins=0.75, discriminator=ConvMaxoutDiscriminator(maps=(Maps(kernel=99, padding=0),))),
    ],
    ids=["too wide", "too small an image"],
)
def test_a_later_stage_that_cannot_be_built_is_refused_before_anything_is_written(
    stage: Stage, begin: Any, before: tuple[Stage, ...], tmp_path: Path
) -> None:
    recipe = replace(tiny.RECIPE, stages=(*before, stage))
    with pytest.raises(BadInput, match=r"change their sizes|Give larger images"):
        begin(recipe, settings=tiny.settings("run"))
    assert not Path("run").exists()
