"""The files of a report: the newest report of a folder, its figures, and older reports below reports/.

A report joins one that was measured alike. One that was measured otherwise is moved below reports/, to a folder of its
own: it is copied there whole, and given its name, before it is removed, so that a crash leaves it in one of the two
places, or in both. report.json goes first, so that a folder that has one holds a report.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from advnets import runs
from advnets.assessment.context import ReferenceCard
from advnets.assessment.report import Report
from advnets.assessment.report_figures import FIGURES
from advnets.disk import Folder, temporary_name
from advnets.errors import BadInput
from advnets.runs.files import cannot_write

LONGEST = 100
"""Most letters of a folder's name."""
FILES = ("report.json", "report.md")
OF_THE_CHECKPOINT = ("chosen_by", "chosen_among", "earlier_readings", "coarse_below")
"""What a report's card tells of the checkpoint, and not of what it was measured against."""

UNREAD = "unread-"
"""What the name of a folder begins with, where the report in it cannot be read."""

REPORT_ADVICE = "Measure again by `advnets evaluate`, which moves it away, or bring the former file back."
"""What to do about a report.json that is not as it was written."""


def write_report(path: Path, report: Report, held: Folder | None = None) -> Path | None:
    """Write report.json, report.md and the figures into a run, each whole or not at all.

    If the folder holds a report that was measured alike, `join_reports` joins both; figures that the report no longer
    names are removed. A report that was measured otherwise is moved to a folder below reports/. If a report below
    reports/ was measured alike, it is joined too, and moves back.

    Args:
        path: The folder, such as a run directory.
        report: The report.
        held: The folder, if it is held open.

    Returns:
        Where a former report was moved to; None if none was moved.

    Raises:
        BadInput: For a report without a single measure, and where a link is in the place of a folder.
        CannotWrite: If the disk fails.
    """
    report.must_have_measures()
    try:
        with runs.open_folder(path, held, make=held is None) as folder:
            place = _join_and_write(folder, report)
    except OSError as error:
        raise cannot_write(path / "report.json", error) from error
    return None if place is None else path / "reports" / place


def write_new_report(path: Path, report: Report) -> Path:
    """Write report.json, report.md and the figures into a folder of their own, all of them or nothing.

    Args:
        path: The folder, which is not there yet, or is empty.
        report: The report.

    Returns:
        The folder.

    Raises:
        BadInput: For a report without a single measure, and if something is at the path, be it since it was measured.
        CannotWrite: If the disk fails.
    """
    report.must_have_measures()
    return runs.write_new_folder(path, lambda folder: _write_files(folder, report))


def _join_and_write(folder: Folder, report: Report) -> str | None:
    """Write a report into a folder; returns the name of the folder below reports/ that a former one was moved to."""
    former, place = _read_report(folder), None
    if former is not None and are_alike(former, report):
        report = join_reports(former, report)
    elif folder.status("report.json") is not None:
        place = _move_report(folder, former)
    back = []
    for name in _older_reports(folder):
        with folder.folder("reports") as reports, reports.folder(name) as each:
            older = _read_report(each)
            if name != place and older is not None and are_alike(older, report):
                report = join_reports(replace(older, figures=_read_figures(each, older)), report)
                back.append(name)
    _write_files(folder, report)
    for name in back:
        with folder.folder("reports") as reports:
            with reports.folder(name) as each:
                _remove_report(each)
            with contextlib.suppress(OSError):  # something else is in it
                reports.remove_empty_folder(name)
    return place


def _write_files(folder: Folder, report: Report) -> None:
    drawn = {name: figure for name, figure in report.figures.items() if figure}  # one read from a file has names only
    if drawn:
        with folder.folder("figures", make=True) as figures:
            for name, figure in drawn.items():
                figures.write(f"{name}.png", figure)
    folder.write("report.json", runs.sealed_text(report.as_dict()).encode())
    folder.write("report.md", report.markdown().encode())
    if folder.has_folder("figures"):
        with folder.folder("figures") as figures:
            for name in FIGURES.keys() - report.figures.keys():
                if figures.status(f"{name}.png") is not None:
                    figures.remove(f"{name}.png")


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
    """What both were measured against, if it is the same; a classifier that one did without is the other's.

    Who chose the checkpoint and earlier readings are no part of what was measured against: those of the newer one stay.
    """
    a = replace(a, **{name: getattr(b, name) for name in OF_THE_CHECKPOINT})
    if a.classifier is not None and b.classifier is not None:
        return b if a == b else None
    complete = a if b.classifier is None else b
    first, second = (replace(each, classifier=complete.classifier, accuracy=complete.accuracy) for each in (a, b))
    return complete if first == second else None


