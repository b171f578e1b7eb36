"""Reports on clean samples, and the script that counts what they tell, benchmarks/clean_reports.py."""

from pathlib import Path

import clean_reports
import pytest


def test_the_page_counts_reports_that_tell_anything(tmp_path: Path) -> None:
    as_real, apart = {"value": 1.0, "error": 0.1, "floor": 1.1}, {"value": 1.0, "error": 0.1, "floor": 3.0}
    kept = [{"data": "digits", "samples": 200, "number": number, "seconds": 1.0, "estimates": {"vendi": found}}
            for number, found in enumerate([as_real, apart, as_real, as_real])]  # fmt: skip
    assert [clean_reports.told(line) for line in kept] == [[], ["vendi"], [], []]
    assert "| digits | 200 | 4 | 1 | 1 | 25.0% | vendi 1 |" in clean_reports.page(kept)


@pytest.mark.slow
def test_of_re_splits_of_digits_one_in_twenty_reports_tells_anything() -> None:
    pool = clean_reports.Pool("digits")
    told = [clean_reports.told({"estimates": clean_reports.measure(pool.context(200, 1000 + number), [])})
            for number in range(40)]  # fmt: skip
    assert sum(bool(one) for one in told) <= 5, told
