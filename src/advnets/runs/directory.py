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
    """Where each thing of a run lies.

    Attributes:
        path: Path of the directory.
    """

    path: Path

    @property
    def recipe_json(self) -> Path:
        """The file that says what is trained: recipe, settings and data."""
        return self.path / "recipe.json"

    @property
    def budget_json(self) -> Path:
        """The file that says how long the run lasts, if that was asked for anew since it was started."""
        return self.path / "budget.json"

    @property
    def environment_json(self) -> Path:
        """The file that says what the run was started with: versions, machine and command."""
        return self.path / "environment.json"

    @property
    def status_json(self) -> Path:
        """The file that says how far the run has come, and whether it is under way."""
        return self.path / "status.json"

    @property
    def journal(self) -> Journal:
        """The journal of losses and scores."""
        return Journal(self.path / "journal.jsonl")

    @property
    def previews(self) -> Path:
        """The folder of pictures of the fixed noises."""
        return self.path / "previews"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints, by step."""
        return self.path / "checkpoints"

    @property
    def report_json(self) -> Path:
        """The file of what `evaluate` measured last."""
        return self.path / "report.json"

    @property
    def reports(self) -> Path:
        """The folder of reports of another step or protocol than the last, each in a folder of its own."""
        return self.path / "reports"

    @property
    def test_readings(self) -> Path:
        """The file with one line for each time that the test split was read."""
        return self.path / "test-readings.jsonl"

    @property
    def is_finished(self) -> bool:
        """Whether the run was trained to the end of its budget."""
        return bool(read_json(self.status_json).get("state") == "finished")

    def remove_leftovers(self) -> None:
        """Remove what writers that were killed left behind; only who holds the run's lock may do so."""
        for folder in (self.path, self.checkpoints, self.previews, self.reports):
            remove_leftovers(folder)


def create_run(path: Path, recipe: Mapping[str, Any], environment: Mapping[str, Any]) -> RunDirectory:
    """Make a run directory; recipe.json is written last, so that a directory that has one is a run.

    What a start that was killed before that left behind is taken over.

    Args:
        path: Path of the directory.
        recipe: Content of recipe.json.
        environment: Content of environment.json.

    Returns:
        The directory.

    Raises:
        BadInput: If the path is taken; nothing is overwritten.
        CannotWrite: If the disk fails or is full.
    """
    directory = RunDirectory(path)
    if path.exists() and not _is_unborn(directory):
        raise BadInput(
            f"{path} exists already and is not an empty folder. Name another folder with --out, or carry the run on "
            "with `advnets resume`."
        )
    make_folder(path)
    write_json(directory.environment_json, environment)
    write_json(directory.status_json, {"state": "created", "step": 0, "pid": os.getpid(), "message": ""})
    write_json(directory.recipe_json, recipe)
    return directory


def _is_unborn(directory: RunDirectory) -> bool:
    """Return whether a folder is empty, or holds only what `create_run` writes before recipe.json."""
    if not directory.path.is_dir():
        return False
    early = {directory.environment_json.name, directory.status_json.name}
    return all(item.name in early or item.name.startswith(".tmp-") for item in directory.path.iterdir())


def open_run(path: Path) -> RunDirectory:
    """Return the run at a path.

    Args:
        path: Path of a run directory.

    Returns:
        The directory.

    Raises:
        Missing: If there is nothing at the path; the nearest name is offered.
        BadInput: If it is not a run directory.
    """
    if not path.exists():
        siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f" Did you mean {path.parent / near[0]}?" if near else ""
        raise Missing(f"{path} is not there; expected a run directory.{hint}")
    directory = RunDirectory(path)
    if not path.is_dir() or not directory.recipe_json.exists():
        names = sorted(item.name for item in path.iterdir())[:8] if path.is_dir() else ["a file"]
        raise BadInput(
            f"{path} is not a run directory: found {', '.join(names) or 'nothing'}; expected recipe.json, "
            "journal.jsonl, checkpoints/"
        )
    found = read_json(directory.recipe_json)
    if not {"recipe", "settings", "data", "game"} <= set(found):
        raise BadInput(
            f"{directory.recipe_json} is not of a run: found {', '.join(found)}; expected recipe, settings, data, game"
        )
    return directory


def new_run_path(root: Path, recipe: str, data: str) -> Path:
    """Return the path of a new run: <root>/<time>-<recipe>-<data>, with a number where that is taken.

    Args:
        root: Folder of the runs.
        recipe: Name of the recipe.
        data: Name of the data set.

    Returns:
        A path that does not exist yet.
    """
    words = re.sub(r"[^\w.-]+", "-", f"{recipe}-{data}")  # a recipe of a file may be called ../..
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{words}"
    names = (base if n == 1 else f"{base}-{n}" for n in range(1, 10_000))
    return next(root / name for name in names if not (root / name).exists())


@contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Hold a run alone; the lock is the system's, so it is free at the moment its holder dies.

    Args:
        path: Path of the run directory.

    Yields:
        Nothing; the run is held inside.

    Raises:
        InUse: If another process holds the run; it is named.
    """
    held = FileLock(path / ".lock")
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        pid = read_json(RunDirectory(path).status_json).get("pid", "unknown")
        raise InUse(
            f"{path} is being trained by process {pid}. Wait for it, or stop it by SIGTERM, on which it saves."
        ) from error
    try:
        yield
    finally:
        held.release()
