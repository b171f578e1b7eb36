"""Adjusted p-values against their definitions by loops, and what they promise against simulation."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from advnets.errors import BadInput
from advnets.statistics import benjamini_hochberg, holm


def draws(m: int, seed: int = 0) -> list[float]:
    return list(np.random.default_rng(seed).uniform(size=m) ** 2)


@pytest.mark.parametrize("m", [1, 2, 9, 50])
def test_both_are_their_definitions(m: int) -> None:
    p = draws(m)
    ranked = sorted(p)
    slow = {ranked[i]: min(min(1.0, m * ranked[j] / (j + 1)) for j in range(i, m)) for i in range(m)}
    step = {ranked[i]: max(min(1.0, (m - j) * ranked[j]) for j in range(i + 1)) for i in range(m)}
    assert benjamini_hochberg(p) == pytest.approx([slow[one] for one in p])
    assert holm(p) == pytest.approx([step[one] for one in p])


def test_one_test_is_as_it_was_and_none_gives_none() -> None:
    assert benjamini_hochberg([0.03]) == holm([0.03]) == [0.03]
    assert benjamini_hochberg([]) == holm([]) == []


def test_order_follows_and_equal_ones_stay_equal() -> None:
    p = [0.5, 0.01, 0.01, 0.2]
    for adjust in (benjamini_hochberg, holm):
        assert adjust(p[::-1]) == pytest.approx(adjust(p)[::-1])
        assert adjust(p)[1] == adjust(p)[2]


def test_ends_are_p_values_too() -> None:
    assert holm([0.0, 1.0]) == [0.0, 1.0]
    assert benjamini_hochberg([0.0, 1.0]) == [0.0, 1.0]


def test_what_each_promises() -> None:
    """Of 20 tests 5 are of true differences: at .05 the share of false findings is .05, any false one 1 in 20."""
    rng, share, some = np.random.default_rng(0), [], []
    for _ in range(1000):
        p = norm.sf(rng.normal(size=20) + 3 * (np.arange(20) < 5)).tolist()
        found = np.array(benjamini_hochberg(p)) <= 0.05
        share.append(found[5:].sum() / max(1, found.sum()))
        some.append(bool((np.array(holm(p))[5:] <= 0.05).any()))
    assert np.mean(share) <= 0.05 + 3 * np.std(share) / math.sqrt(1000)
    assert np.mean(some) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize("p", [[0.5, math.nan], [-0.1], [1.1], [[0.5]]])
def test_what_is_no_p_value_is_refused(p: list[float]) -> None:
    for adjust in (benjamini_hochberg, holm):
        with pytest.raises(BadInput, match="p_values"):
            adjust(p)
