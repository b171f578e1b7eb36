"""However a training ends, what it learnt is kept: real processes, real signals, streams and terminals.

Each row of WAYS says how a training ends, and what must be so then: the exit code, the state in status.json, from which
step on something must be saved, and that no traceback is printed. Then the run is resumed to a later step.
"""

import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import tiny
from advnets import experiment, runs
from advnets.errors import NonFinite
from advnets.process import LONGEST_TICK_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")]

TINY = ["--data", "digits", "--device", "cpu", "--generator.hidden", "16", "--discriminator.units", "8"]
OFTEN = [*TINY, "--journal-steps", "5", "--preview-steps", "50", "--checkpoint-steps", "20", "--out", "run"]
ENDLESS = ["train", "paper-adam", *OFTEN, "--steps", "1000000"]
SHORT = ["train", "paper-adam", *OFTEN, "--steps", "60"]
PROGRAM = """
import os, signal, sys, threading, time
import tiny
from advnets import experiment
run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", steps=1_000_000, checkpoint_steps=20))
"""


@dataclass(frozen=True)
class Way:
    """A way to end.

    Attributes:
        code: The exit code; negative for a signal.
        state: What status.json says, None if there is no run.
        act: What is done to the process when it is there.
        words: The words of the command.
        program: A program in place of the command.
        saved: The step that is saved at least; None if it must be the step of status.json.
        options: What the server is asked beside.
    """

    code: int
    state: str | None
    act: Callable[["Child"], object] = lambda child: None
    words: list[str] = field(default_factory=lambda: ENDLESS)
    program: str = ""
    saved: int | None = None
    traceback: bool = False
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Child:
    pid: int
    fds: dict[str, int]

    def kill(self, *numbers: int, pause: float = 0.0) -> None:
        for number in numbers:
            os.kill(self.pid, number)
            time.sleep(pause)

    def close(self, *names: str) -> None:
        for name in names:
            os.close(self.fds.pop(name))


def send(*numbers: int, pause: float = 0.0) -> Callable[[Child], object]:
    return lambda child: child.kill(*numbers, pause=pause)


def at(moment: str, **more: Any) -> dict[str, Any]:
    return {"moment": moment, **more}


def stop_and_go_on(child: Child) -> None:
    child.kill(signal.SIGSTOP, pause=1.0)
    child.kill(signal.SIGCONT, signal.SIGTERM)


def hold_back(child: Child) -> None:
    """As Ctrl-S does, the terminal takes nothing more; it does again, for the result, when the run is finished."""
    termios.tcflow(child.fds["slave"], termios.TCOOFF)
    end = time.monotonic() + 90
    while '"finished"' not in Path("run/status.json").read_text():
        assert time.monotonic() < end
        time.sleep(0.01)
    termios.tcflow(child.fds["slave"], termios.TCOON)


def say(words: str) -> str:
    return PROGRAM + "".join(f"{line}\n" for line in words.split("; "))


STREAMS = {"stdout": "out", "stderr": "err"}
FULL = "/dev/full"
TERMINAL = {"stdin": "terminal", "stdout": "slave", "stderr": "slave"}
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGXCPU")
LOOP = "for progress in run.carry_on():\n    if progress.step >= 30: "
KEEP = "going = run.carry_on()\nwhile next(going).step < 30: pass"

