"""The run directory: the contract between training and everything that looks on."""

import difflib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from advnets.disk import Folder
from advnets.errors import BadInput, InUse, Missing
from advnets.runs.files import cannot_write, make_folder, open_folder, parse_json, read_content, read_json, write_json
from advnets.runs.journal import Journal
from advnets.runs.sealed_json import SEAL, expect_seal, write_sealed

RECIPE_ADVICE = (
    "What a run was started with never changes: bring the former file back. To train what it says now, copy it, remove "
    'the line "sha256" from the copy, and start a new run: `advnets train COPY.json`.'
)
"""What to do about a recipe.json that is not as it was written."""

OF_A_RUN = (
    "recipe.json", "environment.json", "status.json", "budget.json", "journal.jsonl", "previews", "checkpoints",
    "report.json", "report.md", "figures", "reports", "back", "test-readings.jsonl", "unit.json", "probes.jsonl",
    "findings.jsonl", ".lock",
)  # fmt: skip
"""What a run directory holds. A link of such a name is refused."""

MAX_NAME = 100
"""Bytes of recipe and data in the name of a run; disks allow names of 255 bytes, encrypted ones of 143."""


@dataclass(frozen=True)
class RunDirectory:
    """Where each thing of a run lies.

    Attributes:
        path: Path of the directory.
        held: The directory, if it is held open: what is written then reaches it wherever it was moved to.
    """

    path: Path
    held: Folder | None = field(default=None, compare=False, repr=False)

    def expect_identity(self, identity: tuple[int, int] | None) -> None:
        """Expect the folder that `identity_of_folder` was asked of before.

        Args:
            identity: What it returned; None expects nothing.

        Raises:
            BadInput: If the path leads to another folder now.
        """
        if self.held is not None and identity not in (None, self.held.identity):
            raise BadInput(
                f"{self.path} is another run than the one that was started, which was moved. Name its place."
            )

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
        return Journal(self.path / "journal.jsonl", self.held)

    @property
    def probes(self) -> Journal:
        """What the doctor has measured, one line a probe."""
        return Journal(self.path / "probes.jsonl", self.held)

    @property
    def findings(self) -> Journal:
        """What the doctor has found, one line for each finding that is new, graver than before, or gone."""
        return Journal(self.path / "findings.jsonl", self.held)

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

    def read_recipe(self) -> dict[str, Any]:
        """Return the content of recipe.json, whose digest is compared.

        Returns:
            A dict of "recipe", "settings", "data", "game" and what else stands there, without the digest.

        Raises:
            BadInput: If it is not the recipe.json of a run.
            Damaged: If it is not as it was written.
        """
        content = read_content(self.recipe_json, self.held)
        found = parse_json(content, self.recipe_json)
        if not {"recipe", "settings", "data", "game"} <= set(found):
            raise BadInput(
                f"{self.recipe_json} is not of a run: found {', '.join(found)}; expected recipe, settings, data, game"
            )
        expect_seal(self.recipe_json, content, found, RECIPE_ADVICE)
        return {name: item for name, item in found.items() if name != SEAL}

    def remove_leftovers(self) -> None:
        """Remove what writers that were killed left behind; only who holds the run's lock may do so."""
        with open_folder(self.path, self.held) as folder:
            folder.remove_leftovers()
            for name in ("checkpoints", "previews", "figures", "reports", "back"):
                if folder.has_folder(name):
                    with folder.folder(name) as inner:
                        inner.remove_leftovers()


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
    expect_new_run(path)
    make_folder(path)
    directory = RunDirectory(path)
    try:
        with Folder.open(path) as held:
            if not held.lock() or not _is_unborn(held):  # of two that begin at once, one goes on
                raise _taken_error(path)
            write_json(directory.environment_json, environment, held)
            created = {"state": "created", "step": 0, "pid": os.getpid(), "message": ""}
            write_json(directory.status_json, created, held)
            write_sealed(directory.recipe_json, recipe, held)
    except OSError as error:
        raise cannot_write(path, error) from error
    return directory


def expect_new_run(path: Path) -> None:
    """Expect that `create_run` can take a path, before what takes long.

    Args:
        path: Path of the directory.

    Raises:
        BadInput: If the path is taken.
        CannotWrite: If the folder cannot be read.
    """
    if not os.path.lexists(path):
        return
    if not path.is_dir():
        raise _taken_error(path)
    try:
        with Folder.open(path) as held:
            if not _is_unborn(held):
                raise _taken_error(path)
    except OSError as error:
        raise cannot_write(path, error) from error


