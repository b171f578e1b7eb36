"""However a training ends, what it learnt is kept: within one process. Real ones are in test_ends_of_processes.py."""

import atexit
import errno
import io
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tiny
from advnets import experiment, process
from advnets.cli import console, main as command, output
from advnets.errors import BadInput, CannotWrite, Damaged
from advnets.experiment.preparation.preview import Preview
from advnets.experiment.training_loop import loop as loop_module
from advnets.experiment.training_loop.loop import Loop
from advnets.process import RunningClock
from advnets.runs.journal import Journal


def begin(**more: Any) -> experiment.Run:
    return experiment.start(tiny.RECIPE, settings=tiny.settings("run", **({"checkpoint_steps": 1000} | more)))


def status() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("run/status.json").read_text())
    return found


def leave_by_break(run: experiment.Run) -> None:
    for progress in run.carry_on():
        if progress.step >= 20:
            break


def leave_by_return(run: experiment.Run) -> int:
    for progress in run.carry_on():
        if progress.step >= 20:
            return progress.step
    return 0


def raise_at_20(run: experiment.Run, error: BaseException) -> None:
    for progress in run.carry_on():
        if progress.step >= 20:
            raise error


def leave_by_error(run: experiment.Run) -> None:
    with pytest.raises(ValueError, match="mine"):
        raise_at_20(run, ValueError("mine"))


def leave_by_exit(run: experiment.Run) -> None:
    with pytest.raises(SystemExit):
        raise_at_20(run, SystemExit(3))


def leave_by_throw(run: experiment.Run) -> None:
    going: Any = run.carry_on()
    while next(going).step < 20:
        pass
    with pytest.raises(ValueError, match="mine"):
        going.throw(ValueError("mine"))


def leave_with_the_program(run: experiment.Run) -> None:
    """What atexit calls saves; the loop that a variable still holds does so no second time."""
    with pytest.MonkeyPatch.context() as patch:
        called: list[Callable[[], None]] = []
        patch.setattr(atexit, "register", called.append)
        going: Any = run.carry_on()
        while next(going).step < 20:
            pass
        (at_exit,) = called
        at_exit()
        before = status()
        patch.setattr(Loop, "save", lambda self: pytest.fail("saved again"))
        going.close()
        assert status() == before


LEAVE = [leave_by_break, leave_by_return, leave_by_error, leave_by_exit, leave_by_throw, leave_with_the_program]


@pytest.mark.parametrize("leave", LEAVE, ids=lambda leave: leave.__name__)
def test_a_loop_that_is_left_has_saved_and_goes_on_bit_for_bit(
    leave: Callable[[experiment.Run], object], tmp_path: Path
) -> None:
    run = begin(steps=24)
    leave(run)
    assert (status()["state"], status()["step"], run.step) == ("stopped", 20, 20)
    assert [path.name for path in run.directory.previews.iterdir()] == ["00000020.png"]
    assert run.sample(2).values.shape == (2, 8, 8, 1)
    again = experiment.resume("run")
    assert (status()["state"], again.step) == ("finished", 24)
    if leave is leave_by_break:
        os.rename("run", "parted")
        assert tiny.state_hash(experiment.Run(Path("parted"))) == tiny.state_hash(tiny.trained("run", steps=24))


def test_a_run_that_is_left_at_its_end_is_finished(tmp_path: Path) -> None:
    run = begin(steps=10)
    assert any(progress.step == 10 for progress in run.carry_on())
    assert (status()["state"], run.step) == ("finished", 10)


def test_a_forked_child_writes_nothing(tmp_path: Path) -> None:
    run = begin()
    going: Any = run.carry_on()
    next(going)
    before = status()
    pid = os.fork()
    if pid == 0:
        going.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert status() == before
    assert not run.directory.checkpoints.exists()
    going.close()
    assert run.step == 5


