"""Mixtures of Gaussians of known density, on which every mode can be counted."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.data.dataset import Dataset, Split
from advnets.errors import BadInput, unknown

TOY_SEED = 2014
TRAIN, VALIDATION, TEST = 50_000, 10_000, 10_000


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of k Gaussians of equal weight: p(x) = 1/k sum_j N(x; mu_j, sigma^2 I).

    Attributes:
        means: Means mu, (k, d) floats.
        std: Standard deviation sigma, above 0, the same for all modes and axes.

    Raises:
        BadInput: If the shape or sigma is another.
    """

    means: Tensor
    std: float

    def __post_init__(self) -> None:
        if self.means.dim() != 2 or self.means.numel() == 0 or not (math.isfinite(self.std) and self.std > 0):
            raise BadInput(
                f"mixture: found means of shape {tuple(self.means.shape)} and std {self.std}, expected (k, d) and "
                "std > 0. Give one row per mode."
            )

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw points from p.

        Args:
            n: Number of points.
            rng: Generator of random numbers, on the CPU.

        Returns:
            The points, (n, d) float32.
        """
        return self.draw(n, rng)[0]

    def draw(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw points from p, with the mode of each.

        Args:
            n: Number of points.
            rng: Generator of random numbers, on the CPU.

        Returns:
            The points, (n, d) float32, and the mode j that each came from, (n,) int64.
        """
        modes = torch.randint(len(self.means), (n,), generator=rng)
        # Drawn in double and rounded: torch's float32 normals differ in the last bit from one kind of CPU to another.
        noise = torch.randn(n, self.means.shape[1], generator=rng, dtype=torch.float64)
        return (self.means.double()[modes] + self.std * noise).float(), modes

    def log_density(self, x: Tensor) -> Tensor:
        """Compute log p(x).

        Args:
            x: Points, (n, d).

        Returns:
            The log densities in nats, (n,) float64.
        """
        k, d = self.means.shape
        # Differences, not |x|^2 - 2 x.mu + |mu|^2, which cancels where sigma is small beside mu.
        squares = (x.double()[:, None, :] - self.means.double().to(x.device)).square().sum(dim=2)
        log_normalizer = math.log(k) + d * math.log(self.std * math.sqrt(2 * math.pi))
        return torch.logsumexp(-squares / (2 * self.std**2), dim=1) - log_normalizer


def _mixture_1d() -> Mixture:
    """Two modes on the line, N(-2, .5^2) and N(2, .5^2): our own choice, the smallest mixture with a mode to lose."""
    return Mixture(torch.tensor([[-2.0], [2.0]]), 0.5)


def _ring_8() -> Mixture:
    """Eight modes on a circle of radius 2, std .02.

    L. Metz, B. Poole, D. Pfau, J. Sohl-Dickstein, "Unrolled generative adversarial networks" (2017), appendix A.
    """
    return _ring(2.0, 0.02)


def _ring_8_pacgan() -> Mixture:
    """Eight modes on a circle of radius 1, std .01: `ring-8` at half its size.

    Z. Lin, A. Khetan, G. Fanti, S. Oh, "PacGAN: the power of two samples in generative adversarial networks" (2018),
    section 4.1, after A. Srivastava et al., "VEEGAN" (2017).
    """
    return _ring(1.0, 0.01)


def _ring(radius: float, std: float) -> Mixture:
    angles = torch.arange(8, dtype=torch.float64) * (2 * math.pi / 8)
    return Mixture((radius * torch.stack([angles.cos(), angles.sin()], dim=1)).float(), std)


def _grid_25() -> Mixture:
    """Twenty-five modes at (-4 + 2i, -4 + 2j), i, j = 0..4, std .05.

    Z. Lin, A. Khetan, G. Fanti, S. Oh, "PacGAN: the power of two samples in generative adversarial networks" (2018),
    section 4.1, after A. Srivastava et al., "VEEGAN" (2017).
    """
    ticks = torch.arange(-4.0, 5.0, 2.0)
    return Mixture(torch.cartesian_prod(ticks, ticks), 0.05)


MIXTURES = {
    "mixture-1d": _mixture_1d(),
    "ring-8": _ring_8(),
    "ring-8-pacgan": _ring_8_pacgan(),
    "grid-25": _grid_25(),
}


def mixture(name: str) -> Mixture:
    """Return the mixture that a toy data set is drawn from.

    Args:
        name: Name of the data set, a row of `MIXTURES`.

    Returns:
        The mixture: the means of its modes and their standard deviation.

    Raises:
        BadInput: If it is another name.
    """
    if name not in MIXTURES:
        raise unknown("mixture", name, MIXTURES)
    return MIXTURES[name]


def load_toy(name: str) -> Dataset:
    """Draw a toy data set with `TOY_SEED`: 50,000 train, 10,000 validation and 10,000 test points of a mixture.

    Args:
        name: Row of `MIXTURES`.

    Returns:
        The data set, points float32 (n, d), whose labels are the modes.

    Raises:
        BadInput: If it is another name.
    """
    p = mixture(name)
    points, modes = p.draw(TRAIN + VALIDATION + TEST, torch.Generator().manual_seed(TOY_SEED))
    sizes = [TRAIN, VALIDATION, TEST]
    train, validation, test = (
        Split(*part) for part in zip(points.split_with_sizes(sizes), modes.split_with_sizes(sizes), strict=True)
    )
    return Dataset(name, train, validation, test, len(p.means), f"drawn from {len(p.means)} Gaussians, seed {TOY_SEED}")
