"""Tests of memorisation: golden values, scipy's oracles, p-values under the null over 300 seeds, and copies found."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import fisher_exact, mannwhitneyu

from advnets.data import Dataset
from advnets.errors import BadInput
from advnets.metrics import (
    authenticity,
    copying_share,
    data_copying,
    logits_gap,
    near_duplicates,
    nearest_training_test,
)
from advnets.metrics.memorisation import find_training_neighbours
from advnets.statistics import Estimate, find_nearest
from advnets.statistics.gaps import count_beyond, neighbour_gap
from advnets.statistics.mann_whitney import chance_smaller, rank_score

X = np.random.RandomState(0).randn(500, 32)
Y = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1
T = np.random.RandomState(2).randn(400, 32)

SEEDS = 300
ALLOWED = 0.05 + 3 * math.sqrt(0.05 * 0.95 / SEEDS)
"""Share of p-values up to .05 that so many seeds may have by chance."""


def normal(n: int, d: int = 3, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def in_one_cell(y: NDArray[np.float64], t: NDArray[np.float64], x: NDArray[np.float64]) -> Estimate:
    return data_copying(y, t, x, cells=1)


TESTS: dict[str, Callable[..., Estimate]] = {
    "copying": copying_share,
    "nearest_training_test": nearest_training_test,
    "data_copying": data_copying,
    "data_copying in one cell": in_one_cell,
    "authenticity": authenticity,
}


def test_the_published_arrays_of_the_specification() -> None:
    """X is the training set, T held out and Y generated; elsewhere by brute force and by the papers' own code."""
    found = nearest_training_test(Y, T, X, relative=False)
    assert found.notes["z"] == pytest.approx(7.923725161715402, abs=1e-9)
    assert data_copying(Y, T, X, cells=1, relative=False).notes["C_T"] == pytest.approx(7.923725161715402, abs=1e-9)
    assert authenticity(Y, T, X).notes["samples"] == pytest.approx(0.836, abs=1e-12)