@pytest.mark.parametrize("what", [Journal, Preview])
def test_a_disk_that_fails_beside_checkpoints_loses_nothing(
    what: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise CannotWrite("the disk is full")

    run = begin(preview_steps=10)
    monkeypatch.setattr(what, "append" if what is Journal else "draw", fail)
    with pytest.raises(CannotWrite, match="the disk is full"):
        list(run.carry_on())
    assert (status()["state"], status()["message"]) == ("failed", "the disk is full")
    assert run.step == status()["step"] == (5 if what is Journal else 10)


def test_a_status_is_true_on_a_disk_that_takes_no_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    going: Any = begin().carry_on()
    next(going)
    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(CannotWrite, match="the disk is full"):
        going.close()
    assert status()["state"] == "failed"


def test_an_error_within_a_step_saves_no_half_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin(checkpoint_steps=10)
    loop, calls = run._loop(), itertools.count(1)
    update = loop.average.update

    def fail(*given: Any) -> None:
        if next(calls) == 13:
            raise RuntimeError("out of memory")
        update(*given)

    monkeypatch.setattr(loop.average, "update", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(loop.carry_on())
    assert (status()["state"], status()["message"]) == ("failed", "RuntimeError: out of memory")
    assert run.step == 10


# Signals.


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGXCPU"])
def test_every_signal_that_would_end_the_process_saves(name: str, tmp_path: Path) -> None:
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        run = begin(steps=100_000)
        going = run.carry_on()
        next(going)
        os.kill(os.getpid(), number)
        with pytest.raises(SystemExit) as left:
            list(going)
        assert left.value.code == 128 + number
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert (status()["state"], status()["step"]) == ("stopped", run.step)


def test_what_is_ignored_or_heard_by_the_program_is_left_to_it(tmp_path: Path) -> None:
    heard: list[int] = []
    outer = {
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        signal.SIGUSR1: signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number)),
    }
    try:
        going = begin(steps=10).carry_on()
        next(going)
        for number in outer:
            os.kill(os.getpid(), number)
        list(going)
    finally:
        for number, handler in outer.items():
            signal.signal(number, handler)
    assert heard == [signal.SIGUSR1]
    assert status()["state"] == "finished"


class Left(BaseException):
    """In place of the end of the process."""


def test_two_interrupts_at_once_are_one_and_a_later_one_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(code: int) -> None:
        raise Left(code)

    run = begin(steps=100_000)
    loop = run._loop()
    going = loop.carry_on()
    next(going)
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        list(going)
    assert (status()["state"], status()["step"]) == ("stopped", run.step)
    monkeypatch.setattr(loop_module, "ONE_PRESS_SECONDS", 0.0)
    monkeypatch.setattr(os, "_exit", leave)
    loop._write_status("training")
    with pytest.raises(Left, match="130"):
        loop._hear(signal.SIGINT)
    assert (status()["state"], "second SIGINT" in status()["message"]) == ("stopped", True)