WAYS = {
    **{name: Way(128 + getattr(signal, name), "stopped", send(getattr(signal, name))) for name in SIGNALS},
    "SIGHUP under nohup": Way(
        0, "finished", send(signal.SIGHUP), SHORT, options={"ignored": [signal.SIGHUP], **at("first step")}
    ),
    "two SIGINTs at once": Way(130, "stopped", send(signal.SIGINT, signal.SIGINT)),
    "SIGTERM, then SIGINT": Way(
        143, "stopped", send(signal.SIGTERM, signal.SIGINT, pause=0.1), options=at("first step")
    ),
    "SIGHUP, then SIGTERM": Way(129, "stopped", send(signal.SIGHUP, signal.SIGTERM)),
    "a second SIGINT while a checkpoint is not written": Way(
        130, "stopped", send(signal.SIGINT, signal.SIGINT, pause=0.8), saved=20,
        options=at("checkpoint", pause_seconds=60),
    ),
    "SIGKILL": Way(-9, "training", send(signal.SIGKILL), saved=0),
    "SIGQUIT": Way(-3, "training", send(signal.SIGQUIT), saved=0),
    "SIGKILL while a checkpoint is renamed": Way(-9, "training", send(signal.SIGKILL), saved=20, options=at("rename")),
    "stopped, continued, SIGTERM": Way(143, "stopped", stop_and_go_on),
    "the limit of processor seconds": Way(152, "stopped", options={"cpu_seconds": 3}),
    # Moments of start-up, and of the end.
    "SIGINT while data are loaded": Way(130, None, send(signal.SIGINT), options=at("data")),
    "SIGTERM while data are loaded": Way(143, None, send(signal.SIGTERM), options=at("data")),
    "SIGHUP while data are loaded": Way(129, None, send(signal.SIGHUP), options=at("data")),
    "two SIGINTs while data are loaded": Way(130, None, send(signal.SIGINT, signal.SIGINT), options=at("data")),
    "SIGINT while networks are built": Way(130, None, send(signal.SIGINT), options=at("networks")),
    "SIGINT before environment.json": Way(130, None, send(signal.SIGINT), options=at("environment.json")),
    "SIGTERM before status.json": Way(143, None, send(signal.SIGTERM), options=at("status.json")),
    "SIGHUP before recipe.json": Way(129, None, send(signal.SIGHUP), options=at("recipe.json")),
    "SIGINT before the lock": Way(130, "created", send(signal.SIGINT), saved=0, options=at("lock")),
    "SIGTERM before the first status": Way(143, "stopped", send(signal.SIGTERM), options=at("first status")),
    "SIGINT before the first step": Way(130, "stopped", send(signal.SIGINT), options=at("first step")),
    "SIGTERM in the journal": Way(143, "stopped", send(signal.SIGTERM), options=at("journal")),
    "SIGINT in a preview": Way(130, "stopped", send(signal.SIGINT), options=at("preview")),
    "SIGINT in a checkpoint": Way(130, "stopped", send(signal.SIGINT), options=at("checkpoint")),
    "SIGINT while progress is printed": Way(130, "stopped", send(signal.SIGINT), options=at("progress")),
    "SIGINT while the result is printed": Way(130, "finished", send(signal.SIGINT), SHORT, options=at("result")),
    "SIGINT at the interpreter's end": Way(130, "finished", send(signal.SIGINT), SHORT, options=at("exit")),
    # Streams.
    "the reader of standard error goes away": Way(
        0, "finished", lambda child: child.close("err"), SHORT, options={"streams": {"stderr": "err"}}
    ),
    "the reader of standard output goes away": Way(
        0, "finished", lambda child: child.close("out"), SHORT, options={"streams": {"stdout": "out"}}
    ),
    "both readers go away": Way(
        0, "finished", lambda child: child.close("out", "err"), SHORT,
        options={"streams": {"stdout": "out", "stderr": "err"}},
    ),
    "standard output is full": Way(0, "finished", words=SHORT, options={"streams": {"stdout": FULL}}),
    "standard error is full": Way(0, "finished", words=SHORT, options={"streams": {"stderr": FULL}}),
    "both are full": Way(0, "finished", words=SHORT, options={"streams": {"stdout": FULL, "stderr": FULL}}),
    "standard error is closed": Way(0, "finished", words=SHORT, options={"streams": {"stderr": "closed"}}),
    "both are closed": Way(
        0, "finished", words=SHORT, options={"streams": {"stdin": "closed", "stdout": "closed", "stderr": "closed"}}
    ),
    "nobody reads a full pipe": Way(0, "finished", words=SHORT, options={"streams": {"stderr": "stuffed"}}),
    "SIGTERM while nobody reads a full pipe": Way(
        143, "stopped", send(signal.SIGTERM), options={"streams": {"stderr": "stuffed"}}
    ),
    "a full standard error, then SIGTERM": Way(
        143, "stopped", send(signal.SIGTERM), options={"streams": {"stderr": FULL, "stdout": FULL}}
    ),
    "the terminal is closed": Way(129, "stopped", lambda child: child.close("master"), options={"streams": TERMINAL}),
    "the terminal is closed under nohup": Way(
        0, "finished", lambda child: child.close("master"), SHORT,
        options={"streams": TERMINAL, "ignored": [signal.SIGHUP], **at("first step")},
    ),
    "Ctrl-S on the terminal": Way(
        0, "finished", hold_back, SHORT, options={"streams": TERMINAL, **at("first step")}
    ),
    "Ctrl-C on the terminal": Way(
        130, "stopped", lambda child: os.write(child.fds["master"], b"\x03"), options={"streams": TERMINAL}
    ),
    # Programs that leave the loop.
    "break": Way(0, "stopped", program=say(LOOP + "break")),
    "an exception": Way(1, "stopped", program=say(LOOP + "raise ValueError('mine')"), traceback=True),
    "sys.exit": Way(7, "stopped", program=say(LOOP + "sys.exit(7)")),
    "the end of the program": Way(0, "stopped", program=say(KEEP)),
    "an exception while a variable holds the loop": Way(
        1, "stopped", program=say(KEEP + "\nraise ValueError('mine')"), traceback=True
    ),
    "throw": Way(1, "stopped", program=say(KEEP + "\ngoing.throw(ValueError('mine'))"), traceback=True),
    "a thread of its own at the end of the program": Way(
        0, "stopped", program=say(
            "def train():\n    for progress in run.carry_on():\n        if progress.step >= 30: there.set()\n"
            "there = threading.Event(); threading.Thread(target=train, daemon=True).start(); there.wait()"
        ),
    ),
    "a forked child that leaves": Way(
        0, "stopped", program=say(KEEP + "\npid = os.fork()\nif pid == 0: sys.exit(0)\nos.waitpid(pid, 0)\n"
                                  "assert '\"training\"' in open('run/status.json').read()"),
    ),
    "SIGINT, then break": Way(
        130, "stopped", program=say(
            "try:\n    for progress in run.carry_on():\n        os.kill(os.getpid(), signal.SIGINT)\n        break\n"
            "    time.sleep(5)\nexcept KeyboardInterrupt: sys.exit(130)"
        ), saved=5,
    ),
    "SIGTERM, then break": Way(
        -15, "stopped", program=say(
            "for progress in run.carry_on():\n    os.kill(os.getpid(), signal.SIGTERM)\n    break\ntime.sleep(5)"
        ),
    ),
    "an error in a step": Way(
        1, "failed", saved=20, traceback=True, program=say(
            "loop = run._loop(); step, calls = loop.average.update, []\n"
            "def fail(*given):\n    calls.append(1)\n    if len(calls) > 33: raise ValueError('mine')\n"
            "    step(*given)\n"
            "loop.average.update = fail; list(loop.carry_on())"
        ),
    ),
    "a NaN": Way(3, "failed", saved=0, words=[*SHORT, "--generator.rate", "1e38"], options=at("first status")),
    # Disks.
    "no file may grow": Way(
        2, "failed", saved=20, program=say(
            "import resource; from advnets.cli.main import run as command\n"
            "from advnets.runs.journal import Journal; add, calls = Journal.append, []\n"
            "def limit(*given):\n    calls.append(1)\n"
            "    if len(calls) > 5: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n    add(*given)\n"
            "Journal.append = limit; sys.argv = ['advnets', 'resume', 'run']; command()"
        ),
    ),
    # Budgets.
    "a new budget, then SIGKILL": Way(
        -9, "training", send(signal.SIGKILL), ["resume", "run", "--steps", "5000000"], saved=0
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    tool = Path(__file__).parent.parent / "tools" / "end_server.py"
    folder = tmp_path_factory.mktemp("server")
    process = subprocess.Popen(
        [sys.executable, str(tool)], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "warm\n"
    yield process
    process.communicate()
    assert process.returncode == 0


def open_ends(streams: dict[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """The other ends of a child's streams, and the paths that the child opens."""
    fds: dict[str, int] = {}
    paths: dict[str, str] = {}
    if "terminal" in streams.values():
        fds["master"], fds["slave"] = os.openpty()
        slave = os.ttyname(fds["slave"])
        return fds, {name: f"terminal {slave}" if where == "terminal" else slave for name, where in streams.items()}
    for name, where in {"stdout": "out.txt", "stderr": "err.txt", **streams}.items():
        paths[name] = where
        if where in ("out", "err", "stuffed"):
            os.mkfifo(where)
            fds[where] = os.open(where, os.O_RDWR if where == "stuffed" else os.O_RDONLY | os.O_NONBLOCK)
        if where == "stuffed":
            os.set_blocking(fds[where], False)
            try:
                while True:
                    os.write(fds[where], bytes(4096))
            except BlockingIOError:
                pass
    return fds, paths


def wait_for(path: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not (path.exists() and (path.name == "there" or path.stat().st_size)):
        assert time.monotonic() < end, f"{path} did not come to be"
        time.sleep(0.005)


def end(way: Way, server: subprocess.Popen[str], folder: Path) -> int:
    """Let a child end in a way; returns its exit code."""
    assert server.stdin is not None
    assert server.stdout is not None
    fds, paths = open_ends(way.options.get("streams", {}))
    asked = {**way.options, "folder": str(folder), "streams": paths}
    asked |= {"code": way.program} if way.program else {"words": way.words}
    print(json.dumps(asked), file=server.stdin, flush=True)
    child = Child(int(server.stdout.readline()), fds)
    try:
        if not way.program:
            wait_for(Path("there") if "moment" in way.options else Path("run/journal.jsonl"))
        if "slave" in fds and way.act is not hold_back:
            child.close("slave")
        way.act(child)
        return int(server.stdout.readline())
    except BaseException:
        os.kill(child.pid, signal.SIGKILL)
        server.stdout.readline()
        raise
    finally:
        child.close(*fds)


@pytest.mark.parametrize("name", WAYS)
def test_however_a_training_ends_what_it_learnt_is_kept(
    name: str, server: subprocess.Popen[str], tmp_path: Path
) -> None:
    way = WAYS[name]
    if way.words[0] == "resume":
        experiment.start(tiny.RECIPE, settings=tiny.settings("run", steps=20, journal_steps=50))
    code = end(way, server, tmp_path)
    said = "".join(Path(file).read_text() for file in ("out.txt", "err.txt") if Path(file).exists())
    assert code == way.code, said
    assert ("Traceback" in said) == way.traceback, said
    if way.state is None:
        assert not Path("run/recipe.json").exists()
        assert tiny.trained("run", steps=4).step == 4
        return
    status = json.loads(Path("run/status.json").read_text())
    assert status["state"] == way.state, status
    run = experiment.Run(Path("run"))
    saved = run.step if runs.has_checkpoints(run.directory.checkpoints) else 0
    assert saved == status["step"] if way.saved is None else saved >= way.saved, (saved, status)
    assert not list(Path("run").rglob(".tmp-*")) or way.code < 0 or way.saved == 20
    if way.words[0] == "resume":
        assert next(run.carry_on()).share < 0.001
        return
    if code == 3:
        with pytest.raises(NonFinite):
            experiment.resume("run", steps=saved + 3)
        return
    assert experiment.resume("run", steps=saved + 3).step == saved + 3


def test_the_time_for_which_it_was_stopped_is_left_out_of_its_minutes(
    server: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Three seconds to train, and six stopped: it trains on for what is left, and one tick at most is counted."""
    found: dict[str, float] = {}

    def stop_for_long(child: Child) -> None:
        child.kill(signal.SIGSTOP, pause=6.0)
        found["seconds"] = runs.Journal(Path("run/journal.jsonl")).read()[-1]["seconds"]
        found["continued"] = time.monotonic()
        child.kill(signal.SIGCONT)

    way = Way(0, "finished", stop_for_long, ["train", "paper-adam", *OFTEN, "--minutes", "0.05"])
    assert end(way, server, tmp_path) == 0
    trained_on = time.monotonic() - found["continued"]
    status = json.loads(Path("run/status.json").read_text())
    assert status["state"] == "finished"
    assert 3 <= status["seconds"] < 4.5
    assert trained_on > 3 - found["seconds"] - LONGEST_TICK_SECONDS - 0.5 > 0
