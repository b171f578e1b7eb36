"""Known damage: what is done to real images on purpose, to see which measures detect it.

Every damage is a pure function of what it is done to, a strength and random numbers. DAMAGES has a row for each, with
its strengths from the weakest to the strongest; one damage more is one row more.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from scipy import ndimage
from torch import Tensor

from advnets.errors import BadInput

JITTER = 0.01
"""Noise that repeated originals carry, so that none are equal: the first strength of the noise row, which shows what
it does by itself."""


@dataclass(frozen=True, eq=False)
class CleanImages:
    """Real images that stand for samples, and what damage is done with.

    Attributes:
        images: Images that were not trained on, (n, c, h, w) uint8.
        train: Images that a generator would have been trained on, (m, c, h, w) uint8.
        labels: Labels of the images, (n,) int64, or None.
        spare: More images that were not trained on, (k, c, h, w) uint8, which take the place of those that are left
            out; with None there are fewer samples then.
        spare_labels: Labels of the spare images, (k,) int64.
    """

    images: Tensor
    train: Tensor
    labels: Tensor | None = None
    spare: Tensor | None = None
    spare_labels: Tensor | None = None


DamageImages = Callable[[CleanImages, float, Generator], Tensor]
"""Takes clean images, a strength and random numbers, and returns damaged copies, (n, c, h, w) uint8."""


@dataclass(frozen=True)
class Damage:
    """A row of DAMAGES.

    Attributes:
        act: What is done.
        strengths: Strengths, from the weakest to the strongest.
        unit: Unit of a strength.
        needs_labels: Whether the damage needs the labels of the images.
    """

    act: DamageImages
    strengths: tuple[float, ...]
    unit: str
    needs_labels: bool = False


def blur(images: Tensor, strength: float) -> Tensor:
    """Convolve images with a Gaussian; beyond an edge its pixels are repeated.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Standard deviation in pixels.

    Returns:
        The damaged images, of the same shape.
    """
    soft = ndimage.gaussian_filter(images.numpy().astype(np.float32), (0, 0, strength, strength), mode="nearest")
    return _round_to_bytes(torch.from_numpy(soft))


def add_noise(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """Add independent normal noise to images, and cut them to 0 .. 255.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Standard deviation, as a share of 255.
        rng: Random numbers.

    Returns:
        The damaged images, of the same shape.
    """
    noise = rng.standard_normal(tuple(images.shape), dtype=np.float32)
    return _round_to_bytes(images.float() + 255 * strength * torch.from_numpy(noise))


def dim(images: Tensor, strength: float) -> Tensor:
    """Multiply images by 1 - strength.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Share of the light that is taken away, in [0, 1].

    Returns:
        The damaged images, of the same shape.
    """
    return _round_to_bytes(images.float() * (1 - strength))


def brighten(images: Tensor, strength: float) -> Tensor:
    """Add so many levels to every pixel, up to 255.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Levels of 255.

    Returns:
        The damaged images, of the same shape.
    """
    return _round_to_bytes(images.float() + strength)


def mirror_share(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """Mirror a share of the images, left to right.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Share of the images.
        rng: Random numbers.

    Returns:
        The damaged images, of the same shape.
    """
    chosen = _choose_share(len(images), strength, rng)
    damaged = images.clone()
    damaged[chosen] = images[chosen].flip(-1)
    return damaged


def shift_right(images: Tensor, strength: float) -> Tensor:
    """Move images to the right; the first column fills what becomes free.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Whole number of pixels.

    Returns:
        The damaged images, of the same shape.
    """
    width = images.shape[3]
    return images[..., (torch.arange(width) - int(strength)).clamp(min=0)]


def compress_jpeg(images: Tensor, strength: float) -> Tensor:
    """Write images as JPEG and read them again; images without three channels go channel by channel.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Quality of the JPEG, 1 to 95.

    Returns:
        The damaged images, of the same shape.
    """
    if images.shape[1] == 3:
        pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
        return torch.from_numpy(np.stack([_jpeg(one, strength) for one in pixels])).permute(0, 3, 1, 2).contiguous()
    flat = images.flatten(0, 1).numpy()
    return torch.from_numpy(np.stack([_jpeg(one, strength) for one in flat])).view_as(images)


def invert_share(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """Turn a share of the images into negatives, 255 - x: outliers among good samples.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Share of the images.
        rng: Random numbers.

    Returns:
        The damaged images, of the same shape.
    """
    chosen = _choose_share(len(images), strength, rng)
    damaged = images.clone()
    damaged[chosen] = 255 - damaged[chosen]
    return damaged


def leave_class_out(clean: CleanImages, strength: float, rng: Generator) -> Tensor:
    """Leave out a share of the images of one class, which is drawn; spare images of other classes take their place.

    Args:
        clean: The images, and what damage is done with.
        strength: Share of the class.
        rng: Random numbers.

    Returns:
        The samples, (m, c, h, w) uint8.

    Raises:
        BadInput: If there are no labels, or too few spare images.
    """
    if clean.labels is None:
        raise BadInput("a class left out: found images without labels, expected labels. Give them.")
    occurring = torch.unique(clean.labels)
    chosen = occurring[int(rng.integers(len(occurring)))]
    members = torch.nonzero(clean.labels == chosen)[:, 0]
    out = members[_choose_share(len(members), strength, rng)]
    stays = torch.ones(len(clean.images), dtype=torch.bool)
    stays[out] = False
    if clean.spare is None or clean.spare_labels is None:
        return clean.images[stays]
    others = clean.spare[clean.spare_labels != chosen]
    if len(others) < len(out):
        raise BadInput(
            f"a class left out: found {len(others)} spare images of other classes, expected {len(out)}. Give more."
        )
    return torch.cat([clean.images[stays], others[: len(out)]])


def shift_class_shares(clean: CleanImages, strength: float, rng: Generator) -> Tensor:
    """Replace images by spare ones of one class, which is drawn, until it is so many times as frequent.

    Without spare images, some of the other classes are left out in their place.

    Args:
        clean: The images, and what damage is done with.
        strength: How many times as frequent the class is; less if there are too few spare images.
        rng: Random numbers.

    Returns:
        The samples, (m, c, h, w) uint8.

    Raises:
        BadInput: If there are no labels.
    """
    if clean.labels is None:
        raise BadInput("other shares: found images without labels, expected labels. Give them.")
    occurring = torch.unique(clean.labels)
    chosen = occurring[int(rng.integers(len(occurring)))]
    others = torch.nonzero(clean.labels != chosen)[:, 0]
    if clean.spare is None or clean.spare_labels is None:
        out = others[_choose_share(len(others), 1 - 1 / strength, rng)]
        stays = torch.ones(len(clean.images), dtype=torch.bool)
        stays[out] = False
        return clean.images[stays]
    spare = clean.spare[clean.spare_labels == chosen]
    wanted = round((strength - 1) * int((clean.labels == chosen).sum()))
    count = min(wanted, len(spare), len(others))
    damaged, order = clean.images.clone(), torch.from_numpy(rng.permutation(len(others)))
    damaged[others[order[:count]]] = spare[:count]
    return damaged


def copy_training_images(clean: CleanImages, strength: float, rng: Generator) -> Tensor:
    """Replace a share of the samples by training images, none of them twice.

    Args:
        clean: The images, and what damage is done with.
        strength: Share of the samples.
        rng: Random numbers.

    Returns:
        The samples, (m, c, h, w) uint8.
    """
    damaged, chosen = clean.images.clone(), _choose_share(len(clean.images), strength, rng)
    damaged[chosen] = clean.train[torch.from_numpy(rng.permutation(len(clean.train))[: len(chosen)])]
    return damaged


def repeat_samples(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """Replace a share of the samples by others of them, none of which is taken twice.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Share of the samples; more than a half counts as a half.
        rng: Random numbers.

    Returns:
        The damaged images, of the same shape.
    """
    order = torch.from_numpy(rng.permutation(len(images)))
    count = round(min(strength, 0.5) * len(images))
    damaged = images.clone()
    damaged[order[:count]] = images[order[len(images) - count :]]
    return damaged


def repeat_few_originals(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """Draw as many samples from a few of them, each with new noise of JITTER.

    Args:
        images: Images, (n, c, h, w) uint8.
        strength: Number of originals, as a share of the samples.
        rng: Random numbers.

    Returns:
        The damaged images, of the same shape.
    """
    n = len(images)
    originals = rng.permutation(n)[: max(1, round(strength * n))]
    return add_noise(images[torch.from_numpy(rng.choice(originals, n))], JITTER, rng)


DAMAGES: dict[str, Damage] = {
    "blur": Damage(lambda clean, s, rng: blur(clean.images, s), (0.3, 0.5, 0.7, 1.0), "deviation, pixels"),
    "noise": Damage(
        lambda clean, s, rng: add_noise(clean.images, s, rng), (JITTER, 0.02, 0.05, 0.1), "deviation / 255"
    ),
    "dimmed": Damage(lambda clean, s, rng: dim(clean.images, s), (0.02, 0.05, 0.1, 0.2), "share of the light"),
    "brighter": Damage(lambda clean, s, rng: brighten(clean.images, s), (1, 2, 4), "levels of 255"),
    "mirrored": Damage(lambda clean, s, rng: mirror_share(clean.images, s, rng), (0.1, 0.25, 0.5), "share of samples"),
    "JPEG": Damage(lambda clean, s, rng: compress_jpeg(clean.images, s), (95, 75, 50, 20), "quality"),
    "shift": Damage(lambda clean, s, rng: shift_right(clean.images, s), (1, 2, 3), "pixels"),
    "negatives": Damage(
        lambda clean, s, rng: invert_share(clean.images, s, rng), (0.005, 0.01, 0.05, 0.2), "share of samples"
    ),
    "class lost": Damage(leave_class_out, (0.25, 0.5, 0.75, 1.0), "share of the class", needs_labels=True),
    "other shares": Damage(shift_class_shares, (1.1, 1.2), "times a class", needs_labels=True),
    "few originals": Damage(
        lambda clean, s, rng: repeat_few_originals(clean.images, s, rng), (0.5, 0.2, 0.1, 0.02), "originals / samples"
    ),
    "duplicates": Damage(
        lambda clean, s, rng: repeat_samples(clean.images, s, rng), (0.01, 0.02, 0.05, 0.1, 0.2), "share of samples"
    ),
    "training copies": Damage(copy_training_images, (0.01, 0.02, 0.05, 0.1, 0.2), "share of samples"),
}


def _choose_share(n: int, share: float, rng: Generator) -> Tensor:
    """Choose a share of n, at least one; what a smaller share chooses is among what a larger one does."""
    return torch.from_numpy(rng.permutation(n)[: max(1, round(share * n))])


def _round_to_bytes(levels: Tensor) -> Tensor:
    return levels.round_().clamp_(0, 255).to(torch.uint8)


def _jpeg(
    pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", quality: float
) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Pass (h, w) or (h, w, 3) bytes through JPEG."""
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=int(quality))
        with Image.open(file) as image:
            return np.asarray(image).copy()
