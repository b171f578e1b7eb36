"""Paragraphs of a report beside its table: on the real images, on classes, and on what needs no generator."""

from collections.abc import Mapping

from advnets.assessment.context import ReferenceCard
from advnets.assessment.reference import REPEATED
from advnets.assessment.translation_rows import NAMES, beside
from advnets.assessment.translations import BASELINES
from advnets.statistics import Estimate
from advnets.text import escape_markdown

FEW = 20
"""The most classes whose shares are listed one by one; of more, the smallest share is given."""


def reference_lines(card: ReferenceCard) -> list[str]:
    """Return what a reader has to know of the real images, and of who chose, before any number.

    Args:
        card: What the samples were measured against.

    Returns:
        Paragraphs; none where there is nothing to heed.
    """
    lines = []
    if card.repeats > REPEATED * card.held_out:
        lines.append(
            f"The data repeat themselves: {card.repeats:,} of {card.held_out:,} held-out images equal another held-out "
            "or training image. So a sample that equals a training image need not be copied, and what real images get "
            "of coverage, density and near-duplicates is measured on held-out images, not computed."
        )
    if card.coarse_below is not None:
        lines.append(
            f"The run is young: pictures of photos are coarse below {card.coarse_below:,} steps. Train on before you "
            f"judge it: `advnets resume RUN --steps {card.coarse_below}`."
        )
    if card.chosen_by is not None and card.split == "validation":
        lines.append(
            f"`--keep-best` chose this checkpoint among {card.chosen_among:,}, because its {card.chosen_by} was the "
            f"best on these very {card.split} images. So that number, and those like it, are a little too good here. "
            "Once you have chosen, measure it on images that chose nothing: `--split test`."
        )
    elif card.chosen_by is not None:
        lines.append(
            f"`--keep-best` chose this checkpoint among {card.chosen_among:,} by its {card.chosen_by} on validation "
            f"images. These {card.split} images chose nothing."
        )
    if card.earlier_readings == 0:
        lines.append("It is the first time that this run is measured on the test split.")
    elif card.earlier_readings is not None:
        times = "once" if card.earlier_readings == 1 else f"{card.earlier_readings:,} times"
        lines.append(
            f"This run was measured on the test split {times} before. Numbers by which anything is chosen are too good."
        )
    return lines


def class_lines(found: Mapping[str, Estimate]) -> list[str]:
    """Return the paragraphs on classes.

    Args:
        found: The estimates by the name of their measure.

    Returns:
        One for each of `class-shares` and `class-asked` that is there.
    """
    lines = []
    if shares := found.get("class-shares"):
        n = shares.notes.get("n_all", shares.notes["n"])
        lines.append(f"Classes of {n:,} samples by the classifier, in %: {_format_class_shares(shares)}.")
    asked = found.get("class-asked")
    if asked is not None and asked.floor is not None:
        worst = escape_markdown(str(asked.notes["worst class"]))
        lines.append(
            f"The class asked is the class drawn for {100 * asked.value:.0f} % +- {100 * asked.standard_error:.1f} of "
            f"the samples, by the classifier, which itself is right on {100 * asked.floor:.0f} % of held-out images. "
            f"It is so least often of class {worst}: {100 * float(asked.notes['worst']):.0f} %."
        )
    return lines


def _format_class_shares(classes: Estimate) -> str:
    """Each share of an estimate of `class_shares` as text, or the smallest where there are many."""
    shares = {
        name.removeprefix("class "): float(share) for name, share in classes.notes.items() if name.startswith("class ")
    }
    if len(shares) > FEW:
        return f"{100 * min(shares.values()):.2f} at least, {classes.notes['missing']} of {len(shares)} missing"
    return ", ".join(f"{escape_markdown(name)} {100 * share:.1f}" for name, share in shares.items())


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
