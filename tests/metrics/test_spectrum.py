"""Spectra against numpy's transform written out, plane waves, and their own calibration."""

import json
import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.metrics import radial_spectrum, spectrum_distance
from advnets.metrics.pixels.spectrum import FAINTEST_POWER, log_powers
from advnets.statistics import Estimate


def photographs(n: int, size: int = 16, *, channels: int = 1, seed: int = 0, slope: float = 1.0) -> NDArray[np.float64]:
    """Noise whose amplitude falls as frequency^-slope, as that of photographs does."""
    rng, f = np.random.default_rng(seed), np.fft.fftfreq(size)
    radius = np.hypot(*np.meshgrid(f, f)) * size
    radius[0, 0] = 1
    noise = np.fft.fft2(rng.normal(size=(n, channels, size, size)))
    images: NDArray[np.float64] = 0.5 + 0.1 * np.fft.ifft2(noise * radius**-slope).real
    return (images + 0.02 * rng.normal(size=images.shape)).clip(0, 1)


def direct(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """By loops over frequencies."""
    n, _, h, w = images.shape
    rings: dict[int, list[tuple[int, int]]] = {}
    for i in range(h):
        for j in range(w):
            radius = np.hypot(min(i, h - i) / h, min(j, w - j) / w) * min(h, w)
            rings.setdefault(int(np.ceil(radius - 0.5 - 1e-9)), []).append((i, j))
    power = np.abs(np.fft.fft2(images)) ** 2 / (h * w)
    rows = [[np.log(np.mean([power[k, :, i, j] for i, j in rings[r]])) for r in sorted(rings)] for k in range(n)]
    return np.mean(rows, 0)


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 3)])
def test_the_spectrum_is_its_definition(size: int, channels: int) -> None:
    images = photographs(3, size, channels=channels)
    found = radial_spectrum(images)
    np.testing.assert_allclose(found.numpy(), direct(images), atol=1e-9)
    assert len(found) == round(size / np.sqrt(2)) + 1


def test_oblong_images_have_frequencies_over_their_shorter_side() -> None:
    images = photographs(3, 16)[..., :10]
    np.testing.assert_allclose(radial_spectrum(images).numpy(), direct(images), atol=1e-9)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_a_plane_wave_has_its_power_at_its_frequency(k: int) -> None:
    wave = 0.4 * np.cos(2 * np.pi * k * np.arange(32) / 32)[None, None, None].repeat(32, 2)
    found = radial_spectrum(wave)
    assert int(found.argmax()) == k
    assert float(found[k + 2]) == pytest.approx(np.log(FAINTEST_POWER))


def test_a_checkerboard_is_at_the_corner() -> None:
    board = np.indices((8, 8)).sum(0)[None] % 2 * 255
    assert int(radial_spectrum(board.astype(np.uint8)[None])[1:].argmax()) + 1 == round(8 / np.sqrt(2))


def test_doubled_pixels_lack_the_highest_frequencies_and_are_found() -> None:
    x, y = photographs(60, 16, seed=1), photographs(60)
    doubled = x[..., ::2, ::2].repeat(2, 2).repeat(2, 3)
    found = spectrum_distance(doubled, y)
    assert found.p_value == 0.001
    assert found.value > 4 * float(found.floor or 0)
    assert found.bounds is not None
    assert found.bounds[0] > 0


def test_bytes_and_floats_blocks_and_order() -> None:
    images = (photographs(20) * 255).round().astype(np.uint8)
    floats = torch.from_numpy(images).double() / 255
    assert torch.allclose(radial_spectrum(images), radial_spectrum(floats), atol=1e-12)
    assert torch.allclose(log_powers(images, block=3), log_powers(images), atol=1e-12)
    first = spectrum_distance(images[:9], images[9:])
    other = spectrum_distance(images[:9][::-1].copy(), np.roll(images[9:], 3, 0), block=2)
    for a, b in ((first.value, other.value), (first.error, other.error), (first.bounds, other.bounds)):
        assert a == pytest.approx(b, abs=1e-9)


