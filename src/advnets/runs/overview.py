"""What the files of a run say of it, for who looks on: nothing is locked or written, and a damaged run is read as well.

What cannot be read is told in words beside what can be, for a person who watches wants to see both.
"""

import os
import re
import stat
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advnets.disk import Folder
from advnets.errors import AdvnetsError, Damaged, Missing
from advnets.runs.directory import RunDirectory, hold_run
from advnets.runs.files import read_json
from advnets.runs.tail import read_last

DEEPEST, MOST = 2, 1000
"""How deep below a folder runs are looked for, and how many are found at most."""
QUIET_SECONDS = 120.0
"""How long a run that trains may write nothing before that is told."""
LARGEST_PICTURE = 32 * 2**20
PREVIEW = re.compile(r"(\d{1,12})\.png")
MARKS = ("recipe.json", "status.json", "journal.jsonl")
"""Files of which one at least lies in a run, be it damaged."""


@dataclass(frozen=True)
class Overview:
    """What the files of a run say of it.

    Attributes:
        state: created, training, quiet, killed, stopped, finished, failed or unreadable.
        words: The state in words for people, with what is wrong.
        step: The newest step that a line of the journal or the status tells.
        seconds: Seconds that it was trained for.
        share: Share of its budget that is spent, 0 .. 1; None if it is not known.
        seconds_left: Seconds to the end of the budget at the pace so far; None if unknown, or if it does not run.
        recipe: Contents of recipe.json, empty if it cannot be read.
        last: The newest line of the journal.
        written_at: When it was written to last, in seconds since 1970.
        problems: What cannot be read, and why.
    """

    state: str
    words: str
    step: int
    seconds: float
    share: float | None
    seconds_left: float | None
    recipe: Mapping[str, Any]
    last: Mapping[str, Any]
    written_at: float
    problems: tuple[str, ...] = field(default=())


def find_run_folders(root: Path) -> list[Path]:
    """Return the runs in a folder and in the folders below it, the newest first; or the folder, if it is a run.

    Args:
        root: The folder. Links below it are not followed.

    Returns:
        The directories, at most MOST of them.

    Raises:
        Missing: If there is no such folder.
    """
    if not root.is_dir():
        raise Missing(f"{root} is not there; expected a run, or a folder of runs. Train one: advnets train --help")
    if _is_run(root):
        return [root]
    found: list[tuple[float, Path]] = []
    _gather_runs(root, DEEPEST, found)
    return [path for _, path in sorted(found, key=lambda pair: (-pair[0], str(pair[1])))]


def _gather_runs(folder: Path, deepest: int, found: list[tuple[float, Path]]) -> None:
    try:
        inner = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for path in inner:
        if len(found) >= MOST:
            return
        if _is_run(path):
            found.append((_changed_at(path / "recipe.json") or _changed_at(path) or 0.0, path))
        elif deepest > 1 and not path.name.startswith("."):
            _gather_runs(path, deepest - 1, found)


def _is_run(path: Path) -> bool:
    return any((path / mark).is_file() for mark in MARKS)


def _changed_at(path: Path) -> float | None:
    try:
        return path.lstat().st_mtime
    except OSError:
        return None


def read_overview(path: Path, now: float | None = None) -> Overview:
    """Read what the files of a run say of it.

    Args:
        path: The run directory.
        now: The time in seconds since 1970; None for that of this machine.

    Returns:
        What they say; a file that cannot be read is a problem, and no error.
    """
    problems: list[str] = []
    try:
        with hold_run(path) as run:
            return _read_held(run, time.time() if now is None else now, problems)
    except (AdvnetsError, OSError) as error:
        return Overview("unreadable", str(error), 0, 0.0, None, None, {}, {}, 0.0, (str(error),))


