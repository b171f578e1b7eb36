"""Balls around points and what they hold, in blocks; what a fast product leaves in doubt is measured again."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.statistics.arrays import full_precision, squared_distances
from advnets.statistics.distances import BLOCK, Frame, direct_distances, squared_norms

CROWDED = 64
"""A block of balls with one pair in so many undecided in float32 is done again in float64."""


@dataclass(frozen=True)
class BallCounts:
    """What the balls around n centres hold of m points.

    held: how many points each ball holds, (n,). holders: how many balls hold each point, (m,).
    only: for a ball that holds one point, which; for others no matter, (n,). sole: for a point that one ball holds,
    which; for others no matter, (m,). All int64.
    """

    points_in_ball: Tensor
    balls_with_point: Tensor
    single_point: Tensor
    single_ball: Tensor

    @staticmethod
    def empty(n: int, m: int, device: torch.device) -> "BallCounts":
        """None that holds anything yet."""
        return BallCounts(*(torch.zeros(size, dtype=torch.int64, device=device) for size in (n, m, n, m)))

    def add(self, centres: Tensor, points: Tensor, row: int, column: int) -> None:
        """Count pairs of a ball and what it holds, (p,) each, numbered from (row, column); all that these rows hold
        of some columns at once."""
        held = torch.bincount(centres)
        self.points_in_ball[row : row + len(held)] += held
        holders = torch.bincount(points)
        self.balls_with_point[column : column + len(holders)] += holders
        alone = held[centres] == 1
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
    """What balls around points x hold of points y, and balls around y of x, from one pass over their distances.

    x, y: (n, d) and (m, d). x_radii, y_radii: squared radii, (n,) and (m,) float64 each.
    strict: whether a ball is open: distance < radius, or <=.
    Gives one for each of x_radii, then one for each of y_radii.
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
    """Points (n, d), the same in a frame, and their squared norms there, (n,)."""

    points: Tensor
    placed: Tensor
    norms: Tensor

    @staticmethod
    def of(points: Tensor, frame: Frame, dtype: torch.dtype) -> "_FramePoints":
        """Points (n, d) in a frame, in one precision."""
        placed = frame.transform(points, dtype)
        return _FramePoints(points, placed, squared_norms(placed))

    def select(self, rows: slice) -> "_FramePoints":
        """Some of the points."""
        return _FramePoints(self.points[rows], self.placed[rows], self.norms[rows])


class _Tile:
    """Distances of a block of centres from a block of points, first in float32, in float64 where that is too rough."""

    def __init__(self, x: _FramePoints, y: _FramePoints, frame: Frame) -> None:
        self.x, self.y, self.frame = x, y, frame
        with full_precision():
            self.distances = squared_distances(x.placed, y.placed, x.norms[:, None], s_norms=y.norms)

    def transposed_tile(self) -> "_Tile":
        """The same distances with the points as centres."""
        other = copy(self)
        other.x, other.y, other.distances = self.y, self.x, self.distances.T
        return other

    def find_inside(self, radii: Tensor, strict: bool) -> tuple[Tensor, Tensor]:
        """Which balls hold which points, (p,) int64 each; radii of balls around x: squared, (b,) float64."""
        dtype, scaled = self.distances.dtype, radii / self.frame.scale**2
        slack = self.frame.error_bound(self.x.norms.sqrt(), scaled, dtype)
        i, j = _true_entries(self.distances <= (scaled + slack).to(dtype)[:, None])
        held = self.distances[i, j] < (scaled - slack).to(dtype)[i]
        doubtful = (~held).nonzero()[:, 0]
        if dtype == torch.float32 and CROWDED * len(doubtful) > self.distances.numel():
            x, y = (_FramePoints.of(side.points, self.frame, torch.float64) for side in (self.x, self.y))
            return _Tile(x, y, self.frame).find_inside(radii, strict)
        exact, limit = direct_distances(self.x.points, self.y.points, i[doubtful], j[doubtful]), radii[i[doubtful]]
        held[doubtful] = exact < limit if strict else exact <= limit
        return i[held], j[held]


def _true_entries(marked: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns of the ones of a matrix of booleans that has few of them: by eight, which takes a fifth of the
    time."""
    if not marked.is_contiguous():
        columns, rows = _true_entries(marked.T.contiguous())
        return rows, columns
    if marked.shape[1] % 8:
        rows, columns = marked.nonzero(as_tuple=True)
        return rows, columns
    rows, words = marked.view(torch.int64).nonzero(as_tuple=True)
    which, bytes_ = marked.view(len(marked), -1, 8)[rows, words].nonzero(as_tuple=True)
    return rows[which], 8 * words[which] + bytes_
