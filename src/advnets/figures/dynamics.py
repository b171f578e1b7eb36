"""Figure 1 of Goodfellow et al. 2014: p_data, p_g and D above the line of x; G's arrows from the line of z below."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from advnets.errors import BadInput
from advnets.figures.panels import create_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
Values = NDArray[np.floating[Any]]

LIMIT = 3.6
"""Half the width of x that is shown."""
X_LINE, Z_LINE = -0.12, -0.42
"""Heights of the lines of x and of z. Densities stand on 0, and D = 1 has height `TALL`."""
TALL = 1.0
BLUE, PALE, GREEN = "#1f4fd8", "#a9bdf2", "#12913a"
MILLISECONDS = 70
"""Duration of a frame of the film; the last lasts twenty times as long."""


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of one panel.

    Attributes:
        x: Positions, (n,).
        p_data: Density of the data there, (n,).
        p_g: Density of the generator there, (n,).
        D: The discriminator's probability there, (n,).
        best: The probability of D* there, (n,).
        z: Noises scaled to [-1, 1], (m,).
        G: Where the generator takes them, (m,), in x's unit.

    Raises:
        BadInput: If the values at x, or those at z, differ in number, or there are none.
    """

    x: Values
    p_data: Values
    p_g: Values
    D: Values
    best: Values
    z: Values
    G: Values

    def __post_init__(self) -> None:
        lengths = [len(each) for each in (self.x, self.p_data, self.p_g, self.D, self.best, self.z, self.G)]
        if len(set(lengths[:5])) != 1 or lengths[5] != lengths[6] or not min(lengths):
            raise BadInput(f"curves: found {lengths} values, expected as many of x, densities and D, and of z and G.")


def draw_dynamics(panels: Sequence[Curves], captions: Sequence[str]) -> "Figure":
    """Draw figure 1: panels side by side on one scale, each above its caption.

    Args:
        panels: Curves of each panel.
        captions: One caption for each panel.

    Returns:
        The figure.

    Raises:
        BadInput: If there are no panels, or not as many captions.
    """
    if len(panels) != len(captions) or not panels:
        raise BadInput(f"figure 1: found {len(panels)} panels and {len(captions)} captions, expected as many of both.")
    figure = create_figure(3.1 * len(panels), 3.7, constrained=False)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    figure.subplots_adjust(left=0.01, right=0.99, top=0.87, bottom=0.15, wspace=0.06)
    for axes, curves, caption in zip(grid, panels, captions, strict=True):
        _draw_panel(axes, curves)
        axes.set_title(caption, fontsize=11, y=-0.2)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=len(labels), frameon=False, fontsize=11)
    return figure


def write_film(frames: Sequence[tuple[str, Curves]], file: IO[bytes]) -> None:
    """Write an animated WebP, which plays for ever and rests on its last frame.

    Args:
        frames: Caption and curves of each frame.
        file: The file, open for writing.

    Raises:
        BadInput: If there are no frames.
    """
    pictures = [_render_frame(curves, caption) for caption, curves in frames]
    if not pictures:
        raise BadInput("film: found no frames, expected one or more. Give a caption and curves for each.")
    durations = [MILLISECONDS] * (len(pictures) - 1) + [20 * MILLISECONDS]
    more: dict[str, Any] = {"append_images": pictures[1:], "duration": durations, "loop": 0, "quality": 80, "method": 2}
    pictures[0].save(file, "webp", save_all=True, **more)


def _render_frame(curves: Curves, caption: str) -> Image.Image:
    figure = draw_dynamics([curves], [""])
    figure.set_size_inches(6.4, 4.4)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.88, bottom=0.1)
    figure.axes[0].set_title(caption, fontsize=11, y=-0.1)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="raw", dpi=100)
    width, height = (round(side) for side in figure.get_size_inches() * 100)
    return Image.frombytes("RGBA", (width, height), buffer.getvalue()).convert("RGB")


def _draw_panel(axes: "Axes", curves: Curves) -> None:
    tallest = 2.2 * float(curves.p_data.max())
    shown = np.abs(curves.x) <= LIMIT
    x = curves.x[shown]
    axes.plot(x, curves.best[shown] * TALL, color=PALE, linewidth=1.2, label="$D^*(x)$")
    axes.plot(x, curves.D[shown] * TALL, color=BLUE, linestyle=(0, (4, 2)), linewidth=1.8, label="$D(x)$")
    axes.plot(
        x, curves.p_data[shown] / tallest, color="black", linestyle=(0, (1, 1.4)), linewidth=2, label=r"$p_{data}$"
    )
    axes.plot(x, curves.p_g[shown] / tallest, color=GREEN, linewidth=2, label="$p_g$")
    for height, name in ((X_LINE, "x"), (Z_LINE, "z")):
        axes.plot([-LIMIT, LIMIT], [height, height], color="black", linewidth=1)
        axes.text(-LIMIT * 1.1, height, f"${name}$", ha="center", va="center", fontsize=13)
    for z, G in zip(curves.z, curves.G, strict=True):
        if abs(G) <= LIMIT:
            axes.annotate("", (float(G), X_LINE), (float(z) * LIMIT, Z_LINE),
                          arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 0.6, "mutation_scale": 7,
                                      "shrinkA": 0, "shrinkB": 0})  # fmt: skip
    axes.set_xlim(-1.2 * LIMIT, 1.08 * LIMIT)
    axes.set_ylim(Z_LINE - 0.05, TALL + 0.03)
    axes.axis("off")
