"""Fixed random convolutions: features that need no data, no labels and no download."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from advnets.data import Dataset
from advnets.errors import Unsupported
from advnets.extractors.extractor import expect_images_of_shape, halving_factor, pad_part
from advnets.runs import state_fingerprint

WIDTHS = (16, 32, 20)
"""Channels of the stages; the last is averaged on a grid, so that d = 16 + 32 + 4 x 20 = 128."""

GRID = 2
"""The last stage is averaged in each of GRID x GRID parts of the image, so that features say where things are."""

SMALLEST = 8
"""Pixels of the shorter side below which no third stage is left."""

LARGEST = 128
"""Pixels of the shorter side above which images are halved first, by averages, as often as needed."""

PART = 32
"""Images that are run at once."""

LEVELS = 2**11
"""Steps between the least and the largest weight."""


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    """Average magnitudes of the responses of random filters, in three stages.

        x_0 = bytes / 255 - 1/2,  x_1 = |W_1 * x_0|,  x_s = |W_s * P x_(s-1)|,  P: averages over 2x2 pixels

    The features are the averages of x_1 and x_2 over the image, and of x_3 over each quarter of it: d = 128. They use
    magnitudes, as in J. Bruna and S. Mallat, Invariant scattering convolution networks, 2013, for with a rectifier some
    features would always be 0. W_s are drawn evenly with variance 2 / fan-in (K. He et al., Delving deep into
    rectifiers, 2015, eq. 10). Nothing is learnt, so that nothing can be overfitted, and the seed alone gives the
    extractor (A. Saxe et al., On random weights and unsupervised feature learning, 2011). Distances rank coarse errors
    (blur, noise, moved images, few distinct samples) in the right order; an absent class of ten shows only weakly.

    Attributes:
        shape: (c, h, w) of its images.
        weights: W_1 (16, c, 3, 3), W_2 (32, 16, 3, 3), W_3 (20, 32, 3, 3).
    """

    shape: tuple[int, ...]
    weights: tuple[Tensor, ...]

    @cached_property
    def id(self) -> str:
        """Architecture, preprocessing, and SHA-256 of the weights."""
        stages, size = "-".join(map(str, WIDTHS)), "x".join(map(str, self.shape))
        layout = f"random convolutions {stages}, magnitudes, grid {GRID}; {size} bytes / 255 - 0.5"
        halved = f", averaged over {self._halving_factor}x{self._halving_factor}" if self._halving_factor > 1 else ""
        return f"{layout}{halved}; sha256 {state_fingerprint({str(s): w for s, w in enumerate(self.weights)})}"

    def features(self, values: Tensor) -> Tensor:
        """Compute the features of images.

        Args:
            values: Images of its shape, (n, c, h, w) uint8.

        Returns:
            Features, (n, 128) float32.

        Raises:
            BadInput: If the images are of another type or shape.
        """
        expect_images_of_shape(values, self.shape)
        parts = []
        # Convolutions alone, so that `exact_inference`, which also guards matrix products, is not needed whole.
        with torch.no_grad(), torch.backends.cudnn.flags(allow_tf32=False, deterministic=True):
            for part in torch.split(values, PART):
                whole = part if len(part) == PART else pad_part(part, PART)
                parts.append(self._responses(whole)[: len(part)].cpu())
        return torch.cat(parts)

    @cached_property
    def _halving_factor(self) -> int:
        return halving_factor(self.shape, LARGEST)

    def _responses(self, images: Tensor) -> Tensor:
        first, second, third = self.weights
        x = images.float() / 255 - 0.5
        x = functional.avg_pool2d(x, self._halving_factor) if self._halving_factor > 1 else x
        x1 = functional.conv2d(x, first, padding=1).abs_()
        x2 = functional.conv2d(functional.avg_pool2d(x1, 2), second, padding=1).abs_()
        x3 = functional.conv2d(functional.avg_pool2d(x2, 2), third, padding=1).abs_()
        quarters = functional.adaptive_avg_pool2d(x3, GRID).flatten(1)
        return torch.cat([x1.mean((2, 3)), x2.mean((2, 3)), quarters], 1)


def draw_random_features(dataset: Dataset, *, seed: int = 0) -> RandomFeatures:
    """Draw the random features of a data set's images, of which only the shape is read.

    Args:
        dataset: Images of 1 to 4 channels.
        seed: Seed of the weights.

    Returns:
        The extractor.

    Raises:
        Unsupported: If the data are points, have more than 4 channels, or a side below SMALLEST.
    """
    shape = tuple(dataset.shape)
    if not dataset.is_image or not 1 <= shape[0] <= 4 or min(shape[1:]) < SMALLEST:
        raise Unsupported(
            f"{dataset.name}: found samples of shape {shape}; random features are of images of 1..4 channels and "
            f"{SMALLEST} pixels a side or more. Take the extractor pixels or pca."
        )
    rng = torch.Generator().manual_seed(seed)
    ends = zip((shape[0], *WIDTHS[:-1]), WIDTHS, strict=True)
    return RandomFeatures(shape, tuple(_draw_weights(channels, width, rng) for channels, width in ends))


def _draw_weights(channels: int, width: int, rng: torch.Generator) -> Tensor:
    """Draw weights (width, channels, 3, 3), even over +-sqrt(6 / fan-in).

    Whole numbers are drawn and then scaled once. Torch's normal numbers differ in the last bit from one kind of
    processor to another, and so would the SHA-256.
    """
    drawn = torch.randint(-LEVELS // 2, LEVELS // 2 + 1, (width, channels, 3, 3), generator=rng)
    return (drawn.double() * (math.sqrt(6 / (9 * channels)) / (LEVELS // 2))).float()
