"""Fuzzing of the command: many calls with odd words, in odd environments, to odd streams; each in a forked child.

    found = fuzz(100, folder=tmp_path)
    assert_ends_as_documented(found)

    python command_fuzz.py CALLS FOLDER SEED FIRST      makes calls by their numbers, and shows those that fail

Call number i is a pure function of (seed, i). A child has the streams, variables and folder of its call, opens Python's
standard streams as the interpreter does at its start, runs the command's entry point, and flushes them as the
interpreter does at its end. What it raised, and its exit code, come back through a pipe. A training ends after STEPS,
however many it was asked for; what does not end within SECONDS is a hang. The network is out of reach. POSIX only.
"""

import atexit
import contextlib
import io
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import tiny
from advnets import distributed, web
from advnets.cli import main as command
from advnets.cli.live import play, watch
from advnets.experiment.machine import cost
from advnets.experiment.training_loop.loop import Loop
from advnets.extractors import classifier
from advnets.studies import helvetica

SECONDS, STEPS = 120.0, 20
"""What a call may take, generously as machines are shared, and the steps after which a training ends."""

_SAID = command.HELP.partition("exit codes:")[2]
DOCUMENTED = frozenset(
    int(code)
    for code in (*re.findall(r"^  (\d+)  ", _SAID, re.MULTILINE), *re.findall(r"\b(1[2-4]\d) [a-zA-Z]", _SAID))
)
"""The exit codes that the help names."""

ODD = (
    "", " ", "-", "--", "-1", "0", "1", "1000000000000", "1e999", "nan", "inf", "0x10", "abc", "None", "True", "{}",
    "%s%n", "lab[red]y", "a[/b]", "[/]", ":smile:", "\x1b[31mred\x1b[2J", "a\rb", "a\nb", "a\tb", "\u202eabc",
    "\N{SNOWMAN}", "\u00e9", "\U0001f600", "\udcff\udc80", "a|b`c`<i>d</i>", "$(reboot)", "'\"", "a b", "a" * 300,
    "a" * 5000, ".", "..", "~", "/dev/null", "/dev/full", "/nonexistent/x", "/proc/1/environ", "x.png", "x.npz",
    "x.md", "x.json", "x.safetensors", "x.zip", "run", "run/recipe.json", "run/checkpoints", "photos", "photos.zip",
    "images.npz", "broken.zip", "G.safetensors", "digits", "ring-8", "paper-adam", "nothing", "1,2", "a=b", "=",
    "r1=10", "run,run", "x=run,run", "cpu", "test",
)  # fmt: skip
"""Words in the place of any value."""

RESULTS = Path(__file__).parents[2] / "results"

FLAGS = ("--help", "-h", "--json", "--version", "--jsn", "--no-json", "-x", "--out", "--n", "-n", "--seed", "--steps",
         "--data", "--tyro-print-completion", "--=", "--a.b.c", "--dry-run", "--figures", "--reports")  # fmt: skip

