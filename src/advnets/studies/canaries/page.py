"""What was detected, as text, as a page of Markdown and as JSON."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from advnets.studies.canaries.damage import DAMAGES
from advnets.studies.canaries.detection import CLEAN, LEVEL, Detection, count_false_alarms, weakest_detected
from advnets.studies.canaries.results import CanaryResults
from advnets.text import escape, escape_markdown


def as_json(results: CanaryResults) -> dict[str, Any]:
    """Return the table of measure x damage x strength with every detection, and the units that it is made of.

    Args:
        results: The results of a study.

    Returns:
        A value of JSON.
    """
    table = {
        measure: {
            "false_alarms": count_false_alarms(results.clean_readings(measure)),
            "clean": len(results.clean_readings(measure)),
            "damages": {damage: _detections_as_json(results.detections(measure, damage)) for damage in results.damages},
        }
        for measure in results.measures
    }
    return {"data": results.data, "table": table, "results": asdict(results)}


def as_text(results: CanaryResults) -> str:
    """Return a table for a terminal: of each measure the weakest strength of each damage that it detects.

    Args:
        results: The results of a study.

    Returns:
        The text.
    """
    head, rows = _weakest_table(results)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join([escape(_title(results)), "", *(line.rstrip() for line in lines), "", *_legend(results)])


def as_markdown(results: CanaryResults) -> str:
    """Return the page: the weakest strength that each measure detects, then each damage at all its strengths.

    Args:
        results: The results of a study.

    Returns:
        The Markdown.
    """
    head, rows = _weakest_table(results)
    parts = [f"# {escape_markdown(_title(results))}", *map(escape_markdown, _legend(results))]
    parts.append(_table(map(escape_markdown, head), [map(escape_markdown, row) for row in rows]))
    for damage in results.damages:
        unit = f" ({DAMAGES[damage].unit})" if damage in DAMAGES else ""
        parts += [f"## {escape_markdown(damage)}{unit}", _table(*_strength_table(results, damage))]
    return "\n\n".join([*parts, *_refusals(results)]) + "\n"


def _title(results: CanaryResults) -> str:
    return f"Which measures detect which damage: {results.data}, {results.n:,} samples"


def _legend(results: CanaryResults) -> list[str]:
    clean = [unit for unit in results.units if unit.damage == CLEAN]
    ladders = "; ".join(
        f"{name} ({DAMAGES[name].unit}) {', '.join(f'{strength:g}' for strength in DAMAGES[name].strengths)}"
        for name in results.damages
        if name in DAMAGES
    )
    return [
        f"Real images of random re-splits stand for samples: without damage in {len(clean)} re-splits, "
        f"{_count_resplits(results)}. Each cell is the weakest strength that a measure detects in each of these, as it "
        f"detects all stronger ones, at p < {LEVEL:g}; - means that it does not detect the strongest. A measure with p "
        "in the column by is judged by its own p-value. One with z is judged by whether its value lies outside of the "
        "prediction interval of the clean re-splits. The column clean counts the clean re-splits that a measure calls "
        "damaged, each judged by the others.",
        f"Strengths: {ladders}.",
        f"Seed {results.seed}; {sum(unit.seconds for unit in results.units) / 60:.0f} minutes of measuring; "
        f"extractor: {results.extractor}.",
    ]


def _count_resplits(results: CanaryResults) -> str:
    """Say how many re-splits were damaged, by damage, since they may have been measured at several times."""
    splits = {name: {unit.split for unit in results.units if unit.damage == name} for name in results.damages}
    of = {len(each): [name for name in splits if len(splits[name]) == len(each)] for each in splits.values()}
    if len(of) < 2:
        return f"with each damage in {next(iter(of), 0)}"
    return ", ".join(f"with {' and '.join(names)} in {count}" for count, names in sorted(of.items()))


def _weakest_table(results: CanaryResults) -> tuple[list[str], list[list[str]]]:
    rows = []
    for measure in results.measures:
        clean = results.clean_readings(measure)
        found = [weakest_detected(results.detections(measure, damage)) for damage in results.damages]
        cells = ["-" if strength is None else f"{strength:g}" for strength in found]
        rows.append([measure, _p_or_z(results, measure), f"{count_false_alarms(clean)}/{len(clean)}", *cells])
    return ["measure", "by", "clean", *results.damages], rows


def _p_or_z(results: CanaryResults, measure: str) -> str:
    own = any(measure in unit.readings and unit.readings[measure].p_value is not None for unit in results.units)
    return "p" if own else "z"


def _strength_table(results: CanaryResults, damage: str) -> tuple[list[str], list[list[str]]]:
    """Return z of each measure at each strength, and its own p-value, of the re-split with the largest p-value."""
    all_detections = {measure: results.detections(measure, damage) for measure in results.measures}
    head = next(iter(all_detections.values()), [])
    rows = [[escape_markdown(measure), *(_cell(one) for _, one in found)] for measure, found in all_detections.items()]
    return ["measure", *(f"{strength:g}" for strength, _ in head)], rows


def _cell(one: Detection | None) -> str:
    if one is None:
        return "refused"
    text = f"z {one.z:+.1f}" + (f", p {one.p_value:.2g}" if one.own else "")
    return f"**{text}**" if one.is_detected else text


def _detections_as_json(detections: Sequence[tuple[float, Detection | None]]) -> list[dict[str, Any]]:
    return [
        {"strength": strength, "detected": one is not None and one.is_detected}
        | (
            {}
            if one is None
            else {"p_value": one.p_value, "own": one.own, "z": one.z if math.isfinite(one.z) else None}
        )
        for strength, one in detections
    ]


def _refusals(results: CanaryResults) -> list[str]:
    reasons = dict.fromkeys(
        escape_markdown(f"- {name}: {why}") for unit in results.units for name, why in unit.refused.items()
    )
    return ["## Refused", "\n".join(reasons)] if reasons else []


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    rules = ["---"] * len(head)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rules, *rows))
