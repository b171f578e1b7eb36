"""The Fréchet distance against closed forms and independent oracles, its bias and error against simulation."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from calibration_frechet import CASES, SEED, holds, simulated
from numpy.typing import NDArray

from advnets.errors import BadInput, NonFinite
from advnets.metrics import frechet, frechet_infinite
from advnets.statistics import Gaussian, Moments, bures
from reference.frechet import by_rows, by_sqrtm, transport

Rows = NDArray[np.float64]
X = np.random.RandomState(0).randn(500, 32)
Y = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1


def normal(n: int, d: int, seed: int = 0) -> Rows:
    return np.random.default_rng(seed).normal(size=(n, d))


def shaped(n: int, d: int, seed: int = 0) -> Rows:
    """Correlated, of unlike scales, off the origin."""
    mix = np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    return normal(n, d, seed) @ mix * np.linspace(0.2, 2, d) + 3


def test_the_golden_numbers() -> None:
    """The specification's, by brute force in float64; that of 20 samples in 32 dimensions is not exact by sqrtm."""
    assert frechet(Y, X).value == pytest.approx(2.125810271675263, rel=1e-12)
    assert frechet(Y, X, ddof=0).value == pytest.approx(2.1226885447113233, rel=1e-12)
    assert frechet(Y[:20], X[:20]).value == pytest.approx(31.76219729569464, rel=1e-12)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 20), (90, 41, 40), (40, 200, 60), (50, 30, 64), (2, 2, 5)])
def test_it_is_the_usual_formula(n: int, m: int, d: int, ddof: int) -> None:
    y, x = shaped(n, d), shaped(m, d, 1) * 1.2
    found = frechet(y, x, ddof=ddof)
    assert found.value == pytest.approx(by_rows(y, x, ddof), rel=1e-10)
    assert found.notes["mean_term"] + found.notes["covariance_term"] == found.value  # type: ignore[operator]
    if min(n, m) > d:
        assert found.value == pytest.approx(by_sqrtm(y, x, ddof), rel=1e-8)


def test_normals_of_one_basis_have_a_closed_form() -> None:
    """sum (mu_i - nu_i)^2 + (sigma_i - tau_i)^2, in any rotation."""
    rotation = np.linalg.qr(normal(8, 8))[0]
    sigma, tau, mu = np.linspace(0.1, 3, 8), np.linspace(2, 0.5, 8), np.linspace(-1, 1, 8)
    a = Gaussian.of_covariance(mu @ rotation, rotation.T @ np.diag(sigma**2) @ rotation, 100)
    b = Gaussian.of_covariance(np.zeros(8), rotation.T @ np.diag(tau**2) @ rotation, 100)
    assert frechet(a, b).value == pytest.approx((mu**2).sum() + ((sigma - tau) ** 2).sum(), rel=1e-12)


@pytest.mark.parametrize(("n", "d"), [(500, 32), (257, 256), (128, 512), (300, 299), (2, 1), (700, 600)])
def test_a_set_is_at_no_distance_from_itself(n: int, d: int) -> None:
    x = shaped(n, d)
    assert abs(frechet(x, x).value) <= 1e-9
    gaussian = Gaussian.of(x)
    assert abs(frechet(gaussian, gaussian).value) <= 1e-9


def test_it_is_symmetric_and_knows_no_order_block_type_or_rotation() -> None:
    y, x = shaped(120, 15), shaped(150, 15, 1) + 0.3
    value, error = frechet(y, x).value, frechet(y, x).standard_error
    rotation = np.linalg.qr(normal(15, 15))[0]
    for other in (frechet(x, y), frechet(y[::-1], np.roll(x, 7, 0)), frechet(y @ rotation, x @ rotation)):
        assert other.value == pytest.approx(value, rel=1e-10)
        assert other.error == pytest.approx(error, rel=1e-9)
    a, b = Gaussian.of(y, block=11), Gaussian.of_moments(Moments.of(x, block=64))
    assert frechet(a, b).value == pytest.approx(value, rel=1e-10)
    assert frechet(torch.from_numpy(y.copy()).view(120, 3, 5), x).value == pytest.approx(value, rel=1e-12)
    assert frechet(y.astype(np.float32), x.astype(np.float32)).value == pytest.approx(value, rel=1e-4)
    assert frechet(10 * y, 10 * x).value == pytest.approx(100 * value, rel=1e-10)


def test_a_cached_reference_gives_the_same_value() -> None:
    reference = Gaussian.of(X)
    found = frechet(Y, reference)
    assert found.value == pytest.approx(frechet(Y, X).value, rel=1e-12)
    assert found.notes["error_of"] == "samples"
    assert found.standard_error < frechet(Y, X).standard_error
    both = frechet(Gaussian.of(Y), reference)
    assert both.value == pytest.approx(found.value, rel=1e-12)
    assert both.error is None
    assert both.interval is None
    assert frechet(Y, reference, ddof=0).value == pytest.approx(2.1226885447113233, rel=1e-12)


