"""Do 95 % intervals hold what they say they hold, and do p-values of real against real fall below .05 once in twenty?

    OMP_NUM_THREADS=1 python benchmarks/calibration.py [--part fid kid parzen modes differences p-values] [--quick]

Intervals: 300 simulated data sets, the seed of set i is i; an estimator passes if 92 to 98 % of its intervals hold its
estimand. The estimands are known without an estimator: closed forms of Gaussians for FID and KID, the mean over 200,000
points for Parzen, 1 - (1 - p)^n summed for modes, the difference of means itself.
p-values: one pool of points (or images, or scores) that are all alike, split again at random 300 times; a test passes
if the share of p-values up to .05 is at most .05 + 3 sqrt(.05 .95 / 300) = .088.
--quick takes 20 sets in place of 300, which shows that the script runs and no more.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from machine import describe
from numpy.typing import NDArray

from advnets import metrics, statistics
from advnets.metrics.parzen import log_densities
from advnets.statistics import Estimate

Floats = NDArray[np.float64]
Rng = np.random.Generator

SETS, QUICK = 300, 20
ALPHA = 0.05


@dataclass(frozen=True)
class Interval:
    """An estimator, on data drawn afresh from a generator, and what its interval is to hold."""

    estimand: float
    draw: Callable[[Rng], Estimate]


@dataclass(frozen=True)
class Normal:
    """N(mean, root root^T), of which everything is known; mean (d,), root (d, d)."""

    mean: Floats
    root: Floats

    def draw(self, rng: Rng, n: int) -> Floats:
        return self.mean + rng.normal(size=(n, len(self.mean))) @ self.root.T

    @property
    def covariance(self) -> Floats:
        return self.root @ self.root.T


def normals(d: int, shift: float, scale: float) -> tuple[Normal, Normal]:
    """Two Gaussians of d dimensions with spread eigenvalues, the second shifted and scaled unevenly."""
    rng = np.random.default_rng(d)
    roots = [np.linalg.qr(rng.normal(size=(d, d)))[0] * np.geomspace(1, 0.2, d) for _ in range(2)]
    mixed = scale * (0.9 * roots[0] + 0.1 * roots[1])
    return Normal(np.zeros(d), roots[0]), Normal(np.full(d, shift / math.sqrt(d)), mixed)


def frechet_of(p: Normal, q: Normal) -> float:
    """|mu_p - mu_q|^2 + |A|^2 + |B|^2 - 2 |A^T B|_*, A and B the roots."""
    shared = np.linalg.svd(p.root.T @ q.root, compute_uv=False).sum()
    return float(((p.mean - q.mean) ** 2).sum() + (p.root**2).sum() + (q.root**2).sum() - 2 * shared)


def mean_kernel(p: Normal, q: Normal) -> float:
    """E (x.y / d + 1)^3 for x of p and y of q, from the first three moments of x.y."""
    a, b, s, r = p.mean, q.mean, p.covariance, q.covariance
    first, trace = a @ b, float(np.trace(s @ r))
    along, across = b @ s @ b, a @ r @ a  # variances of x.b and a.y
    second = first**2 + along + trace + across
    third = first**3 + 3 * first * along + 3 * (first * (trace + across) + 2 * a @ r @ s @ b)
    d = len(a)
    return float(third / d**3 + 3 * second / d**2 + 3 * first / d + 1)


def fid_intervals() -> dict[str, Interval]:
    """FID away from 0: its error covers both sides."""
    found = {}
    for d, shift, scale, n in ((16, 1.0, 1.3, 1000), (16, 0.5, 1.1, 2000), (4, 1.0, 0.8, 500)):
        p, q = normals(d, shift, scale)
        draw = _of_two(metrics.frechet, p, q, n)
        found[f"FID, d = {d}, n = m = {n}"] = Interval(frechet_of(p, q), draw)
    return found


def kid_intervals() -> dict[str, Interval]:
    """KID away from 0 and at 0."""
    found = {}
    for d, shift, scale, n in ((16, 1.0, 1.3, 500), (16, 0.3, 1.0, 500), (16, 0.0, 1.0, 500)):
        p, q = normals(d, shift, scale) if shift else (normals(d, 1.0, 1.0)[0],) * 2
        truth = mean_kernel(p, p) + mean_kernel(q, q) - 2 * mean_kernel(p, q)
        found[f"KID, d = {d}, n = m = {n}, MMD^2 = {truth:.3g}"] = Interval(
            truth, _of_two(metrics.kernel_distance, p, q, n)
        )
    return found


def _of_two(metric: Callable[[Floats, Floats], Estimate], p: Normal, q: Normal, n: int) -> Callable[[Rng], Estimate]:
    return lambda rng: metric(q.draw(rng, n), p.draw(rng, n))


def parzen_intervals() -> dict[str, Interval]:
    """Parzen: its error covers the test points alone, so that centres and sigma stay as they are."""
    rng = np.random.default_rng(SETS)
    means = rng.uniform(0.2, 0.8, size=(5, 6))

    def draw(rng: Rng, n: int) -> Floats:
        return np.clip(means[rng.integers(5, size=n)] + 0.1 * rng.normal(size=(n, 6)), 0, 1)

    centres, selection, everywhere = draw(rng, 200), draw(rng, 300), draw(rng, 200_000)
    sigma = float(metrics.parzen(selection, centres, selection).notes["sigma"])
    truth = float(log_densities(everywhere, centres, [sigma])[0].mean())
    return {
        f"Parzen, d = 6, {n} points": Interval(truth, lambda rng, n=n: metrics.parzen(draw(rng, n), centres, selection))
        for n in (200, 1000)
    }


def modes_intervals() -> dict[str, Interval]:
    """Modes seen among n samples; where none is rare, as after a good training, every interval holds all K."""
    uneven = np.geomspace(1, 1e-6, 1000)
    few, grid = np.concatenate([np.full(700, 1.0), np.zeros(300)]), np.geomspace(1, 1e-4, 25)
    return {
        "stacked modes, shares 1 to 1e-6, n = 26,000": _stacked(uneven / uneven.sum(), 26_000),
        "stacked modes, all even, n = 2,000": _stacked(np.full(1000, 1e-3), 2000),
        "stacked modes, 700 even and 300 never, n = 3,000": _stacked(few / few.sum(), 3000),
        "grid of 25, shares 1 to 1e-4, a tenth of points off, n = 2,500": _grid(0.9 * grid / grid.sum(), 2500),
    }


def _stacked(shares: Floats, n: int) -> Interval:
    def draw(rng: Rng) -> Estimate:
        triples = rng.choice(1000, size=n, p=shares)
        return metrics.stacked_modes(np.stack([triples // 100, triples // 10 % 10, triples % 10], 1))["modes"]

    return Interval(float((1 - (1 - shares) ** n).sum()), draw)


def _grid(shares: Floats, n: int) -> Interval:
    """Points on the centres of a 5 x 5 grid themselves, and the rest far off: no other is of high quality."""
    ticks = np.arange(-4.0, 5.0, 2.0)
    centres = np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)
    places, all_shares = np.concatenate([centres, [[50.0, 50.0]]]), np.append(shares, 1 - shares.sum())

    def draw(rng: Rng) -> Estimate:
        points = places[rng.choice(len(places), size=n, p=all_shares)]
        return metrics.mixture_modes(points, centres, deviation=0.05)["modes"]

    return Interval(float((1 - (1 - shares) ** n).sum()), draw)


def differences_intervals() -> dict[str, Interval]:
    """Differences of means of normal scores, paired and of 3 seeds against 3."""

    def paired(rng: Rng) -> Estimate:
        items = rng.normal(size=50)
        return statistics.paired_difference(items + 0.3 * rng.normal(size=50) + 0.1, items + 0.5 * rng.normal(size=50))

    def unpaired(rng: Rng) -> Estimate:
        return statistics.unpaired_difference(rng.normal(1, 1, size=3), rng.normal(0, 1.5, size=3))

    return {
        "paired difference, n = 50": Interval(0.1, paired),
        "unpaired difference, 3 and 3 seeds": Interval(1.0, unpaired),
    }


def pool(n: int, d: int = 8) -> Floats:
    """Points that are clustered and heavy-tailed, as features are and Gaussians are not."""
    rng = np.random.default_rng(2014)
    centres = rng.normal(size=(6, d))
    return centres[rng.integers(6, size=n)] + 0.4 * rng.standard_t(5, size=(n, d))


def splits(rng: Rng, *sizes: int) -> Iterator[Floats]:
    """Parts of these sizes of one pool that has no more points."""
    points = pool(sum(sizes))
    yield from np.split(points[rng.permutation(len(points))], np.cumsum(sizes)[:-1])


def _paired_null(rng: Rng) -> Estimate:
    """Two skewed scores of each of 12 items, exchanged at random."""
    scores = np.random.default_rng(1).exponential(size=(12, 2))
    first, second = rng.permuted(scores, axis=1).T
    return statistics.paired_difference(first, second)


def _unpaired_null(rng: Rng) -> Estimate:
    """Scores of 3 and 4 seeds with one mean and two deviations, drawn anew: splitting 7 scores makes but 35 sets."""
    return statistics.unpaired_difference(rng.normal(0, 1, size=3), rng.normal(0, 2, size=4))


def _classes_null(rng: Rng) -> Estimate:
    classes = rng.permutation(np.repeat(np.arange(5), [20, 60, 100, 200, 320]))
    return metrics.class_distance(classes[:300], classes[300:], 5)


def _logits_null(rng: Rng) -> Estimate:
    return metrics.logits_gap(*(part[:, 0] for part in splits(rng, 200, 100)))


def _spectrum_null(rng: Rng) -> Estimate:
    """Two sets of images (n, 1, 12, 12) in [-1, 1], smooth and of uneven contrast."""
    fixed = np.random.default_rng(2)
    noise = fixed.normal(size=(160, 1, 12, 12)) * fixed.exponential(size=(160, 1, 1, 1))
    images = rng.permutation(np.tanh(noise.cumsum(2).cumsum(3) / 12))
    return metrics.spectrum_distance(images[:70], images[70:])


def _train_fixed(metric: str, **settings: float) -> Callable[[Rng], Estimate]:
    """A test of samples, held-out and training points; those are split anew, all three."""
    return lambda rng: getattr(metrics, metric)(*splits(rng, 150, 200, 300), **settings)


def _tone_null(rng: Rng) -> Estimate:
    images = rng.uniform(size=(120, 1, 8, 8)) * rng.uniform(size=(120, 1, 1, 1))
    return metrics.tone_distance(images[:60], images[60:], permutations=199)


NULLS: dict[str, Callable[[Rng], Estimate]] = {
    "class_distance": _classes_null,
    "different_bins": lambda rng: metrics.different_bins(*splits(rng, 300, 600), bins=20),
    "paired_difference": _paired_null,
    "unpaired_difference": _unpaired_null,
    "kernel_test": lambda rng: metrics.kernel_test(*splits(rng, 100, 120)),
    "nearest_neighbour_test": lambda rng: metrics.nearest_neighbour_test(*splits(rng, 100, 100)),
    "classifier_test": lambda rng: metrics.classifier_test(*splits(rng, 150, 150)),
    "copying_share": _train_fixed("copying_share"),
    "nearest_training_test": _train_fixed("nearest_training_test"),
    "data_copying": _train_fixed("data_copying", cells=3),
    "authenticity": _train_fixed("authenticity"),
    "logits_gap": _logits_null,
    "spectrum_distance": _spectrum_null,
    "tone_distance": _tone_null,
    "duplicates": lambda rng: metrics.duplicates(*splits(rng, 200, 200)),
}
"""Every test with a p-value, on parts of one pool."""


def holds(interval: Interval, sets: int) -> tuple[list[Estimate], int]:
    """The estimates of so many data sets, and how many intervals hold the estimand."""
    found = [interval.draw(np.random.default_rng(seed)) for seed in range(sets)]
    ends = [one.bounds for one in found]
    return found, sum(end is not None and end[0] <= interval.estimand <= end[1] for end in ends)


def interval_rows(intervals: dict[str, Interval], sets: int) -> list[str]:
    rows = []
    for name, interval in intervals.items():
        found, hits = holds(interval, sets)
        values, errors = [one.value for one in found], [one.error or 0.0 for one in found]
        passed = "yes" if 0.92 <= hits / sets <= 0.98 else "no"
        rows.append(
            f"| {name} | {interval.estimand:.5g} | {fmean(values):.5g} | {stdev(values):.3g} | {fmean(errors):.3g} | "
            f"{hits} of {sets} | {hits / sets:.1%} | {passed} |"
        )
    return rows


def null_rows(sets: int) -> list[str]:
    allowed, rows = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / sets), []
    for name, draw in NULLS.items():
        p = [draw(np.random.default_rng(seed)).p_value for seed in range(sets)]
        below = sum(one is not None and one <= ALPHA for one in p)
        lost = sum(one is None or not 0 <= one <= 1 for one in p)
        passed = "yes" if below / sets <= allowed and not lost else "no"
        rows.append(f"| {name} | {below} of {sets} | {below / sets:.3f} | {allowed:.3f} | {passed} |")
    return rows


PARTS: dict[str, Callable[[], dict[str, Interval]]] = {
    "fid": fid_intervals,
    "kid": kid_intervals,
    "parzen": parzen_intervals,
    "modes": modes_intervals,
    "differences": differences_intervals,
}


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--part", nargs="+", choices=[*PARTS, "p-values"], default=[*PARTS, "p-values"])
    parser.add_argument("--quick", action="store_true", help="20 data sets in place of 300")
    args = parser.parse_args(given)
    sets, began = QUICK if args.quick else SETS, time.perf_counter()
    print(f"# Calibration\n\n{describe()} Command: `OMP_NUM_THREADS=1 python benchmarks/calibration.py`.\n")
    columns = ["estimator", "estimand", "mean value", "spread", "mean error", "hits", "share", "92 to 98 %"]
    if parts := [part for part in PARTS if part in args.part]:
        print(f"| {' | '.join(columns)} |\n| --- |{' ---: |' * 6} --- |")
        for part in parts:
            print("\n".join(interval_rows(PARTS[part](), sets)), flush=True)
    if "p-values" in args.part:
        print("\n| test | p <= .05 | share | allowed | within |\n| --- | ---: | ---: | ---: | --- |")
        print("\n".join(null_rows(sets)), flush=True)
    print(f"\nAll took {time.perf_counter() - began:.0f} s.")


if __name__ == "__main__":
    main()
