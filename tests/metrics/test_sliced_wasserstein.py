"""Sliced distances against scipy's, closed forms, other libraries' formulas, and the spread of draws."""

import json
from importlib import import_module

import numpy as np
import pytest
import scipy.ndimage
import torch
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from advnets.errors import BadInput
from advnets.metrics import mind, pyramid_wasserstein, sliced_wasserstein
from advnets.metrics.pixels.sliced_wasserstein import _unit_directions
from advnets.statistics import Estimate, laplacian_pyramid

X = np.random.RandomState(0).randn(500, 32)
Y = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1


def points(n: int, d: int = 6, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def photographs(n: int, size: int = 16, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    """Smooth noise, whose pixels are alike within an image."""
    noise = np.random.default_rng(seed).normal(size=(n, channels, size, size))
    return np.asarray(0.5 + 0.2 * scipy.ndimage.gaussian_filter(noise, (0, 0, 2, 2), mode="wrap"), dtype=np.float32)


@pytest.mark.parametrize(("m", "n"), [(40, 40), (25, 60)])
def test_the_distance_is_scipys_mean_over_directions(m: int, n: int) -> None:
    x, y = np.rint(points(m) * 3), np.rint(points(n, seed=1) * 2 + 1)
    u = _unit_directions(30, 6, 5).numpy()
    expected = np.mean([wasserstein_distance(x @ way, y @ way) for way in u])
    found = sliced_wasserstein(x, y, directions=30, seed=5)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert (found.notes["m"], found.notes["n"]) == (m, n)


def test_a_shift_has_a_closed_form_in_one_dimension() -> None:
    x = points(50, 1)
    assert sliced_wasserstein(x + 0.7, x, directions=5).value == pytest.approx(0.7, abs=1e-12)
    assert mind(x + 0.7, x, directions=5).value == pytest.approx(3 * 0.7**2, rel=1e-6)
    assert sliced_wasserstein(x, x).value == mind(x, x).value == 0


def test_a_shift_by_mu_has_a_mind_of_three_mu_squared() -> None:
    """E (u.mu)^2 = |mu|^2 / d, within four standard errors of its directions, in which all of mu's parts are alike."""
    x, mu = points(60, 20), np.full(20, 0.3)
    found = mind(x + mu, x, directions=4000)
    assert abs(found.value - 3 * 20 * 0.3**2) < 4 * float(found.notes["direction_error"])


def torch_fidelity(x: torch.Tensor, y: torch.Tensor, count: int, seed: int) -> float:
    """Its formula and its order of draws, in float32, written out."""
    generator, n = torch.Generator().manual_seed(seed), min(len(x), len(y))
    if len(x) > n:
        x = x[torch.randperm(len(x), generator=generator)[:n]]
    if len(y) > n:
        y = y[torch.randperm(len(y), generator=generator)[:n]]
    u = torch.randn(count, x.shape[1], generator=generator)
    u = u / u.norm(dim=1, keepdim=True)
    moved = (x.float() @ u.T).sort(0).values - (y.float() @ u.T).sort(0).values
    return float(3 * x.shape[1] * moved.square().mean())


@pytest.mark.parametrize(("m", "n"), [(500, 500), (300, 500), (500, 123)])
def test_mind_is_torch_fidelitys(m: int, n: int) -> None:
    x, y = torch.from_numpy(X[:m]), torch.from_numpy(Y[:n])
    assert mind(x, y, directions=200).value == pytest.approx(torch_fidelity(x, y, 200, 2020), rel=1e-5)


@pytest.mark.parametrize("measure", [sliced_wasserstein, mind])
def test_blocks_and_order_change_nothing(measure: object, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = points(40) * 1.2, points(40, seed=1)
    first = measure(x, y, directions=50)  # type: ignore[operator]
    monkeypatch.setattr(import_module("advnets.metrics.pixels.sliced_wasserstein"), "PROJECTIONS_AT_ONCE", 200)
    other = measure(x[::-1].copy(), np.roll(y, 7, 0), directions=50)  # type: ignore[operator]
    assert other.value == pytest.approx(first.value, abs=1e-9)
    assert other.error == pytest.approx(first.error, abs=1e-9)


@pytest.mark.parametrize("measure", [sliced_wasserstein, mind])
def test_the_error_is_the_spread_of_draws(measure: object) -> None:
    """60 draws of points of another width and mean; the spread's own standard error is 9 %."""
    draws = [
        measure(points(100, seed=2 * t) * 1.4 + 0.5, points(100, seed=2 * t + 1), directions=32)  # type: ignore[operator]
        for t in range(60)
    ]
    spread = np.std([found.value for found in draws], ddof=1)
    assert np.mean([found.error for found in draws]) == pytest.approx(spread, rel=0.3)


def test_the_interval_of_mind_is_even_on_a_log_scale_and_wider_where_few_points_decide() -> None:
    """Far from 0 it is value exp(-+ r / value), where r is 1.96 errors for many even points, and more for a t of 3."""
    rng = np.random.default_rng(0)
    even, heavy = rng.uniform(size=(400, 4)), rng.standard_t(3, size=(400, 4))
    reaches = []
    for x in (even, heavy):
        found = mind(x + 3, points(400)[:, :4], directions=32)
        assert found.interval is not None
        low, high = found.interval
        assert low * high == pytest.approx(found.value**2, rel=1e-6)
        reaches.append(np.log(high / low) / 2 * found.value / found.standard_error)
    assert 1.95 < reaches[0] < 2.0
    assert reaches[1] > reaches[0]


@pytest.mark.parametrize("measure", [sliced_wasserstein, mind])
@pytest.mark.parametrize(("m", "n"), [(100, 100), (60, 200)])
def test_the_floor_is_the_mean_of_real_samples(measure: object, m: int, n: int) -> None:
    draws = [
        measure(points(m, seed=2 * t), points(n, seed=2 * t + 1), directions=32)  # type: ignore[operator]
        for t in range(40)
    ]
    assert np.mean([found.floor for found in draws]) == pytest.approx(
        np.mean([found.value for found in draws]), rel=0.12
    )


def test_constant_and_repeated_features() -> None:
    same = np.full((20, 4), 2.5)
    for measure in (sliced_wasserstein, mind):
        found = measure(same, same)
        assert (found.value, found.error, found.floor) == (0, 0, 0)
    collapsed = sliced_wasserstein(np.repeat(points(1), 40, 0), points(40))
    assert collapsed.value > 3 * float(collapsed.floor or 0)


def test_the_pyramid_adds_up_again() -> None:
    """Each level is what smoothing lost, by scipy's convolution with mirrored edges."""
    taps = np.outer(laplacian_pyramid.TAPS, laplacian_pyramid.TAPS)[None, None]
    for size in (8, 15, 32):
        images = points(3 * size, size).reshape(3, 1, size, size)
        levels = laplacian_pyramid.build_pyramid(torch.from_numpy(images), 2)
        coarse = scipy.ndimage.convolve(images, taps, mode="mirror")[..., ::2, ::2]
        spaced = np.zeros_like(images)
        spaced[..., ::2, ::2] = coarse
        np.testing.assert_allclose(levels[1].numpy(), coarse, atol=1e-12)
        np.testing.assert_allclose(
            levels[0].numpy() + scipy.ndimage.convolve(spaced, 4 * taps, mode="mirror"), images, atol=1e-12
        )


@pytest.mark.parametrize(("size", "channels", "levels"), [(8, 1, {8}), (28, 1, {28, 14, 7}), (32, 3, {32, 16, 8})])
def test_levels_of_small_images(size: int, channels: int, levels: set[int]) -> None:
    x, y = photographs(6, size, channels), photographs(8, size, channels, 1)
    found = pyramid_wasserstein(x, y, patches=8, directions=16, smallest=7)
    assert {f"level {k}" for k in levels} == {name for name in found.notes if name.startswith("level")}
    assert found.value == pytest.approx(np.mean([found.notes[f"level {k}"] for k in levels]))
    assert found.error is not None
    assert pyramid_wasserstein(x[:, 0], y[:, 0], patches=8, directions=16).value > 0


def test_a_wrong_contrast_is_seen_by_the_reals_normalisation_only() -> None:
    x, y = photographs(60), photographs(60, seed=1)
    half = 0.5 + (x - 0.5) / 2
    by_real, by_own = (
        pyramid_wasserstein(half, y, patches=16, directions=32, normalisation=by) for by in ("real", "own")
    )
    alike = pyramid_wasserstein(x, y, patches=16, directions=32, normalisation="own")
    assert by_real.value > 3 * float(by_real.floor or 0)
    assert by_own.value == pytest.approx(alike.value, rel=1e-4)


def test_patches_are_within_reach_of_their_floor_and_their_error_counts_images() -> None:
    """Four times the patches of the same images hardly make the error smaller: they are alike."""
    draws = [pyramid_wasserstein(photographs(30, 8, 1, 2 * t), photographs(50, 8, 1, 2 * t + 1),
                                 patches=16, directions=16) for t in range(40)]  # fmt: skip
    values = [found.value for found in draws]
    assert np.mean([found.floor for found in draws]) == pytest.approx(np.mean(values), rel=0.2)
    dull = [0.5 + (photographs(30, 8, 1, 2 * t) - 0.5) * 0.6 for t in range(40)]
    draws = [pyramid_wasserstein(x, photographs(50, 8, 1, 2 * t + 1), patches=16, directions=16)
             for t, x in enumerate(dull)]  # fmt: skip
    spread = np.std([found.value for found in draws], ddof=1)
    assert 0.6 * spread < np.mean([found.standard_error for found in draws]) < 1.8 * spread
    few, many = (pyramid_wasserstein(dull[0], photographs(50, 8), patches=count, directions=16) for count in (16, 64))
    assert many.standard_error > 0.7 * few.standard_error


def test_blocks_of_images_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = photographs(9, 28), photographs(7, 28, seed=1)
    first = pyramid_wasserstein(x, y, patches=8, directions=16)
    monkeypatch.setattr(laplacian_pyramid, "BLOCK", 2)
    assert pyramid_wasserstein(x, y, patches=8, directions=16).value == pytest.approx(first.value, abs=1e-9)


def test_bytes_and_floats_of_the_same_images_are_alike() -> None:
    x, y = ((photographs(9, 16, seed=seed).clip(0, 1) * 255).round().astype(np.uint8) for seed in (0, 1))
    found = pyramid_wasserstein(x, y, patches=8, directions=16)
    floats = pyramid_wasserstein(x / np.float32(255), y / np.float32(255), patches=8, directions=16)
    assert found.value == pytest.approx(floats.value, rel=1e-4)


def test_estimates_go_to_json() -> None:
    images = photographs(8, 8)
    for found in (sliced_wasserstein(X[:50], Y), mind(X[:50], Y), pyramid_wasserstein(images, images, patches=4)):
        assert Estimate.from_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize("measure", [sliced_wasserstein, mind, pyramid_wasserstein])
def test_bad_input(measure: object) -> None:
    bad = photographs(9, 8)
    bad[0, 0, 0, 0] = np.nan
    good = photographs(9, 8)
    for x, y, said in [
        (good[:3], good, "samples: found 3 rows"),
        (good, good[:3], "real: found 3 rows"),
        (good, photographs(9, 9), "numbers a row"),
        (good, bad, "NaN"),
        ((good * 255).astype(np.uint8), good, "expected one scale"),
    ]:
        with pytest.raises(BadInput, match=said):
            measure(x, y)  # type: ignore[operator]
    with pytest.raises(BadInput, match="directions"):
        measure(good, good, directions=0)  # type: ignore[operator]


def test_bad_images() -> None:
    good = photographs(9, 8)
    for x, y, said in [
        (good.reshape(9, -1), good, "expected images"),
        (good.reshape(9, 1, 4, 16), good, "expected one size"),
        (photographs(9, 6), photographs(9, 6), "7 pixels or more"),
        (good, np.ones_like(good), "constant"),
    ]:
        with pytest.raises(BadInput, match=said):
            pyramid_wasserstein(x, y, patches=4)
    with pytest.raises(BadInput, match="constant"):
        pyramid_wasserstein(np.ones_like(good), good, patches=4, normalisation="own")
    assert pyramid_wasserstein(np.ones_like(good), good, patches=4).value > 0
    with pytest.raises(BadInput, match="Did you mean 'real'"):
        pyramid_wasserstein(good, good, normalisation="reals")
    with pytest.raises(BadInput, match="patches: found 0"):
        pyramid_wasserstein(good, good, patches=0)
    with pytest.raises(BadInput, match="smallest = 3"):
        pyramid_wasserstein(good, good, smallest=3)