def _taken_error(path: Path) -> BadInput:
    return BadInput(
        f"{path} exists already and is not an empty folder. Name another folder with --out, or carry the run on "
        "with `advnets resume`."
    )


def _is_unborn(folder: Folder) -> bool:
    """Return whether a folder is empty, or holds only what `create_run` writes before recipe.json."""
    early = ("environment.json", "status.json")
    return all(name in early or name.startswith(".tmp-") for name in folder.names())


def open_run(path: Path, expected: str = "a run directory") -> RunDirectory:
    """Return the run at a path.

    Args:
        path: Path of a run directory.
        expected: What may be at the path, in words, for the error.

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
        raise Missing(f"{path} is not there; expected {expected}.{hint}")
    directory = RunDirectory(path)
    if not path.is_dir() or not directory.recipe_json.exists():
        names = sorted(item.name for item in path.iterdir())[:8] if path.is_dir() else ["a file"]
        raise BadInput(
            f"{path} is not a run directory: found {', '.join(names) or 'nothing'}; expected recipe.json, "
            "journal.jsonl, checkpoints/"
        )
    with hold_run(path):  # which refuses links
        directory.read_recipe()
    return directory


@contextmanager
def hold_run(path: Path) -> Iterator[RunDirectory]:
    """Hold a run's directory open, so that what is written reaches it wherever it is moved to meanwhile.

    Others may hold it too; `lock_run` is for who is to be alone.

    Args:
        path: Path of the run directory.

    Yields:
        The directory.

    Raises:
        Missing: If there is none.
        BadInput: If it cannot be opened, or a link is in the place of something that a run writes.
    """
    try:
        folder = Folder.open(path)
    except FileNotFoundError as error:
        raise Missing(f"{path} is not there; expected a run directory") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be opened: {error.strerror}. Check the path and its permissions.") from error
    with folder:
        folder.refuse_links(*OF_A_RUN)
        yield RunDirectory(path, folder)


def identity_of_folder(path: Path) -> tuple[int, int] | None:
    """Return what tells a folder from others that may lie at its path later; None if it is not there.

    Args:
        path: The folder.

    Returns:
        The device and the number of the folder, or None.
    """
    try:
        with Folder.open(path) as folder:
            return folder.identity
    except OSError:
        return None


def new_run_path(root: Path, recipe: str, data: str) -> Path:
    """Return the path of a new run: <root>/<time>-<recipe>-<data>, with a number where that is taken.

    Args:
        root: Folder of the runs.
        recipe: Name of the recipe.
        data: Name of the data set.

    Returns:
        A path that does not exist yet. Its name has at most `MAX_NAME` bytes and a few more, so that it fits any disk.
    """
    words = re.sub(r"[^\w.-]+", "-", f"{recipe}-{data}")  # a recipe of a file may be called ../..
    words = words.encode()[:MAX_NAME].decode(errors="ignore")
    base = f"{time.strftime('%Y%m%d-%H%M%S')}-{words}"
    names = (base if n == 1 else f"{base}-{n}" for n in range(1, 10_000))
    return next(root / name for name in names if not (root / name).exists())


@contextmanager
def lock_run(path: Path) -> Iterator[RunDirectory]:
    """Hold a run alone; the lock is the system's, so it is free at the moment its holder dies.

    The directory itself is locked, so that no file can be taken away under the lock; and beside it the file .lock, for
    systems and file systems that lock no folders.

    Args:
        path: Path of the run directory.

    Yields:
        The directory, held open.

    Raises:
        InUse: If another process holds the run; it is named.
        Missing: If there is none.
        BadInput: If it cannot be opened, or a link is in the place of something that a run writes.
    """
    with hold_run(path) as directory:
        lock = FileLock(path / ".lock")
        if directory.held is None or not directory.held.lock():
            raise _in_use(directory)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise _in_use(directory) from error
        except OSError as error:
            raise cannot_write(path / ".lock", error) from error
        try:
            if not directory.held.is_in_place:
                raise InUse(f"{path} was moved away just now. Name its new place.")
            yield directory
        finally:
            lock.release()


def _in_use(directory: RunDirectory) -> InUse:
    pid = read_json(directory.status_json, directory.held).get("pid", "unknown")
    return InUse(
        f"{directory.path} is being trained by process {pid}. Wait for it, or stop it by SIGTERM, on which it saves."
    )
