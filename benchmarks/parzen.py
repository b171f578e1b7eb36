"""The Parzen score's speed and rounding beside the 2014 evaluator's way and scikit-learn's, and MNIST's control rows.

    OMP_WAIT_POLICY=PASSIVE ADVNETS_DATA=... python benchmarks/parzen.py

Waiting threads spin by default, which on a machine that is busy with other work made ours take 9 s in place of 2;
PASSIVE lets them sleep, for every way alike, and the page says how busy the machine was.
The 2014 way (parzen_ll.py) makes a tensor of points x centres x dimensions for every sigma of its grid; here it is
written in torch, with all threads. scikit-learn's KernelDensity runs as it comes, exact, one thread, a fit for every
sigma. Both would take minutes to hours, so they score the first test images only, and the time is scaled to all;
KernelDensity's fits are counted once, not scaled. The three take turns, round after round.
"""

import itertools
import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import describe
from sklearn.neighbors import KernelDensity
from torch import Tensor

from advnets import data, metrics

ROUNDS = 3
BROADCAST_POINTS, SKLEARN_POINTS, ORACLE_POINTS = 10, 20, 50
SIGMAS = [float(sigma) for sigma in np.logspace(-1, 0, 10)]


def flat(values: Tensor) -> Tensor:
    """Images as (n, d) float32 in [0, 1]."""
    return values.flatten(1).float() / 255


def broadcast(points: Tensor, centres: Tensor) -> Tensor:
    """Log densities as parzen_ll.py computes them: one (points, centres, d) tensor for every sigma."""
    rows = []
    for sigma in SIGMAS:
        a = (points[:, None, :] - centres[None, :, :]) / sigma
        exponents = -0.5 * (a**2).sum(2)
        top = exponents.max(1, keepdim=True).values
        log_mean = top[:, 0] + (exponents - top).exp().mean(1).log()
        rows.append(log_mean - points.shape[1] * math.log(sigma * math.sqrt(2 * math.pi)))
    return torch.stack(rows)


def seconds(task: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def kernel_density(points: Tensor, centres: Tensor, n: int) -> float:
    """Seconds for n points by KernelDensity: its fits, and its scores of the given points scaled to n."""
    densities = [KernelDensity(bandwidth=sigma) for sigma in SIGMAS]
    fits = seconds(lambda: [density.fit(centres.numpy()) for density in densities])
    scores = seconds(lambda: [density.score_samples(points.numpy()) for density in densities])
    return fits + scores * n / len(points)


def speed(points: Tensor, centres: Tensor) -> list[str]:
    """The table of times: medians over rounds in which every way has its turn."""
    n = len(points)
    few, some = points[:BROADCAST_POINTS], points[:SKLEARN_POINTS]
    ways: dict[str, Callable[[], float]] = {
        "advnets, float32": lambda: seconds(lambda: metrics.log_densities(points, centres, SIGMAS)),
        "advnets, float64": lambda: seconds(
            lambda: metrics.log_densities(points, centres, SIGMAS, dtype=torch.float64)
        ),
        f"2014 broadcasting ({len(few)} points, scaled)": lambda: (
            seconds(lambda: broadcast(few, centres)) * n / len(few)
        ),
        f"KernelDensity ({len(some)} points, scaled)": lambda: kernel_density(some, centres, n),
    }
    metrics.log_densities(points[:1000], centres, SIGMAS)
    rounds = [{name: way() for name, way in ways.items()} for _ in range(ROUNDS)]
    rows = [
        "| way | median seconds | fastest to slowest | times ours, median of rounds |",
        "| --- | ---: | --- | ---: |",
    ]
    for name in ways:
        taken = sorted(one[name] for one in rounds)
        ratio = statistics.median(one[name] / one["advnets, float32"] for one in rounds)
        rows.append(
            f"| {name} | {statistics.median(taken):,.2f} | {taken[0]:,.2f} to {taken[-1]:,.2f} | {ratio:,.1f} |"
        )
    return rows


def rounding(points: Tensor, centres: Tensor) -> list[str]:
    """The largest errors of one point's log density in float32."""
    found = metrics.log_densities(points, centres, SIGMAS)
    finer = metrics.log_densities(points, centres, SIGMAS, dtype=torch.float64)
    parts = [broadcast(part, centres.double()) for part in points[:ORACLE_POINTS].double().chunk(ORACLE_POINTS // 5)]
    oracle = torch.cat(parts, 1)
    return [
        "| float32 against | points | largest error, nats, any sigma | at sigma .1668 |",
        "| --- | ---: | ---: | ---: |",
        _error("broadcasting in float64", found[:, :ORACLE_POINTS] - oracle),
        _error("the same code in float64", found - finer),
    ]


def _error(name: str, difference: Tensor) -> str:
    largest = difference.abs().amax(1)
    return f"| {name} | {difference.shape[1]:,} | {float(largest.max()):.1e} | {float(largest[2]):.1e} |"


def control_rows(mnist: data.Dataset) -> list[str]:
    """MNIST's controls under both protocols, on both splits; no setting is chosen by them."""
    train, validation = flat(mnist.train.values), flat(mnist.validation.values)
    splits = {"validation": validation[1000:], "test": flat(mnist.test.values)}
    rows = [
        "| split | protocol | centres | how many | nats | standard error | sigma | edge | ceiling |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for split, protocol in itertools.product(splits, metrics.PROTOCOLS):
        found = metrics.parzen_controls(train, splits[split], validation[:1000], n=10_000, seed=0, protocol=protocol)
        for name, estimate in found.items():
            notes, edge = estimate.notes, "yes" if estimate.notes["edge"] else "no"
            rows.append(
                f"| {split} | {protocol} | {name} | {notes['n_centres']:,} | {estimate.value:.1f} "
                f"| {estimate.error:.1f} | {notes['sigma']:.4f} | {edge} | {notes['ceiling']:.0f} |"
            )
    return rows


def main() -> None:
    """Measure, print, and write parzen.md beside this file."""
    mnist = data.load("mnist")
    points, centres = flat(mnist.test.values), flat(mnist.train.values[:10_000])
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan  # Windows has none
    policy = os.environ.get("OMP_WAIT_POLICY")
    environment = f"OMP_WAIT_POLICY={policy} " if policy else ""
    began = time.perf_counter()
    controls = control_rows(mnist)
    taken = time.perf_counter() - began
    page = [
        "# Parzen windows",
        "",
        f"{describe()} Command: `{environment}ADVNETS_DATA=... python benchmarks/parzen.py`. "
        f"Load average at the start: {load:.1f}.",
        "",
        f"All 10,000 MNIST test images under 10,000 training images, 784 dimensions, the 10 sigmas of 2014; {ROUNDS} "
        "interleaved rounds. Scaled: only so many points were scored, and their time multiplied to 10,000.",
        "",
        *speed(points, centres),
        "",
        *rounding(points, centres),
        "",
        "MNIST's controls: sigma chosen on the first 1,000 validation images, the score read on the other 9,000, "
        "or on the 10,000 test images; the centres are made from the 50,000 training images, seed 0. "
        f"All took {taken:.0f} s.",
        "",
        *controls,
    ]
    text = "\n".join(page) + "\n"
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
