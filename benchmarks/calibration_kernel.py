"""How often the 95 % interval of the kernel distance holds the population's, which Gaussians have in closed form.

    OMP_NUM_THREADS=1 python benchmarks/calibration_kernel.py

300 draws of each setting, with fixed seeds. "Z" is the mean and the deviation of (value - truth) / error: 0 and 1 are
right. 95 % of 300 is 285; 273 to 297 is what 95 % may give by chance, three standard errors to each side.
"""

import math
from dataclasses import dataclass

import numpy as np
from machine import describe
from numpy.typing import NDArray

from advnets.metrics import kernel_distance
from advnets.statistics import Estimate

DRAWS = 300


@dataclass(frozen=True)
class Setting:
    """Two Gaussians with diagonal covariances, and how many points are drawn of each."""

    name: str
    samples: tuple[NDArray[np.float64], NDArray[np.float64]]  # mean and variances, (d,)
    real: tuple[NDArray[np.float64], NDArray[np.float64]]
    sizes: tuple[int, int]


def normal(d: int, mean: float, deviation: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variances of d independent normal numbers."""
    return np.full(d, mean), np.full(d, deviation**2)


def spread(d: int, mean: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same with variances that fall as 1 / i, as those of learnt features do."""
    return np.full(d, mean), 4 / np.arange(1, d + 1)


SETTINGS = [
    Setting("equal", normal(32, 0, 1), normal(32, 0, 1), (250, 250)),
    Setting("equal, m != n", normal(32, 0, 1), normal(32, 0, 1), (150, 400)),
    Setting("equal, mean 0.5", normal(32, 0.5, 1), normal(32, 0.5, 1), (250, 250)),
    Setting("equal, uneven variances", spread(64, 0.3), spread(64, 0.3), (250, 250)),
    Setting("hardly apart", normal(32, 0.02, 1.02), normal(32, 0, 1), (250, 250)),
    Setting("near", normal(32, 0.1, 1.0), normal(32, 0, 1), (250, 250)),
    Setting("as the specification's", normal(32, 0.1, 1.1), normal(32, 0, 1), (250, 250)),
    Setting("as the specification's, m != n", normal(32, 0.1, 1.1), normal(32, 0, 1), (150, 400)),
    Setting("far", normal(32, 1.0, 0.7), normal(32, 0, 1), (250, 250)),
]


def mean_kernel(first: tuple[NDArray[np.float64], ...], second: tuple[NDArray[np.float64], ...]) -> float:
    """E (x.y / d + 1)^3 of x ~ N(mu, S), y ~ N(nu, T), independent: moments of s = x.y, first given y, then over y."""
    (mu, s), (nu, t) = first, second
    d, dot, both = len(mu), float(mu @ nu), float(s @ t)
    across = float(mu**2 @ t + nu**2 @ s)
    second_moment = dot**2 + across + both
    third_moment = dot**3 + 3 * dot * (across + both) + 6 * float(mu @ (s * t * nu))
    return 1 + 3 * dot / d + 3 * second_moment / d**2 + third_moment / d**3


def truth(setting: Setting) -> float:
    """The squared maximum mean discrepancy of the two populations."""
    p, q = setting.samples, setting.real
    return mean_kernel(p, p) + mean_kernel(q, q) - 2 * mean_kernel(p, q)


def draw(setting: Setting, seed: int) -> Estimate:
    """The distance of one draw."""
    rng = np.random.default_rng(seed)
    sides = ((setting.samples, setting.sizes[0]), (setting.real, setting.sizes[1]))
    x, y = (mean + np.sqrt(variances) * rng.normal(size=(n, len(mean))) for (mean, variances), n in sides)
    return kernel_distance(x, y)


def hits(setting: Setting, draws: int) -> tuple[int, float, float]:
    """How many intervals hold the truth, and the mean and deviation of (value - truth) / error."""
    true, held, z = truth(setting), 0, []
    for seed in range(draws):
        found = draw(setting, seed)
        assert found.bounds is not None
        held += found.bounds[0] <= true <= found.bounds[1]
        z.append((found.value - true) / found.standard_error)
    return held, float(np.mean(z)), float(np.std(z, ddof=1))


def main() -> None:
    """Print the page."""
    print("# The interval of the kernel distance\n")
    print(f"{describe()} Command: `OMP_NUM_THREADS=1 python benchmarks/calibration_kernel.py`.\n")
    print(f"| setting | m, n | d | truth | intervals that hold it, of {DRAWS} | Z |")
    print("| --- | --- | ---: | ---: | ---: | --- |")
    for setting in SETTINGS:
        held, mean, deviation = hits(setting, DRAWS)
        m, n = setting.sizes
        share = f"{held} ({100 * held / DRAWS:.1f} %)"
        cells = [setting.name, f"{m}, {n}", str(len(setting.real[0])), f"{truth(setting):.5f}", share]
        print(f"| {' | '.join(cells)} | {mean:.2f}, {deviation:.2f} |", flush=True)
    assert math.isclose(truth(SETTINGS[0]), 0, abs_tol=1e-12)


if __name__ == "__main__":
    main()
