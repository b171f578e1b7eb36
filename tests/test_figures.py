"""Where pixels land: grids and the paper's figures, grey and in colour."""

import numpy as np
import pytest

from advnets import figures
from advnets.errors import BadInput
from advnets.figures.grid import enlarge_images
from advnets.figures.paper2014 import GAP, YELLOW


def images(n: int, side: int = 8, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, (n, side, side, channels), dtype=np.uint8)


@pytest.mark.parametrize(("side", "drawn"), [(8, 48), (28, 56), (32, 64), (48, 48), (96, 96)])
def test_small_images_are_enlarged_by_whole_numbers(side: int, drawn: int) -> None:
    assert enlarge_images(images(1, side)).shape == (1, drawn, drawn, 1)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_every_pixel_of_a_grid_is_in_its_place(channels: int, mode: str) -> None:
    given = images(5, 8, channels)
    drawn = figures.draw_grid(given, 3, 2, gap=1)
    canvas = np.asarray(drawn).reshape(drawn.height, drawn.width, -1)
    assert (drawn.mode, drawn.size) == (mode, (3 * 17 + 1, 2 * 17 + 1))
    for number, image in enumerate(given):
        top, left = 1 + 17 * (number // 3), 1 + 17 * (number % 3)
        for offset in (0, 1):
            np.testing.assert_array_equal(canvas[top + offset : top + 16 : 2, left + offset : left + 16 : 2], image)
    assert (canvas[18:, 35:] == 255).all(), "the empty place is paper"
    assert (canvas[0] == 255).all()


def test_a_grid_is_as_square_as_it_can_be() -> None:
    assert figures.draw_grid(images(64), gap=0).size == (384, 384)
    assert figures.draw_grid(images(7), gap=0).size == (144, 144)
    assert figures.draw_grid(images(1), gap=0).size == (48, 48)


def test_oblong_images_keep_their_shape() -> None:
    assert figures.draw_grid(np.zeros((2, 10, 20, 3), np.uint8), 1, gap=0).size == (60, 60)


@pytest.mark.parametrize("channels", [1, 3])
def test_figure_2_has_its_nearest_images_framed_in_the_sixth_column(channels: int) -> None:
    samples, near = images(20, 28, channels), images(4, 28, channels, seed=1)
    canvas = np.asarray(figures.draw_figure2(samples, near))
    pitch = 56 + GAP
    assert canvas.shape == (4 * pitch + GAP, 6 * pitch + GAP, 3)
    for row in range(4):
        top = GAP + row * pitch
        for column in range(6):
            left = GAP + column * pitch
            expected = near[row] if column == 5 else samples[5 * row + column]
            cell = canvas[top : top + 56 : 2, left : left + 56 : 2]
            np.testing.assert_array_equal(cell, np.broadcast_to(expected, (28, 28, 3)))
            assert (tuple(canvas[top + 9, left - 1]) == YELLOW) == (column == 5)
            assert (tuple(canvas[top + 56, left + 9]) == YELLOW) == (column == 5)


def test_figure_3_lays_lines_out_in_rows() -> None:
    lines = images(6).reshape(2, 3, 8, 8, 1)
    canvas = np.asarray(figures.draw_figure3(lines))
    assert canvas.shape == (2 * 50 + 2, 3 * 50 + 2)
    np.testing.assert_array_equal(canvas[52:100:6, 102:150:6], lines[1, 2, :, :, 0])


def test_saturation_has_two_logarithmic_panels_and_the_line_of_a_tenth() -> None:
    figure = figures.draw_saturation([0, 1, 2], [1.0, 0.1, 0.01], [1.0, 0.2, 0.03], [1.0, 2.0, 3.0])
    norms, ratio = figure.axes
    assert [axes.get_yscale() for axes in (norms, ratio)] == ["log", "log"]
    assert [list(line.get_ydata()) for line in norms.lines] == [[1.0, 2.0, 3.0], [1.0, 0.2, 0.03]]
    assert list(ratio.lines[0].get_ydata()) == [1.0, 0.1, 0.01]
    assert list(ratio.lines[1].get_ydata()) == [0.1, 0.1]
    figure.canvas.draw()


def test_saturation_draws_a_ratio_of_zero() -> None:
    figures.draw_saturation([0, 1], [1.0, 0.0], [1.0, 0.0], [1.0, 2.0]).canvas.draw()


@pytest.mark.parametrize("bad", [
    np.zeros((0, 8, 8, 1), np.uint8), np.zeros((3, 8, 8), np.uint8), np.zeros((3, 1, 8, 8), np.uint8),
    np.zeros((3, 8, 8, 1)),
])  # fmt: skip
def test_what_are_not_images_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(BadInput, match="images: found"):
        figures.draw_grid(bad)


def test_counts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match="scale"):
        figures.draw_grid(images(2), scale=0)
    with pytest.raises(BadInput, match="columns"):
        figures.draw_grid(images(2), 0)
    with pytest.raises(BadInput, match="figure 2"):
        figures.draw_figure2(images(19), images(4))
    with pytest.raises(BadInput, match="figure 3"):
        figures.draw_figure3(images(4))
    with pytest.raises(BadInput, match="saturation"):
        figures.draw_saturation([0, 1], [1.0], [1.0, 1.0], [1.0, 1.0])


@pytest.mark.parametrize("coordinates", [1, 2])
def test_labels_add_a_strip_and_axes_below_and_behind_the_points(coordinates: int) -> None:
    points = np.array([[-2.0, 1.0], [1.5, -0.5], [0.7, 0.7]], np.float32)[:, :coordinates]
    plain, labelled = (np.asarray(figures.draw_scatter(points, labelled=one)) for one in (False, True))
    assert plain.shape == (480, 480)
    assert labelled.shape == (496, 480)
    assert (labelled[:480][plain < 255] <= plain[plain < 255]).all()
    assert (labelled[480:, :60] < 255).any(), "the lower end of the axis has no number"
    assert (labelled[480:, 420:] < 255).any(), "the upper end of the axis has no number"
    assert not (labelled[480:, 60:200] < 255).any()
