"""Speed and memory of precision, recall, density and coverage beside scikit-learn's whole distance matrices.

    OMP_NUM_THREADS=1 python benchmarks/manifolds.py [--rounds N] [--points N] [--width N]

The other way is that of the prdc package (M. Naeem et al., 2020): three whole matrices by pairwise_distances in
float64, and a partition of two of them. Both take the same float64 features, in turns, round after round; CPU seconds
are beside wall seconds, for on a busy machine only the former can be compared. Memory is the growth of the peak of a
fresh process over one call of ours, from the moment when features are there.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import describe
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances

from advnets import metrics

K = 5
Features = NDArray[np.float64]


def features(points: int, width: int) -> tuple[Features, Features]:
    """Real points and samples, which are a little wider and off the middle, as in the specification's golden arrays."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(points, width)), rng.normal(size=(points, width)) * 1.01 + 0.01


def whole(samples: Features, real: Features) -> dict[str, float]:
    """The four values by whole matrices, as prdc has them."""
    radii = [np.partition(pairwise_distances(points), K, axis=1)[:, K] for points in (real, samples)]
    across = pairwise_distances(real, samples)
    inside = across < radii[0][:, None]
    return {
        "precision": float(inside.any(0).mean()),
        "recall": float((across < radii[1][None]).any(1).mean()),
        "density": float(inside.sum(0).mean() / K),
        "coverage": float((across.min(1) < radii[0]).mean()),
    }


def ours(samples: Features, real: Features) -> dict[str, float]:
    """The four values by advnets."""
    return {name: estimate.value for name, estimate in metrics.manifolds(samples, real, k=K).items()}


def timed(task: Callable[[], dict[str, float]]) -> tuple[float, float, dict[str, float]]:
    """Wall seconds and CPU seconds of one call, and what it gave."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = task()
    return time.perf_counter() - wall, time.process_time() - cpu, found


def peak() -> float:
    """The most memory this process has held at once, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux


def growth(points: int, width: int) -> float:
    """MiB by which one call of ours raises the peak."""
    real, samples = features(points, width)
    before = peak()
    ours(samples, real)
    return peak() - before


def arguments() -> argparse.Namespace:
    """How many rounds, points and numbers a point, and whether only the growth of memory is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--growth", action="store_true", help="print the growth of memory alone")
    return parser.parse_args()


def main() -> None:
    """Measure, print, and write manifolds.md beside this file."""
    given = arguments()
    sizes = ["--points", str(given.points), "--width", str(given.width)]
    if given.growth:
        print(growth(given.points, given.width))
        return
    child = subprocess.run([sys.executable, __file__, "--growth", *sizes], check=True, capture_output=True, text=True)
    real, samples = features(given.points, given.width)
    load = os.getloadavg()[0]
    ways = {"advnets": ours, "scikit-learn, whole matrices": whole}
    times = {name: [] for name in ways}
    for _ in range(given.rounds):
        for name, way in ways.items():
            times[name].append(timed(lambda way=way: way(samples, real)))
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    flags = f"--rounds {given.rounds} --points {given.points} --width {given.width}"
    command = f"OMP_NUM_THREADS={threads} python benchmarks/manifolds.py {flags}"
    names = list(times["advnets"][0][2])
    page = [
        "# Manifolds",
        "",
        f"{describe()} Command: `{command}`. Load average at the start: {load:.1f}.",
        "",
        f"{given.points:,} real points and as many samples of {given.width:,} float64 numbers, k = {K}; "
        f"{given.rounds} interleaved rounds, medians. Peak memory of advnets' call, over that of the features: "
        f"{float(child.stdout):,.0f} MiB.",
        "",
        "| way | CPU seconds | wall seconds | times ours, CPU | " + " | ".join(names) + " |",
        "| --- " + "| ---: " * 7 + "|",
    ]
    base = statistics.median(cpu for _, cpu, _ in times["advnets"])
    for name, rounds in times.items():
        wall, cpu = (statistics.median(one[i] for one in rounds) for i in (0, 1))
        values = " | ".join(f"{value:.4f}" for value in rounds[-1][2].values())
        page.append(f"| {name} | {cpu:.1f} | {wall:.1f} | {cpu / base:.1f} | {values} |")
    text = "\n".join(page) + "\n"
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
