"""The small convolutional network that learns a labelled data set in minutes."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from advnets.extractors.extractor import halving_factor

LARGEST = 40
"""Pixels of the shorter side above which images are halved first, by averages, as often as needed."""

SMALLEST = 4
"""About so many pixels of the shorter side are left where the convolutions end."""


class ConvNet(nn.Module):
    """Stages of convolution 3x3, maximum of 2x2, batch normalisation, rectifier; then one hidden layer; then logits.

    There are as many poolings as bring the shorter side to about SMALLEST pixels (none for images that are so small),
    and one more stage without pooling. The maximum comes before the normalisation, which then has a quarter of the
    work. Images are standardised by the buffers `mean` and `deviation`, (c, 1, 1), which are part of the weights.

    Args:
        shape: (c, h, w) of an image of bytes.
        classes: Number of classes.
        widths: Channels of the stages; the last is for all that follow.
        hidden: d, the size of the features.
    """

    def __init__(self, shape: tuple[int, ...], classes: int, *, widths: tuple[int, ...], hidden: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("deviation", torch.ones(channels, 1, 1))
        self.mean: Tensor
        self.deviation: Tensor
        self.halving_factor = halving_factor(shape, LARGEST)
        height, width = height // self.halving_factor, width // self.halving_factor
        poolings = max(0, round(math.log2(min(height, width) / SMALLEST)))
        layers: list[nn.Module] = []
        for stage in range(poolings + 1):
            units, pool = widths[min(stage, len(widths) - 1)], stage < poolings
            layers += [nn.Conv2d(channels, units, 3, padding=1, bias=False), *[nn.MaxPool2d(2)] * pool]
            layers += [nn.BatchNorm2d(units), nn.ReLU(inplace=True)]
            channels, height, width = units, height // (1 + pool), width // (1 + pool)
        last = nn.Linear(channels * height * width, hidden, bias=False)
        self.trunk = nn.Sequential(*layers, nn.Flatten(), last, nn.BatchNorm1d(hidden), nn.ReLU(inplace=True))
        self.head = nn.Linear(hidden, classes)

    def features(self, images: Tensor) -> Tensor:
        """Compute the features, of which the logits are a linear map.

        Args:
            images: Images, (n, c, h, w) uint8.

        Returns:
            Features, (n, d).
        """
        x = (images.float() / 255 - self.mean) / self.deviation
        features: Tensor = self.trunk(functional.avg_pool2d(x, self.halving_factor) if self.halving_factor > 1 else x)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits.

        Args:
            images: Images, (n, c, h, w) uint8.

        Returns:
            Logits, (n, classes).
        """
        logits: Tensor = self.head(self.features(images))
        return logits
