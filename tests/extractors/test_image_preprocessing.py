"""Resizing against slow loops: TensorFlow's kernel in float32 to the bit, the others in float64."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from advnets.extractors.image_preprocessing import (
    RESIZES,
    resize_as_tensorflow,
    resize_bicubic,
    resize_bilinear,
    resize_bilinear_antialiased,
)
from advnets.extractors.inception import PREPARATIONS

SIZES = [((5, 7), (8, 3)), ((1, 1), (4, 5)), ((16, 9), (16, 9)), ((32, 28), (75, 61)), ((40, 33), (11, 17))]
Plane = NDArray[np.float64]


def images(size: tuple[int, int], n: int = 2, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, *size), generator=rng).float()


def looped(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A pixel at a time, in float32: the kernel of TensorFlow 1, align_corners and half_pixel_centers both false."""
    out = np.zeros(size, np.float32)
    down, across = (np.float32(given) / np.float32(wanted) for given, wanted in zip(plane.shape, size, strict=True))
    for i in range(size[0]):
        for j in range(size[1]):
            y, x = np.float32(i) * down, np.float32(j) * across
            top, left = math.floor(y), math.floor(x)
            bottom, right = min(top + 1, plane.shape[0] - 1), min(left + 1, plane.shape[1] - 1)
            dy, dx = y - np.float32(top), x - np.float32(left)
            above = plane[top, left] + (plane[top, right] - plane[top, left]) * dx
            below = plane[bottom, left] + (plane[bottom, right] - plane[bottom, left]) * dx
            out[i, j] = above + (below - above) * dy
    return out


@pytest.mark.parametrize(("given", "wanted"), SIZES)
def test_tensorflow_is_the_loop_to_the_bit(given: tuple[int, int], wanted: tuple[int, int]) -> None:
    some = images(given)
    found = resize_as_tensorflow(some, wanted)
    for image, made in zip(some.flatten(0, 1), found.flatten(0, 1), strict=True):
        np.testing.assert_array_equal(made.numpy(), looped(image.numpy(), wanted))


@pytest.mark.parametrize(("given", "wanted"), SIZES)
def test_tensorflow_is_what_stylegan3s_network_does(given: tuple[int, int], wanted: tuple[int, int]) -> None:
    """It samples a grid that is moved by 1/given - 1/wanted, pixels beyond the edge being those at it."""
    x = images(given)
    theta = torch.eye(2, 3)
    theta[0, 2], theta[1, 2] = 1 / given[1] - 1 / wanted[1], 1 / given[0] - 1 / wanted[0]
    grid = functional.affine_grid(theta.expand(len(x), 2, 3), [len(x), 3, *wanted], align_corners=False)
    sampled = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    torch.testing.assert_close(resize_as_tensorflow(x, wanted), sampled, rtol=0, atol=0.01)


def test_tensorflow_moves_the_picture() -> None:
    """A ramp of 4 pixels to 8: places 0, .5, ..., 3.5, where half-pixel centres would be -.25, .25, ..."""
    ramp = torch.arange(4.0).expand(1, 1, 1, 4)
    assert resize_as_tensorflow(ramp, (1, 8))[0, 0, 0].tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3]
    assert resize_bilinear(ramp, (1, 8))[0, 0, 0].tolist() == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]


def triangle(x: float) -> float:
    return max(0.0, 1 - abs(x))


def keys(x: float) -> float:
    """R. Keys, Cubic convolution interpolation, 1981, with a = -1/2."""
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def filtered(plane: Plane, wanted: int, kernel: Callable[[float], float], reach: int, *, widen: bool) -> Plane:
    """Rows resampled to `wanted`: weights kernel((pixel centre - place) / wide), normed to sum 1 within the image."""
    given = len(plane)
    scale = given / wanted
    wide = max(scale, 1.0) if widen else 1.0
    out = np.zeros((wanted, plane.shape[1]))
    for i in range(wanted):
        centre = (i + 0.5) * scale
        first, last = max(0, int(centre - reach * wide - 1)), min(given, int(centre + reach * wide + 2))
        weights = np.array([kernel((j + 0.5 - centre) / wide) for j in range(first, last)])
        out[i] = weights @ plane[first:last] / weights.sum()
    return out


@pytest.mark.parametrize(("given", "wanted"), SIZES)
@pytest.mark.parametrize(
    ("resize", "kernel", "reach", "widen", "bound"),
    [
        (resize_bilinear, triangle, 1, False, 1e-3),
        (resize_bilinear_antialiased, triangle, 1, True, 1e-3),
        (resize_bicubic, keys, 2, True, 1e-3),
    ],
    ids=["bilinear", "antialiased", "bicubic"],
)
def test_the_others_are_weighted_sums(
    given: tuple[int, int],
    wanted: tuple[int, int],
    resize: object,
    kernel: object,
    reach: int,
    widen: bool,
    bound: float,
) -> None:
    some = images(given)
    found = resize(some, wanted)  # type: ignore[operator]
    for image, made in zip(some.flatten(0, 1), found.flatten(0, 1), strict=True):
        rows = filtered(image.double().numpy(), wanted[0], kernel, reach, widen=widen)  # type: ignore[arg-type]
        both = filtered(rows.T, wanted[1], kernel, reach, widen=widen).T  # type: ignore[arg-type]
        np.testing.assert_allclose(made.numpy(), both.clip(0, 255), rtol=0, atol=bound)


@pytest.mark.parametrize("name", list(RESIZES))
def test_every_resize_leaves_what_has_the_size_and_what_is_constant(name: str) -> None:
    some = images((12, 10))
    torch.testing.assert_close(RESIZES[name](some, (12, 10)), some, rtol=0, atol=1e-4)
    flat = torch.full((1, 1, 9, 6), 200.0)
    torch.testing.assert_close(RESIZES[name](flat, (20, 4)), torch.full((1, 1, 20, 4), 200.0), rtol=0, atol=1e-3)


def test_bicubic_cuts_its_overshoot_and_does_not_round() -> None:
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 255
    made = resize_bicubic(edge, (8, 33))
    assert float(made.min()) == 0
    assert float(made.max()) == 255
    assert not torch.equal(made, made.round())


def test_conventions_differ_by_more_than_rounding_except_at_299() -> None:
    small = images((32, 32))
    made = {name: prepare(small) for name, prepare in PREPARATIONS.items()}
    assert all(x.shape == (2, 3, 299, 299) for x in made.values())
    assert float((made["tensorflow"] - made["pytorch-fid"]).abs().mean()) > 0.05
    assert float((made["clean-fid"] - made["pytorch-fid"]).abs().mean()) > 0.02
    large = images((400, 310))
    assert float((PREPARATIONS["torchmetrics"](large) - PREPARATIONS["pytorch-fid"](large)).abs().mean()) > 0.02
    exact = images((299, 299), n=1)
    for name, prepare in PREPARATIONS.items():
        expected = exact / 127.5 - 1 if name == "pytorch-fid" else (exact - 128) / 128
        torch.testing.assert_close(prepare(exact), expected, rtol=0, atol=1e-5)
