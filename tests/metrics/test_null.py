"""Every p-value of real against real, and the script that calibrates 300 sets of each, benchmarks/calibration.py."""

import math

import calibration
import numpy as np
import pytest

from advnets import metrics

SETS = 40


@pytest.mark.parametrize("name", calibration.NULLS)
def test_p_values_of_real_against_real_are_valid(name: str) -> None:
    p = [calibration.NULLS[name](np.random.default_rng(1000 + seed)).p_value for seed in range(SETS)]
    assert all(one is not None and 0 <= one <= 1 for one in p)
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / SETS)
    assert len(set(p)) > 3  # a test that counts rare events has few values


def test_no_test_is_left_out() -> None:
    told = {name for name in metrics.__all__ if "p-value" in (getattr(metrics, name).__doc__ or "")}
    elsewhere = {"benjamini_hochberg", "holm", "difference"}  # the last in test_metrics_jackknife
    assert told <= {*calibration.NULLS, *elsewhere}


@pytest.mark.parametrize("part", calibration.PARTS)
def test_the_estimand_lies_among_estimates(part: str) -> None:
    for name, interval in calibration.PARTS[part]().items():
        found, hits = calibration.holds(interval, 10)
        assert hits >= 7, name
        assert len({one.value for one in found}) > 2, name


def test_closed_forms_are_those_of_large_samples() -> None:
    p, q = calibration.normals(3, 1.0, 1.3)
    rng = np.random.default_rng(0)
    x, y = p.draw(rng, 400_000), q.draw(rng, 400_000)
    assert calibration.mean_kernel(p, q) == pytest.approx(((x * y).sum(1) / 3 + 1).__pow__(3).mean(), rel=0.01)
    assert calibration.frechet_of(p, p) == pytest.approx(0, abs=1e-12)
    assert np.cov(x.T) == pytest.approx(p.covariance, abs=0.01)


def test_the_script_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    calibration.main(["--quick", "--part", "differences"])
    told = capsys.readouterr().out
    assert told.count("of 20") == 2
    assert "| estimator |" in told
