"""Opens share files, each in a fork of its own under an audit hook that denies and counts all that could do harm.

    python evil_child.py GOOD [SABOTEUR] < one path a line

Run by test_share.py; prints a line of JSON a file: the error, the events, and what it took. A saboteur reads wrongly.
"""

import json
import os
import pickle
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

import advnets
from advnets.experiment import opening
from advnets.experiment.exports import share_file
from advnets.runs import share

DENIED = (
    "exec", "compile", "import", "pickle.find_class", "marshal.", "code.__new__", "function.__new__", "os.system",
    "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.", "socket.", "ctypes.", "os.rename", "os.remove",
    "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "shutil.", "tempfile.", "urllib.", "mmap.",
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Denied(Exception):
    """What the hook raises."""


def watch(events: list[str]) -> None:
    """From now on, deny and count."""

    def hook(event: str, given: tuple[Any, ...]) -> None:
        writes = event == "open" and ((given[2] or 0) & WRITING or set(str(given[1] or "")) & set("wax+"))
        if writes or event.startswith(DENIED):
            events.append(f"{event} {str(given)[:80]}")
            raise Denied(event)

    sys.addaudithook(hook)


def tried(path: str) -> dict[str, Any]:
    """Open one file, watched."""
    events: list[str] = []
    watch(events)
    peak, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    try:
        opening.open_model(path)
        kind, typed, message = "", False, "it was opened"
    except BaseException as error:
        kind, typed, message = type(error).__name__, isinstance(error, advnets.errors.AdvnetsError), str(error)
    seconds = time.perf_counter() - began
    mebibytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    return {"path": path, "error": kind, "typed": typed, "message": message, "events": events, "seconds": seconds,
            "mebibytes": mebibytes}  # fmt: skip


def sabotage(kind: str) -> None:
    """Read a share file as people read .pkl files, or write beside it, or import what it names."""

    def read(path: Path, promised: Any) -> Any:
        if kind == "pickle" and path.is_file() and path.stat().st_size < 10**7:
            pickle.loads(Path(path).read_bytes())
        if kind == "write":
            Path(path).with_suffix(".tmp").write_bytes(b"")
        if kind == "import":
            __import__("antigravity")
        return share.read_generator(path, promised)

    share_file.share = type("Sabotaged", (), {"read_generator": staticmethod(read)})  # type: ignore[assignment]


def main(good: str, saboteur: str | None) -> None:
    torch.set_num_threads(1)
    opening.open_model(good).sample(2)  # what torch sets up once, the forks inherit
    if saboteur:
        sabotage(saboteur)
    for path in sys.stdin.read().splitlines():
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            told = tried(path)
            os.write(1, (json.dumps(told) + "\n").encode())
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status:
            print(json.dumps({"path": path, "error": f"status {status}", "typed": False, "events": []}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