@pytest.mark.parametrize("seeds", [80, pytest.param(SEEDS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TESTS)
def test_p_values_are_valid_where_samples_are_real(name: str, seeds: int) -> None:
    """Small sets of unequal sizes, a training set for each; data_copying needs 20 samples a cell."""
    m, h = (90, 80) if name == "data_copying" else (40, 50)
    small = [
        TESTS[name](normal(m, seed=3 * s), normal(h, seed=3 * s + 1), normal(60, seed=3 * s + 2)).p_value
        for s in range(seeds)
    ]
    allowed = 0.05 + 3 * math.sqrt(0.05 * 0.95 / seeds)
    assert np.mean(np.array(small) <= 0.05) <= allowed
    assert np.mean(np.array(small) >= 0.95) <= allowed or name != "authenticity"  # an exchange makes some 1


@pytest.mark.parametrize("name", TESTS)
def test_p_values_are_valid_where_distances_are_equal(name: str) -> None:
    """On a coarse lattice, where most distances are shared, and many 0; data_copying needs 20 samples a cell."""
    sizes = (120, 100, 60) if name == "data_copying" else (60, 50, 40)
    draws = [[np.round(normal(n, 2, 3 * s + i)) for i, n in enumerate(sizes)] for s in range(100)]
    found = [TESTS[name](*draw) for draw in draws]
    assert sum(one.p_value <= 0.05 for one in found) <= 0.05 * 100 + 3 * math.sqrt(0.05 * 0.95 * 100)
    assert name != "data_copying" or np.mean([one.notes["cells"] for one in found]) > 1.5


@pytest.mark.parametrize("name", TESTS)
def test_copies_among_samples_are_found(name: str) -> None:
    """One in five, of 300 samples."""
    train = normal(400, 8, 1)
    samples = np.concatenate([normal(240, 8, 2), train[:60] + 1e-3 * normal(60, 8, 3)])
    found = TESTS[name](samples, normal(300, 8, 4), train)
    assert found.p_value < 0.01
    clean = TESTS[name](normal(300, 8, 2), normal(300, 8, 4), train)
    assert clean.p_value > 0.01
    assert abs(clean.value - clean.floor) < 4 * max(clean.standard_error, 0.01)
    assert TESTS[name](10 * samples + 5, 10 * normal(300, 8, 4) + 5, 10 * train + 5).p_value == pytest.approx(
        found.p_value, rel=1e-6
    )


def flat(values: torch.Tensor) -> torch.Tensor:
    return values.flatten(1).float() / 255


def test_one_mnist_training_image_in_twenty_is_found(mnist: Dataset) -> None:
    """A tenth of the sizes of benchmarks/memorisation.py: 1,000 samples with 50 copies of 3,000 training images."""
    train, others = flat(mnist.train.values[:3000]), flat(mnist.test.values)
    drawn = torch.randperm(len(others), generator=torch.Generator().manual_seed(0))
    samples, held_out = others[drawn[:1000]], others[drawn[1000:2000]]
    assert copying_share(samples, held_out, train).p_value > 0.05
    samples[:50] = train[100:150]
    found = copying_share(samples, held_out, train)
    assert found.p_value < 0.01
    assert found.notes["exact copies"] == 50


def test_copying_counts_by_ranks() -> None:
    """The gaps are written out from sorted distances, and the chance is counted over all orders of the ranks.

    The control is 100 gaps of held-out items to training items, and 30 of samples to held-out items.
    """
    train, held_out, samples = normal(60, 4), normal(100, 4, 1), normal(30, 4, 2)
    samples[:6] = train[:6] + 1e-3

    def gaps(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
        far = np.sort(np.linalg.norm(points[:, None] - others, axis=2), axis=1)[:, :10]
        steps = np.arange(1, 10) * np.log(far[:, 1:] / far[:, :-1])
        return steps[:, :3].max(1) / steps[:, 3:].mean(1)

    control = np.concatenate([gaps(held_out, train), gaps(samples, held_out)])
    ours, control = gaps(samples, train), np.sort(control)[::-1]
    found = copying_share(samples, held_out, train, quantile=0.02)
    assert found.value == (ours > control[2]).mean() >= 0.1
    assert found.floor == pytest.approx(3 / 131)
    assert found.notes["threshold"] == pytest.approx(control[2])
    first = int((ours > control[0]).sum())  # of the first that are seen, all are samples: 30 29 .. / (160 159 ..)
    assert found.p_value <= 2 * math.prod((30 - i) / (160 - i) for i in range(first)) * (1 + 1e-9)


def test_samples_of_a_kind_that_stands_out_from_all_others_copy_nothing() -> None:
    """Points near one of many centres have large gaps to training and to held-out items; half of the samples are so."""
    centres = 10 * normal(400, 8)

    def draw(n: int, near: int, seed: int) -> NDArray[np.float64]:
        rng = np.random.default_rng(seed)
        rows = normal(n, 8, seed)
        rows[:near] = centres[rng.choice(400, near, replace=False)] + 0.1 * rows[:near]
        return rows

    train, held_out, samples = draw(4000, 400, 1), draw(4400, 400, 2), draw(400, 200, 3)
    ours, theirs = (neighbour_gap(find_training_neighbours(x, train)).numpy() for x in (samples, held_out))
    assert count_beyond(ours, theirs, 0.01)[2] < 1e-6  # beside held-out items alone they are accused
    assert copying_share(samples, held_out, train).p_value > 0.05
    samples[200:212] = train[500:512]
    assert copying_share(samples, held_out, train).p_value < 0.002


def test_a_copy_of_an_image_that_is_there_twice_is_found() -> None:
    """Equal training items count once, and of nearly equal ones the leap comes after the second."""
    train = normal(400, 8)
    train = np.concatenate([train, train, train + 1e-4])
    samples = np.concatenate([normal(190, 8, 1), train[:10]])
    assert copying_share(samples, normal(200, 8, 2), train).p_value < 0.01


def test_held_out_copies_make_copying_blind_and_it_says_so() -> None:
    train = normal(50)
    found = copying_share(train[:20], train[20:40], train)
    assert (found.value, found.p_value, found.notes["held-out copies"]) == (0, 1, 20)


def test_ranks_are_scipys() -> None:
    for seed, places in ((0, 8), (1, 0)):
        a, b = np.round(normal(40, 1, seed)[:, 0], places), np.round(normal(50, 1, seed + 9)[:, 0] + 0.2, places)
        found, oracle = chance_smaller(a, b), mannwhitneyu(a, b, alternative="less")
        assert found.value == pytest.approx(1 - oracle.statistic / 2000)
        assert found.p_value == pytest.approx(oracle.pvalue)
        assert found.notes["p_two_sided"] == pytest.approx(mannwhitneyu(a, b).pvalue)
        asymptotic = mannwhitneyu(a, b, alternative="less", method="asymptotic").pvalue
        assert 0.5 * math.erfc(-rank_score(a, b) / math.sqrt(2)) == pytest.approx(asymptotic, rel=1e-9)


def test_the_error_of_the_chance_is_its_spread() -> None:
    draws = [chance_smaller(normal(40, 1, 2 * s)[:, 0], normal(60, 1, 2 * s + 1)[:, 0] + 0.5) for s in range(200)]
    spread = np.std([draw.value for draw in draws], ddof=1)
    assert 0.9 < np.mean([draw.standard_error for draw in draws]) / spread < 1.1
    assert chance_smaller(np.ones(5), np.ones(6)).p_value == 1
    assert (chance_smaller(np.ones(5), np.ones(6)).value, rank_score(np.ones(5), np.ones(6))) == (0.5, 0)


def test_c_t_is_a_weighted_mean_of_scores_and_its_deviation_is_not_one() -> None:
    """Of null scores in two cells the standardised value has deviation 1, C_T less."""
    rng = np.random.default_rng(0)
    scores = np.array([[rank_score(rng.normal(size=30), rng.normal(size=30)) for _ in range(2)] for _ in range(500)])
    assert 0.9 < (scores.sum(1) / math.sqrt(2)).std() < 1.1
    assert 0.63 < scores.mean(1).std() < 0.78


@pytest.mark.parametrize("name", TESTS)
def test_other_shares_and_a_narrower_spread_are_not_copying(name: str) -> None:
    """Three classes in 2, 6 and 12 dimensions, and a third of all as narrow again: in other shares, and shrunk."""

    def draw(shares: tuple[float, float, float], n: int, seed: int, scale: float = 1.0) -> NDArray[np.float64]:
        rng = np.random.default_rng(seed)
        kind = rng.choice(3, n, p=shares)
        points = rng.normal(size=(n, 12)) * (np.arange(12) < np.array([2, 6, 12])[kind][:, None])
        return points * scale + 40 * kind[:, None]

    even, odd = (1 / 3, 1 / 3, 1 / 3), (0.8, 0.15, 0.05)
    train, held_out = draw(even, 1500, 1), draw(even, 600, 2)
    assert TESTS[name](draw(odd, 600, 3), held_out, train).p_value > 0.01 or name == "authenticity"
    if name == "copying":
        assert TESTS[name](draw(even, 600, 4, scale=0.8), held_out, train).p_value > 0.01
        copies = draw(odd, 600, 3)
        copies[:18] = train[:18]
        assert TESTS[name](copies, held_out, train).p_value < 1e-4


def test_distances_alone_would_accuse_other_shares() -> None:
    """What the test above is worth: the nearest distance itself says that these samples are too near."""
    rng = np.random.default_rng(0)
    train, held_out = (np.concatenate([rng.normal(size=(n, 6)), 40 + 3 * rng.normal(size=(n, 6))]) for n in (800, 300))
    samples = rng.normal(size=(500, 6))
    assert nearest_training_test(samples, held_out, train, relative=False).p_value < 1e-6
    assert nearest_training_test(samples, held_out, train).p_value > 0.01


def test_noise_stands_out_from_all_items_alike_and_copies_nothing() -> None:
    """Far from a curved sheet of data the gaps are others than on it: without an exchange each test accuses noise."""

    def sheet(n: int, seed: int) -> NDArray[np.float64]:
        turns = np.random.default_rng(seed).uniform(0, 2 * np.pi, (n, 2))
        return np.concatenate([np.cos(turns), np.sin(turns)], 1) @ normal(4, 16, 99)

    train, held_out, noise = sheet(2000, 1), sheet(800, 2), 2 * normal(800, 16, 3)
    for test in (nearest_training_test, data_copying):
        found = test(noise, held_out, train)
        assert found.notes["p_two_sided"] < 1e-6  # the score of gaps, before the exchange
        assert found.p_value > 0.05
        near = sheet(800, 4)
        near[:400] = train[:400] + 1e-3 * normal(400, 16, 5)
        assert test(near, held_out, train).p_value < 1e-6


def halves(y: NDArray[np.float64], t: NDArray[np.float64], x: NDArray[np.float64]) -> Estimate:
    """`data_copying` in the two cells that k-means finds, written out."""
    parts = [[a[a[:, 0] < 15] for a in (y, t, x)], [a[a[:, 0] >= 15] for a in (y, t, x)]]
    scores = [nearest_training_test(*part, relative=False).notes["z"] for part in parts]
    return Estimate(sum(scores) / math.sqrt(2), notes={"C_T": sum(scores) / 2})


def test_cells_by_hand_are_the_cells_of_k_means() -> None:
    train = np.concatenate([normal(60), normal(60, seed=1) + 30])
    y, t = (np.concatenate([a[:30], a[30:] + 30]) for a in (normal(60, seed=5), normal(60, seed=6)))
    found, expected = data_copying(y, t, train, cells=2, relative=False), halves(y, t, train)
    assert found.value == pytest.approx(expected.value)
    assert found.notes["C_T"] == pytest.approx(expected.notes["C_T"])


def test_cells_with_few_points_are_left_out() -> None:
    train = np.concatenate([normal(60), normal(60, seed=1) + 30])
    y = np.concatenate([normal(50, seed=2), normal(10, seed=3) + 30])
    t = np.concatenate([normal(40, seed=4), normal(40, seed=5) + 30])
    found = data_copying(y, t, train, cells=2)
    assert (found.notes["cells"], found.notes["left out"]) == (1, 10)
    with pytest.raises(BadInput, match="20 samples"):
        data_copying(y[:19], t, train)


def test_authenticity_is_its_definition_and_fishers_test() -> None:
    y, t, x = normal(50, 4, 1) * 0.9, normal(70, 4, 2), normal(80, 4, 3)

    def authentic(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        far = np.linalg.norm(points[:, None] - x, axis=2)
        among = np.linalg.norm(x[:, None] - x, axis=2) + np.diag(np.full(len(x), np.inf))
        return far.min(1) > among.min(1)[far.argmin(1)]

    ours, theirs = authentic(y), authentic(t)
    found = authenticity(y, t, x)
    assert found.value == pytest.approx(ours.mean() - theirs.mean())
    table = [[ours.sum(), (~ours).sum()], [theirs.sum(), (~theirs).sum()]]
    assert found.p_value == pytest.approx(fisher_exact(table, alternative="less").pvalue)


def test_near_duplicates_are_counted_and_listed_by_nearest() -> None:
    train = normal(300, 5)
    samples = np.concatenate([normal(100, 5, 1) + 20, train[:7], train[7:9] + 1e-3])
    given = near_duplicates(samples, train, threshold=0.01)
    assert (given.value, given.notes["exact copies"], given.floor) == (9, 7, None)
    assert near_duplicates(samples, train).value == 9
    index, squared = find_nearest(samples, train)
    assert index[squared <= 0.01**2].tolist() == list(range(9))
    usual = near_duplicates(normal(2000, 5, 3), normal(2000, 5, 4), quantile=0.05)
    assert usual.floor == 100
    assert abs(usual.value - 100) < 5 * usual.standard_error


def test_logits_of_training_items_are_told_from_others() -> None:
    a, b = normal(200, 1, 1) + 0.5, normal(150, 1, 2)
    found = logits_gap(a, b[:, 0])
    assert found.value == pytest.approx((a > b[:, 0]).mean())
    assert found.p_value == pytest.approx(mannwhitneyu(a[:, 0], b[:, 0], alternative="greater").pvalue)
    assert logits_gap(torch.tensor(a), torch.tensor(b)).value == found.value
    null = [logits_gap(normal(30, 1, 2 * s), normal(40, 1, 2 * s + 1)).p_value for s in range(SEEDS)]
    assert np.mean(np.array(null) <= 0.05) <= ALLOWED


@pytest.mark.parametrize("name", TESTS)
def test_what_cannot_be_tested_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="3 and 4"):
        TESTS[name](normal(30), normal(30), normal(30, 4))
    with pytest.raises(BadInput, match="held_out and train"):
        TESTS[name](normal(30), normal(30, 4), normal(30))
    with pytest.raises(BadInput, match="NaN or Inf"):
        TESTS[name](np.full((30, 3), np.nan), normal(30), normal(30))
    with pytest.raises(BadInput, match="one scale"):
        TESTS[name](normal(30), np.zeros((30, 3), np.uint8), normal(30))


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(BadInput, match="quantile"):
        copying_share(normal(5), normal(5), normal(5), quantile=0)
    for few in (copying_share, nearest_training_test):
        with pytest.raises(BadInput, match="4 different items"):
            few(normal(9), normal(9), np.repeat(normal(4), 3, 0))
    with pytest.raises(BadInput, match="quantile"):
        near_duplicates(normal(5), normal(5), quantile=1)
    with pytest.raises(BadInput, match="threshold"):
        near_duplicates(normal(5), normal(5), threshold=-1)
    with pytest.raises(BadInput, match="2 or more"):
        near_duplicates(normal(5), normal(1))
    with pytest.raises(BadInput, match="2 or more"):
        authenticity(normal(5), normal(5), normal(1))
    with pytest.raises(BadInput, match="cells"):
        data_copying(normal(50), normal(50), normal(5), cells=6)
    with pytest.raises(BadInput, match="distinct"):
        data_copying(normal(50), normal(50), np.ones((50, 3)))
    with pytest.raises(BadInput, match="distinct"):
        data_copying(normal(50), normal(50), np.repeat([[1.0, 2, 3], [4, 5, 6]], 20, 0), cells=3)
    for bad in (np.zeros((3, 2)), np.zeros(0), np.array([1.0, np.nan])):
        with pytest.raises(BadInput, match="train_logits"):
            logits_gap(bad, np.zeros(4))


def blurred(points: NDArray[np.float64], seed: int, n: int = 1000, kept: int = 3) -> NDArray[np.float64]:
    """Samples in a few directions of the data, close to their mean, as those of a game that has just begun."""
    axes = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][:kept]
    return points.mean(0) + 0.3 * np.random.default_rng(seed).normal(size=(n, kept)) @ axes


def test_blurred_samples_of_few_images_are_not_called_copies() -> None:
    """264 training and 33 held-out items, one of which is flat, as among the photos where this was seen."""
    told = []
    for seed in range(12):
        train, held = normal(264, 40, seed=2 * seed), normal(33, 40, seed=2 * seed + 1)
        train[0] *= 0.05
        told.append(copying_share(blurred(train, seed), held, train).p_value)
    assert min(told) > 0.05, told


def test_copies_of_few_images_are_found_beside_noise() -> None:
    """A tenth of the samples are training items with a little noise; half of the samples, with much of it."""
    train, held = normal(264, 40, seed=1), normal(33, 40, seed=2)
    for share, noise in ((0.1, 0.02), (0.5, 0.5)):
        samples, rng = normal(1000, 40, seed=3), np.random.default_rng(4)
        copied = rng.integers(len(train), size=int(share * len(samples)))
        samples[: len(copied)] = train[copied] + noise * rng.normal(size=(len(copied), 40))
        assert copying_share(samples, held, train).p_value < 1e-6, (share, noise)
