"""Spectra of images by spatial frequency, in which upsampling layers leave traces that the eye misses.

    S(k) = mean over images of log P(k),   P(k) = mean over |f| rounding to k, and channels, of |F(f)|^2 / (h w)

R. Durall, M. Keuper and J. Keuper, Watch your up-convolution, 2020, eq. 3 to 6. That generators cannot match the
spectrum of photographs is mostly due to their last layer: K. Chandrasegaran, N.-T. Tran and N.-M. Cheung, A closer
look at Fourier spectrum discrepancies, 2021.
"""

import math

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.metrics.kernel import score_interval
from advnets.statistics.arrays import Array, flatten
from advnets.statistics.estimate import Estimate, Note
from advnets.statistics.heavy_tails import mean_degrees, reach
from advnets.statistics.permutation import permutation_p_value, permuted_statistics

BLOCK = 512
"""Images whose transforms are in memory at once."""

FAINTEST_POWER = 1 / (12 * 255**2)
"""Power of the rounding of pixels to bytes; a lower power is raised to it.

A lower power could not be seen in stored images, and 0 has no logarithm.
"""

HALVINGS = 32
"""Halvings of the real images that the floor averages over."""


def log_powers(images: Array, name: str = "images", *, block: int = BLOCK) -> Tensor:
    """Compute the log power of each image at each frequency, log max(P(k), `FAINTEST_POWER`).

    k is in cycles over the shorter side. k = 0 is the brightness. The last frequencies are the corners, 1.41 times as
    high as the highest along an axis, where a checkerboard lies.

    Args:
        images: Images, (n, c, h, w) or (n, h, w), h and w of 4 or more; bytes, or floats in [0, 1] or [-1, 1].
        name: What an error calls the images.
        block: Images of one transform; it changes the speed, not the result.

    Returns:
        Log powers, (n, K) float64, in nats.

    Raises:
        BadInput: If a shape or a value is wrong.
    """
    shape = tuple(images.shape)
    if len(shape) not in (3, 4) or min(shape[-2:]) < 4:
        raise BadInput(f"{name}: found shape {shape}, expected images (n, c, h, w) or (n, h, w) of 4 pixels or more.")
    pixels = flatten(images, name)
    unit = 1.0 if pixels.is_floating_point() else 255.0
    if float(pixels.min()) / unit < -1.01 or float(pixels.max()) / unit > 1.01:
        found = f"found values from {float(pixels.min()):.4g} to {float(pixels.max()):.4g}"
        raise BadInput(f"{name}: {found}, expected bytes, or floats in [0, 1] or [-1, 1]. Scale them.")
    height, width = shape[-2:]
    ring = _ring_of_each(height, width).to(pixels.device)
    counts = torch.bincount(ring)
    rows = []
    for start in range(0, len(pixels), block):
        part = pixels[start : start + block]
        planes = part.double().reshape(len(part), -1, height, width) / unit
        power = (torch.fft.fft2(planes).abs().square().mean(1) / (height * width)).flatten(1)
        sums = power.new_zeros(len(part), len(counts)).index_add_(1, ring, power)
        rows.append((sums / counts).clamp(min=FAINTEST_POWER).log())
    return torch.cat(rows)


def radial_spectrum(images: Array) -> Tensor:
    """Average the log power of images at each frequency, S(k).

    R. Durall et al., Watch your up-convolution, 2020, eq. 3 to 6, without the division by S(0).

    Args:
        images: Images, as in `log_powers`, which says what k is.

    Returns:
        The spectrum, (K,) float64, in nats.

    Raises:
        BadInput: As `log_powers` does.
    """
    return log_powers(images).mean(0)


