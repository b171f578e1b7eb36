"""Bins that differ: against z and chi-squared written out, by construction, and between two draws of one source."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency
from sklearn.cluster import KMeans

from advnets.errors import BadInput
from advnets.metrics import different_bins
from advnets.metrics.ndb import _compare_counts, _pool_columns
from advnets.statistics import benjamini_hochberg


def normal(n: int, d: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_the_published_protocol_written_out() -> None:
    """Means and shares of the same real points; proportions compared bin by bin."""
    x, y = normal(400), normal(300, seed=1) * 1.3
    found = different_bins(y, x, bins=12, held_out=x)
    assert found.p_value is None
    means = KMeans(12, n_init=1, random_state=0)
    order = np.random.default_rng(0).permutation(400)
    along = (x * np.random.default_rng(0).normal(size=5)).sum(1)
    means.fit(x[np.argsort(along)][order])
    o, r = (np.bincount(means.predict(points), minlength=12) for points in (y, x))
    p, q, s = o / 300, r / 400, (o + r) / 700
    z = (p - q) / np.sqrt(s * (1 - s) * (1 / 300 + 1 / 400))
    assert found.notes["count"] == (abs(z) > 1.959964).sum()
    assert found.value == found.notes["count"] / 12
    assert found.notes["worst"] == abs(z).argmax()
    assert found.notes["jensen_shannon"] == pytest.approx(jensenshannon(p, q) ** 2)
    p_values = [math.erfc(abs(one) / math.sqrt(2)) for one in z]
    assert found.notes["adjusted"] == sum(one <= 0.05 for one in benjamini_hochberg(p_values))


def test_a_missing_cluster_is_the_worst_bin() -> None:
    corners = 20 * np.eye(5)
    real = np.concatenate([corner + normal(200, seed=i) for i, corner in enumerate(corners)])
    samples = np.concatenate([corner + normal(200, seed=9 + i) for i, corner in enumerate(corners[:4])])
    found = different_bins(samples, real, bins=5)
    assert found.notes["worst_p"] == 0
    assert found.notes["worst_q"] == pytest.approx(0.2, abs=0.04)
    assert found.value >= 0.8  # the others have a quarter each and not a fifth
    assert found.p_value < 1e-20


def test_real_against_real_finds_five_in_a_hundred_and_its_p_values_are_valid() -> None:
    found = [different_bins(normal(200, seed=3 * s), normal(500, seed=3 * s + 1), bins=10) for s in range(80)]
    assert np.mean([one.value for one in found]) == pytest.approx(0.05, abs=0.025)
    p = np.array([one.p_value for one in found])
    assert (p <= 0.05).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 80)
    assert 0.4 < p.mean() < 0.6


def test_bins_that_fit_their_points_by_chance_do_not_upset_the_test() -> None:
    """As many bins as an eighth of the points in 20 dimensions: shares of the fitted half would differ everywhere."""
    p = [different_bins(normal(150, 20, 2 * s), normal(200, 20, 2 * s + 1), bins=25).p_value for s in range(60)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 60)


def test_the_p_value_is_scipys_of_the_pooled_table() -> None:
    o, r = np.array([40, 30, 20, 9, 1, 0, 0]), np.array([55, 60, 44, 30, 6, 5, 0])
    found = _compare_counts(o, r, tested=True)
    table = np.array([[40, 30, 20, 10], [55, 60, 44, 41]])
    assert found.p_value == pytest.approx(chi2_contingency(table, correction=False).pvalue)
    assert (found.notes["cells"], found.notes["empty"]) == (4, 1)


def test_pooled_cells_expect_five_and_lose_no_point() -> None:
    rng = np.random.default_rng(0)
    for scale in (0.2, 1.0, 5.0, 50.0):
        table = rng.poisson(scale * rng.uniform(0.1, 2, size=(2, 40)))
        table[:, 0] += 1
        pooled = _pool_columns(table)
        assert (pooled.sum(1) == table.sum(1)).all()
        expected = np.outer(pooled.sum(1), pooled.sum(0)) / pooled.sum()
        assert pooled.shape[1] == 1 or expected.min() >= 5 - 1e-9


def test_too_few_samples_to_test_give_no_finding() -> None:
    found = different_bins(normal(4), normal(200), bins=10)
    assert (found.p_value, found.notes["cells"]) == (1, 1)


def test_order_seed_and_kind_of_array() -> None:
    x, y = normal(300), normal(200, seed=1)
    found = different_bins(y, x, bins=8)
    assert different_bins(torch.tensor(y[::-1].copy()), torch.tensor(x[::-1].copy()), bins=8) == found
    assert different_bins(y, x, bins=8, seed=1).notes["jensen_shannon"] != found.notes["jensen_shannon"]
    state = np.random.get_state()[1].copy()
    different_bins(y, x, bins=8)
    assert (np.random.get_state()[1] == state).all()


def test_held_out_points_give_the_shares() -> None:
    found = different_bins(normal(200, seed=1), normal(300), bins=8, held_out=normal(250, seed=2))
    assert (found.notes["n"], found.notes["m"]) == (200, 250)
    assert found.p_value is not None


def test_what_cannot_be_binned_is_refused() -> None:
    with pytest.raises(BadInput, match="more points"):
        different_bins(normal(50), normal(150))  # 75 for the means of 100 bins
    with pytest.raises(BadInput, match="2 different real points"):
        different_bins(normal(50), np.repeat(normal(2), 100, 0), bins=5, held_out=normal(100))
    with pytest.raises(BadInput, match="1 different"):
        different_bins(normal(50), np.ones((300, 5)), bins=5)
    with pytest.raises(BadInput, match="bins"):
        different_bins(normal(50), normal(150), bins=0)
    with pytest.raises(BadInput, match="5 and 4"):
        different_bins(normal(50), normal(150, 4), bins=5)
    with pytest.raises(BadInput, match="held_out"):
        different_bins(normal(50), normal(150), bins=5, held_out=normal(50, 4))
    with pytest.raises(BadInput, match="NaN"):
        different_bins(normal(50) * math.nan, normal(150), bins=5)


def test_one_bin_holds_all() -> None:
    found = different_bins(normal(50), normal(150), bins=1)
    assert (found.value, found.p_value) == (0, 1)
