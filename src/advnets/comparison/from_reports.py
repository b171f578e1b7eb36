"""Compares reports as they are: those of runs that `advnets evaluate` has measured, or FILE.json that it printed."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from advnets.assessment import Report, read_report_file
from advnets.comparison.comparison import Comparison, Side
from advnets.comparison.difference import Contrast, contrast_reports, judge
from advnets.comparison.from_samples import contrast_groups, expect_known, refuse_unused_flags
from advnets.comparison.inputs import expect_seeds, parse_sides
from advnets.comparison.side_card import side_card
from advnets.errors import BadInput, Missing, unknown
from advnets.experiment.run import Run
from advnets.text import quote_word

SHARED = ("data", "digest", "split", "samples", "held_out", "train", "seed", "extractor")
"""What reports that are compared have in common."""


def compare_reports(
    words: Sequence[str], measures: Sequence[str] | None = None, *, control: str = "holm", unpaired: bool = False
) -> Comparison:
    """Compare reports.

    Args:
        words: Sides as `parse_sides` reads them. At a path lies a run with its report.json, or FILE.json, as `advnets
            evaluate --json` prints it.
        measures: Names of measures; None for all that every report has.
        control: A row of CONTROLS.
        unpaired: As in `compare_samples`.

    Returns:
        The comparison.

    Raises:
        BadInput: For measures of different protocols, naming the fields, and for a report of another step than the
            run's newest.
        Missing: If there is no report.
    """
    sides = parse_sides(words)
    refuse_unused_flags(unpaired, sides)
    reports = {path: read_report(path) for side in sides for path in side.paths}
    for side in sides:
        expect_seeds(side, {path: (_run(path), reports[path].step) for path in side.paths})
    known = list(dict.fromkeys(name for report in reports.values() for name in report.measures))
    expect_known(control, (), ())
    for name in measures or ():
        if name not in known:
            raise unknown("measure of these reports", name, known)
    shared, left_out = _split_measures(reports, list(dict.fromkeys(measures or known)))
    cards = [
        side_card(side, [_run(path) for path in side.paths], [reports[path].step for path in side.paths])
        for side in sides
    ]
    kind, contrasts = _contrast_sides(cards, reports, shared, unpaired=unpaired)
    against = next(iter(reports.values())).against
    protocol = {name: getattr(against, name) for name in SHARED}
    return Comparison(kind, tuple(cards), protocol, judge(contrasts, control), left_out, control)


def read_report(path: str) -> Report:
    """Read the report of a run, or one in a file.

    Args:
        path: A run directory, or FILE.json.

    Returns:
        The report.

    Raises:
        BadInput: For what is no report, and for a report of another step than the run's newest.
        Damaged: If it is not as it was written.
        Missing: If there is no report.
    """
    if Path(path).suffix.lower() == ".json":
        if not Path(path).is_file():
            raise Missing(f"{path} is not there; expected a report, as `advnets evaluate --json` prints it")
        return read_report_file(Path(path))
    run = Run(Path(path))
    file = run.directory.report_json
    if not file.exists():
        raise Missing(
            f"{path} has no report yet. Measure it: `advnets evaluate {quote_word(path)}`, or leave out --reports."
        )
    report = read_report_file(file)
    if report.step != run.step:
        raise BadInput(
            f"{file} is of step {report.step}, expected {run.step}, the run's newest. Measure again: `advnets evaluate "
            f"{quote_word(path)}`, or leave out --reports."
        )
    return report


def _split_measures(reports: Mapping[str, Report], measures: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The measures that all reports have, by one protocol each, and the others with the reason."""
    shared: list[str] = []
    left_out: dict[str, str] = {}
    for name in measures:
        without = [path for path, report in reports.items() if name not in report.measures]
        if without:
            left_out[name] = f"not in the report of {', '.join(without)}"
            continue
        (first, measure), *others = ((path, report.measures[name]) for path, report in reports.items())
        for path, other in others:
            unlike = measure.differences(other)
            if unlike:
                fields = "; ".join(f"{key}: {mine!r} and {theirs!r}" for key, (mine, theirs) in unlike.items())
                raise BadInput(
                    f"{name} of {first} and of {path} were measured differently ({fields}), and cannot be compared. "
                    "Measure both by one protocol: leave out --reports, or `advnets evaluate` one of them as the other."
                )
        shared.append(name)
    if not shared:
        raise BadInput(f"the reports have no measure in common ({'; '.join(left_out)}); leave out --reports")
    return shared, left_out


def _contrast_sides(
    sides: Sequence[Side], reports: Mapping[str, Report], measures: Sequence[str], *, unpaired: bool
) -> tuple[str, list[Contrast]]:
    found = {path: {name: report.measures[name].estimate for name in measures} for path, report in reports.items()}
    if len(sides[0].of) > 1:
        values = {path: {name: one.value for name, one in each.items()} for path, each in found.items()}
        floors = {name: one.floor for name, one in next(iter(found.values())).items() if one.floor is not None}
        return contrast_groups(sides, values, measures, floors, unpaired=unpaired)
    return "reports", [
        contrast_reports(name, (a.name, b.name), found[a.of[0]][name], found[b.of[0]][name])
        for a, b in combinations(sides, 2)
        for name in measures
    ]


def _run(path: str) -> Run | None:
    return None if Path(path).suffix.lower() == ".json" else Run(Path(path))
