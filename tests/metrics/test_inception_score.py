"""The Inception Score against its definition, its closed forms, and its bias and error against simulation."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.metrics import inception_score
from advnets.metrics.inception_score import RULES
from reference.inception_score import softmax, split_scores

Rows = NDArray[np.float64]
LOGITS = np.random.RandomState(3).randn(1000, 10) * 3


def drawn(n: int, seed: int, k: int = 10) -> Rows:
    """Logits of uneven classes, some sure and some not."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)) * 2 + np.linspace(0, 2, k) + 8 * np.eye(k)[rng.integers(0, k // 2, n)]


def test_the_golden_numbers() -> None:
    found = inception_score(LOGITS)
    assert found.value == pytest.approx(3.760176945699617, rel=1e-12)
    assert found.notes["deviation"] == pytest.approx(0.12101614462322326, rel=1e-10)
    assert inception_score(LOGITS, ddof=1).notes["deviation"] == pytest.approx(0.12756221688724154, rel=1e-10)
    assert found.notes["one_split"] == pytest.approx(3.830217388267045, rel=1e-12)
    assert inception_score(LOGITS, splits=1).value == pytest.approx(3.830217388267045, rel=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("n", "splits"), [(1000, 10), (103, 7), (99, 10), (41, 1), (26, 10)])
def test_every_rule_cuts_as_its_library(rule: str, n: int, splits: int) -> None:
    values = split_scores(softmax(LOGITS[:n]), rule, splits)
    found = inception_score(LOGITS[:n], splits=splits, rule=rule, block=13)
    assert found.value == pytest.approx(np.mean(values), rel=1e-12)
    assert found.notes["splits"] == len(values)


def test_the_ends_of_its_range() -> None:
    """K for sure and even classes, 1 for logits that are all alike, however large they are."""
    sure = np.tile(1000 * np.eye(10), (20, 1))
    found = inception_score(sure)
    assert found.value == pytest.approx(10, rel=1e-12)
    assert found.standard_error == pytest.approx(0, abs=1e-6)
    assert inception_score(np.full((50, 4), 7.0)).value == pytest.approx(1, abs=1e-12)
    one = inception_score(np.tile([1000.0, 0, 0], (50, 1)))
    assert one.value == pytest.approx(1, abs=1e-12)
    assert np.isfinite([one.standard_error, one.bias]).all()


def test_only_all_at_once_knows_no_order() -> None:
    """Sorted by class, ten splits of ten classes see one class each; the note tells."""
    logits = 6 * np.repeat(np.eye(10), 50, 0) + np.random.default_rng(0).normal(size=(500, 10))
    found = inception_score(logits)
    mixed = inception_score(logits, shuffle=0)
    assert found.notes["one_split"] == pytest.approx(mixed.notes["one_split"], rel=1e-12)
    assert found.value < 1.5 < 7 < mixed.value
    assert found.notes["order_matters"] is True
    assert "order_matters" not in mixed.notes
    assert "order_matters" not in inception_score(LOGITS).notes


def test_blocks_types_and_shifts_change_nothing() -> None:
    found = inception_score(LOGITS)
    for other in (
        inception_score(LOGITS, block=7),
        inception_score(torch.from_numpy(LOGITS)),
        inception_score(LOGITS + np.random.default_rng(0).normal(size=(1000, 1))),
        inception_score(LOGITS[:, ::-1]),
    ):
        assert other.value == pytest.approx(found.value, rel=1e-12)
        assert other.error == pytest.approx(found.standard_error, rel=1e-9)
        assert other.bias == pytest.approx(found.bias, rel=1e-9)


@pytest.mark.parametrize("splits", [1, 5])
def test_error_bias_and_interval_are_those_of_many_draws(splits: int) -> None:
    """200 draws of 500; the truth is that of 200,000."""
    truth = inception_score(drawn(200_000, 999), splits=1).value
    found = [inception_score(drawn(500, seed), splits=splits) for seed in range(200)]
    values = np.array([one.value for one in found])
    spread, far = values.std(ddof=1), values.std(ddof=1) / np.sqrt(200)
    assert 0.85 < np.mean([one.standard_error for one in found]) / spread < 1.15
    bias = np.mean([one.bias or 0 for one in found])
    assert abs(values.mean() - truth - bias) < 4 * far + 0.1 * abs(bias)
    held = np.mean([one.interval[0] <= truth <= one.interval[1] for one in found if one.interval])
    assert held >= 0.9
    assert bias < 0


def test_the_bias_reaches_its_bound_for_sure_classes() -> None:
    """(K - 1) / (2 n) in the exponent, of counts of even classes; the variance's half is next to nothing there."""
    found = inception_score(np.tile(1000 * np.eye(10), (100, 1)), splits=1)
    assert found.notes["exponent_bias_at_most"] == 9 / 2000
    assert found.bias == pytest.approx(-10 * 9 / 2000, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: inception_score(LOGITS[:, :1]), "found 1 class"),
        (lambda: inception_score(LOGITS[:15]), "split of 1 of 15"),
        (lambda: inception_score(LOGITS, splits=0), "splits: found 0"),
        (lambda: inception_score(LOGITS, size=0), "of size 0"),
        (lambda: inception_score(LOGITS, rule="proportonal"), "Did you mean 'proportional'"),
        (lambda: inception_score(np.full((20, 3), np.inf)), "NaN or Inf"),
        (lambda: inception_score(np.zeros((0, 3))), "n > 0"),
    ],
)
def test_bad_input_is_refused(make: Callable[[], object], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        make()
