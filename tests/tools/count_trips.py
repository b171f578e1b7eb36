"""Counts how many files and calls a trip through the package takes, by a profile hook.

    PYTHONPATH=CHECKOUT/src python tests/tools/count_trips.py [--list] [--calls] [TRIP ...]

A trip is one thing that a user does, such as evaluating one measure. Each trip is played once uncounted, so that every
module is imported and every cache is filled, and counted the second time. The columns are:

files: files of the package in which at least one function was called.
crossings: calls into a file of the package from outside of that file. The caller is the nearest frame of the package on
    the stack: torch or a dataclass between two functions of one file is no crossing. The call that begins the trip is
    one, and so is each resumption of a generator from another file. Returns are not counted.
deepest: most frames of the package that lie below an entered file when a crossing is made.
frames: most frames of the package on the stack at once, comprehensions and generator expressions among them.
calls: calls of functions of the package. A resumed generator, a comprehension, a generator expression and a lambda
    count each time.
functions: distinct pairs of a file and a function's name.

At commit 0646de6, under Python 3.11, these definitions give the numbers of the review: files and crossings of its
trips, and 52 calls of 33 functions for D's move. There the review leaves out the first crossing: 11 where this
says 12. Python 3.12 inlines comprehensions, so that calls are comparable under one version only. What other threads do
is not seen.
"""

import argparse
import importlib
import itertools
import pkgutil
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn

import advnets

sys.path.insert(0, str(Path(__file__).parents[1]))

# All that depends on the package's names stands from here to TRIPS.
from advnets.experiment import Run, Settings, resume, start
from tiny import RECIPE

MEASURE = "pairwise-distance"
"""A measure in features, which needs no classifier; `vendi` gives the same files and crossings at commit 0646de6."""
REPORT_FILES = ("report.json", "report.md", "reports", "test-readings.jsonl")

Trip = Callable[[], object]
"""What is counted; whoever made it has done all that comes before."""


def make_settings(folder: Path) -> Settings:
    """Four steps on digits, with a line of the journal every second step."""
    return Settings(out=str(folder), data="digits", device="cpu", steps=4, journal_steps=2)


def start_run(folder: Path) -> Run:
    """A new run of narrow networks."""
    return start(RECIPE, settings=make_settings(folder))


def train_run(folder: Path) -> Run:
    """A run that has been trained to its end."""
    run = start_run(folder)
    for _ in run.carry_on():
        pass
    return run


def prepare_start(folder: Path) -> Trip:
    """Make the directory of a new run."""
    settings = make_settings(folder)
    return lambda: start(RECIPE, settings=settings)


def prepare_two_steps(folder: Path) -> Trip:
    """Train a new run to its first journal line."""
    progress = start_run(folder).carry_on()
    return lambda: next(progress)


def prepare_two_more(folder: Path) -> Trip:
    """Train two steps more, draw the preview, save the checkpoint and finish."""
    progress = start_run(folder).carry_on()
    next(progress)
    return lambda: list(progress)


def prepare_resume(folder: Path) -> Trip:
    """Resume a finished run for two steps."""
    run = train_run(folder)
    return lambda: resume(run.path, steps=6)


def prepare_sample(folder: Path) -> Trip:
    """Draw four samples of a trained run."""
    run = train_run(folder)
    return lambda: run.sample(4)


def prepare_evaluate(folder: Path) -> Trip:
    """Evaluate one measure on 64 samples, without a classifier and with no report to join."""
    run = train_run(folder)

    def evaluate() -> object:
        return run.evaluate(measures=MEASURE, n=64, classifier=False)

    evaluate()
    for name in REPORT_FILES:
        remove(run.path / name)
    return evaluate


def prepare_move(folder: Path) -> Trip:
    """Make one move of the discriminator by bare Algorithm 1, on the ring of eight Gaussians."""
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    game = advnets.Game(nn.Linear(2, 2), discriminator, advnets.non_saturating, latent=advnets.gaussian(2))
    batches = advnets.Batches(advnets.load("ring-8").train, batch_size=16, seed=0)
    optimizers = {name: torch.optim.SGD(player.parameters(), lr=0.1) for name, player in game.players.items()}
    moves = advnets.moves(game, batches, optimizers)
    next(moves), next(moves)
    return lambda: next(moves)


