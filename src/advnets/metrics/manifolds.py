"""Precision, recall, density and coverage: how much of one set lies in balls around the points of the other.

A ball reaches to the k-th nearest other point of its centre's own set. Together the balls stand for the manifold that
the set was drawn from. The features decide what is near, so say with every number whose features they are.
"""

import math

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.metrics.neighbours import coverage_of_balls
from advnets.statistics.arrays import Array
from advnets.statistics.ball_counts import BallCounts, count_in_balls
from advnets.statistics.distances import BLOCK, find_nearest_others, flatten_pair
from advnets.statistics.estimate import Estimate, Note, share_error


def manifolds(
    samples: Array,
    real: Array,
    *,
    k: int = 5,
    strict: bool = True,
    held_out: Array | None = None,
    block: tuple[int, int] = BLOCK,
) -> dict[str, Estimate]:
    """Compute precision, recall, density and coverage in one pass over the distances.

        "precision" = 1/m sum_j 1[some i: |y_j - x_i| < r_i]
        "recall"    = 1/n sum_i 1[some j: |y_j - x_i| < s_j]
        "density"   = 1/(k m) sum_ij 1[|y_j - x_i| < r_i]
        "coverage"  = 1/n sum_i 1[some j: |y_j - x_i| < r_i]

    r_i and s_j are distances to the k-th nearest other point of the same set; a copy is another point.
    T. Kynkaanniemi et al., Improved precision and recall metric for assessing generative models, 2019, eqs. 1 and 2,
    have k = 3 and <=. M. Naeem et al., Reliable fidelity and diversity metrics for generative models, 2020, eqs. 4
    to 9, have k = 5 and <.

    The four errors cover different draws:

    - Precision: `share_error` over samples. It covers the draw of samples; the real points are taken as fixed.
    - Recall: over both sides. The balls depend on the draw of samples, so that the error is `share_error` over real
      points and the jackknife's over samples, less what the jackknife owes to so few real points. It is .9 to 1.3 times
      the spread of draws in 2 to 784 dimensions, where `share_error` alone is down to .4. It is None with m = k + 1.
    - Density: over both sides, the mean's over samples and the jackknife's over real points, with radii computed anew.
      In 2 dimensions it is up to twice too large, in 64 it is right. It is None with n = k + 1.
    - Coverage: over both sides, see `coverage`.

    Floors: for samples that are real, density has mean 1, and coverage has mean `expected_coverage`, whatever the
    distribution, exactly so without ties. Precision and recall have no such mean: between two draws of one Gaussian
    precision is .9 in 8 dimensions and .5 in 1,000. Their floors are the values of `held_out` in place of samples.

    Args:
        samples: Features y_j of m samples, (m, ...), m > k.
        real: Features x_i of n real points, (n, ...), n > k, of one scale with the samples.
        k: Which neighbour a ball reaches to.
        strict: Whether balls are open (<), as in 2020, or closed (<=), as in 2019. They differ where points are copies.
        held_out: Other real points, (h, ...), h > k, preferably m of them, for the floors of precision and recall; or
            None, for no such floors.
        block: Rows and columns of one product; it changes the speed, not the result.

    Returns:
        The four estimates by name. Their notes hold `n`, `m`, `k`, `strict`, and `empty balls`: how many centres have k
        copies of themselves. All balls of a collapsed generator are empty: open balls contain nothing, closed ones only
        the real points that equal them.

    Raises:
        BadInput: If a shape or a value is wrong, widths or scales differ, or k is not in 1 .. min(m, n, h) - 1.
    """
    y, x = flatten_pair(samples, real, "samples", "real")
    other = None if held_out is None else flatten_pair(held_out, real, "held_out", "real")[0].to(x.device)
    _expect_k(k, {"samples": y, "real": x, "held_out": other})
    near = _nearest_of_each(x, k, block)
    found = _shares_in_balls(y, x, near, k=k, strict=strict, block=block)
    if other is None:
        return found
    floors = _shares_in_balls(other, x, near, k=k, strict=strict, block=block)
    return found | {name: _with_floor(found[name], floors[name].value) for name in ("precision", "recall")}


def _expect_k(k: int, sets: dict[str, Tensor | None]) -> None:
    for name, points in sets.items():
        if points is not None and not 1 <= k < len(points):
            raise BadInput(f"k: found {k}, expected 1..{len(points) - 1}, below the number of {name}. Change it.")


