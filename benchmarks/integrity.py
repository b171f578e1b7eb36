"""What it costs to verify every bit that decides: of a start, and of training, as ratios within one interleaved run.

    python benchmarks/integrity.py

Of a start each round makes one, and then the checks alone, five times: what a verified copy of the pixels takes beyond
a plain one, the rest of the cache, and the digest of recipe.json, written and read; their sum is divided by the start.
Starts are counted from the call, so that imports, which take most of a command's start, make nothing smaller. Training
does the same steps with and without the checks, in turns; which comes first alternates. All are seconds of processors,
those of all threads together. Intervals are of the mean over the rounds, by Student's t.
Prints the table of benchmarks/integrity.md.
"""

import contextlib
import math
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from machine import describe
from PIL import Image
from scipy import stats

from advnets import data, experiment, runs
from advnets.data import ImageOptions, Split
from advnets.data.images import cache
from advnets.data.images.blocks import copy_verified
from advnets.experiment.preparation.build_training import build_game_training
from advnets.experiment.settings import find_device
from advnets.recipes import paper_adam
from advnets.schedules import BEGINNING

IMAGES, SIDE, ROUNDS, STEPS = 3_000, 64, 8, 2


@contextlib.contextmanager
def without_checks() -> Iterator[None]:
    """Nothing is verified, and what modules remember is not looked for."""
    with contextlib.ExitStack() as stack:
        for where, name, other in (
            (Split, "verify", lambda self, places=None: None),
            (runs.ModuleMemory, "watch", lambda self, network: None),
            (runs.ModuleMemory, "state", lambda self, network: {}),
        ):
            stack.enter_context(mock.patch.object(where, name, other))
        yield


def seconds(work: Callable[[], object]) -> float:
    """How long the processors are busy with some work, all threads together: others on the machine do not count."""
    began = time.process_time()
    work()
    return time.process_time() - began


def ratios(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Time with the checks over time without, in each round."""
    found = []
    for turn in range(rounds):
        took = {}
        for checked in (turn % 2 == 0, turn % 2 == 1):
            with contextlib.nullcontext() if checked else without_checks():
                took[checked] = seconds(work)
        found.append(took[True] / took[False])
    return found


def interval(found: list[float]) -> str:
    """The mean cost in percent, and its 95 % interval, by Student's t on the logarithms."""
    logs = [math.log(ratio) for ratio in found]
    mean, error = statistics.mean(logs), statistics.stdev(logs) / math.sqrt(len(logs))
    half = float(stats.t.ppf(0.975, len(logs) - 1)) * error
    low, middle, high = (100 * math.expm1(value) for value in (mean - half, mean, mean + half))
    return f"{middle:+.2f} % ({low:+.2f} to {high:+.2f})"


def pictures(folder: Path) -> Path:
    """A folder of PNGs of noise and edges."""
    rng = np.random.default_rng(0)
    (folder / "set").mkdir()
    for number in range(IMAGES):
        plain = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(SIDE // 8, 0).repeat(SIDE // 8, 1)
        Image.fromarray(plain).save(folder / "set" / f"{number:06d}.png", compress_level=1)
    return folder / "set"


def start(path: str, most: str | int | None) -> None:
    """A start, whose folder is removed again."""
    run = experiment.start(paper_adam, settings=experiment.Settings(data=path, out="run", cache_memory=most))
    shutil.rmtree(run.path)


def check_seal() -> float:
    """Seconds that the digest of recipe.json takes, written and read, beyond plain JSON."""
    value = runs.read_json(Path("kept/recipe.json"))
    plain = seconds(lambda: (runs.write_json(Path("x.json"), value), runs.read_json(Path("x.json"))))
    both = seconds(lambda: (runs.write_sealed(Path("x.json"), value), runs.read_sealed(Path("x.json"), "")))
    return both - plain


def check_start(most: int | None) -> float:
    """Seconds that all checks of a start on the pictures take, the mean of five."""
    (place,) = Path(os.environ["ADVNETS_CACHE"], "images").glob("*.cache")
    held = cache.open_cache(place, cache._table(place.open("rb"))["key"])
    pixels, sums = held.part("pixels"), np.array(held.part("blocks"))
    found = check_seal() + sum(seconds(lambda: held.is_whole) for _ in range(5)) / 5
    if most is None:
        copies = [seconds(lambda: copy_verified(pixels, sums)) - seconds(lambda: np.array(pixels)) for _ in range(5)]
        found += sum(copies) / 5
    return found


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.environ["ADVNETS_CACHE"] = f"{name}/cache"
        path = str(pictures(Path(name)))
        experiment.start(paper_adam, settings=experiment.Settings(data="digits", out="kept"))
        print(f"{describe()}\n\n| what | cost of all checks, and its 95 % interval |\n| --- | --- |")
        for what, most in (("read into memory", None), ("mapped", 0)):
            start(path, most)
            shares = [1 + check_start(most) / seconds(partial(start, path, most)) for _ in range(ROUNDS)]
            print(f"| a start on {IMAGES:,} images of {SIDE}x{SIDE}, decoded before, {what} | {interval(shares)} |")
        shares = [1 + check_seal() / seconds(partial(start, "digits", None)) for _ in range(ROUNDS)]
        print(f"| a start on digits | {interval(shares)} |", flush=True)
        print(training_rows(path))


def training_rows(path: str) -> str:
    """The rows of training from a mapped cache, and of a save."""
    mapped = data.load(path, options=ImageOptions(cache_memory=0))
    training = build_game_training(paper_adam, mapped, seed=0, device=find_device("cpu"))
    steps = training.steps(0)
    training.schedule(BEGINNING)
    next(steps)

    def some() -> None:
        for _ in range(STEPS):
            next(steps)

    mapped.train.verify()
    rows = [f"| training, mapped, {STEPS} steps of paper-adam | {interval(ratios(some))} |"]
    step = statistics.median(seconds(some) / STEPS for _ in range(5))
    epoch = step * (len(mapped.train) // paper_adam.batch_size)
    once = [seconds(data.load(path, options=ImageOptions(cache_memory=0)).train.verify) / epoch for _ in range(ROUNDS)]
    rows += [f"| the one check of each block / one epoch of training | {interval([1 + share for share in once])} |"]
    rows += [f"| all that a checkpoint holds, gathered once a minute / training | "
             f"{interval([1 + seconds(lambda: [training.memory.state(net) for net in training.players.values()]) / 60 for _ in range(ROUNDS)])} |"]  # fmt: skip # noqa: E501
    return "\n".join(rows)


if __name__ == "__main__":
    main()
