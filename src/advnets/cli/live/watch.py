"""advnets watch [RUNS]: a page that shows the runs of a folder, live."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets.cli.flags.arguments import parse
from advnets.cli.output import write_output
from advnets.runs.overview import find_run_folders
from advnets.web import serve
from advnets.web.beside import be_modest
from advnets.web.watch import watch_page

ABOUT = """Watch the runs of a folder in a browser: losses and scores, previews on one time slider, measures with
errors, settings and what they differ in, what the doctor found, and a generator's latents to walk through.

RUNS is a folder of runs, such as one that another machine shares, or one run; by default runs/. The page reads files
only. It never changes a run, and a run never waits for it. A run that has crashed or is damaged is shown as far as it
can be read.

The page is served to this machine alone, and opens with the token in the address that is printed. To watch from another
machine, forward the same port: ssh -L 8800:127.0.0.1:8800 HOST, and there: advnets watch --port 8800. Ctrl-C ends
it."""


@dataclass(frozen=True)
class WatchFlags:
    """What is watched, and where.

    Attributes:
        runs: The folder of runs, or one run.
        port: The port of the page; 0 for any that is free.
        no_browser: Print the address, and open no browser.
    """

    runs: tyro.conf.Positional[Path] = Path("runs")
    port: int = 0
    no_browser: Annotated[bool, tyro.conf.arg(name="no-browser")] = False


def main(argv: Sequence[str]) -> int:
    """Serve the page until a signal ends it.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(WatchFlags, argv, verb="watch", about=ABOUT)
    find_run_folders(asked.runs)
    be_modest()
    serve(watch_page(asked.runs), port=asked.port, open_browser=not asked.no_browser, show=write_output)
    return 0
