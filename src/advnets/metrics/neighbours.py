"""What lies near what: how much of the real data samples cover, and how near to it they lie."""

import math

import torch

from advnets.errors import BadInput
from advnets.statistics.arrays import Array
from advnets.statistics.ball_counts import BallCounts, count_in_balls
from advnets.statistics.distances import BLOCK, find_nearest, find_nearest_others, flatten_pair
from advnets.statistics.estimate import Estimate, Note, share_error


def coverage(samples: Array, real: Array, *, k: int = 5, block: tuple[int, int] = BLOCK) -> Estimate:
    """Share of real points x_i with a sample nearer than the k-th nearest other real point.

        coverage = 1/n sum_i 1[min_j |x_i - y_j| < NND_k(x_i)]

    M. Naeem et al., Reliable fidelity and diversity metrics for generative models, 2020, eq. 9. Not to be confused
    with recall, whose balls stand on samples: an outlier among samples widens recall, not coverage. A point with k
    copies of itself has no ball, and cannot be covered.
    samples: y_j, (m, ...) features; real: x_i, (n, ...), n > k. block: real points of one product; changes the speed,
    not the result.
    Its error is of both sides, as the floor is, the exact mean over draws of both for m samples that are real
    themselves, `expected_coverage`: the jackknife's over samples, an upper estimate of their luck (B. Efron and C.
    Stein, 1981), in which so few real points count twice; or if it is larger, as where nearly all are covered often,
    `share_error` over real points. It is 1.2 to 1.7 times the spread of draws for 20 to 250 of both. Rounding decides
    nothing. Notes: n, m, k.
    Raises BadInput for a bad shape or value, and for k out of 1 .. n - 1.
    """
    y, x = flatten_pair(samples, real, "samples", "real")
    radii = find_nearest_others(x, k, block=block)[1][:, -1]
    return coverage_of_balls(count_in_balls(x, y, radii, block=block)[0], k)


def coverage_of_balls(around_real: BallCounts, k: int) -> Estimate:
    """`coverage` of what the balls around real points hold of samples."""
    n, m = len(around_real.points_in_ball), len(around_real.balls_with_point)
    # Without sample j, the points go that it alone covers: a share u_j of all.
    alone = torch.bincount(around_real.single_point[around_real.points_in_ball == 1], minlength=m).double() / n
    of_samples = math.sqrt((m - 1) / m * float((alone - alone.mean()).square().sum()))
    count = int((around_real.points_in_ball > 0).sum())
    error = max(of_samples, share_error(count, n))
    return Estimate(count / n, error, floor=expected_coverage(n, m, k), notes={"n": n, "m": m, "k": k})


def nearness(samples: Array, held_out: Array, train: Array) -> Estimate:
    """Mean distance of samples to their nearest training image, over that of held-out images: 1 if they are alike.

        sum_j min_i |y_j - t_i| / m  /  (sum_j min_i |x_j - t_i| / n)

    Below 1 samples are copies of training images, or blurred: averages lie near everything. Above 1 they are off.
    samples: y_j, (m, ...); held_out: x_j, (n, ...), images of the same source as train; train: t_i; all bytes, or all
    floats in one unit. Its error is the delta method's, over samples and held-out images; the floor is 1.
    Notes: samples, held_out, the mean distances in the unit; m, n. Raises BadInput as `nearest` does, and where every
    held-out image is a training image.
    """
    near, usual = (find_nearest(images, train)[1].sqrt() for images in (samples, held_out))
    if not float(usual.mean()) > 0:
        raise BadInput("held_out: found copies of training images only, expected others. Give images held out.")
    ratio = float(near.mean() / usual.mean())
    relative = [float(d.var(correction=0)) / (len(d) * max(float(d.mean()), 1e-12) ** 2) for d in (near, usual)]
    notes: dict[str, Note] = {"samples": float(near.mean()), "held_out": float(usual.mean())}
    return Estimate(ratio, ratio * math.sqrt(sum(relative)), 1.0, notes | {"m": len(near), "n": len(usual)})


def expected_coverage(n: int, m: int, k: int) -> float:
    """Mean coverage of n real points by m others of the same distribution, whatever that is.

        1 - prod_(i < k) (n - 1 - i) / (m + n - 1 - i)

    For a point is left out if its k nearest of the m + n - 1 others are all real. Tends to 1 - 2^-k for m = n.

    >>> round(expected_coverage(600, 600, 5), 4)
    0.9691
    """
    return 1 - math.prod((n - 1 - i) / (m + n - 1 - i) for i in range(k))
