"""What a training will take: a range of steps or minutes, and what its checkpoints take on the disk."""

import itertools
from pathlib import Path

import pytest

import tiny
from advnets import experiment
from advnets.cli.forecast import line_of_cost
from advnets.experiment.preparation import trial_move
from advnets.recipes import RECIPES
from advnets.text import format_number


def test_the_length_of_a_run_by_minutes_is_a_range(tmp_path: Path) -> None:
    cost = experiment.dry_run(tiny.RECIPE, settings=tiny.settings("run", steps=None, minutes=3.0))
    low, high = cost.steps_range
    assert low <= cost.steps / 2 + 1 < cost.steps < 2 * cost.steps - 1 <= high
    assert cost.doubt == ""
    assert cost.minutes_range == (3.0, 3.0)
    assert f"({format_number(low, 2)} to {format_number(high, 2)}) in 3 minutes" in str(cost)


@pytest.mark.parametrize(
    ("seconds_of_a_step", "timed", "words"),
    [
        (8.0, 1, "Only one step was timed, as busy as the machine was: this may be several times off."),
        (3.0, 2, "Only 2 steps were timed, as busy as the machine was: this may be several times off."),
        (2.0, 3, ""),
        (0.5, 3, ""),
    ],
)
def test_few_timed_steps_are_told(
    seconds_of_a_step: float, timed: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock runs on by a step each time it is looked at."""
    clock = (number * seconds_of_a_step for number in itertools.count())
    monkeypatch.setattr("advnets.experiment.machine.cost.time.perf_counter", lambda: next(clock))
    cost = experiment.dry_run(tiny.RECIPE, settings=tiny.settings("run", steps=None, minutes=20.0), seconds=2.0)
    (stage,) = cost.stages
    assert (stage.timed, stage.milliseconds_per_step) == (timed, 1000 * seconds_of_a_step)
    spread = 4 if timed < 3 else 2
    assert cost.steps_range == (int(cost.steps / spread), cost.steps * spread)
    assert cost.doubt == words
    assert words in str(cost)
    assert words in line_of_cost(cost)


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
