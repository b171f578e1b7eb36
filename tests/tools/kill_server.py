"""Kills runs with SIGKILL and resumes them: a warmed process that forks a child for each, so a kill costs no import.

    python kill_server.py KILLS SEED MEASURES [SABOTEUR]
    python kill_server.py KILLS SEED none RECIPE

Run by test_kills.py in a folder of its own; prints JSON: the end of the uninterrupted run, and for each kill the phase
it hit, the step on disk, and the end of the resumed run. MEASURES are those of evaluations, or "all". A saboteur
breaks resuming on purpose; nothing is evaluated then. A recipe is trained with narrow nets, and not evaluated.
"""

import hashlib
import json
import mmap
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

import tiny
from advnets import experiment, runs
from advnets.experiment import run_evaluation
from advnets.experiment.preparation.preview import Preview
from advnets.experiment.training_loop.loop import Loop
from advnets.recipes import RECIPES
from advnets.runs import checkpoint

PHASES = ("between", "start", "step", "preview", "write", "rename", "evaluation", "report")
TARGETS = PHASES[1:]
OF_EVALUATION = ("evaluation", "report")
MOST_AGAIN = 10
"""Kills more at most that are aimed at a phase that was missed."""
STEPS = 20
EVALUATED = 300
chosen: dict[str, Any] = {}
"""What an evaluation takes besides."""

trained = [tiny.RECIPE]
"""The recipe."""


def watched(phase: mmap.mmap) -> None:
    """Have the phase told in shared memory, and the disk made slow enough to be hit."""
    rename, fsync = os.rename, os.fsync

    def within(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def at(*given: Any, **more: Any) -> Any:
            before = phase[0]
            phase[0] = PHASES.index(name)
            time.sleep(0.001)
            try:
                return call(*given, **more)
            finally:
                time.sleep(0.001)
                phase[0] = before

        return at

    experiment.start = within("start", experiment.start)
    Loop._stretch = within("step", Loop._stretch)  # type: ignore[method-assign]
    Preview.draw = within("preview", Preview.draw)  # type: ignore[method-assign]
    checkpoint.write_files = within("write", checkpoint.write_files)
    os.rename = within("rename", rename)
    experiment.Run.evaluate = within("evaluation", experiment.Run.evaluate)  # type: ignore[method-assign]
    run_evaluation.write_report = within("report", run_evaluation.write_report)
    os.fsync = lambda descriptor: (fsync(descriptor), time.sleep(0.0005))[0]  # type: ignore[assignment]


def sabotage(kind: str) -> None:
    """Break what makes a resumed run the uninterrupted one."""
    load = Loop.load

    def forgetful(self: Loop, state: dict[str, object]) -> None:
        fresh = self.streams.states
        load(self, state)
        if kind == "random":
            self.streams.states = fresh
        if kind == "position":
            self.training.batches.load({"seed": 0, "epoch": 0, "index": 0})
        if kind == "average":
            self.average.load(
                {way: {name: t * 0 for name, t in one.items()} for way, one in self.average.state().items()}
            )

    Loop.load = forgetful  # type: ignore[method-assign, assignment]


def child(work: Callable[[], object]) -> int:
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
        trained[0], settings=tiny.settings(out, steps=STEPS, preview_steps=5, journal_steps=2)
    ).carry_on():
        pass


def evaluate(out: str) -> None:
    experiment.Run(Path(out)).evaluate(n=EVALUATED, **chosen)


def killed(work: Callable[[], object], phase: mmap.mmap, target: str, rng: random.Random, longest: float) -> str:
    """Begin the work, kill it at some passage of the target phase; returns the phase that was hit."""
    phase[0] = 0
    pid = child(work)
    number = PHASES.index(target)
    passages = rng.randrange(1, 5) if target in ("step", "preview", "write", "rename") else 1
    inside, deadline = False, time.monotonic() + 30
    while time.monotonic() < deadline:
        now = phase[0] == number
        if now and not inside:
            passages -= 1
            if passages == 0:
                time.sleep(rng.random() * longest)
                break
        inside = now
        time.sleep(0.0001)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return PHASES[phase[0]]


def carried_on(out: str) -> None:
    """What a user does after a kill: resume the run; or start it again, if it had not come to be a run."""
    if (Path(out) / "recipe.json").exists():
        experiment.resume(out)
    else:
        begin(out)


