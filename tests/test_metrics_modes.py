"""Nearest real images and shares of classes, against direct differences and by construction."""

import math

import numpy as np
import pytest
import torch

from advnets.data import Dataset
from advnets.errors import BadInput
from advnets.metrics import class_shares, nearest, nearest_class


def noise(n: int, d: int = 30, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("block", [(1, 1), (7, 3), (1024, 4096)])
def test_nearest_is_the_least_direct_difference(block: tuple[int, int]) -> None:
    samples, real = noise(40), noise(90, seed=1)
    index, squared = nearest(samples, real, block=block)
    direct = (samples[:, None].double() - real.double()).square().sum(2).min(1)
    assert torch.equal(index, direct.indices)
    torch.testing.assert_close(squared, direct.values, rtol=0, atol=1e-12)


def test_a_copy_is_at_distance_zero() -> None:
    real = noise(200) + 100
    index, squared = nearest(real[::4], real)
    assert torch.equal(index, torch.arange(200)[::4])
    assert not squared.any()


def test_near_ties_are_settled_without_rounding() -> None:
    """Distances of 10,000^2 and that plus 1 are one float32 number, but not one distance."""
    real = torch.tensor([[10_000.0, 1.0], [10_000.0, 0.0], [-10_000.0, 0.5]])
    assert nearest(torch.zeros(1, 2), real)[0].tolist() == [1]


def test_bytes_are_measured_in_bytes() -> None:
    samples, real = torch.tensor([[[0, 255]]], dtype=torch.uint8), np.array([[[255, 0]], [[3, 255]]], np.uint8)
    index, squared = nearest(samples, real)
    assert (index.tolist(), squared.tolist()) == ([1], [9.0])


def test_equal_images_give_the_first() -> None:
    assert nearest(torch.zeros(1, 3), torch.zeros(3, 3))[0].tolist() == [0]


def corners(counts: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Samples near corners of a cube, counts[c] near corner c; the corners; their labels."""
    real = torch.eye(len(counts))
    where = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return real[where] + 0.1 * noise(len(where), len(counts)), real, torch.arange(len(counts))


def test_shares_of_classes_by_construction() -> None:
    found = class_shares(*corners([10, 30, 60]), 3)
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx(math.sqrt(0.1 * 0.9 / 100))
    assert [found.notes[f"class {name}"] for name in range(3)] == pytest.approx([0.1, 0.3, 0.6])
    assert found.notes["entropy"] == pytest.approx(-sum(p * math.log(p) for p in (0.1, 0.3, 0.6)))
    assert (found.notes["missing"], found.notes["n"]) == (0, 100)


def test_even_shares_have_the_largest_entropy_and_one_class_none() -> None:
    assert class_shares(*corners([5] * 4), 4).notes["entropy"] == pytest.approx(math.log(4))
    collapsed = class_shares(*corners([0, 20, 0]), 3)
    assert (collapsed.value, collapsed.notes["entropy"], collapsed.notes["missing"]) == (0, 0, 2)


def test_a_class_without_real_images_counts_as_missing() -> None:
    assert class_shares(*corners([5, 5]), 3).notes["missing"] == 1


def test_real_images_are_of_their_own_class() -> None:
    real, labels = noise(50), torch.arange(50) % 7
    assert torch.equal(nearest_class(real, real, labels), labels)
    assert torch.equal(nearest_class(real, real, labels.numpy()), labels)


@pytest.mark.parametrize("labels", [torch.zeros(9, dtype=torch.int64), torch.zeros(10), -torch.ones(10).long()])
def test_labels_that_do_not_fit_are_refused(labels: torch.Tensor) -> None:
    with pytest.raises(BadInput, match="labels"):
        nearest_class(noise(3), noise(10), labels)


def test_a_label_beyond_the_classes_is_refused() -> None:
    with pytest.raises(BadInput, match="Raise n_classes"):
        class_shares(noise(3), noise(10), torch.arange(10), 9)


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(BadInput, match="one scale"):
        nearest(noise(3), torch.zeros(3, 30, dtype=torch.uint8))
    with pytest.raises(BadInput, match="30 and 20"):
        nearest(noise(3), noise(3, 20))
    with pytest.raises(BadInput, match="samples"):
        nearest(noise(0), noise(3))


def test_mnist_is_classed_as_well_as_nearest_neighbours_can(mnist: Dataset) -> None:
    """10,000 training images give about 95 % on test images."""
    real, labels = mnist.train.values[:10_000], mnist.train.labels
    assert labels is not None
    assert mnist.test.labels is not None
    found = nearest_class(mnist.test.values[:500], real, labels[:10_000])
    assert float((found == mnist.test.labels[:500]).float().mean()) > 0.92
