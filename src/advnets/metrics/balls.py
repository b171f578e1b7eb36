"""Balls around points and what they hold, in blocks; what a fast product leaves in doubt is measured again."""

from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from advnets.metrics.distances import BLOCK, Frame, direct
from advnets.metrics.parzen import full_precision, squared_distances

CROWDED = 64
"""A block of balls with one pair in so many undecided in float32 is done again in float64."""


@dataclass(frozen=True)
class Balls:
    """What the balls around n centres hold of m points.

    held: how many points each ball holds, (n,). holders: how many balls hold each point, (m,).
    only: for a ball that holds one point, which; for others no matter, (n,). All int64.
    """

    held: Tensor
    holders: Tensor
    only: Tensor

    @staticmethod
    def empty(n: int, m: int, device: torch.device) -> "Balls":
        """None that holds anything yet."""
        return Balls(*(torch.zeros(size, dtype=torch.int64, device=device) for size in (n, m, n)))

    def add(self, inside: Tensor, row: int, column: int) -> None:
        """Count a block of the matrix [centre holds point], (b, c) bool, whose corner is at (row, column)."""
        rows, columns = (slice(at, at + size) for at, size in zip((row, column), inside.shape, strict=True))
        ones = inside.view(torch.uint8)  # summed in twice the time as bool
        held = ones.sum(1, dtype=torch.int32)
        self.held[rows] += held
        self.holders[columns] += ones.sum(0, dtype=torch.int32)
        found = held == 1
        self.only[rows][found] = inside[found].byte().argmax(1) + column


def balls(
    x: Tensor,
    y: Tensor,
    x_radii: Tensor,
    y_radii: Tensor | None = None,
    *,
    strict: bool = True,
    block: tuple[int, int] = BLOCK,
) -> tuple[Balls, Balls | None]:
    """What balls around points x hold of points y, and balls around y of x, from one pass over their distances.

    x, y: (n, d) and (m, d). x_radii, y_radii: squared radii, (n,) and (m,) float64; None leaves balls around y out.
    strict: whether a ball is open: distance < radius, or <=.
    """
    frame = Frame.of(y, x)
    around_x = Balls.empty(len(x), len(y), x.device)
    around_y = None if y_radii is None else Balls.empty(len(y), len(x), x.device)
    placed_x, placed_y = (frame.place(points, torch.float32) for points in (x, y))
    for row in range(0, len(x), block[0]):
        for column in range(0, len(y), block[1]):
            rows, columns = slice(row, row + block[0]), slice(column, column + block[1])
            tile = _Tile(x[rows], y[columns], placed_x[rows], placed_y[columns], frame)
            around_x.add(tile.inside(x_radii[rows], strict), row, column)
            if around_y is not None and y_radii is not None:
                around_y.add(tile.turned().inside(y_radii[columns], strict), column, row)
    return around_x, around_y


class _Tile:
    """Distances of a block of centres from a block of points, first in float32, in float64 where that is too rough."""

    def __init__(self, x: Tensor, y: Tensor, placed_x: Tensor, placed_y: Tensor, frame: Frame) -> None:
        self.x, self.y, self.frame = x, y, frame
        self.norms = placed_x.square().sum(1), placed_y.square().sum(1)
        with full_precision():
            self.distances = squared_distances(placed_x, placed_y, self.norms[0][:, None], s_norms=self.norms[1])

    def turned(self) -> "_Tile":
        """The same distances with the points as centres."""
        other = copy(self)
        other.x, other.y, other.norms, other.distances = self.y, self.x, self.norms[::-1], self.distances.T
        return other

    def inside(self, radii: Tensor, strict: bool) -> Tensor:
        """Whether the ball around x_i holds y_j, (b, c) bool; radii: squared, (b,) float64."""
        inside, doubtful = self._proposed(radii)
        if self.distances.dtype == torch.float32 and CROWDED * int(doubtful.count_nonzero()) > doubtful.numel():
            placed = (self.frame.place(points, torch.float64) for points in (self.x, self.y))
            return _Tile(self.x, self.y, *placed, self.frame).inside(radii, strict)
        i, j = doubtful.nonzero(as_tuple=True)
        exact = direct(self.x, self.y, i, j)
        inside[i, j] = exact < radii[i] if strict else exact <= radii[i]
        return inside

    def _proposed(self, radii: Tensor) -> tuple[Tensor, Tensor]:
        """Which points are inside beyond doubt, and which are in doubt."""
        dtype, scaled = self.distances.dtype, radii / self.frame.scale**2
        slack = self.frame.slack(self.norms[0].sqrt(), scaled, dtype)
        inside = self.distances < (scaled - slack).to(dtype)[:, None]
        return inside, (self.distances <= (scaled + slack).to(dtype)[:, None]) ^ inside
