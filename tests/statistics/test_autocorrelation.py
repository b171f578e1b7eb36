"""The autocorrelation time against AR(1) processes, whose tau is (1 + phi) / (1 - phi), and its error against luck."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from advnets.errors import BadInput
from advnets.statistics import autocorrelation_time


def ar1(phi: float, *, chains: int = 1, steps: int = 5000, d: int = 1, seed: int = 0) -> NDArray[np.float64]:
    """Stationary x_(t+1) = phi x_t + sqrt(1 - phi^2) noise, (chains, steps, d)."""
    noise = np.random.default_rng(seed).normal(size=(steps, chains, d))
    x = np.empty_like(noise)
    x[0] = noise[0]
    for t in range(1, steps):
        x[t] = phi * x[t - 1] + np.sqrt(1 - phi**2) * noise[t]
    return x.swapaxes(0, 1)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, -0.4])
@pytest.mark.parametrize("chains", [1, 20])
def test_tau_of_an_ar1_process_is_known(phi: float, chains: int) -> None:
    found = autocorrelation_time(ar1(phi, chains=chains, steps=20_000 // chains))
    assert abs(found.value - (1 + phi) / (1 - phi)) < 4 * found.error + 0.01
    assert found.notes["enough"] is True
    assert found.floor == 1


def test_the_error_is_calibrated() -> None:
    """Over 200 processes of one kind: the spread is what is told, and the bias a small part of it."""
    found = [autocorrelation_time(one[None]) for one in ar1(0.8, chains=200, steps=4000)]
    scores = np.array([(one.value - 9) / one.error for one in found])
    assert 0.7 < scores.std() < 1.2
    assert abs(scores.mean()) < 0.5


def test_coordinates_weigh_by_their_variance() -> None:
    """sum_d cov_d(t) / sum_d cov_d(0): of variances 9 and 1, tau is .9 of the one and .1 of the other."""
    slow, fast = ar1(0.8, chains=50, steps=800), ar1(0.0, chains=50, steps=800, seed=1)
    both = np.concatenate([3 * slow, fast], 2)
    assert autocorrelation_time(both).value == pytest.approx(0.9 * 9 + 0.1, rel=0.1)


def test_the_definition_written_out() -> None:
    x = ar1(0.5, chains=3, steps=60, d=2)
    centred = x - x.mean((0, 1))
    cov = [(centred[:, : 60 - t] * centred[:, t:]).sum() / (3 * (60 - t)) for t in range(60)]
    taus = 2 * np.cumsum(np.array(cov) / cov[0]) - 1
    window = int(np.argmax(np.arange(60) >= 5 * np.maximum(taus, 1)))
    found = autocorrelation_time(torch.from_numpy(x))
    assert found.value == pytest.approx(taus[window], rel=1e-9)
    assert found.notes["window"] == window


def test_chains_that_stay_apart_are_slow_and_not_enough() -> None:
    """Each moves at once where it is, yet no chain ever leaves its own mode."""
    apart = ar1(0.0, chains=4, steps=200) + 50 * np.arange(4)[:, None, None]
    found = autocorrelation_time(apart)
    assert found.notes["enough"] is False
    assert found.value > 30


def test_a_chain_in_parts_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    x = ar1(0.5, chains=2, steps=100, d=7)
    whole = autocorrelation_time(x)
    monkeypatch.setattr("advnets.statistics.autocorrelation.PART", 400)
    assert autocorrelation_time(x).value == pytest.approx(whole.value, rel=1e-12)


@pytest.mark.parametrize(
    ("states", "message"),
    [
        (np.zeros(9), "shape"),
        (np.zeros((1, 3)), "4 steps or more"),
        (np.zeros((2, 9)), "a chain that moves"),
        (np.full((1, 9), np.nan), "NaN"),
    ],
)
def test_what_is_no_chain_is_refused(states: NDArray[np.float64], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        autocorrelation_time(states)
