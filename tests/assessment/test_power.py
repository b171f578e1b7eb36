"""What a report says that it could have told, held against how often it tells it."""

import numpy as np
import pytest

from advnets.assessment import verdicts
from advnets.assessment.power import least_difference, power_lines
from advnets.statistics import Estimate

ROWS = 8


def report(value: float, error: float) -> dict[str, Estimate]:
    """A row with an error and seven that tell nothing; Holm takes the least p-value times eight."""
    others = {f"other {number}": Estimate(0.0, 1.0, 0.0) for number in range(ROWS - 1)}
    return {"asked": Estimate(value, error, 0.5, {"floor_error": 0.02}), **others}


def test_a_difference_of_that_size_is_told_in_four_of_five_reports() -> None:
    error = 0.03
    least = least_difference(report(0.4, error)["asked"], ROWS)
    assert least is not None
    # Value and floor have errors of their own: that of their difference counts.
    assert least == pytest.approx((2.734 + 0.842) * np.hypot(0.03, 0.02), rel=1e-3)
    rng, told = np.random.default_rng(0), 0
    for _ in range(1000):
        apart = -least + np.hypot(0.03, 0.02) * rng.normal()
        told += bool(verdicts(report(0.5 + apart, error))["asked"].differs)
    assert told == pytest.approx(800, abs=3 * np.sqrt(1000 * 0.8 * 0.2))


def test_it_is_said_of_few_real_images_alone() -> None:
    estimates = report(0.4, 0.03)
    (words,) = power_lines(estimates, 33)
    assert "33 real images are few" in words
    assert "asked 0.13, other 0 3.6" in words
    assert power_lines(estimates, 1000) == []
    assert power_lines({"test": Estimate(0.4, None, 0.5, p_value=0.3)}, 33) == []


def test_rows_without_an_error_or_a_floor_are_left_out() -> None:
    assert least_difference(Estimate(1.0, 0.1), ROWS) is None
    assert least_difference(Estimate(1.0, None, 0.5), ROWS) is None
