"""Runs that begin with the weights of a share file or of another run."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import tiny
from advnets import experiment, runs
from advnets.cli.main import main
from advnets.errors import BadInput
from advnets.games import Weight
from advnets.networks import DenseGenerator
from advnets.recipes import RECIPES


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def begun(path: str, out: str, recipe: object = tiny.RECIPE, **more: object) -> experiment.Run:
    asked = tiny.settings(out, start_from=path, **more)
    return experiment.start(recipe, settings=asked)  # type: ignore[arg-type]


def players(run: experiment.Run) -> dict[str, dict[str, Tensor]]:
    found: dict[str, dict[str, Tensor]] = runs.load_latest(run.directory.checkpoints)[1]["training"]["players"]
    return found


def are_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(theta, other[name]) for name, theta in one.items())


def test_a_share_file_gives_its_generator_and_the_run_goes_on_without_it(tmp_path: Path) -> None:
    former = tiny.trained("former", steps=8)
    file = former.export("G.safetensors")
    run, fresh = begun("G.safetensors", "run", steps=12), tiny.trained("fresh", steps=1, checkpoint_steps=1)
    assert run.step == 0
    assert are_equal(dict(former.model.network.state_dict()), players(run)["generator"])
    assert are_equal(dict(former.model.network.state_dict()), dict(run.model.network.state_dict()))
    assert not are_equal(players(former)["discriminator"], players(run)["discriminator"])
    told = {"path": str(file.resolve()), "step": 8, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert run.directory.read_recipe()["origin"] == told
    assert fresh.directory.read_recipe()["origin"] is None
    shutil.copytree("run", "again")
    for _ in run.carry_on():
        pass
    file.unlink()
    assert tiny.state_hash(experiment.resume("again")) == tiny.state_hash(run)


def test_a_run_gives_both_players_and_its_optimizers_stay_behind(tmp_path: Path) -> None:
    former = tiny.trained("former", steps=8)
    run = begun("former", "run")
    assert all(are_equal(weights, players(run)[player]) for player, weights in players(former).items())
    state = runs.load_latest(run.directory.checkpoints)[1]
    assert not state["training"]["optimizers"]["generator"]["state"]
    assert state["training"]["batches"] == {"seed": 0, "epoch": 0, "index": 0}
    assert run.record.origin is not None
    assert run.record.origin["step"] == 8
    lazy = tiny.with_learner(tiny.RECIPE, penalties={"r1": Weight(1.0, every=4)})
    found = players(begun("former", "lazy", lazy))["discriminator"]
    assert are_equal({f"network.{name}": theta for name, theta in players(former)["discriminator"].items()}, found)
    back = begun("lazy", "back")
    assert are_equal(players(former)["discriminator"], players(back)["discriminator"])


def test_a_baseline_begins_with_another_run_of_its_row(tmp_path: Path) -> None:
    recipe = tiny.narrow(RECIPES["dae"])
    former = tiny.trained("former", recipe, steps=4)
    run = begun("former", "run", recipe)
    assert are_equal(dict(former.model.network.state_dict()), dict(run.model.network.state_dict()))


def test_other_networks_are_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.trained("former", steps=4).export("G.safetensors")
    wide = tiny.with_learner(tiny.RECIPE, generator=DenseGenerator(hidden=(17,), batch_norm=True))
    with pytest.raises(BadInput, match=r"generator.hidden: found \[16\], expected \[17\]. Give the recipe"):
        begun("G.safetensors", "run", wide)
    with pytest.raises(BadInput, match="latent_size: found 4, expected 5"):
        begun("former", "run", tiny.with_learner(tiny.RECIPE, latent_size=5))
    with pytest.raises(BadInput, match="transform: found unit, expected symmetric"):
        begun("former", "run", replace(tiny.RECIPE, transform="symmetric"))
    tiny.trained("staged", tiny.TWO_STAGES, steps=4)
    with pytest.raises(BadInput, match="stage: found 2, expected 1"):
        begun("staged", "run", tiny.TWO_STAGES)
    assert main(["train", "paper-adam", "--from", "G.safetensors", "--out", "run", "--steps", "3"]) == 2
    assert "generator.hidden: found [16], expected [1200, 1200]" in capsys.readouterr().err
    assert main(["train", "paper-adam", "--from", "nothing", "--out", "run"]) == 2
    assert not Path("run").exists()
