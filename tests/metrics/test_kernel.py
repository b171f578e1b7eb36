"""Kernel distances against their definitions written out, published arrays, closed forms and their own calibration."""

import json

import numpy as np
import pytest
import torch
from calibration_kernel import SETTINGS, draw, hits, mean_kernel, normal, truth
from numpy.typing import NDArray

from advnets.errors import BadInput, NonFinite
from advnets.metrics import kernel_distance, kernel_subsets, kernel_test
from advnets.statistics import Estimate

X = np.random.RandomState(0).randn(500, 32)
Y = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1


def points(n: int, d: int = 8, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def gram(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return (x @ y.T / x.shape[1] + 1) ** 3


def direct(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Gretton et al. 2012, eq. 3, written out."""
    xx, yy = gram(x, x), gram(y, y)
    m, n = len(x), len(y)
    within = (xx.sum() - np.trace(xx)) / (m * (m - 1)) + (yy.sum() - np.trace(yy)) / (n * (n - 1))
    return float(within - 2 * gram(x, y).mean())


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("unbiased", 0.04820161012276092), ("biased", 0.08301885567830158), ("u-statistic", 0.048034280971216425)],
)
def test_the_published_arrays_of_the_specification(statistic: str, expected: float) -> None:
    assert kernel_distance(X, Y, statistic=statistic).value == pytest.approx(expected, abs=1e-12)


def test_the_subsets_of_torch_fidelity() -> None:
    """100 subsets of 100, RandomState(2020), as torch-fidelity gives them."""
    found = kernel_subsets(X, Y, size=100)
    assert found.value == pytest.approx(0.04848576988515209, abs=1e-12)
    assert found.notes["deviation"] == pytest.approx(0.022660434679132747, abs=1e-12)
    assert found.error is None
    assert kernel_subsets(X, Y, size=100, seed=1).value != found.value


def test_the_deviation_of_subsets_is_no_standard_error() -> None:
    """Four times the points do not make it smaller; the true error of the distance halves."""
    few, many = (kernel_subsets(points(n), points(n, seed=1) + 0.3, size=50) for n in (100, 400))
    assert float(many.notes["deviation"]) > 0.8 * float(few.notes["deviation"])
    few, many = (kernel_distance(points(n), points(n, seed=1) + 0.3) for n in (100, 400))
    assert many.standard_error < 0.7 * few.standard_error


@pytest.mark.parametrize(("m", "n"), [(40, 40), (25, 60)])
def test_the_distance_is_its_definition_whatever_the_block(m: int, n: int) -> None:
    x, y = points(m) * 1.3 + 0.2, points(n, seed=1)
    expected = kernel_distance(x, y)
    assert expected.value == pytest.approx(direct(x, y), abs=1e-12)
    for block in (1, 7, 41):
        found = kernel_distance(x[::-1].copy(), torch.from_numpy(y).roll(5, 0), block=block)
        assert found.value == pytest.approx(expected.value, abs=1e-9)
        assert found.error == pytest.approx(expected.standard_error, rel=1e-9)
        assert found.bounds == pytest.approx(expected.bounds, abs=1e-9)


def test_the_variance_is_hoeffdings() -> None:
    """The spread of 200 draws, near 0 and far from it; its own standard error is 5 %."""
    for setting in (SETTINGS[1], SETTINGS[7]):
        draws = [draw(setting, seed) for seed in range(200)]
        spread = np.std([found.value for found in draws], ddof=1)
        root = np.sqrt(np.mean([found.standard_error**2 for found in draws]))
        # Near 0 the first order, which cannot be below 0, is overestimated a little.
        assert 0.85 * spread < root < 1.25 * spread
        mean_error = spread / np.sqrt(len(draws))
        assert abs(np.mean([found.value for found in draws]) - truth(setting)) < 3.5 * mean_error


def test_the_closed_form_is_that_of_a_large_draw() -> None:
    p, q = normal(3, 0.4, 1.2), normal(3, 0.3, 0.9)
    x, y = (mean + np.sqrt(v) * points(3000, 3, seed) for seed, (mean, v) in enumerate((p, q)))
    values = gram(x, y)
    error = np.hypot(values.mean(0).std(), values.mean(1).std()) / np.sqrt(3000)
    assert abs(values.mean() - mean_kernel(p, q)) < 4 * error


@pytest.mark.parametrize("setting", [SETTINGS[0], SETTINGS[3], SETTINGS[6]], ids=lambda setting: str(setting.name))
def test_the_interval_holds_the_truth_as_often_as_it_says(setting: object) -> None:
    """The first 100 draws of benchmarks/calibration_kernel.py: 95 with a standard error of 2.2."""
    held, _, _ = hits(setting, 100)  # type: ignore[arg-type]
    assert 88 <= held <= 100


def test_the_bias_of_the_biased_form() -> None:
    """Copies of real points: the mean of the biased form is its floor, within four standard errors."""
    draws = [kernel_distance(points(40, seed=2 * t), points(60, seed=2 * t + 1), statistic="biased") for t in range(60)]
    values = np.array([found.value - float(found.floor or 0) for found in draws])
    assert abs(values.mean()) < 4 * values.std(ddof=1) / np.sqrt(len(values))
    assert draws[0].bias == pytest.approx(draws[0].floor, rel=0.2)
    assert kernel_distance(points(40), points(60, seed=1)).floor == 0


def test_an_estimate_goes_to_json() -> None:
    for found in (kernel_distance(X, Y), kernel_subsets(X, Y, size=50, subsets=3), kernel_test(X[:50], Y[:50])):
        assert Estimate.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_the_tests_value_is_the_distance_and_its_p_value_that_of_a_loop() -> None:
    x, y = points(12) * 1.2, points(15, seed=1)
    found = kernel_test(x, y, permutations=199)
    assert found.value == pytest.approx(direct(x, y), abs=1e-12)
    pooled, rng = np.concatenate([x, y]), np.random.default_rng(5)
    drawn = [direct(order[:12], order[12:]) for order in (rng.permutation(pooled) for _ in range(2000))]
    by_loop = np.mean(np.array(drawn) >= found.value)
    assert found.p_value == pytest.approx(by_loop, abs=4 * np.sqrt(0.25 / 199))


def test_p_values_under_the_null_are_no_smaller_than_they_say() -> None:
    """300 draws of 20 and 30 points with heavy tails: at most 5 % + 3 standard errors reach .05, and not much fewer."""
    rng = np.random.default_rng(0)
    small = [
        kernel_test(rng.standard_t(4, (20, 4)), rng.standard_t(4, (30, 4)), permutations=99, seed=t).p_value <= 0.05
        for t in range(300)
    ]
    error = np.sqrt(0.05 * 0.95 / 300)
    assert 0.05 - 3 * error <= np.mean(small) <= 0.05 + 3 * error


def test_an_obvious_difference_is_found() -> None:
    assert kernel_test(X, Y).p_value == 0.001
    assert kernel_test(X, Y + 0.5, most=100, permutations=99).p_value == 0.01


def test_points_beyond_most_are_drawn_by_the_seed() -> None:
    first, again, other = (kernel_test(X, Y, most=50, permutations=19, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.value != other.value
    assert first.notes["m"] == first.notes["n"] == 50


def test_constant_and_repeated_features() -> None:
    same = np.full((30, 4), 2.5)
    found = kernel_distance(same, same)
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.error == pytest.approx(0, abs=1e-5)
    assert kernel_test(same, same, permutations=19).p_value == 1
    assert kernel_test(np.repeat(points(1), 30, 0), points(30)).p_value == 0.001
    wide = np.concatenate([points(30), points(30)], 1)
    assert kernel_distance(wide, wide[:20] * 1.1).value == pytest.approx(
        kernel_distance(wide[:, :8], wide[:20, :8] * 1.1).value, abs=1e-12
    )


@pytest.mark.parametrize("measure", [kernel_distance, kernel_subsets, kernel_test])
def test_bad_input(measure: object) -> None:
    bad = points(5)
    bad[0, 0] = np.nan
    for x, y, said in [
        (points(1), points(9), "samples: found 1 rows"),
        (points(9), points(1), "real: found 1 rows"),
        (points(9, 3), points(9, 4), "numbers a row"),
        (bad, points(9), "NaN"),
        (points(9), np.ones((9, 8), dtype=np.uint8), "expected one scale"),
        (np.ones(4), points(9), "expected"),
    ]:
        with pytest.raises(BadInput, match=said):
            measure(x, y)  # type: ignore[operator]


def test_bad_settings() -> None:
    with pytest.raises(BadInput, match="Did you mean 'biased'"):
        kernel_distance(X, Y, statistic="bias")
    with pytest.raises(BadInput, match="expected equally many"):
        kernel_distance(X, Y[:99], statistic="u-statistic")
    with pytest.raises(BadInput, match=r"size: found 1000, expected 2\.\.500"):
        kernel_subsets(X, Y)
    with pytest.raises(BadInput, match="subsets"):
        kernel_subsets(X, Y, size=10, subsets=0)
    with pytest.raises(BadInput, match="permutations"):
        kernel_test(X, Y, permutations=9)
    with pytest.raises(BadInput, match="most"):
        kernel_test(X, Y, most=1)
    for measure in (kernel_distance, kernel_test):
        with pytest.raises(NonFinite, match="scale"):
            measure(X * 1e150, Y)  # type: ignore[operator]
