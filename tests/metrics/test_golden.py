"""Every number of metrics_golden.json, computed elsewhere by brute force: of the oracle, and of the metrics."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advnets import metrics
from advnets.metrics.parzen import log_densities
from reference import golden
from reference.golden import LOGITS, T, X, Y

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "reference" / "metrics_golden.json").read_text())


def over(values: np.ndarray) -> list[float]:
    """Mean, deviation, and deviation with one degree less."""
    return [float(values.mean()), float(values.std()), float(values.std(ddof=1))]


def parzen(values: np.ndarray) -> list[float]:
    """Mean and standard error, as the paper has them."""
    return [float(values.mean()), float(values.std()) / np.sqrt(len(values))]


def nearest(points: np.ndarray, train: np.ndarray) -> np.ndarray:
    return golden.distances(points, train).min(1)


ORACLE: dict[str, Callable[[], Any]] = {
    "fid_ddof0_nuclear": lambda: golden.frechet(X, Y, 0),
    "fid_ddof0_sqrtm": lambda: golden.frechet(X, Y, 0),
    "fid_ddof1_nuclear": lambda: golden.frechet(X, Y, 1),
    "fid_ddof1_sqrtm": lambda: golden.frechet(X, Y, 1),
    "fid_ddof1_rankdef_n20": lambda: [golden.frechet(X[:20], Y[:20], 1)] * 2,
    "kid_unbiased_full": lambda: golden.mmd_unbiased(X, Y),
    "kid_biased_full": lambda: golden.mmd_biased(X, Y),
    "kid_ustat_full": lambda: golden.mmd_pairs(X, Y),
    "kid_torchfidelity_subsets100_size100_seed2020_f1=X_f2=Y": lambda: golden.mmd_subsets(X, Y, 100, 100, 2020),
    "prdc_k3": lambda: golden.prdc(X, Y, 3),
    "prdc_k5": lambda: golden.prdc(X, Y, 5),
    "is_10splits_noshuffle_mean_std0_std1": lambda: over(golden.inception_score(LOGITS, 10)),
    "is_1split": lambda: golden.inception_score(LOGITS, 1)[0],
    "parzen_sigma0.3": lambda: parzen(golden.log_densities(T, Y, 0.3)),
    "parzen_sigma1.0": lambda: parzen(golden.log_densities(T, Y, 1.0)),
    "meehan_ZU_single_cell": lambda: golden.mann_whitney_z(nearest(Y, X), nearest(T, X)),
    "authpct": lambda: golden.authentic_percent(Y, X),
    "1nn_loo_real_fake_acc": lambda: golden.leave_one_out(X, Y),
    "vendi_q1_cosine": lambda: golden.vendi(X),
    "mifid_mean_min_cosine_fake_to_real": lambda: golden.mean_min_cosine(Y, X),
}


def prdc(k: int) -> dict[str, float]:
    """Precision, recall, density and coverage with open balls, of samples Y and real X."""
    return {name: found.value for name, found in metrics.manifolds(Y, X, k=k, strict=True).items()}


def subsets() -> list[float]:
    """torch-fidelity draws of its first input first: here that is X, the samples."""
    found = metrics.kernel_subsets(X, Y, subsets=100, size=100, seed=2020)
    return [found.value, found.notes["deviation"]]


def inception_score() -> list[float]:
    found = metrics.inception_score(LOGITS, splits=10)
    return [
        found.value,
        found.notes["deviation"],
        metrics.inception_score(LOGITS, splits=10, ddof=1).notes["deviation"],
    ]


def leave_one_out() -> list[float]:
    notes = metrics.nearest_neighbour_test(Y, X).notes
    return [notes["accuracy_real"], notes["accuracy_samples"]]


# The sqrtm rows are those of the nuclear norm, but for the last digits that sqrtm gets wrong.
METRICS: dict[str, tuple[str, Callable[[], Any]]] = {
    "fid_ddof0_nuclear": ("frechet", lambda: metrics.frechet(Y, X, ddof=0).value),
    "fid_ddof0_sqrtm": ("frechet", lambda: metrics.frechet(Y, X, ddof=0).value),
    "fid_ddof1_nuclear": ("frechet", lambda: metrics.frechet(Y, X).value),
    "fid_ddof1_sqrtm": ("frechet", lambda: metrics.frechet(Y, X).value),
    "fid_ddof1_rankdef_n20": ("frechet", lambda: [metrics.frechet(Y[:20], X[:20]).value] * 2),
    "kid_unbiased_full": ("kernel_distance", lambda: metrics.kernel_distance(Y, X).value),
    "kid_biased_full": ("kernel_distance", lambda: metrics.kernel_distance(Y, X, statistic="biased").value),
    "kid_ustat_full": ("kernel_distance", lambda: metrics.kernel_distance(Y, X, statistic="u-statistic").value),
    "kid_torchfidelity_subsets100_size100_seed2020_f1=X_f2=Y": ("kernel_subsets", subsets),
    "prdc_k3": ("manifolds", lambda: prdc(3)),
    "prdc_k5": ("manifolds", lambda: prdc(5)),
    "is_10splits_noshuffle_mean_std0_std1": ("inception_score", inception_score),
    "is_1split": ("inception_score", lambda: metrics.inception_score(LOGITS, splits=1).value),
    "parzen_sigma0.3": ("parzen", lambda: parzen(log_densities(T, Y, [0.3])[0].numpy())),
    "parzen_sigma1.0": ("parzen", lambda: parzen(log_densities(T, Y, [1.0])[0].numpy())),
    "meehan_ZU_single_cell": (
        "data_copying",
        lambda: metrics.data_copying(Y, T, X, cells=1, relative=False).notes["C_T"],
    ),
    "authpct": ("authenticity", lambda: 100 * metrics.authenticity(Y, T, X).notes["samples"]),
    "1nn_loo_real_fake_acc": ("nearest_neighbour_test", leave_one_out),
    "vendi_q1_cosine": ("vendi", lambda: metrics.vendi(X).value),
    "mifid_mean_min_cosine_fake_to_real": ("mean_min_cosine", lambda: metrics.mean_min_cosine(Y, X).value),
}


def test_every_number_has_an_oracle_and_a_metric() -> None:
    assert set(ORACLE) == set(METRICS) == set(GOLDEN)


@pytest.mark.parametrize("name", ORACLE)
def test_the_oracle_agrees(name: str) -> None:
    close = 1e-7 if "sqrtm" in name or "rankdef" in name else 1e-9  # sqrtm of a singular matrix loses half the digits
    assert ORACLE[name]() == pytest.approx(GOLDEN[name], rel=close)


@pytest.mark.parametrize("name", METRICS)
def test_the_metric_agrees(name: str) -> None:
    metric, compute = METRICS[name]
    assert metric in metrics.__all__
    before = [array.copy() for array in (X, Y, T, LOGITS)]
    assert compute() == pytest.approx(GOLDEN[name], rel=1e-6)
    # They share the arrays' memory, and change nothing there.
    assert all(np.array_equal(old, array) for old, array in zip(before, (X, Y, T, LOGITS), strict=True))
