"""What the page asks about one run, as JSON: its lines, its findings, its settings, its measures, its pictures."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from advnets.assessment import read_report_file, reference_lines
from advnets.comparison.settings_difference import flatten_settings, settings_differences
from advnets.disk import Folder
from advnets.errors import AdvnetsError, BadInput, Missing
from advnets.runs.files import read_json
from advnets.runs.overview import list_previews, read_overview, read_preview
from advnets.runs.tail import Tail, read_tail
from advnets.statistics.estimate import Z95
from advnets.web.watch.folder import describe_overview
from advnets.web.watch.judgement import describe_judgement

LONGEST_CURSOR = 40
MOST_NOTES, MOST_FINDINGS = 50, 500

Value = TypeVar("Value")


def journal_columns(path: Path, cursor: str) -> dict[str, Any]:
    """Return the lines of a journal behind a cursor, as columns.

    Args:
        path: The run.
        cursor: Where the viewer stopped; "" at its first call.

    Returns:
        {"cursor": ..., "anew": ..., "more": ..., "broken": ..., "columns": {"step": [...], "D(x)": [...], ...}}, null
        where a line lacks a number.

    Raises:
        BadInput: If the journal cannot be read.
    """
    tail = _read_tail(path, "journal.jsonl", cursor)
    lines = [line for line in tail.entries if type(line.get("step")) is int]
    names = dict.fromkeys(name for line in lines for name, value in line.items() if _is_number(value))
    columns = {name: [line.get(name) if _is_number(line.get(name)) else None for line in lines] for name in names}
    broken = tail.broken + len(tail.entries) - len(lines)
    return {"cursor": tail.cursor, "anew": tail.is_anew, "more": tail.is_more, "broken": broken, "columns": columns}


def list_findings(path: Path, cursor: str) -> dict[str, Any]:
    """Return the findings of the doctor behind a cursor, as they stand in findings.jsonl.

    Args:
        path: The run.
        cursor: As in `journal_columns`.

    Returns:
        {"cursor": ..., "anew": ..., "more": ..., "findings": [{name: text}]}.

    Raises:
        BadInput: If the file cannot be read.
    """
    tail = _read_tail(path, "findings.jsonl", cursor)
    found = [{str(name)[:80]: _brief(value) for name, value in one.items()} for one in tail.entries[-MOST_FINDINGS:]]
    return {"cursor": tail.cursor, "anew": tail.is_anew, "more": tail.is_more, "findings": found}


def describe_run(path: Path) -> dict[str, Any]:
    """Return all that a run's files say but for its lines: settings, notes, environment, measures and pictures.

    It says too what the doctor cannot judge yet.

    Args:
        path: The run.

    Returns:
        JSON; what cannot be read is among "problems".
    """
    overview, problems = read_overview(path), list[str]()
    notes = overview.recipe.get("notes")
    with Folder.open(path) as folder:
        environment = _attempt(lambda: read_json(path / "environment.json", folder), problems) or {}
        previews = _attempt(lambda: list_previews(folder), problems) or []
        has_report = folder.status("report.json") is not None
        judgement = _attempt(lambda: describe_judgement(folder), problems)
    report = (_attempt(lambda: _measures(path / "report.json"), problems) if has_report else None) or {}
    told = describe_overview(overview)
    return {
        **told,
        "problems": [*told["problems"], *problems],
        "settings": flatten_settings(overview.recipe),
        "notes": [str(note)[:2000] for note in notes[:MOST_NOTES]] if isinstance(notes, list) else [],
        "environment": {str(name)[:80]: _brief(value) for name, value in environment.items()},
        "previews": previews,
        "report": report,
        "judgement": judgement,
    }


def _measures(path: Path) -> dict[str, Any]:
    report = read_report_file(path)
    return {
        "step": report.step,
        "sentences": [line.removeprefix("- ").replace("**", "") for line in str(report.summary).splitlines()],
        "warnings": reference_lines(report.against),
        "measures": [
            {
                "name": name,
                "value": measure.estimate.value,
                "half_width": None if measure.estimate.error is None else Z95 * measure.estimate.error,
                "floor": measure.estimate.floor,
                "text": str(measure.estimate),
                "verdict": report.verdicts[name].words,
            }
            for name, measure in report.measures.items()
        ],
    }


def compare_settings(paths: Mapping[str, Path]) -> dict[str, Any]:
    """Return the fields in which runs differ.

    Args:
        paths: The runs, by key.

    Returns:
        {"keys": [...], "rows": [{"field": ..., "values": [...]}]}.
    """
    records: Sequence[Mapping[str, Any]] = [read_overview(path).recipe for path in paths.values()]
    rows = [{"field": name, "values": list(values)} for name, values in settings_differences(records).items()]
    return {"keys": list(paths), "rows": rows}


def preview_bytes(path: Path, step: int) -> bytes:
    """Return the PNG file that a run drew at a step. Raises what `read_preview` does, and BadInput for OSError."""
    try:
        with Folder.open(path) as folder:
            return read_preview(folder, step)
    except OSError as error:
        raise Missing(f"{path}: the preview of step {step} cannot be read: {error.strerror}") from error


def _read_tail(path: Path, name: str, cursor: str) -> Tail:
    if len(cursor) > LONGEST_CURSOR:
        raise BadInput(f"found a cursor of {len(cursor)} letters; expected one that this server gave")
    try:
        with Folder.open(path) as folder:
            return read_tail(folder, name, cursor)
    except OSError as error:
        raise BadInput(f"{path / name} cannot be read: {error.strerror}") from error


def _attempt(read: Callable[[], Value], problems: list[str]) -> Value | None:
    try:
        return read()
    except (AdvnetsError, OSError) as error:
        problems.append(str(error)[:2000])
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _brief(value: Any) -> Any:
    return value if _is_number(value) else str(value)[:2000]
