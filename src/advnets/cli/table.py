"""advnets table: the 2014 paper's Table 1."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from advnets.cli import console
from advnets.cli.arguments import parse, print_result
from advnets.errors import BadInput
from advnets.runs import make_folder, write_bytes
from advnets.studies import table

ABOUT = """The 2014 paper's Table 1, from scratch: train its models, measure them beside controls, print the paper's
numbers beside ours.

A unit is one row with one seed: the run RUNS/<recipe>-seed<seed>, trained for the row's minutes,
or its recipe's usual steps if those are done sooner, and measured once, then kept in the results.
What is finished is not done again, so that a later call adds rows and seeds; what was stopped is
carried on. Scores of the test split are read once a unit; sigma is chosen on validation images.

Minutes of training for each seed, on digits, mnist, cifar10, olivetti and tfd: {budgets}"""


@dataclass(frozen=True)
class TableFlags:
    """Which rows, on what, and where results are kept."""

    data: str = "digits"
    """digits (minutes for all of it), mnist (hours), cifar10, olivetti, tfd, tfd-0 to tfd-4, or a path as for train."""
    data_dir: str | None = None
    """Folder where data sets are looked for first."""
    rows: str | None = None
    """Recipes, between commas; default all rows."""
    seeds: int = 1
    """How many, from 0 on."""
    share: float = 1.0
    """Part of each row's minutes that is spent."""
    runs: str | None = None
    """Folder of the runs; default runs/table-DATA."""
    results: str | None = None
    """FILE.json of finished units; default results/table-DATA.json."""
    device: str = "auto"
    """auto, cpu, cuda or mps: where models are trained; all are sampled on the CPU."""
    out: Path | None = None
    """FILE.md for the table as a page, beside what has to be known to read it; nothing is overwritten."""
    show: bool = False
    """Print what the results hold, and train nothing."""
    json: bool = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Train what is missing, and print."""
    asked = parse(TableFlags, argv, verb="table", about=ABOUT.format(budgets=_budgets()))
    if asked.out is not None and (asked.out.suffix.lower() != ".md" or asked.out.exists()):
        raise BadInput(f"--out {asked.out}: expected the name of a .md file that is not there yet")
    wanted = table.TableStudy(asked.data, asked.data_dir, rows=asked.rows, seeds=asked.seeds, share=asked.share,
                         runs=asked.runs, results=asked.results, device=asked.device)  # fmt: skip
    if asked.show:
        _refuse_idle(asked)
    if not asked.show and wanted.dataset is None:
        print_result({"data": asked.data, "table": table.GATED}, as_json=asked.json, text=table.GATED)
        return 0
    if not asked.show:
        with _terminable():
            _follow(wanted.fill())
    results = wanted.read()
    if asked.out is not None:
        make_folder(asked.out.parent)
        write_bytes(asked.out, table.as_markdown(results).encode())
    print_result(table.as_json(results), as_json=asked.json, text=table.as_text(results))
    return 0


def _refuse_idle(asked: TableFlags) -> None:
    """With --show nothing is trained, so that what says how to train would be ignored."""
    usual = TableFlags()
    idle = [
        name for name in ("rows", "seeds", "share", "runs", "device") if getattr(asked, name) != getattr(usual, name)
    ]
    if idle:
        raise BadInput(f"--show prints all that the results hold; leave out --{', --'.join(idle)}, or --show")


def _budgets() -> str:
    return "; ".join(f"{row.recipe} {', '.join(f'{m:g}' for m in row.minutes)}" for row in table.TABLE_ROWS) + "."


def _follow(events: Iterator[table.TableProgress]) -> None:
    """Exhaust the events, telling them on standard error."""
    console.show_lines(
        (
            f"{event.what}: {console.progress_line(event.progress) if event.progress else event.doing}",
            event.progress is None,
        )
        for event in events
    )


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends measuring as it ends training: by SystemExit(143), so that files are closed on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    outer = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, outer)
