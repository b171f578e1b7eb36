"""Measures of images against their targets: closed forms, plain numpy, and what a score must not depend on."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.metrics.paired import PAIRED, l1_distances, mean_score, peak_ratios, structural_similarities


def images(n: int, seed: int, channels: int = 3, side: int = 16) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side + 3), generator=rng, dtype=torch.uint8)


def test_closed_forms() -> None:
    dark = torch.full((2, 1, 12, 12), 51, dtype=torch.uint8)
    light = torch.full((2, 1, 12, 12), 153, dtype=torch.uint8)
    assert l1_distances(dark, light) == pytest.approx([0.4, 0.4])
    assert peak_ratios(dark, light) == pytest.approx([-20 * math.log10(0.4)] * 2)
    luminance = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert structural_similarities(dark, light) == pytest.approx([luminance] * 2)
    assert peak_ratios(dark, dark) == pytest.approx([58.92] * 2, abs=0.01)


def ssim_in_numpy(x: np.ndarray, y: np.ndarray) -> float:
    """One image (c, h, w) in [0, 1], window by window, as the paper writes it."""
    at = np.arange(11) - 5
    window = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    found = []
    for channel in range(len(x)):
        for i in range(x.shape[1] - 10):
            for j in range(x.shape[2] - 10):
                a, b = (one[channel, i : i + 11, j : j + 11] for one in (x, y))
                ma, mb = (window * a).sum(), (window * b).sum()
                saa, sbb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
                sab = (window * (a - ma) * (b - mb)).sum()
                top = (2 * ma * mb + 0.01**2) * (2 * sab + 0.03**2)
                found.append(top / ((ma**2 + mb**2 + 0.01**2) * (saa + sbb + 0.03**2)))
    return float(np.mean(found))


def test_structural_similarity_is_that_of_the_paper() -> None:
    made, targets = images(3, 0), images(3, 1)
    targets[2] = made[2] // 2 + targets[2] // 2
    expected = [ssim_in_numpy(x.numpy() / 255, y.numpy() / 255) for x, y in zip(made, targets, strict=True)]
    np.testing.assert_allclose(structural_similarities(made, targets), expected, rtol=0, atol=1e-12)
    assert expected[2] > 0.5 > abs(expected[0])


@pytest.mark.parametrize("name", PAIRED)
def test_an_image_is_scored_alike_in_whatever_company_and_order(name: str) -> None:
    made, targets, score = images(70, 0), images(70, 1), PAIRED[name]
    found = score(made, targets)
    assert found.shape == (70,)
    np.testing.assert_allclose(score(made.flip(0), targets.flip(0)), found[::-1], rtol=1e-12)
    np.testing.assert_allclose(score(made[66:67], targets[66:67]), found[66:67], rtol=1e-12)
    np.testing.assert_allclose(score(targets, made), found, rtol=1e-12)
    best, worst = score(made, made), score(made, 255 - made)
    assert ((best < found) == (name == "l1")).all()
    assert ((worst < best) == (name != "l1")).all()


@pytest.mark.parametrize("name", PAIRED)
def test_what_are_no_pairs_is_told(name: str) -> None:
    for made, targets in ((images(2, 0), images(3, 0)), (images(2, 0), images(2, 0, channels=1))):
        with pytest.raises(BadInput, match="expected a target of the same shape for each image"):
            PAIRED[name](made, targets)
    with pytest.raises(BadInput, match="expected uint8 images"):
        PAIRED[name](images(2, 0).float(), images(2, 0))
    if name == "ssim":
        with pytest.raises(BadInput, match="expected sides of 11 or more, its window"):
            PAIRED[name](images(2, 0, side=7), images(2, 1, side=7))


def test_the_mean_has_the_error_of_the_draw_of_images() -> None:
    found = mean_score(np.array([1.0, 2.0, 3.0, 6.0]))
    assert (found.value, found.error) == (3.0, pytest.approx(math.sqrt(14 / 3) / 2))
    assert mean_score(np.array([1.0])).error is None