def _read_held(run: RunDirectory, now: float, problems: list[str]) -> Overview:
    assert run.held is not None
    held = run.held
    recipe = _attempt(run.read_recipe, problems)
    status = _attempt(lambda: read_json(run.status_json, held), problems)
    budget = _attempt(lambda: read_json(run.budget_json, held), problems) if held.status("budget.json") else {}
    last = _attempt(lambda: read_last(held, "journal.jsonl"), problems)
    step = max(_number(last.get("step")), _number(status.get("step")))
    seconds = max(_number(last.get("seconds")), _number(status.get("seconds")))
    written = [found.st_mtime for name in MARKS if (found := held.status(name)) is not None]
    written_at = max(written, default=0.0)
    state, words = _judge_state(status, now - written_at, problems)
    share = _share(recipe.get("settings"), budget, step, seconds)
    share = share if share is not None else _number(status.get("share")) if "share" in status else None
    is_under_way = state in ("training", "quiet") and share is not None and 0 < share < 1
    left = seconds * (1 - share) / share if is_under_way and share is not None else None
    return Overview(state, words, int(step), seconds, share, left, recipe, last, written_at, tuple(problems))


def _attempt(read: Callable[[], Mapping[str, Any]], problems: list[str]) -> Mapping[str, Any]:
    """What is read; nothing, and a problem more, where it cannot be."""
    try:
        return read()
    except AdvnetsError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"{error.filename or 'a file'} cannot be read: {error.strerror}")
    return {}


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e15 else 0.0


def _share(settings: Any, budget: Mapping[str, Any], step: float, seconds: float) -> float | None:
    """The share of the budget that is spent; that which was asked for last is the run's."""
    asked = budget if budget else settings if isinstance(settings, Mapping) else {}
    steps, minutes = _number(asked.get("steps")), _number(asked.get("minutes"))
    if not steps and not minutes:
        return None
    return min(1.0, max(step / steps if steps else 0.0, seconds / (60 * minutes) if minutes else 0.0))


def _judge_state(status: Mapping[str, Any], quiet_seconds: float, problems: list[str]) -> tuple[str, str]:
    state, message = str(status.get("state", "")), str(status.get("message", ""))[:2000]
    if not status:
        return "unreadable", problems[0] if problems else "status.json says nothing"
    if state not in ("training", "created"):
        return (state if state in ("stopped", "finished", "failed") else "unreadable"), message
    pid = status.get("pid")
    is_here = type(pid) is int and _is_process(pid)
    if state == "training" and not is_here and quiet_seconds > QUIET_SECONDS:
        return "killed", (
            f"Its process {pid} is not on this machine, and nothing was written for {_words(quiet_seconds)}: it was "
            "killed, or trains on another machine and is silent. Go on with: advnets resume RUN"
        )
    if quiet_seconds > QUIET_SECONDS:
        return "quiet", f"Nothing was written for {_words(quiet_seconds)}"
    return state, message


def _is_process(pid: int) -> bool:
    """Whether a process of this number lives here; a shared folder may hold runs of another machine."""
    if sys.platform == "win32" or pid <= 0:  # where `os.kill` ends it
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _words(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"


def list_previews(folder: Folder) -> list[int]:
    """Return the steps at which a run drew previews, in their order.

    Args:
        folder: The run's directory, held open.

    Returns:
        The steps; none where there are no previews.

    Raises:
        OSError: If the folder cannot be read.
        BadInput: If it is a link.
    """
    if not folder.has_folder("previews"):
        return []
    with folder.folder("previews") as inner:
        found = [PREVIEW.fullmatch(name) for name in inner.names()]
    return sorted({int(match[1]) for match in found if match})


def read_preview(folder: Folder, step: int) -> bytes:
    """Return the picture that a run drew at a step.

    Args:
        folder: The run's directory, held open.
        step: The step.

    Returns:
        The bytes of a PNG file.

    Raises:
        Missing: If there is none.
        Damaged: If it is no PNG file, or too large to be a preview.
        OSError: If it cannot be read.
        BadInput: If the folder of the previews is a link.
    """
    place = folder.path / "previews"
    if not folder.has_folder("previews"):
        raise Missing(f"{place} is not there; expected the folder of a run's previews")
    with folder.folder("previews") as inner:
        names = [name for name in inner.names() if (match := PREVIEW.fullmatch(name)) and int(match[1]) == step]
        found = inner.status(names[0]) if names else None
        if found is None or not stat.S_ISREG(found.st_mode):
            raise Missing(f"{place}: there is no preview of step {step}")
        if found.st_size > LARGEST_PICTURE:
            raise Damaged(f"{place / names[0]}: found {found.st_size:,} bytes, expected at most {LARGEST_PICTURE:,}")
        content = inner.read(names[0])
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise Damaged(f"{place / names[0]} is no PNG file")
    return content