def read_report_file(file: Path, held: Folder | None = None) -> Report:
    """Read a report whose digest is in it: a report.json, or what `advnets evaluate --json` printed.

    Args:
        file: The file.
        held: As in `runs.open_folder`.

    Returns:
        The report, without the bytes of its figures.

    Raises:
        BadInput: If it is no report of this version; the file is named.
        Damaged: If it is not as it was written.
    """
    values = runs.read_sealed(file, REPORT_ADVICE, held)
    try:
        return Report.from_dict(values)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from error


def _read_report(folder: Folder) -> Report | None:
    """The report in a folder, with the names of the figures that are there; None if there is none of this version."""
    with contextlib.suppress(BadInput):
        report = read_report_file(folder.path / "report.json", folder)
        files = _names(folder, "figures")
        there = (name for name in FIGURES if name in report.figures and f"{name}.png" in files)
        return replace(report, figures=dict.fromkeys(there, b""))
    return None


def _read_figures(folder: Folder, report: Report) -> dict[str, bytes]:
    if not report.figures:
        return {}
    try:
        with folder.folder("figures") as figures:
            return {name: figures.read(f"{name}.png") for name in report.figures}
    except OSError as error:
        raise BadInput(
            f"{folder.path}: its figures cannot be read: {error.strerror}. Check their permissions."
        ) from error


def _names(folder: Folder, name: str) -> list[str]:
    """The names in a folder within another; none if it is not there."""
    if not folder.has_folder(name):
        return []
    with folder.folder(name) as inner:
        return inner.names()


def _older_reports(folder: Folder) -> list[str]:
    """The names of the folders that older reports were moved to, the later of one name first."""
    found = []
    for name in _names(folder, "reports"):
        with folder.folder("reports") as reports:
            if not name.startswith(".") and "report.json" in _names(reports, name):
                found.append(name)
    return sorted(found, reverse=True)


def _move_report(folder: Folder, report: Report | None) -> str:
    """Move the report of a folder, with its figures, below reports/; returns the name of its new folder.

    Args:
        folder: The folder.
        report: Its report; None if that cannot be read.
    """
    content = folder.read("report.json")
    name = _name_folder(content, report)
    with folder.folder("reports", make=True) as reports:
        places = (name if n == 1 else f"{name}-{n}" for n in range(1, 10_000))
        # A crash may have left the copy where it is.
        place = next(each for each in places if reports.status(each) is None or _has_content(reports, each, content))
        if reports.status(place) is None:
            _copy_report(folder, reports, place)
    _remove_report(folder)
    return place


def _remove_report(folder: Folder) -> None:
    """Remove the report of a folder and its figures, and their folder if nothing else is in it."""
    for name in FILES:
        if folder.status(name) is not None:
            folder.remove(name)
            folder.sync()
    if folder.has_folder("figures"):
        with folder.folder("figures") as figures:
            for name in _figure_files(figures):
                figures.remove(name)
            figures.sync()
        with contextlib.suppress(OSError):  # something else is in it
            folder.remove_empty_folder("figures")


def _figure_files(figures: Folder) -> Iterator[str]:
    return (name for name in (f"{each}.png" for each in FIGURES) if figures.status(name) is not None)


def _copy_report(folder: Folder, reports: Folder, place: str) -> None:
    """Copy a report whole or not at all."""
    temporary = temporary_name()
    try:
        reports.make_folder(temporary)
        with reports.folder(temporary) as copy:
            for name in FILES:
                if folder.status(name) is not None:
                    copy.create(name, folder.read(name))
            if folder.has_folder("figures"):
                copy.make_folder("figures")
                with folder.folder("figures") as figures, copy.folder("figures") as copied:
                    for name in _figure_files(figures):
                        copied.create(name, figures.read(name))
                    copied.sync()
            copy.sync()
        reports.rename(temporary, place)
        reports.sync()
    except BaseException:
        with contextlib.suppress(OSError):
            reports.remove(temporary)
        raise


def _has_content(reports: Folder, name: str, content: bytes) -> bool:
    if not reports.has_folder(name):
        return False
    with reports.folder(name) as place:
        try:
            return place.read("report.json") == content
        except OSError:
            return False


def _name_folder(content: bytes, report: Report | None) -> str:
    """Step, split, samples and seed, and a digest of all that a report was measured against."""
    if report is None:
        return f"{UNREAD}{hashlib.sha256(content).hexdigest()[:8]}"
    it = report.against
    against = asdict(replace(it, chosen_by=None, chosen_among=0, earlier_readings=None, coarse_below=None))
    digest = hashlib.sha256(json.dumps(against, sort_keys=True).encode()).hexdigest()[:8]
    text = f"step-{report.step}-{it.split[:LONGEST]}-{it.samples}-samples-seed-{it.seed}"
    return f"{re.sub(r'[^A-Za-z0-9-]+', '-', text)[:LONGEST]}-{digest}"
