"""The Vendi score: how many kinds of samples there are, judged by their similarity alone."""

import math

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.estimate import Estimate, Note

NEGLIGIBLE = 1e-14
"""An eigenvalue below this share of the largest is rounding error and is left out."""


def vendi(features: Array) -> Estimate:
    """Compute the Vendi score, the exponential of the entropy of the eigenvalues of the cosine similarities of samples.

        V = exp(-sum_i l_i log l_i),    l_i the eigenvalues of K / n,    K_ij = x_i.x_j / (|x_i| |x_j|)

    It is 1 if all samples are alike. D. Friedman and A. Dieng, The Vendi score, 2023, definition 3.1 (q = 1). The
    d x d matrix of second moments has the same eigenvalues, and is used where n > d. The score knows nothing of real
    data. It rises with n and is at most min(n, d), so compare it with the score of as many real images. It is computed
    in float64.

    Args:
        features: Features x_i of samples, (n, ...).

    Returns:
        The score. Its error is of first order, V sd(x^T log(M) x) / sqrt(n), where M are the second moments: it covers
        the draw of the rows, not that the score falls with fewer of them. It has no floor, which would need real
        features. Its notes hold `n`, `largest` (min(n, d)), `rises_with_n`, and `zero_rows`, the rows that are left
        out because they have no direction.

    Raises:
        BadInput: If a shape or a value is wrong, or all rows are 0.
    """
    unit, zeros = unit_rows(flatten(features, "features"), "features")
    n, d = unit.shape
    values, squares = _moment_spectrum(unit)
    logs = values.log()
    entropy = -float((values * logs).sum())
    surprise = -(squares * logs).sum(1)
    error = math.exp(entropy) * float(surprise.std()) / math.sqrt(n) if n > 1 else None
    notes: dict[str, Note] = {"n": n, "largest": min(n, d), "rises_with_n": True, "zero_rows": zeros}
    return Estimate(math.exp(max(0.0, entropy)), error, notes=notes)


def unit_rows(rows: Tensor, name: str) -> tuple[Tensor, int]:
    """Scale rows to length 1, in float64, and leave out rows that are 0.

    Args:
        rows: Points, (n, d).
        name: What an error calls them.

    Returns:
        The scaled rows, and how many rows were left out.

    Raises:
        BadInput: If all rows are 0.
    """
    rows = rows.double()
    rows = rows / rows.abs().amax(1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)  # no overflow of squares
    lengths = rows.norm(dim=1)
    kept = lengths > 0
    if not bool(kept.any()):
        raise BadInput(f"{name}: found rows of zeros only, expected directions. Check what made them.")
    return rows[kept] / lengths[kept, None], int((~kept).sum())


def _moment_spectrum(unit: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues of X^T X / n that are not 0, (r,), and the squares of rows along their vectors, (n, r)."""
    n, d = unit.shape
    values, vectors = torch.linalg.eigh(unit.T @ unit / n if n > d else unit @ unit.T / n)
    kept = values > NEGLIGIBLE * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    return values, (unit @ vectors).square() if n > d else n * values * vectors.square()
