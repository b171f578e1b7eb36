"""Counts of points in balls, in blocks.

A fast product decides most pairs of a ball and a point. Pairs that its rounding leaves in doubt are measured again.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.statistics.arrays import full_precision, squared_distances
from advnets.statistics.distances import BLOCK, Frame, direct_distances, squared_norms

CROWDED = 64
"""If one pair in so many is undecided in float32, the block is computed again in float64."""


@dataclass(frozen=True)
class BallCounts:
    """How many of m points lie in each of n balls, and in how many balls each point lies.

    Attributes:
        points_in_ball: Number of points in each ball, (n,) int64.
        balls_with_point: Number of balls that contain each point, (m,) int64.
        single_point: Index of the point in a ball that contains exactly one, (n,) int64. It has no meaning for other
            balls.
        single_ball: Index of the ball around a point that lies in exactly one, (m,) int64. It has no meaning for other
            points.
    """

    points_in_ball: Tensor
    balls_with_point: Tensor
    single_point: Tensor
    single_ball: Tensor

    @staticmethod
    def empty(n: int, m: int, device: torch.device) -> "BallCounts":
        """Return the counts before any pair was added.

        Args:
            n: Number of balls.
            m: Number of points.
            device: Where the counts lie.

        Returns:
            Counts of 0.
        """
        return BallCounts(*(torch.zeros(size, dtype=torch.int64, device=device) for size in (n, m, n, m)))

    def add(self, centres: Tensor, points: Tensor, row: int, column: int) -> None:
        """Count pairs of a ball and a point in it.

        One call must bring all pairs of its balls with its points.

        Args:
            centres: Index of each pair's ball within the block, (p,) int64.
            points: Index of each pair's point within the block, (p,) int64.
            row: Index of the block's first ball.
            column: Index of the block's first point.
        """
        sizes = torch.bincount(centres)
        self.points_in_ball[row : row + len(sizes)] += sizes
        holders = torch.bincount(points)
        self.balls_with_point[column : column + len(holders)] += holders
        alone = sizes[centres] == 1
        self.single_point[row + centres[alone]] = column + points[alone]
        once = holders[points] == 1
        self.single_ball[column + points[once]] = row + centres[once]


def count_in_balls(
    x: Tensor,
    y: Tensor,
    *x_radii: Tensor,
    y_radii: Sequence[Tensor] = (),
    strict: bool = True,
    block: tuple[int, int] = BLOCK,
) -> list[BallCounts]:
    """Count points y in balls around points x, and points x in balls around y, in one pass over their distances.

    Args:
        x: Points, (n, d).
        y: Points, (m, d).
        x_radii: Squared radii of balls around x, (n,) float64 each.
        y_radii: Squared radii of balls around y, (m,) float64 each.
        strict: Whether a ball is open: distance < radius. A closed ball is distance <= radius.
        block: Rows x columns of one product. It changes the speed, not the result.

    Returns:
        One count for each of x_radii, then one for each of y_radii.
    """
    frame = Frame.of(y, x)
    around_x = [BallCounts.empty(len(x), len(y), x.device) for _ in x_radii]
    around_y = [BallCounts.empty(len(y), len(x), x.device) for _ in y_radii]
    placed_x, placed_y = (_FramePoints.of(points, frame, torch.float32) for points in (x, y))
    for row in range(0, len(x), block[0]):
        for column in range(0, len(y), block[1]):
            rows, columns = slice(row, row + block[0]), slice(column, column + block[1])
            tile = _Tile(placed_x.select(rows), placed_y.select(columns), frame)
            for radii, around in zip(x_radii, around_x, strict=True):
                around.add(*tile.find_inside(radii[rows], strict), row, column)
            for radii, around in zip(y_radii, around_y, strict=True):
                around.add(*tile.transposed_tile().find_inside(radii[columns], strict), column, row)
    return around_x + around_y


@dataclass(frozen=True)
class _FramePoints:
    """Points (n, d), the same points in a frame, and their squared norms there, (n,)."""

    points: Tensor
    placed: Tensor
    norms: Tensor

    @staticmethod
    def of(points: Tensor, frame: Frame, dtype: torch.dtype) -> "_FramePoints":
        """Transform points (n, d) to a frame, in one precision."""
        placed = frame.transform(points, dtype)
        return _FramePoints(points, placed, squared_norms(placed))

    def select(self, rows: slice) -> "_FramePoints":
        """Return the points of some rows."""
        return _FramePoints(self.points[rows], self.placed[rows], self.norms[rows])


class _Tile:
    """Distances of a block of centres from a block of points: in float32 first, in float64 where that is too rough."""

    def __init__(self, x: _FramePoints, y: _FramePoints, frame: Frame) -> None:
        self.x, self.y, self.frame = x, y, frame
        with full_precision():
            self.distances = squared_distances(x.placed, y.placed, x.norms[:, None], s_norms=y.norms)

    def transposed_tile(self) -> "_Tile":
        """Return the same distances with the points as centres."""
        other = copy(self)
        other.x, other.y, other.distances = self.y, self.x, self.distances.T
        return other

    def find_inside(self, radii: Tensor, strict: bool) -> tuple[Tensor, Tensor]:
        """Return the pairs of a ball and a point in it, (p,) int64 each; `radii` are squared, (b,) float64."""
        dtype, scaled = self.distances.dtype, radii / self.frame.scale**2
        slack = self.frame.error_bound(self.x.norms.sqrt(), scaled, dtype)
        i, j = _true_entries(self.distances <= (scaled + slack).to(dtype)[:, None])
        inside = self.distances[i, j] < (scaled - slack).to(dtype)[i]
        doubtful = (~inside).nonzero()[:, 0]
        if dtype == torch.float32 and CROWDED * len(doubtful) > self.distances.numel():
            x, y = (_FramePoints.of(side.points, self.frame, torch.float64) for side in (self.x, self.y))
            return _Tile(x, y, self.frame).find_inside(radii, strict)
        exact, limit = direct_distances(self.x.points, self.y.points, i[doubtful], j[doubtful]), radii[i[doubtful]]
        inside[doubtful] = exact < limit if strict else exact <= limit
        return i[inside], j[inside]


def _true_entries(marked: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows and columns of the true entries of a matrix that has few of them.

    Reading eight entries at once takes a fifth of the time.
    """
    if not marked.is_contiguous():
        columns, rows = _true_entries(marked.T.contiguous())
        return rows, columns
    if marked.shape[1] % 8:
        rows, columns = marked.nonzero(as_tuple=True)
        return rows, columns
    rows, words = marked.view(torch.int64).nonzero(as_tuple=True)
    which, bytes_ = marked.view(len(marked), -1, 8)[rows, words].nonzero(as_tuple=True)
    return rows[which], 8 * words[which] + bytes_
