"""Figures beside a report: samples with their nearest training images, a projection, class shares, spectra."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.figures.grid import ImageArray, draw_grid
from advnets.figures.panels import create_figure, hide_ticks
from advnets.text import escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REAL, FAKE = "#3b6fb6", "#d1603d"
"""Colours of real images and of samples, which differ in grey too."""


def draw_strips(rows: Sequence[tuple[str, ImageArray]], title: str) -> "Figure":
    """Draw rows of images, each with its name on the left; the images of a column belong together.

    Args:
        rows: Names and images, (n, h, w, c) uint8, with the same n.
        title: Title of the figure.

    Returns:
        The figure.

    Raises:
        BadInput: If there are no rows, or their numbers of images differ.
    """
    counts = {len(images) for _, images in rows}
    if len(counts) != 1:
        found = f"rows of {sorted(counts)} images"
        raise BadInput(f"strips: found {found}, expected the same number in each. Give one image a column.")
    columns = counts.pop()
    pictures = [draw_grid(images, columns) for _, images in rows]
    width, height = pictures[0].size
    figure = create_figure(10, 0.5 + len(rows) * (8.6 * height / width + 0.05))
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axis, (name, _), drawn in zip(axes, rows, pictures, strict=True):
        axis.imshow(np.asarray(drawn), cmap="gray", vmin=0, vmax=255)
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        hide_ticks(axis)
        axis.spines[:].set_visible(False)
    figure.suptitle(title)
    return figure


def draw_projection(real: NDArray[np.float64], fake: NDArray[np.float64], axes_names: Sequence[str]) -> "Figure":
    """Draw real images and samples as points of one plane, in two panels with the one or the other in front.

    Args:
        real: Coordinates of real images, (n, 2).
        fake: Coordinates of samples, (m, 2).
        axes_names: Names of the two coordinates.

    Returns:
        The figure.
    """
    figure = create_figure(9.6, 4.8)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for axis, above, below in ((left, fake, real), (right, real, fake)):
        colours = (REAL, FAKE) if below is real else (FAKE, REAL)
        names = ("real images", "samples") if below is real else ("samples", "real images")
        for points, colour, name, size in zip((below, above), colours, names, (9, 4), strict=True):
            axis.scatter(points[:, 0], points[:, 1], s=size, c=colour, alpha=0.5, linewidths=0, label=name)
        axis.set_xlabel(axes_names[0])
        axis.set_title(f"{names[1]} above {names[0]}")
    left.set_ylabel(axes_names[1])
    left.legend(markerscale=2)
    return figure


def draw_class_histogram(
    real: NDArray[np.float64], fake: NDArray[np.float64], errors: NDArray[np.float64], names: Sequence[str]
) -> "Figure":
    """Draw the shares of the classes among real images and samples, side by side.

    Args:
        real: Shares among real images, (k,).
        fake: Shares among samples, (k,).
        errors: Standard errors of both, (2, k).
        names: Names of the classes.

    Returns:
        The figure.
    """
    figure = create_figure(max(6.0, min(16.0, 0.6 * len(names))), 3.6)
    axis, places = figure.subplots(), np.arange(len(names))
    for shift, shares, error, colour, name in (
        (-0.2, real, errors[0], REAL, "real images"),
        (0.2, fake, errors[1], FAKE, "samples"),
    ):
        axis.bar(places + shift, 100 * shares, 0.4, yerr=100 * error, color=colour, label=name, ecolor="black")
    axis.set_xticks(places, [escape(name) for name in names], parse_math=False)
    axis.set_xlabel("class, by the classifier")
    axis.set_ylabel("share, %")
    axis.legend()
    return figure


def draw_spectra(frequencies: NDArray[np.float64], real: NDArray[np.float64], fake: NDArray[np.float64]) -> "Figure":
    """Draw the mean log power by frequency of real images and samples, and the difference.

    Args:
        frequencies: Frequencies, in cycles per image, (k,).
        real: Mean natural logarithm of the power of real images, (k,).
        fake: The same of samples, (k,).

    Returns:
        The figure.
    """
    figure = create_figure(9, 3.6)
    left, right = figure.subplots(1, 2)
    left.plot(frequencies, real, color=REAL, label="real images")
    left.plot(frequencies, fake, color=FAKE, linestyle="--", label="samples")
    left.set_title("mean log power")
    left.legend()
    right.plot(frequencies, fake - real, color="black")
    right.axhline(0, color="grey", linewidth=0.8)
    right.set_title("samples less real images")
    for axis in (left, right):
        axis.set_xlabel("frequency, cycles per image")
    return figure
