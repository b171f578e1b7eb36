"""Figures 2 and 3 of the 2014 paper, of a model."""

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from advnets import figures
from advnets.baselines import is_chain
from advnets.data import Dataset, Transform
from advnets.errors import Unsupported
from advnets.experiment.sampling import Samples, find_nearest_training_images


class SampleSource(Protocol):
    """What is asked of a model whose figures are drawn."""

    @property
    def name(self) -> str:
        """How reports call it."""

    @property
    def network(self) -> nn.Module:
        """The generator."""

    @property
    def transform(self) -> Transform:
        """Between stored values and what the network emits."""

    def sample(self, n: int | None = None, *, seed: int | None = None) -> Samples:
        """Draw samples."""

    def draw(self, n: int, *, seed: int) -> Tensor:
        """Draw n noises."""

    def emit(self, z: Tensor | None) -> Samples:
        """Make the samples of noises."""


def draw_figure2_of(model: SampleSource, dataset: Dataset, *, seed: int = 0) -> Any:
    """Draw Figure 2: 4 x 5 fresh samples; last column, the nearest training image of the fifth.

    Args:
        model: What draws the samples.
        dataset: The data that it was trained on.
        seed: Seed of the noises.

    Returns:
        The picture, a PIL image.
    """
    samples = model.sample(20, seed=seed).values
    nearest = find_nearest_training_images(Samples(samples[4::5]), dataset, model.transform)
    return figures.draw_figure2(samples.astype(np.uint8), nearest.values.astype(np.uint8))


def draw_figure3_of(model: SampleSource, *, rows: int = 4, columns: int = 12, seed: int = 0) -> Any:
    """Draw Figure 3: straight lines between two points of z.

    Args:
        model: What draws the samples.
        rows: Lines.
        columns: Samples a line, 2 or more.
        seed: Seed of their ends.

    Returns:
        The picture, a PIL image.

    Raises:
        Unsupported: For a baseline, whose chains forget the z that they begin at.
    """
    if is_chain(model.network):
        raise Unsupported(
            f"{model.name} draws by Markov chains, which forget where in z they began, so that a line in z is not "
            "seen. Look at its samples: `advnets figures grid`."
        )
    ends = model.draw(2 * rows, seed=seed)
    weights = torch.linspace(0, 1, columns)[None, :, None]
    z = torch.lerp(ends[:rows, None], ends[rows:, None], weights.expand(rows, columns, 1))
    images = model.emit(z.flatten(0, 1)).values
    return figures.draw_figure3(images.astype(np.uint8).reshape(rows, columns, *images.shape[1:]))
