"""The Vendi score against the eigenvalues of all similarities, and by construction."""

import math

import numpy as np
import pytest
import torch

from advnets.errors import BadInput
from advnets.metrics import vendi
from reference import golden


def normal(n: int, d: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize(("n", "d"), [(40, 6), (6, 40), (20, 20), (1, 5), (300, 2)])
def test_both_matrices_have_one_score(n: int, d: int) -> None:
    assert vendi(normal(n, d)).value == pytest.approx(golden.vendi(normal(n, d)), rel=1e-9)


@pytest.mark.parametrize("kinds", [1, 3, 7])
def test_even_kinds_at_right_angles_are_counted(kinds: int) -> None:
    found = vendi(np.repeat(np.eye(10)[:kinds], 20, 0))
    assert found.value == pytest.approx(kinds)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_uneven_kinds_count_by_their_entropy() -> None:
    found = vendi(np.repeat(np.eye(4)[:3], [10, 30, 60], 0))
    assert found.value == pytest.approx(math.exp(-sum(p * math.log(p) for p in (0.1, 0.3, 0.6))))


def test_length_order_and_copies_do_not_matter() -> None:
    x = normal(50)
    found = vendi(x)
    for other in (x * 1e200, x * np.arange(1, 51)[:, None], x[::-1].copy(), torch.tensor(x), np.repeat(x, 3, 0)):
        assert vendi(other).value == pytest.approx(found.value, rel=1e-9)


def test_the_error_is_the_spread_of_draws() -> None:
    scale = np.array([3, 2, 1, 0.5, 0.2])
    found = [vendi(normal(200, 5, seed) * scale) for seed in range(200)]
    assert np.mean([one.error for one in found]) == pytest.approx(np.std([one.value for one in found]), rel=0.15)


def test_it_rises_with_n_and_says_so() -> None:
    few, many = vendi(normal(20, 30)), vendi(normal(500, 30))
    assert few.value < many.value
    assert few.notes == {"n": 20, "largest": 20, "rises_with_n": True, "zero_rows": 0}
    assert many.notes["largest"] == 30


def test_rows_without_direction_are_left_out_and_counted() -> None:
    x = normal(30)
    found = vendi(np.concatenate([x, np.zeros((2, 6))]))
    assert found.value == pytest.approx(vendi(x).value)
    assert found.notes["zero_rows"] == 2


def test_one_sample_has_no_error() -> None:
    assert (vendi(normal(1)).value, vendi(normal(1)).error) == (pytest.approx(1), None)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(BadInput, match="zeros only"):
        vendi(np.zeros((5, 3)))
    with pytest.raises(BadInput, match="NaN or Inf"):
        vendi(normal(5) * math.nan)
    with pytest.raises(BadInput, match="features"):
        vendi(np.zeros((0, 3)))
