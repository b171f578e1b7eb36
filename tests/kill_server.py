"""Kills runs with SIGKILL and resumes them: a warmed process that forks a child for each, so a kill costs no import.

    python kill_server.py KILLS SEED [SABOTEUR]

Run by test_kills.py in a folder of its own; prints JSON: the hash of the uninterrupted run, and for each kill the phase
it hit, the step on disk, and the hash of the resumed run's end. A saboteur breaks resuming on purpose.
"""

import json
import mmap
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

import tiny
from advnets import experiment, runs
from advnets.experiment.course import Course
from advnets.runs import checkpoint

PHASES = ("start", "step", "write", "rename")
STEPS = 20
TARGETS = ("step", "write", "rename")


def watched(phase: mmap.mmap) -> None:
    """Have the phase told in shared memory, and the disk made slow enough to be hit."""
    stretch, write_files, rename, fsync = Course._stretch, checkpoint.write_files, os.rename, os.fsync

    def at(number: int, call: Callable[..., object], *given: object) -> object:
        before = phase[0]
        phase[0] = number
        time.sleep(0.001)
        try:
            return call(*given)
        finally:
            time.sleep(0.001)
            phase[0] = before

    Course._stretch = lambda self, steps: at(1, stretch, self, steps)  # type: ignore[method-assign]
    checkpoint.write_files = lambda *given: at(2, write_files, *given)  # type: ignore[assignment]
    os.rename = lambda *given: at(3, rename, *given)  # type: ignore[assignment]
    os.fsync = lambda descriptor: (fsync(descriptor), time.sleep(0.0005))[0]  # type: ignore[assignment]


def sabotage(kind: str) -> None:
    """Break what makes a resumed run the uninterrupted one."""
    load = Course.load

    def forgetful(self: Course, state: dict[str, object]) -> None:
        fresh = self.streams.held
        load(self, state)
        if kind == "random":
            self.streams.held = fresh
        if kind == "position":
            self.play.batches.load({"seed": 0, "epoch": 0, "index": 0})
        if kind == "average":
            self.average.load({name: t * 0 for name, t in self.average.state().items()})

    Course.load = forgetful  # type: ignore[method-assign, assignment]


def child(work: Callable[[], None]) -> int:
    """Fork; the child does its work and leaves."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def begin(out: str) -> None:
    for _ in experiment.start(
        tiny.RECIPE, settings=tiny.settings(out, steps=STEPS, preview_steps=STEPS, journal_steps=2)
    ).carry_on():
        pass


def killed(out: str, phase: mmap.mmap, target: int, rng: random.Random) -> int:
    """Start a run, kill it at some passage of the target phase; returns the phase that was hit."""
    phase[0] = 0
    pid = child(lambda: begin(out))
    passages, inside, deadline = rng.randrange(1, 5), False, time.monotonic() + 30
    while time.monotonic() < deadline:
        now = phase[0] == target
        if now and not inside:
            passages -= 1
            if passages == 0:
                time.sleep(rng.random() * 0.003)
                break
        inside = now
        time.sleep(0.0001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return phase[0]


def resumed(out: str) -> str:
    """Resume in a child of its own, and read the hash of its end."""
    os.waitpid(child(lambda: experiment.resume(out) and None), 0)
    return tiny.state_hash(experiment.Run(Path(out)))


def main(kills: int, seed: int, saboteur: str | None) -> None:
    torch.set_num_threads(1)
    rng, phase = random.Random(seed), mmap.mmap(-1, 1)
    begin("whole")  # in this process: what torch and scikit-learn set up once, the children inherit
    expected = tiny.state_hash(experiment.Run(Path("whole")))
    watched(phase)
    if saboteur:
        sabotage(saboteur)
    told = []
    for number in range(kills):
        out = f"run-{number}"
        hit = killed(out, phase, 1 + number % len(TARGETS), rng)
        checkpoints = Path(out) / "checkpoints"
        stale = len(list(checkpoints.glob(".tmp-*")))
        step = runs.latest(checkpoints)[0] if runs.has_checkpoints(checkpoints) else None
        told.append({"phase": PHASES[hit], "step": step, "stale": stale, "hash": resumed(out)})
    print(json.dumps({"expected": expected, "kills": told}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
