"""The numbers of metrics_golden.json, each computed as its formula reads, in float64 numpy: the oracle of the metrics.

X is what is real, Y the samples, T training or test points.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

X: Floats = np.random.RandomState(0).randn(500, 32)
Y: Floats = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1
T: Floats = np.random.RandomState(2).randn(400, 32)
LOGITS: Floats = np.random.RandomState(3).randn(1000, 10) * 3


def frechet(x: Floats, y: Floats, ddof: int) -> float:
    """|mu_x - mu_y|^2 + tr S_x + tr S_y - 2 |A B^T|_*, A^T A = S_x and B^T B = S_y."""
    a, b = ((z - z.mean(0)) / math.sqrt(len(z) - ddof) for z in (x, y))
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * shared)


def kernels(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """(x.y / d + 1)^3 of x with x, y with y, and x with y."""
    d = x.shape[1]
    return (x @ x.T / d + 1) ** 3, (y @ y.T / d + 1) ** 3, (x @ y.T / d + 1) ** 3


def off_diagonal_mean(k: Floats) -> float:
    return float((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)))


def mmd_unbiased(x: Floats, y: Floats) -> float:
    xx, yy, xy = kernels(x, y)
    return off_diagonal_mean(xx) + off_diagonal_mean(yy) - 2 * float(xy.mean())


def mmd_biased(x: Floats, y: Floats) -> float:
    return sum(float(k.mean()) * weight for k, weight in zip(kernels(x, y), (1, 1, -2), strict=True))


def mmd_pairs(x: Floats, y: Floats) -> float:
    """The U-statistic of pairs (x_i, y_i), which leaves x_i with y_i out as well."""
    xx, yy, xy = kernels(x, y)
    return off_diagonal_mean(xx) + off_diagonal_mean(yy) - 2 * off_diagonal_mean(xy)


def mmd_subsets(x: Floats, y: Floats, subsets: int, size: int, seed: int) -> tuple[float, float]:
    """Mean and deviation over subsets as torch-fidelity draws them: x first, then y, without replacement."""
    rng = np.random.RandomState(seed)
    drawn = []
    for _ in range(subsets):
        first = x[rng.choice(len(x), size, replace=False)]
        second = y[rng.choice(len(y), size, replace=False)]
        drawn.append(mmd_unbiased(first, second))
    return float(np.mean(drawn)), float(np.std(drawn))


def distances(x: Floats, y: Floats) -> Floats:
    return np.array([np.sqrt(((one - y) ** 2).sum(1)) for one in x])


def prdc(real: Floats, samples: Floats, k: int) -> dict[str, float]:
    """Precision, recall, density and coverage with balls that are open: nearer than the k-th other point."""
    radius_real, radius_samples = (np.sort(distances(z, z), 1)[:, k] for z in (real, samples))
    across = distances(real, samples)
    return {
        "precision": float((across < radius_real[:, None]).any(0).mean()),
        "recall": float((across < radius_samples).any(1).mean()),
        "density": float((across < radius_real[:, None]).sum(0).mean() / k),
        "coverage": float((across.min(1) < radius_real).mean()),
    }


def inception_score(logits: Floats, splits: int) -> Floats:
    """exp mean_x KL(p(y|x) | p(y)) of each of so many runs of consecutive rows."""
    scores = []
    for part in np.array_split(logits, splits):
        log_p = part - np.log(np.exp(part).sum(1, keepdims=True))
        p = np.exp(log_p)
        scores.append(math.exp(float((p * (log_p - np.log(p.mean(0)))).sum(1).mean())))
    return np.array(scores)


def log_densities(points: Floats, centres: Floats, sigma: float) -> Floats:
    exponents = -0.5 * (distances(points, centres) / sigma) ** 2
    top = exponents.max(1)
    mean = np.exp(exponents - top[:, None]).mean(1)
    return top + np.log(mean) - points.shape[1] * math.log(sigma * math.sqrt(2 * math.pi))


def mann_whitney_z(first: Floats, second: Floats) -> float:
    """(U - nm/2 + 1/2) / sqrt(nm (n + m + 1) / 12), U = #{first > second}, as Meehan et al. (2020) have it."""
    n, m = len(first), len(second)
    u = sum(int((one > second).sum()) for one in first)
    return (u - (n * m / 2 - 0.5)) / math.sqrt(n * m * (n + m + 1) / 12)


def authentic_percent(samples: Floats, train: Floats) -> float:
    """Samples farther from their nearest training point than that is from its own nearest, in a hundred."""
    across = distances(samples, train)
    own = np.sort(distances(train, train), 1)[:, 1]
    return 100 * float((across.min(1) > own[across.argmin(1)]).mean())


def leave_one_out(real: Floats, samples: Floats) -> tuple[float, float]:
    """Accuracy of the 1-nearest-neighbour rule on real points and on samples, each left out in turn."""
    both = np.concatenate([real, samples])
    between = distances(both, both)
    np.fill_diagonal(between, np.inf)
    is_real = np.arange(len(both)) < len(real)
    right = is_real[between.argmin(1)] == is_real
    return float(right[is_real].mean()), float(right[~is_real].mean())


def vendi(features: Floats) -> float:
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    shares = np.linalg.eigvalsh(unit @ unit.T / len(unit))
    shares = shares[shares > 1e-15]
    return math.exp(-float((shares * np.log(shares)).sum()))


def mean_min_cosine(samples: Floats, real: Floats) -> float:
    first, second = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (samples, real))
    return float((1 - np.abs(first @ second.T)).min(1).mean())
