"""A folder of runs as the page sees it: a closed table of keys, and what is behind each."""

import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Any

from advnets.disk import Folder
from advnets.errors import Missing
from advnets.runs.overview import Overview, find_run_folders, read_overview
from advnets.runs.tail import read_last_lines

FRESH_SECONDS = 1.0
"""How long an answer to one viewer serves the others too."""
LONGEST_NAME = 300
GONE = "gone"
"""Severity of a line that says that a finding does not stand any more."""
GRAVITY = {"finding": 0, "warning": 1, "note": 2}
"""{severity of a finding: its place, the gravest first}; what is not known is grave."""


class WatchedFolder:
    """The runs and the share files of a folder.

    A page names a run by a key, which is looked up in a table: no path, or part of one, is ever taken from a viewer.

    Args:
        root: The folder, or one run.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._paths: dict[str, Path] = {}
        self._listed: list[dict[str, Any]] = []
        self._listed_at = float("-inf")

    def list(self) -> list[dict[str, Any]]:
        """Return what the list of runs shows, as JSON; the newest first, share files behind the runs.

        Returns:
            The key, the name and the state of each, and what else the list shows; it is at most FRESH_SECONDS old.
        """
        with self._lock:
            if time.monotonic() - self._listed_at > FRESH_SECONDS:
                runs = find_run_folders(self.root)
                shared = sorted(path for path in self.root.glob("*.safetensors") if path.is_file())
                self._paths = {key_of(self.root, path): path for path in (*runs, *shared)}
                self._listed = [
                    *(self._describe_run(path) for path in runs),
                    *({"key": key_of(self.root, path), "name": path.name, "state": "share file"} for path in shared),
                ]
                self._listed_at = time.monotonic()
            return self._listed

    def path(self, key: str) -> Path:
        """Return the run or share file of a key.

        Args:
            key: The key.

        Returns:
            Its path.

        Raises:
            Missing: If there is none.
        """
        if key not in self._paths:
            self.list()
        if key not in self._paths:
            raise Missing("this run is not there any more, or never was. Choose another one of the list.")
        return self._paths[key]

    def _describe_run(self, path: Path) -> dict[str, Any]:
        found = read_overview(path)
        return {
            "key": key_of(self.root, path),
            "name": name_of(self.root, path),
            **describe_overview(found),
            "finding": _gravest_finding(path),
        }


def key_of(root: Path, path: Path) -> str:
    """Return the key of a run: a digest of its path below the folder, whatever letters that has."""
    return hashlib.sha256(os.fsencode(os.path.relpath(path, root))).hexdigest()[:16]


def name_of(root: Path, path: Path) -> str:
    """Return the name under which a run is shown: its path below the folder."""
    relative = os.path.relpath(path, root)
    shown = path.absolute().name if relative == "." else relative
    return os.fsencode(shown).decode(errors="replace")[:LONGEST_NAME]


def describe_overview(found: Overview) -> dict[str, Any]:
    """Return what a run's files say of it, as JSON."""
    recipe, settings, data = (_object(found.recipe.get(part)) for part in ("recipe", "settings", "data"))
    return {
        "state": found.state,
        "words": found.words,
        "step": found.step,
        "seconds": found.seconds,
        "share": found.share,
        "seconds_left": found.seconds_left,
        "recipe": str(recipe.get("name", ""))[:LONGEST_NAME],
        "data": str(data.get("name", ""))[:LONGEST_NAME],
        "seed": str(settings.get("seed", ""))[:40],
        "images_per_second": found.last.get("images_per_second"),
        "written_at": found.written_at,
        "problems": [problem[:2000] for problem in found.problems],
    }


def standing_findings(folder: Folder) -> dict[str, str]:
    """Return what stands by the last lines of findings.jsonl, notes included.

    Args:
        folder: The run's directory, held open.

    Returns:
        {name of a finding: its severity}, the newest last.

    Raises:
        OSError: If the file cannot be read.
    """
    standing: dict[str, str] = {}
    for line in read_last_lines(folder, "findings.jsonl"):
        name, severity = (str(line.get(part, ""))[:LONGEST_NAME] for part in ("name", "severity"))
        standing.pop(name, None)
        if severity != GONE:
            standing[name] = severity
    return standing


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _gravest_finding(path: Path) -> dict[str, str] | None:
    """The name and the severity of the gravest finding that stands, and the newest of these; None without any."""
    # Here a folder is opened anew, for a run whose other files are damaged has findings all the same.
    try:
        with Folder.open(path) as folder:
            standing = standing_findings(folder)
    except OSError:
        return None
    if not standing:
        return None
    gravest = min(reversed(standing), key=lambda name: GRAVITY.get(standing[name], 0))
    return {"name": gravest, "severity": standing[gravest]}
