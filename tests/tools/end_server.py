"""Ends trainings in real processes: a warmed process forks a child for each, so that an end costs no import.

    python end_server.py

Run by test_ends_of_processes.py. It reads a line of JSON for each child: its words or its code, its streams, and at
which moment it pauses. It prints the child's pid, and then, on a second line, how it ended. The child is the real
command on real streams, and its interpreter comes to its own end.
"""

import fcntl
import importlib
import json
import os
import resource
import signal
import sys
import termios
import time
from pathlib import Path
from typing import Any

import torch

import advnets
import tiny
from advnets import data, experiment
from advnets.cli import main as command, resume as resume_verb, train as train_verb

MOMENTS = {
    "data": "advnets.experiment.settings:load",
    "networks": "advnets.experiment.lifecycle:prepare_training",
    "environment.json": "advnets.runs.directory:write_json",
    "status.json": "advnets.runs.directory:write_json:2",
    "recipe.json": "advnets.runs.directory:write_sealed",
    "lock": "advnets.runs:lock_run",
    "first status": "advnets.experiment.training_loop.loop:Loop._write_status",
    "first step": "advnets.experiment.training_loop.loop:Loop._stretch",
    "journal": "advnets.runs.journal:Journal.append:3",
    "preview": "advnets.experiment.preparation.preview:Preview.draw",
    "checkpoint": "advnets.runs.checkpoint:write_files:2",
    "rename": "advnets.runs.checkpoint:commit_checkpoint:2",
    "progress": "advnets.experiment.training_loop.progress:TrainingProgress.line:2",
    "result": "advnets.cli.train:print_result",
}
"""{moment: the function at whose call, the first or the n-th, a child pauses}"""


def pause_at(moment: str, seconds: float) -> None:
    """Have a child say in the file `there` that it has come to a moment, and wait."""
    if moment == "exit":
        importlib.import_module("atexit").register(lambda: wait_there(seconds))
        return
    room, name, *rest = MOMENTS[moment].split(":")
    place: Any = importlib.import_module(room)
    *outer, name = name.split(".")
    for part in outer:
        place = getattr(place, part)
    call, calls = getattr(place, name), [int(rest[0]) if rest else 1]

    def paused(*given: Any, **more: Any) -> Any:
        calls[0] -= 1
        if calls[0] == 0:
            wait_there(seconds)
        return call(*given, **more)

    setattr(place, name, paused)


def wait_there(seconds: float) -> None:
    Path("there").touch()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


def open_streams(streams: dict[str, str]) -> None:
    """Put the child's streams in place: a path, `closed`, or `terminal PATH` for one that controls the session."""
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        where = streams.get(name, os.devnull)
        if where == "closed":
            os.close(number)
            continue
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        held = os.open(where.removeprefix("terminal "), os.O_RDWR if where.startswith("terminal") else flags, 0o644)
        if where.startswith("terminal"):
            os.setsid()
            fcntl.ioctl(held, termios.TIOCSCTTY, 0)
        os.dup2(held, number)
        os.close(held)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = None
        if streams.get(name) != "closed":
            is_by_line = number == 2 or os.isatty(number)
            stream = os.fdopen(number, "w", buffering=1 if is_by_line else -1, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def set_up(asked: dict[str, Any]) -> None:
    os.chdir(asked["folder"])
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ, 32, 33):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in asked.get("ignored", []):
        signal.signal(number, signal.SIG_IGN)
    if "cpu_seconds" in asked:
        resource.setrlimit(resource.RLIMIT_CPU, (asked["cpu_seconds"], resource.RLIM_INFINITY))
    if "moment" in asked:
        pause_at(asked["moment"], asked.get("pause_seconds", 0.6))
    open_streams(asked.get("streams", {}))


def serve() -> dict[str, Any]:
    """Answer requests; returns in a child, with what it is asked to do."""
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        pid = os.fork()
        if pid == 0:
            set_up(asked)
            return asked
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    sys.exit(0)


def warm() -> None:
    """What is imported and set up once."""
    torch.set_num_threads(1)
    tiny.trained("warm", steps=4)
    data.load("digits")
    assert [command, resume_verb, train_verb, advnets, experiment]


if __name__ == "__main__":
    warm()
    print("warm", flush=True)
    asked = serve()
    if "code" in asked:
        exec(compile(asked["code"], "program.py", "exec"))
    else:
        sys.argv = ["advnets", *asked["words"]]
        command.run()
