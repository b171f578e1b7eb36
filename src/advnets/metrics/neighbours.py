"""Nearest neighbours across sets: how much of the real data samples cover, and how near to it they lie."""

import math

import torch

from advnets.errors import BadInput
from advnets.statistics.arrays import Array
from advnets.statistics.ball_counts import BallCounts, count_in_balls
from advnets.statistics.distances import BLOCK, find_nearest, find_nearest_others, flatten_pair
from advnets.statistics.estimate import Estimate, Note, share_error


def coverage(samples: Array, real: Array, *, k: int = 5, block: tuple[int, int] = BLOCK) -> Estimate:
    """Compute the share of real points that have a sample nearer than their k-th nearest other real point.

        coverage = 1/n sum_i 1[min_j |x_i - y_j| < NND_k(x_i)]

    M. Naeem et al., Reliable fidelity and diversity metrics for generative models, 2020, eq. 9. It is not to be
    confused with recall, whose balls stand on samples: an outlier among samples widens recall, not coverage. A point
    with k copies of itself has no ball and cannot be covered. Rounding errors cannot change the value.

    Args:
        samples: Features y_j of m samples, (m, ...).
        real: Features x_i of n real points, (n, ...), n > k.
        k: Which neighbour a ball reaches to.
        block: Rows and columns of one product; it changes the speed, not the result.

    Returns:
        The share. Its floor is `expected_coverage`, the exact mean over draws of both sides for m samples that are
        real. Its error is over both sides too: the jackknife's over samples, an upper estimate of what their draw adds
        (B. Efron and C. Stein, 1981), in which so few real points count twice; or `share_error` over real points if
        that is larger, as where nearly all points are covered often. It is 1.2 to 1.7 times the spread of draws for 20
        to 250 of both. Its notes hold `n`, `m`, `k`.

    Raises:
        BadInput: If a shape or a value is wrong, or k is not in 1 .. n - 1.
    """
    y, x = flatten_pair(samples, real, "samples", "real")
    radii = find_nearest_others(x, k, block=block)[1][:, -1]
    return coverage_of_balls(count_in_balls(x, y, radii, block=block)[0], k)


def coverage_of_balls(around_real: BallCounts, k: int) -> Estimate:
    """Compute `coverage` from the counts of samples in balls.

    Args:
        around_real: Counts of samples in the balls around real points.
        k: Which neighbour the balls reach to.

    Returns:
        The estimate of `coverage`.
    """
    n, m = len(around_real.points_in_ball), len(around_real.balls_with_point)
    # Without sample j, the points go that it alone covers: a share u_j of all.
    alone = torch.bincount(around_real.single_point[around_real.points_in_ball == 1], minlength=m).double() / n
    of_samples = math.sqrt((m - 1) / m * float((alone - alone.mean()).square().sum()))
    count = int((around_real.points_in_ball > 0).sum())
    error = max(of_samples, share_error(count, n))
    return Estimate(count / n, error, floor=expected_coverage(n, m, k), notes={"n": n, "m": m, "k": k})


def nearness(samples: Array, held_out: Array, train: Array) -> Estimate:
    """Compare the mean distance of samples to their nearest training image with that of held-out images.

        sum_j min_i |y_j - t_i| / m  /  (sum_j min_i |x_j - t_i| / n)

    It is 1 if they are alike. Below 1, samples are copies of training images or blurred, for averages lie near
    everything. Above 1, they lie off the data.

    Args:
        samples: Samples y_j, (m, ...).
        held_out: Images x_j of the same source as the training images, (n, ...).
        train: Training images t_i. All three hold bytes, or all hold floats in one unit.

    Returns:
        The ratio. Its error is the delta method's, over samples and held-out images; its floor is 1. Its notes hold
        `samples` and `held_out`, the mean distances in the unit; `m`, `n`.

    Raises:
        BadInput: As `find_nearest` does, or if every held-out image is a training image.
    """
    near, usual = (find_nearest(images, train)[1].sqrt() for images in (samples, held_out))
    if not float(usual.mean()) > 0:
        raise BadInput("held_out: found copies of training images only, expected others. Give held-out images.")
    ratio = float(near.mean() / usual.mean())
    relative = [float(d.var(correction=0)) / (len(d) * max(float(d.mean()), 1e-12) ** 2) for d in (near, usual)]
    notes: dict[str, Note] = {"samples": float(near.mean()), "held_out": float(usual.mean())}
    return Estimate(ratio, ratio * math.sqrt(sum(relative)), 1.0, notes | {"m": len(near), "n": len(usual)})


def expected_coverage(n: int, m: int, k: int) -> float:
    """Compute the mean coverage of n real points by m others of the same distribution, whatever that is.

        1 - prod_(i < k) (n - 1 - i) / (m + n - 1 - i)

    A point is not covered if its k nearest of the m + n - 1 others are all real. The mean tends to 1 - 2^-k for m = n.

    Args:
        n: Number of real points.
        m: Number of samples.
        k: Which neighbour a ball reaches to.

    Returns:
        The mean coverage.

    Example:
        >>> round(expected_coverage(600, 600, 5), 4)
        0.9691
    """
    return 1 - math.prod((n - 1 - i) / (m + n - 1 - i) for i in range(k))
