"""Samples that no model made, each of which shows how far a Parzen score is to be trusted."""

from collections.abc import Callable

import torch
from torch import Tensor

from advnets import extractors, metrics
from advnets.data import TRANSFORMS, Dataset
from advnets.experiment import Samples

COMPONENTS = 50
FEWEST = 5
"""Smallest number of images for each centroid; with fewer, centroids are the images themselves."""


def draw_control(name: str, dataset: Dataset, n: int) -> Samples:
    """Draw the samples of a control, with seed 0.

    Args:
        name: A row of CONTROLS.
        dataset: The data, of which the training images are used.
        n: Number of samples, as many as a model has; some controls have another number.

    Returns:
        Images of 8 bits, as a model's are.
    """
    centres = CONTROLS[name](dataset, n)
    return Samples.of(centres.clamp(0, 1).reshape(-1, *dataset.shape), TRANSFORMS["unit"])


def _flatten_images(images: Tensor) -> Tensor:
    return images.flatten(1).float() / 255


def _draw_images(dataset: Dataset, n: int) -> Tensor:
    """Draw n training images without replacement."""
    chosen = torch.randperm(len(dataset.train), generator=torch.Generator().manual_seed(0))[:n]
    return _flatten_images(dataset.train.values[chosen])


def _centroids(dataset: Dataset, n: int) -> Tensor:
    """Return n centroids, or fewer: one for FEWEST training images."""
    return metrics.centroids(_flatten_images(dataset.train.values), max(1, min(n, len(dataset.train) // FEWEST)), 0)


def _blur_images(dataset: Dataset, n: int) -> Tensor:
    """Draw training images and project them to COMPONENTS principal components."""
    pca, x = extractors.fit_pca(dataset.train, COMPONENTS), _draw_images(dataset, n).double()
    return ((x - pca.mean) @ pca.basis.T @ pca.basis + pca.mean).float()


def _toss_pixels(dataset: Dataset, n: int) -> Tensor:
    """Draw training images and then each pixel, x ~ Bernoulli(pixel)."""
    return torch.bernoulli(_draw_images(dataset, n), generator=torch.Generator().manual_seed(1))


CONTROLS: dict[str, Callable[[Dataset, int], Tensor]] = {
    "mean image": lambda dataset, n: dataset.mean.flatten()[None],
    "real images": _draw_images,
    "all training images": lambda dataset, n: _flatten_images(dataset.train.values),
    "k-means centroids": _centroids,
    f"PCA-{COMPONENTS} reconstructions": _blur_images,
    "real images, binarised at .5": lambda dataset, n: (_draw_images(dataset, n) > 0.5).float(),
    "real images, Bernoulli draws": _toss_pixels,
}
