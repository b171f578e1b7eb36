"""Cells of a space: the parts around the means of k-means, looked for in a few principal components."""

import warnings

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput

MOST_COMPONENTS = 64
"""Most principal components that k-means looks at."""


def label_cells(sets: tuple[Tensor, Tensor, Tensor], cells: int, seed: int) -> list[Tensor]:
    """Find the cell of every sample, held-out and training item, by the training items alone.

    Args:
        sets: Samples (m, d), held-out items (h, d) and training items (n, d).
        cells: Number of cells, 1..n.
        seed: Seed of k-means and of the principal components.

    Returns:
        The cells 0..cells - 1 of each set's items, as (m,), (h,) and (n,) int.

    Raises:
        BadInput: If there are fewer distinct training items than cells.
    """
    from sklearn.cluster import KMeans  # it takes a second to import, and only this function needs it
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning

    x, held, t = (points.cpu().numpy().astype(np.float64) for points in sets)
    if cells == 1:
        return [torch.zeros(len(points), dtype=torch.int64) for points in (x, held, t)]
    alike = f"train: found fewer than {cells} distinct items, expected more. Ask for fewer cells."
    if not np.ptp(t, axis=0).any():
        raise BadInput(alike)
    components = PCA(min(MOST_COMPONENTS, *t.shape), random_state=seed).fit(t)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            means = KMeans(cells, n_init=1, random_state=seed).fit(components.transform(t))
        except ConvergenceWarning as found:
            raise BadInput(alike) from found
    return [torch.from_numpy(means.predict(components.transform(points))) for points in (x, held, t)]
