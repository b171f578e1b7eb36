"""The run directory: the contract between training and everything that looks on."""

import difflib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from advnets.errors import BadInput, InUse, Missing
from advnets.runs.files import make_folder, read_json, remove_leftovers, write_json
from advnets.runs.journal import Journal


@dataclass(frozen=True)
class RunDirectory:
    """Where each thing of a run is."""

    path: Path

    @property
    def recipe_json(self) -> Path:
        """What is trained: recipe, settings, data."""
        return self.path / "recipe.json"

    @property
    def environment_json(self) -> Path:
        """What it was started with: versions, machine, command."""
        return self.path / "environment.json"

    @property
    def status_json(self) -> Path:
        """How far it has come, and whether it is under way."""
        return self.path / "status.json"

    @property
    def journal(self) -> Journal:
        """Losses and scores."""
        return Journal(self.path / "journal.jsonl")

    @property
    def previews(self) -> Path:
        """Pictures of the fixed noises."""
        return self.path / "previews"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints by step."""
        return self.path / "checkpoints"

    @property
    def report_json(self) -> Path:
        """What `evaluate` measured last."""
        return self.path / "report.json"

    @property
    def reports(self) -> Path:
        """Reports of another step or protocol than the last, each in a folder of its own."""
        return self.path / "reports"

    @property
    def test_readings(self) -> Path:
        """One line for each time that the test split was read."""
        return self.path / "test-readings.jsonl"

    @property
    def is_finished(self) -> bool:
        """Whether the run was trained to the end of its budget."""
        return bool(read_json(self.status_json).get("state") == "finished")

    def remove_leftovers(self) -> None:
        """Remove what writers that were killed left behind; for whoever holds the run's lock."""
        for folder in (self.path, self.checkpoints, self.previews, self.reports):
            remove_leftovers(folder)


def create_run(path: Path, told: Mapping[str, Any], environment: Mapping[str, Any]) -> RunDirectory:
    """Make a run directory; recipe.json comes last, so that what has one is a run.

    What a start that was killed before that left behind is taken over.
    Raises BadInput if the path is taken: nothing is overwritten.
    """
    directory = RunDirectory(path)
    if path.exists() and not _is_unborn(directory):
        raise BadInput(f"{path} is there already and not an empty folder; name another --out, or `advnets resume` it")
    make_folder(path)
    write_json(directory.environment_json, environment)
    write_json(directory.status_json, {"state": "created", "step": 0, "pid": os.getpid(), "message": ""})
    write_json(directory.recipe_json, told)
    return directory


def _is_unborn(directory: RunDirectory) -> bool:
    """Whether a folder is empty, or holds only what `create_run` writes before recipe.json."""
    if not directory.path.is_dir():
        return False
    early = {directory.environment_json.name, directory.status_json.name}
    return all(item.name in early or item.name.startswith(".tmp-") for item in directory.path.iterdir())


def open_run(path: Path) -> RunDirectory:
    """The run at a path. Raises Missing with the nearest name, or BadInput for what is not a run."""
    if not path.exists():
        siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f" Did you mean {path.parent / near[0]}?" if near else ""
        raise Missing(f"{path} is not there; expected a run directory.{hint}")
    directory = RunDirectory(path)
    if not path.is_dir() or not directory.recipe_json.exists():
        found = (
            "a file" if not path.is_dir() else ", ".join(sorted(item.name for item in path.iterdir())[:8]) or "nothing"
        )
        raise BadInput(
            f"{path} is not a run directory: found {found}; expected recipe.json, journal.jsonl, checkpoints/"
        )
    told = read_json(directory.recipe_json)
    if not {"recipe", "settings", "data", "networks"} <= set(told):
        raise BadInput(
            f"{directory.recipe_json} is not a run's: found {', '.join(told)}; expected recipe, settings, data, "
            "networks"
        )
    return directory


def new_run_path(root: Path, recipe: str, data: str) -> Path:
    """runs/<time>-<recipe>-<data>, with a number where that is taken."""
    said = re.sub(r"[^\w.-]+", "-", f"{recipe}-{data}")  # a recipe of a file may be called ../..
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{said}"
    names = (base if n == 1 else f"{base}-{n}" for n in range(1, 10_000))
    return next(root / name for name in names if not (root / name).exists())


@contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Hold a run alone; the lock is the system's, so it is free the moment its holder dies.

    Raises InUse naming the run and the process that holds it.
    """
    held = FileLock(path / ".lock")
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        pid = read_json(RunDirectory(path).status_json).get("pid", "unknown")
        raise InUse(
            f"{path} is being trained by process {pid}; wait for it, or stop it (it saves on SIGTERM)"
        ) from error
    try:
        yield
    finally:
        held.release()
