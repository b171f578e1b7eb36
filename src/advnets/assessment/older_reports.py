"""Reports that were measured otherwise than the one that lies in a folder: below reports/, each in a folder of its own.

One is copied there whole, and given its name, before it is removed from where it lay: a crash on the way leaves it in
one of the two places, or in both. report.json goes first, so that what has one is a report.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from advnets import runs
from advnets.assessment.drawings import PICTURES
from advnets.assessment.report import Report
from advnets.disk import sync_folder
from advnets.runs.files import cannot_write, read_regular

LONGEST = 100
"""Letters of a folder's name."""


def move_report(folder: Path, kept: Report | None) -> Path:
    """Move the report that lies in a folder, with its figures, below reports/; returns where to.

    kept: the report; None if it is not to be read. Raises CannotWrite.
    """
    try:
        content = read_regular(folder / "report.json")
        name = _name(content, kept)
        places = (folder / "reports" / (name if n == 1 else f"{name}-{n}") for n in range(1, 10_000))
        # A crash may have left the copy where it is.
        place = next(place for place in places if not place.exists() or _holds(place, content))
        if not place.exists():
            _copy(folder, place)
        remove_report(folder)
    except OSError as error:
        raise cannot_write(folder / "reports", error) from error
    return place


def older_reports(folder: Path) -> list[Path]:
    """Where reports were moved to, the later of one name first."""
    found = (path.parent for path in (folder / "reports").glob("*/report.json"))
    return sorted((place for place in found if not place.name.startswith(".")), reverse=True)


def remove_report(folder: Path) -> None:
    """Remove the report that lies in a folder, its figures, and the folders if nothing else is in them."""
    try:
        for path in _files(folder):
            path.unlink()
            sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error
    for empty in (folder / "figures", folder):
        with contextlib.suppress(OSError):  # it is not there, or not empty
            empty.rmdir()


def figure_path(folder: Path, name: str) -> Path:
    """Where a figure of a report lies."""
    return folder / "figures" / f"{name}.png"


def _files(folder: Path) -> Iterator[Path]:
    paths = (folder / "report.json", folder / "report.md", *(figure_path(folder, name) for name in PICTURES))
    return (path for path in paths if path.is_file())


def _copy(folder: Path, place: Path) -> None:
    """Copy a report whole or not at all."""
    temporary = place.with_name(f".tmp-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        for path in _files(folder):
            copy = temporary / path.relative_to(folder)
            runs.make_folder(copy.parent)
            runs.write_bytes(copy, path.read_bytes())
        os.rename(temporary, place)
        sync_folder(place.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _holds(place: Path, content: bytes) -> bool:
    path = place / "report.json"
    return path.is_file() and path.read_bytes() == content


def _name(content: bytes, kept: Report | None) -> str:
    """Step, split, samples and seed, and a digest of all that a report was held against."""
    if kept is None:
        return f"unread-{hashlib.sha256(content).hexdigest()[:8]}"
    it = kept.against
    digest = hashlib.sha256(json.dumps(asdict(it), sort_keys=True).encode()).hexdigest()[:8]
    said = f"step-{kept.step}-{it.split[:LONGEST]}-{it.samples}-samples-seed-{it.seed}"
    return f"{re.sub(r'[^A-Za-z0-9-]+', '-', said)[:LONGEST]}-{digest}"
