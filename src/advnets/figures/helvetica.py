"""The Helvetica scenario: what a frozen discriminator does to the generator, and what undoes it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from advnets.errors import BadInput
from advnets.figures.panels import create_figure, hide_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("class entropy, nats", "modes hit", "mean distance of two samples", "distance to the nearest real sample")


class Trajectory(NamedTuple):
    """One trajectory of the generator: its moves so far, and the four measures of `NAMES` after them.

    Attributes:
        moves: Moves of the generator so far.
        entropy: Entropy of the classes of samples, in nats.
        modes: Number of modes with a sample.
        spread: Mean distance of two samples.
        stray: Mean distance of a sample to the nearest real one.
    """

    moves: Sequence[float]
    entropy: Sequence[float]
    modes: Sequence[float]
    spread: Sequence[float]
    stray: Sequence[float]


def draw_helvetica(
    courses: Mapping[str, Trajectory], real: Sequence[float], pictures: Mapping[str, Image.Image]
) -> "Figure":
    """Draw four measures against the generator's moves, above pictures of its samples.

    Args:
        courses: Trajectories by name. The first is that of the generator alone, and the others begin where it ends.
        real: The four measures of real samples, drawn as dotted lines.
        pictures: Pictures of samples, by name.

    Returns:
        The figure.

    Raises:
        BadInput: If there are no trajectories or pictures, or not four measures.
    """
    if not courses or not pictures or len(real) != len(NAMES):
        found = f"{len(courses)} courses, {len(pictures)} pictures and {len(real)} measures of real samples"
        raise BadInput(f"helvetica: found {found}, expected one or more of both, and {len(NAMES)} measures. Give them.")
    figure = create_figure(14, 6.6)
    rows = figure.add_gridspec(2, 1, height_ratios=[1, 0.9])
    above, below = figure.add_subfigure(rows[0]), figure.add_subfigure(rows[1])
    turn = next(iter(courses.values())).moves[-1]
    colours = ["#b3261e", "#7c9bf2", "#1f4fd8", "#0b2474", "#12913a", "#c77700"]
    for column, axes in enumerate(above.subplots(1, len(NAMES))):
        axes.axvspan(0, turn, color="#f6e3e1", linewidth=0)
        axes.axhline(real[column], color="black", linestyle=":", linewidth=1.2, label="real samples")
        for number, (name, course) in enumerate(courses.items()):
            moves = [(turn if number else 0) + move for move in course.moves]
            axes.plot(moves, course[column + 1], color=colours[number % len(colours)], linewidth=1.6, label=name)
        axes.set_title(NAMES[column], fontsize=10)
        axes.set_xlabel("moves of G")
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = above.axes[0].get_legend_handles_labels()
    above.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
    for axes, (name, picture) in zip(below.subplots(1, len(pictures), squeeze=False)[0], pictures.items(), strict=True):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(name, fontsize=10)
        hide_ticks(axes)
    return figure
