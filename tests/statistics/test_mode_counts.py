"""How many modes are seen: mean, spread and interval against simulation; and how uneven they are, against entropies."""

import math

import numpy as np
import pytest
from scipy.stats import entropy

from advnets.statistics.mode_counts import CERTAIN, expected_occupied, mode_divergence, occupied_modes

UNEVEN = np.geomspace(1, 1e-6, 1000) / np.geomspace(1, 1e-6, 1000).sum()
HALF = np.concatenate([np.full(500, 1 / 500), np.zeros(500)])
EVEN = np.full(1000, 1e-3)
TOY = np.append(np.geomspace(0.25, 2.5e-5, 25), 0.0)


@pytest.mark.parametrize(
    ("shares", "n"),
    [(UNEVEN, 26_000), (HALF, 1000), (EVEN, 2000), (TOY, 2500)],
)
def test_the_interval_holds_the_mean_number_at_that_n(shares: np.ndarray, n: int) -> None:
    """92 to 98 % of 300, and a little more where few modes are in doubt; samples of no mode are drawn too."""
    rng, truth = np.random.default_rng(0), expected_occupied(shares, n)
    draws = rng.multinomial(n, np.append(shares, max(0.0, 1 - shares.sum())), size=300)[:, :-1]
    found = [occupied_modes(counts, n) for counts in draws]
    held = sum(one.interval[0] <= truth <= one.interval[1] for one in found if one.interval)
    assert 0.92 <= held / 300 <= (0.98 if truth > 100 else 1)
    spread = np.std([one.value for one in found], ddof=1)
    assert np.mean([one.standard_error for one in found]) == pytest.approx(spread, rel=0.15)
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=4 * spread / math.sqrt(300))


def test_modes_never_drawn_add_no_error_but_some_doubt() -> None:
    """Five modes often and three never: three more might have had 1.23 points each on average, and no more."""
    found = occupied_modes(np.array([500, 400, 300, 200, 600, 0, 0, 0]), 2500)
    assert found.value == 5
    assert found.error == pytest.approx(0, abs=1e-3)
    assert found.interval == (pytest.approx(5, abs=2e-3), pytest.approx(5 + 3 * (1 - 0.025 ** (1 / 3))))
    assert found.notes == {"n": 2500, "of": 8, "once": 0, "least": 0}


def test_all_modes_seen_often_leave_no_doubt_and_none_seen_little() -> None:
    assert occupied_modes(np.full(8, 300), 2500).interval == (pytest.approx(8), 8)
    nothing = occupied_modes(np.zeros(25, dtype=np.int64), 2500)
    assert nothing.value == 0
    assert nothing.interval == (0, pytest.approx(25 * (1 - 0.025 ** (1 / 25))))


def test_one_point_in_every_mode_is_in_doubt() -> None:
    assert occupied_modes(np.ones(100, dtype=np.int64), 100).standard_error > 1


def test_counts_beyond_certain_are_alike() -> None:
    few, many = np.array([0, 1, 2, CERTAIN]), np.array([0, 1, 2, 10**6])
    assert occupied_modes(few, 10**7).interval == occupied_modes(many, 10**7).interval


def test_the_order_of_modes_does_not_matter() -> None:
    counts = np.random.default_rng(0).poisson(2, size=300)
    assert occupied_modes(counts[::-1].copy(), 700) == occupied_modes(counts, 700)


def test_divergence_is_scipys_and_its_corrections_are_millers() -> None:
    counts = np.array([10, 0, 30, 60])
    found = mode_divergence(counts)
    assert found.value == pytest.approx(entropy(counts / 100, np.full(4, 1 / 4)))
    assert found.floor == pytest.approx(3 / 200)
    assert found.bias == pytest.approx(2 / 200)
    assert found.notes["corrected"] == pytest.approx(found.value - 2 / 200)
    assert (found.notes["n"], found.notes["of"], found.notes["seen"], found.notes["few"]) == (100, 4, 3, False)


def test_even_modes_diverge_by_nothing_and_one_by_all() -> None:
    assert mode_divergence(np.full(8, 7)).value == 0
    assert mode_divergence(np.array([0, 50, 0, 0])).value == pytest.approx(math.log(4))


@pytest.mark.parametrize(("k", "n"), [(1000, 26_000), (8, 2500), (1000, 300)])
def test_even_samples_lie_about_the_floors(k: int, n: int) -> None:
    rng = np.random.default_rng(1)
    found = [mode_divergence(counts) for counts in rng.multinomial(n, np.full(k, 1 / k), size=100)]
    values = [one.value for one in found]
    error = np.std(values, ddof=1) / math.sqrt(100)
    assert np.mean(values) == pytest.approx(found[0].notes["exact_floor"], abs=4 * error)
    if n > 20 * k:
        assert found[0].floor == pytest.approx(found[0].notes["exact_floor"], rel=0.01)
        assert np.mean([one.error for one in found]) == pytest.approx(np.std(values, ddof=1), rel=0.25)
    else:
        assert found[0].notes["few"]


def test_the_error_of_an_uneven_divergence_is_the_spread() -> None:
    shares = np.arange(1, 11) / 55
    found = [mode_divergence(c) for c in np.random.default_rng(2).multinomial(500, shares, size=300)]
    assert np.mean([one.error for one in found]) == pytest.approx(np.std([one.value for one in found]), rel=0.1)
    truth = entropy(shares, np.full(10, 0.1))
    assert np.mean([one.notes["corrected"] for one in found]) == pytest.approx(truth, abs=0.004)


def test_the_divergence_of_few_samples_a_mode_has_no_error() -> None:
    few, enough = (mode_divergence(np.random.default_rng(0).multinomial(n, np.full(100, 0.01))) for n in (1999, 2000))
    assert few.error is None
    assert few.bounds is None
    assert few.notes["few"]
    assert enough.standard_error > 0


@pytest.mark.parametrize("shares", [np.ones(25), np.geomspace(1, 0.7, 25), np.geomspace(1, 0.05, 25)])
def test_the_interval_of_the_divergence_holds_it_in_95_of_100_draws(shares: np.ndarray) -> None:
    p = shares / shares.sum()
    truth = float(p @ np.log(25 * p))
    found = [mode_divergence(counts).bounds for counts in np.random.default_rng(4).multinomial(2500, p, size=2000)]
    held = np.mean([ends is not None and ends[0] <= truth <= ends[1] for ends in found])
    assert 0.935 <= held <= 0.965  # three errors of 2,000 draws


def test_the_interval_of_one_mode_is_its_value() -> None:
    found = mode_divergence(np.array([0, 80, 0, 0]))
    assert found.bounds == (math.log(4), math.log(4))
