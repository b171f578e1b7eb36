"""The Fréchet distance's speed and rounding beside scipy's sqrtm of the product of covariances.

    python benchmarks/frechet.py

10,000 samples and as many real points of 2,048 features, and 128 of 512, whose covariances are singular. Features are
normal, with the spectrum i^-1, which is about that of Inception features: small singular values are what costs digits.
The usual way is np.cov of both sides and sqrtm of their product. Both ways start from the features of both sides, and
the covariances of both count for both; ours with a cached reference counts the real side's covariance too, but not its
factor and its spectrum; "as it is used" counts neither. Ways take turns, on one thread and on two. Processor seconds
are told beside wall time, for on a busy machine only they compare.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy
import scipy.linalg
import torch
from machine import describe
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from advnets.metrics import frechet
from advnets.statistics import Gaussian, Moments

ROUNDS = 3
THREADS = (1, 2)
Rows = NDArray[np.float64]
Task = Callable[[], float]


def features(n: int, d: int, seed: int) -> Rows:
    """Normal features with eigenvalues i^-1 along mixed axes; the second set is a little off the first."""
    rotation = np.linalg.qr(np.random.default_rng(7).normal(size=(d, d)))[0]
    scales = np.arange(1, d + 1) ** (-0.5 if seed == 0 else -0.55)
    return np.random.default_rng(seed).normal(size=(n, d)) * scales @ rotation + 0.01 * seed


def usual(y: Rows, x: Rows) -> float:
    """As pytorch-fid computes it, without its eps."""
    s, t = np.cov(y, rowvar=False), np.cov(x, rowvar=False)
    root = scipy.linalg.sqrtm(s @ t)
    return float(((y.mean(0) - x.mean(0)) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * np.trace(root.real))


def exact(y: Rows, x: Rows) -> float:
    """By singular values of the product of QR factors of the rows: no covariance, no squares."""
    a, b = (
        np.linalg.qr(rows - rows.mean(0), mode="r") / np.sqrt(len(rows) - 1) if len(rows) > rows.shape[1]
        else (rows - rows.mean(0)) / np.sqrt(len(rows) - 1)
        for rows in (y, x)
    )  # fmt: skip
    common = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(((y.mean(0) - x.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * common)


def ways(y: Rows, x: Rows) -> dict[str, Task]:
    """What takes turns, by name."""
    reference = Gaussian.of(x)
    assert len(reference.spectrum)  # it is computed once, for floors

    def cached() -> float:
        if len(x) > x.shape[1]:
            Moments.of(x).covariance()
        return frechet(Gaussian.of(y), reference).value

    return {
        "sqrtm": lambda: usual(y, x),
        "advnets, cached factor, both covariances counted": cached,
        "advnets, nothing cached": lambda: frechet(Gaussian.of(y), Gaussian.of(x)).value,
        "advnets, cached reference as it is used": lambda: frechet(Gaussian.of(y), reference).value,
        "advnets, cached reference, with error and bias": lambda: frechet(y, reference).value,
    }


def timed(task: Task) -> tuple[float, float, float]:
    """Wall seconds, processor seconds, value."""
    wall, processor = time.perf_counter(), time.process_time()
    value = task()
    return time.perf_counter() - wall, time.process_time() - processor, value


def table(y: Rows, x: Rows, rounds: int) -> list[str]:
    """Times and errors of every way."""
    right = exact(y, x)
    tasks = ways(y, x)
    covariances = timed(lambda: float(np.cov(y, rowvar=False)[0, 0] + np.cov(x, rowvar=False)[0, 0]))
    found = [{name: timed(task) for name, task in tasks.items()} for _ in range(rounds)]
    rows = [
        "| way | wall seconds, median | sqrtm's over these | processor seconds, median | sqrtm's over these | relative "
        "error |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in tasks:
        cells = [
            f"{statistics.median(one[name][clock] for one in found):.4f} | "
            f"{statistics.median(one['sqrtm'][clock] / one[name][clock] for one in found):.1f}"
            for clock in (0, 1)
        ]
        rows.append(f"| {name} | {' | '.join(cells)} | {abs(found[0][name][2] / right - 1):.1e} |")
    return [
        f"n = m = {len(y):,}, d = {y.shape[1]:,}, {rounds} interleaved rounds; the distance is {right:.10g}, by "
        f"singular values of QR factors of the rows. np.cov of both sides alone takes {covariances[0]:.2f} seconds, "
        f"{covariances[1]:.2f} of processors.",
        "",
        *rows,
        "",
    ]


def main() -> None:
    """Measure, print, and write frechet.md beside this file."""
    few = features(128, 512, 0), features(128, 512, 1)
    many = features(10_000, 2048, 0), features(10_000, 2048, 1)
    page = ["# The Fréchet distance", ""]
    for threads in THREADS:
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            head = f"`python benchmarks/frechet.py`. SciPy {scipy.__version__}. {describe()}"
            page += [f"## {threads} thread{'s' * (threads > 1)}", "", head, ""]
            page += table(*many, ROUNDS) + table(*few, 10 * ROUNDS)
    text = "\n".join(page).rstrip() + "\n"
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