def test_a_signal_that_the_loop_had_no_time_for_reaches_the_caller(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def leave() -> None:
        for _ in begin().carry_on():
            os.kill(os.getpid(), signal.SIGINT)
            break
        for _ in range(500):  # what a thread hands on does not end a sleep
            time.sleep(0.01)

    try:
        with pytest.raises(KeyboardInterrupt):
            leave()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (status()["state"], status()["step"]) == ("stopped", 5)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.parametrize("becomes", [None, ImportError])
def test_a_signal_at_start_up_is_an_exit_code_whatever_libraries_make_of_it(
    name: str, code: int, becomes: type[Exception] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verb(argv: object) -> int:
        try:
            os.kill(os.getpid(), getattr(signal, name))
            time.sleep(5)
        except BaseException:
            if becomes is None:
                raise
            raise becomes("a part of it") from None
        return 0

    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        monkeypatch.setattr("advnets.cli.recipes.main", verb)
        assert command.main(["recipes"]) == code
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_while_modules_are_imported_and_one_that_python_ignores_leave_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    end = command._EndBySignal()
    with pytest.raises(SystemExit):  # where the patched exit comes back
        end.hear(signal.SIGTERM)
    assert left == [143]
    end = command._EndBySignal()
    end.imports = False

    class Finalizer:
        def __del__(self) -> None:
            end.hear(signal.SIGINT)

    with end.even_if_ignored():
        del (held := [Finalizer()])[0]
    assert held == []
    assert left == [143, 130]


# The time that it ran.


def make_clock(monkeypatch: pytest.MonkeyPatch, gaps: Callable[[int], float]) -> RunningClock:
    """A clock whose time goes on by gaps(n) when it is read for the n-th time; nobody else ticks."""
    monkeypatch.setattr(process, "TICK_SECONDS", 1e6)
    reads, now = itertools.count(), [0.0]

    def read() -> float:
        now[0] += gaps(next(reads))
        return now[0]

    return RunningClock(read)


def test_a_clock_counts_what_is_run_and_not_what_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = make_clock(monkeypatch, lambda n: 3600.0 if n == 5 else 0.25)
    with clock.count():
        for _ in range(8):
            clock.tick()
    assert clock.seconds == pytest.approx(8 * 0.25 + process.LONGEST_TICK_SECONDS)
    clock.tick()
    assert clock.seconds == pytest.approx(8 * 0.25 + process.LONGEST_TICK_SECONDS)


def test_a_stop_of_an_hour_takes_a_second_of_the_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    for stop in (None, 20):
        run = experiment.start(tiny.RECIPE, settings=tiny.settings(f"run-{stop}", steps=None, minutes=5 / 60))
        loop = run._loop()
        loop.clock = make_clock(monkeypatch, lambda n, stop=stop: 3600.0 if n == stop else 0.125)  # type: ignore[misc]
        assert list(loop.carry_on())[-1].share == 1
        steps.append(loop.step)
    assert 0 < steps[0] - steps[1] <= process.LONGEST_TICK_SECONDS / 0.125


def test_a_long_step_is_counted_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(process, "LONGEST_TICK_SECONDS", 0.1)
    clock, began = RunningClock(), time.monotonic()
    with clock.keep_ticking(), clock.count():
        while clock.seconds < 0.15:  # nobody but the thread ticks
            time.sleep(0.01)
            assert time.monotonic() - began < 60


# The budget asked for last.


def test_the_budget_asked_for_last_is_the_runs(tmp_path: Path) -> None:
    run = begin(steps=10)
    list(run.carry_on())
    next(experiment.Run(Path("run")).carry_on(steps=40))
    assert run.step == 15
    assert next(experiment.Run(Path("run")).carry_on()).share == 20 / 40
    assert experiment.resume("run").step == 40
    assert status()["state"] == "finished"
    next(experiment.Run(Path("run")).carry_on(minutes=1000))
    assert next(experiment.Run(Path("run")).carry_on()).share < 0.01
    with pytest.raises(BadInput, match="steps is -1"):
        experiment.resume("run", steps=-1)
    assert next(experiment.Run(Path("run")).carry_on()).share < 0.01


def test_a_damaged_budget_is_told_and_a_new_one_mends_it(tmp_path: Path) -> None:
    tiny.trained("run", steps=4)
    experiment.resume("run", steps=8)
    file = Path("run/budget.json")
    content = file.read_text()
    for bad in (content.replace("8", "9", 1), "{}", content[:9]):
        file.write_text(bad)
        with pytest.raises(Damaged, match=r"budget\.json"):
            experiment.resume("run")
    assert experiment.resume("run", steps=12).step == 12
    assert experiment.resume("run").step == 12


# Output that cannot be written.


class Failing(io.StringIO):
    def __init__(self, error: Exception, *, is_terminal: bool = False) -> None:
        super().__init__()
        self.error, self.is_terminal = error, is_terminal

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error

    def isatty(self) -> bool:
        return self.is_terminal


ERRORS = [BrokenPipeError(errno.EPIPE, "x"), OSError(errno.ENOSPC, "x"), OSError(errno.EIO, "x"), ValueError("closed")]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_that_cannot_be_written_is_dropped(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "PLAIN_SECONDS", 0.0)
    monkeypatch.setattr(console, "LIVE_SECONDS", 0.0)
    progress = [experiment.TrainingProgress(n, 1.0, n / 3, 1.0, 1.0, {}) for n in range(4)]
    for error in ERRORS:
        monkeypatch.setattr(sys, "stderr", Failing(error, is_terminal=is_terminal))
        last = console.follow(experiment.Run(Path("run")), iter(progress), ["a note"])
        assert last is progress[-1]


def _write_some(descriptor: int) -> int:
    try:
        return os.write(descriptor, bytes(4096))
    except BlockingIOError:
        return 0


@pytest.fixture
def pipe() -> Iterator[tuple[int, Any]]:
    """A pipe that is full and unread: its reading end, and the stream that writes to it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    while _write_some(writing):
        pass
    os.set_blocking(writing, True)
    with os.fdopen(writing, "w", buffering=1) as stream:
        yield reading, stream
    os.close(reading)


def test_a_line_for_a_pipe_that_nobody_reads_is_dropped_and_a_later_one_is_not(
    pipe: tuple[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, stream = pipe
    monkeypatch.setattr(sys, "stderr", stream)
    output.write_error("lost" + "x" * 5000)
    assert b"lost" not in os.read(reading, 2**20)
    output.write_error("kept")
    assert os.read(reading, 100) == b"kept\n"


def test_a_training_whose_result_cannot_be_printed_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.trained("run", steps=4)
    monkeypatch.setattr(output, "_silence", lambda stream: None)
    monkeypatch.setattr(sys, "stdout", Failing(ERRORS[1]))
    assert command.main(["resume", "run", "--steps", "6"]) == 0
    assert status()["state"] == "finished"
    assert "standard output cannot be written" in capsys.readouterr().err
