"""The table as text, as a page of Markdown and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from advnets.metrics import PROTOCOLS
from advnets.studies.table.evaluator import COMPARED, PAPER
from advnets.studies.table.records import Origin
from advnets.studies.table.results import TableResults
from advnets.studies.table.rows import TABLE_ROWS
from advnets.studies.table.summary import SummaryRow, summarise
from advnets.text import escape, escape_markdown, format_code

SCORES = (
    "row",
    "paper",
    "ours",
    "between",
    "error",
    "seeds",
    "sigma",
    "edge",
    "optimal",
    "sigma .2",
    "validation",
    "flag",
)
DOUBTS = ("row", "minutes", "steps", "classes %", "coverage", "nearness", "passes", "seconds", "tau 1", "tau many",
          "consecutive")  # fmt: skip


def as_json(results: TableResults) -> dict[str, Any]:
    """Return the rows, the units and controls that they are made of, and the checklist.

    Args:
        results: The results of a study.

    Returns:
        A value of JSON.
    """
    lines = summarise(results)
    return {"data": results.data, "rows": [asdict(line) for line in lines], "checklist": checklist(results, lines),
            "results": asdict(results)}  # fmt: skip


def as_text(results: TableResults) -> str:
    """Return two tables for a terminal: the scores, and what a score does not say.

    Args:
        results: The results of a study.

    Returns:
        The text.
    """
    lines = summarise(results)
    tables = [_align(head, rows) for head, rows in _tables(lines)]
    points = "\n".join(f"- {point}" for point in checklist(results, lines))
    return "\n\n".join([*map(escape, [_title(results), *_shares(results)]), *tables, points])


def as_markdown(results: TableResults) -> str:
    """Return the page: both tables, the checklist, and the commands that made the units.

    Args:
        results: The results of a study.

    Returns:
        The Markdown.
    """
    lines = summarise(results)
    tables = [_markdown(head, rows) for head, rows in _tables(lines)]
    points = "\n".join(f"- {escape_markdown(point)}" for point in checklist(results, lines))
    commands = "\n".join(_commands(results))
    titles = ("## Scores", "## What a score does not say")
    body = "\n\n".join(f"{title}\n\n{table}" for title, table in zip(titles, tables, strict=True))
    title = escape_markdown(_title(results))
    title = "\n\n".join([title, *map(escape_markdown, _shares(results))])
    return f"# {title}\n\n{body}\n\n## Read this beside it\n\n{points}\n\n## Made by\n\n{commands}\n"


def checklist(results: TableResults, lines: Sequence[SummaryRow]) -> list[str]:
    """Return what has to be known to trust such a table.

    Args:
        results: The results of a study.
        lines: Their rows.

    Returns:
        One text for each point.
    """
    models = [line for line in lines if line.recipe]
    samples = " or ".join(sorted({f"{line.samples:,}" for line in models})) or "as many"
    real = next((line for line in lines if line.label == "real images"), None)
    read = max((line.test_readings for line in models), default=1)
    return [
        "A score is the log-density of Gaussian windows around the samples, in nats. It is not a log-likelihood of the "
        "model. It rewards blur and copies of training images (Theis, van den Oord and Bethge 2016).",
        f"paper: the number of Table 1 of Goodfellow et al. 2014 on this very data set. {_paper_error(results.data)}",
        f"ours: the mean over seeds on the test split by the protocol {PAPER}, whose sigma is "
        f"{PROTOCOLS[PAPER].account}. between: the standard deviation over seeds. error: std / sqrt(points) over test "
        "points as in the paper, mean over seeds; it leaves out how scores vary between trainings and between samples.",
        f"samples: {samples} a model. They are images in [0, 1] of 8 bits, and nothing is added to them (no "
        "dequantisation). Networks emit means (expectations of pixels), never draws. Binarised real images show what "
        "draws would cost.",
        "optimal and sigma .2: the same samples and points on the test split, at the sigma of "
        f"{PROTOCOLS['optimal-sigma'].account}, and at a fixed one. validation: {PAPER} on the validation images that "
        "sigma was not chosen on.",
        "splits: sigma is chosen on the first 1,000 validation images, or on half of them where there are fewer. "
        "Nothing else is chosen here. "
        + ("The test split was read once for each unit." if read == 1
           else f"The test split was read up to {read} times for a unit: see its run's test-readings.jsonl."),
        "edge: whether the chosen sigma is an end of what was searched. The ceiling of a score is "
        "-d log(sigma sqrt(2 pi)); the results file has it.",
        "flag: blur means that a score is above that of as many real images"
        + (f" ({real.test:.1f}). More centres means that a control above it has more samples than a model."
           if real else "."),
        "classes: the smallest and the largest share of a class in any unit, by a classifier. coverage: the share of "
        "validation images that are covered in its features; in brackets that of real images.",
        f"nearness: the mean distance of {COMPARED:,} samples to their nearest training image, over that of validation "
        "images. 1 is as real. Copies and blur lie below, noise lies above.",
        "passes and seconds: passes through a layer's weights, and seconds on the CPU, for 10,000 samples of "
        "independent chains, each after its burn-in from noise. A generator passes each layer once and has no chain.",
        "tau: the integrated autocorrelation time in steps, of one chain and of 100; one chain needs so many steps for "
        "each independent sample. > means that the chains were too short to estimate it. consecutive: the score of as "
        "many consecutive states of 100 chains, without thinning.",
    ]  # fmt: skip


def _paper_error(data: str) -> str:
    if data.startswith("tfd"):
        return "+- is its standard error over five folds. Ours is of one fold."
    if data == "mnist":
        return (
            "+- is its standard error over test examples. The paper ran only the adversarial nets, and quotes others."
        )
    return f"The paper has none on {data}, and numbers of other data sets do not compare."


def _title(results: TableResults) -> str:
    return f"Table 1 on {results.data}: Parzen window scores, nats"


def _shares(results: TableResults) -> list[str]:
    """What share of its full steps each row was trained for, where it was not all of them; else nothing is said."""
    rows = [(row, units) for row in TABLE_ROWS if (units := results.units_of_row(row.recipe))]
    steps = {row.label: [(unit.steps, row.length(results.data)) for unit in units] for row, units in rows}
    share = _find_share([pair for pairs in steps.values() for pair in pairs])
    if share is not None:
        return [] if share == "1" else [f"share {share}: each row was trained for {share} times its full steps."]
    each = ", ".join(f"{label} {_find_share(pairs) or 'several'}" for label, pairs in steps.items())
    return [f"share: the rows were trained for unlike shares of their full steps: {each}."]


def _find_share(steps: Sequence[tuple[int, int]]) -> str | None:
    """The shortest number that gives each (steps, full steps) by rounding; None if there is none, "1" of no steps."""
    low = max(((taken - 0.5) / full for taken, full in steps), default=1.0)
    high = min(((taken + 0.5) / full for taken, full in steps), default=1.0)
    if low <= 1 <= high:
        return "1"
    shortest = (f"{float(f'{(low + high) / 2:.{digits}g}'):g}" for digits in range(1, 7))
    return next((share for share in shortest if low <= float(share) <= high), None)


def _tables(lines: Sequence[SummaryRow]) -> list[tuple[Sequence[str], list[list[str]]]]:
    doubts = [_doubt_cells(line) for line in lines]
    return [(SCORES, [_score_cells(line) for line in lines]), (DOUBTS, doubts)]


def _score_cells(line: SummaryRow) -> list[str]:
    nats = line.nats
    return [
        line.label if line.recipe else f"{line.label} ({line.samples:,})",
        f"{line.paper[0]:g} +- {line.paper[1]:g}" if line.paper else "-",
        f"{line.test:.1f}",
        _number(line.between, ".1f"),
        f"{line.error:.1f}",
        ",".join(map(str, line.seeds)) or "-",
        "/".join(f"{sigma:.4f}" for sigma in line.sigmas),
        "yes" if line.edge else "no",
        f"{nats['optimal-sigma']['test']:.1f}",
        f"{nats['fixed-sigma']['test']:.1f}",
        f"{nats[PAPER]['validation']:.1f}",
        line.flag or "-",
    ]


def _doubt_cells(line: SummaryRow) -> list[str]:
    more = "" if line.tau_enough else ">"
    shares = None if line.least_class is None else f"{100 * line.least_class:.1f}-{100 * (line.most_class or 0):.1f}"
    cover = None if line.coverage is None else f"{line.coverage:.3f} ({line.coverage_of_real:.3f})"
    return [
        line.label if line.recipe else f"{line.label} ({line.samples:,})",
        _number(line.minutes, ".2f"),
        _number(line.steps, ",.0f"),
        shares or "-",
        cover or "-",
        f"{line.nearness:.2f}",
        _number(line.layer_passes, ",.0f"),
        _number(line.seconds, ".2f"),
        _number(line.tau_one, f"{more}.1f"),
        _number(line.tau_many, f"{more}.1f"),
        _number(line.consecutive, ".1f"),
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form[: form.startswith(">")] + format(value, form.removeprefix(">"))


def _align(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    )


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rules = ["---", *["---:"] * (len(head) - 1)]
    cells = ([escape_markdown(cell) for cell in row] for row in rows)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rules, *cells))


def _commands(results: TableResults) -> list[str]:
    """Return the command, commit and machine of each unit, without repetition."""
    commands = dict.fromkeys(_format_command(unit.trained) for unit in results.units)
    return list(commands) or ["- no unit is finished yet"]


def _format_command(trained: Origin) -> str:
    made_by = f"commit {(trained.commit or 'unknown')[:7]}, advnets {trained.advnets}, {trained.threads} threads"
    return f"- {format_code(trained.command)}, {escape_markdown(f'{made_by}, {trained.platform}')}"
