"""The samples that every probe of a run looks at: always the same, some of them trained on and some held out."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from advnets.data import TRANSFORMS, Batches, Dataset, Split
from advnets.recipes import Recipe
from advnets.training import Batch

Floats = npt.NDArray[np.floating[Any]]
DRAWN, TRANSLATED = 128, 16
"""Samples of each kind; fewer where they are translated, which takes far longer."""
MANY = 1000
"""Most training samples, and held-out ones, among which copies are looked for."""
SIDE = 16
"""Images are averaged over blocks down to so many pixels a side before distances are taken."""
FEWEST = 20
"""Held-out samples that make a null."""
SEED = 2014


@dataclass(frozen=True)
class FixedSamples:
    """What a probe looks at.

    Attributes:
        train: Training samples, with what is given beside them.
        held: As many held-out ones, or fewer; None where there are too few.
        many_train: Training samples among which copies are looked for.
        many_held: Held-out ones.
        bounds: What the networks see lies between, or None.
    """

    train: Batch
    held: Batch | None
    many_train: Batch
    many_held: Batch | None
    bounds: tuple[float, float] | None


def choose_samples(
    recipe: Recipe, dataset: Dataset, *, given: str | None, pack: int, device: torch.device
) -> FixedSamples:
    """Choose the samples of a run's probes, by random numbers of their own.

    Args:
        recipe: Its transform is read.
        dataset: The data.
        given: What the networks are given, "labels", "images" or None.
        pack: Samples that the discriminator judges as one.
        device: Where the networks are.

    Returns:
        The samples, on that device.
    """
    transform = TRANSFORMS[recipe.transform if dataset.is_image else "identity"]

    def draw(split: Split, n: int) -> Batch:
        places = torch.randperm(len(split), generator=torch.Generator().manual_seed(SEED))[:n]
        chosen = split.select(places)
        return Batches(
            chosen,
            batch_size=len(chosen),
            seed=SEED,
            transform=transform.forward,
            device=device,
            whole=True,
            given=given,
        ).peek(n)

    most = TRANSLATED if given == "images" else DRAWN
    n = min(most, len(dataset.train)) // pack * pack
    m = min(n, len(dataset.validation)) // pack * pack
    has_held = m >= min(FEWEST, most)
    return FixedSamples(
        draw(dataset.train, n),
        draw(dataset.validation, m) if has_held else None,
        draw(dataset.train, min(MANY, len(dataset.train))),
        draw(dataset.validation, min(MANY, len(dataset.validation))) if has_held else None,
        transform.bounds,
    )


def view_of(samples: Tensor) -> Floats:
    """Return samples as rows of numbers between which distances are taken, (n, d).

    Args:
        samples: Images (n, c, h, w), which are averaged over blocks where they are large, or points (n, d).

    Returns:
        The rows, float32.
    """
    seen = samples.detach().float()
    if seen.ndim == 4:
        seen = adaptive_avg_pool2d(seen, (min(SIDE, seen.shape[2]), min(SIDE, seen.shape[3])))
    rows: Floats = seen.flatten(1).cpu().numpy()
    return rows


def directions(d: int, most: int) -> Floats:
    """Return a few fixed orthonormal directions, scaled so that a movement keeps its mean length, (d, most at most)."""
    if d <= most:
        return np.eye(d)
    basis, _ = np.linalg.qr(np.random.default_rng(SEED).standard_normal((d, most)))
    found: Floats = basis * math.sqrt(d / most)
    return found
