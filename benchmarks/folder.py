"""A folder of 100,000 images: first start, next start, training from the mapped cache against memory, and 2 GiB of it.

python benchmarks/folder.py            (everything it makes lies in a temporary folder; about 5 GiB)
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from machine import describe
from PIL import Image

from advnets import data
from advnets.algorithm import algorithm1
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import AdversarialRow
from advnets.networks import DenseGenerator, MaxoutDiscriminator
from advnets.recipes import paper_adam
from advnets.training import Moment

IMAGES, SIDE = 100_000, 64
LARGE_SIDE = 86  # of the same images: 2.07 GiB decoded
ROUNDS, STEPS, BATCH = 12, 10, 100
START = """
import time
began = time.perf_counter()
from advnets import data
dataset = data.load({path!r}, options={asked})
print(sum(map(len, dataset.splits.values())), time.perf_counter() - began)
"""
LEAST = """
import sys
from pathlib import Path
from advnets import data, experiment
from advnets.games import AdversarialRow
from advnets.networks import MaxoutDiscriminator, DenseGenerator
from advnets.recipes import paper_adam
from dataclasses import replace
assert isinstance(paper_adam.learner, AdversarialRow)
recipe = replace(
    paper_adam,
    learner=replace(
        paper_adam.learner, generator=DenseGenerator(hidden=(16,)), discriminator=MaxoutDiscriminator(units=(16,))
    ),
)
asked = dict(image_size=int(sys.argv[3]), cache_memory="200MiB", steps=200, journal_steps=10)
settings = experiment.Settings(data=sys.argv[1], out=sys.argv[2], **asked)
run = experiment.start(recipe, settings=settings)
most = 0
for _ in run.carry_on():
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    most = max(most, int(told["RssAnon"].split()[0]))
split = run.dataset.train
print(run.step, split.is_mapped, sum(part.values.nbytes for part in run.dataset.splits.values()) / 2**30, most / 1024)
"""


def make(folder: Path, n: int, side: int) -> float:
    """Write n PNGs of soft random colours with grain; the seconds that it took."""
    began, rng = time.perf_counter(), np.random.default_rng(0)
    ramp = np.linspace(0, 1, side)[:, None, None]
    grain = rng.integers(0, 24, (64, side, side, 3))
    for number in range(n):
        a, b = rng.integers(0, 232, (2, 1, 8, 3)).repeat(-(-side // 8), axis=2)[:, :, :side]
        pixels = (a * ramp + b * (1 - ramp)).astype(np.uint8) + grain[number % 64].astype(np.uint8)
        place = folder / f"class{number % 10}" / f"{number:06d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place, compress_level=1)
    return time.perf_counter() - began


def start(path: Path, asked: str = "None") -> tuple[float, float]:
    """Seconds to load a folder in a process of its own, torch's import counted: by the wall, and of processors."""
    before = processor_seconds()
    code = START.format(path=str(path), asked=asked)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[1]), processor_seconds() - before


def processor_seconds() -> float:
    """Of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def told(starts: list[tuple[float, float]]) -> str:
    """Medians, in words."""
    wall, processor = (statistics.median(times) for times in zip(*starts, strict=True))
    return f"{wall:.1f} s ({processor:.1f} s of processors), {f'median of {len(starts)}' if starts[1:] else 'once'}"


def steps(dataset: data.Dataset) -> Iterator[object]:
    """Steps of a net like the paper's, small as at a first try."""
    assert isinstance(paper_adam.learner, AdversarialRow)
    small = replace(
        paper_adam,
        learner=replace(
            paper_adam.learner, generator=DenseGenerator(hidden=(128,)), discriminator=MaxoutDiscriminator(units=(32,))
        ),
        batch_size=BATCH,
    )
    torch.manual_seed(0)
    tried = build_game_training(small, dataset, seed=0, device=torch.device("cpu"))
    tried.schedule(Moment(0, 1, 0.0))
    return algorithm1(tried.game, tried.batches, tried.optimizers)


def images_per_second(path: Path) -> tuple[float, float, float, float]:
    """Training from the mapped cache and from memory, in turns: images a second of each, their ratio, batches alone."""
    kinds = {name: data.load(path, options=data.ImageOptions(cache_memory=most)) for name, most in
             (("mapped", "0"), ("memory", "64GiB"))}  # fmt: skip
    assert kinds["mapped"].train.is_mapped
    assert not kinds["memory"].train.is_mapped
    running = {name: steps(dataset) for name, dataset in kinds.items()}
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(ROUNDS + 1):
        for name in sorted(kinds, reverse=bool(turn % 2)):
            began = time.perf_counter()
            for _ in range(STEPS):
                next(running[name])
            seconds[name].append((time.perf_counter() - began) / STEPS)
    ratios = [memory / mapped for mapped, memory in zip(seconds["mapped"][1:], seconds["memory"][1:], strict=True)]
    mapped, memory = (BATCH / statistics.median(seconds[name][1:]) for name in ("mapped", "memory"))
    return mapped, memory, statistics.median(ratios), BATCH / seconds["mapped"][0]


def least_memory(path: Path, folder: Path) -> tuple[str, ...]:
    """Steps, whether mapped, GiB decoded and the largest RssAnon in MiB of a training with --cache-memory 200MiB."""
    (folder / "least.py").write_text(LEAST)
    command = [sys.executable, str(folder / "least.py"), str(path), str(folder / "run"), str(LARGE_SIDE)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(done.stdout.split())


def main() -> None:
    """Measure, print and write the table."""
    rows: list[tuple[str, str, str]] = []

    def tell(what: str, asked: str, measured: str) -> None:
        rows.append((what, asked, measured))
        print(f"{what}: {measured} (asked: {asked})", flush=True)

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["ADVNETS_CACHE"] = str(folder / "cache")
        small = folder / "small"
        print(f"made {IMAGES:,} PNGs in {make(small, IMAGES, SIDE):.0f} s", flush=True)
        tell(f"first start, {IMAGES:,} PNGs of {SIDE}x{SIDE}", "150 s", told([start(small)]))
        tell("next start, read into memory", "10 s", told([start(small) for _ in range(3)]))
        asked = "data.Pictures(cache_memory='200MiB')"
        tell("next start, mapped", "10 s", told([start(small, asked) for _ in range(3)]))
        mapped, memory, ratio, first = images_per_second(small)
        words = f"{ratio:.3f} ({mapped:,.0f} and {memory:,.0f} images/s; median of {ROUNDS} rounds of {STEPS} steps)"
        tell("training from the cache / from memory", "0.95", words)
        tell("the same, the first round from the cache, pages not yet mapped", "", f"{first:,.0f} images/s")
        trained, is_mapped, gib, mib = least_memory(small, folder)
        words = f"{float(mib):,.0f} MiB at most, {trained} steps, {float(gib):.2f} GiB decoded, mapped: {is_mapped}"
        tell("anonymous memory, --cache-memory 200MiB", "1,024 MiB", words)
    table = ["| what | asked | measured |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]
    note = (
        f"Two threads decode. {describe()}\n\nThe small nets: G 100-128-12,288 (ReLU), D maxout of 32 units, batch "
        f"{BATCH}, as `paper-adam` otherwise; both trainings run in one process, in turns."
    )
    page = "# A folder of images\n\n`python benchmarks/folder.py`. " + note + "\n\n" + "\n".join(table) + "\n"
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
