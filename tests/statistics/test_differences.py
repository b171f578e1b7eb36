"""Differences of scores against scipy's tests, by construction, and under the null."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import permutation_test, ttest_1samp, ttest_ind, ttest_rel, wilcoxon

from advnets.errors import BadInput
from advnets.statistics import paired_difference, unpaired_difference

Rng = np.random.Generator


def scores(n: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, size=n)


def gap(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return abs(a.mean(axis) - b.mean(axis))


@pytest.mark.parametrize("n", [2, 3, 8, 40])
def test_paired_is_students_test(n: int) -> None:
    a, b = scores(n), scores(n, 1, 0.5)
    found, oracle = paired_difference(a, b), ttest_rel(a, b)
    assert found.value == pytest.approx((a - b).mean())
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert found.bounds == pytest.approx(tuple(oracle.confidence_interval()))
    assert found.value / found.error == pytest.approx(oracle.statistic)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 3), (3, 8), (30, 40)])
def test_unpaired_is_welchs_test(n: int, m: int) -> None:
    a, b = scores(n), 3 * scores(m, 1)
    found, oracle = unpaired_difference(a, b), ttest_ind(a, b, equal_var=False)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert found.notes["degrees"] == pytest.approx(oracle.df)
    assert found.bounds == pytest.approx(tuple(oracle.confidence_interval()))


def test_permutations_are_scipys_where_all_are_tried() -> None:
    a, b = scores(8), scores(8, 1, 1.0)
    flips = permutation_test([a, b], gap, permutation_type="samples", alternative="greater", n_resamples=np.inf)
    assert paired_difference(a, b).notes["p_permutation"] == pytest.approx(flips.pvalue)
    a, b = scores(4), scores(5, 1, 1.0)
    exchanged = permutation_test([a, b], gap, permutation_type="independent", alternative="greater", n_resamples=np.inf)
    assert unpaired_difference(a, b).notes["p_permutation"] == pytest.approx(exchanged.pvalue)


def test_permutations_drawn_are_near_those_tests_that_need_none() -> None:
    a, b = scores(60), scores(60, 1, 0.3)
    assert paired_difference(a, b).notes["p_permutation"] == pytest.approx(wilcoxon(a, b).pvalue, abs=0.1)
    assert paired_difference(a, b).notes["p_permutation"] == pytest.approx(paired_difference(a, b).p_value, abs=0.03)
    assert unpaired_difference(a, b).notes["p_permutation"] == pytest.approx(
        unpaired_difference(a, b).p_value, abs=0.03
    )
    assert paired_difference(a, b) == paired_difference(a, b)


def test_what_items_share_cancels() -> None:
    items = 100 * scores(50)
    a, b = items + scores(50, 1) + 1, items + scores(50, 2)
    assert paired_difference(a, b).p_value < 1e-3
    assert unpaired_difference(a, b).p_value > 0.5


def test_the_sign_test_counts_signs() -> None:
    found = paired_difference(np.array([1.0, 2, 3, 4, 5, 5]), np.array([0.0, 0, 0, 0, 0, 5]))
    assert (found.notes["p_sign"], found.notes["ties"]) == (pytest.approx(2 / 32), 1)


def test_one_number_throughout_falls_back_on_permutations() -> None:
    """Rounding of scores near 1e6 makes no deviation of its own."""
    a = 1e6 + scores(3)
    assert paired_difference(a, a + 0.1).notes["constant"]
    shifted = paired_difference(np.arange(3.0), np.arange(3.0) + 1)
    assert (shifted.value, shifted.p_value, shifted.notes["constant"], shifted.bounds) == (-1, 0.25, True, None)
    apart = unpaired_difference(np.ones(3), np.zeros(3))
    assert (apart.value, apart.p_value, apart.error) == (1, pytest.approx(0.1), None)


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6 + 0.1])
def test_a_set_of_one_number_is_a_known_mean(level: float) -> None:
    a, oracle = level + scores(5), ttest_1samp(level + scores(5), level)
    for found in (unpaired_difference(a, np.full(3, level)), unpaired_difference(np.full(3, level), a)):
        assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-6)
        assert found.notes["degrees"] == pytest.approx(4)
        assert not found.notes["constant"]


def test_nothing_differs_from_itself() -> None:
    a = scores(5)
    assert (paired_difference(a, a).value, paired_difference(a, a).p_value) == (0, 1)
    assert unpaired_difference(a, a).p_value == 1
    assert unpaired_difference(np.full(3, 0.1), np.full(4, 0.1)).p_value == 1


def test_exchange_of_sides_changes_the_sign_alone() -> None:
    a, b = scores(6), scores(6, 1)
    for difference in (paired_difference, unpaired_difference):
        there, back = difference(a, b), difference(b, a)
        assert (there.value, there.p_value) == (pytest.approx(-back.value), pytest.approx(back.p_value))


def test_intervals_hold_the_difference() -> None:
    rng, held = np.random.default_rng(0), np.zeros(2)
    for _ in range(300):
        a, b = rng.normal(1, 1, size=3), rng.normal(0, 2, size=3)
        for i, found in enumerate((paired_difference(a, b), unpaired_difference(a, b))):
            held[i] += found.bounds[0] <= 1 <= found.bounds[1]
    assert ((held / 300 >= 0.92) & (held / 300 <= 0.98)).all()


def test_integers_and_tensors_are_scores_too() -> None:
    a, b = np.array([1, 5, 9]), np.array([2, 2, 2])
    assert paired_difference(torch.tensor(a), torch.tensor(b)) == paired_difference(a.astype(float), b.astype(float))


@pytest.mark.parametrize(
    "wrong", [np.zeros(1), np.zeros((3, 1)), np.zeros(0), np.array(["a", "b", "c"]), np.zeros(3, bool)]
)
def test_what_are_no_scores_is_refused(wrong: np.ndarray) -> None:
    for difference in (paired_difference, unpaired_difference):
        with pytest.raises(BadInput, match="first"):
            difference(wrong, np.zeros(3))
        with pytest.raises(BadInput, match="second"):
            difference(np.zeros(3), wrong)


def test_nan_and_unlike_numbers_of_items_are_refused() -> None:
    with pytest.raises(BadInput, match="1 values that are NaN"):
        paired_difference(np.array([1.0, math.nan]), np.zeros(2))
    with pytest.raises(BadInput, match="3 and 4 scores"):
        paired_difference(np.zeros(3), np.zeros(4))
