"""The figures of a report, drawn from what its measures saw."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from advnets import figures, metrics, statistics
from advnets.assessment.context import Context
from advnets.errors import BadInput

COLUMNS = 12
PROJECTED = 2000
"""Real images, and samples, that are drawn in the projection."""
SEARCHED = 2000
"""Samples whose nearest training image is searched."""


def draw_figures(context: Context) -> dict[str, bytes]:
    """Draw the figures that the data allow.

    Args:
        context: The samples and the reference.

    Returns:
        Figures by name, as PNG.
    """
    pngs: dict[str, bytes] = {}
    for name, draw in FIGURES.items():
        try:
            pngs[name] = _render_png(draw(context))
        except BadInput:  # points have no spectrum, and data without labels no classes: there is nothing to draw
            continue
    return pngs


def draw_neighbours(context: Context) -> Any:
    """Draw some samples, and those nearest to a training image, each above its nearest training images.

    Args:
        context: The samples and the reference.

    Returns:
        The figure.

    Raises:
        BadInput: For points.
    """
    _expect_images(context)
    some = context.order[:SEARCHED]
    samples, train = context.values[some], context.reference.train
    by_pixels, squares = statistics.find_nearest(samples, train)
    by_features, _ = statistics.find_nearest(context.features[some], context.reference.train_features)
    closest = squares.argsort()[:COLUMNS]
    fair = torch.arange(min(COLUMNS, len(some)))
    rows = []
    for name, chosen in (("samples,\nfair draws", fair), ("samples\nnearest to training", closest)):
        rows += [
            (name, _as_images(samples[chosen])),
            ("nearest by pixels", _as_images(train[by_pixels[chosen]])),
            ("nearest by features", _as_images(train[by_features[chosen]])),
        ]
    return figures.draw_strips(rows, f"{len(some):,} samples and {len(train):,} training images")


def draw_projection(context: Context) -> Any:
    """Draw samples and real images in a plane.

    Points are drawn as they are; features along the first two principal components of both sides together.

    Args:
        context: The samples and the reference.

    Returns:
        The figure.

    Raises:
        BadInput: For features of one dimension.
    """
    samples, real = (side[:PROJECTED].double() for side in context.drawn_features)
    if samples.shape[1] == 2:
        return figures.draw_projection(real.numpy(), samples.numpy(), ("x", "y"))
    both = torch.cat([samples, real])
    centre = both.mean(0)
    _, singular, right = torch.linalg.svd(both - centre, full_matrices=False)
    plane = right[:2].T
    if plane.shape[1] < 2:
        raise BadInput("a projection takes two dimensions")
    parts = (singular.square() / singular.square().sum()).tolist()
    names = [f"component {number + 1}, {100 * parts[number]:.0f} % of the variance" for number in range(2)]
    return figures.draw_projection(((real - centre) @ plane).numpy(), ((samples - centre) @ plane).numpy(), names)


def draw_classes(context: Context) -> Any:
    """Draw the shares of the classes, by the classifier.

    Args:
        context: The samples and the reference.

    Returns:
        The figure.

    Raises:
        BadInput: If there is no classifier.
    """
    logits = (context.reference.held_out_logits, context.logits)
    k = logits[0].shape[1]
    shares = [torch.bincount(one.argmax(1), minlength=k).double().numpy() / len(one) for one in logits]
    errors = [np.sqrt(p * (1 - p) / len(one)) for p, one in zip(shares, logits, strict=True)]
    return figures.draw_class_histogram(shares[0], shares[1], np.stack(errors), [str(number) for number in range(k)])


def draw_spectrum(context: Context) -> Any:
    """Draw the radial spectra of samples and real images.

    Args:
        context: The samples and the reference.

    Returns:
        The figure.

    Raises:
        BadInput: For points.
    """
    _expect_images(context)
    fake, real = (metrics.radial_spectrum(side).double().numpy() for side in context.images)
    return figures.draw_spectra(np.arange(len(real), dtype=np.float64), real, fake)


FIGURES: dict[str, Callable[[Context], Any]] = {
    "neighbours": draw_neighbours,
    "projection": draw_projection,
    "classes": draw_classes,
    "spectrum": draw_spectrum,
}


def _expect_images(context: Context) -> None:
    if not context.reference.dataset.is_image:
        raise BadInput("points are no images")


def _as_images(values: Tensor) -> Any:
    return values.permute(0, 2, 3, 1).contiguous().numpy()


def _render_png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, bbox_inches="tight")
    return buffer.getvalue()
