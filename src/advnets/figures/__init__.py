"""Pure drawing: arrays in, pictures out.

The files have an order: `panels` and `grid` come first, then the figures.

Inside of the room a file imports only from those before it: grid, panels, animation, assessment, dynamics, helvetica,
paper2014, plane. A file that is not named stands alone.
"""

from advnets.figures.animation import write_animation
from advnets.figures.assessment import draw_class_histogram, draw_projection, draw_spectra, draw_strips
from advnets.figures.dynamics import Curves, draw_dynamics, write_film
from advnets.figures.grid import draw_grid
from advnets.figures.helvetica import Trajectory, draw_helvetica
from advnets.figures.paper2014 import draw_figure2, draw_figure3, draw_saturation
from advnets.figures.plane import PlanePanel, draw_plane
from advnets.figures.png import encode_figure, encode_picture, encode_pngs
from advnets.figures.scatter import draw_scatter

__all__ = [
    "Curves",
    "PlanePanel",
    "Trajectory",
    "draw_class_histogram",
    "draw_dynamics",
    "draw_figure2",
    "draw_figure3",
    "draw_grid",
    "draw_helvetica",
    "draw_plane",
    "draw_projection",
    "draw_saturation",
    "draw_scatter",
    "draw_spectra",
    "draw_strips",
    "encode_figure",
    "encode_picture",
    "encode_pngs",
    "write_animation",
    "write_film",
]
