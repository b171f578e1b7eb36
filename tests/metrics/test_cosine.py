"""The mean least cosine distance against loops, by construction, and held-out points against its floor."""

import math

import numpy as np
import pytest
import torch

from advnets.errors import BadInput
from advnets.metrics import mean_min_cosine
from reference import golden


def normal(n: int, d: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("block", [1, 7, 1024])
def test_it_is_its_definition(block: int) -> None:
    y, x = normal(40), normal(70, seed=1)
    found = mean_min_cosine(y, x, block=block)
    assert found.value == pytest.approx(golden.mean_min_cosine(y, x), abs=1e-12)
    least = [min(1 - abs(a @ b) / math.hypot(*a) / math.hypot(*b) for b in x) for a in y]
    assert found.error == pytest.approx(np.std(least, ddof=1) / math.sqrt(40))
    others = [golden.mean_min_cosine(x[[i]], np.delete(x, i, 0)) for i in range(70)]
    assert found.floor == pytest.approx(np.mean(others))


def test_copies_are_at_distance_zero_whatever_their_length_and_sign() -> None:
    x = normal(50)
    assert mean_min_cosine(-1e150 * x[:20], x).value == pytest.approx(0, abs=1e-12)


def test_right_angles_are_at_distance_one() -> None:
    assert mean_min_cosine(np.eye(4)[:2], np.eye(4)[2:]).value == 1


def test_real_against_real_lies_about_the_floor() -> None:
    found = [mean_min_cosine(normal(60, seed=2 * s), normal(80, seed=2 * s + 1)) for s in range(60)]
    differences = [one.value - one.floor for one in found]
    assert abs(np.mean(differences)) < 4 * np.std(differences) / math.sqrt(60) + 1e-3
    within = np.mean([golden.mean_min_cosine(normal(60, seed=s), normal(80, seed=1)) for s in range(2, 40)])
    assert mean_min_cosine(normal(60), normal(80, seed=1)).value == pytest.approx(within, rel=0.2)


def test_rows_without_direction_are_left_out_and_counted() -> None:
    y, x, zeros = normal(10), normal(20, seed=1), np.zeros((3, 6))
    found = mean_min_cosine(np.concatenate([y, zeros[:1]]), np.concatenate([x, zeros]))
    assert found.value == pytest.approx(mean_min_cosine(y, x).value)
    assert found.notes == {"n": 10, "m": 20, "zero_samples": 1, "zero_real": 3}


def test_order_and_kind_of_array_do_not_matter() -> None:
    y, x = normal(40), normal(70, seed=1)
    found = mean_min_cosine(torch.tensor(y), torch.tensor(x[::-1].copy()))
    assert found.value == pytest.approx(mean_min_cosine(y, x).value, abs=1e-12)


def test_single_rows_have_no_error_and_no_floor() -> None:
    found = mean_min_cosine(normal(1), normal(1, seed=1))
    assert (found.error, found.floor) == (None, None)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(BadInput, match="samples: found rows of zeros"):
        mean_min_cosine(np.zeros((5, 6)), normal(5))
    with pytest.raises(BadInput, match="real: found rows of zeros"):
        mean_min_cosine(normal(5), np.zeros((5, 6)))
    with pytest.raises(BadInput, match="6 and 4"):
        mean_min_cosine(normal(5), normal(5, 4))
    with pytest.raises(BadInput, match="NaN"):
        mean_min_cosine(normal(5) * math.nan, normal(5))
    with pytest.raises(BadInput, match="block"):
        mean_min_cosine(normal(5), normal(5), block=0)
