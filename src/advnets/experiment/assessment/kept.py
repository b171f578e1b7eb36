"""The report that is kept of a run: what is measured later joins it, where it was measured alike."""

import contextlib
from dataclasses import replace
from pathlib import Path

from advnets import runs
from advnets.errors import BadInput
from advnets.experiment.assessment.pictures import PICTURES
from advnets.experiment.assessment.report import Against, Report
from advnets.runs.files import cannot_write


def write_report(folder: Path, report: Report) -> None:
    """Write report.json, report.md and the figures that were drawn, each whole or not at all.

    A report that lies there already is joined, see `joined`; figures that it no longer names are removed.
    """
    report = joined(_kept(folder / "report.json"), report)
    for name, picture in report.pictures.items():
        if picture:  # of those that lie there already, only the names are known
            runs.make_folder(folder / "figures")
            runs.write_bytes(folder / "figures" / f"{name}.png", picture)
    runs.write_json(folder / "report.json", report.as_dict())
    runs.write_bytes(folder / "report.md", report.markdown().encode())
    for name in PICTURES.keys() - report.pictures.keys():
        stale = folder / "figures" / f"{name}.png"
        try:
            stale.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(stale, error) from error


def joined(kept: Report | None, new: Report) -> Report:
    """A new report with what a kept one has beside it, if both are of the same samples, held against the same.

    That is of one step, split, seed, number of samples, data digest and extractor; else it is the new one alone.
    A measure that both have is the new one's, and one that could not be taken anew is gone. The seconds are the sum.
    """
    against = None if kept is None else _common(kept.against, new.against)
    if kept is None or against is None or kept.step != new.step:
        return new
    asked = {*new.measures, *new.skipped}
    left = {name: measure for name, measure in kept.measures.items() if name not in asked}
    reasons = {name: reason for name, reason in kept.skipped.items() if name not in asked}
    return replace(
        new,
        against=against,
        measures={**left, **new.measures},
        skipped={**reasons, **new.skipped},
        controls=kept.controls if "parzen" in left else new.controls,
        pictures=new.pictures or kept.pictures,
        seconds=round(new.seconds + (kept.seconds if left else 0.0), 3),
    )


def _common(a: Against, b: Against) -> Against | None:
    """What both were held against, if it is the same; a classifier that one did without is the other's."""
    if a.classifier is not None and b.classifier is not None:
        return b if a == b else None
    seen = a if b.classifier is None else b
    filled = [replace(each, classifier=seen.classifier, accuracy=seen.accuracy) for each in (a, b)]
    return seen if filled[0] == filled[1] else None


def _kept(path: Path) -> Report | None:
    """The report that lies there, with the figures that do; None if there is none of this version."""
    with contextlib.suppress(BadInput):
        kept = Report.from_dict(runs.read_json(path))
        return replace(kept, pictures={name: b"" for name in PICTURES if _is_drawn(path, name, kept)})
    return None


def _is_drawn(path: Path, name: str, kept: Report) -> bool:
    return name in kept.pictures and (path.parent / "figures" / f"{name}.png").is_file()
