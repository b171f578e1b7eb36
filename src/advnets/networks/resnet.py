"""The residual nets of Miyato et al. 2018, "Spectral normalization for generative adversarial networks".

With labels they are those of Miyato and Koyama 2018, "cGANs with projection discriminator": gains and biases of the
generator's batch normalisation for each class, and an inner product with the class's vector in the discriminator.
pfnet-research/sngan_projection at e84b1a5: gen_models/resnet_32.py and dis_models/snresnet_32.py. Sums, not means, over
places; the last linear map has no bias; u of the power iteration moves in every pass while training.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu
from torch.nn.utils.parametrizations import spectral_norm

from advnets.networks.frames import Frame
from advnets.networks.layers.batch_norm import BatchNorm, ConditionalBatchNorm
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes, expect_at_least_one

EPS = 2e-5
"""Of batch normalisation, as chainer has it."""
SMALLEST = 8
"""Side of the maps at which the discriminator stops halving."""


@dataclass(frozen=True)
class ResnetGenerator(GeneratorRow):
    """z -> dense maps of 4 x 4 -> residual blocks, each of which doubles the sides -> tanh.

    Attributes:
        width: Maps of every block.
    """

    width: int = 256

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample, latent size and classes are read.

        Returns:
            z (batch, latent_size), with labels (batch,) where there are classes -> images in [-1, 1].

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
            BadInput: If there is no noise.
        """
        frame, latent = Frame.of(sizes, "resnet_generator"), sizes.expect_latent("resnet_generator")
        blocks = [UpBlock(self.width, sizes.classes) for _ in range(frame.doublings)]
        first = glorot_(nn.Linear(latent, self.width * math.prod(frame.start)))
        last = glorot_(nn.Conv2d(self.width, frame.channels, 3, padding=1))
        end = [BatchNorm(self.width, eps=EPS), nn.ReLU(), last, nn.Tanh(), *frame.crop()]
        start = nn.Sequential(first, nn.Unflatten(1, (self.width, *frame.start)))
        return _in_channels_last(ResidualGenerator(start, blocks, nn.Sequential(*end), labelled=bool(sizes.classes)))


