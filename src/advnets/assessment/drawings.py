"""The figures of a report, drawn of what its measures saw."""

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
LOOKED_AT = 2000
"""Samples whose nearest training image is looked for."""


def draw_figures(case: Context) -> dict[str, bytes]:
    """The figures that the data allow, by name, as PNG."""
    drawn: dict[str, bytes] = {}
    for name, draw in PICTURES.items():
        try:
            drawn[name] = _png(draw(case))
        except BadInput:  # points have no spectrum, and data without labels no classes: there is nothing to draw
            continue
    return drawn


def neighbours(case: Context) -> Any:
    """Fair draws, and the samples that lie nearest to a training image, each above its nearest training images."""
    _expect_images(case)
    some = case.order[:LOOKED_AT]
    samples, train = case.values[some], case.reference.train
    by_pixels, squares = statistics.find_nearest(samples, train)
    by_features, _ = statistics.find_nearest(case.features[some], case.reference.train_features)
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


def projection(case: Context) -> Any:
    """Points as they are; features along the first two principal components of real images and samples together."""
    samples, real = (side[:PROJECTED].double() for side in case.drawn_features)
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


def classes(case: Context) -> Any:
    """Shares of the classes by the classifier."""
    logits = (case.reference.held_out_logits, case.logits)
    k = logits[0].shape[1]
    shares = [torch.bincount(one.argmax(1), minlength=k).double().numpy() / len(one) for one in logits]
    errors = [np.sqrt(p * (1 - p) / len(one)) for p, one in zip(shares, logits, strict=True)]
    return figures.draw_class_histogram(shares[0], shares[1], np.stack(errors), [str(number) for number in range(k)])


def spectrum(case: Context) -> Any:
    """Radial spectra."""
    _expect_images(case)
    fake, real = (metrics.radial_spectrum(side).double().numpy() for side in case.images)
    return figures.draw_spectra(np.arange(len(real), dtype=np.float64), real, fake)


PICTURES: dict[str, Callable[[Context], Any]] = {
    "neighbours": neighbours,
    "projection": projection,
    "classes": classes,
    "spectrum": spectrum,
}


def _expect_images(case: Context) -> None:
    if not case.reference.dataset.is_image:
        raise BadInput("points are no images")


def _as_images(values: Tensor) -> Any:
    return values.permute(0, 2, 3, 1).contiguous().numpy()


def _png(figure: Any) -> bytes:
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=120, bbox_inches="tight")
    return held.getvalue()
