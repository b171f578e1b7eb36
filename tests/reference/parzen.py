"""The Parzen window score written as the formula reads, in float64 numpy: the oracle of advnets.metrics.parzen."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_densities(points: Floats, centres: Floats, sigma: float) -> Floats:
    """Log p(x) = log mean_j N(x; s_j, sigma^2 I) for points (n, d) and centres (m, d), nats, (n,)."""
    d = points.shape[1]
    squared = np.array([((x - centres) ** 2).sum(1) for x in points.astype(np.float64)])
    exponents = -squared / (2 * sigma**2)
    top = exponents.max(1)
    return top + np.log(np.exp(exponents - top[:, None]).mean(1)) - d * np.log(sigma * np.sqrt(2 * np.pi))
