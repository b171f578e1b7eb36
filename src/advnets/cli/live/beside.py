"""What `--watch` opens beside a training: the page of its run, in a process of its own, so that it changes nothing."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

END_SECONDS = 5
"""How long the page's process may take to end."""


@contextlib.contextmanager
def open_page_beside(run: Path) -> Iterator[None]:
    """Serve the page of a run, and open a browser, while the context is open.

    Args:
        run: The run directory.

    Yields:
        Nothing.
    """
    command = [sys.executable, "-m", "advnets.web.beside", str(run.absolute())]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        assert child.stdin is not None
        with contextlib.suppress(OSError):
            child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_SECONDS)
        if child.returncode is None:
            child.kill()
            child.wait()
