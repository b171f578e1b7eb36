"""Toy mixtures against closed forms, and the transforms against their inverses."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from advnets.data import MIXTURES, TRANSFORMS, Mixture, load, mixture, to_uint8
from advnets.errors import BadInput, NonFinite


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", MIXTURES)
def test_log_density_is_that_of_scipy(name: str) -> None:
    p = mixture(name)
    x = p.sample(50, rng())
    parts = [multivariate_normal(mu.double().numpy(), p.std**2).pdf(x.double().numpy()) for mu in p.means]
    np.testing.assert_allclose(p.log_density(x).exp().numpy(), np.mean(parts, axis=0), rtol=1e-9)


def test_log_density_far_away_is_finite() -> None:
    assert mixture("ring-8").log_density(torch.tensor([[1e3, 1e3]])).isfinite().all()


def test_density_on_the_line_integrates_to_one() -> None:
    x = torch.linspace(-6, 6, 4001).unsqueeze(1)
    assert torch.trapezoid(mixture("mixture-1d").log_density(x).exp(), x[:, 0].double()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "k", "std"),
    [("mixture-1d", 2, 0.5), ("ring-8", 8, 0.02), ("ring-8-pacgan", 8, 0.01), ("grid-25", 25, 0.05)],
)
def test_modes_are_those_of_the_papers(name: str, k: int, std: float) -> None:
    p = mixture(name)
    assert (len(p.means), p.std) == (k, std)
    if k == 8:
        radius = 100 * std
        torch.testing.assert_close(p.means.norm(dim=1), torch.full((8,), radius))
        neighbours = (p.means - p.means.roll(1, 0)).norm(dim=1)
        torch.testing.assert_close(neighbours, torch.full((8,), 2 * radius * math.sin(math.pi / 8)))
    if name == "grid-25":
        assert {tuple(mu) for mu in p.means.tolist()} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}


@pytest.mark.parametrize("name", MIXTURES)
def test_labels_are_modes_and_residuals_have_the_std(name: str) -> None:
    data, p = load(name), mixture(name)
    assert data.train.labels is not None
    residuals = data.train.values - p.means[data.train.labels]
    # Six standard errors of a standard deviation of n d normal numbers.
    bound = 6 * p.std / math.sqrt(2 * residuals.numel())
    assert abs(float(residuals.std()) - p.std) < bound
    expected = len(data.train) / len(p.means)
    assert (torch.bincount(data.train.labels) - expected).abs().max() < 6 * math.sqrt(expected)


def test_sample_is_a_function_of_the_generator() -> None:
    p = mixture("grid-25")
    assert torch.equal(p.sample(9, rng(3)), p.sample(9, rng(3)))
    assert not torch.equal(p.sample(9, rng(3)), p.sample(9, rng(4)))
    assert p.sample(9, rng()).dtype == torch.float32


def test_a_mixture_that_is_none_is_refused() -> None:
    for means, std in ((torch.zeros(3), 1.0), (torch.zeros(0, 2), 1.0), (torch.zeros(1, 2), 0.0)):
        with pytest.raises(BadInput, match="expected"):
            Mixture(means, std)
    with pytest.raises(BadInput, match="Did you mean 'ring-8'"):
        mixture("ring8")


@pytest.mark.parametrize(("name", "low", "high"), [("unit", 0.0, 1.0), ("symmetric", -1.0, 1.0)])
def test_all_256_levels_come_back(name: str, low: float, high: float) -> None:
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    seen = TRANSFORMS[name].forward(levels)
    assert seen.dtype == torch.float32
    assert (float(seen.min()), float(seen.max())) == (low, high)
    back = TRANSFORMS[name].back(seen)
    torch.testing.assert_close(back, levels / 255, rtol=0, atol=1e-7)
    assert torch.equal(to_uint8(back), levels)
    assert levels.flatten().tolist() == list(range(256))


@pytest.mark.parametrize("name", ["unit", "symmetric"])
def test_back_is_clamped_and_forward_refuses_points(name: str) -> None:
    assert TRANSFORMS[name].back(torch.tensor([-7.0, 7.0])).tolist() == [0, 1]
    with pytest.raises(BadInput, match="identity"):
        TRANSFORMS[name].forward(torch.zeros(2, 2))


def test_contrast_is_pylearn2s_global_contrast_normalisation() -> None:
    """By hand in float64: minus the mean of the image, over the L2 norm of what is left, times 55."""
    images = torch.randint(0, 256, (5, 3, 4, 4), dtype=torch.uint8, generator=rng())
    seen = TRANSFORMS["contrast"].forward(images)
    for image, x in zip(images.double(), seen, strict=True):
        centred = image - image.mean()
        expected = 55 * centred / centred.square().sum().sqrt()
        torch.testing.assert_close(x.double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(seen.flatten(1).norm(dim=1), torch.full((5,), 55.0))
    torch.testing.assert_close(seen.flatten(1).mean(1), torch.zeros(5), rtol=0, atol=1e-5)
    assert torch.equal(TRANSFORMS["contrast"].forward(images[2:3]), seen[2:3]), "an image is its own affair"
    assert not TRANSFORMS["contrast"].forward(torch.full((1, 3, 4, 4), 77, dtype=torch.uint8)).any()
    with pytest.raises(BadInput, match="identity"):
        TRANSFORMS["contrast"].forward(torch.zeros(2, 2))


def test_contrast_is_shown_with_mid_grey_in_the_middle_and_does_not_come_back() -> None:
    back = TRANSFORMS["contrast"].back
    x = torch.tensor([-2.0, 0.0, 1.0, 0.5]).view(1, 1, 2, 2)
    assert back(x).flatten().tolist() == [0.0, 0.5, 0.75, 0.625]
    assert torch.equal(back(torch.cat([x, 9 * x]))[1:], back(9 * x)), "an image is its own affair"
    torch.testing.assert_close(back(9 * x), back(x))
    assert (back(torch.zeros(1, 1, 2, 2)) == 0.5).all()
    images = torch.tensor([[0, 100], [200, 40]], dtype=torch.uint8).view(1, 1, 2, 2)
    brighter = images // 2 + 100
    forward = TRANSFORMS["contrast"].forward
    assert [one for one in TRANSFORMS if not TRANSFORMS[one].invertible] == ["contrast"]
    torch.testing.assert_close(back(forward(images)), back(forward(brighter)), rtol=0, atol=0.01)


def test_identity_leaves_points_and_refuses_images() -> None:
    points = torch.tensor([[-3.0, 9.0]])
    assert torch.equal(TRANSFORMS["identity"].back(TRANSFORMS["identity"].forward(points)), points)
    with pytest.raises(BadInput, match="'unit', 'symmetric' or 'contrast'"):
        TRANSFORMS["identity"].forward(torch.zeros(1, 1, 2, 2, dtype=torch.uint8))


def test_half_a_level_rounds_up_and_nan_is_refused() -> None:
    # 0.5/255 and 2.5/255 are rounded by half to even to 0 and 2.
    assert to_uint8(torch.tensor([0.5, 1.5, 2.5, 254.5], dtype=torch.float64) / 255).tolist() == [1, 2, 3, 255]
    assert to_uint8(torch.tensor([-1.0, 2.0, float("inf")])).tolist() == [0, 255, 255]
    with pytest.raises(NonFinite, match="NaN"):
        to_uint8(torch.tensor([float("nan")]))
