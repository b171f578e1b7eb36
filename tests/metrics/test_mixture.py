"""Modes of the ring and the grid, by construction and for the mixtures themselves."""

import math

import numpy as np
import pytest
import torch

from advnets.data.sets.toys import MIXTURES, mixture
from advnets.errors import BadInput
from advnets.metrics import mixture_modes


def drawn(name: str, n: int = 2500, seed: int = 0) -> torch.Tensor:
    return mixture(name).sample(n, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", MIXTURES)
def test_the_mixture_itself_has_all_modes_and_its_floors(name: str) -> None:
    p = mixture(name)
    found = mixture_modes(drawn(name), p.means, deviation=p.std)
    assert found["modes"].value == len(p.means) == found["modes"].floor
    quality = {1: math.erf(3 / math.sqrt(2)), 2: 1 - math.exp(-4.5)}[p.means.shape[1]]
    assert found["high_quality"].floor == pytest.approx(quality)
    low, high = found["high_quality"].bounds
    assert low < quality < high
    assert found["kl"].floor == (len(p.means) - 1) / 5000
    assert abs(found["kl"].value - found["kl"].floor) < 4 * found["kl"].error
    assert not found["high_quality"].notes["overlap"]


def test_a_point_is_good_up_to_three_deviations_and_counts_for_its_mode_only_then() -> None:
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = np.array([[0.0, 2.999], [0.0, -3.0], [10.0, 3.001], [10.0, 4.0]])
    found = mixture_modes(points, centres, deviation=1.0)
    assert found["modes"].value == 1
    assert found["high_quality"].value == 0.5
    assert found["kl"].value == pytest.approx(math.log(3) - math.log(2))  # nearest centres, good or not


def test_five_modes_of_eight() -> None:
    p = mixture("ring-8")
    points = drawn("ring-8")
    kept = points[torch.cdist(points, p.means).argmin(1) < 5]
    found = mixture_modes(kept, p.means, deviation=p.std)
    assert found["modes"].value == 5
    assert found["modes"].bounds[0] == pytest.approx(5, abs=0.01)
    assert found["kl"].value == pytest.approx(math.log(8 / 5), abs=0.01)


def test_collapse_to_one_place_and_noise_far_off() -> None:
    p = mixture("grid-25")
    one = mixture_modes(p.means[:1].repeat(2500, 1), p.means, deviation=p.std)
    assert (one["modes"].value, one["high_quality"].value) == (1, 1)
    assert one["kl"].value == pytest.approx(math.log(25))
    far = mixture_modes(p.means + 100, p.means, deviation=p.std)
    assert (far["modes"].value, far["high_quality"].value) == (0, 0)


def test_the_share_of_good_points_has_an_interval_that_holds() -> None:
    p, hits = mixture("ring-8"), 0
    for seed in range(100):
        found = mixture_modes(drawn("ring-8", 300, seed), p.means, deviation=p.std)["high_quality"]
        low, high = found.bounds
        hits += low <= 1 - math.exp(-4.5) <= high
    assert hits >= 92


def test_order_unit_and_kind_of_array_do_not_matter() -> None:
    p = mixture("grid-25")
    points = drawn("grid-25")
    found = mixture_modes(points, p.means, deviation=p.std)
    assert mixture_modes(points.flip(0).numpy(), p.means.flip(0).numpy(), deviation=p.std) == found
    assert mixture_modes(points * 64, p.means * 64, deviation=p.std * 64) == found


def test_modes_that_overlap_are_told() -> None:
    assert mixture_modes(np.zeros((5, 1)), np.array([[0.0], [5.0]]), deviation=1.0)["high_quality"].notes["overlap"]


def test_a_single_mode() -> None:
    found = mixture_modes(np.zeros((5, 1)), np.zeros((1, 1)), deviation=1.0)
    assert (found["modes"].value, found["kl"].value) == (1, 0)


def test_what_cannot_be_measured_is_refused() -> None:
    centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    for deviation in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(BadInput, match="deviation"):
            mixture_modes(centres, centres, deviation=deviation)
    with pytest.raises(BadInput, match="two that are equal"):
        mixture_modes(centres, centres[[0, 0]], deviation=1.0)
    with pytest.raises(BadInput, match="3 and 2"):
        mixture_modes(np.zeros((4, 3)), centres, deviation=1.0)
    with pytest.raises(BadInput, match="NaN or Inf"):
        mixture_modes(centres * math.nan, centres, deviation=1.0)
    with pytest.raises(BadInput, match="points"):
        mixture_modes(np.zeros((0, 2)), centres, deviation=1.0)
