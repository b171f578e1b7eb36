"""The training images that lie nearest to samples: what a viewer looks at before calling a sample new."""

import torch
from torch import Tensor

from advnets import statistics
from advnets.data import Dataset, Transform, to_uint8
from advnets.experiment.sampling.samples import Samples

BLOCK = 1000
"""Training images that are compared at once."""


def find_nearest_training_images(samples: Samples, dataset: Dataset, transform: Transform) -> Samples:
    """Find the training image that is nearest to each sample, by the sum of squared differences of their pixels.

    Args:
        samples: Images, as many channels and pixels as those of the data.
        dataset: The data that their generator was trained on.
        transform: The recipe's, by which training images are shown as the samples are, where it has no inverse.

    Returns:
        The images, one for each sample, in order.

    Raises:
        Damaged: If the training images are not as they were written.
    """
    flat = samples.stored_values.flatten(1)
    dataset.train.verify()
    values = dataset.train.values
    best = torch.full((len(flat),), torch.inf, dtype=torch.float64)
    images = values[:1].repeat(len(flat), 1, 1, 1)
    for block in torch.split(values, BLOCK):
        shown = _as_shown(transform, block)
        indices, distances = statistics.find_nearest(flat, shown)
        nearer = distances < best
        best[nearer], images[nearer] = distances[nearer], shown[indices[nearer]]
    return Samples(images.permute(0, 2, 3, 1).contiguous().numpy())


def _as_shown(transform: Transform, images: Tensor) -> Tensor:
    """Stored images, through a transform that samples are shown without the inverse of."""
    return images if transform.invertible else to_uint8(transform.back(transform.forward(images)))
