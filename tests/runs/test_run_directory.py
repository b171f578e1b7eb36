"""A run directory is one place with one writer: not its successor's, not a link's, not a second trainer's."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny
from advnets import assessment, experiment, runs
from advnets.disk import Folder
from advnets.errors import BadInput, Damaged, InUse
from advnets.runs import checkpoint
from advnets.runs.directory import OF_A_RUN
from checkpoint_checks import state

posix = pytest.mark.skipif(os.name == "nt", reason="Windows renames no folder that is in use, and has links for few")
pytestmark = posix
FEW: dict[str, Any] = {"steps": 12, "checkpoint_steps": 4, "journal_steps": 4, "preview_steps": 4}
WALL_CLOCK = ("seconds", "images_per_second")


def everything(path: Path) -> dict[str, bytes | None]:
    """All that is at a path, and below it: the bytes of files, and where links lead."""

    def content(item: Path) -> bytes | None:
        if item.is_symlink():
            return str(item.readlink()).encode()
        return item.read_bytes() if item.is_file() else None

    return {str(item.relative_to(path)): content(item) for item in sorted(path.rglob("*"))}


def rows(run: experiment.Run) -> list[dict[str, Any]]:
    return [{key: row[key] for key in row if key not in WALL_CLOCK} for row in run.directory.journal.read()]


def test_a_run_that_is_renamed_and_its_successor_do_not_touch_each_other(tmp_path: Path) -> None:
    alone = tiny.trained("alone", **FEW)
    first = experiment.start(tiny.RECIPE, settings=tiny.settings("run", **FEW))
    going = first.carry_on()
    next(going)
    Path("run").rename("moved")
    tiny.trained("run", **{**FEW, "seed": 7, "steps": 4})
    second = everything(Path("run"))
    last = list(going)[-1]
    assert last.step == 12
    assert everything(Path("run")) == second
    moved = experiment.Run(Path("moved"))
    assert json.loads(Path("moved/status.json").read_text())["state"] == "finished"
    assert tiny.state_hash(moved) == tiny.state_hash(alone)
    assert rows(moved) == rows(alone)
    assert {path.name for path in moved.directory.previews.iterdir()} == {
        path.name for path in alone.directory.previews.iterdir()
    }
    assert not list(Path("moved").rglob(".tmp-*"))


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


def test_a_slow_reader_beside_a_trainer_reads_a_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trainer goes two checkpoints on before each checkpoint is opened, and again before it is read."""
    runs.save_checkpoint(tmp_path, 1, state())
    opening, ahead, saving = checkpoint.open_folder, [1], [False]

    def train_on(*given: Any, **more: Any) -> Any:
        if not saving[0] and ahead[0] < 9 and given[0].name.isdigit():
            saving[0] = True
            for _ in range(3):
                ahead[0] += 1
                runs.save_checkpoint(tmp_path, ahead[0], state())
            saving[0] = False
        return opening(*given, **more)

    monkeypatch.setattr(checkpoint, "open_folder", train_on)
    step, read, skipped = runs.load_latest(tmp_path)
    assert (step, skipped) == (10, [])
    assert runs.state_fingerprint(read) == runs.state_fingerprint(state())


def test_a_checkpoint_that_is_pruned_while_it_is_read_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.save_checkpoint(tmp_path, 1, state())
    opening, opened = Folder.open_file, []

    def prune_then(self: Folder, name: str) -> Any:
        file = opening(self, name)
        opened.append(name)
        if len(opened) == 3:  # all are open, and none is read
            for step in (2, 3):
                runs.save_checkpoint(tmp_path, step, state(step))
        return file

    monkeypatch.setattr(Folder, "open_file", prune_then)
    step, read, skipped = runs.load_latest(tmp_path)
    assert (step, skipped) == (1, [])
    assert runs.state_fingerprint(read) == runs.state_fingerprint(state())
    assert not (tmp_path / "00000001").exists()


def test_damage_is_still_told_apart(tmp_path: Path) -> None:
    path = runs.save_checkpoint(tmp_path, 1, state())
    (path / "state.json").write_text("{}")
    with pytest.raises(Damaged, match="no checkpoint verifies"):
        runs.load_latest(tmp_path)
