"""The Vendi score: how many kinds of samples there are, by their similarity alone."""

import math

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.estimate import Estimate, Note

VANISHED = 1e-14
"""An eigenvalue below so much of the largest is rounding, and -x log x of it nothing."""


def vendi(features: Array) -> Estimate:
    """The exponential of the entropy of the eigenvalues of the cosine similarities of samples: 1 if all are alike.

        V = exp(-sum_i l_i log l_i),    l_i the eigenvalues of K / n,    K_ij = x_i.x_j / (|x_i| |x_j|)

    D. Friedman and A. Dieng, The Vendi score, 2023, definition 3.1 (q = 1). The eigenvalues are those of the d x d
    matrix of second moments as well, which is taken where n > d. It has no notion of real: compare it with that of as
    many real images, for it rises with n, and is at most min(n, d).
    features: (n, ...). Its error is the first order's, V sd(x^T log(M) x) / sqrt(n), M the second moments: the luck of
    the rows, not the fall for want of them. In float64. There is no floor: one needs real features.
    Notes: n, largest (min(n, d)), rises_with_n, zero_rows (left out: they have no direction).
    Raises BadInput for a bad shape or value, and where all rows are 0.
    """
    unit, zeros = directions(flatten(features, "features"), "features")
    n, d = unit.shape
    values, squares = _spectrum(unit)
    logs = values.log()
    entropy = -float((values * logs).sum())
    surprise = -(squares * logs).sum(1)
    error = math.exp(entropy) * float(surprise.std()) / math.sqrt(n) if n > 1 else None
    notes: dict[str, Note] = {"n": n, "largest": min(n, d), "rises_with_n": True, "zero_rows": zeros}
    return Estimate(math.exp(max(0.0, entropy)), error, notes=notes)


def directions(rows: Tensor, name: str) -> tuple[Tensor, int]:
    """Rows (n, d) scaled to length 1, float64, without those that are 0, and how many these are.

    name: what to call them in an error. Raises BadInput where none is left.
    """
    rows = rows.double()
    rows = rows / rows.abs().amax(1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)  # no overflow of squares
    lengths = rows.norm(dim=1)
    kept = lengths > 0
    if not bool(kept.any()):
        raise BadInput(f"{name}: found rows of zeros only, expected directions. Look where they were made.")
    return rows[kept] / lengths[kept, None], int((~kept).sum())


def _spectrum(unit: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues of X^T X / n that are not 0, (r,), and the squares of rows along their vectors, (n, r)."""
    n, d = unit.shape
    values, vectors = torch.linalg.eigh(unit.T @ unit / n if n > d else unit @ unit.T / n)
    kept = values > VANISHED * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    return values, (unit @ vectors).square() if n > d else n * values * vectors.square()
