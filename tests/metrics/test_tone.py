"""The tone of images: closed forms, p-values under the null, and what moves a whole set by little."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from advnets.data import Dataset
from advnets.errors import BadInput
from advnets.metrics import tone_distance
from advnets.metrics.pixels.tone import tone_names


def draw(n: int, seed: int, channels: int = 3) -> Tensor:
    """Images of 8 x 8 that are brighter to the left, and vary as whole images."""
    rng = np.random.default_rng(seed)
    levels = rng.normal(120, 30, size=(n, 1, 1, 1)) + rng.normal(0, 20, size=(n, channels, 8, 8))
    return torch.from_numpy((levels - np.linspace(-10, 10, 8)).clip(0, 255).astype(np.uint8))


def test_the_statistics_are_their_definitions() -> None:
    x, y = draw(40, 1), draw(50, 2)
    found = tone_distance(x, y, permutations=19)
    assert found.notes["brightness"] == pytest.approx(float(x.double().mean() - y.double().mean()))
    spread = [float(z.double().std((2, 3), correction=0).mean()) for z in (x, y)]
    assert found.notes["contrast"] == pytest.approx(spread[0] - spread[1])
    both = torch.cat([x, y]).double()
    means, sums = both.mean((2, 3)), both.mean((2, 3)).sum(1, keepdim=True)
    sides = (both.mean(1) - both.mean(1).flip(-1))[..., :4].flatten(1)
    ends = [(both.flatten(2) <= 0).double().mean(2), (both.flatten(2) >= 255).double().mean(2)]
    rows = torch.cat([means, both.std((2, 3), correction=0), *ends, means / sums, sides], 1)
    apart, deviation = rows[:40].mean(0) - rows[40:].mean(0), rows.std(0)
    expected = (apart / deviation)[deviation > 0].abs()
    assert found.value == pytest.approx(float(expected.max()))
    names = tone_names(3, rows.shape[1])
    assert found.notes["worst"] == names[int((apart / deviation).nan_to_num().abs().argmax())]


@pytest.mark.parametrize("seeds", [40, pytest.param(300, marks=pytest.mark.slow)])
def test_p_values_are_valid_where_samples_are_real(seeds: int) -> None:
    p = [tone_distance(draw(20, 2 * s), draw(30, 2 * s + 1), permutations=99, seed=s).p_value for s in range(seeds)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / seeds)


def test_two_levels_and_mirrored_images_are_noticed(mnist: Dataset) -> None:
    x, y = mnist.test.values[:2000], mnist.test.values[5000:7000]
    assert tone_distance(x[::2], x[1::2]).p_value > 0.01
    brighter = (x.int() + 2).clamp(max=255).to(torch.uint8)
    assert tone_distance(brighter, y).p_value < 0.01
    mirrored = x.clone()
    mirrored[::2] = x[::2].flip(-1)
    found = tone_distance(mirrored, y)
    assert found.p_value < 0.01
    assert found.notes["p_sides"] < 0.01


def test_sides_are_told_from_levels() -> None:
    x, y = draw(300, 1), draw(300, 2)
    found = tone_distance(x.flip(-1), y)
    assert found.notes["p_sides"] < 0.01
    assert tone_distance(x, y).p_value > 0.01
    assert abs(found.notes["brightness"] - tone_distance(x, y).notes["brightness"]) < 1e-9
    assert tone_distance((x.int() + 20).clamp(max=255).to(torch.uint8), y).notes["p_levels"] < 0.01


def test_grey_floats_and_odd_sizes_are_read() -> None:
    x = torch.rand(9, 1, 5, 7)
    assert tone_distance(x, x.clone(), permutations=19).p_value == 1
    assert tone_distance(x[..., :1], x[..., :1], permutations=19).value < 1e-9


def test_what_has_no_tone_is_refused() -> None:
    x = draw(9, 1)
    with pytest.raises(BadInput, match="one and the same"):
        tone_distance(torch.zeros(5, 1, 4, 4), torch.zeros(6, 1, 4, 4))
    with pytest.raises(BadInput, match="one size"):
        tone_distance(x, x[..., :4])
    with pytest.raises(BadInput, match="4 images or more"):
        tone_distance(x[:3], x)
    with pytest.raises(BadInput, match="19 or more"):
        tone_distance(x, x, permutations=9)
