"""Trajectories of two players in the plane of their parameters, as small panels side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.figures.panels import create_figure, hide_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, GREY, RED = "#1f4fd8", "#9a9a9a", "#b3261e"


@dataclass(frozen=True, eq=False)
class PlanePanel:
    """One panel.

    Attributes:
        title: What is drawn.
        caption: What it does.
        states: States of a training, (n, 2), of which the second number goes to the right and the first one up.
        flow: States of the same in continuous time, (m, 2).
    """

    title: str
    caption: str
    states: NDArray[np.floating[Any]]
    flow: NDArray[np.floating[Any]]


def draw_plane(
    rows: Sequence[Sequence[PlanePanel]], *, names: Sequence[str], labels: tuple[str, str], limit: float
) -> "Figure":
    """Draw rows of panels on one scale: the training as a line with dots, continuous time as a grey line below it.

    Args:
        rows: The panels, as many in each row.
        names: A name for each row.
        labels: Names of the first number of a state and of the second.
        limit: Half the width of what is shown, in the states' unit; a line leaves the panel where it is farther out.

    Returns:
        The figure.

    Raises:
        BadInput: If there are no panels, or rows of different lengths, or not as many names.
    """
    lengths = {len(row) for row in rows}
    if not rows or len(lengths) != 1 or 0 in lengths or len(names) != len(rows):
        raise BadInput(
            f"plane: found rows of {sorted(lengths)} panels and {len(names)} names for {len(rows)} rows; expected one "
            "length above 0, and a name for each row."
        )
    figure = create_figure(2.1 * len(rows[0]), 2.35 * len(rows))
    grid = figure.subplots(len(rows), len(rows[0]), squeeze=False)
    for axes_row, row, name in zip(grid, rows, names, strict=True):
        for axes, panel in zip(axes_row, row, strict=True):
            _draw_panel(axes, panel, limit)
        axes_row[0].set_ylabel(f"{name}\n{labels[0]}", fontsize=9)
    for axes in grid[-1]:
        axes.set_xlabel(labels[1], fontsize=9)
    handles, texts = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=len(texts), frameon=False, fontsize=9)
    return figure


def _draw_panel(axes: "Axes", panel: PlanePanel, limit: float) -> None:
    axes.plot(panel.flow[:, 1], panel.flow[:, 0], color=GREY, linewidth=2.2, label="continuous time")
    axes.plot(
        panel.states[:, 1], panel.states[:, 0], color=BLUE, linewidth=0.6, marker=".", markersize=2, label="steps"
    )
    axes.plot(*panel.states[0, ::-1], "o", color="black", markersize=4, label="start")
    axes.plot(0, 0, "+", color=RED, markersize=9, markeredgewidth=1.6, label="equilibrium")
    axes.set_xlim(-limit, limit)
    axes.set_ylim(-limit, limit)
    axes.set_aspect("equal")
    axes.set_title(panel.title, fontsize=8.5)
    axes.text(0.03, 0.03, panel.caption, transform=axes.transAxes, fontsize=8.5, color=BLUE)
    hide_ticks(axes)
