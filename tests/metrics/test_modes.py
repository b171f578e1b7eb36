"""Classes of nearest real images and shares of classes, by construction and against scipy."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2_contingency

from advnets.data import Dataset
from advnets.errors import BadInput
from advnets.metrics import class_agreement, class_distance, class_shares, nearest_class
from advnets.statistics import find_nearest


def noise(n: int, d: int = 30, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed))


def corners(counts: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Samples near corners of a cube, counts[c] near corner c; the corners; their labels."""
    real = torch.eye(len(counts))
    where = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return real[where] + 0.1 * noise(len(where), len(counts)), real, torch.arange(len(counts))


def counted(*counts: int) -> torch.Tensor:
    """Classes of which class c occurs counts[c] times."""
    return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


def test_near_a_corner_the_class_is_the_corners() -> None:
    assert torch.equal(nearest_class(*corners([10, 30, 60])), counted(10, 30, 60))


def test_shares_of_classes_by_construction() -> None:
    found = class_shares(counted(10, 30, 60), 3)
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx(math.sqrt(0.1 * 0.9 / 100))
    assert [found.notes[f"class {name}"] for name in range(3)] == pytest.approx([0.1, 0.3, 0.6])
    assert found.notes["entropy"] == pytest.approx(-sum(p * math.log(p) for p in (0.1, 0.3, 0.6)))
    assert (found.notes["missing"], found.notes["n"]) == (0, 100)
    assert class_shares(counted(10, 30, 60).numpy(), 3) == found


def test_even_shares_have_the_largest_entropy_and_one_class_none() -> None:
    assert class_shares(counted(5, 5, 5, 5), 4).notes["entropy"] == pytest.approx(math.log(4))
    collapsed = class_shares(counted(0, 20, 0), 3)
    assert (collapsed.value, collapsed.notes["entropy"], collapsed.notes["missing"]) == (0, 0, 2)


def test_a_class_beyond_those_that_occur_counts_as_missing() -> None:
    assert class_shares(counted(5, 5), 3).notes["missing"] == 1


def test_agreement_of_classes_by_construction() -> None:
    asked, drawn = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2, 2]), torch.tensor([0, 0, 0, 0, 1, 1, 2, 0, 2, 2])
    found = class_agreement(asked, drawn, counted(3, 5), counted(4, 4), names=("cat", "dog", "horse"))
    assert (found.value, found.floor) == (0.8, 7 / 8)
    assert found.error == pytest.approx(math.sqrt(0.8 * 0.2 / 10))
    assert found.notes["floor_error"] == pytest.approx(math.sqrt(7 / 8 / 8 / 8))
    assert {key: found.notes[key] for key in ("worst class", "worst", "n", "m")} == {
        "worst class": "dog", "worst": 0.5, "n": 10, "m": 8,
    }  # fmt: skip
    assert class_agreement(asked.numpy(), drawn.numpy(), [0], [0]).notes["worst class"] == 1
    with pytest.raises(BadInput, match="asked: found classes of shape"):
        class_agreement(asked, drawn[:4], [0], [0])


def test_agreement_of_chance_is_one_in_k() -> None:
    rng = np.random.default_rng(0)
    found = class_agreement(*(rng.integers(0, 4, 4000) for _ in range(4)))
    assert abs(found.value - 0.25) < 4 * found.standard_error
    assert found.floor is not None
    assert abs(found.floor - 0.25) < 4 * float(found.notes["floor_error"])


def test_distance_of_classes_by_construction() -> None:
    assert class_distance(counted(10, 30), counted(100, 300), 2).value == 0
    assert class_distance(counted(10, 0), counted(0, 7), 2).value == 1
    found = class_distance(counted(10, 30, 60), counted(50, 100, 50), 3)
    assert found.value == pytest.approx((0.15 + 0.2 + 0.35) / 2)
    assert (found.notes["n"], found.notes["m"]) == (100, 200)


def test_chi_squared_is_scipys_test_of_a_table() -> None:
    for o, r in (((10, 30, 60), (50, 100, 50)), ((5, 0, 9, 30), (8, 0, 1, 31))):
        table = np.array([o, r])
        oracle = chi2_contingency(table[:, table.sum(0) > 0], correction=False)
        found = class_distance(counted(*o), counted(*r), len(o))
        assert found.notes["chi2"] == pytest.approx(oracle.statistic)
        assert found.p_value == pytest.approx(oracle.pvalue)
        assert found.notes["degrees"] == oracle.dof


def test_distances_of_real_from_real_lie_about_the_floor_and_p_values_evenly() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([0.05, 0.15, 0.3, 0.5])
    draws = [class_distance(rng.choice(4, 200, p=shares), rng.choice(4, 500, p=shares), 4) for _ in range(300)]
    floor = np.mean([draw.floor or 0 for draw in draws])
    assert np.mean([draw.value for draw in draws]) == pytest.approx(floor, rel=0.1)
    p_values = np.sort([draw.p_value for draw in draws])
    assert np.abs(p_values - (np.arange(300) + 0.5) / 300).max() < 1.63 / math.sqrt(300)  # Kolmogorov, 1 %


def test_the_error_of_a_distance_is_the_spread_of_draws() -> None:
    rng = np.random.default_rng(1)
    p, q = np.array([0.4, 0.4, 0.2]), np.array([0.2, 0.3, 0.5])
    draws = [class_distance(rng.choice(3, 200, p=p), rng.choice(3, 300, p=q), 3) for _ in range(300)]
    spread = np.std([draw.value for draw in draws], ddof=1)
    assert np.mean([draw.error for draw in draws]) == pytest.approx(spread, rel=0.15)


def test_one_class_alone_has_nothing_to_test() -> None:
    found = class_distance(counted(3), counted(4), 1)
    assert (found.value, found.p_value) == (0, 1)


def test_real_images_are_of_their_own_class() -> None:
    real, labels = noise(50), torch.arange(50) % 7
    assert torch.equal(nearest_class(real, real, labels), labels)
    assert torch.equal(nearest_class(real, real, labels.numpy()), labels)


@pytest.mark.parametrize("labels", [torch.zeros(9, dtype=torch.int64), torch.zeros(10), -torch.ones(10).long()])
def test_labels_that_do_not_fit_are_refused(labels: torch.Tensor) -> None:
    with pytest.raises(BadInput, match="labels"):
        nearest_class(noise(3), noise(10), labels)


@pytest.mark.parametrize("classes", [torch.arange(4), -torch.ones(2).long(), torch.zeros(3), torch.zeros(0).long()])
def test_classes_that_are_none_are_refused(classes: torch.Tensor) -> None:
    with pytest.raises(BadInput, match="classes"):
        class_shares(classes, 3)
    with pytest.raises(BadInput, match="real"):
        class_distance(counted(1, 2), classes, 3)


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(BadInput, match="one scale"):
        find_nearest(noise(3), torch.zeros(3, 30, dtype=torch.uint8))
    with pytest.raises(BadInput, match="30 and 20"):
        find_nearest(noise(3), noise(3, 20))
    with pytest.raises(BadInput, match="samples"):
        find_nearest(noise(0), noise(3))


def test_mnist_is_classed_as_well_as_nearest_neighbours_can(mnist: Dataset) -> None:
    """10,000 training images give about 95 % on test images."""
    real, labels = mnist.train.values[:10_000], mnist.train.labels
    assert labels is not None
    assert mnist.test.labels is not None
    found = nearest_class(mnist.test.values[:500], real, labels[:10_000])
    assert float((found == mnist.test.labels[:500]).float().mean()) > 0.92
