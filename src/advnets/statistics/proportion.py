"""The luck of a share of samples."""

import math


def share_error(count: int, n: int) -> float:
    """Standard error of the share count / n of independent samples, above 0 for every count.

        sqrt(p (1 - p) / n),        1 / (n + 2) <= p <= (n + 1) / (n + 2)

    p is the share; where none or all of the samples count, it is what Laplace's rule of succession makes of that, for
    else the error would be 0, as if a hundred samples had settled the matter.

    >>> round(share_error(50, 100), 4), round(share_error(0, 100), 4)
    (0.05, 0.0098)
    """
    p = min(max(count / n, 1 / (n + 2)), (n + 1) / (n + 2))
    return math.sqrt(p * (1 - p) / n)
