"""What tests of networks share."""

import numpy as np
import torch
from torch import nn

from advnets.networks import NetworkRow, Sizes
from reference.convolutions import Array

IMAGES = [(3, 8, 8), (1, 16, 16), (1, 28, 28), (4, 32, 32), (3, 64, 48), (2, 17, 23), (3, 128, 128)]
"""Shapes of images that every convolutional net takes: powers of two, cropped ones, ones that are not square."""


def count(network: nn.Module) -> int:
    """The number of a network's parameters."""
    return sum(theta.numel() for theta in network.parameters())


def compare(found: torch.Tensor, expected: Array) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=1e-11)


def build(row: NetworkRow, sizes: Sizes) -> nn.Module:
    """A network in float64, whose biases are not 0, so that they are seen."""
    torch.manual_seed(0)
    network = row.build(sizes).double()
    with torch.no_grad():
        for theta in network.parameters():
            theta += 0.1 * torch.randn_like(theta)
    return network


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def named(network: nn.Module) -> dict[str, Array]:
    return {name: theta.detach().numpy() for name, theta in network.state_dict().items()}
