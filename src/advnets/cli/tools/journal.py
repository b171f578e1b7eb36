"""advnets journal RUN: the journal for other programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result
from advnets.text import escape, quote_word

ABOUT = """Write the journal of a run as a table, or as events of TensorBoard.

FILE.csv has a row for each entry of the journal and a column for each number, the step first. A folder holds events for
`tensorboard --logdir FOLDER`, which takes an extra: pip install 'advnets[track]'. A run that still trains may be
written too, and later again under another name."""


@dataclass(frozen=True)
class JournalFlags:
    """Which journal is written, and where.

    Attributes:
        run: The run directory.
        out: Where it goes; nothing is overwritten.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    out: Annotated[str, tyro.conf.arg(metavar="FILE.csv|FOLDER/")]
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Write the journal.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(JournalFlags, argv, verb="journal", about=ABOUT)
    entries = experiment.write_journal(asked.run, asked.out)
    text = escape(f"{asked.out}: {entries:,} entries of {asked.run}")
    if not asked.out.endswith(".csv"):
        text = f"{text}\n  tensorboard --logdir {quote_word(asked.out)}"
    print_result({"out": asked.out, "entries": entries}, as_json=asked.json, text=text, kept=asked.out)
    return 0
