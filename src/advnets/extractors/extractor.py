"""What an extractor is, and the two that need no training: pixels, and their principal components."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from advnets.data import Split
from advnets.errors import BadInput

EXACT = 1024
"""Up to as many pixels, or images, the components are those of the whole covariance; beyond, of a random subspace."""

POWERS, SPARE = 4, 16
"""Power iterations and spare directions of the random subspace."""


class Extractor(Protocol):
    """Values of a data set -> features: what distances between images are measured in.

    The features of an image do not depend on those that it is given with, and two extractors with one `id` give the
    same features.
    """

    @property
    def id(self) -> str:
        """Architecture, preprocessing and SHA-256 of whatever was learnt: enters the protocol of every measure."""

    def features(self, values: Tensor) -> Tensor:
        """Features, (n, d) float32, of images, (n, c, h, w) uint8, or points, (n, d) float32."""


@dataclass(frozen=True)
class Pixels:
    """The pixels themselves: bytes / 255; points as they are."""

    @property
    def id(self) -> str:
        """Always the same: nothing is learnt."""
        return "pixels; bytes / 255, points as they are"

    def features(self, values: Tensor) -> Tensor:
        """(n, ...) -> (n, d)."""
        return flat(values).float()


@dataclass(frozen=True, eq=False)
class Pca:
    """Coordinates of (x - mean) along the principal components of the training images.

    mean: (d,) float64. basis: (k, d) float64, orthonormal rows, the direction of largest variance first; of each the
    entry of largest magnitude is positive. variances: (k,) float64, along each of them.
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
        """(n, ...) -> (n, k); multiplied in float64, so that rounding does not depend on the size of the batch."""
        x = flat(values)
        if x.shape[1] != len(self.mean):
            raise BadInput(f"values: found {x.shape[1]} numbers a sample, expected {len(self.mean)}. Bring to size.")
        return torch.cat([((part - self.mean) @ self.basis.T).float() for part in torch.split(x, 4096)])


def fit_pca(split: Split, components: int = 64, *, seed: int = 0) -> Pca:
    """Principal components of a training split, in float64; at most as many as there are pixels, or images less one.

    split: what they are fitted on. components: k. seed: of the random subspace, where there is one: N. Halko,
    P.-G. Martinsson and J. Tropp, Finding structure with randomness, 2011, algorithm 4.4.
    Raises BadInput for components < 1, or a split of one sample.
    """
    x = flat(split.values)
    k = min(components, x.shape[1], len(x) - 1)
    if k < 1:
        raise BadInput(f"pca: found {components} components of {len(x)} samples, expected at least 1 of 2. Give more.")
    mean = x.mean(0)
    x = x - mean
    rows = x if min(x.shape) <= EXACT else _subspace(x, k + SPARE, seed).T @ x
    variances, basis = _directions(rows, k)
    signs = basis.gather(1, basis.abs().argmax(1, keepdim=True)).sign()
    return Pca(mean, (basis * signs).contiguous(), variances / (len(x) - 1))


def flat(values: Tensor) -> Tensor:
    """Images in [0, 1], or points, as (n, d) float64; raises BadInput for what is neither."""
    images, points = values.dtype == torch.uint8 and values.ndim == 4, values.is_floating_point() and values.ndim == 2
    if not (images or points) or values.numel() == 0:
        found = f"{values.dtype} of shape {tuple(values.shape)}"
        raise BadInput(f"values: found {found}, expected uint8 images (n, c, h, w) or float points (n, d). Convert.")
    return values.flatten(1).double() / 255 if images else values.double()


def _directions(rows: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest squared singular values of rows (n, d), and their right singular vectors (k, d)."""
    if rows.shape[0] < rows.shape[1]:
        _, values, vectors = torch.linalg.svd(rows, full_matrices=False)
        return values[:k].square(), vectors[:k]
    # The covariance has d^2 entries, where an SVD of the images would copy them all.
    squares, vectors = torch.linalg.eigh(rows.T @ rows)
    return squares.flip(0)[:k].clamp(min=0), vectors.T.flip(0)[:k]


def _subspace(x: Tensor, size: int, seed: int) -> Tensor:
    """An orthonormal basis (n, size) of nearly the range of x (n, d), by subspace iteration."""
    rng = torch.Generator().manual_seed(seed)
    q: Tensor = torch.linalg.qr(x @ torch.randn(x.shape[1], size, generator=rng, dtype=x.dtype)).Q
    for _ in range(POWERS):
        q = torch.linalg.qr(x @ torch.linalg.qr(x.T @ q).Q).Q
    return q
