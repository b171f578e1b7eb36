"""The files of a report: the newest report of a folder, its figures, and older reports below reports/.

A report joins one that was measured alike. One that was measured otherwise is moved below reports/, to a folder of its
own: it is copied there whole, and given its name, before it is removed, so that a crash leaves it in one of the two
places, or in both. report.json goes first, so that a folder that has one holds a report.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from advnets import runs
from advnets.assessment.context import ReferenceCard
from advnets.assessment.report import Report
from advnets.assessment.report_figures import FIGURES
from advnets.disk import sync_folder
from advnets.errors import BadInput
from advnets.runs.files import cannot_write, read_regular

LONGEST = 100
"""Most letters of a folder's name."""

UNREAD = "unread-"
"""What the name of a folder begins with, where the report in it cannot be read."""

REPORT_ADVICE = "Measure again by `advnets evaluate`, which moves it away, or bring the former file back."
"""What to do about a report.json that is not as it was written."""


def write_report(folder: Path, report: Report) -> Path | None:
    """Write report.json, report.md and the figures, each whole or not at all.

    If the folder holds a report that was measured alike, `join_reports` joins both; figures that the report no longer
    names are removed. A report that was measured otherwise is moved to a folder below reports/. If a report below
    reports/ was measured alike, it is joined too, and moves back.

    Args:
        folder: The folder, such as a run directory.
        report: The report.

    Returns:
        Where a former report was moved to; None if none was moved.

    Raises:
        BadInput: For a report without a single measure.
        CannotWrite: If the disk fails.
    """
    report.must_have_measures()
    former, place = _read_report(folder), None
    if former is not None and are_alike(former, report):
        report = join_reports(former, report)
    elif (folder / "report.json").exists():
        place = move_report(folder, former)
    back = []
    for each in older_reports(folder):
        older = _read_report(each)
        if each != place and older is not None and are_alike(older, report):
            report = join_reports(replace(older, figures=_read_figures(each, older)), report)
            back.append(each)
    _write_files(folder, report)
    for each in back:
        remove_report(each)
    return place


def _write_files(folder: Path, report: Report) -> None:
    for name, figure in report.figures.items():
        if figure:  # a report that was read from a file knows only their names
            runs.make_folder(folder / "figures")
            runs.write_bytes(figure_path(folder, name), figure)
    runs.write_sealed(folder / "report.json", report.as_dict())
    runs.write_bytes(folder / "report.md", report.markdown().encode())
    for name in FIGURES.keys() - report.figures.keys():
        stale = figure_path(folder, name)
        try:
            stale.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(stale, error) from error


def are_alike(former: Report, new: Report) -> bool:
    """Whether two reports are about the same samples, measured against the same data.

    Args:
        former: One report.
        new: The other report.

    Returns:
        Whether step, split, seed, number of samples, digest of the data, and extractor are equal.
    """
    return former.step == new.step and _join_cards(former.against, new.against) is not None


def join_reports(former: Report, new: Report) -> Report:
    """Add to a new report what a former one has beside it.

    A measure that both have is the new one's, and one that could not be taken again is gone. The seconds are the sum.

    Args:
        former: The former report, which is alike.
        new: The new report.

    Returns:
        The joined report.
    """
    asked = {*new.measures, *new.skipped}
    left = {name: measure for name, measure in former.measures.items() if name not in asked}
    reasons = {name: reason for name, reason in former.skipped.items() if name not in asked}
    return replace(
        new,
        against=_join_cards(former.against, new.against) or new.against,
        measures={**left, **new.measures},
        skipped={**reasons, **new.skipped},
        controls=former.controls if "parzen" in left else new.controls,
        figures=new.figures or former.figures,
        seconds=round(new.seconds + (former.seconds if left else 0.0), 3),
    )


def _join_cards(a: ReferenceCard, b: ReferenceCard) -> ReferenceCard | None:
    """What both were measured against, if it is the same; a classifier that one did without is the other's."""
    if a.classifier is not None and b.classifier is not None:
        return b if a == b else None
    complete = a if b.classifier is None else b
    first, second = (replace(each, classifier=complete.classifier, accuracy=complete.accuracy) for each in (a, b))
    return complete if first == second else None


