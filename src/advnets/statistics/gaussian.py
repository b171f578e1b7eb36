"""The Gaussian of features: all that the Fréchet distance reads of a set of samples."""

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
    """A Gaussian of n samples in float64, stored as a factor of its covariance: F^T F = S.

    It is computed once for a reference and can be given to `frechet` many times.

    Attributes:
        n: Samples that it was computed from.
        mean: Mean, (d,).
        factor: F, (r, d): the centred rows / sqrt(n - ddof) if n <= d, else a triangle.
        ddof: The covariance was divided by n - ddof.
    """

    n: int
    mean: Tensor
    factor: Tensor
    ddof: int = 1

    @staticmethod
    def of(features: Array, ddof: int = 1, block: int = BLOCK) -> "Gaussian":
        """Compute the Gaussian of an array.

        If n <= d, no covariance is formed. If the covariance is nearly singular, it is not used: a QR factor of the
        rows has the small axes to full precision.

        Args:
            features: Samples, (n, ...), n >= 2.
            ddof: 1 divides by n - 1, 0 by n.
            block: Rows of one product. It changes the speed, not the result.

        Returns:
            The Gaussian.

        Raises:
            BadInput: If a shape or a value is bad, there are fewer than 2 samples, or ddof is not 0 or 1.
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
        """Compute the Gaussian of merged moments, without the rows.

        Axes below the rounding of the covariance are left out.

        Args:
            moments: Moments of 2 samples or more.
            ddof: 1 divides by n - 1, 0 by n.

        Returns:
            The Gaussian.

        Raises:
            BadInput: If there are fewer than 2 samples, or ddof is not 0 or 1.
        """
        return Gaussian.of_covariance(moments.mean, moments.covariance(ddof), moments.n, ddof=ddof)

    @staticmethod
    def of_covariance(mean: Array, covariance: Array, n: int, *, ddof: int = 1) -> "Gaussian":
        """Compute the Gaussian of published statistics.

        Args:
            mean: Mean, (d,).
            covariance: Covariance, (d, d).
            n: Samples that they were computed from, 2 or more.
            ddof: The covariance was divided by n - ddof; 0 or 1.

        Returns:
            The Gaussian.

        Raises:
            BadInput: If the shapes do not fit, there is a NaN or an Inf, or the covariance is not symmetric or has an
                eigenvalue clearly below 0.
        """
        expect_covariance(n, ddof, "covariance")
        square = flatten(covariance, "covariance").double().cpu()
        centre = flatten(torch.as_tensor(mean).reshape(1, -1), "mean").double().cpu()[0]
        fits = square.shape == (len(centre), len(centre))
        if not fits or bool((square - square.T).abs().max() > 1e-6 * square.abs().max()):
            found = f"{tuple(square.shape)} for a mean of {len(centre)}"
            raise BadInput(f"covariance: found {found}, expected a symmetric (d, d) for a mean of d. Check the file.")
        factor = _cholesky_factor(square)
        return Gaussian(n, centre, _spectral_factor(square) if factor is None else factor, ddof)

    @property
    def trace(self) -> float:
        """The trace of S, computed from the factor, so that its rounding is the same wherever it is subtracted."""
        return float(self.factor.square().sum())

    @cached_property
    def spectrum(self) -> Tensor:
        """The eigenvalues of S that may be above 0, (min(r, d),)."""
        rows, width = self.factor.shape
        small = gram_matrix(self.factor.T if rows <= width else self.factor)
        values: Tensor = torch.linalg.eigvalsh(small)
        return values.clamp_(min=0)

    def with_ddof(self, ddof: int) -> "Gaussian":
        """Return the Gaussian of the same samples, with its covariance divided by n - ddof.

        Args:
            ddof: 1 divides by n - 1, 0 by n.

        Returns:
            The Gaussian.

        Raises:
            BadInput: If ddof is not 0 or 1.
        """
        expect_covariance(self.n, ddof, "Gaussian")
        if ddof == self.ddof:
            return self
        return replace(self, factor=self.factor * ((self.n - self.ddof) / (self.n - ddof)) ** 0.5, ddof=ddof)


def _cholesky_factor(covariance: Tensor) -> Tensor | None:
    """Return the upper R with R^T R = S, or None if S is singular, or so nearly that its small axes are rounding."""
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(covariance, upper=True)
    if bool(failed):
        return None
    diagonal = factor.diagonal()
    return factor if bool(diagonal.min() > CONDITION * diagonal.max()) else None


def _qr_factor(rows: Tensor, mean: Tensor, block: int) -> Tensor:
    """Return R of the QR factors of centred rows, (d, d): each block is put below the R so far."""
    factor = torch.empty(0, rows.shape[1], dtype=torch.float64)
    for part in torch.split(rows, max(block, rows.shape[1])):
        factor = torch.linalg.qr(torch.cat([factor, part.cpu().double() - mean]), mode="r").R
    return factor


def _spectral_factor(covariance: Tensor) -> Tensor:
    """Return Lambda^1/2 V^T of the eigenvalues above rounding, at least one row."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance)
    rounding = len(values) * torch.finfo(torch.float64).eps * float(values.abs().max())
    if float(values[0]) < -max(1e-6 * float(values.abs().max()), 10 * rounding):
        found = f"an eigenvalue of {float(values[0]):.3g}"
        raise BadInput(f"covariance: found {found}, expected none below 0. Check how it was computed.")
    large = values > rounding
    large[-1] = True
    return values[large].clamp(min=0).sqrt()[:, None] * vectors[:, large].T
