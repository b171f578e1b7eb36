"""The tone of images: brightness, contrast, the extreme levels, the shares of colours, and which side is which.

What a whole set is off by, as when it is written two levels too bright, or when half of it is mirrored, hardly moves
any image in the features of a network. It moves a mean over all images, which this measure compares.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.estimate import Estimate, Note
from advnets.statistics.permutation import permutation_p_value, permuted_statistics

GRID = 8
"""Columns and rows of the coarse picture whose sides are compared, at most."""

BLOCK = 1024
"""Images whose statistics are computed at once."""


def tone_distance(samples: Array, real: Array, *, seed: int = 0, permutations: int = 999) -> Estimate:
    """Compute how far the tone of samples is from that of real images, in deviations of an image.

        max_s |mean_x s - mean_y s| / deviation of s over all images

    s runs over the statistics of an image: of each channel its mean, its standard deviation, and the shares of pixels
    at the lowest and at the highest level; where there are three channels, the share of each in the sum; and the
    difference of the left and the right half of each row of a picture of at most GRID rows and columns, place by place.
    The last ones change their sign if an image is mirrored: where images know left from right, a set that is mirrored
    in part has others.

    The test permutes which of the images are samples (M. Dwass, Modified randomization tests for nonparametric
    hypotheses, 1957), for two statistics: the largest difference, and the root of the mean square of those of sides,
    which sees many small ones. The p-value is twice the smaller one (Bonferroni), and valid at every size. Data whose
    images are as often one way as the other do not show that some are mirrored.

    Args:
        samples: Images, (m, c, h, w), bytes, or floats of the real images' scale; 4 or more.
        real: Real images, (n, c, h, w), 4 or more.
        seed: Seed of the permutations.
        permutations: Number of permutations, 19 or more.

    Returns:
        The largest difference. Its floor is the mean of the permutations. Its notes hold `worst`, the name of that
        statistic; `apart`, by how much its mean is off, in its own unit; `brightness`, the difference of mean levels in
        the unit of the images, and `contrast`, that of their deviations; `sides`, the root of the mean square
        difference of sides; `p_levels` and `p_sides`, the p-values of both statistics; `m`, `n`, `permutations`,
        `seed`.

    Raises:
        BadInput: If a shape or a value is wrong, or no image has any tone but one.
    """
    x, y = (_tones(images, name) for images, name in ((samples, "samples"), (real, "real")))
    if tuple(samples.shape[1:]) != tuple(real.shape[1:]) or torch.is_tensor(samples) != torch.is_tensor(real):
        found = f"images of {tuple(samples.shape[1:])} and {tuple(real.shape[1:])}"
        raise BadInput(f"samples and real: found {found}, expected one size and kind. Bring both to it.")
    m, n, names = len(x), len(y), tone_names(int(samples.shape[1]), x.shape[1])
    both = torch.cat([x, y.to(x.device)])
    deviation = both.std(0)
    varies = deviation > 1e-9 * both.abs().amax(0).clamp(min=1e-9)
    if not bool(varies.any()):
        raise BadInput("samples and real: found images of one and the same tone, expected others. Give images.")
    scaled, kept = ((both - both.mean(0)) / deviation)[:, varies], [names[i] for i in varies.nonzero()[:, 0].tolist()]
    side = torch.tensor([name.startswith("side") for name in kept], device=x.device)

    def differences(labels: Tensor) -> Tensor:
        # All columns have the mean 0, so that the means of both sides are multiples of one sum.
        found = (scaled.T @ labels.to(scaled)) * (1 / m + 1 / n)
        sides = found[side].square().mean(0).sqrt() if bool(side.any()) else torch.zeros_like(found[0])
        return torch.stack([found.abs().amax(0), sides])

    levels, sides = permuted_statistics(differences, m, n, permutations=permutations, seed=seed)
    p_levels, p_sides = permutation_p_value(levels), permutation_p_value(sides)
    apart = x.mean(0) - y.mean(0).to(x.device)
    place = int((apart[varies] / deviation[varies]).abs().argmax())
    channels = int(samples.shape[1])
    notes: dict[str, Note] = {"worst": kept[place], "apart": float(apart[varies][place])}
    notes |= {"brightness": float(apart[:channels].mean())}
    notes |= {"contrast": float(apart[channels : 2 * channels].mean()), "sides": float(sides[0])}
    notes |= {"p_levels": p_levels, "p_sides": p_sides, "m": m, "n": n, "permutations": permutations, "seed": seed}
    p_value = min(1.0, 2 * min(p_levels, p_sides))
    return Estimate(float(levels[0]), None, float(levels[1:].mean()), notes, p_value=p_value)


def tone_names(channels: int, count: int) -> Sequence[str]:
    """The names of the statistics of an image.

    Args:
        channels: Channels of the images.
        count: Number of statistics.

    Returns:
        The names.
    """
    colours = ["red", "green", "blue"] if channels == 3 else [f"channel {number}" for number in range(channels)]
    kinds = ("mean", "deviation", "share of lowest level", "share of highest level")
    names = [f"{kind}, {colour}" for kind in kinds for colour in colours]
    names += [f"share of {colour}" for colour in colours] if channels == 3 else []
    return names + [f"side {number}" for number in range(count - len(names))]


def _tones(images: Array, name: str) -> Tensor:
    """The statistics of each image, (n, s) float64."""
    shape = tuple(images.shape)
    if len(shape) != 4 or len(images) < 4:
        raise BadInput(f"{name}: found shape {shape}, expected 4 images or more, (n, c, h, w). Give such.")
    pixels = flatten(images, name).reshape(shape)
    whole = not pixels.is_floating_point()
    low, high = (0.0, 255.0) if whole else (float(pixels.min()), float(pixels.max()))
    return torch.cat([_tones_of_part(part.double(), low, high) for part in torch.split(pixels, BLOCK)])


def _tones_of_part(part: Tensor, low: float, high: float) -> Tensor:
    planes = part.flatten(2)
    means = planes.mean(2)
    columns = [means, planes.std(2, correction=0)]
    columns += [(planes <= low).double().mean(2), (planes >= high).double().mean(2)]
    if part.shape[1] == 3:
        columns.append((means - low) / (means - low).sum(1, keepdim=True).clamp(min=1e-9))
    height, width = part.shape[2:]
    grid = (min(GRID, height), min(GRID, width // 2 * 2))
    if grid[1] >= 2:
        coarse = torch.nn.functional.adaptive_avg_pool2d(part.mean(1, keepdim=True), grid)[:, 0]
        left, right = coarse[..., : grid[1] // 2], coarse.flip(-1)[..., : grid[1] // 2]
        columns.append((left - right).flatten(1))
    return torch.cat(columns, 1)
