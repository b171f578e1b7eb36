"""Known damage: what is done to real images on purpose, to see which measures notice it.

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
class Clean:
    """Real images that stand for samples, and what damage can be done with.

    images: (n, c, h, w) uint8, seen by nobody. train: (m, c, h, w) uint8, those that a generator would have learnt.
    labels: (n,) int64 of the images, or None. spare: (k, c, h, w), more images seen by nobody, which take the place of
    those that are left out; with None there are fewer. spare_labels: (k,) int64.
    """

    images: Tensor
    train: Tensor
    labels: Tensor | None = None
    spare: Tensor | None = None
    spare_labels: Tensor | None = None


Act = Callable[[Clean, float, Generator], Tensor]
"""(clean, strength, random numbers) -> damaged samples, (n, c, h, w) uint8; `clean` is left as it is."""


@dataclass(frozen=True)
class Damage:
    """A row of DAMAGES.

    act: what is done. strengths: from the weakest to the strongest. unit: what a strength is. needs_labels: whether it
    asks for the classes of images.
    """

    act: Act
    strengths: tuple[float, ...]
    unit: str
    needs_labels: bool = False


def blur(images: Tensor, strength: float) -> Tensor:
    """Images convolved with a Gaussian of that standard deviation in pixels; beyond the edge goes on what is there."""
    soft = ndimage.gaussian_filter(images.numpy().astype(np.float32), (0, 0, strength, strength), mode="nearest")
    return _bytes(torch.from_numpy(soft))


def noisy(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """Images plus independent normal noise, its standard deviation a share of the range of 255; cut to 0 .. 255."""
    noise = rng.standard_normal(tuple(images.shape), dtype=np.float32)
    return _bytes(images.float() + 255 * strength * torch.from_numpy(noise))


def dim(images: Tensor, strength: float) -> Tensor:
    """Images times (1 - strength)."""
    return _bytes(images.float() * (1 - strength))


def shift(images: Tensor, strength: float) -> Tensor:
    """Images moved to the right by whole pixels, strength of them; the first column fills what is left free."""
    width = images.shape[3]
    return images[..., (torch.arange(width) - int(strength)).clamp(min=0)]


def compress_jpeg(images: Tensor, strength: float) -> Tensor:
    """Images written as JPEG of that quality and read again; what has not three channels goes channel by channel."""
    if images.shape[1] == 3:
        pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
        return torch.from_numpy(np.stack([_jpeg(one, strength) for one in pixels])).permute(0, 3, 1, 2).contiguous()
    flat = images.flatten(0, 1).numpy()
    return torch.from_numpy(np.stack([_jpeg(one, strength) for one in flat])).view_as(images)


def invert_share(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """A share of the images as negatives, 255 - x: outliers among good samples."""
    chosen = _some(len(images), strength, rng)
    damaged = images.clone()
    damaged[chosen] = 255 - damaged[chosen]
    return damaged


def class_left_out(clean: Clean, strength: float, rng: Generator) -> Tensor:
    """A share of one class's images left out, the class drawn; spare images of the others take their place.

    Raises BadInput where there are no labels, or too few spare images.
    """
    if clean.labels is None:
        raise BadInput("a class left out: found images without labels, expected some. Give labels.")
    occurring = torch.unique(clean.labels)
    chosen = occurring[int(rng.integers(len(occurring)))]
    members = torch.nonzero(clean.labels == chosen)[:, 0]
    out = members[_some(len(members), strength, rng)]
    kept = torch.ones(len(clean.images), dtype=torch.bool)
    kept[out] = False
    if clean.spare is None or clean.spare_labels is None:
        return clean.images[kept]
    others = clean.spare[clean.spare_labels != chosen]
    if len(others) < len(out):
        raise BadInput(f"a class left out: found {len(others)} spare images of others, expected {len(out)}. Give more.")
    return torch.cat([clean.images[kept], others[: len(out)]])


def train_copied(clean: Clean, strength: float, rng: Generator) -> Tensor:
    """A share of the samples replaced by training images, no one of them twice."""
    damaged, chosen = clean.images.clone(), _some(len(clean.images), strength, rng)
    damaged[chosen] = clean.train[torch.from_numpy(rng.permutation(len(clean.train))[: len(chosen)])]
    return damaged


def repeat_samples(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """A share of the samples, at most a half, replaced by others of them, no one of which is taken twice."""
    order = torch.from_numpy(rng.permutation(len(images)))
    count = round(min(strength, 0.5) * len(images))
    damaged = images.clone()
    damaged[order[:count]] = images[order[len(images) - count :]]
    return damaged


def few_originals(images: Tensor, strength: float, rng: Generator) -> Tensor:
    """As many samples as before made of few of them, a share of all, each with new noise of JITTER."""
    n = len(images)
    originals = rng.permutation(n)[: max(1, round(strength * n))]
    return noisy(images[torch.from_numpy(rng.choice(originals, n))], JITTER, rng)


DAMAGES: dict[str, Damage] = {
    "blur": Damage(lambda clean, s, rng: blur(clean.images, s), (0.3, 0.5, 0.7, 1.0), "deviation, pixels"),
    "noise": Damage(lambda clean, s, rng: noisy(clean.images, s, rng), (JITTER, 0.02, 0.05, 0.1), "deviation / 255"),
    "dimmed": Damage(lambda clean, s, rng: dim(clean.images, s), (0.02, 0.05, 0.1, 0.2), "share of the light"),
    "JPEG": Damage(lambda clean, s, rng: compress_jpeg(clean.images, s), (95, 75, 50, 20), "quality"),
    "shift": Damage(lambda clean, s, rng: shift(clean.images, s), (1, 2, 3), "pixels"),
    "negatives": Damage(
        lambda clean, s, rng: invert_share(clean.images, s, rng), (0.005, 0.01, 0.05, 0.2), "share of samples"
    ),
    "class lost": Damage(class_left_out, (0.25, 0.5, 0.75, 1.0), "share of the class", needs_labels=True),
    "few originals": Damage(
        lambda clean, s, rng: few_originals(clean.images, s, rng), (0.5, 0.2, 0.1, 0.02), "originals / samples"
    ),
    "duplicates": Damage(
        lambda clean, s, rng: repeat_samples(clean.images, s, rng), (0.01, 0.02, 0.05, 0.1, 0.2), "share of samples"
    ),
    "training copies": Damage(train_copied, (0.01, 0.02, 0.05, 0.1, 0.2), "share of samples"),
}


def _some(n: int, share: float, rng: Generator) -> Tensor:
    """Which of n are chosen: that share of them, at least one; of two shares the smaller's are among the larger's."""
    return torch.from_numpy(rng.permutation(n)[: max(1, round(share * n))])


def _bytes(levels: Tensor) -> Tensor:
    return levels.round_().clamp_(0, 255).to(torch.uint8)


def _jpeg(
    pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", quality: float
) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """(h, w) or (h, w, 3) bytes through JPEG."""
    with io.BytesIO() as held:
        Image.fromarray(pixels).save(held, "JPEG", quality=int(quality))
        with Image.open(held) as image:
            return np.asarray(image).copy()
