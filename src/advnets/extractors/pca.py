"""Principal components of the training images: the simplest extractor that learns."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.data import Split
from advnets.errors import BadInput
from advnets.extractors.extractor import Pixels, to_rows

EXACT = 1024
"""Up to as many pixels, or images, the components are those of the whole covariance; beyond, of a random subspace."""

POWERS, SPARE = 4, 32
"""Power iterations and spare directions of the random subspace."""

PART = 4096
"""Images that are in memory in float64 at once."""


@dataclass(frozen=True, eq=False)
class Pca:
    """Coordinates of (x - mean) along the principal components of the training images.

    Attributes:
        mean: Mean of the training images, (d,) float64.
        basis: Orthonormal rows, (k, d) float64, the direction of largest variance first. The entry of largest magnitude
            of each is positive.
        variances: Variance along each component, (k,) float64.
    """

    mean: Tensor
    basis: Tensor
    variances: Tensor

    @property
    def id(self) -> str:
        """The number of components and the SHA-256 of the mean and the basis."""
        sha = hashlib.sha256(self.mean.numpy().tobytes() + self.basis.numpy().tobytes()).hexdigest()
        return f"pca {len(self.basis)}; {Pixels().id}, centred; sha256 {sha}"

    def features(self, values: Tensor) -> Tensor:
        """Project images or points on the components.

        The product is in float64, so that rounding does not depend on the size of the batch.

        Args:
            values: Images, (n, c, h, w) uint8, or points, (n, d) of floats.

        Returns:
            Coordinates, (n, k) float32.

        Raises:
            BadInput: If the values have another number of pixels.
        """
        width = values[0].numel() if len(values) else 0
        if width != len(self.mean):
            raise BadInput(f"values: found {width} numbers a sample, expected {len(self.mean)}. Resize them.")
        return _CentredMatrix(values, self.mean).multiply(self.basis.T).float()


def fit_pca(split: Split, components: int = 64, *, seed: int = 0) -> Pca:
    """Fit principal components to a training split, in float64.

    Above EXACT pixels and images, they are those of a random subspace: N. Halko, P.-G. Martinsson and J. Tropp, Finding
    structure with randomness, 2011, algorithm 4.4.

    Args:
        split: Images or points, two or more.
        components: k, the number of components. There are at most as many as pixels, and as images less one.
        seed: Seed of the random subspace.

    Returns:
        The extractor.

    Raises:
        BadInput: If there are no components, or the split has one sample.
    """
    n, d = len(split), split.values[0].numel()
    k = min(components, d, n - 1)
    if k < 1:
        raise BadInput(
            f"pca: found {components} components of {n} samples, expected at least 1 component of 2 samples. Give more."
        )
    total = sum((to_rows(part).sum(0) for part in torch.split(split.values, PART)), torch.zeros(d).double())
    x = _CentredMatrix(split.values, total / n)
    if d <= EXACT:
        squares, vectors = torch.linalg.eigh(x.multiply_transposed(None))
        squares, basis = squares.flip(0)[:k].clamp(min=0), vectors.T.flip(0)[:k]
    else:
        rows = x.multiply(None) if n <= EXACT else _project_on_range(x, k + SPARE, seed)
        _, singular, right = torch.linalg.svd(rows, full_matrices=False)
        squares, basis = singular[:k].square(), right[:k]
    signs = basis.gather(1, basis.abs().argmax(1, keepdim=True)).sign()
    return Pca(x.mean, (basis * signs).contiguous(), squares / (n - 1))


@dataclass(frozen=True, eq=False)
class _CentredMatrix:
    """The matrix X of x - mean, (n, d) float64, of which one block is in memory at a time."""

    values: Tensor
    mean: Tensor

    def blocks(self) -> Iterator[Tensor]:
        """Yield X in blocks of rows."""
        for part in torch.split(self.values, PART):
            yield to_rows(part) - self.mean

    def multiply(self, matrix: Tensor | None) -> Tensor:
        """Compute X M, or X itself."""
        return torch.cat([part if matrix is None else part @ matrix for part in self.blocks()])

    def multiply_transposed(self, matrix: Tensor | None) -> Tensor:
        """Compute X^T M, or X^T X."""
        width = len(self.mean) if matrix is None else matrix.shape[1]
        total = torch.zeros(len(self.mean), width, dtype=torch.float64)
        for number, part in enumerate(self.blocks()):
            total += part.T @ (part if matrix is None else matrix[number * PART :][: len(part)])
        return total


def _project_on_range(x: _CentredMatrix, size: int, seed: int) -> Tensor:
    """Compute Q^T X, (size, d), for an orthonormal Q of nearly the range of X, by subspace iteration."""
    rng = torch.Generator().manual_seed(seed)
    q = torch.linalg.qr(x.multiply(torch.randn(len(x.mean), size, generator=rng, dtype=torch.float64))).Q
    for _ in range(POWERS):
        q = torch.linalg.qr(x.multiply(torch.linalg.qr(x.multiply_transposed(q)).Q)).Q
    return x.multiply_transposed(q).T
