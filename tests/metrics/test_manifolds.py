"""Precision, recall, density and coverage against their definitions, exact expectations, and by construction."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.metrics import coverage, expected_coverage, manifolds
from advnets.statistics.estimate import share_error

X = np.random.RandomState(0).randn(500, 32)
Y = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1
NAMES = ("precision", "recall", "density", "coverage")


def normal(n: int, d: int = 6, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def direct(y: NDArray[np.float64], x: NDArray[np.float64], k: int, strict: bool) -> dict[str, float]:
    """The definitions on whole matrices of direct differences in float64."""

    def distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((a[:, None] - b[None]) ** 2).sum(2)

    def radii(a: NDArray[np.float64]) -> NDArray[np.float64]:
        among = distances(a, a)
        np.fill_diagonal(among, np.inf)
        return np.sort(among, 1)[:, k - 1]

    closer = np.less if strict else np.less_equal
    across = distances(x, y)
    on_real, on_samples = closer(across, radii(x)[:, None]), closer(across, radii(y)[None])
    values = on_real.any(0).mean(), on_samples.any(1).mean(), on_real.sum() / k / len(y), on_real.any(1).mean()
    return dict(zip(NAMES, values, strict=True))


def values(found: dict) -> dict[str, float]:
    return {name: estimate.value for name, estimate in found.items()}


@pytest.mark.parametrize(
    ("k", "golden"), [(3, (0.454, 0.918, 0.35533333333333333, 0.584)), (5, (0.570, 0.946, 0.364, 0.788))]
)
def test_the_published_arrays_of_the_specification(k: int, golden: tuple[float, ...]) -> None:
    """X and Y of 500 in 32 dimensions, by brute force elsewhere; float32 features give the same counts."""
    assert values(manifolds(Y, X, k=k)) == pytest.approx(dict(zip(NAMES, golden, strict=True)), abs=1e-12)
    narrow = manifolds(torch.tensor(Y).float(), torch.tensor(X).float(), k=k)
    assert values(narrow) == pytest.approx(dict(zip(NAMES, golden, strict=True)), abs=1e-12)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("block", [(7, 5), (64, 33), (48, 16), (2048, 4096)])
def test_all_four_are_their_definitions(strict: bool, block: tuple[int, int]) -> None:
    """On a lattice with copies, where hundreds of distances are equal to a radius."""
    y, x = (np.round(normal(n, 4, seed) * 2) / 2 + 3 for n, seed in ((70, 0), (90, 1)))
    for k in (1, 4):
        found = manifolds(y, x, k=k, strict=strict, block=block)
        assert values(found) == pytest.approx(direct(y, x, k, strict), abs=1e-12)


def test_coverage_is_coverage() -> None:
    one, alone = manifolds(Y, X, k=3)["coverage"], coverage(Y, X, k=3)
    assert (one.value, one.error, one.floor) == (alone.value, alone.error, alone.floor)


def test_the_order_of_points_and_the_block_change_nothing() -> None:
    order = np.random.default_rng(0).permutation(500)
    for y, x, block in ((Y[order], X, (2048, 4096)), (Y, X[order], (100, 30)), (Y + 1e6, X + 1e6, (33, 501))):
        found = manifolds(y, x, block=block)
        if block == (33, 501):
            expected = direct(y, x, 5, True)
            assert values(found) == pytest.approx(expected, abs=1e-12)
        else:
            assert values(found) == pytest.approx(values(manifolds(Y, X)), abs=1e-12)


def test_real_against_real_has_density_one_and_the_expected_coverage() -> None:
    """Means over 200 draws, within three standard errors."""
    n, m, k = 60, 50, 3
    draws = [manifolds(normal(m, 5, 2 * t), normal(n, 5, 2 * t + 1), k=k) for t in range(200)]
    for name, expected in (("density", 1.0), ("coverage", expected_coverage(n, m, k))):
        found = np.array([draw[name].value for draw in draws])
        assert abs(found.mean() - expected) < 3 * found.std(ddof=1) / np.sqrt(len(found))
        assert draws[0][name].floor == expected


def test_the_error_of_precision_is_the_spread_over_draws_of_samples() -> None:
    """The same real points; away from 1."""
    x = normal(150, 4, 1)
    draws = [manifolds(normal(150, 4, 10 + t) * 1.3, x)["precision"] for t in range(60)]
    spread = np.std([draw.value for draw in draws], ddof=1)
    assert 0.7 < np.mean([draw.standard_error for draw in draws]) / spread < 1.3


@pytest.mark.parametrize(
    ("n", "m", "d", "scale"), [(125, 125, 2, 0.7), (125, 125, 8, 1.0), (125, 125, 64, 0.8), (1000, 100, 8, 0.8)]
)
def test_the_error_of_recall_covers_the_luck_of_both_sides(n: int, m: int, d: int, scale: float) -> None:
    """By `share_error` over real points alone the ratio is .4 to .8, and draws of one generator differ."""
    draws = [manifolds(normal(m, d, 2 * t) * scale, normal(n, d, 2 * t + 1))["recall"] for t in range(80)]
    spread = np.std([draw.value for draw in draws], ddof=1)
    assert 0.8 < np.mean([draw.standard_error for draw in draws]) / spread < 1.5


def test_the_error_of_recall_is_near_the_jackknife_of_the_definition() -> None:
    """Each sample is left out, and balls are found anew; the error leaves out points in two new rims."""

    def reached(y: NDArray[np.float64]) -> NDArray[np.int64]:
        radii = np.sort(((y[:, None] - y[None]) ** 2).sum(2), 1)[:, 3]
        return (((x[:, None] - y[None]) ** 2).sum(2) < radii).any(1).astype(int)

    for seed in range(5):
        y, x = normal(60, 8, 2 * seed), normal(50, 8, 2 * seed + 1)
        found = manifolds(y, x, k=3)["recall"]
        change = np.array([reached(np.delete(y, j, 0)) - reached(y) for j in range(60)])
        squares = 59 / 60 * ((change.sum(1) - change.sum(1).mean()) ** 2).sum() - np.abs(change).sum()
        of_both = np.hypot(share_error(reached(y).sum(), 50), np.sqrt(max(squares, 0)) / 50)
        assert found.standard_error == pytest.approx(of_both, rel=0.25)
    assert manifolds(normal(4), normal(9), k=3)["recall"].error is None


@pytest.mark.parametrize(("n", "m", "d"), [(250, 250, 64), (100, 300, 10), (300, 100, 10)])
def test_the_error_of_density_covers_the_luck_of_both_sides(n: int, m: int, d: int) -> None:
    """Of draws of one Gaussian 95 % lie within 1.96 errors of 1; by the error over samples alone, 75 %."""
    draws = [manifolds(normal(m, d, 2 * t), normal(n, d, 2 * t + 1))["density"] for t in range(60)]
    assert np.mean([abs(draw.value - 1) < 1.96 * draw.standard_error for draw in draws]) > 0.88
    spread = np.std([draw.value for draw in draws], ddof=1)
    assert 0.8 < np.mean([draw.standard_error for draw in draws]) / spread < 1.7


def test_the_error_of_density_is_the_jackknife_of_the_definition() -> None:
    """Each real point is left out, and the balls of the others are found anew; on a lattice with copies too."""
    for y, x in ((normal(30, 4, 0), normal(40, 4, 1)), (np.round(normal(30, 3, 0)), np.round(normal(40, 3, 1)))):
        found = manifolds(y, x, k=3)["density"]
        without = [manifolds(y, np.delete(x, i, 0), k=3)["density"].value for i in range(40)]
        of_real = 39 / 40 * ((np.array(without) - np.mean(without)) ** 2).sum()
        held = (((y[:, None] - x[None]) ** 2).sum(2) < np.sort(((x[:, None] - x[None]) ** 2).sum(2), 1)[:, 3]).sum(
            1
        ) / 3
        assert found.standard_error == pytest.approx(np.sqrt(of_real + held.var(ddof=1) / 30), rel=1e-9)
    assert manifolds(normal(9), normal(4), k=3)["density"].error is None


def test_held_out_points_give_precision_and_recall_their_floors() -> None:
    x, other, y = normal(200, 8, 1), normal(200, 8, 2), normal(200, 8, 3) * 0.5
    without, found = manifolds(y, x), manifolds(y, x, held_out=other)
    real = manifolds(other, x)
    assert values(without) == values(found)
    assert without["precision"].floor is None
    assert found["precision"].floor == real["precision"].value
    assert found["recall"].floor == real["recall"].value
    assert found["density"].floor == 1


def test_a_collapsed_generator_is_precise_and_recalls_and_covers_nearly_nothing() -> None:
    x = normal(120, 8)
    copies = np.repeat(x[:1], 100, 0)
    found = manifolds(copies, x)
    assert found["precision"].value == 1
    assert found["recall"].value == 0
    assert found["recall"].notes["empty balls"] == 100
    assert found["coverage"].value < 0.2
    closed = manifolds(copies, x, strict=False)
    assert closed["recall"].value == pytest.approx(1 / 120)


def test_samples_nearly_collapsed_are_measured_without_rounding() -> None:
    """Around 4 centres, far apart, samples and real points differ by 1e-9: float32 products see nothing of it."""
    centres = np.repeat(normal(4, 6) * 10, 15, 0)
    y, x = (centres + 1e-9 * normal(60, 6, seed) for seed in (1, 2))
    for strict in (True, False):
        assert values(manifolds(y, x, k=3, strict=strict)) == pytest.approx(direct(y, x, 3, strict), abs=1e-12)


def test_copies_of_the_data_are_all_there_if_balls_are_open_or_closed() -> None:
    x = normal(80) + 1e4
    for strict in (True, False):
        found = manifolds(x, x, strict=strict)
        assert [found[name].value for name in ("precision", "recall", "coverage")] == [1, 1, 1]
    all_alike = manifolds(np.ones((9, 3)), np.ones((9, 3)))
    assert set(values(all_alike).values()) == {0}
    closed = values(manifolds(np.ones((9, 3)), np.ones((9, 3)), strict=False, k=3))
    assert closed == {"precision": 1, "recall": 1, "density": 3, "coverage": 1}


def test_columns_that_are_constant_or_double_do_no_harm() -> None:
    wide_y, wide_x = (np.concatenate([a, a, np.full((500, 1), 7.0)], 1) for a in (Y, X))
    assert values(manifolds(wide_y, wide_x)) == pytest.approx(values(manifolds(Y, X)), abs=1e-12)


def test_bytes_and_huge_and_tiny_numbers_are_measured() -> None:
    y, x = (np.random.RandomState(seed).randint(256, size=(40, 1, 3, 3)).astype(np.uint8) for seed in (0, 1))
    found = values(manifolds(y, x, k=2))
    assert found == direct(y.reshape(40, 9).astype(float), x.reshape(40, 9).astype(float), 2, True)
    for scale in (1e30, 1e-30, 1e-100):
        assert values(manifolds(Y * scale, X * scale)) == values(manifolds(Y, X))


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(BadInput, match=r"expected 1\.\.4, below the number of samples"):
        manifolds(normal(5), normal(9))
    with pytest.raises(BadInput, match="number of real"):
        manifolds(normal(9), normal(5))
    with pytest.raises(BadInput, match="number of held_out"):
        manifolds(normal(9), normal(9), held_out=normal(3))
    with pytest.raises(BadInput, match="6 and 4"):
        manifolds(normal(9), normal(9, 4))
    with pytest.raises(BadInput, match="NaN or Inf"):
        manifolds(torch.full((9, 6), float("nan")), normal(9))
    with pytest.raises(BadInput, match="one scale"):
        manifolds(np.zeros((9, 6), np.uint8), normal(9))
    with pytest.raises(BadInput, match="Scale them"):
        manifolds(normal(9) * 1e200, normal(9))


@pytest.mark.parametrize(("count", "error"), [(0, 0.0098), (1, 0.00995), (50, 0.05), (99, 0.00995), (100, 0.0098)])
def test_no_count_has_an_error_of_nothing(count: int, error: float) -> None:
    assert share_error(count, 100) == pytest.approx(error, rel=0.01)