@dataclass(frozen=True)
class ResnetDiscriminator(DiscriminatorRow):
    """x -> residual blocks, of which all but the last two halve the sides -> sums over places -> one logit.

    Every weight is divided by its spectral norm.

    Attributes:
        width: Maps of every block.
    """

    width: int = 128

    def __post_init__(self) -> None:
        expect_at_least_one(width=self.width)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: Shape of a sample and classes are read.

        Returns:
            Images (batch, c, h, w), with labels (batch,) where there are classes -> logits (batch,).

        Raises:
            Unsupported: For points, and for sides beyond those of `Frame`.
        """
        frame = Frame.of(sizes, "resnet_discriminator")
        longest = max(frame.start) * 2**frame.doublings
        halvings = max(round(math.log2(longest / SMALLEST)), 1)
        later = [DownBlock(self.width, halves=number < halvings - 1) for number in range(halvings + 1)]
        body = nn.Sequential(*frame.pad(), FirstDownBlock(frame.channels, self.width), *later, nn.ReLU(), SumOfPlaces())
        logit = spectral_norm(glorot_(nn.Linear(self.width, 1, bias=False)))
        if sizes.classes is None:
            return _in_channels_last(nn.Sequential(body, logit, nn.Flatten(0)))
        return _in_channels_last(Projection(body, logit, sizes.classes, self.width))


class ResidualGenerator(nn.Module):
    """z -> first maps -> blocks, which are given the labels where there are any -> images."""

    def __init__(self, start: nn.Module, blocks: list["UpBlock"], end: nn.Module, *, labelled: bool) -> None:
        super().__init__()
        self.start, self.blocks, self.end, self.labelled = start, nn.ModuleList(blocks), end, labelled

    def forward(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """Noises (batch, latent_size), and labels (batch,) -> images."""
        x = self.start(z)
        for block in self.blocks:
            x = block(x, given)
        images: Tensor = self.end(x)
        return images


class UpBlock(nn.Module):
    """upsample(x) through a 1 x 1 convolution, plus BN, ReLU, upsample, 3 x 3, BN, ReLU, 3 x 3."""

    def __init__(self, width: int, classes: int | None) -> None:
        super().__init__()
        self.norms = nn.ModuleList(
            ConditionalBatchNorm(width, classes, eps=EPS) if classes else BatchNorm(width, eps=EPS) for _ in range(2)
        )
        self.first, self.second = (glorot_(nn.Conv2d(width, width, 3, padding=1), math.sqrt(2)) for _ in range(2))
        self.shortcut = glorot_(nn.Conv2d(width, width, 1))

    def forward(self, x: Tensor, given: Tensor | None) -> Tensor:
        """(batch, width, h, w) -> (batch, width, 2 h, 2 w)."""
        labels = () if given is None else (given,)
        y = self.first(upsample(relu(self.norms[0](x, *labels))))
        y = self.second(relu(self.norms[1](y, *labels)))
        # A 1 x 1 convolution before the upsampling is the same as after it, at a quarter of the products.
        return torch.add(y, upsample(self.shortcut(x)))


class DownBlock(nn.Module):
    """x through a 1 x 1 convolution and pooled, plus ReLU, 3 x 3, ReLU, 3 x 3, pooled; x itself where nothing is."""

    def __init__(self, width: int, *, halves: bool) -> None:
        super().__init__()
        self.first, self.second = (
            spectral_norm(glorot_(nn.Conv2d(width, width, 3, padding=1), math.sqrt(2))) for _ in range(2)
        )
        self.shortcut = spectral_norm(glorot_(nn.Conv2d(width, width, 1))) if halves else nn.Identity()
        self.halves = halves

    def forward(self, x: Tensor) -> Tensor:
        """(batch, width, h, w) -> the same, or half the sides."""
        y = torch.add(self.second(relu(self.first(relu(x)))), self.shortcut(x))
        return avg_pool2d(y, 2) if self.halves else y


class FirstDownBlock(nn.Module):
    """x pooled and through a 1 x 1 convolution, plus 3 x 3, ReLU, 3 x 3, pooled: no ReLU on the image itself."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = spectral_norm(glorot_(nn.Conv2d(channels, width, 3, padding=1), math.sqrt(2)))
        self.second = spectral_norm(glorot_(nn.Conv2d(width, width, 3, padding=1), math.sqrt(2)))
        self.shortcut = spectral_norm(glorot_(nn.Conv2d(channels, width, 1)))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) -> (batch, width, h / 2, w / 2)."""
        return torch.add(avg_pool2d(self.second(relu(self.first(x))), 2), self.shortcut(avg_pool2d(x, 2)))


class SumOfPlaces(nn.Module):
    """The sum of each map, not its mean: (batch, maps, h, w) -> (batch, maps)."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, maps, h, w) -> (batch, maps)."""
        return x.sum((2, 3))


class Projection(nn.Module):
    """D(x, y) = v_y . h(x) + psi(h(x)): Miyato and Koyama 2018, equation 3, the classes' vectors normalised too.

    Not the class's own logit of `ClassLogits`, which is the same without the normalisation.
    """

    def __init__(self, body: nn.Module, logit: nn.Module, classes: int, width: int) -> None:
        super().__init__()
        self.body, self.logit = body, logit
        embedding = nn.Embedding(classes, width)
        nn.init.xavier_uniform_(embedding.weight)
        self.embedding = spectral_norm(embedding)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        """Images (batch, c, h, w) and labels (batch,) -> logits (batch,)."""
        h = self.body(x)
        logits: Tensor = self.logit(h).squeeze(1) + (self.embedding(given) * h).sum(1)
        return logits


def upsample(x: Tensor) -> Tensor:
    """Return maps with each number repeated twice along both sides, (batch, c, h, w) -> (batch, c, 2 h, 2 w)."""
    return interpolate(x, scale_factor=2, mode="nearest")


def glorot_(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Conv2d | nn.Linear:
    """Draw W ~ U(-a, a), a = gain sqrt(6 / (fan-in + fan-out)), and b = 0, in place; return the layer."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _in_channels_last(network: nn.Module) -> nn.Module:
    """The network with its kernels in memory as channels_last, which is faster on CPUs."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
