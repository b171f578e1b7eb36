"""Pure drawing: arrays in, pictures out."""

from advnets.figures.dynamics import Curves, dynamics, film
from advnets.figures.grid import grid
from advnets.figures.helvetica import Course, helvetica
from advnets.figures.paper2014 import figure2, figure3, saturation
from advnets.figures.scatter import scatter

__all__ = [
    "Course", "Curves", "dynamics", "figure2", "figure3", "film", "grid", "helvetica", "saturation", "scatter",
]  # fmt: skip
