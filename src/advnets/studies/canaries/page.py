"""What was noticed, as text, as a page of Markdown and as JSON."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from advnets.studies.canaries.damage import DAMAGES
from advnets.studies.canaries.detection import CLEAN, LEVEL, Detection, false_alarms, weakest
from advnets.studies.canaries.results import CanaryResults


def as_json(results: CanaryResults) -> dict[str, Any]:
    """The table of measure x damage x strength with every verdict, and the units that it is made of."""
    table = {
        measure: {
            "false_alarms": false_alarms(results.clean(measure)),
            "clean": len(results.clean(measure)),
            "damages": {damage: _count_noticed(results.verdicts(measure, damage)) for damage in results.damages},
        }
        for measure in results.measures
    }
    return {"data": results.data, "table": table, "results": asdict(results)}


def as_text(results: CanaryResults) -> str:
    """For a terminal: of each measure the weakest strength of each damage that it notices."""
    head, rows = _weakest(results)
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join([_title(results), "", *(line.rstrip() for line in lines), "", *_legend(results)])


def as_markdown(results: CanaryResults) -> str:
    """The page: the weakest strength that each measure notices, then each damage at all its strengths."""
    parts = [f"# {_title(results)}", "\n\n".join(_legend(results)), _table(*_weakest(results))]
    for damage in results.damages:
        unit = f" ({DAMAGES[damage].unit})" if damage in DAMAGES else ""
        parts += [f"## {damage}{unit}", _table(*_strengths(results, damage))]
    return "\n\n".join([*parts, *_refusals(results)]) + "\n"


def _title(results: CanaryResults) -> str:
    return f"What notices what on {results.data}, {results.n:,} samples"


def _legend(results: CanaryResults) -> list[str]:
    clean = [unit for unit in results.units if unit.damage == CLEAN]
    ladders = "; ".join(
        f"{name} ({DAMAGES[name].unit}) {', '.join(f'{strength:g}' for strength in DAMAGES[name].strengths)}"
        for name in results.damages
        if name in DAMAGES
    )
    return [
        f"Real images of random re-splits stand for samples: of {len(clean)} re-splits as they are, "
        f"{_repeats(results)}. Each cell is the weakest strength that a measure notices, as it does all stronger ones, "
        f"in each of these, at p < {LEVEL:g}: by its own p-value where it has one (marked p), or else because its "
        "value lies outside the prediction interval of the clean re-splits (z); - is none. clean: how many clean "
        "re-splits it flags, each judged by the others.",
        f"Strengths: {ladders}.",
        f"Seed {results.seed}; {sum(unit.seconds for unit in results.units) / 60:.0f} minutes of measuring; "
        f"extractor: {results.extractor}.",
    ]


def _repeats(results: CanaryResults) -> str:
    """Of how many re-splits samples were damaged, for they may have been asked for at several times."""
    splits = {name: {unit.split for unit in results.units if unit.damage == name} for name in results.damages}
    of = {len(each): [name for name in splits if len(splits[name]) == len(each)] for each in splits.values()}
    if len(of) < 2:
        return f"of {next(iter(of), 0)} with each damage"
    return ", ".join(f"of {count} with {' and '.join(names)}" for count, names in sorted(of.items()))


def _weakest(results: CanaryResults) -> tuple[list[str], list[list[str]]]:
    rows = []
    for measure in results.measures:
        clean = results.clean(measure)
        found = [weakest(results.verdicts(measure, damage)) for damage in results.damages]
        cells = ["-" if strength is None else f"{strength:g}" for strength in found]
        rows.append([measure, _by(results, measure), f"{false_alarms(clean)}/{len(clean)}", *cells])
    return ["measure", "by", "clean", *results.damages], rows


def _by(results: CanaryResults, measure: str) -> str:
    own = any(measure in unit.readings and unit.readings[measure].p_value is not None for unit in results.units)
    return "p" if own else "z"


def _strengths(results: CanaryResults, damage: str) -> tuple[list[str], list[list[str]]]:
    """z of each measure at each strength, and its own p-value, of the re-split that shows least; bold where noticed."""
    all_verdicts = {measure: results.verdicts(measure, damage) for measure in results.measures}
    head = next(iter(all_verdicts.values()), [])
    rows = [[measure, *(_cell(one) for _, one in verdicts)] for measure, verdicts in all_verdicts.items()]
    return ["measure", *(f"{strength:g}" for strength, _ in head)], rows


def _cell(one: Detection | None) -> str:
    if one is None:
        return "refused"
    told = f"z {one.z:+.1f}" + (f", p {one.p_value:.2g}" if one.own else "")
    return f"**{told}**" if one.is_noticed else told


def _count_noticed(verdicts: Sequence[tuple[float, Detection | None]]) -> list[dict[str, Any]]:
    return [
        {"strength": strength, "noticed": one is not None and one.is_noticed}
        | (
            {}
            if one is None
            else {"p_value": one.p_value, "own": one.own, "z": one.z if math.isfinite(one.z) else None}
        )
        for strength, one in verdicts
    ]


def _refusals(results: CanaryResults) -> list[str]:
    said = dict.fromkeys(f"- {name}: {why}" for unit in results.units for name, why in unit.refused.items())
    return ["## Refused", "\n".join(said)] if said else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rules = ["---"] * len(head)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rules, *rows))
