"""advnets table: the 2014 paper's Table 1."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import tyro

from advnets.cli import console
from advnets.cli.arguments import parse, print_result
from advnets.cli.page import PageFlags
from advnets.errors import BadInput
from advnets.studies import table

ABOUT = """Make the 2014 paper's Table 1 from scratch: train its models, measure them beside controls, and print the
paper's numbers beside ours.

A unit is one row with one seed. It is the run RUNS/<recipe>-seed<seed>, which is trained for the row's minutes, or for
its recipe's usual steps if those are done sooner. It is measured once, and then stored in the results.
What is finished is not done again, so that a later call adds rows and seeds. What was stopped is carried on.
The test split is read once for each unit; sigma, the width of the Parzen windows, is chosen on validation images.

Minutes of training for each seed, on digits, mnist, cifar10, olivetti and tfd: {budgets}"""


@dataclass(frozen=True)
class TableFlags:
    """The flags of the verb.

    Attributes:
        study: The study.
        show: Print what the results hold, and train nothing.
        page: Where the tables go.
    """

    study: Annotated[table.TableStudy, tyro.conf.arg(name="")] = table.TableStudy()  # noqa: RUF009 - frozen
    show: bool = False
    page: Annotated[PageFlags, tyro.conf.arg(name="")] = PageFlags()  # noqa: RUF009 - frozen


def main(argv: Sequence[str]) -> int:
    """Train what is missing, and print the tables.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    flags = parse(TableFlags, argv, verb="table", about=ABOUT.format(budgets=_budgets()))
    study = flags.study
    if flags.show:
        _refuse_idle(study)
    elif study.dataset is None:
        print_result({"data": study.data, "table": table.GATED}, as_json=flags.page.json, text=table.GATED)
        return 0
    else:
        with _exit_on_sigterm():
            _follow(study.run())
    results = study.read()
    flags.page.show(
        table.as_json(results),
        text=table.as_text(results),
        markdown=table.as_markdown(results),
        kept=study.results_file.path,
    )
    return 0


def _refuse_idle(study: table.TableStudy) -> None:
    """Refuse flags that say how to train, which would be ignored with --show."""
    usual = table.TableStudy()
    idle = [
        name for name in ("rows", "seeds", "share", "runs", "device") if getattr(study, name) != getattr(usual, name)
    ]
    if idle:
        raise BadInput(f"--show prints all that the results hold. Leave out --{', --'.join(idle)}, or --show.")


def _budgets() -> str:
    return "; ".join(f"{row.recipe} {', '.join(f'{m:g}' for m in row.minutes)}" for row in table.TABLE_ROWS) + "."


def _follow(events: Iterator[table.TableProgress]) -> None:
    """Exhaust the events, and show them on standard error."""
    console.show_lines(
        (
            f"{event.what}: {console.progress_line(event.progress) if event.progress else event.doing}",
            event.progress is None,
        )
        for event in events
    )


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end measuring as it ends training: by SystemExit(143), so that files are closed on the way out."""
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