def duplicated(x: Rows) -> Rows:
    return np.concatenate([x, x[:, :2]], 1)


def with_constant(x: Rows) -> Rows:
    return np.concatenate([x, np.full((len(x), 1), 0.1)], 1)


def nearly_flat(x: Rows) -> Rows:
    return x * np.append(np.ones(x.shape[1] - 1), 1e-9)


@pytest.mark.parametrize("spoil", [duplicated, with_constant, nearly_flat])
def test_singular_covariances_keep_their_precision(spoil: Callable[[Rows], Rows]) -> None:
    """Here roots of products of covariances lose half the digits; factors of rows do not."""
    y, x = spoil(shaped(100, 8)), spoil(shaped(100, 8, 1))
    found = frechet(y, x)
    assert found.value == pytest.approx(by_rows(y, x), rel=1e-12)
    assert abs(frechet(x, x).value) <= 1e-9
    assert found.notes.get("constant_features") == (1 if spoil is with_constant else None)
    assert np.isfinite([found.standard_error, found.bias, found.floor]).all()


def test_constant_features_on_one_side_or_both() -> None:
    still = np.full((50, 3), 0.1)
    assert frechet(still, still).value == pytest.approx(0, abs=1e-25)
    found = frechet(still, normal(60, 3))
    spread = normal(60, 3)
    assert found.value == pytest.approx(((spread.mean(0) - 0.1) ** 2).sum() + spread.var(0, ddof=1).sum(), rel=1e-12)
    assert found.notes["constant_features"] == 3


def test_few_samples_are_named() -> None:
    found = frechet(Y[:20], X[:20])
    assert found.notes["rank_deficient"] is True
    assert found.notes["few_samples"] is True
    assert (found.bias, found.floor, found.interval) == (None, None, None)
    assert "few_samples" not in frechet(Y, X).notes


def test_wide_products_use_squares_only_where_they_serve() -> None:
    """Above 512 axes the singular values come from eigenvalues, unless rounding would show."""
    graded = [normal(600, 530) * np.geomspace(1, least, 530) for least in (1, 1e-2, 1e-9)]
    for rows in (*graded, duplicated(graded[0])):
        factor = Gaussian.of(rows).factor
        found = float(bures.singular_values(factor, factor).sum())
        assert found == pytest.approx(float(factor.square().sum()), rel=1e-11)
        s, first, second = bures.transport_maps(factor, factor)
        assert float(s.sum()) == pytest.approx(found, rel=1e-11)
        assert torch.allclose(first, second, atol=1e-5 * float(first.abs().max()))


def test_influence_is_that_of_the_transport_map() -> None:
    """(x - mu)^T (I - T) (x - mu) + 2 (x - mu).(mu - nu), T by matrix roots; and the curvature by its double sum."""
    y, x = shaped(200, 6), shaped(150, 6, 1) * 1.3 - 0.2
    a, b = Gaussian.of(y), Gaussian.of(x)
    s, _, carry = bures.transport_maps(a.factor, b.factor)
    shift = b.mean - a.mean
    variance, _, curvature = bures.influence_and_curvature(torch.from_numpy(x), b.mean, shift, carry=carry, s=s)
    z = x - x.mean(0)
    moved = 2 * z @ shift.numpy() + (z * (z @ (np.eye(6) - transport(y, x)))).sum(1)
    assert variance == pytest.approx(moved.var(ddof=1), rel=1e-9)
    q, s = z @ carry.numpy().T, s.numpy()
    fourth = (q**2).T @ q**2 / len(q) - np.diag(s**2)
    assert curvature == pytest.approx((fourth / (s[:, None] + s)).sum() / 2, rel=1e-6)


def test_the_influence_is_the_derivative() -> None:
    """Moving a little weight to one point moves the distance by the influence of that point."""
    y, x = shaped(300, 4), shaped(300, 4, 1) + 0.5
    found = []
    for point in (0, 7):
        heavy = np.concatenate([np.repeat(x, 200, 0), np.repeat(x[[point]], 60, 0)])
        found.append((by_rows_of_moments(y, heavy) - by_rows_of_moments(y, x)) * (len(heavy) / 60))
    t, z, shift = transport(y, x), x - x.mean(0), x.mean(0) - y.mean(0)
    moved = 2 * z @ shift + (z * (z @ (np.eye(4) - t))).sum(1)
    told = moved - moved.mean()
    np.testing.assert_allclose(found, told[[0, 7]], rtol=0.05, atol=0.01)


def by_rows_of_moments(y: Rows, x: Rows) -> float:
    return frechet(Gaussian.of(y, ddof=0), Gaussian.of(x, ddof=0), ddof=0).value


