"""Modes of stacked MNIST, by construction and at their floors."""

import math

import numpy as np
import pytest
import torch

from advnets.errors import BadInput
from advnets.metrics import stacked_modes

ALL = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), 1)


def test_even_digits_have_all_modes_and_lie_at_the_floor() -> None:
    found = stacked_modes(np.random.default_rng(0).integers(0, 10, size=(26_000, 3)))
    assert found["modes"].value == 1000
    assert found["modes"].floor == pytest.approx(1000, abs=1e-6)
    assert found["kl"].floor == pytest.approx(0.0192, abs=5e-5)
    assert found["kl"].notes["exact_floor"] == pytest.approx(0.01934, abs=1e-5)  # metrics.md: .01934 by simulation
    assert found["kl"].value == pytest.approx(0.0193, abs=0.004)
    assert abs(found["kl"].notes["corrected"]) < 0.004


def test_modes_by_construction() -> None:
    assert stacked_modes(ALL)["modes"].value == 1000
    assert stacked_modes(ALL)["kl"].value == pytest.approx(0, abs=1e-12)
    half = stacked_modes(np.repeat(ALL[:500], 52, 0))
    assert half["modes"].value == 500
    assert half["kl"].value == pytest.approx(math.log(2))
    assert half["modes"].bounds == (pytest.approx(500, abs=0.01), pytest.approx(503.67, abs=0.02))
    collapsed = stacked_modes(ALL[[123] * 100])
    assert (collapsed["modes"].value, collapsed["kl"].value) == (1, pytest.approx(math.log(1000)))


def test_channels_are_told_apart_and_kinds_of_array_are_not() -> None:
    triples = np.array([[1, 2, 3], [3, 2, 1], [1, 2, 3]])
    assert stacked_modes(triples)["modes"].value == 2
    for other in (torch.tensor(triples), triples.astype(np.uint8), torch.tensor(triples, dtype=torch.int32)):
        assert stacked_modes(other) == stacked_modes(triples)


@pytest.mark.parametrize(
    "classes",
    [np.zeros((5, 2), int), np.zeros(5, int), np.zeros((0, 3), int), np.zeros((5, 3)), np.zeros((5, 3), bool)],
)
def test_other_shapes_and_kinds_are_refused(classes: np.ndarray) -> None:
    with pytest.raises(BadInput, match=r"expected \(n, 3\) integers"):
        stacked_modes(classes)


@pytest.mark.parametrize("wrong", [-1, 10])
def test_what_is_no_digit_is_refused(wrong: int) -> None:
    with pytest.raises(BadInput, match=r"digits 0\.\.9"):
        stacked_modes(np.array([[0, 1, wrong]]))
