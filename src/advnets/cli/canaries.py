"""advnets canaries: which measures detect which damage, on your own data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from advnets import assessment
from advnets.cli.flags.arguments import parse, print_result
from advnets.cli.output import write_error
from advnets.cli.page import PageFlags
from advnets.errors import CannotWrite
from advnets.studies import canaries

ABOUT = """Damage real images on purpose, and find out which measures detect which damage, and from what strength on.

The training and validation images are drawn anew into training images, held-out images and samples; the test split is
not read. This is a re-split. In some re-splits the samples are measured without damage, in others with each damage at
each strength. A measure detects a damage by its own p-value, or by a value that is unlike those without damage, at
p < .01. What is finished is stored in the results and not measured again.

Damages: {damages}.

On digits this takes some minutes, on mnist about two hours. Fewer --n, --clean or --damages take less."""


@dataclass(frozen=True)
class CanariesFlags:
    """The flags of the verb.

    Attributes:
        study: The study.
        page: Where its tables go.
    """

    study: Annotated[canaries.CanaryStudy, tyro.conf.arg(name="")] = canaries.CanaryStudy()  # noqa: RUF009 - frozen
    page: Annotated[PageFlags, tyro.conf.arg(name="")] = PageFlags()  # noqa: RUF009 - frozen


def main(argv: Sequence[str]) -> int:
    """Measure what is missing, and print the tables.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    flags = parse(CanariesFlags, argv, verb="canaries", about=ABOUT.format(damages=", ".join(canaries.DAMAGES)))
    for note in assessment.reading_notes(flags.study.data, flags.study.dataset):
        write_error(note)
    try:
        path = _follow(flags.study.run())
    except CannotWrite as error:  # what was measured is printed, even if it cannot be kept
        if isinstance(error.result, canaries.CanaryResults):
            text = canaries.as_text(error.result)
            print_result(canaries.as_json(error.result), as_json=flags.page.json, text=text)
        raise
    results = replace(flags.study.results_file, path=path).read()
    flags.page.show(
        canaries.as_json(results),
        text=canaries.as_text(results),
        markdown=canaries.as_markdown(results),
        kept=path,
    )
    return 0


def _follow(events: Iterator[canaries.CanaryProgress]) -> Path:
    """Exhaust the events, with a line for each set of samples on standard error; return where the results are."""
    for event in events:
        left = "" if event.seconds_left is None else f"  {event.seconds_left / 60:.1f} minutes left"
        write_error(f"{event.done}/{event.of}  {event.what}{left}")
    return event.results
