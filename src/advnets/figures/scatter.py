"""Points of a plane, or of a line, as a picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def draw_scatter(points: NDArray[np.float32], *, size: int = 480, bound: float | None = None) -> Image.Image:
    """Draw each point as a dot on white; draw points of a line as a histogram.

    Args:
        points: (n, 1) or (n, d), of which the first two coordinates are drawn.
        size: Pixels of a side.
        bound: Half the width shown, in the points' unit; None takes 1.1 times the largest coordinate.

    Returns:
        The picture.
    """
    limit = bound or 1.1 * float(np.abs(points[:, :2]).max(initial=1e-6))
    canvas = np.full((size, size), 255, np.uint8)
    columns = _pixels(points[:, 0], limit, size)
    if points.shape[1] == 1:
        counts = np.bincount(columns // 4, minlength=size // 4)
        heights = np.ceil(counts / max(counts.max(), 1) * (size - 1)).astype(int)
        for column, height in enumerate(heights):
            canvas[size - height :, 4 * column : 4 * column + 3] = 60
        return Image.fromarray(canvas)
    rows = size - 1 - _pixels(points[:, 1], limit, size)
    for dy in (0, 1):
        for dx in (0, 1):
            canvas[np.minimum(rows + dy, size - 1), np.minimum(columns + dx, size - 1)] = 40
    return Image.fromarray(canvas)


def _pixels(values: NDArray[np.float32], limit: float, size: int) -> NDArray[np.int64]:
    scaled = (values + limit) / (2 * limit) * size
    pixels: NDArray[np.int64] = np.clip(np.nan_to_num(scaled), 0, size - 1).astype(np.int64)
    return pixels