TRIPS: dict[str, Callable[[Path], Trip]] = {
    "start": prepare_start,
    "two steps, to the first journal line": prepare_two_steps,
    "two steps more, preview, checkpoint": prepare_two_more,
    "resume, two steps": prepare_resume,
    "sample 4": prepare_sample,
    "evaluate one measure, 64 samples": prepare_evaluate,
    "one D move of bare Algorithm 1": prepare_move,
}
"""Each prepares a trip in an empty folder of its own."""

PACKAGE = Path(advnets.__file__).parent


@dataclass(frozen=True)
class Call:
    """One call of a function of the package.

    Args:
        file: File of the function, relative to the package.
        function: Name of the function.
        caller: File of the nearest frame of the package that lies below; None for the call that begins the trip.
        depth: Number of frames of the package that lie below.
    """

    file: str
    function: str
    caller: str | None
    depth: int

    @property
    def crosses(self) -> bool:
        """Whether the call enters another file."""
        return self.file != self.caller


@dataclass
class Recorder:
    """A profile hook that keeps every call of a function of the package, in order."""

    calls: list[Call] = field(default_factory=list)
    _files: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "call" or (file := self.find_file(frame.f_code)) is None:
            return
        below = [name for code in list_callers(frame) if (name := self.find_file(code)) is not None]
        self.calls.append(Call(file, frame.f_code.co_name, below[0] if below else None, len(below)))

    def find_file(self, code: CodeType) -> str | None:
        """The file of the code, relative to the package; None if it lies elsewhere."""
        name = code.co_filename
        if name not in self._files:
            path = Path(name)
            self._files[name] = str(path.relative_to(PACKAGE)) if path.is_relative_to(PACKAGE) else None
        return self._files[name]


def list_callers(frame: FrameType) -> Iterator[CodeType]:
    """Yield the code of each frame below this one, the nearest first."""
    below = frame.f_back
    while below is not None:
        yield below.f_code
        below = below.f_back


def record_calls(trip: Trip) -> list[Call]:
    """The calls of a trip, in order."""
    recorder = Recorder()
    sys.setprofile(recorder)
    try:
        trip()
    finally:
        sys.setprofile(None)
    return recorder.calls


def play_trip(name: str, folder: Path) -> list[Call]:
    """The calls of a trip that has been played once before."""
    for number in ("warm", "counted"):
        (place := folder / number).mkdir(parents=True)
        calls = record_calls(TRIPS[name](place / "run"))
    return calls


def count_calls(calls: list[Call]) -> list[int]:
    """The row of the table, in the order of COLUMNS."""
    crossings = [call for call in calls if call.crosses]
    return [
        len({call.file for call in calls}),
        len(crossings),
        max(call.depth for call in crossings),
        max(call.depth for call in calls) + 1,
        len(calls),
        len({(call.file, call.function) for call in calls}),
    ]


COLUMNS = ("files", "crossings", "deepest", "frames", "calls", "functions")


def import_everything() -> None:
    """Import every module of the package, so that no import is counted."""
    for module in pkgutil.walk_packages(advnets.__path__, "advnets."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def print_calls(calls: list[Call], *, every: bool) -> None:
    """Print the crossings in order, or every call, indented by its depth."""
    numbers = itertools.count(1)
    for call in calls:
        number = next(numbers) if call.crosses else ""
        if every:
            print(f"{number:>5} {'. ' * call.depth}{call.file} {call.function}")
        elif call.crosses:
            print(f"{number:>5} {call.depth:>3}  {call.caller or 'outside'} -> {call.file} {call.function}")


def main() -> None:
    """Count the trips that are named, or all of them."""
    parser = argparse.ArgumentParser(description="Count the files and calls of trips through the package.")
    parser.add_argument("trips", nargs="*", metavar="TRIP", help="trips whose names contain one of these words")
    parser.add_argument("--list", action="store_true", help="list every crossing, in order")
    parser.add_argument("--calls", action="store_true", help="list every call, indented by its depth")
    given = parser.parse_args()
    import_everything()
    torch.set_num_threads(1)
    names = [name for name in TRIPS if not given.trips or any(word in name for word in given.trips)]
    print(f"{'trip':38}" + "".join(f"{column:>10}" for column in COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(names):
            calls = play_trip(name, Path(folder) / str(number))
            print(f"{name:38}" + "".join(f"{count:>10,}" for count in count_calls(calls)))
            if given.list or given.calls:
                print_calls(calls, every=given.calls)


if __name__ == "__main__":
    main()