def end(out: str) -> str:
    """What must be as if nothing had happened: the last state, the journal but for the clock, the previews."""
    run = experiment.Run(Path(out))
    rows = [{name: row[name] for name in row if name not in ("seconds", "images_per_second")}
            for row in run.directory.journal.read()]  # fmt: skip
    pictures = [(path.name, path.read_bytes()) for path in sorted(run.directory.previews.iterdir())]
    return tiny.state_hash(run) + hashlib.sha256(repr((rows, pictures)).encode()).hexdigest()


def report(out: str) -> str:
    """The report but for the clock and the name of the run."""
    told = runs.read_json(Path(out) / "report.json")
    rest = {name: value for name, value in told.items() if name not in ("seconds", "name", "sha256")}
    assert (Path(out) / "report.md").read_text()
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def kill_training(out: str, phase: mmap.mmap, target: str, rng: random.Random) -> dict[str, Any]:
    """Kill a run while it is trained, then carry it on to its end."""
    hit = killed(lambda: begin(out), phase, target, rng, 0.06 if target == "start" else 0.003)
    checkpoints = Path(out) / "checkpoints"
    stale = len(list(Path(out).rglob(".tmp-*")))
    step = runs.load_latest(checkpoints)[0] if runs.has_checkpoints(checkpoints) else None
    os.waitpid(child(lambda: carried_on(out)), 0)
    return {"phase": hit, "step": step, "stale": stale, "end": end(out)}


def kill_evaluation(out: str, phase: mmap.mmap, target: str, rng: random.Random, seconds: float) -> dict[str, Any]:
    """Kill the evaluation of a whole run, then evaluate it again."""
    shutil.copytree("whole", out, ignore=shutil.ignore_patterns("report.*"))
    hit = killed(lambda: evaluate(out), phase, target, rng, seconds if target == "evaluation" else 0.006)
    stale = len(list(Path(out).rglob(".tmp-*")))
    os.waitpid(child(lambda: evaluate(out)), 0)
    os.waitpid(child(lambda: experiment.resume(out)), 0)
    return {"phase": hit, "step": STEPS, "stale": stale, "end": end(out), "report": report(out)}


def aims(kills: int, targets: tuple[str, ...], told: list[dict[str, Any]], *, again: int) -> Iterator[str]:
    """The phase of each kill, in turn; then those that none has hit, and a write until one is left half-written.

    A busy machine kills late.
    """
    for number in range(kills):
        yield targets[number % len(targets)]
    for _ in range(again):
        yield from [name for name in targets if name not in {one["phase"] for one in told}]
        yield from [] if any(one["stale"] for one in told) else ["write"]


def main(kills: int, seed: int, measures: str, saboteur: str | None) -> None:
    torch.set_num_threads(1)
    rng, phase = random.Random(seed), mmap.mmap(-1, 1)
    targets = TARGETS
    if measures == "none":
        trained[0], saboteur = tiny.narrow(RECIPES[str(saboteur)]), None
        targets = tuple(name for name in TARGETS if name not in OF_EVALUATION)
    elif measures != "all":
        chosen.update(measures=tuple(measures.split(",")), extractor="random")
    begin("whole")  # in this process: what torch and scikit-learn set up once, the children inherit
    is_evaluated = not saboteur and measures != "none"
    if is_evaluated:
        evaluate("whole")
    began = time.monotonic()
    if is_evaluated:
        evaluate("whole")
    seconds = 0.8 * (time.monotonic() - began)
    watched(phase)
    if saboteur:
        sabotage(saboteur)
    told: list[dict[str, Any]] = []
    for number, target in enumerate(aims(kills, targets, told, again=0 if saboteur else MOST_AGAIN)):
        out = f"run-{number}"
        if target in OF_EVALUATION and is_evaluated:
            one = kill_evaluation(out, phase, target, rng, seconds)
        else:
            one = kill_training(out, phase, "write" if saboteur else target, rng)
        one["left"] = [str(path) for path in Path(out).rglob(".tmp-*")]
        told.append(one)
        shutil.rmtree(out)
    print(json.dumps({"end": end("whole"), "report": report("whole") if is_evaluated else None, "kills": told}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)
