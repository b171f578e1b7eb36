"""The Parzen window score of the 2014 table: how dense a Gaussian mixture around samples is at held-out points.

    log p(x) = logmeanexp_j(-|x - s_j|^2 / (2 sigma^2)) - d log(sigma sqrt(2 pi))

I. Goodfellow et al., Generative Adversarial Nets, 2014, section 5; O. Breuleux, Y. Bengio and P. Vincent, Quickly
generating representative samples from an RBM-derived process, 2011. It is not the likelihood of the model that made
the samples: L. Theis, A. van den Oord and M. Bethge, A note on the evaluation of generative models, 2016, section 4.3.
Samples too smooth to be real score above real images, so print `parzen_controls` beside every score.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite, unknown
from advnets.statistics.arrays import Array, expect_same_width, flatten, full_precision, squared_distances
from advnets.statistics.estimate import Estimate

Scores = Callable[[Sequence[float]], list[float]]
"""Bandwidths sigma -> mean log density of the selection points at each, nats."""

BLOCK = (2048, 2048)
"""Points and centres of one product.

It is small enough for 32 MiB of scratch memory, and so large that threads seldom wait for each other, which on a busy
machine costs more than the arithmetic.
"""

SMALLEST_EXPONENT = -80.0
"""A term below exp(-80) of the largest is raised to it.

