"""The report that is kept of a run: what is measured later joins it, where it was measured alike, or moves it."""

import contextlib
from dataclasses import replace
from pathlib import Path

from advnets import runs
from advnets.assessment.drawings import PICTURES
from advnets.assessment.older_reports import figure_path, move_report, older_reports, remove_report
from advnets.assessment.report import ReferenceCard, Report
from advnets.assessment.run_measures import expect_results
from advnets.errors import BadInput
from advnets.runs.files import cannot_write


def write_report(folder: Path, report: Report) -> Path | None:
    """Write report.json, report.md and the figures that were drawn, each whole or not at all.

    A report that lies there already is joined, see `join_reports`; figures that it no longer names are removed. One that was
    measured otherwise is moved to a folder below reports/, which is returned. One that was moved there and is measured
    alike is joined, and is what lies there again.
    Raises BadInput for a report without a single measure, CannotWrite for a failing disk.
    """
    expect_results(report)
    kept, place = _read_report(folder), None
    if kept is not None and are_alike(kept, report):
        report = join_reports(kept, report)
    elif (folder / "report.json").exists():
        place = move_report(folder, kept)
    back = []
    for each in older_reports(folder):
        former = _read_report(each)
        if each != place and former is not None and are_alike(former, report):
            report = join_reports(replace(former, pictures=_read_figures(each, former)), report)
            back.append(each)
    _write(folder, report)
    for each in back:
        remove_report(each)
    return place


def _write(folder: Path, report: Report) -> None:
    for name, picture in report.pictures.items():
        if picture:  # of those that lie there already, only the names are known
            runs.make_folder(folder / "figures")
            runs.write_bytes(figure_path(folder, name), picture)
    runs.write_json(folder / "report.json", report.as_dict())
    runs.write_bytes(folder / "report.md", report.markdown().encode())
    for name in PICTURES.keys() - report.pictures.keys():
        stale = figure_path(folder, name)
        try:
            stale.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(stale, error) from error


def are_alike(kept: Report, new: Report) -> bool:
    """Whether both are of the same samples, held against the same.

    That is of one step, split, seed, number of samples, data digest and extractor.
    """
    return kept.step == new.step and _common(kept.against, new.against) is not None


def join_reports(kept: Report, new: Report) -> Report:
    """A new report with what a kept one, which is alike, has beside it.

    A measure that both have is the new one's, and one that could not be taken anew is gone. The seconds are the sum.
    """
    asked = {*new.measures, *new.skipped}
    left = {name: measure for name, measure in kept.measures.items() if name not in asked}
    reasons = {name: reason for name, reason in kept.skipped.items() if name not in asked}
    return replace(
        new,
        against=_common(kept.against, new.against) or new.against,
        measures={**left, **new.measures},
        skipped={**reasons, **new.skipped},
        controls=kept.controls if "parzen" in left else new.controls,
        pictures=new.pictures or kept.pictures,
        seconds=round(new.seconds + (kept.seconds if left else 0.0), 3),
    )


def _common(a: ReferenceCard, b: ReferenceCard) -> ReferenceCard | None:
    """What both were held against, if it is the same; a classifier that one did without is the other's."""
    if a.classifier is not None and b.classifier is not None:
        return b if a == b else None
    seen = a if b.classifier is None else b
    filled = [replace(each, classifier=seen.classifier, accuracy=seen.accuracy) for each in (a, b)]
    return seen if filled[0] == filled[1] else None


def _read_figures(place: Path, former: Report) -> dict[str, bytes]:
    try:
        return {name: figure_path(place, name).read_bytes() for name in former.pictures}
    except OSError as error:
        raise BadInput(f"{place}: its figures cannot be read: {error.strerror}. Check their permissions.") from error


def _read_report(folder: Path) -> Report | None:
    """The report that lies there, with the figures that do; None if there is none of this version."""
    with contextlib.suppress(BadInput):
        kept = Report.from_dict(runs.read_json(folder / "report.json"))
        drawn = (name for name in PICTURES if name in kept.pictures and figure_path(folder, name).is_file())
        return replace(kept, pictures=dict.fromkeys(drawn, b""))
    return None
