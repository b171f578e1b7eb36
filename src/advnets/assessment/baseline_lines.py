"""What a report says of translations beside what needs no generator: a table of the values of all sides."""

from collections.abc import Mapping

from advnets.assessment.translation_rows import NAMES, beside
from advnets.assessment.translations import BASELINES
from advnets.statistics import Estimate


def baseline_lines(found: Mapping[str, Estimate]) -> list[str]:
    """Return the paragraphs on the baselines.

    Args:
        found: The estimates by the name of their measure.

    Returns:
        What the sides are, and a table of their values; nothing where no translations were held beside a baseline.
    """
    rows = {measure: row for measure in NAMES if (row := _values(found, measure))}
    if not rows:
        return []
    sides = [side for side in BASELINES if any(side in row for row in rows.values())]
    table = [
        f"| measure | translations | {' | '.join(sides)} |",
        f"| --- | {' | '.join('---:' for _ in (0, *sides))} |",
    ]
    for measure, row in rows.items():
        cells = (f"{row[side]:.4g}" if side in row else "" for side in ("model", *sides))
        table.append(f"| {measure} | {' | '.join(cells)} |")
    told = "; ".join(f"`{side}` is {BASELINES[side]}" for side in sides)
    return [
        f"Translations beside what needs no generator: {told}. The tests of the rows above are one-sided: is the "
        "generator better? L1 and PSNR reward what is blurred, so that the mean image is hard to beat by them.",
        "\n".join(table),
    ]


def _values(found: Mapping[str, Estimate], measure: str) -> dict[str, float]:
    """The value of each side, out of the notes of the rows that hold them beside each other."""
    values: dict[str, float] = {}
    for side in BASELINES:
        if (row := found.get(beside(measure, side))) is not None:
            values |= {"model": float(row.notes["model"]), side: float(row.notes["baseline"])}
    return values
