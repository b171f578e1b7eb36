"""Nearest neighbours against direct differences in float64, where products in float32 and float64 would be wrong."""

import numpy as np
import pytest
import torch

from advnets.errors import BadInput
from advnets.statistics import distances, find_nearest
from advnets.statistics.distances import Frame, direct_distances, find_nearest_others


def noise(n: int, d: int = 30, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("block", [(11, 4), (7, 30), (2048, 4096)])
def test_nearest_is_the_least_direct_difference(block: tuple[int, int]) -> None:
    samples, real = noise(40), noise(90, seed=1)
    index, squared = find_nearest(samples, real, block=block)
    direct = (samples[:, None].double() - real.double()).square().sum(2).min(1)
    assert torch.equal(index, direct.indices)
    torch.testing.assert_close(squared, direct.values, rtol=0, atol=1e-12)


def test_a_copy_is_at_distance_zero() -> None:
    real = noise(200) + 100
    index, squared = find_nearest(real[::4], real)
    assert torch.equal(index, torch.arange(200)[::4])
    assert not squared.any()


def test_near_ties_are_settled_without_rounding() -> None:
    """Distances of 10,000^2 and that plus 1 are one float32 number, but not one distance."""
    real = torch.tensor([[10_000.0, 1.0], [10_000.0, 0.0], [-10_000.0, 0.5]])
    assert find_nearest(torch.zeros(1, 2), real)[0].tolist() == [1]


def test_bytes_are_measured_in_bytes() -> None:
    samples, real = torch.tensor([[[0, 255]]], dtype=torch.uint8), np.array([[[255, 0]], [[3, 255]]], np.uint8)
    index, squared = find_nearest(samples, real)
    assert (index.tolist(), squared.tolist()) == ([1], [9.0])


def test_equal_images_give_the_first() -> None:
    assert find_nearest(torch.zeros(1, 3), torch.zeros(3, 3))[0].tolist() == [0]


def others(x: torch.Tensor, k: int) -> torch.Tensor:
    """Squared distances to the k nearest others, by whole differences."""
    among = (x[:, None].double() - x.double()).square().sum(2)
    among.fill_diagonal_(torch.inf)
    return among.sort(1).values[:, :k]


def clusters(gap: float) -> torch.Tensor:
    """Five points in space with 20 points around each, so near that products of float32, or of any, see them as one."""
    return 10 * noise(5, 6).double().repeat_interleave(20, 0) + gap * noise(100, 6, 1).double()


@pytest.mark.parametrize(
    "x",
    [
        noise(60) + 100,
        noise(60).double() * 1e-20,
        clusters(1e-4),
        clusters(1e-8),
        torch.cat([noise(50), noise(1) * 1e6]),
        noise(12, 3).repeat(9, 1),
        (4 * noise(200, 2)).round(),
        torch.zeros(8, 3),
        noise(6),
    ],
    ids=["offset", "tiny", "near", "nearer", "outlier", "copies", "lattice", "all alike", "few"],
)
@pytest.mark.parametrize("block", [(11, 7), (2048, 4096)])
def test_others_are_the_least_direct_differences(x: torch.Tensor, block: tuple[int, int]) -> None:
    index, squared = find_nearest_others(x, 5, block=block)
    torch.testing.assert_close(squared, others(x, 5), rtol=1e-9, atol=0)
    rows = torch.arange(len(x))
    assert not (index == rows[:, None]).any()
    assert all(len(set(row)) == 5 for row in index.tolist())
    assert torch.equal(direct_distances(x, x, rows.repeat_interleave(5), index.flatten()).view(-1, 5), squared)


def test_only_the_rows_asked_for_are_searched() -> None:
    x, rows = noise(90), torch.tensor([3, 88, 3])
    index, squared = find_nearest_others(x, 2, rows=rows)
    every, all_squared = find_nearest_others(x, 2)
    assert torch.equal(index, every[rows])
    assert torch.equal(squared, all_squared[rows])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [2, 100, 3000])
def test_the_error_of_a_product_is_within_its_slack(dtype: torch.dtype, d: int) -> None:
    x, r = noise(50, d).double() + 5, noise(70, d, 1).double() * torch.logspace(-3, 3, 70)[:, None]
    frame = Frame.of(x, r)
    a, b = frame.transform(x, dtype), frame.transform(r, dtype)
    norms = a.square().sum(1)
    product = distances.squared_distances(a, b, norms[:, None], s_norms=b.square().sum(1)).double()
    exact = (x[:, None] - r).square().sum(2) / frame.scale**2
    slack = frame.error_bound(norms.sqrt()[:, None].expand_as(exact), exact, dtype)
    assert ((product - exact).abs() <= slack).all()


def test_a_row_is_summed_alike_alone_and_among_others() -> None:
    """Else an exact tie could be decided by how many rows a chunk has."""
    for d in (5, 84, 784, 2048):
        x, r = noise(40, d), noise(40, d, 1)
        rows = torch.arange(40)
        together = direct_distances(x, r, rows, rows)
        assert torch.equal(together, torch.cat([direct_distances(x, r, row[None], row[None]) for row in rows]))
        assert torch.equal(together, direct_distances(r, x, rows, rows))


def test_real_points_may_be_more_than_a_block_and_the_order_moves_the_answer_along() -> None:
    x, r = noise(20), noise(300, seed=1)
    order = torch.from_numpy(np.random.default_rng(0).permutation(300))
    index, squared = find_nearest(x, r, block=(6, 50))
    moved, same = find_nearest(x, r[order])
    assert torch.equal(order[moved], index)
    assert torch.equal(squared, same)


def test_what_cannot_be_searched_is_refused() -> None:
    for k in (0, 9):
        with pytest.raises(BadInput, match=r"expected 1\.\.8"):
            find_nearest_others(noise(9), k)
    with pytest.raises(BadInput, match="one scale"):
        find_nearest(noise(9), torch.zeros(9, 30, dtype=torch.uint8))
    with pytest.raises(BadInput, match="NaN or Inf"):
        find_nearest_others(noise(9) / 0, 1)
    with pytest.raises(BadInput, match="Scale them"):
        find_nearest_others(noise(9).double() * 1e160, 1)