FAST = ["--generator.hidden", "8", "--discriminator.units", "4", "--batch-size", "8", "--device", "cpu"]
CALLS: tuple[tuple[str, ...], ...] = (
    (),
    ("--help",),
    ("--version",),
    ("nothing",),
    ("train", "paper-adam", "--data", "digits", "--steps", "2", "--out", "new", *FAST),
    ("train", "paper-adam", "--data", "photos", "--steps", "1", "--preview-steps", "1", *FAST),
    ("train", "paper-adam", "--data", "photos.zip", "--dry-run", "--steps", "3", *FAST),
    ("train", "run/recipe.json", "--data", "digits", "--minutes", "0.001", "--json"),
    ("resume", "run", "--steps", "6"),
    ("sample", "run", "-n", "4", "--seed", "1", "--out", "x.png"),
    ("sample", "G.safetensors", "-n", "2", "--out", "x.npz", "--json"),
    ("sample", "run", "-n", "2", "--out", "folder/"),
    ("sample", "G.safetensors", "--seeds", "3,7", "--interpolate", "--frames", "1", "--out", "x.webp"),
    ("sample", "run", "--seeds", "1,2", "--truncation", "0.5", "--out", "y.zip"),
    ("evaluate", "run", "--n", "20", "--measures", "parzen,spectrum", "--no-classifier"),
    ("evaluate", "images.npz", "--against", "digits", "--measures", "kid", "--extractor", "pixels",
     "--no-classifier"),
    ("evaluate", "G.safetensors", "--n", "20", "--measures", "parzen", "--json"),
    ("compare", "a=run", "b=G.safetensors", "--n", "40", "--measures", "kid", "--extractor", "pixels", "--json"),
    ("compare", "run", "images.npz", "--n", "40", "--measures", "kid", "--extractor", "pixels", "--out", "x.md"),
    ("export", "run", "--out", "x.safetensors", "--half", "--notes", "some", "--licence", "none"),
    ("translate", "run", "photos", "--out", "translated/", "-n", "1"),
    ("card", "run", "--out", "x.md", "--licence", "mit", "--notes", "some"),
    ("card", "G.safetensors", "--json"),
    ("push", "run", "ada/digits", "--public"),
    ("pull", "ada/digits@main", "--out", "pulled/", "--sha256", "0" * 64),
    ("pull", "hub-lock.json", "--out", "pulled/"),
    ("journal", "run", "--out", "x.csv", "--json"),
    ("journal", "run", "--out", "events/"),
    ("info", "--json"),
    ("info", "--clear-cache"),
    ("--print-completion", "bash"),
    ("figures", "grid", "run", "--out", "x.png"),
    ("figures", "figure3", "G.safetensors", "--seed", "2", "--out", "x.png", "--json"),
    ("helvetica", "--data", "ring-8", "--k", "1", "--json"),
    ("canaries", "--data", "photos", "--clean", "3", "--n", "4", "--damages", "blur"),
    ("play", "--no-browser"),
    ("play", "--lesson", "wgan", "--korean", "--no-browser"),
    ("play", "--state", "k=3", "--port", "1", "--no-browser"),
    ("watch", ".", "--no-browser"),
    ("watch", "run", "--port", "1", "--no-browser"),
    ("diagnose", "run"),
    ("diagnose", "run", "--json"),
    ("train", "paper-adam", "--data", "digits", "--steps", "2", "--keep-best", "parzen", "--out", "new", *FAST),
    ("table", "--data", "mnist", "--show", "--out", "x.md"),
    ("table", "--data", "tfd", "--rows", "dbn", "--seeds", "1"),
    ("recipes", "--json"),
    ("recipes", "paper"),
    ("data", "digits"),
    ("data", "photos", "--json"),
    ("data", "broken.zip", "--image-size", "8"),
    ("data",),
)  # fmt: skip
"""Calls that are right, or nearly so; each verb has several."""

VARIABLES: Mapping[str, tuple[str, ...]] = {
    "COLUMNS": ("", "0", "1", "7", "-5", "1000000000000", "abc", "²"),
    "LINES": ("0", "1", "1000000000000", "²"),
    "LANG": ("C", "de_DE.UTF-8", "xx", ""),
    "LC_ALL": ("C", "POSIX", "xx"),
    "TERM": ("", "dumb", "xterm-256color", "\x1b[31m"),
    "NO_COLOR": ("", "1"),
    "FORCE_COLOR": ("1",),
    "HOME": ("", "/nonexistent", "/dev/null", "\udcff"),
    "TMPDIR": ("/nonexistent",),
    "XDG_CACHE_HOME": ("/dev/null",),
    "MPLBACKEND": ("agg",),
    "ADVNETS_CACHE": ("", "/dev/null/x", "/proc/x", "c[red]", "\x1b[31m", "~"),
    "ADVNETS_DATA": ("", "/dev/null", "/nonexistent", "d[/d]"),
    "OMP_NUM_THREADS": ("", "0", "abc"),
    "WORLD_SIZE": ("", "0", "-1", "2", "abc", "1e3", "1" * 30, "\x1b[31m"),
    "RANK": ("", "-1", "1", "7", "abc", "\x1b[31m"),
    "LOCAL_RANK": ("", "-1", "9", "abc"),
    "MASTER_ADDR": ("", "127.0.0.1"),
    "MASTER_PORT": ("", "0", "-1", "99999", "abc"),
}
ENCODINGS = ("utf-8", "utf-8", "utf-8", "ascii", "cp1252", "latin-1", "ascii:replace", "cp437")
"""As $PYTHONIOENCODING has them."""
STREAMS = ("file", "file", "file", "closed", "full", "no reader", "terminal", "dead terminal", "read-only")