def _nearest_of_each(points: Tensor, k: int, block: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The k + 1 nearest others of every point, or k where there are no more."""
    return find_nearest_others(points, min(k + 1, len(points) - 1), block=block)


def _shares_in_balls(
    y: Tensor, x: Tensor, near: tuple[Tensor, Tensor], *, k: int, strict: bool, block: tuple[int, int]
) -> dict[str, Estimate]:
    """`manifolds` from `_nearest_of_each` of real points."""
    near_y = _nearest_of_each(y, k, block)
    radii, y_radii = near[1].T[k - 1 :], near_y[1].T[k - 1 :]
    found = count_in_balls(x, y, *radii, y_radii=list(y_radii), strict=strict, block=block)
    around_real, around_samples = found[0], found[len(radii)]
    wider = found[1].points_in_ball if len(radii) == 2 else None
    wider_y = found[-1] if len(y_radii) == 2 else None
    common: dict[str, Note] = {"n": len(x), "m": len(y), "k": k, "strict": strict}
    on_real = common | {"empty balls": int((near[1][:, k - 1] == 0).sum())}
    on_samples = common | {"empty balls": int((y_radii[0] == 0).sum())}
    coverage = coverage_of_balls(around_real, k)
    return {
        "precision": _precision(around_real, on_real),
        "recall": _recall(around_samples, near_y[0][:, :k], wider_y, notes=on_samples),
        "density": _density(around_real, near[0][:, :k], wider, notes=on_real),
        "coverage": Estimate(coverage.value, coverage.error, coverage.floor, on_real),
    }


def _precision(around_real: BallCounts, notes: dict[str, Note]) -> Estimate:
    """Share of samples that lie in a ball."""
    count, m = int((around_real.balls_with_point > 0).sum()), len(around_real.balls_with_point)
    return Estimate(count / m, share_error(count, m), notes=notes)


def _recall(around_samples: BallCounts, near: Tensor, wider: BallCounts | None, *, notes: dict[str, Note]) -> Estimate:
    """Share of real points that lie in a ball.

    near: the k nearest others of samples, (m, k). wider: the counts in balls that reach one neighbour farther.
    """
    (m, k), n = near.shape, len(around_samples.balls_with_point)
    held = around_samples.balls_with_point > 0
    count = int(held.sum())
    if wider is None:
        return Estimate(count / n, None, notes=notes)
    # Without a sample its ball goes, with the points that it alone holds, and balls that it set the radius of, or lay
    # in, reach one neighbour farther, to new points; the few that two of all such balls would reach are left out.
    lost = torch.bincount(around_samples.single_ball[around_samples.balls_with_point == 1], minlength=m)
    reached = torch.bincount(wider.single_ball[~held & (wider.balls_with_point == 1)], minlength=m)
    gained = torch.zeros_like(lost).index_add_(0, near.flatten(), reached.repeat_interleave(k))
    change = (gained - lost).double()
    squares = (m - 1) / m * float((change - change.mean()).square().sum())
    # A change that n points are asked about is a count, whose own variance is about as large as what it counts.
    of_samples = max(squares - float((gained + lost).sum()), 0.0) / n**2
    return Estimate(count / n, math.hypot(share_error(count, n), math.sqrt(of_samples)), notes=notes)


def _density(around_real: BallCounts, near: Tensor, wider: Tensor | None, *, notes: dict[str, Note]) -> Estimate:
    """Mean number of balls that a sample lies in, over k.

    near: the k nearest others of real points, (n, k). wider: samples in balls that reach one neighbour farther, (n,).
    """
    (n, k), m = near.shape, len(around_real.balls_with_point)
    per_sample = around_real.balls_with_point.double() / k
    if wider is None:
        return Estimate(float(per_sample.mean()), None, 1.0, notes)
    # Without a real point its ball goes, and balls that it set the radius of, or lay in, reach one neighbour farther.
    held = around_real.points_in_ball.double()
    change = -held
    change.index_add_(0, near.flatten(), (wider - held).repeat_interleave(k))
    of_real = (n - 1) / n * float((change - change.mean()).square().sum()) / (k * m) ** 2
    return Estimate(float(per_sample.mean()), math.sqrt(float(per_sample.var()) / m + of_real), 1.0, notes)


def _with_floor(estimate: Estimate, floor: float) -> Estimate:
    return Estimate(estimate.value, estimate.error, floor, estimate.notes)
