"""Fuzzing: many wrong files are read in forked children, so that a crash, a hang or a flood of memory is one case's.

    told = fuzz(load_npz, seeds, 5_000, folder=tmp_path, name="case.npz", mutators=[headers])
    assert_only_our_errors(told)

Case number i is a pure function of (seed, i, seeds, mutators): a seed file, mutated. A child reads many cases, one
after another, each under bounds of CPU seconds, wall seconds and memory; where it dies, the next child goes on. The
cases that fail are kept in folder/replays. POSIX only: mark tests with `needs_fork`.
"""

import faulthandler
import json
import os
import random
import select
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from advnets.errors import AdvnetsError

if os.name == "posix":
    import resource

Mutator = Callable[[bytes, random.Random], bytes]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="cases are read in children that are forked")

CASES_A_CHILD = 500
MOST_REPLAYS = 30
INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)


@dataclass(frozen=True)
class Bounds:
    """What a case may use.

    seconds: of CPU. stall: of the wall clock, generous as machines are shared. memory: growth of the peak resident set,
    in bytes. address_space: beyond what the process has when the child begins, in bytes.
    """

    seconds: float = 1.0
    stall: float = 20.0
    memory: int = 512 * 2**20
    address_space: int = 2 * 2**30


@dataclass(frozen=True)
class Failure:
    """A case that did what none may: its number, what it did, and the file that does it again."""

    number: int
    outcome: str
    detail: str
    replay: Path | None


@dataclass
class Told:
    """What became of the cases.

    outcomes: count by outcome: "ok", the name of an error type of ours, "unnamed: ..." for one of ours that does not
    name the file, "other: ..." for any other exception, "signal: ...", "time", "memory", "exit ...".
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.outcomes.total():,} cases in {self.seconds:.1f} s: {dict(self.outcomes.most_common())}"


def fuzz(
    load: Callable[[Path], object],
    seeds: Sequence[bytes],
    n: int,
    *,
    folder: Path,
    name: str = "case.bin",
    mutators: Sequence[Mutator] = (),
    seed: int = 0,
    bounds: Bounds | None = None,
    named: bool = True,
) -> Told:
    """Read n mutated files with `load`, each under the name `folder/name`.

    seeds: whole files to begin with; the first is read here, unmutated, so that the children inherit what is set up
    once. mutators: structure-aware ones, which half of the cases go through besides the blind ones. named: whether an
    error has to name the file.
    """
    fuzzer = _Fuzzer(load, tuple(seeds), tuple(mutators), folder / name, seed, bounds or Bounds(), named)
    fuzzer.warm_up()
    told, began, number = Told(), time.monotonic(), 0
    while number < n:
        batch = range(number, min(n, number + CASES_A_CHILD))
        for outcome, detail in fuzzer.batch(batch):
            told.outcomes[outcome] += 1
            if _is_failure(outcome):
                replay = _keep(fuzzer.case(number), folder, number, name) if len(told.failures) < MOST_REPLAYS else None
                told.failures.append(Failure(number, outcome, detail, replay))
            number += 1
    told.seconds = time.monotonic() - began
    print(told)
    return told


def assert_only_our_errors(told: Told, *, refused: float = 0.1) -> None:
    """No failure; and the cases were worth their time: that share at least was refused."""
    shown = "\n".join(f"{one.number}: {one.outcome}\n{one.detail}{one.replay or ''}" for one in told.failures[:5])
    assert not told.failures, f"{told}\n{shown}"
    share = 1 - told.outcomes["ok"] / told.outcomes.total()
    assert share >= refused, f"only {share:.0%} of the cases were refused: {told}"


def mutated(data: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """The bytes after one to four blind changes; `others` are what may be spliced in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        kind = rng.randrange(9 if others else 8)
        if kind == 8:
            other = rng.choice(others)
            changed = changed[: rng.randrange(len(changed) + 1)] + other[rng.randrange(len(other) + 1) :]
        else:
            BLIND[kind](changed, rng)
    return bytes(changed)


def within(unpack: Callable[[bytes], bytes], pack: Callable[[bytes], bytes]) -> Mutator:
    """A mutator of what is packed: unpack, mutate blindly, pack again (gzip, say); bytes that do not unpack stay."""

    def mutate(data: bytes, rng: random.Random) -> bytes:
        try:
            inner = unpack(data)
        except Exception:
            return data
        return pack(mutated(inner, rng))

    return mutate


def _place(data: bytearray, rng: random.Random) -> int:
    """Anywhere, but half of the time within the first or the last 64 bytes, where headers and directories are."""
    if not data:
        return 0
    near = min(64, len(data))
    return rng.choice((rng.randrange(len(data)), rng.randrange(near), len(data) - 1 - rng.randrange(near)))