def test_the_value_is_free_of_the_unit() -> None:
    x, y = photographs(20, slope=1.3), photographs(20, seed=1)
    half = spectrum_distance(x / 2, y / 2)
    assert half.value == pytest.approx(spectrum_distance(x, y).value, rel=1e-9)


@pytest.mark.parametrize("draws", [80, pytest.param(200, marks=pytest.mark.slow)])
def test_the_interval_the_floor_and_the_p_value_under_the_null_and_away_from_it(draws: int) -> None:
    """Draws of 40 and 60 images; the far distance is that of 6,000 images of each kind."""
    sides = [
        log_powers(photographs(6000, 12, seed=500 + t, slope=slope))[:, 1:].mean(0) for t, slope in ((0, 1), (1, 1.3))
    ]
    far = float((sides[1] - sides[0]).norm() / (sides[0] - sides[0].mean()).norm())
    error = np.sqrt(0.05 * 0.95 / draws)
    for slope, truth in ((1.0, 0.0), (1.3, far)):
        found = [
            spectrum_distance(
                photographs(40, 12, seed=2 * t, slope=slope),
                photographs(60, 12, seed=2 * t + 1),
                permutations=39,
                seed=t,
            )
            for t in range(draws)
        ]
        held = np.mean([e.bounds[0] - 1e-12 <= truth <= e.bounds[1] for e in found])  # type: ignore[index]
        assert 0.95 - 3 * error <= held
        low = np.mean([e.p_value <= 0.05 for e in found])
        if truth == 0:
            assert low <= 0.05 + 3 * error
            values = [e.value for e in found]
            assert np.mean([e.floor for e in found]) == pytest.approx(np.mean(values), rel=0.1)
        else:
            assert low > 0.9
            spread = np.std([e.value for e in found], ddof=1)
            assert np.mean([e.standard_error for e in found]) == pytest.approx(spread, rel=0.25)


def test_a_collapsed_generator_of_one_grey() -> None:
    """No power at all is that of rounding, not minus infinity."""
    found = spectrum_distance(np.full((10, 16, 16), 0.5), photographs(20)[:, 0])
    assert np.isfinite(found.value)
    assert found.p_value == 0.001
    twice = spectrum_distance(photographs(9), photographs(9))
    assert (twice.value, twice.p_value) == (0, 1)
    assert twice.bounds is not None
    assert twice.bounds[0] == 0


def test_estimates_go_to_json() -> None:
    found = spectrum_distance(photographs(9), photographs(9, seed=1), permutations=19)
    assert Estimate.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_bad_input() -> None:
    good = photographs(9)
    bad = photographs(9)
    bad[0, 0, 0, 0] = np.nan
    for x, y, said in [
        (good[:3], good, "samples: found 3 images"),
        (good, good[:3], "real: found 3 images"),
        (good, photographs(9, 8), "expected one size"),
        (good, photographs(9, channels=3), "expected one size"),
        (good.reshape(9, -1), good, "expected images"),
        (good, bad, "NaN"),
        (good * 255, good, "expected bytes, or floats"),
        (good * 2 - 1, good, "expected one scale"),
        (good, np.full_like(good, 0.5), "flat"),
        (good[..., :3], good, "4 pixels"),
    ]:
        with pytest.raises(BadInput, match=said):
            spectrum_distance(x, y)
    with pytest.raises(BadInput, match="permutations"):
        spectrum_distance(good, good, permutations=5)


def test_the_error_counts_what_real_images_do_to_the_denominator() -> None:
    """By the jackknife over real images, of whom contrast varies by frequency."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(120, 12, 12)).cumsum(1)
    x, y = np.tanh(0.02 * base[:60].cumsum(2)), np.tanh(0.02 * base[60:] * rng.exponential(size=(60, 1, 1)))
    found = spectrum_distance(x, y, permutations=19)
    left = [spectrum_distance(x, np.delete(y, i, 0), permutations=19).value for i in range(60)]
    right = [spectrum_distance(np.delete(x, i, 0), y, permutations=19).value for i in range(60)]
    by_jackknife = math.sqrt(sum(59 / 60 * 60 * float(np.var(side)) for side in (left, right)))
    assert found.standard_error == pytest.approx(by_jackknife, rel=0.05)