Denormal numbers would make exp 8 times as slow, and 10^10 such terms move a log density by less than 1e-24 nats.
"""

MOST_CENTROIDS = 4000
"""Most centroids that the k-means control computes."""


@dataclass(frozen=True)
class BandwidthChoice:
    """How sigma is chosen on the selection points.

    Attributes:
        choose: Scores -> (sigma, edge), where edge says whether sigma is an end of the range that was searched.
        account: The rule in words, for a report.
    """

    choose: Callable[[Scores], tuple[float, bool]]
    account: str


def log_densities(
    points: Array,
    centres: Array,
    sigmas: Sequence[float],
    *,
    dtype: torch.dtype = torch.float32,
    block: tuple[int, int] = BLOCK,
) -> Tensor:
    """Compute log densities of points under equal Gaussian windows around centres, for every bandwidth in one pass.

        log p(x) = logmeanexp_j(-|x - s_j|^2 / (2 sigma^2)) - d log(sigma sqrt(2 pi))

    Args:
        points: Points x, (n, ...), flattened to d numbers a row.
        centres: Centres s_j, (m, ...), likewise, in the unit of the points.
        sigmas: Bandwidths sigma > 0, in that unit.
        dtype: Type of distances. float32 is within 1e-2 nats for images in [0, 1] and sigma >= .1; float64 takes twice
            the time.
        block: Points and centres of one product; it changes the speed, not the result.

    Returns:
        Log densities in nats, (len(sigmas), n) float64, on the centres' device.

    Raises:
        BadInput: If a shape, a value or a sigma is wrong.
    """
    x, s = flatten(points, "points"), flatten(centres, "centres")
    expect_same_width(x, s, "points and centres")
    if not all(math.isfinite(sigma) and sigma > 0 for sigma in sigmas) or len(sigmas) == 0:
        raise BadInput(f"sigmas: found {list(sigmas)}, expected one or more numbers above 0. Give bandwidths.")
    s = s.to(dtype)
    origin = s.mean(0)  # |x|^2 and |s|^2 about the mean are smaller, and so is what their cancellation loses
    x, s = x.to(s) - origin, s - origin
    s_norms = s.square().sum(1)
    height, width = min(block[0], len(x)), min(block[1], len(s))
    scratch = s.new_empty(2, height * width)
    with full_precision():
        rows = [
            _log_sums(x[start : start + height], s, s_norms, sigmas=sigmas, scratch=scratch)
            for start in range(0, len(x), height)
        ]
    ceilings = torch.tensor([ceiling(s.shape[1], sigma) for sigma in sigmas], dtype=torch.float64, device=s.device)
    return torch.cat(rows, 1) - math.log(len(s)) + ceilings[:, None]


def _log_sums(x: Tensor, s: Tensor, s_norms: Tensor, *, sigmas: Sequence[float], scratch: Tensor) -> Tensor:
    """logsumexp_j(-|x - s_j|^2 / (2 sigma^2)), (len(sigmas), b) float64, computed over blocks of centres.

    scratch: (2, b * c or more), for the distances and terms of a block; fresh memory would take twice the time.
    """
    x_norms, width = x.square().sum(1, keepdim=True), scratch.shape[1] // len(x)
    scales = torch.tensor([-0.5 / sigma**2 for sigma in sigmas], dtype=x.dtype, device=x.device)[:, None, None]
    # The largest term belongs to the nearest centre whatever sigma is, so that one running minimum serves them all.
    least = squared_distances(x, s[:1], x_norms, s_norms=s_norms[:1])
    sums = x.new_zeros(len(sigmas), len(x), 1)
    for start in range(0, len(s), width):
        part, norms = s[start : start + width], s_norms[start : start + width]
        distances, terms = scratch[:, : len(x) * len(part)].view(2, len(x), len(part))
        squared_distances(x, part, x_norms, s_norms=norms, out=distances)
        nearer = torch.minimum(least, distances.amin(1, keepdim=True))
        sums *= torch.exp(scales * (least - nearer))
        least = nearer
        distances -= least
        for total, scale in zip(sums, scales, strict=True):
            total += torch.mul(distances, scale, out=terms).clamp_(min=SMALLEST_EXPONENT).exp_().sum(1, keepdim=True)
    return (sums.double().log() + scales.double() * least.double()).squeeze(2)


def ceiling(dimension: int, sigma: float) -> float:
    """Compute the largest log density that any point can have, -d log(sigma sqrt(2 pi)).

    A point reaches it on a lone centre.

    Args:
        dimension: Number d of coordinates.
        sigma: Bandwidth.

    Returns:
        The largest log density, in nats.

    Example:
        >>> round(ceiling(784, 0.2))
        541
    """
    return -dimension * math.log(sigma * math.sqrt(2 * math.pi))


def grid_search(scores: Scores, grid: Sequence[float]) -> tuple[float, bool]:
    """Choose the sigma of a grid with the best score.

    Args:
        scores: Bandwidths -> their scores.
        grid: Bandwidths that are tried.

    Returns:
        The best sigma, and whether it is the first or the last of the grid.
    """
    best = int(np.argmax(scores(grid)))
    return grid[best], best in (0, len(grid) - 1)


def golden_section(scores: Scores, low: float, high: float, *, tolerance: float = 1e-3) -> tuple[float, bool]:
    """Search the sigma in [low, high] with the best score, for a score with one peak.

    J. Kiefer, Sequential minimax search for a maximum, 1953; here on log sigma, the natural scale of a bandwidth.

    Args:
        scores: Bandwidths -> their scores.
        low: Smallest sigma.
        high: Largest sigma.
        tolerance: Relative width of the last bracket, whose middle is the result.

    Returns:
        The best sigma, and whether the search ran into an end.
    """
    ratio = (math.sqrt(5) - 1) / 2
    a, b = math.log(low), math.log(high)

    def score(u: float) -> float:
        return scores([math.exp(u)])[0]

    c, d = b - ratio * (b - a), a + ratio * (b - a)
    at_c, at_d = score(c), score(d)
    while b - a > tolerance:
        if at_c >= at_d:
            b, d, at_d = d, c, at_c
            c = b - ratio * (b - a)
            at_c = score(c)
        else:
            a, c, at_c = c, d, at_d
            d = a + ratio * (b - a)
            at_d = score(d)
    return math.exp((a + b) / 2), a == math.log(low) or b == math.log(high)


PROTOCOLS = {
    "goodfellow2014": BandwidthChoice(
        lambda scores: grid_search(scores, [float(sigma) for sigma in np.logspace(-1, 0, 10)]),
        "the best of np.logspace(-1, 0, 10) by mean over the selection points",
    ),
    "optimal-sigma": BandwidthChoice(
        lambda scores: golden_section(scores, 0.05, 1.0),
        "golden section on the mean over the selection points between .05 and 1",
    ),
    "fixed-sigma": BandwidthChoice(
        lambda scores: (0.2, False), "sigma .2, as the released code of Deep GSN has it: nothing is chosen"
    ),
}


def parzen(points: Array, centres: Array, selection: Array, *, protocol: str = "goodfellow2014") -> Estimate:
    """Compute the mean Parzen log density of points, with sigma chosen on other points.

    Args:
        points: Test images, (n, ...) in [0, 1].
        centres: Samples of the model, (m, ...) in [0, 1]. The 2014 table has m = 10,000, and the score rises with m.
        selection: Validation images that choose sigma, (v, ...) in [0, 1]. All of them are used; the 2014 table takes
            the first 1,000.
        protocol: Key of `PROTOCOLS`.

    Returns:
        The mean in nats. Its error is std / sqrt(n) over the test points alone, as in the paper; it leaves out the draw
        of the centres. Its notes hold `sigma`, `edge`, `ceiling`, `n`, `n_centres`, `n_selection`, `dimension` and
        `protocol`.

    Raises:
        BadInput: If a shape, a value or the protocol is wrong.
        NonFinite: If the score is not a number.
    """
    if protocol not in PROTOCOLS:
        raise unknown("Parzen protocol", protocol, PROTOCOLS)
    x, s = _expect_unit_interval(points, "points"), _expect_unit_interval(centres, "centres")
    held_out = _expect_unit_interval(selection, "selection")
    sigma, edge = PROTOCOLS[protocol].choose(lambda sigmas: log_densities(held_out, s, sigmas).mean(1).tolist())
    values = log_densities(x, s, [sigma])[0]
    if not bool(torch.isfinite(values).all()):
        raise NonFinite(
            f"centres: found log densities at sigma {sigma:.4g} that are NaN or Inf, expected finite nats. Check them."
        )
    error = float(values.std(correction=0)) / math.sqrt(len(values))
    counts = {"n": len(x), "n_centres": len(s), "n_selection": len(held_out), "dimension": x.shape[1]}
    chosen = {"sigma": sigma, "edge": edge, "ceiling": ceiling(x.shape[1], sigma)}
    return Estimate(float(values.mean()), error, notes={**chosen, **counts, "protocol": protocol})


def _expect_unit_interval(array: Array, name: str) -> Tensor:
    """A tensor (n, d) float32 in [0, 1], or BadInput.

    Values a hundredth outside are accepted, another scale is not.
    """
    tensor = flatten(array, name)
    low, high = float(tensor.min()), float(tensor.max())
    if low < -0.01 or high > 1.01:
        found = f"found values from {low:.4g} to {high:.4g}"
        raise BadInput(f"{name}: {found}, expected [0, 1]. Divide bytes by 255, or map [-1, 1] by (x + 1) / 2.")
    return tensor.to(torch.float32)


def parzen_controls(
    train: Array, points: Array, selection: Array, *, n: int = 10_000, seed: int = 0, protocol: str = "goodfellow2014"
) -> dict[str, Estimate]:
    """Score three sets of centres that are made from the training images alone, as any model's samples are.

    "mean image" is one centre, the blurriest sample there is. "real images" are n training images drawn without
    replacement; a model that scores far above them is too smooth, not better. "k-means centroids" are
    min(n, `MOST_CENTROIDS`) averages of look-alikes. They beat real images (Theis et al., 2016, table 1), which shows
    that the score rewards blur.

    Args:
        train: Training images, (m, ...) in [0, 1].
        points: Test images, as in `parzen`.
        selection: Images that choose sigma, as in `parzen`.
        n: Number of centres that the model's score has. At most m are drawn; the note `n_centres` says how many.
        seed: Seed of the draw and of k-means.
        protocol: Key of `PROTOCOLS`, as in `parzen`.

    Returns:
        The three scores by name.

    Raises:
        BadInput: As `parzen` does, or if n < 1.
    """
    images = _expect_unit_interval(train, "train")
    if n < 1:
        raise BadInput(f"n: found {n}, expected 1 or more. Give the number of samples that the model's score has.")
    drawn = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:n]
    centres = {
        "mean image": images.mean(0, keepdim=True),
        "real images": images[drawn.to(images.device)],
        "k-means centroids": centroids(images, min(n, MOST_CENTROIDS), seed),
    }
    return {name: parzen(points, s, selection, protocol=protocol) for name, s in centres.items()}


def centroids(images: Tensor, k: int, seed: int) -> Tensor:
    """Compute at most k averages of look-alike images, by mini-batch k-means.

    D. Sculley, Web-scale k-means clustering, 2010.

    Args:
        images: Images, (m, d) in [0, 1].
        k: Number of averages; at most m are made.
        seed: Seed of k-means.

    Returns:
        The averages, (k, d) float32 in [0, 1].
    """
    from sklearn.cluster import MiniBatchKMeans  # it takes a second to import, and only this function needs it

    k = min(k, len(images))
    batch = max(4 * k, 1024)
    means = MiniBatchKMeans(k, batch_size=batch, max_iter=2, init="random", n_init=1, random_state=seed)
    means.fit(images.cpu().numpy())
    return torch.tensor(means.cluster_centers_, dtype=torch.float32, device=images.device).clamp_(0, 1)
