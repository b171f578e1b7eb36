"""Matplotlib figures and their panels, as every figure here makes them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def create_figure(width: float, height: float, *, constrained: bool = True) -> "Figure":
    """Create a figure that pyplot does not know, so that it leaves no state behind.

    Args:
        width: Width, in inches.
        height: Height, in inches.
        constrained: Whether Matplotlib places the panels; if not, they are placed by hand.

    Returns:
        The figure.
    """
    from matplotlib.figure import Figure  # slow to import

    return Figure(figsize=(width, height), layout="constrained" if constrained else None, facecolor="white")


def hide_ticks(axes: "Axes") -> None:
    """Remove the ticks of a panel that shows an image.

    Args:
        axes: The panel.
    """
    axes.set_xticks([])
    axes.set_yticks([])