def spectrum_distance(
    samples: Array, real: Array, *, seed: int = 0, permutations: int = 999, block: int = BLOCK
) -> Estimate:
    """Compute how far the spectrum of samples is from that of real images, relative to how the latter varies with k.

        |S_x - S_y| / |S_y - mean_k S_y|,   norms over k > 0

    R. Durall et al., 2020, with a denominator that stays the same whatever the images are multiplied by.

    The error is the delta method's over images of both sides: of S_x along e and of S_y along e + r f, where e is the
    direction of S_x - S_y, r the distance and f the direction of S_y - mean_k S_y, by which real images move the
    denominator too. The norm is biased upwards, for E |S_x - S_y|^2 is the trace of its covariance above the truth. So
    the interval is that of the square without it, `score_interval`, whose root is taken, and 0 where it is below 0. Its
    upper end allows for the direction of the largest variance: images of other contrast move all frequencies at once,
    which may have hidden a part of the distance. (The bootstrap of a norm that is biased upwards misses a distance of 0
    too often.)

    Args:
        samples: Images, (m, ...), as in `log_powers`, 4 or more.
        real: Real images, (n, ...), 4 or more, of the same size and unit.
        seed: Seed of the permutations and of the floor's halves.
        permutations: Permutations of the images over both sides, for the p-value, 19 or more.
        block: Images of one transform; it changes the speed, not the result.

    Returns:
        The distance. Its p-value is one-sided, of |S_x - S_y|, and valid at every size. Its floor is the mean of 32
        random halvings of the real images, times sqrt((1/m + 1/n) / (1/h + 1/h')). Its notes hold `worst`, the
        frequency where the spectra differ most, in cycles over the shorter side; `log_ratio`, S_x - S_y there, in nats;
        `frequencies`, `m`, `n`, `permutations`, `seed`.

    Raises:
        BadInput: If a shape or a value is wrong, the images are of different scales, or the real spectrum is flat.
    """
    x, y = _paired_spectra(samples, real, block)
    m, n = len(x), len(y)
    difference, spread = x.mean(0) - y.mean(0), float((y.mean(0) - y.mean()).norm())
    if spread < 1e-9:
        raise BadInput("real: found a spectrum that is flat, expected power that varies with frequency. Give images.")
    length, error, interval = _norm_with_error(x, y)
    floor = _spectra_of_halves(y, np.random.default_rng([seed, 1])) * math.sqrt(1 / m + 1 / n)
    pooled = torch.cat([x, y]) - torch.cat([x, y]).mean(0)

    def lengths(labels: Tensor) -> Tensor:
        # The pooled mean is 0, so that the means of both sides are multiples of one sum.
        sums: Tensor = (pooled.T @ labels.to(pooled)).norm(dim=0)
        return sums * (1 / m + 1 / n)

    p = permutation_p_value(permuted_statistics(lengths, m, n, permutations=permutations, seed=seed))
    worst = int(difference.abs().argmax())
    notes: dict[str, Note] = {"worst": worst + 1, "log_ratio": float(difference[worst]), "frequencies": x.shape[1]}
    notes |= {"m": m, "n": n, "permutations": permutations, "seed": seed}
    low, high = (end / spread for end in interval)
    return Estimate(length / spread, error / spread, floor / spread, notes, (low, high), p_value=p)


def _norm_with_error(x: Tensor, y: Tensor) -> tuple[float, float, tuple[float, float]]:
    """|S_x - S_y|, its error and a 95 % interval of its expectation, as if the denominator's luck were its own."""
    mean = y.mean(0)
    difference, shape = x.mean(0) - mean, mean - mean.mean()
    covariance = x.T.cov() / len(x) + y.T.cov() / len(y)
    square = float(difference.square().sum())
    of_x = x @ difference
    of_y = -(y @ (difference + square / float(shape.square().sum()) * shape))
    along = sum(float(each.var()) / len(each) for each in (of_x, of_y))
    second = 2 * float(covariance.square().sum())
    ends = score_interval(
        square - float(covariance.trace()),
        max(4 * along - 2 * second, 0.0),
        second,
        reach(1.0, mean_degrees(of_x, of_y)),
        steepest=4 * float(torch.linalg.eigvalsh(covariance)[-1]),
    )
    error = math.sqrt(along / square) if square > 0 else math.sqrt(float(covariance.trace()))
    return math.sqrt(square), error, (math.sqrt(max(ends[0], 0.0)), math.sqrt(max(ends[1], 0.0)))


def _paired_spectra(samples: Array, real: Array, block: int) -> tuple[Tensor, Tensor]:
    """Log powers of both sides without the brightness, on the real side's device, or BadInput."""
    x, y = log_powers(samples, "samples", block=block), log_powers(real, "real", block=block)
    if tuple(samples.shape[1:]) != tuple(real.shape[1:]):
        found = f"images of {tuple(samples.shape[1:])} and {tuple(real.shape[1:])}"
        raise BadInput(f"samples and real: found {found}, expected one size. Bring both to it.")
    below = [bool((flatten(z, "images") < -0.01).any()) for z in (samples, real)]
    if below[0] != below[1]:
        raise BadInput(
            "samples and real: found [-1, 1] on one side and [0, 1] on the other, expected one scale. Scale one."
        )
    for name, z in (("samples", x), ("real", y)):
        if len(z) < 4:
            raise BadInput(f"{name}: found {len(z)} images, expected 4 or more. Give more.")
    return x[:, 1:].to(y.device), y[:, 1:]


def _ring_of_each(height: int, width: int) -> Tensor:
    """The frequency of every term of a transform, (height width,), in cycles over the shorter side, rounded."""
    f_y, f_x = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.fftfreq(width, dtype=torch.float64)
    radius = torch.hypot(f_y[:, None].expand(height, width), f_x.expand(height, width)) * min(height, width)
    # A hair inward: rounding must not decide where a half falls.
    return (radius + 0.5 - 1e-9).floor().long().flatten()


def _spectra_of_halves(rows: Tensor, rng: np.random.Generator) -> float:
    """The mean distance of random halves' means, for 1/m + 1/n = 1."""
    n, half = len(rows), len(rows) // 2
    masks = torch.from_numpy(rng.permuted(np.tile(np.arange(n) < half, (HALVINGS, 1)), axis=1)).to(rows)
    first, second = masks @ rows / half, (1 - masks) @ rows / (n - half)
    return float((first - second).norm(dim=1).mean()) / math.sqrt(1 / half + 1 / (n - half))
