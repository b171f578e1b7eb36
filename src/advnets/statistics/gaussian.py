"""The Gaussian of features: what the Fréchet distance knows of a set of samples."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.moments import BLOCK, Moments, expect_covariance, gram_matrix

CONDITION = 1e-5
"""Least ratio of the diagonal of a Cholesky factor: below it, the covariance has lost too much of the small axes."""


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A Gaussian of n samples in float64, kept as a factor of its covariance: F^T F = S.

    n: samples that it was made of. mean: (d,). factor: F, (r, d): the centred rows / sqrt(n - ddof) if n <= d, else a
    triangle. ddof: what the covariance was divided by, n - ddof.
    It is made once for a reference and given to `frechet` as often as wanted.
    """

    n: int
    mean: Tensor
    factor: Tensor
    ddof: int = 1

    @staticmethod
    def of(features: Array, ddof: int = 1, block: int = BLOCK) -> "Gaussian":
        """The Gaussian of an array.

        features: (n, ...), n >= 2. ddof: 1 divides by n - 1, 0 by n. block: rows of one product, no part of the result.
        A covariance is never formed where n <= d, nor relied on where it is nearly singular: a QR factor of the rows
        keeps the small axes there to full precision.
        Raises BadInput for a bad shape or value, for fewer than 2 samples and another ddof.
        """
        rows = flatten(features, "features")
        n, width = rows.shape
        expect_covariance(n, ddof, "features")
        if n <= width:
            centred = rows.double()
            mean = centred.mean(0)
            return Gaussian(n, mean.cpu(), (centred - mean).cpu() / (n - ddof) ** 0.5, ddof)
        moments = Moments.of(rows, block)
        factor = _cholesky_factor(moments.covariance(ddof))
        if factor is None:
            factor = _qr_factor(rows, moments.mean, block) / (n - ddof) ** 0.5
        return Gaussian(n, moments.mean, factor, ddof)

    @staticmethod
    def of_moments(moments: Moments, ddof: int = 1) -> "Gaussian":
        """The Gaussian of merged moments, whose rows are gone; axes below the rounding of the covariance are left out.

        Raises BadInput for fewer than 2 samples and another ddof.
        """
        return Gaussian.of_covariance(moments.mean, moments.covariance(ddof), moments.n, ddof=ddof)

    @staticmethod
    def of_covariance(mean: Array, covariance: Array, n: int, *, ddof: int = 1) -> "Gaussian":
        """The Gaussian of published statistics: mean (d,) and covariance (d, d), of n samples.

        Raises BadInput for shapes that do not fit, NaN or Inf, and a covariance that is not symmetric or has an
        eigenvalue clearly below 0.
        """
        expect_covariance(n, ddof, "covariance")
        square = flatten(covariance, "covariance").double().cpu()
        centre = flatten(torch.as_tensor(mean).reshape(1, -1), "mean").double().cpu()[0]
        fits = square.shape == (len(centre), len(centre))
        if not fits or bool((square - square.T).abs().max() > 1e-6 * square.abs().max()):
            found = f"{tuple(square.shape)} for a mean of {len(centre)}"
            raise BadInput(f"covariance: found {found}, expected a symmetric (d, d) for a mean of d. Give another.")
        factor = _cholesky_factor(square)
        return Gaussian(n, centre, _spectral_factor(square) if factor is None else factor, ddof)

    @property
    def trace(self) -> float:
        """tr S, from the factor, so that rounding is alike wherever it is subtracted."""
        return float(self.factor.square().sum())

    @cached_property
    def spectrum(self) -> Tensor:
        """The eigenvalues of S that may be above 0, (min(r, d),)."""
        rows, width = self.factor.shape
        small = gram_matrix(self.factor.T if rows <= width else self.factor)
        values: Tensor = torch.linalg.eigvalsh(small)
        return values.clamp_(min=0)

    def with_ddof(self, ddof: int) -> "Gaussian":
        """The Gaussian of the same samples, its covariance divided by n - ddof."""
        expect_covariance(self.n, ddof, "Gaussian")
        if ddof == self.ddof:
            return self
        return replace(self, factor=self.factor * ((self.n - self.ddof) / (self.n - ddof)) ** 0.5, ddof=ddof)


def _cholesky_factor(covariance: Tensor) -> Tensor | None:
    """Upper R with R^T R = S, or None where S is singular, or so nearly that its small axes are rounding."""
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(covariance, upper=True)
    if bool(failed):
        return None
    diagonal = factor.diagonal()
    return factor if bool(diagonal.min() > CONDITION * diagonal.max()) else None


def _qr_factor(rows: Tensor, mean: Tensor, block: int) -> Tensor:
    """R of the QR factors of centred rows, (d, d), a block on top of the R so far."""
    factor = torch.empty(0, rows.shape[1], dtype=torch.float64)
    for part in torch.split(rows, max(block, rows.shape[1])):
        factor = torch.linalg.qr(torch.cat([factor, part.cpu().double() - mean]), mode="r").R
    return factor


def _spectral_factor(covariance: Tensor) -> Tensor:
    """Lambda^1/2 V^T of the eigenvalues above rounding, at least one row."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance)
    rounding = len(values) * torch.finfo(torch.float64).eps * float(values.abs().max())
    if float(values[0]) < -max(1e-6 * float(values.abs().max()), 10 * rounding):
        found = f"an eigenvalue of {float(values[0]):.3g}"
        raise BadInput(f"covariance: found {found}, expected none below 0. It is no covariance: give another.")
    kept = values > rounding
    kept[-1] = True
    return values[kept].clamp(min=0).sqrt()[:, None] * vectors[:, kept].T
