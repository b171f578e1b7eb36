"""The standard streams of the command: no output that cannot be written stops it, and none is lost in silence.

What is said on standard error goes by: a line that cannot be written now is dropped. What is asked for is printed on
standard output, and where it cannot be written the command says so.
"""

import contextlib
import io
import os
import select
import signal
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from advnets.errors import CannotWrite

PIECE = 1000
"""Characters that are written at once: a pipe that is ready takes that many bytes, four for each, without a wait."""
READER_GONE = 141
"""The exit code where the reader of standard output has gone away; it is that of SIGPIPE."""


class LossyStream(io.TextIOBase):
    """A text stream that drops what cannot be written now.

    Its reader may be gone, its disk full, its terminal closed or stopped by Ctrl-S, its pipe full and unread.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Wrap a stream.

        Args:
            stream: Where the text goes; None where there is no such stream.
        """
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text or drop it; returns its length."""
        for start in range(0, len(text), PIECE):
            if self._stream is None or not _is_ready(self._stream):
                break
            with contextlib.suppress(OSError, ValueError):  # ValueError: a stream that is closed
                self._stream.write(text[start : start + PIECE])
                self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Do nothing: what was written is flushed."""

    def fileno(self) -> int:
        """Return the descriptor. Raises OSError where there is none."""
        if self._stream is None:
            raise io.UnsupportedOperation("there is no such stream")
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        with contextlib.suppress(OSError, ValueError):
            return self._stream is not None and self._stream.isatty()
        return False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"


class ResultStream:
    """Standard output, whose failure is an error that says what to do; in all else it is the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        """Wrap a stream.

        Args:
            stream: Standard output.
        """
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text. Raises BrokenPipeError if the reader is gone, CannotWrite if it fails otherwise."""
        with _tell_failures():
            return self._stream.write(text)

    def flush(self) -> None:
        """Write what is waiting. Raises as `write` does."""
        with _tell_failures():
            self._stream.flush()


@contextlib.contextmanager
def _tell_failures() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotWrite(f"standard output cannot be written: {error.strerror}. Write it to another place.") from error


def protect_streams() -> None:
    """Put streams in the place of the process's own that fail as this file says, and fill places that are empty.

    A file that is opened where standard error is closed would take its number, and then what is said of the training.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if hasattr(signal, "SIGTTOU"):  # a terminal may stop who writes to it from the background
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    sys.stderr = LossyStream(sys.stderr)
    sys.stdout = LossyStream(None) if sys.stdout is None else ResultStream(sys.stdout)


def close_streams(code: int) -> int:
    """Write what is waiting on standard output, before the interpreter would, whose words are a traceback.

    Args:
        code: The exit status so far.

    Returns:
        The exit status: as it was, unless it was 0 and the output could not be written.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()
        code = code or READER_GONE
    except CannotWrite as error:
        drop_output()
        print(f"advnets: {error}", file=sys.stderr)
        code = code or 2
    try:
        if not _is_ready(sys.__stderr__):
            drop_output(2)
        elif sys.__stderr__ is not None:
            sys.__stderr__.flush()
    except (OSError, ValueError):
        drop_output(2)
    return code


def drop_output(descriptor: int = 1) -> None:
    """Let what is still waiting on a stream go nowhere.

    Args:
        descriptor: Its number; 1 is standard output.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _is_ready(stream: TextIO | None) -> bool:
    """Return whether a stream takes a piece without a wait; where the system does not tell, it is taken to be so."""
    try:
        if stream is None or not hasattr(select, "poll"):
            return True
        asked = select.poll()
        asked.register(stream.fileno(), select.POLLOUT)
        return bool(asked.poll(0))
    except (OSError, ValueError):
        return True
