"""Small patches of images at every scale of their Laplacian pyramid.

P. Burt and E. Adelson, The Laplacian pyramid as a compact image code, 1983. The sizes and counts are those of T. Karras
et al., Progressive growing of GANs, 2018, section 5.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

PATCH = 7
"""Pixels of a side of a patch."""

TAPS = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""Burt and Adelson's smoothing along one axis."""

BLOCK = 256
"""Images whose pyramids are in memory at once."""


def pyramid_sizes(height: int, width: int, smallest: int) -> list[tuple[int, int]]:
    """List the sizes of the pyramid's levels, the finest first.

    Each level has half the size of the one before, rounded up.

    Args:
        height: Pixels of the images.
        width: Pixels of the images.
        smallest: No side falls below so many pixels.

    Returns:
        (height, width) of each level.

    Example:
        >>> pyramid_sizes(64, 64, 16), pyramid_sizes(28, 28, 7), pyramid_sizes(8, 8, 16)
        ([(64, 64), (32, 32), (16, 16)], [(28, 28), (14, 14), (7, 7)], [(8, 8)])
    """
    found = [(height, width)]
    while min(found[-1]) > 1 and -(-min(found[-1]) // 2) >= smallest:
        found.append((-(-found[-1][0] // 2), -(-found[-1][1] // 2)))
    return found


def build_pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """Build the Laplacian pyramid: each level less the next one scaled up, and the last level as it is.

    Args:
        images: Images, (n, c, h, w).
        levels: Number of levels.

    Returns:
        The levels, the finest first.
    """
    pyramid = [images]
    for _ in range(levels - 1):
        fine = pyramid.pop()
        coarse = _smooth(_smooth(fine, 2), 3)[..., ::2, ::2]
        spaced = torch.zeros_like(fine)
        spaced[..., ::2, ::2] = coarse
        pyramid += [fine - 4 * _smooth(_smooth(spaced, 2), 3), coarse]
    return pyramid


def draw_patches(
    images: Tensor, levels: Sequence[tuple[int, int]], count: int, generator: torch.Generator
) -> list[Tensor]:
    """Draw patches of every image at every level, at places drawn evenly.

    The places are drawn before the images are split into blocks, which then changes nothing.

    Args:
        images: Images, (n, c, h, w).
        levels: Sizes of the levels, as `pyramid_sizes` lists them.
        count: Patches of one image at one level.
        generator: Random numbers of the places.

    Returns:
        For each level the patches, (n, count, c, PATCH, PATCH) float32.
    """
    n = len(images)
    rows, columns = (
        [torch.randint(size[axis] - PATCH + 1, (n, count), generator=generator) for size in levels] for axis in (0, 1)
    )
    found: list[list[Tensor]] = [[] for _ in levels]
    for start in range(0, n, BLOCK):
        part = slice(start, start + BLOCK)
        for k, level in enumerate(build_pyramid(images[part].float(), len(levels))):
            windows = level.unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # (b, c, rows, columns, PATCH, PATCH)
            which = torch.arange(len(level))[:, None]
            found[k].append(windows[which, :, rows[k][part], columns[k][part]])
    return [torch.cat(blocks) for blocks in found]


def _smooth(images: Tensor, axis: int) -> Tensor:
    """Smooth by TAPS along an axis of 3 or more pixels; images are mirrored about the last pixel of an edge."""
    n = images.shape[axis]
    places = torch.arange(-2, n + 2, device=images.device).abs()
    wide = images.index_select(axis, n - 1 - (n - 1 - places).abs())
    smooth = TAPS[0] * wide.narrow(axis, 0, n)
    for k, tap in enumerate(TAPS[1:], 1):
        smooth += tap * wide.narrow(axis, k, n)
    return smooth
