"""The interval beside the counts of benchmarks/doctor.md, against scipy's."""

from pathlib import Path

import pytest
from doctor import exact_interval
from scipy.stats import binomtest


@pytest.mark.parametrize(("k", "n"), [(0, 30), (1, 30), (30, 30), (24, 28), (1, 3)])
def test_the_interval_is_that_of_clopper_and_pearson(k: int, n: int) -> None:
    known = binomtest(k, n).proportion_ci(0.95, "exact")
    assert exact_interval(k, n) == pytest.approx((known.low, known.high), abs=1e-9)


def test_the_page_tells_it() -> None:
    page = (Path(__file__).parent.parent.parent / "benchmarks" / "doctor.md").read_text()
    held = page.split("## The held part")[1]
    assert "30 of 30 broken runs are named rightly (95 % interval 88 to 100 %)" in held
    assert "1 of 30 healthy ones are flagged (95 % interval 0 to 17 %)" in held
