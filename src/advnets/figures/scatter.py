"""Points of a plane, or of a line, as a picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

DOT, BAR, AXIS, WHITE = 40, 60, 205, 255
"""Greys of a point, of a bar of the histogram, of the axes, and of the ground."""
STRIP = 16
"""Pixels of the strip below a labelled picture, which holds the numbers of the horizontal axis."""


def draw_scatter(
    points: NDArray[np.float32], *, size: int = 480, bound: float | None = None, labelled: bool = False
) -> Image.Image:
    """Draw each point as a dot on white; draw points of a line as a histogram.

    Args:
        points: (n, 1) or (n, d), of which the first two coordinates are drawn.
        size: Pixels of a side.
        bound: Half the width shown, in the points' unit; None takes 1.1 times the largest coordinate.
        labelled: Whether axes through 0 are drawn, and numbers where they end; a strip of 16 pixels is added below.

    Returns:
        The picture.
    """
    limit = bound or 1.1 * float(np.nan_to_num(np.abs(points[:, :2])).max(initial=1e-6))
    canvas = np.full((size, size), WHITE, np.uint8)
    in_plane = points.shape[1] > 1
    if labelled:
        canvas[:, size // 2] = AXIS
        canvas[size // 2 if in_plane else size - 1] = AXIS
    columns = _pixels(points[:, 0], limit, size)
    if in_plane:
        rows = size - 1 - _pixels(points[:, 1], limit, size)
        for dy in (0, 1):
            for dx in (0, 1):
                canvas[np.minimum(rows + dy, size - 1), np.minimum(columns + dx, size - 1)] = DOT
    else:
        counts = np.bincount(columns // 4, minlength=size // 4)
        heights = np.ceil(counts / max(counts.max(), 1) * (size - 1)).astype(int)
        for column, height in enumerate(heights):
            canvas[size - height :, 4 * column : 4 * column + 3] = BAR
    return _label(canvas, limit, in_plane=in_plane) if labelled else Image.fromarray(canvas)


def _label(canvas: NDArray[np.uint8], limit: float, *, in_plane: bool) -> Image.Image:
    """Add a strip with the numbers of the horizontal axis, and those of the vertical one, which has the same ends."""
    size = len(canvas)
    picture = Image.fromarray(np.pad(canvas, ((0, STRIP), (0, 0)), constant_values=WHITE))
    draw = ImageDraw.Draw(picture)
    for x, number, anchor in ((3, -limit, "lt"), (size // 2, 0.0, "mt"), (size - 3, limit, "rt")):
        draw.text((x, size + 3), f"{number:.3g}", fill=DOT, anchor=anchor)
    if in_plane:
        draw.text((size // 2 + 4, 3), f"{limit:.3g}", fill=DOT, anchor="lt")
        draw.text((size // 2 + 4, size - 3), f"{-limit:.3g}", fill=DOT, anchor="lb")
    return picture


def _pixels(values: NDArray[np.float32], limit: float, size: int) -> NDArray[np.int64]:
    scaled = (values + limit) / (2 * limit) * size
    pixels: NDArray[np.int64] = np.clip(np.nan_to_num(scaled), 0, size - 1).astype(np.int64)
    return pixels