def _flip_bit(data: bytearray, rng: random.Random) -> None:
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _set_byte(data: bytearray, rng: random.Random) -> None:
    if data:
        data[_place(data, rng)] = rng.choice((0, 0xFF, 0x80, 0x7F, rng.randrange(256)))


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _insert(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    data[place:place] = rng.choice((rng.randbytes(rng.randrange(1, 64)), bytes(rng.randrange(1, 300))))


def _duplicate(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    piece = data[place : place + rng.randrange(1, 256)]
    data[place:place] = piece * rng.choice((1, 1, 2, 16))


def _delete(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    del data[place : place + rng.choice((1, 2, 4, rng.randrange(1, 256)))]


def _extreme(data: bytearray, rng: random.Random) -> None:
    place, width = _place(data, rng), rng.choice((1, 2, 4, 8))
    value = rng.choice((*INTERESTING, len(data), len(data) + 1, rng.getrandbits(64))) & (1 << 8 * width) - 1
    written = value.to_bytes(width, rng.choice(("little", "big")))
    data[place : place + width] = written[: len(data) - place]


def _swap(data: bytearray, rng: random.Random) -> None:
    a, b, width = _place(data, rng), _place(data, rng), rng.choice((1, 4, 16))
    one, other = data[a : a + width], data[b : b + width]
    if len(one) == len(other):
        data[a : a + width], data[b : b + width] = other, one


BLIND = (_flip_bit, _set_byte, _truncate, _insert, _duplicate, _delete, _extreme, _swap)


@dataclass(frozen=True)
class _Fuzzer:
    load: Callable[[Path], object]
    seeds: tuple[bytes, ...]
    mutators: tuple[Mutator, ...]
    path: Path
    seed: int
    bounds: Bounds
    named: bool

    def case(self, number: int) -> bytes:
        """The bytes of a case."""
        rng = random.Random(f"{self.seed} {number}")
        data = rng.choice(self.seeds)
        if self.mutators and rng.random() < 0.5:
            data = rng.choice(self.mutators)(data, rng)
            return data if rng.random() < 0.5 else mutated(data, rng, self.seeds)
        return mutated(data, rng, self.seeds)

    def warm_up(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(self.seeds[0])
        self.load(self.path)

    def batch(self, numbers: range) -> list[tuple[str, str]]:
        """The outcomes of the first of these cases: all of them, or up to the one that the child did not survive."""
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns of threads: there are none that hold a lock the child needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._serve(numbers, writer)
        os.close(writer)
        try:
            lines, in_time = _lines(reader, len(numbers), self.bounds.stall)
        finally:
            os.close(reader)
            os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
        outcomes: list[tuple[str, str]] = [tuple(json.loads(line)) for line in lines]
        if len(outcomes) < len(numbers) and not (outcomes and outcomes[-1][0] == "memory"):
            outcomes.append((_death(status) if in_time else "time", ""))
        return outcomes

    def _serve(self, numbers: range, writer: int) -> None:
        """In the child: read the cases, tell each outcome, and never return."""
        try:
            _quiet()
            _limit(self.bounds.address_space, len(numbers) * self.bounds.seconds)
            before = _peak()
            for number in numbers:
                outcome, detail = self._one(number)
                if _peak() - before > self.bounds.memory:
                    outcome, detail = "memory", f"the peak grew by {(_peak() - before) >> 20} MiB\n"
                os.write(writer, (json.dumps([outcome, detail[-1500:]]) + "\n").encode())
                if outcome == "memory":
                    break
            # Not to be told from a death in a case, the parent waits for the last line, then kills.
            time.sleep(60)
        finally:
            os._exit(70)

    def _one(self, number: int) -> tuple[str, str]:
        self.path.unlink(missing_ok=True)
        self.path.write_bytes(self.case(number))
        signal.setitimer(signal.ITIMER_PROF, self.bounds.seconds)
        try:
            self.load(self.path)
            return "ok", ""
        except AdvnetsError as error:
            name = type(error).__name__
            named = not self.named or self.path.name in str(error)
            return (name, "") if named else (f"unnamed: {name}", f"{error}\n")
        except MemoryError:
            return "memory", traceback.format_exc(limit=-4)
        except BaseException as error:
            return f"other: {type(error).__name__}", traceback.format_exc(limit=-4)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def _is_failure(outcome: str) -> bool:
    return outcome != "ok" and outcome not in OURS


def _names(kind: type[AdvnetsError]) -> set[str]:
    return {kind.__name__}.union(*(_names(lower) for lower in kind.__subclasses__()))


OURS = _names(AdvnetsError)


def _keep(case: bytes, folder: Path, number: int, name: str) -> Path:
    replay = folder / "replays" / f"{number}-{name}"
    replay.parent.mkdir(exist_ok=True)
    replay.write_bytes(case)
    return replay


def _lines(reader: int, n: int, stall: float) -> tuple[list[bytes], bool]:
    """Up to n lines of a pipe, fewer at its end; and whether none kept us waiting for more than `stall` seconds."""
    told = b""
    while told.count(b"\n") < n:
        if not select.select([reader], [], [], stall)[0]:
            return told.splitlines(), False
        more = os.read(reader, 65536)
        if not more:
            break
        told += more
        if b'["memory"' in told:
            break
    return told.splitlines(), True


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "time" if number in (signal.SIGPROF, signal.SIGXCPU) else f"signal: {signal.Signals(number).name}"
    return f"exit {os.WEXITSTATUS(status)}"


def _quiet() -> None:
    faulthandler.disable()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)


def _limit(address_space: int, seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, int(seconds) + 2))
    statm = Path("/proc/self/statm")
    if statm.exists():
        most = int(statm.read_text().split()[0]) * resource.getpagesize() + address_space
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _peak() -> int:
    """The peak of the resident set in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if os.uname().sysname == "Darwin" else 1024)
