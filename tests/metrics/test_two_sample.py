"""Two-sample tests against their definitions by loops, published arrays, ties, and under the null."""

import json

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from advnets.errors import BadInput
from advnets.metrics import classifier_test, nearest_neighbour_test
from advnets.metrics.two_sample import Graph, _area_under_roc
from advnets.statistics import Estimate
from advnets.statistics.permutation import permutation_p_value

X = np.random.RandomState(0).randn(500, 32)
Y = np.random.RandomState(1).randn(500, 32) * 1.1 + 0.1


def points(n: int, d: int = 6, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d))


def agreement(z: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """By loops, with equal shares for equally near points."""
    shares = []
    for i in range(len(z)):
        distances = ((z - z[i]) ** 2).sum(1)
        distances[i] = np.inf
        shares.append((labels[distances == distances.min()] == labels[i]).mean())
    return np.array(shares)


def test_the_published_arrays_of_the_specification() -> None:
    """The two accuracies nearly cancel; apart they do not."""
    found = nearest_neighbour_test(Y, X)
    assert found.notes["accuracy_real"] == 0.732
    assert found.notes["accuracy_samples"] == 0.35
    assert found.value == pytest.approx(0.541, abs=1e-12)
    assert found.notes["p_real"] == found.notes["p_samples"] == 0.001
    assert found.floor == 499 / 999


@pytest.mark.parametrize("seed", range(4))
def test_neighbours_are_those_of_a_loop_with_ties_and_copies(seed: int) -> None:
    """Points of a small grid: many stand on one place, and many are equally near."""
    rng = np.random.default_rng(seed)
    grid = rng.integers(0, 5, (60, 2 + seed % 2))
    labels = rng.permutation(np.repeat([1.0, 0.0], 30))
    expected = agreement(grid.astype(float), labels)
    column = torch.from_numpy(labels)[:, None]
    for z in (torch.from_numpy(grid), torch.from_numpy(grid) / 4, torch.from_numpy(grid).double() * 2.0**-400):
        found = Graph.of(z, block=7).agreement(column)[:, 0]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_distances_that_float32_cannot_tell_apart() -> None:
    """Neighbours at distances of 1e-6, far from the origin: a fast product alone would see only rounding."""
    z = 1e3 + points(80) * 1e-6
    labels = np.repeat([1.0, 0.0], 40)
    found = Graph.of(torch.from_numpy(z)).agreement(torch.from_numpy(labels)[:, None])
    np.testing.assert_array_equal(found[:, 0].numpy(), agreement(z, labels))


def test_blocks_and_order_change_nothing() -> None:
    x, y = points(40) * 1.2, points(40, seed=1)
    first = nearest_neighbour_test(x, y, permutations=19)
    other = nearest_neighbour_test(x[::-1].copy(), np.roll(y, 7, 0), permutations=19, block=3)
    assert other.value == pytest.approx(first.value, abs=1e-9)
    assert nearest_neighbour_test(x, y, permutations=19, block=3) == first


def test_copies_of_the_data_are_below_chance() -> None:
    """Each sample's nearest is the real point it copies, and the other way round: accuracy 0, and p small."""
    found = nearest_neighbour_test(points(50), points(50))
    assert (found.value, found.p_value) == (0, 0.001)
    assert nearest_neighbour_test(points(50) + 9, points(50)).value == 1


def test_a_collapsed_generator_has_accurate_samples() -> None:
    found = nearest_neighbour_test(np.repeat(points(1), 50, 0), points(50, seed=1))
    assert found.notes["accuracy_samples"] == 1
    assert found.p_value == 0.001
    everywhere = nearest_neighbour_test(np.ones((50, 3)), np.ones((50, 3)), permutations=99)
    assert everywhere.value == pytest.approx(49 / 99)
    assert everywhere.p_value == 1


def test_unequal_sizes_are_evened_by_the_seed() -> None:
    first, again, other = (nearest_neighbour_test(points(90), points(40, seed=1), seed=s) for s in (0, 0, 1))
    assert first == again
    assert first.notes["accuracy_samples"] != other.notes["accuracy_samples"] or first.p_value != other.p_value
    assert first.notes["n"] == 40


@pytest.mark.parametrize("draws", [120, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["continuous", "with ties", "unequal sizes"])
def test_p_values_of_neighbours_under_the_null(kind: str, draws: int) -> None:
    """No more than 5 % + 3 standard errors of p-values reach .05, for each of the three."""
    rng, low = np.random.default_rng(0), []
    for t in range(draws):
        x, y = rng.normal(size=(20, 3)), rng.normal(size=(35 if kind == "unequal sizes" else 20, 3))
        if kind == "with ties":
            x, y = np.rint(x), np.rint(y)
        found = nearest_neighbour_test(x, y, permutations=59, seed=t)
        low.append([p <= 0.05 for p in (found.p_value, found.notes["p_real"], found.notes["p_samples"])])
    assert np.mean(low, 0).max() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)
    assert np.mean(low, 0).min() > 0.005


def test_the_area_is_the_definition_and_its_error_the_spread() -> None:
    rng = np.random.default_rng(0)
    low, high = np.rint(rng.normal(size=50) * 2), np.rint(rng.normal(size=30) * 2 + 1)
    truth = np.repeat([0, 1], [50, 30])
    assert _area_under_roc(low, high)[0] == pytest.approx(roc_auc_score(truth, np.concatenate([low, high])), abs=1e-12)
    draws = [_area_under_roc(rng.normal(size=50), rng.normal(size=30) + 1) for _ in range(400)]
    assert np.mean([error for _, error in draws]) == pytest.approx(np.std([area for area, _ in draws]), rel=0.12)


@pytest.mark.parametrize("draws", [80, pytest.param(200, marks=pytest.mark.slow)])
def test_p_values_of_the_classifier_under_the_null(draws: int) -> None:
    """Draws of 30 and 70 points."""
    rng = np.random.default_rng(0)
    found = [classifier_test(rng.normal(size=(30, 5)), rng.normal(size=(70, 5)), seed=t) for t in range(draws)]
    low = np.mean([estimate.p_value <= 0.05 for estimate in found])
    error = np.sqrt(0.05 * 0.95 / draws)
    assert 0.05 - 3 * error <= low <= 0.05 + 3 * error
    values = [estimate.value for estimate in found]
    assert abs(np.mean(values) - 0.5) < 4 * np.std(values) / np.sqrt(draws)


def test_the_classifier_finds_an_obvious_difference() -> None:
    assert classifier_test(Y, X).p_value < 1e-4
    far = classifier_test(points(90) + 9, points(200, seed=1))
    assert (far.value, far.error, far.notes["accuracy"], far.notes["balanced_accuracy"]) == (1, 0, 1, 1)
    assert far.notes["base_rate"] == pytest.approx(100 / 145)


def test_the_classifier_is_free_of_units_and_constant_features() -> None:
    x, y = points(60) + 0.4, points(80, seed=1)
    found = classifier_test(x, y)
    scaled = [np.concatenate([z * 1e3 + 7, np.full((len(z), 2), 3.0)], 1) for z in (x, y)]
    assert classifier_test(*scaled).value == pytest.approx(found.value, abs=1e-9)
    nothing = classifier_test(np.ones((20, 3)), np.ones((30, 3)))
    assert (nothing.value, nothing.p_value, nothing.notes["features"]) == (0.5, 1, 3)
    twice = classifier_test(np.concatenate([x, x], 1), np.concatenate([y, y], 1))
    assert twice.value == pytest.approx(found.value, abs=0.02)
    wide = classifier_test(points(20, 300), points(20, 300, 1))
    assert 0 <= wide.value <= 1


def test_estimates_go_to_json() -> None:
    for found in (nearest_neighbour_test(X[:50], Y[:50]), classifier_test(X[:50], Y[:50])):
        assert Estimate.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_a_p_value_counts_equals_in_spite_of_rounding() -> None:
    assert permutation_p_value(torch.tensor([0.3, 0.1 + 0.2, 0.1, 0.2], dtype=torch.float64)) == 0.5
    assert permutation_p_value(torch.tensor([0.1 + 0.2, 0.3, 0.1, 0.2], dtype=torch.float64)) == 0.5


@pytest.mark.parametrize("measure", [nearest_neighbour_test, classifier_test])
def test_bad_input(measure: object) -> None:
    bad = points(9)
    bad[0, 0] = np.inf
    for x, y, said in [
        (points(1), points(9), "samples: found 1 rows"),
        (points(9), points(1), "real: found 1 rows"),
        (points(9, 3), points(9, 4), "numbers a row"),
        (points(9), bad, "Inf"),
        (np.ones((9, 6), dtype=np.uint8), points(9), "expected one scale"),
        (points(9), np.ones(6), "expected"),
    ]:
        with pytest.raises(BadInput, match=said):
            measure(x, y)  # type: ignore[operator]
    with pytest.raises(BadInput, match="permutations"):
        nearest_neighbour_test(points(9), points(9), permutations=5)
