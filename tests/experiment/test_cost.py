"""What a training will take: a range of steps or minutes, and what its checkpoints take on the disk."""

from pathlib import Path

import pytest

import tiny
from advnets import experiment
from advnets.experiment.preparation import trial_move
from advnets.recipes import RECIPES
from advnets.text import format_number


def test_the_length_of_a_run_by_minutes_is_a_range(tmp_path: Path) -> None:
    cost = experiment.dry_run(tiny.RECIPE, settings=tiny.settings("run", steps=None, minutes=3.0))
    low, high = cost.steps_range
    assert low <= cost.steps / 2 + 1 < cost.steps <= high
    assert cost.minutes_range == (3.0, 3.0)
    assert f"({format_number(low, 2)} to {format_number(high, 2)}) in 3 minutes" in str(cost)


@pytest.mark.parametrize(("recipe", "keep_best"), [("dcgan", None), ("paper-adam", "fid"), ("pix2pix", None)])
def test_a_dry_run_tells_what_a_run_takes_on_the_disk(recipe: str, keep_best: str | None, tmp_path: Path) -> None:
    chosen = tiny.narrow(RECIPES[recipe], 100)
    data = tiny.data_for(chosen)
    settings = tiny.settings("run", steps=8, checkpoint_steps=4, keep_best=keep_best)
    run = experiment.start(chosen, settings=settings, **data)
    list(run.carry_on())
    taken = [sum(file.stat().st_size for file in one.iterdir()) for one in run.directory.checkpoints.iterdir()]
    cost = experiment.dry_run(chosen, settings=settings, dataset=run.dataset)
    assert max(taken) / 2**20 == pytest.approx(cost.checkpoint_mebibytes, rel=0.1)
    assert cost.checkpoints == (2 if keep_best is None else 3)
    assert len(taken) == 2


def test_a_run_tells_at_its_start_what_large_checkpoints_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_move, "MUCH_MEBIBYTES", 0.1)
    chosen = tiny.narrow(RECIPES["pix2pix"], 40)
    run = experiment.start(chosen, settings=tiny.settings("run", steps=4), **tiny.data_for(chosen))
    list(run.carry_on())
    (note,) = (one for one in run.notes() if "on the disk" in one)
    (taken,) = (sum(file.stat().st_size for file in one.iterdir()) for one in run.directory.checkpoints.iterdir())
    assert float(note.split()[3]) == pytest.approx(taken / 2**20, rel=0.1, abs=0.6)
    assert note.endswith("MiB on the disk, and 2 are kept")
