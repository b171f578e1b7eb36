"""Two checkouts against each other, in one interleaved run: is a change slower than what stood before?

    ADVNETS_DATA=... python benchmarks/two_checkouts.py OLD NEW [--rounds 30] [--whole] [--only PATTERN]

OLD and NEW are folders of checkouts. Each has a worker process, which imports its own src/ and the contestants of its
own benchmarks/step.py and tutorials.py. In each round both take the same steps, in alternating order, so that a drift
of the machine's speed meets both. With --whole the start-up of the command and the peak memory of a training are
compared too, each of whole processes, as in process.py. A row tells the median ratio NEW / OLD over rounds, with a 95 %
interval of that median by bootstrap.
"""

import argparse
import contextlib
import io
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

STEPS = {"step": 5, "mlp": 20, "dcgan": 2}
"""Steps that are timed at once, by the kind of the contestant."""
WARM_UP = 6
RESAMPLES = 2000
TRAIN = ["-m", "advnets", "train", "paper-adam", "--data", "mnist", "--steps", "60", "--preview-steps", "30"]
PEAK = "import resource, subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], check=True, " \
    "capture_output=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"  # fmt: skip


def contestants() -> dict[str, tuple[Callable[[], None], int]]:
    """The steps of the checkout that this process imports, and how many are timed at once."""
    import step
    import tutorials

    from advnets import data

    mnist = data.load("mnist")
    found = {
        "step.py: Algorithm 1": (step.ours(mnist, "algorithm1"), STEPS["step"]),
        "step.py: in a run": (step.ours(mnist, "algorithm1", as_in_a_run=True), STEPS["step"]),
        "step.py: simultaneous": (step.ours(mnist, "simultaneous"), STEPS["step"]),
        "step.py: bfloat16": (step.ours(mnist, "algorithm1", precision="bfloat16"), STEPS["step"]),
    }
    for net, ways in tutorials.contestants(mnist.train).items():
        for way in ("float32", "bfloat16"):
            found[f"tutorials.py: {net}, {way}"] = (ways[way], STEPS[net])
    return found


def serve(only: str) -> None:
    """Time the contestant that each line of standard input names, and print the seconds of one step."""
    with contextlib.redirect_stdout(io.StringIO()):
        ways = {name: way for name, way in contestants().items() if re.search(only, name)}
        for step, _ in ways.values():
            for _ in range(WARM_UP):
                step()
    print(json.dumps(list(ways)), flush=True)
    for line in sys.stdin:
        step, count = ways[line.strip()]
        began = time.perf_counter()
        for _ in range(count):
            step()
        print((time.perf_counter() - began) / count, flush=True)


class Worker:
    """A process that times the contestants of one checkout."""

    def __init__(self, checkout: Path, only: str) -> None:
        paths = (checkout / "src", checkout / "benchmarks")
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
        # -P: the benchmarks of the checkout are imported, not those beside this file.
        words = [sys.executable, "-P", __file__, "--serve", only]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environment
        )
        self.names: list[str] = json.loads(self._answer())

    def time(self, name: str) -> float:
        """Seconds of one step."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return float(self._answer())

    def whole(self, name: str) -> float:
        """Seconds of a whole process, or the peak memory of a training in MiB."""
        if name == "process.py: peak memory":
            with tempfile.TemporaryDirectory() as folder:
                words = [sys.executable, "-c", PEAK, *TRAIN, "--out", f"{folder}/run"]
                return float(subprocess.run(words, check=True, capture_output=True, env=self.environment).stdout)
        words = ["-m", "advnets", "--help"] if name == "process.py: advnets --help" else ["-c", "import advnets"]
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True, env=self.environment)
        return time.perf_counter() - began

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a worker has ended; its error stands above")
        return line


def median_interval(ratios: list[float]) -> tuple[float, float]:
    """A 95 % interval of the median over rounds, by bootstrap."""
    rng = random.Random(0)
    medians = sorted(statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES) - 1]


def main() -> None:
    """Interleave both checkouts, and print a row for each contestant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--only", default="", metavar="PATTERN", help="contestants whose names match this alone")
    asked = parser.parse_args()
    old, new = (Worker(checkout.resolve(), asked.only) for checkout in (asked.old, asked.new))
    wholes = ("process.py: advnets --help", "process.py: import advnets", "process.py: peak memory")
    names = [*old.names, *(wholes if asked.whole else ())]
    ratios: dict[str, list[float]] = {name: [] for name in names}
    for number in range(asked.rounds):
        for name in names:
            measure = {True: Worker.whole, False: Worker.time}[name in wholes]
            order = (old, new) if number % 2 else (new, old)
            found = {worker: measure(worker, name) for worker in order}
            ratios[name].append(found[new] / found[old])
    print(f"| contestant | new / old, median of {asked.rounds} rounds | 95 % interval |\n| --- | ---: | --- |")
    for name, each in ratios.items():
        low, high = median_interval(each)
        print(f"| {name} | {statistics.median(each):.3f} | {low:.3f} to {high:.3f} |")


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1:2] == ["--serve"] else main()