@dataclass(frozen=True)
class Call:
    """A call of the command: its words, variables, encoding, and what its streams are."""

    words: tuple[str, ...]
    variables: Mapping[str, str]
    encoding: str
    streams: tuple[str, str]
    stdin: bool


@dataclass(frozen=True)
class End:
    """How a call ended: what became of it, its exit code, and what it printed where that can be read."""

    outcome: str
    code: int | None
    out: str = ""
    err: str = ""
    trace: str = ""


@dataclass
class Found:
    """What became of the calls: counts by outcome and exit code, and the failures with their numbers."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, Call, End]] = field(default_factory=list)
    verbs: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return f"{self.outcomes.total():,} calls: {dict(sorted(self.outcomes.items()))}"


def fuzz(n: int, *, folder: Path, seed: int = 0, first: int = 0) -> Found:
    """Make n calls of the command, each in a folder of its own that holds a run, a share file and images."""
    seeds, found = folder / "seeds", Found()
    make_seeds(seeds)
    for number in range(first, first + n):
        call, place = draw_call(seed, number), folder / "call"
        shutil.copytree(seeds, place)
        end = make_call(call, place)
        shutil.rmtree(place, ignore_errors=True)
        found.verbs |= {verb for verb in command.VERBS if verb in call.words[:1]}
        found.outcomes[end.outcome] += 1
        if not end.outcome.startswith("exit"):
            found.failures.append((number, call, end))
    print(found)
    return found


def assert_ends_as_documented(found: Found) -> None:
    shown = "\n\n".join(
        f"call {n}: {call}\n{end.outcome}\n{end.trace or end.err}" for n, call, end in found.failures[:9]
    )
    assert not found.failures, f"{found}\n{shown}"


def draw_call(seed: int, number: int) -> Call:
    rng = random.Random(f"{seed} {number}")
    words = list(rng.choice(CALLS))
    for _ in range(rng.choice((0, 0, 0, 1, 1, 1, 2, 3))):
        mutate_words(words, rng)
    names = rng.sample(sorted(VARIABLES), rng.choice((0, 1, 1, 2, 4)))
    if rng.random() < 0.1:
        names += ["WORLD_SIZE", "RANK", "MASTER_ADDR", "MASTER_PORT"]
    variables = {name: rng.choice(VARIABLES[name]) for name in names}
    streams = (rng.choice(STREAMS), rng.choice(STREAMS))
    return Call(tuple(words), variables, rng.choice(ENCODINGS), streams, rng.random() < 0.8)


def mutate_words(words: list[str], rng: random.Random) -> None:
    """One change: another value, a word less, more or twice, a flag more, two words in each other's place."""
    kind, place = rng.choice((0, 1, 2, 3, 4, *[5] * 10)), rng.randint(min(1, len(words)), len(words))
    if kind == 0:
        words.insert(place, rng.choice(FLAGS))
    elif kind == 1:
        words.insert(place, rng.choice(ODD))
    elif words and kind == 2:
        del words[rng.randrange(len(words))]
    elif words and kind == 3:
        words.insert(place, rng.choice(words))
    elif len(words) > 1 and kind == 4:
        a, b = rng.sample(range(len(words)), 2)
        words[a], words[b] = words[b], words[a]
    elif values := [place for place, word in enumerate(words) if place and not word.startswith("-")]:
        words[rng.choice(values)] = rng.choice(ODD)


