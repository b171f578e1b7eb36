"""Where the command prints: results on standard output, all else on standard error.

Everything is printed as text: what does not print is escaped, and what the terminal's encoding lacks is written as
Python writes it. A full disk, a closed stream or a reader that went away ends the printing, not the work.
"""

import contextlib
import os
import select
import shutil
import signal
import sys
import warnings
from pathlib import Path
from typing import TextIO

from advnets.errors import CannotWrite
from advnets.text import escape, escape_lines

READER_GONE = 141
"""The exit code where the reader of standard output has gone away, and the result is in no file; that of SIGPIPE."""
PIECE = 1000
"""Characters that are written at once: a pipe that is ready takes that many bytes, four for each, without a wait."""
NARROWEST, WIDEST = 40, 1000
"""Columns: a terminal that says less or more is taken to have these."""


def terminal_width() -> int:
    """Return the columns of the terminal, by $COLUMNS where it is set, within what can be printed."""
    return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)


def write_output(text: str, *, kept: str | Path | None = None) -> None:
    """Print a result on standard output.

    Args:
        text: The result, of one line or several.
        kept: The file or folder that holds the result too. If the text cannot be printed, a line on standard error
            names it, and the work is done all the same.

    Raises:
        CannotWrite: If the text cannot be printed, and the result is in no file.
        BrokenPipeError: If it is in no file, and the reader of standard output went away.
    """
    try:
        _write(sys.stdout, f"{escape_lines(text)}\n")
    except BrokenPipeError:
        _silence(sys.stdout)
        if kept is None:
            raise
    except (OSError, ValueError) as error:
        _silence(sys.stdout)
        reason = getattr(error, "strerror", None) or "it is closed"
        if kept is None:
            raise CannotWrite(
                f"standard output cannot be written ({reason}), and the result is in no file. Print it elsewhere."
            ) from error
        write_error(f"advnets: standard output cannot be written ({reason}). The work is done: {escape(str(kept))}")


def write_error(text: str) -> None:
    """Print on standard error; where that is closed or cannot be written now, nothing is said.

    Args:
        text: One line or several.
    """
    LossyStream().write(f"{escape_lines(text)}\n")


class LossyStream:
    """Standard error as it is now, without what cannot be written now: no line of progress stops the work.

    Its reader may be gone, its disk full, its terminal closed or stopped by Ctrl-S, its pipe full and unread.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text or drop it; returns its length."""
        for start in range(0, len(text), PIECE):
            if not _is_ready(self._stream):
                break
            with contextlib.suppress(OSError, ValueError):
                _write(self._stream, text[start : start + PIECE])
        return len(text)

    def flush(self) -> None:
        """Do nothing: what was written is flushed."""


def _is_ready(stream: TextIO | None) -> bool:
    """Whether a stream takes a piece without a wait; where the system does not tell, it is taken to be so."""
    try:
        if stream is None or not hasattr(select, "poll"):
            return True
        asked = select.poll()
        asked.register(stream.fileno(), select.POLLOUT)
        return bool(asked.poll(0))
    except (OSError, ValueError, AttributeError):
        return True


def open_streams() -> None:
    """Give the process the standard streams that it was started without, so that no file takes their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    if hasattr(signal, "SIGTTOU"):  # a terminal may stop who writes to it from the background
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    warnings.showwarning = _show_warning


def close_streams() -> None:
    """Flush the standard streams; what cannot be written is dropped, so that the interpreter's end says nothing."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is sys.stderr and not _is_ready(stream):
                _silence(stream)
            elif stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _silence(stream)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        raise ValueError("the stream is closed")
    stream.write(_encodable(text, stream))
    stream.flush()


def _encodable(text: str, stream: TextIO) -> str:
    """The text, with the characters that the stream's encoding lacks written as Python writes them."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _silence(stream: TextIO | None) -> None:
    """Lead a stream to where all can be written, so that what it still holds troubles nobody."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())  # type: ignore[union-attr]  # None has none, which is suppressed
        os.close(sink)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line, without the source that raised it."""
    write_error(f"advnets: {category.__name__}: {escape(str(message))}")
