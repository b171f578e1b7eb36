"""Random features: reproducible to the bit, exact whatever the batch, and in the right order for coarse errors."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage, signal
from torch import Tensor

from advnets import data
from advnets.data import Dataset, Split
from advnets.errors import BadInput, Unsupported
from advnets.extractors import RandomFeatures, draw_random_features


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def noise(n: int, *shape: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=rng)


def of_shape(*shape: int, seed: int = 0) -> RandomFeatures:
    split = Split(noise(2, *shape))
    return draw_random_features(Dataset("noise", split, split, split, None, "here"), seed=seed)


def frechet(first: Tensor, second: Tensor) -> float:
    """|m1 - m2|^2 + tr S1 + tr S2 - 2 |F1 F2^T|_*, by singular values of centred features."""
    a, b = first.double().numpy(), second.double().numpy()
    fa, fb = (np.linalg.qr((x - x.mean(0)) / np.sqrt(len(x) - 1))[1] for x in (a, b))
    cross = np.linalg.svd(fa @ fb.T, compute_uv=False).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + (fa**2).sum() + (fb**2).sum() - 2 * cross)


def blurred(images: Tensor, pixels: float) -> Tensor:
    smooth = ndimage.gaussian_filter(images.numpy().astype(float), (0, 0, pixels, pixels))
    return torch.from_numpy(smooth.round().astype(np.uint8))


def noisy(images: Tensor, deviation: float) -> Tensor:
    drawn = np.random.default_rng(0).normal(0, 255 * deviation, images.shape)
    return torch.from_numpy((images.numpy() + drawn).round().clip(0, 255).astype(np.uint8))


def test_distances_rank_blur_and_noise_on_mnist(mnist: Dataset) -> None:
    """Each is farther than the one before, and the least of them twice as far as other real images are."""
    extractor = draw_random_features(mnist)
    drawn = torch.randperm(10_000, generator=torch.Generator().manual_seed(0))[:2000]
    real, other = mnist.test.values[drawn].split([1000, 1000])
    x = extractor.features(real)
    floor = frechet(x, extractor.features(other))
    for spoilt in (
        [blurred(other, pixels) for pixels in (0.5, 1, 2)],
        [noisy(other, deviation) for deviation in (0.05, 0.1, 0.2)],
    ):
        distances = [frechet(x, extractor.features(images)) for images in spoilt]
        assert 2 * floor < distances[0] < distances[1] / 2 < distances[2] / 4


def test_few_distinct_samples_and_moved_ones_are_far(mnist: Dataset) -> None:
    extractor = draw_random_features(mnist)
    drawn = torch.randperm(10_000, generator=torch.Generator().manual_seed(0))[:2000]
    x, y = extractor.features(mnist.test.values[drawn]).split([1000, 1000])
    floor = frechet(x, y)
    assert frechet(x, y[:100].repeat(10, 1)) > 2 * floor
    moved = mnist.test.values[drawn[1000:]].roll((2, 3), (2, 3))
    assert frechet(x, extractor.features(moved)) > 2 * floor


@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 9, 13), (3, 32, 32), (4, 20, 11), (1, 130, 260)])
def test_features_are_those_of_plain_convolutions(shape: tuple[int, ...]) -> None:
    """Against scipy's correlations in float64, pixel sums written out."""
    extractor, images = of_shape(*shape), noise(2, *shape)
    x = images.double().numpy() / 255 - 0.5
    if min(shape[1:]) > 128:
        x = averaged(x, 2)
    weights = [weight.double().numpy() for weight in extractor.weights]
    x1 = responses(x, weights[0])
    x2 = responses(averaged(x1, 2), weights[1])
    x3 = responses(averaged(x2, 2), weights[2])
    height, width = x3.shape[2:]
    rows, columns = ((slice(0, -(-size // 2)), slice(size // 2, size)) for size in (height, width))
    quarters = np.stack([x3[:, :, row, column].mean((2, 3)) for row in rows for column in columns], 2).reshape(2, -1)
    expected = np.concatenate([x1.mean((2, 3)), x2.mean((2, 3)), quarters], 1)
    found = extractor.features(images)
    assert found.shape == (2, 128)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def averaged(x: np.ndarray, side: int) -> np.ndarray:
    height, width = (size // side * side for size in x.shape[2:])
    x = x[:, :, :height, :width]
    return x.reshape(*x.shape[:2], height // side, side, width // side, side).mean((3, 5))


def responses(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Magnitudes of the correlations of images (n, c, h, w) with filters (k, c, 3, 3), zeros around."""
    made = [[sum(signal.correlate2d(plane, filt, "same") for plane, filt in zip(image, kernel, strict=True))
             for kernel in weights] for image in x]  # fmt: skip
    return np.abs(np.array(made))


def test_the_batch_changes_no_bit(mnist: Dataset) -> None:
    extractor, images = draw_random_features(mnist), mnist.test.values[:150]
    whole = extractor.features(images)
    for size in (1, 7, 64):
        parts = [extractor.features(part) for part in images[:70].split(size)]
        assert torch.equal(torch.cat(parts), whole[:70])
    assert torch.equal(extractor.features(images.flip(0)).flip(0), whole)


def test_weights_are_the_same_to_the_bit_everywhere() -> None:
    """Whole numbers drawn by the generator, scaled once: the digest is pinned."""
    assert of_shape(1, 28, 28).id.endswith("sha256 fdf4fbf6cff2d008fdd77b79a3b07bf60f8fb083080aadbed496085ff45650de")


def test_weights_have_the_variance_that_keeps_signals_up() -> None:
    for weight in of_shape(3, 32, 32).weights:
        wanted = 2 / weight[0].numel()
        assert abs(float(weight.var()) / wanted - 1) < 5 * 0.9 / np.sqrt(weight.numel())


def test_ids_tell_seeds_and_shapes_apart_and_large_images_say_that_they_were_halved() -> None:
    made = [of_shape(1, 8, 8), of_shape(1, 8, 9), of_shape(3, 8, 8), of_shape(1, 8, 8, seed=1)]
    assert len({extractor.id for extractor in made}) == 4
    assert of_shape(1, 8, 8).id == made[0].id
    assert "averaged" not in made[0].id
    assert "averaged over 4x4" in of_shape(1, 300, 260).id


def test_no_feature_of_real_images_is_constant(mnist: Dataset) -> None:
    assert float(draw_random_features(mnist).features(mnist.test.values[:500]).std(0).min()) > 1e-3


def test_what_has_no_random_features_is_refused() -> None:
    with pytest.raises(Unsupported, match=r"1\.\.4 channels and 8 pixels"):
        of_shape(1, 7, 9)
    with pytest.raises(Unsupported, match=r"1\.\.4 channels"):
        of_shape(5, 9, 9)
    with pytest.raises(Unsupported, match="random features are of images"):
        draw_random_features(data.load("ring-8"))
    extractor = of_shape(1, 8, 8)
    with pytest.raises(BadInput, match=r"expected uint8 \(n, \*\(1, 8, 8\)\)"):
        extractor.features(noise(2, 1, 8, 9))
    with pytest.raises(BadInput, match=r"found torch\.float32"):
        extractor.features(noise(2, 1, 8, 8).float())


def test_only_the_shape_of_the_data_matters() -> None:
    split, other = Split(noise(3, 1, 8, 8)), Split(noise(5, 1, 8, 8, seed=1))
    first = Dataset("first", split, split, split, None, "here")
    assert draw_random_features(first).id == draw_random_features(replace(first, train=other)).id
