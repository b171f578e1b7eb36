"""Failing system calls: a forked child does a piece of work under strace, and one call of it kills it or fails.

Linux with strace only: mark tests with `needs_strace`.
"""

import contextlib
import ctypes
import mmap
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir",
         "mkdir", "mkdirat", "openat", "ftruncate")  # fmt: skip
PR_SET_PTRACER = 0x59616D61
DONE, TOLD = 0, 9


def _why_not() -> str:
    if not sys.platform.startswith("linux"):
        return "strace is Linux's"
    if not shutil.which("strace"):
        return "strace is not installed"
    done = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "this system lets nobody trace a process"


WHY_NOT = _why_not()
needs_strace = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "strace is there")


@dataclass(frozen=True)
class Ended:
    """How the child ended. code: of its exit, or minus the signal. told: its error. log: what strace saw."""

    code: int
    told: str
    log: str

    @property
    def injected(self) -> bool:
        """Whether the call was met."""
        return "(INJECTED)" in self.log or "killed by SIGKILL" in self.log


def under_strace(work: Callable[[], object], folder: Path, inject: str = "") -> Ended:
    """Do the work in a child, with `inject` as strace has it; an error that it raises is told, not raised."""
    log, told = folder / "strace.txt", mmap.mmap(-1, 4096)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads at a fork
        pid = os.fork()
    if pid == 0:
        _be_traced(work, reader, told)
    words = [
        "strace",
        "-o",
        str(log),
        "-e",
        f"trace={','.join(CALLS)}",
        *(["-e", f"inject={inject}"] if inject else []),
    ]
    with subprocess.Popen([*words, "-p", str(pid)], stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        line = tracer.stderr.readline()
        os.write(writer, b".")
        status = os.waitpid(pid, 0)[1]
        tracer.wait(30)
    os.close(reader)
    os.close(writer)
    assert "attached" in line, line
    message = told[:].rstrip(b"\0").decode(errors="replace")
    return Ended(os.waitstatus_to_exitcode(status), message, log.read_text())


def calls(log: str) -> Counter[str]:
    """How often each call was made, by a log of strace."""
    return Counter(name for name in re.findall(r"^(\w+)\(", log, re.MULTILINE) if name in CALLS)


def _be_traced(work: Callable[[], object], reader: int, told: mmap.mmap) -> None:
    """In the child: wait for the tracer, work, and never return. Errors are told in memory, as a write would count."""
    code = 70
    try:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(-1))
        os.read(reader, 1)
        try:
            work()
            code = DONE
        except Exception as error:
            message = f"{type(error).__name__}: {error}".encode()[:4096]
            told[: len(message)] = message
            code = TOLD
    finally:
        os._exit(code)
