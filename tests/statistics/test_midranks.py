"""Ranks with ties, against scipy's."""

import numpy as np
import pytest
import scipy.stats

from advnets.statistics.mann_whitney import midranks


@pytest.mark.parametrize("values", [[3.0], [2.0, 2.0], [1.0, 5.0, 1.0, -2.0, 5.0, 5.0]])
def test_equal_numbers_share_their_mean_rank(values: list[float]) -> None:
    assert midranks(np.array(values)).tolist() == scipy.stats.rankdata(values).tolist()


def test_many_numbers_are_ranked_as_scipy_ranks_them() -> None:
    values = np.random.default_rng(0).integers(0, 40, 200).astype(float)
    assert midranks(values).tolist() == scipy.stats.rankdata(values).tolist()
