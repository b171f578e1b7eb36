"""advnets table: the 2014 paper's Table 1."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import tyro

from advnets.cli import console
from advnets.cli.flags.arguments import parse, print_result
from advnets.cli.page import PageFlags
from advnets.errors import BadInput, CannotWrite
from advnets.studies import table

ABOUT = """Make the 2014 paper's Table 1 from scratch: train its models, measure them beside controls, and print the
paper's numbers beside ours.

A unit is one row with one seed. It is the run RUNS/<recipe>-seed<seed>, which is trained for the row's steps, so that
another machine trains the same models. It is measured once, and then stored in the results.
What is finished is not done again, so that a later call adds rows and seeds. What was stopped is carried on.
The test split is read once for each unit; sigma, the width of the Parzen windows, is chosen on validation images.

Steps of training for each seed, on digits, mnist, cifar10, olivetti and tfd: {lengths}"""


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
    flags = parse(TableFlags, argv, verb="table", about=ABOUT.format(lengths=_lengths()))
    study = flags.study
    if flags.show:
        _refuse_idle(study)
    elif study.dataset is None:
        print_result({"data": study.data, "table": table.GATED}, as_json=flags.page.json, text=table.GATED)
        return 0
    else:
        try:
            with _exit_on_sigterm():
                _follow(study.run())
        except CannotWrite as error:  # what was measured is printed, even if it cannot be kept
            if isinstance(error.result, table.TableResults):
                print_result(table.as_json(error.result), as_json=flags.page.json, text=table.as_text(error.result))
            raise
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


def _lengths() -> str:
    return "; ".join(f"{row.recipe} {', '.join(map(str, row.steps))}" for row in table.TABLE_ROWS) + "."


def _follow(events: Iterator[table.TableProgress]) -> None:
    """Exhaust the events, and show them on standard error."""
    console.show_lines(
        (
            f"{event.what}: {event.progress.line() if event.progress else event.doing}",
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