def test_the_floor_and_the_bias_are_the_means_of_real_against_real() -> None:
    """Equal normals, n = 400 in 16 dimensions, 150 pairs: within 4 standard errors, where without they are 50 away."""
    pairs = [(shaped(400, 16, 2 * t), shaped(400, 16, 2 * t + 1)) for t in range(150)]
    found = [frechet(y, x) for y, x in pairs]
    values = np.array([one.value for one in found])
    error = values.std() / np.sqrt(len(values))
    for told in ([one.floor for one in found], [one.bias for one in found]):
        assert abs(values.mean() - np.mean(np.array(told, float))) < 4 * error
    cached = frechet(Gaussian.of(pairs[0][0]), Gaussian.of(pairs[0][1]))
    assert cached.floor == pytest.approx(values.mean(), rel=0.1)
    assert cached.bias == pytest.approx(values.mean(), rel=0.1)


def test_ddof_0_shifts_the_bias() -> None:
    """Far apart, the value moves by .5 as it divides by n, and the bias with it."""
    plain, divided = frechet(5 * normal(80, 3), normal(80, 3, 1)), frechet(5 * normal(80, 3), normal(80, 3, 1), ddof=0)
    assert plain.bias is not None
    assert divided.bias is not None
    assert plain.value - divided.value > 0.3
    assert divided.value - divided.bias == pytest.approx(plain.value - plain.bias, abs=0.05)


@pytest.mark.parametrize(("sets", "least"), [(30, 25), pytest.param(60, 53, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_interval_holds_the_population_value(case: str, sets: int, least: int) -> None:
    """Of the 300 data sets that benchmarks/calibration_frechet.py draws; as many or more with chance .99 at 95 %."""
    assert sum(holds(case, SEED + number) for number in range(sets)) >= least


def test_real_against_real_at_infinity_is_nought() -> None:
    y, x, _ = simulated("normal, d = 16, n = 1,000", 5)
    found = frechet_infinite(x[:500], x[500:], seed=1)
    assert abs(found.value - (found.bias or 0)) < 4 * found.standard_error
    assert found.interval is not None
    assert found.interval[0] == 0
    away = frechet_infinite(y, x)
    assert away.notes["finite"] == pytest.approx(frechet(y, x).value, rel=1e-9)
    assert away.value < frechet(y, x).value
    assert away.notes["slope"] > 0  # type: ignore[operator]


def test_infinity_is_an_intercept_with_the_spread_it_tells() -> None:
    """40 pairs: samples' extrapolation is right on average, and the error is the spread."""
    found, truth = [], 0.0
    for number in range(40):
        y, x, truth = simulated("normal, d = 16, n = 1,000", 1000 + number)
        found.append(frechet_infinite(y, x, points=6))
    values = np.array([one.value - (one.bias or 0) for one in found])
    told = np.mean([one.standard_error for one in found])
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(40)
    assert 0.7 < values.std() / told < 1.3


def test_infinity_is_deterministic_by_its_seed() -> None:
    again = [frechet_infinite(Y, Gaussian.of(X), seed=seed).value for seed in (0, 0, 1)]
    assert again[0] == again[1] != again[2]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: frechet(X[:1], Y), "samples: found 1 sample, expected 2"),
        (lambda: frechet(X, Y[:1]), "real: found 1 sample, expected 2"),
        (lambda: frechet(X, Y[:, :5]), "32 and 5 features"),
        (lambda: frechet(X * np.nan, Y), "samples: found 16000 values"),
        (lambda: frechet(X, Y, ddof=2), "ddof: found 2"),
        (lambda: frechet(np.zeros((0, 4)), Y), "n > 0"),
        (lambda: Gaussian.of_covariance(np.zeros(2), np.eye(3), 9), "expected a symmetric"),
        (lambda: Gaussian.of_covariance(np.zeros(2), np.array([[1.0, 2], [0, 1]]), 9), "expected a symmetric"),
        (lambda: Gaussian.of_covariance(np.zeros(2), np.diag([1.0, -1]), 9), "expected none below 0"),
        (lambda: frechet_infinite(X[:100], Y), "Draw more"),
        (lambda: frechet_infinite(X, Y[:20]), "Draw more"),
        (lambda: frechet_infinite(X, Y, points=2), "points: found 2"),
        (lambda: frechet_infinite(Gaussian.of(X), Y), "found a Gaussian"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_is_refused(make: Callable[[], object], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        make()


@pytest.mark.parametrize("scale", [1e200, 1e100, 1e-100, 1e-200])
def test_features_whose_fourth_powers_are_no_numbers_are_to_be_scaled(scale: float) -> None:
    huge: tuple[NDArray[np.float64] | Gaussian, ...] = (X * scale, X[:9] * scale, Gaussian.of(X * scale))
    for one in huge:
        with pytest.raises(NonFinite, match=r"samples: .* Scale them\."):
            frechet(one, Y)
        with pytest.raises(NonFinite, match="real: "):
            frechet(Y, one)


@pytest.mark.parametrize("scale", [1e60, 1e-60])
def test_features_far_from_1_are_measured(scale: float) -> None:
    found, usual = frechet(X * scale, Y * scale), frechet(X, Y)
    assert found.value / scale**2 == pytest.approx(usual.value, rel=1e-9)
    assert found.standard_error / scale**2 == pytest.approx(usual.standard_error, rel=1e-9)
