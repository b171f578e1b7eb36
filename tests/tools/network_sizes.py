"""What tests of networks share."""

from torch import nn

IMAGES = [(3, 8, 8), (1, 16, 16), (1, 28, 28), (4, 32, 32), (3, 64, 48), (2, 17, 23), (3, 128, 128)]
"""Shapes of images that every convolutional net takes: powers of two, cropped ones, ones that are not square."""


def count(network: nn.Module) -> int:
    """The number of a network's parameters."""
    return sum(theta.numel() for theta in network.parameters())
