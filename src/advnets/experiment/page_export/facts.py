"""What the page says of its generator beside its pictures: words and numbers, all of them as text."""

import math
from typing import Any

from advnets.assessment import Report
from advnets.assessment.report import format_estimate
from advnets.errors import BadInput
from advnets.experiment.model import Model
from advnets.runs import Card

NOISES = {"gaussian": "Gaussian", "uniform": "uniform"}


def title_of(card: Card) -> str:
    """Return the heading: the recipe and the data."""
    return f"{card.recipe} on {card.data.name}"


def facts_of(model: Model) -> list[list[str]]:
    """Return what the card says, as pairs of a heading and a text.

    Args:
        model: The generator.

    Returns:
        The pairs, without those that the card leaves empty.
    """
    card = model.card
    facts = {
        "Recipe": card.recipe,
        "Data": _data(card),
        "Network": f"{card.generator['row']}, {_numbers(model):,} numbers",
        "Noise": _noise(card),
        "Training step": f"{card.step:,}",
        "Licence": card.licence or "not stated by its author",
        "Notes": card.notes,
        "Written by": f"advnets {card.advnets}",
    }
    return [[name, text] for name, text in facts.items() if text]


def measures_of(card: Card) -> dict[str, Any] | None:
    """Return what `evaluate` measured of the generator.

    Args:
        card: Its card.

    Returns:
        {"about": one sentence, "rows": [name, value, what real images get, verdict]}; None if it was not measured.
    """
    if card.report is None:
        return None
    try:
        report = Report.from_dict(card.report)
    except BadInput as error:
        return {"about": f"The report on its card cannot be read: {error}", "rows": []}
    it = report.against
    about = f"{it.samples:,} samples against {it.held_out:,} {it.split} images of {it.data}; features: {it.extractor}."
    return {"about": about, "rows": [_row(report, name) for name in report.measures]}


def _row(report: Report, name: str) -> list[str]:
    found, unit = report.measures[name].estimate, report.cards[name].unit
    floor = "" if found.floor is None else f"{found.floor:.4g}"
    return [name, f"{format_estimate(found)} {unit}".rstrip(), floor, report.verdicts[name].words]


def _data(card: Card) -> str:
    channels, height, width = card.data.shape
    classes = f", {card.data.classes} classes" if card.data.classes else ""
    colours = {1: "grey", 2: "grey and alpha", 3: "colour", 4: "colour and alpha"}.get(channels, f"{channels} channels")
    return f"{card.data.name}: {width} x {height}, {colours}{classes}"


def _noise(card: Card) -> str:
    own, code = card.latent_size - card.code.size, card.code
    parts = [f"{own} {NOISES.get(card.latent, card.latent)} numbers"] if own else []
    parts += [f"a category of {code.categories}"] if code.categories else []
    parts += [f"{code.continuous} continuous numbers of the code"] if code.continuous else []
    return ", ".join(parts)


def _numbers(model: Model) -> int:
    return sum(math.prod(parameter.shape) for parameter in model.network.parameters())
