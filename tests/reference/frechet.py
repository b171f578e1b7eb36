"""The Fréchet distance as it is usually computed, and in 120 digits' worth of care for few samples: plain numpy."""

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

Rows = NDArray[np.float64]


def by_sqrtm(y: Rows, x: Rows, ddof: int = 1) -> float:
    """tr (S_1 S_2)^1/2 by scipy's sqrtm of the product, as pytorch-fid has it."""
    s, t = (np.cov(rows, rowvar=False, ddof=ddof) for rows in (y, x))
    root = scipy.linalg.sqrtm(s @ t).real
    return float(((y.mean(0) - x.mean(0)) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * np.trace(root))


def by_rows(y: Rows, x: Rows, ddof: int = 1) -> float:
    """tr (S_1 S_2)^1/2 as the nuclear norm of the product of centred rows: no covariance."""
    a, b = ((rows - rows.mean(0)) / np.sqrt(len(rows) - ddof) for rows in (y, x))
    common = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(((y.mean(0) - x.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * common)


def transport(y: Rows, x: Rows) -> Rows:
    """The map T with T S_x T = S_y, by matrix roots: S_x^-1/2 (S_x^1/2 S_y S_x^1/2)^1/2 S_x^-1/2."""
    s, t = np.cov(y, rowvar=False), np.cov(x, rowvar=False)
    root = scipy.linalg.sqrtm(t).real
    back = np.linalg.inv(root)
    return back @ scipy.linalg.sqrtm(root @ s @ root).real @ back
