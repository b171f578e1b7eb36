"""Pure drawing: arrays in, pictures out."""

from advnets.figures.assessment import class_histogram, projection, spectra, strips
from advnets.figures.dynamics import Curves, dynamics, film
from advnets.figures.grid import grid
from advnets.figures.helvetica import Trajectory, helvetica
from advnets.figures.paper2014 import figure2, figure3, saturation
from advnets.figures.scatter import scatter

__all__ = [
    "Trajectory", "Curves", "class_histogram", "dynamics", "figure2", "figure3", "film", "grid", "helvetica", "projection",
    "saturation", "scatter", "spectra", "strips",
]  # fmt: skip
