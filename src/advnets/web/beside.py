"""The page of one run beside its training, in a process of its own: python -m advnets.web.beside RUN.

The training holds the other end of this process's standard input. When that closes, however the training ended, this
process ends too.
"""

import os
import sys
import threading
from pathlib import Path

import torch

from advnets import process
from advnets.errors import AdvnetsError
from advnets.web.server import serve
from advnets.web.watch import watch_page


def main(run: Path) -> int:
    """Serve the page of a run until the standard input closes.

    Args:
        run: The run directory.

    Returns:
        The exit status.
    """
    process.exit_on_signals()
    be_modest()
    end = threading.Event()
    threading.Thread(target=_wait_for_end, args=(end,), daemon=True).start()
    try:
        serve(watch_page(run), open_browser=True, show=_show, until=end.is_set)
    except AdvnetsError as error:
        _show(str(error))
        return 2
    return 0


def be_modest() -> None:
    """Draw on one thread, and let trainings on this machine go first."""
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(5)


def _wait_for_end(end: threading.Event) -> None:
    sys.stdin.buffer.read()
    end.set()


def _show(text: str) -> None:
    print(f"watch: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
