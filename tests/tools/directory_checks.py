"""What must hold of a run directory beside others: its successor, what a link leads to, a second trainer, a reader."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import tiny
from advnets import experiment, runs
from advnets.disk import Folder
from advnets.errors import BadInput, InUse
from advnets.runs import checkpoint
from checkpoint_checks import state

FEW: dict[str, Any] = {"steps": 12, "checkpoint_steps": 4, "journal_steps": 4, "preview_steps": 4}
WALL_CLOCK = ("seconds", "images_per_second")


def everything(path: Path) -> dict[str, bytes | None]:
    """All that is below a path: the bytes of files, and where links lead."""

    def content(item: Path) -> bytes | None:
        if item.is_symlink():
            return str(item.readlink()).encode()
        return item.read_bytes() if item.is_file() else None

    return {str(item.relative_to(path)): content(item) for item in sorted(path.rglob("*"))}


def rows(run: experiment.Run) -> list[dict[str, Any]]:
    return [{key: row[key] for key in row if key not in WALL_CLOCK} for row in run.directory.journal.read()]


def a_renamed_run_and_its_successor(folder: Path) -> None:
    """A run is renamed while it trains, and another is trained in its place: neither touches the other."""
    alone = tiny.trained(str(folder / "alone"), **FEW)
    run = experiment.start(tiny.RECIPE, settings=tiny.settings(str(folder / "run"), **FEW))
    going = run.carry_on()
    next(going)
    (folder / "run").rename(folder / "moved")
    tiny.trained(str(folder / "run"), **{**FEW, "seed": 7, "steps": 4})
    second = everything(folder / "run")
    assert list(going)[-1].step == 12
    assert everything(folder / "run") == second
    if sys.platform == "linux":
        assert run.path == folder / "moved"
        assert run.step == 12
    moved = experiment.Run(folder / "moved")
    assert json.loads((folder / "moved" / "status.json").read_text())["state"] == "finished"
    assert tiny.state_hash(moved) == tiny.state_hash(alone)
    assert rows(moved) == rows(alone)
    assert os.listdir(folder / "moved" / "previews") == os.listdir(folder / "alone" / "previews")
    assert not list((folder / "moved").rglob(".tmp-*"))


def a_link_out_of_a_run(folder: Path) -> None:
    """Pictures of others are neither overwritten nor removed by a link that appears while a run trains."""
    going = experiment.start(tiny.RECIPE, settings=tiny.settings(str(folder / "run"), **FEW)).carry_on()
    next(going)
    (folder / "pictures").mkdir()
    (folder / "pictures" / "00000008.png").write_text("dear")
    if (folder / "run" / "previews").exists():
        (folder / "run" / "previews").rename(folder / "former")
    (folder / "run" / "previews").symlink_to(folder / "pictures")
    with pytest.raises(BadInput, match="previews is a link"):
        list(going)
    assert everything(folder / "pictures") == {"00000008.png": b"dear"}


def a_removed_lock(folder: Path) -> None:
    """A second trainer is kept out even if the file .lock is removed."""
    path = runs.create_run(folder / "run", {}, {}).path
    with runs.lock_run(path):
        (path / ".lock").unlink()
        with pytest.raises(InUse, match=f"run is being trained by process {os.getpid()}"), runs.lock_run(path):
            pass


def a_slow_reader(folder: Path) -> None:
    """A trainer goes three checkpoints on whenever one is about to be read: a whole one is read, none is damaged."""
    runs.save_checkpoint(folder, 1, state())
    opening, ahead, saving = checkpoint.open_folder, [1], [False]

    def train_on(*given: Any, **more: Any) -> Any:
        if not saving[0] and ahead[0] < 9 and given[0].name.isdigit():
            saving[0] = True
            for _ in range(3):
                ahead[0] += 1
                runs.save_checkpoint(folder, ahead[0], state())
            saving[0] = False
        return opening(*given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "open_folder", train_on)
        step, read, skipped = runs.load_latest(folder)
    assert (step, skipped) == (10, [])
    assert runs.state_fingerprint(read) == runs.state_fingerprint(state())


def a_checkpoint_pruned_while_it_is_read(folder: Path) -> None:
    """What is open is read to its end, though it has lost its name."""
    runs.save_checkpoint(folder, 1, state())
    opening, pruned = Folder.open_file, []

    def open_slow_file(self: Folder, name: str) -> Any:
        file = opening(self, name)
        if pruned:
            return file

        class Slow:
            def __enter__(self) -> "Slow":
                return self

            def __exit__(self, *given: object) -> None:
                file.close()

            def read(self) -> bytes:
                """Before the first byte is read, the trainer goes on."""
                if not pruned:
                    pruned.append(True)
                    for step in (2, 3):
                        runs.save_checkpoint(folder, step, state(step))
                return file.read()

        return Slow()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "open_file", open_slow_file)
        step, read, skipped = runs.load_latest(folder)
    assert (step, skipped) == (1, [])
    assert runs.state_fingerprint(read) == runs.state_fingerprint(state())
    assert not (folder / "00000001").exists()


def a_file_that_appears(folder: Path) -> None:
    """What others write to a path, while a file for it is being made, stays."""
    path = folder / "out.md"
    with pytest.raises(BadInput, match="is there already and is not overwritten"):
        runs.write_new(path, lambda file: path.write_bytes(b"theirs"))
    assert everything(folder) == {"out.md": b"theirs"}
