"""Maps of images that random numbers choose, differentiable in the image.

Images x are (batch, c, h, w). u are numbers of U[0, 1), a row for each image, which say how it is changed. So a map is
a pure function of x and u, and two calls with the same u see the same. Each is linear or affine in x, so that penalties
can differentiate through it twice.

Sizes and strengths are those of Zhao, Liu, Lin, Zhu, Han, Differentiable augmentation for data-efficient GAN training,
2020, section 4, for values in [-1, 1], where 0 is mid-grey. With values in [0, 1] (the transform `unit`) what flows in
is black, and a brightness of 1/2 is half of the range in place of a quarter.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["AUGMENTATIONS", "ImageMap", "colour", "cutout", "mirror", "translation"]


class ImageMap(NamedTuple):
    """A row of AUGMENTATIONS.

    Attributes:
        numbers: k, random numbers that each image takes.
        apply: x (batch, c, h, w) and u (batch, k), each in [0, 1) -> the changed images, of the shape of x.
    """

    numbers: int
    apply: Callable[[Tensor, Tensor], Tensor]


def mirror(x: Tensor, u: Tensor) -> Tensor:
    """Return each image with left and right exchanged where u < 1/2.

    Args:
        x: Images, (batch, c, h, w).
        u: (batch, 1).

    Returns:
        (batch, c, h, w).
    """
    return torch.where(u.view(-1, 1, 1, 1) < 0.5, x.flip(3), x)


def translation(x: Tensor, u: Tensor) -> Tensor:
    """Return each image moved by whole pixels, up to an eighth of each side; zeros flow in.

        y[i, j] = x[i - dy, j - dx],        dy ~ U{-m, ..., m}, m = h/8 rounded; dx alike

    Args:
        x: Images, (batch, c, h, w).
        u: (batch, 2): down, and to the right.

    Returns:
        (batch, c, h, w).
    """
    (rows, has_row), (columns, has_column) = (_moved_places(size, u[:, axis]) for axis, size in enumerate(x.shape[2:]))
    places = (rows[:, :, None] * x.shape[3] + columns[:, None, :]).flatten(1)
    moved = x.flatten(2).gather(2, places[:, None].expand(-1, x.shape[1], -1)).view(x.shape)
    return moved * (has_row[:, None, :, None] & has_column[:, None, None, :])


def cutout(x: Tensor, u: Tensor) -> Tensor:
    """Return each image with zeros in a rectangle of half its height and width; its centre is uniform on the image.

    What of the rectangle lies outside of the image is lost, so that at least a quarter of it is inside.

    Args:
        x: Images, (batch, c, h, w).
        u: (batch, 2): the centre, from the top and from the left.

    Returns:
        (batch, c, h, w).
    """
    in_row, in_column = (_cut_places(size, u[:, axis]) for axis, size in enumerate(x.shape[2:]))
    return x * ~(in_row[:, None, :, None] & in_column[:, None, None, :])


def colour(x: Tensor, u: Tensor) -> Tensor:
    """Return each image with other brightness, then saturation, then contrast.

        x + b,                        b ~ U[-1/2, 1/2)
        m_c + s (x - m_c),            s ~ U[0, 2),      m_c: mean of the channels at each pixel
        m + t (x - m),                t ~ U[1/2, 3/2),  m: mean of the image

    With one channel saturation changes nothing. Values may leave the range of the data.

    Args:
        x: Images, (batch, c, h, w).
        u: (batch, 3): brightness, saturation, contrast.

    Returns:
        (batch, c, h, w).
    """
    b, s, t = (number.view(-1, 1, 1, 1) for number in u.unbind(1))
    x = x + (b - 0.5)
    if x.shape[1] > 1:
        grey = x.mean(1, keepdim=True)
        x = grey + 2 * s * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    return mean + (t + 0.5) * (x - mean)


def _moved_places(size: int, u: Tensor) -> tuple[Tensor, Tensor]:
    """Where each place of a moved side comes from, (batch, size), and whether it lies in the image."""
    most = int(size / 8 + 0.5)
    moved = (u * (2 * most + 1)).long().clamp(max=2 * most) - most
    places = torch.arange(size, device=u.device) - moved[:, None]
    return places.clamp(0, size - 1), (places >= 0) & (places < size)


def _cut_places(size: int, u: Tensor) -> Tensor:
    """Which places of a side are cut out, (batch, size)."""
    length = int(size / 2 + 0.5)
    first = (u * (size + 1 - length % 2)).long().clamp(max=size - length % 2) - length // 2
    places = torch.arange(size, device=u.device) - first[:, None]
    return (places >= 0) & (places < length)


AUGMENTATIONS: dict[str, ImageMap] = {
    "mirror": ImageMap(1, mirror),
    "translation": ImageMap(2, translation),
    "cutout": ImageMap(2, cutout),
    "colour": ImageMap(3, colour),
}