def make_seeds(folder: Path) -> None:
    """What calls may name: a run, a share file, samples, images in a folder and in an archive, and a broken one."""
    folder.mkdir(parents=True)
    run = tiny.trained(str(folder / "run"), steps=4, preview_steps=4)
    run.export(folder / "G.safetensors")
    rng = np.random.default_rng(0)
    np.savez(folder / "images.npz", images=rng.integers(0, 256, (40, 8, 8, 1), dtype=np.uint8))
    for number in range(40):
        path = folder / "photos" / ("a[red]" if number % 2 else "b\x1b[31m|<i>") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
    shutil.make_archive(str(folder / "photos"), "zip", folder / "photos")
    (folder / "broken.zip").write_bytes((folder / "photos.zip").read_bytes()[:200])
    shutil.copytree(RESULTS, folder / "results", ignore=shutil.ignore_patterns("*.md", "*cifar10*", "paper*"))
    for verb in command.VERBS:
        command.load_verb(verb)  # here, so that no child has to
    for name in ("matplotlib.backends.backend_agg", "scipy.stats"):
        import_module(name)


def make_call(call: Call, place: Path) -> End:
    """Make a call in a forked child, and return how it ended."""
    reader, writer = os.pipe()
    masters, ends = open_ends(call, place)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads
        pid = os.fork()
    if pid == 0:
        serve(call, place, ends, writer, [reader, *masters.values()])
    os.close(writer)
    for end in ends:
        if end is not None:
            os.close(end)
    try:
        answer, terminals, in_time = follow(reader, masters)
    finally:
        for descriptor in (reader, *masters.values()):
            os.close(descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    printed = [
        terminals[name] if name in terminals else read(place.with_name(f"{name}.txt")) for name in ("out", "err")
    ]
    return judge_end(call, answer, status, in_time, *printed)


def judge_end(call: Call, answer: bytes, status: int, in_time: bool, out: str, err: str) -> End:
    if not in_time:
        return End("hang", None, out, err)
    if not answer:
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
        return End(f"killed by {ended}", None, out, err)
    told = json.loads(answer)
    end = End(f"exit {told['code']}", told["code"], out, err, told["trace"])
    if told["trace"] or "Traceback" in out + err:
        return replace(end, outcome="traceback")
    if told["code"] not in DOCUMENTED:
        return replace(end, outcome=f"undocumented: {told['code']}")
    if any(call.streams[place] == "file" and not is_plain(text) for place, text in enumerate((out, err))):
        return replace(end, outcome="raw control characters")
    if call.streams[1] == "file" and told["code"] in (2, 3, 4) and call.words and not says_why(err):
        return replace(end, outcome="no clear line")
    return end


def is_plain(text: str) -> bool:
    return all(one.isprintable() or one == "\n" or one == "\ufffd" for one in text)


def says_why(err: str) -> bool:
    """One line at the end says what is wrong."""
    return bool(re.match(r"advnets( \(rank .*\))?: .*\S", err.splitlines()[-1] if err else ""))


def read(path: Path) -> str:
    text = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
    path.unlink(missing_ok=True)
    return text


def open_ends(call: Call, place: Path) -> tuple[dict[str, int], list[int | None]]:
    """What the child's streams 1 and 2 are led to, and the terminals that have to be read here."""
    masters, ends = dict[str, int](), list[int | None]()
    for name, kind in zip(("out", "err"), call.streams, strict=True):
        if kind == "file":
            ends.append(os.open(place.with_name(f"{name}.txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        elif kind == "full":
            ends.append(os.open("/dev/full", os.O_WRONLY))
        elif kind == "read-only":
            ends.append(os.open(os.devnull, os.O_RDONLY))
        elif kind == "no reader":
            reader, writer = os.pipe()
            os.close(reader)
            ends.append(writer)
        elif kind in ("terminal", "dead terminal"):
            master, slave = pty.openpty()
            ends.append(slave)
            if kind == "terminal":
                masters[name] = master
            else:
                os.close(master)
        else:
            ends.append(None)
    return masters, ends


def follow(reader: int, masters: Mapping[str, int]) -> tuple[bytes, dict[str, str], bool]:
    """Read the child's answer and its terminals until it ends, and return them; False if that took too long."""
    answer, held = b"", dict.fromkeys(masters, b"")
    names, began = {master: name for name, master in masters.items()}, time.monotonic()
    while time.monotonic() - began < SECONDS:
        ready, _, _ = select.select([reader, *names], [], [], 0.5)
        for descriptor in ready:
            try:
                more = os.read(descriptor, 65536)
            except OSError:  # a terminal whose last user is gone
                more = b""
            if descriptor != reader:
                held[names[descriptor]] += more
                if not more:
                    del names[descriptor]
            elif not more:
                return answer, {name: text.decode("utf-8", "replace") for name, text in held.items()}, True
            else:
                answer += more
    return answer, {}, False


def serve(call: Call, place: Path, ends: list[int | None], writer: int, others: list[int]) -> None:
    """In the child: make the call as a new interpreter would, tell how it ended, and never return."""
    code, trace = 70, ""
    try:
        os.setsid()
        for descriptor in others:
            os.close(descriptor)
        traces = prepare(call, place, ends)
        code = run_command(call.words, traces)
        trace = "\n".join(traces)
    except BaseException:
        trace = traceback.format_exc()
    finally:
        os.write(writer, json.dumps({"code": code, "trace": trace[-3000:]}).encode())
        os._exit(0)


def prepare(call: Call, place: Path, ends: list[int | None]) -> list[str]:
    """Folder, variables, streams, signals, filters and hooks, as a new process has them; returns where traces go."""
    os.chdir(place)
    for name in [*VARIABLES, "PYTHONIOENCODING", "PYTHONUTF8"]:
        os.environ.pop(name, None)
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "hf_none"}  # a port that nobody listens at
    os.environ.update({"ADVNETS_CACHE": str(place / "cache"), "HOME": str(place), **nowhere, **call.variables})
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    warnings.resetwarnings()
    for ignored in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", ignored)
    atexit._clear()
    shorten()
    for number, end in zip((1, 2), ends, strict=True):
        os.close(number)
        if end is not None:
            os.dup2(end, number)
            os.close(end)
    if not call.stdin:
        os.close(0)
    sys.stdout = sys.__stdout__ = open_standard(1, call)  # type: ignore[misc, assignment]
    sys.stderr = sys.__stderr__ = open_standard(2, call)  # type: ignore[misc, assignment]
    traces: list[str] = []
    threading.excepthook = lambda told: traces.append(f"in a thread: {told.exc_type} {told.exc_value}")
    sys.unraisablehook = lambda told: traces.append(f"unraisable: {told.exc_value} in {told.object}")
    return traces


def open_standard(number: int, call: Call) -> io.TextIOWrapper | None:
    """A standard stream as the interpreter opens it at its start."""
    try:
        os.fstat(number)
    except OSError:
        return None
    encoding, _, errors = call.encoding.partition(":")
    raw = io.FileIO(number, "w", closefd=False)
    errors = "backslashreplace" if number == 2 else errors or "strict"
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, errors, line_buffering=number == 2 or raw.isatty(), write_through=False
    )


def shorten() -> None:
    """Make what takes long short, and let nothing reach the network."""

    def refuse(*given: Any, **more: Any) -> None:
        raise OSError(101, "Network is unreachable")

    socket.socket.connect = refuse  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = refuse  # type: ignore[assignment]
    distributed.TIMEOUT = timedelta(seconds=1)
    share = Loop.share
    Loop.share = lambda self: 1.0 if self.step >= STEPS else share(self)  # type: ignore[method-assign]
    cost.WARM_UP, cost.TIMED = 0, 2
    helvetica.POINTS = replace(helvetica.POINTS, first=2, alone=2, again=2, every=1)
    helvetica.IMAGES = replace(helvetica.IMAGES, first=2, alone=2, again=2, every=1)
    play.serve = watch.serve = partial(web.serve, until=lambda: True)
    classifier.ClassifierSettings.steps = lambda self, n: 2  # type: ignore[method-assign]


def run_command(words: tuple[str, ...], traces: list[str]) -> int:
    """The exit code of the entry point, after what the interpreter does at its end."""
    sys.argv = ["advnets", *words]
    try:
        command.run()
        code: Any = 0
    except SystemExit as stop:
        code = 0 if stop.code is None else stop.code
    except BaseException:
        traces.append(traceback.format_exc())
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            code = 120
    return code if isinstance(code, int) else 1


if __name__ == "__main__":
    calls, at, drawn_by, begin = int(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:5])
    total = fuzz(calls, folder=at, seed=drawn_by, first=begin)
    for number, call, end in total.failures:
        print(number, call, end.outcome, end.trace or end.err[-600:], sep="\n", end="\n\n")
    print(total, sorted(total.verbs))
