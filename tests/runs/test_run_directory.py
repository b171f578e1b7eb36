"""A run directory is one place with one writer: not its successor's, not a link's, not a second trainer's."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from advnets import assessment, experiment, runs
from advnets.disk import Folder
from advnets.errors import BadInput, Damaged, InUse
from advnets.runs.directory import OF_A_RUN
from checkpoint_checks import state
from directory_checks import (
    FEW,
    a_checkpoint_pruned_while_it_is_read,
    a_file_that_appears,
    a_removed_lock,
    a_renamed_run_and_its_successor,
    a_slow_reader,
    everything,
)

posix = pytest.mark.skipif(os.name == "nt", reason="Windows renames no folder that is in use, and has links for few")
pytestmark = posix


@pytest.mark.parametrize(
    "check",
    [
        a_renamed_run_and_its_successor,
        a_removed_lock,
        a_slow_reader,
        a_checkpoint_pruned_while_it_is_read,
        a_file_that_appears,
    ],
    ids=lambda check: check.__name__,
)
def test_nobody_else_is_harmed_by(check: Callable[[Path], None], tmp_path: Path) -> None:
    check(tmp_path)


def test_a_run_that_is_exchanged_before_it_trains_is_not_trained_into(tmp_path: Path) -> None:
    first = experiment.start(tiny.RECIPE, settings=tiny.settings("run", **FEW))
    Path("run").rename("moved")
    experiment.start(tiny.RECIPE, settings=tiny.settings("run", **{**FEW, "seed": 7}))
    before = everything(Path("run"))
    with pytest.raises(BadInput, match="run is another run than the one that was started"):
        list(first.carry_on())
    assert {name: content for name, content in everything(Path("run")).items() if name != ".lock"} == before


def test_a_run_that_is_renamed_while_it_is_measured_gets_its_own_report(tmp_path: Path) -> None:
    tiny.trained("run", **FEW)
    steps = experiment.Run(Path("run")).evaluate_own_data(
        assessment.EvaluationPlan(measures=("fid",), n=100, classifier=False, split="test")
    )
    next(steps)
    Path("run").rename("moved")
    tiny.trained("run", **{**FEW, "seed": 7, "steps": 4})
    second = everything(Path("run"))
    list(steps)
    assert everything(Path("run")) == second
    assert Path("moved/report.json").is_file()
    assert len(Path("moved/test-readings.jsonl").read_text().splitlines()) == 1


def link_out(name: str) -> dict[str, bytes | None]:
    """Put a link in the place of something of the run `run`, which leads to a copy of it outside; what is outside."""
    outside, inside = Path("outside"), Path("run") / name
    outside.mkdir()
    (outside / "dear").mkdir()
    (outside / "dear" / ".tmp-dear").write_text("dear")
    if inside.is_dir():
        shutil.copytree(inside, outside / name)
    elif inside.exists():
        shutil.copy(inside, outside / name)
    else:
        (outside / name).write_text("dear")
    if inside.is_dir():
        shutil.rmtree(inside)
    else:
        inside.unlink(missing_ok=True)
    inside.symlink_to((outside / name).resolve())
    return everything(outside)


def resume() -> None:
    experiment.resume("run", steps=16)


def evaluate() -> None:
    experiment.Run(Path("run")).evaluate(measures="fid", n=100, classifier=False, split="test", figures=True)


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is finished and measured."""
    path = tmp_path_factory.mktemp("golden") / "run"
    tiny.trained(str(path), **FEW)
    evaluate_there = experiment.Run(path).evaluate
    evaluate_there(measures="fid", n=100, classifier=False)
    return path


@pytest.mark.parametrize("use", [resume, evaluate])
@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_link_out_of_a_run_is_refused_and_nothing_is_touched(
    name: str, use: Callable[[], None], golden: Path, tmp_path: Path
) -> None:
    shutil.copytree(golden, "run")
    outside = link_out(name)
    inside = everything(Path("run"))
    with pytest.raises(BadInput, match=f"run/{name} is a link, expected a file or folder of its own") as caught:
        use()
    assert "\n" not in str(caught.value)
    assert everything(Path("outside")) == outside
    assert everything(Path("run")) == inside


@pytest.mark.parametrize("name", ["previews", "checkpoints", "journal.jsonl", "status.json"])
def test_a_link_that_appears_while_a_run_trains_leads_nowhere(name: str, tmp_path: Path) -> None:
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", **FEW))
    going = run.carry_on()
    next(going), next(going)
    outside = link_out(name)
    if name == "status.json":  # it is written anew each time, in place of the link
        list(going)
        assert json.loads(Path("run/status.json").read_text())["state"] == "finished"
    else:
        with pytest.raises(BadInput, match=f"{name} is a link"):
            list(going)
    assert everything(Path("outside")) == outside


def test_a_second_trainer_is_kept_out_even_where_the_lock_file_is_removed(tmp_path: Path) -> None:
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", **FEW))
    going = run.carry_on()
    next(going)
    Path("run/.lock").unlink()
    with pytest.raises(InUse, match=f"run is being trained by process {os.getpid()}"):
        experiment.resume("run")
    assert [progress.step for progress in going] == [8, 12]
    assert experiment.resume("run", steps=16).step == 16


def test_of_two_that_begin_a_run_at_once_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"recipe": {}, "settings": {}, "data": {}, "game": {}}
    lock, beside = Folder.lock, []

    def begin_twice(self: Folder) -> bool:
        """The second begins between the first one's look and its lock."""
        if not beside:
            beside.append(True)
            runs.create_run(tmp_path / "run", {**told, "of": "the second"}, {})
        return lock(self)

    monkeypatch.setattr(Folder, "lock", begin_twice)
    with pytest.raises(BadInput, match="exists already"):
        runs.create_run(tmp_path / "run", {**told, "of": "the first"}, {})
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["of"] == "the second"


def test_damage_is_still_told_apart(tmp_path: Path) -> None:
    path = runs.save_checkpoint(tmp_path, 1, state())
    (path / "state.json").write_text("{}")
    with pytest.raises(Damaged, match="no checkpoint verifies"):
        runs.load_latest(tmp_path)
