"""The figures of I. Goodfellow et al., Generative Adversarial Nets, 2014, and a picture of a remark in section 3."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from advnets.errors import BadInput
from advnets.figures.grid import (
    ImageArray,
    cell_corner,
    draw_grid,
    enlarge_images,
    expect_image_array,
    remove_alpha,
    to_picture,
)
from advnets.figures.panels import create_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
ROWS, COLUMNS = 4, 5
GAP = 4
YELLOW = (255, 210, 0)


def draw_figure2(samples: ImageArray, nearest: ImageArray) -> Image.Image:
    """Draw figure 2: rows of samples, and beside each, framed in yellow, the training image nearest to its last sample.

    Args:
        samples: (20, h, w, c) uint8, row by row: fair draws, not chosen ones.
        nearest: (4, h, w, c) uint8, the training images nearest to samples 4, 9, 14 and 19.

    Returns:
        The picture.

    Raises:
        BadInput: If the shapes are others.
    """
    samples, nearest = remove_alpha(samples), remove_alpha(nearest)
    expect_image_array(samples)
    expect_image_array(nearest)
    if len(samples) != ROWS * COLUMNS or len(nearest) != ROWS or samples.shape[1:] != nearest.shape[1:]:
        found = f"samples {samples.shape} and nearest {nearest.shape}"
        raise BadInput(f"figure 2: found {found}, expected 20 and 4 images of one size. Give 4 rows of 5, and 4.")
    rows = samples.reshape(ROWS, COLUMNS, *samples.shape[1:])
    images = np.concatenate([rows, nearest[:, None]], 1).reshape(-1, *samples.shape[1:])
    canvas = np.array(draw_grid(images, COLUMNS + 1, gap=GAP).convert("RGB"))
    height, width = enlarge_images(images[:1]).shape[1:3]
    for number in range(COLUMNS, len(images), COLUMNS + 1):
        top, left = cell_corner(number, COLUMNS + 1, (height, width), GAP)
        _paint_frame(canvas, top, left, height, width)
    return to_picture(canvas)


def _paint_frame(canvas: ImageArray, top: int, left: int, height: int, width: int) -> None:
    """Paint the gap around an image yellow, except its outermost pixel, so that frames do not touch."""
    edge = GAP - 1
    inside = canvas[top : top + height, left : left + width].copy()
    canvas[top - edge : top + height + edge, left - edge : left + width + edge] = YELLOW
    canvas[top : top + height, left : left + width] = inside


def draw_figure3(images: ImageArray) -> Image.Image:
    """Draw figure 3: in each row the samples along a straight line between two points z of the latent space.

    Args:
        images: (rows, columns, h, w, c) uint8.

    Returns:
        The picture.

    Raises:
        BadInput: If the shape is another.
    """
    if images.ndim != 5:
        raise BadInput(f"figure 3: found shape {images.shape}, expected (rows, columns, h, w, c). Give a row a line.")
    return draw_grid(images.reshape(-1, *images.shape[2:]), images.shape[1])


def draw_saturation(
    moves: Sequence[int], ratio: Sequence[float], minimax_norms: Sequence[float], non_saturating_norms: Sequence[float]
) -> "Figure":
    """Draw section 3's remark: log(1 - D(G(z))) stops teaching the generator as D becomes sure, -log D(G(z)) does not.

    Args:
        moves: Moves of the discriminator alone so far.
        ratio: The minimax norm over the non-saturating one, after each of moves.
        minimax_norms: Norm of the minimax loss's gradient in the generator's parameters, after each of moves.
        non_saturating_norms: Norm of the non-saturating loss's gradient, after each of moves.

    Returns:
        The figure.

    Raises:
        BadInput: If the numbers of values differ.
    """
    lengths = [len(moves), len(ratio), len(minimax_norms), len(non_saturating_norms)]
    if len(set(lengths)) != 1 or not lengths[0]:
        raise BadInput(f"saturation: found {lengths} values, expected as many of each. Give one for each move.")
    figure = create_figure(9, 3.6)
    left, right = figure.subplots(1, 2)
    left.plot(moves, non_saturating_norms, label="non-saturating, -log D(G(z))")
    left.plot(moves, minimax_norms, label="minimax, log(1 - D(G(z)))")
    left.set_title("norm of the generator's gradient")
    right.plot(moves, ratio, color="black", label="minimax / non-saturating")
    right.axhline(0.1, color="grey", linestyle="--", label="a tenth")
    right.set_title("their ratio")
    for axes in (left, right):
        _label_axes(axes)
    return figure


def _label_axes(axes: "Axes") -> None:
    # Each move of D can shrink the minimax gradient by a factor, so that norms spread over decades; moves begin at 0.
    axes.set_yscale("log")
    axes.set_xlabel("moves of the discriminator alone")
    axes.legend()
