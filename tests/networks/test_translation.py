"""The nets of pix2pix and CycleGAN: published counts, outputs at fixed weights in plain numpy, sizes, noise."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from advnets.errors import BadInput, Unsupported
from advnets.networks import (
    NETWORKS,
    CycleganDiscriminator,
    CycleganGenerator,
    GeneratorRow,
    LastingDropout,
    NetworkRow,
    Pix2pixDiscriminator,
    Pix2pixGenerator,
    Sizes,
)
from network_sizes import IMAGES, build, compare, count, named, normal
from reference.convolutions import (
    Array,
    add_bias,
    convolution,
    leaky,
    normalise,
    normalise_images,
    numbers,
    reflect,
    relu,
    transposed_convolution,
)

FAMILY = ("pix2pix_generator", "pix2pix_discriminator", "cyclegan_generator", "cyclegan_discriminator")


def sizes_of(shape: tuple[int, ...], given: int | None = None) -> Sizes:
    """Samples of a shape, and given images of the same sides."""
    return Sizes(shape, given_shape=(given or shape[0], *shape[1:]))


PUBLISHED: list[tuple[NetworkRow, int, int]] = [
    (Pix2pixGenerator(), 256, 54_413_955),
    (Pix2pixGenerator(), 128, 41_828_995),
    (Pix2pixDiscriminator(), 256, 2_768_705),
    (CycleganGenerator(), 256, 11_378_179),
    (CycleganGenerator(blocks=6), 128, 7_837_699),
    (CycleganDiscriminator(), 256, 2_764_737),
]


@pytest.mark.parametrize(("row", "side", "published"), PUBLISHED)
def test_the_parameters_are_as_many_as_published(row: NetworkRow, side: int, published: int) -> None:
    with torch.device("meta"):
        assert count(row.build(sizes_of((3, side, side)))) == published


def small(name: str) -> NetworkRow:
    row: Any = NETWORKS[name](width=2)
    return replace(row, blocks=1) if hasattr(row, "blocks") else row  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("shape", [*IMAGES, (3, 256, 96)])
def test_images_of_every_shape_are_made_or_judged(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    row, sizes = small(name), sizes_of(shape, 2)
    given, x = torch.randn(1, 2, *shape[1:]), torch.randn(1, *shape)
    network = row.build(sizes)
    if isinstance(row, GeneratorRow):
        assert network(given).shape == x.shape
        return
    logits = network(x, given) if name.startswith("pix2pix") else network(x)
    assert logits.ndim == 2
    assert logits.shape[1] >= 1


@pytest.mark.parametrize(("side", "patches"), [(256, 30 * 30), (128, 14 * 14), (70, 6 * 6), (32, 2 * 2)])
def test_there_are_as_many_patches_as_published(side: int, patches: int) -> None:
    x = torch.randn(1, 3, side, side)
    assert CycleganDiscriminator(2).build(sizes_of((3, side, side)))(x).shape == (1, patches)


def test_a_patch_sees_70_pixels() -> None:
    """The logit in the middle has a slope in 70 x 70 pixels, and in no others."""
    x = torch.randn(1, 1, 256, 256, requires_grad=True)
    judge = CycleganDiscriminator(1).build(sizes_of((1, 256, 256)))
    plain = nn.Sequential(*(layer for layer in judge if not isinstance(layer, nn.InstanceNorm2d)))  # type: ignore[union-attr, arg-type]
    plain(x).view(30, 30)[15, 15].backward()
    assert x.grad is not None
    seen = x.grad[0, 0].nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [70, 70]


@pytest.mark.parametrize("name", FAMILY)
def test_what_cannot_be_translated_is_told(name: str) -> None:
    for shape in ((3, 7, 7), (3, 300, 20), (3, 64, 2)):
        if name != "pix2pix_generator" or shape != (3, 64, 2):
            with pytest.raises(Unsupported, match="expected"):
                small(name).build(sizes_of(shape))
    if name != "cyclegan_discriminator":
        with pytest.raises(BadInput, match="found no images that are given; expected them"):
            small(name).build(Sizes((3, 16, 16)))
        with pytest.raises(BadInput, match="found given images of 8 x 8 beside samples of 16 x 16"):
            small(name).build(Sizes((3, 16, 16), given_shape=(3, 8, 8)))


def test_numbers_that_no_net_has_are_told() -> None:
    with pytest.raises(BadInput, match="dropout is 1"):
        Pix2pixGenerator(dropout=1)
    with pytest.raises(BadInput, match="blocks is 0"):
        CycleganGenerator(blocks=0)


@pytest.mark.parametrize("training", [True, False])
def test_the_u_net_computes_what_was_published(training: bool) -> None:
    """Four layers down and up: no norm on the first and the last one down; skips before what comes from below."""
    generator = build(Pix2pixGenerator(2, dropout=0), sizes_of((3, 16, 16), 2)).train(training)
    given, w = normal(3, 2, 16, 16), named(generator)
    normalise_ = normalise if training else normalise_images

    def norm(x: Array, name: str) -> Array:
        return normalise_(x, w[f"{name}.norm.weight"], w[f"{name}.norm.bias"])

    def down(x: Array, layer: int) -> Array:
        return convolution(x, w[f"down.{layer}.weight"], stride=2, padding=1)

    def up(x: Array, layer: int) -> Array:
        return transposed_convolution(relu(x), w[f"up.{layer}.weight"], stride=2, padding=1)

    e0 = down(given.numpy(), 0)
    e1 = norm(down(leaky(e0), 1), "down_norms.1")
    e2 = norm(down(leaky(e1), 2), "down_norms.2")
    d2 = norm(up(down(leaky(e2), 3), 3), "up_norms.3")
    d1 = norm(up(np.concatenate([e2, d2], 1), 2), "up_norms.2")
    d0 = norm(up(np.concatenate([e1, d1], 1), 1), "up_norms.1")
    compare(generator(given), np.tanh(add_bias(up(np.concatenate([e0, d0], 1), 0), w["up.0.bias"])))


def test_dropout_follows_the_norm_of_the_first_three_layers_up() -> None:
    generator: Any = Pix2pixGenerator(2).build(sizes_of((3, 256, 256)))
    assert [type(one) is LastingDropout for one in generator.noise] == [False] * 5 + [True] * 3
    assert {one.p for one in generator.noise[5:]} == {0.5}
    x = torch.ones(1, 4, 50, 50)
    for is_training in (True, False):
        found = LastingDropout(0.25).train(is_training)(x)
        assert found.unique().tolist() == [0.0, pytest.approx(4 / 3)]
        assert float(found.mean()) == pytest.approx(1, abs=0.05)
    silent = LastingDropout(0.25).eval()
    silent.is_on = False
    assert silent(x) is x


def test_an_image_is_translated_alike_in_whatever_company() -> None:
    generator = Pix2pixGenerator(4, dropout=0).build(sizes_of((1, 32, 32))).eval()
    images = torch.randn(3, 1, 32, 32)
    torch.testing.assert_close(generator(images)[1:2], generator(images[1:2]))
    assert not torch.allclose(generator.train()(images)[1:2], generator(images[1:2]), atol=1e-3)


def test_the_patches_of_pix2pix_compute_what_was_published() -> None:
    """The given image first; biases in the first and the last layer alone; strides 2, 2, 1, 1."""
    judge = build(Pix2pixDiscriminator(2, layers=2), sizes_of((1, 16, 24), 3))
    x, given = normal(3, 1, 16, 24), normal(3, 3, 16, 24)
    first, b, second, g1, b1, third, g2, b2, last, c = numbers(judge)
    y = leaky(add_bias(convolution(np.concatenate([given, x], 1), first, stride=2, padding=1), b))
    y = leaky(normalise(convolution(y, second, stride=2, padding=1), g1, b1))
    y = leaky(normalise(convolution(y, third, stride=1, padding=1), g2, b2))
    compare(judge(x, given), add_bias(convolution(y, last, stride=1, padding=1), c).reshape(3, -1))


def test_the_patches_of_cyclegan_compute_what_was_published() -> None:
    judge = build(CycleganDiscriminator(2, layers=2), sizes_of((2, 16, 24)))
    x = normal(3, 2, 16, 24)
    first, b, second, b1, third, b2, last, c = numbers(judge)
    y = leaky(add_bias(convolution(x.numpy(), first, stride=2, padding=1), b))
    y = leaky(normalise_images(add_bias(convolution(y, second, stride=2, padding=1), b1)))
    y = leaky(normalise_images(add_bias(convolution(y, third, stride=1, padding=1), b2)))
    compare(judge(x), add_bias(convolution(y, last, stride=1, padding=1), c).reshape(3, -1))


@pytest.mark.parametrize("sides", [(12, 8), (10, 8)])
def test_the_generator_of_cyclegan_computes_what_was_published(sides: tuple[int, int]) -> None:
    """Reflection, not zeros, around 7 x 7 and in the blocks; no gains; nothing after a block's sum."""
    generator = build(CycleganGenerator(2, blocks=2), sizes_of((1, *sides), 3))
    given = normal(2, 3, *sides)
    rest = iter(numbers(generator))
    margin = -sides[0] % 4 // 2

    def conv(x: Array, stride: int, padding: int) -> Array:
        return add_bias(convolution(x, next(rest), stride=stride, padding=padding), next(rest))

    x = np.pad(given.numpy(), ((0, 0), (0, 0), (margin, margin), (0, 0)))
    x = relu(normalise_images(conv(reflect(x, 3), 1, 0)))
    for _ in range(2):
        x = relu(normalise_images(conv(x, 2, 1)))
    for _ in range(2):
        y = relu(normalise_images(conv(reflect(x, 1), 1, 0)))
        x = x + normalise_images(conv(reflect(y, 1), 1, 0))
    for _ in range(2):
        x = add_bias(transposed_convolution(x, next(rest), stride=2, padding=(1, 0)), next(rest))
        x = relu(normalise_images(x))
    expected = np.tanh(conv(reflect(x, 3), 1, 0))
    compare(generator(given), expected[:, :, margin : margin + sides[0]])


@pytest.mark.parametrize("name", FAMILY)
def test_weights_start_as_published(name: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name](width=16).build(sizes_of((3, 32, 32)))  # type: ignore[call-arg]
    weights = [theta.detach().flatten() for theta in network.parameters() if theta.ndim == 4]
    assert float(torch.cat(weights).std()) == pytest.approx(0.02, rel=0.02)
    assert all(not layer.bias.any() for layer in network.modules() if getattr(layer, "bias", None) is not None)  # type: ignore[union-attr, operator]
