"""Mean and scatter of features, merged from parts: from blocks, from batches of a training, from processes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from torch import Tensor

from advnets.distributed import all_gather
from advnets.errors import BadInput
from advnets.statistics.arrays import Array, flatten

BLOCK = 4096
"""Rows that are converted to float64 and multiplied at once."""


@dataclass(frozen=True, eq=False)
class Moments:
    """The number, mean and scatter of samples, in float64; those of two sets of samples merge into those of both.

        mean = 1/n sum_i x_i,        scatter = sum_i (x_i - mean)(x_i - mean)^T

    Attributes:
        n: Samples.
        mean: Mean, (d,), in the unit of the features.
        scatter: Scatter, (d, d), in that unit squared.
    """

    n: int
    mean: Tensor
    scatter: Tensor

    @staticmethod
    def of(features: Array, block: int = BLOCK) -> "Moments":
        """Compute the moments of an array.

        Args:
            features: x_i, (n, ...) with n > 0, of any type.
            block: Rows of one product. It changes the speed and the memory, which is O(block d + d^2), not the result
                beyond rounding.

        Returns:
            The moments.

        Raises:
            BadInput: If the shape is bad, there is a NaN or an Inf, or the block is below 1.
        """
        rows = flatten(features, "features")
        if block < 1:
            raise BadInput(f"block: found {block}, expected 1 or more rows. Leave it out.")
        parts = torch.split(rows, block)
        # Two passes: a mean costs a hundredth of a scatter, and merging scatters of blocks would cost a tenth.
        mean = torch.stack([part.sum(0, dtype=torch.float64) for part in parts]).sum(0) / len(rows)
        return Moments(len(rows), mean.cpu(), scatter_matrix(parts, mean))

    def merge(self, other: "Moments") -> "Moments":
        """Merge with the moments of another set of samples.

            scatter = scatter_a + scatter_b + n_a n_b / (n_a + n_b) (mean_b - mean_a)(mean_b - mean_a)^T

        T. Chan, G. Golub and R. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances,
        1979, eq. 2.1.

        Args:
            other: Moments of features of the same width.

        Returns:
            The moments of both sets together.

        Raises:
            BadInput: If the widths differ.
        """
        if self.mean.shape != other.mean.shape:
            widths = f"{len(self.mean)} and {len(other.mean)} features"
            raise BadInput(f"moments: found {widths}, expected the same width. Merge features of one extractor.")
        n, shift = self.n + other.n, other.mean - self.mean
        mean = self.mean + shift * (other.n / n)
        scatter = torch.addr(self.scatter + other.scatter, shift, shift, alpha=self.n * other.n / n)
        return Moments(n, mean, scatter)

    def covariance(self, ddof: int = 1) -> Tensor:
        """Return the covariance scatter / (n - ddof).

        Args:
            ddof: 1 for the unbiased covariance, 0 for the plug-in one.

        Returns:
            The covariance, (d, d).

        Raises:
            BadInput: If there are fewer than 2 samples, or ddof is not 0 or 1.
        """
        expect_covariance(self.n, ddof, "moments")
        return self.scatter / (self.n - ddof)

    def across_processes(self) -> "Moments":
        """Merge the moments of all processes by rank; their parts may be of different sizes.

        Returns:
            The moments of all samples, the same to the bit in each process. With one process they are these moments.

        Raises:
            BadInput: If the widths differ between processes.
        """
        width = len(self.mean)
        own = torch.cat([self.mean, self.scatter.reshape(-1)]).cpu().numpy()
        parts = all_gather(np.array([self.n], np.int64).tobytes() + own.tobytes())
        if len(parts) == 1:
            return self
        found = _unpack_moments(parts[0], width)
        for part in parts[1:]:
            found = found.merge(_unpack_moments(part, width))
        return found


def expect_covariance(n: int, ddof: int, name: str) -> None:
    """Raise BadInput unless n samples have a covariance with this ddof.

    Args:
        n: Samples.
        ddof: The covariance is divided by n - ddof.
        name: What to call the samples in an error.

    Raises:
        BadInput: If n < 2, or ddof is not 0 or 1.
    """
    if ddof not in (0, 1):
        raise BadInput(f"ddof: found {ddof!r}, expected 1 (unbiased) or 0 (as StyleGAN divides). Change it.")
    if n < 2:
        raise BadInput(f"{name}: found {n} sample, expected 2 or more, for one has no covariance. Give more samples.")


def scatter_matrix(parts: Sequence[Tensor], mean: Tensor) -> Tensor:
    """Compute the sum of (part - mean)^T (part - mean) over blocks of rows.

    On the CPU, BLAS adds up the upper half alone, in half the time of a product; it is mirrored once.

    Args:
        parts: Blocks of rows, (b, d) each.
        mean: Mean of all rows, (d,) float64.

    Returns:
        The sum, (d, d) float64 on the CPU.
    """
    if mean.is_cuda:
        total = torch.zeros(len(mean), len(mean), dtype=torch.float64, device=mean.device)
        for part in parts:
            centred = part - mean
            total.addmm_(centred.T, centred)
        return total.cpu()
    half = np.zeros((len(mean), len(mean)), order="F")
    memory = torch.empty(len(parts[0]), len(mean), dtype=torch.float64)
    for part in parts:
        centred = torch.sub(part, mean, out=memory[: len(part)])
        half = scipy.linalg.blas.dsyrk(1.0, centred.numpy().T, beta=1.0, c=half, overwrite_c=True)
    return torch.from_numpy(half + np.triu(half, 1).T)


def gram_matrix(rows: Tensor) -> Tensor:
    """Compute rows^T rows.

    On the CPU this is numpy's work, which computes only half of it and mirrors that.

    Args:
        rows: (n, d) float64.

    Returns:
        The product, (d, d) float64.
    """
    if rows.is_cuda:
        return rows.T @ rows
    array = rows.numpy()
    return torch.from_numpy(array.T @ array)


def _unpack_moments(content: bytes, width: int) -> Moments:
    n = int(np.frombuffer(content[:8], np.int64)[0])
    numbers = torch.from_numpy(np.frombuffer(content[8:], np.float64).copy())
    if len(numbers) != width + width * width:
        raise BadInput("moments: found processes with features of different widths, expected one. Use one extractor.")
    return Moments(n, numbers[:width], numbers[width:].view(width, width))