def read_report_file(file: Path) -> Report:
    """Read a report whose digest is in it: a report.json, or what `advnets evaluate --json` printed.

    Args:
        file: The file.

    Returns:
        The report, without the bytes of its figures.

    Raises:
        BadInput: If it is no report of this version; the file is named.
        Damaged: If it is not as it was written.
    """
    values = runs.read_sealed(file, REPORT_ADVICE)
    try:
        return Report.from_dict(values)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from error


def _read_report(folder: Path) -> Report | None:
    """The report in a folder, with the figures that are there; None if it is damaged, or of another version."""
    with contextlib.suppress(BadInput):
        report = read_report_file(folder / "report.json")
        there = (name for name in FIGURES if name in report.figures and figure_path(folder, name).is_file())
        return replace(report, figures=dict.fromkeys(there, b""))
    return None


def _read_figures(folder: Path, report: Report) -> dict[str, bytes]:
    try:
        return {name: figure_path(folder, name).read_bytes() for name in report.figures}
    except OSError as error:
        raise BadInput(f"{folder}: its figures cannot be read: {error.strerror}. Check their permissions.") from error


def figure_path(folder: Path, name: str) -> Path:
    """Where a figure of a report lies."""
    return folder / "figures" / f"{name}.png"


def older_reports(folder: Path) -> list[Path]:
    """The folders that older reports were moved to, the later of one name first."""
    found = (path.parent for path in (folder / "reports").glob("*/report.json"))
    return sorted((place for place in found if not place.name.startswith(".")), reverse=True)


def move_report(folder: Path, report: Report | None) -> Path:
    """Move the report of a folder, with its figures, below reports/.

    Args:
        folder: The folder.
        report: Its report; None if that cannot be read.

    Returns:
        The folder that it was moved to.

    Raises:
        CannotWrite: If the disk fails.
    """
    try:
        content = read_regular(folder / "report.json")
        name = _name_folder(content, report)
        places = (folder / "reports" / (name if n == 1 else f"{name}-{n}") for n in range(1, 10_000))
        # A crash may have left the copy where it is.
        place = next(place for place in places if not place.exists() or _has_content(place, content))
        if not place.exists():
            _copy_report(folder, place)
        remove_report(folder)
    except OSError as error:
        raise cannot_write(folder / "reports", error) from error
    return place


def remove_report(folder: Path) -> None:
    """Remove the report of a folder, its figures, and the folders if nothing else is in them.

    Args:
        folder: The folder.

    Raises:
        CannotWrite: If the disk fails.
    """
    try:
        for path in _list_files(folder):
            path.unlink()
            sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(folder, error) from error
    for empty in (folder / "figures", folder):
        with contextlib.suppress(OSError):  # it is not there, or not empty
            empty.rmdir()


def _list_files(folder: Path) -> Iterator[Path]:
    paths = (folder / "report.json", folder / "report.md", *(figure_path(folder, name) for name in FIGURES))
    return (path for path in paths if path.is_file())


def _copy_report(folder: Path, place: Path) -> None:
    """Copy a report whole or not at all."""
    temporary = place.with_name(f".tmp-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        for path in _list_files(folder):
            copy = temporary / path.relative_to(folder)
            runs.make_folder(copy.parent)
            runs.write_bytes(copy, path.read_bytes())
        os.rename(temporary, place)
        sync_folder(place.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _has_content(place: Path, content: bytes) -> bool:
    path = place / "report.json"
    return path.is_file() and path.read_bytes() == content


def _name_folder(content: bytes, report: Report | None) -> str:
    """Step, split, samples and seed, and a digest of all that a report was measured against."""
    if report is None:
        return f"{UNREAD}{hashlib.sha256(content).hexdigest()[:8]}"
    it = report.against
    digest = hashlib.sha256(json.dumps(asdict(it), sort_keys=True).encode()).hexdigest()[:8]
    text = f"step-{report.step}-{it.split[:LONGEST]}-{it.samples}-samples-seed-{it.seed}"
    return f"{re.sub(r'[^A-Za-z0-9-]+', '-', text)[:LONGEST]}-{digest}"
