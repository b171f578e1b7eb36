"""A run of three saves, and what the next start finds of it: for the tests that kill, fail and cut the power."""

from pathlib import Path
from typing import Any

import torch

from advnets import runs


def state(step: int) -> dict[str, Any]:
    """The state of a step: small, and unlike that of any other."""
    rng = torch.Generator().manual_seed(step)
    return {"weights": torch.randn(50, 7, generator=rng), "progress": {"step": step}}


STATES = {runs.state_fingerprint(state(step)): step for step in range(1, 5)}


def born(path: Path) -> Path:
    """A run of no steps."""
    return runs.create_run(path, {"recipe": {}, "settings": {}, "data": {}, "game": None}, {}).path


def stand(path: Path) -> Path:
    """A run that has come to step 2: what is there before the save that fails."""
    born(path)
    for step in (1, 2):
        advance(path, step)
    return path


def advance(path: Path, step: int) -> None:
    """What a course does when a checkpoint is due: the journal's line, the checkpoint, the status."""
    directory = runs.RunDirectory(path)
    directory.journal.append({"step": step})
    directory.journal.sync()
    runs.save_checkpoint(directory.checkpoints, step, state(step))
    runs.write_json(directory.status_json, {"state": "training", "step": step})


def found(path: Path) -> int:
    """The step that the next start finds, 0 if none; fails unless all it finds is whole and belongs together."""
    directory = runs.open_run(path)
    directory.remove_leftovers()
    assert not list(path.rglob(".tmp-*"))
    runs.read_json(directory.status_json)
    step = 0
    if runs.has_checkpoints(directory.checkpoints):
        step, read, skipped = runs.load_latest(directory.checkpoints)
        assert STATES[runs.state_fingerprint(read)] == step
        assert not [path for path, _ in skipped if int(path.name) >= step], "what is damaged has a name"
    directory.journal.drop_after(step)
    assert [entry["step"] for entry in directory.journal.read()] == list(range(1, step + 1))
    return step


def goes_on(path: Path, step: int) -> None:
    """After what `found` found, saves go on as ever."""
    advance(path, 4)
    kept = {f"{step:08d}", "00000004"}
    assert {item.name for item in (path / "checkpoints").iterdir()} == kept
    assert found_step(path) == 4


def found_step(path: Path) -> int:
    """The newest step that verifies."""
    return runs.load_latest(path / "checkpoints")[0]
