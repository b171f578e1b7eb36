"""R3GAN's nets, ours and the published ones: sizes, resampling, starting weights, outputs at fixed weights."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, leaky_relu

from advnets.networks import (
    ConvDownsample2d,
    ConvUpsample2d,
    Downsample2d,
    GeneratorRow,
    ModernDiscriminator,
    ModernGenerator,
    R3ganDiscriminator,
    R3ganGenerator,
    ResidualBlock,
    Sizes,
    Upsample2d,
    is_samplewise,
)
from advnets.networks.layers.residual import plain_block
from advnets.networks.rows import DiscriminatorRow
from network_sizes import IMAGES, count

PAIRS: list[tuple[GeneratorRow, DiscriminatorRow]] = [
    (ModernGenerator(width=2), ModernDiscriminator(width=2)),
    (R3ganGenerator(width=16, blocks=1), R3ganDiscriminator(width=16, blocks=1)),
]


@pytest.mark.parametrize(
    ("side", "classes", "generator", "discriminator"),
    [
        (32, None, 20_732_160, 20_683_776),
        (32, 10, 20_781_952, 21_280_512),
        (64, None, 22_429_824, 22_381_440),
        (256, None, 23_057_952, 23_009_568),
    ],
)
def test_the_published_nets_have_the_published_parameters(
    side: int, classes: int | None, generator: int, discriminator: int
) -> None:
    sizes = Sizes((3, side, side), 64, classes)
    with torch.device("meta"):
        assert count(R3ganGenerator().build(sizes)) == generator
        assert count(R3ganDiscriminator().build(sizes)) == discriminator


@pytest.mark.parametrize("shape", IMAGES)
@pytest.mark.parametrize("classes", [None, 5])
@pytest.mark.parametrize("pair", PAIRS, ids=["modern", "r3gan"])
def test_images_of_every_shape_are_made_and_judged(
    pair: tuple[GeneratorRow, DiscriminatorRow], shape: tuple[int, ...], classes: int | None
) -> None:
    sizes, labels = Sizes(shape, 6, classes), () if classes is None else (torch.tensor([0, 4, 2]),)
    samples = pair[0].build(sizes)(torch.randn(3, 6), *labels)
    assert samples.shape == (3, *shape)
    discriminator = pair[1].build(sizes)
    assert discriminator(samples, *labels).shape == (3,)
    assert is_samplewise(discriminator) == (classes is None)


@pytest.mark.parametrize("pair", PAIRS, ids=["modern", "r3gan"])
def test_what_is_built_on_the_meta_device_lacks_nothing_but_its_weights(
    pair: tuple[GeneratorRow, DiscriminatorRow],
) -> None:
    trained, z = pair[0].build(Sizes((3, 16, 16), 6)), torch.randn(2, 6)
    with torch.device("meta"):
        read = pair[0].build(Sizes((3, 16, 16), 6))
    read.load_state_dict(trained.state_dict(), assign=True)
    assert torch.equal(read(z), trained(z))


def test_an_impulse_becomes_the_kernel() -> None:
    """[1, 3, 3, 1] / 8 each way; [1, 2, 1] would have the same number of parameters."""
    taps = np.array([1, 3, 3, 1]) / 8
    impulse = torch.zeros(1, 1, 5, 5)
    impulse[0, 0, 2, 2] = 1
    spread = np.zeros((10, 10))
    spread[3:7, 3:7] = 4 * np.outer(taps, taps)
    np.testing.assert_allclose(Upsample2d()(impulse)[0, 0].numpy(), spread, atol=1e-7)
    impulse = torch.zeros(1, 1, 8, 8)
    impulse[0, 0, 3, 3] = 1
    halved = np.zeros((4, 4))
    halved[1:3, 1:3] = np.outer(taps[[2, 0]], taps[[2, 0]])
    np.testing.assert_allclose(Downsample2d()(impulse)[0, 0].numpy(), halved, atol=1e-7)


@pytest.mark.parametrize("layer", [Upsample2d(), Downsample2d()])
def test_a_constant_stays_the_same_constant_inside(layer: nn.Module) -> None:
    inside = layer(torch.full((1, 2, 16, 16), 3.0))[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(inside, torch.full_like(inside, 3.0))


@pytest.mark.parametrize("kind", ["up", "down"])
def test_one_product_is_the_two_layers(kind: str) -> None:
    """To second order too, as R1 needs it."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64, requires_grad=True)
    both = (ConvUpsample2d(3, 5) if kind == "up" else ConvDownsample2d(3, 5)).double()
    weight = both.weight.transpose(0, 1) if kind == "up" else both.weight
    apart = Upsample2d().double()(conv2d(x, weight)) if kind == "up" else conv2d(Downsample2d().double()(x), weight)
    results = []
    for y in (both(x), apart):
        (slope,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
        (curvature,) = torch.autograd.grad(slope.pow(2).sum(), both.weight)
        results.append((y, slope, curvature))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_a_block_begins_as_the_identity_and_then_is_its_formula() -> None:
    torch.manual_seed(0)
    block, x = plain_block(4, blocks=9), torch.randn(2, 4, 5, 5)
    assert block(x).equal(x)
    first, _, last = block.residual
    assert isinstance(first, nn.Conv2d)
    assert isinstance(last, nn.Conv2d)
    with torch.no_grad():
        last.weight.normal_()
        first.bias.normal_()  # type: ignore[union-attr]
    inner = leaky_relu(conv2d(x, first.weight, first.bias, padding=1), 0.2)
    torch.testing.assert_close(block(x), x + conv2d(inner, last.weight, padding=1))


def test_inner_weights_start_at_the_fixup_deviation() -> None:
    torch.manual_seed(0)
    plain = plain_block(64, blocks=9).residual[0]
    assert isinstance(plain, nn.Conv2d)
    assert float(plain.weight.detach().std()) == pytest.approx((2 / 1.04 / (64 * 9)) ** 0.5 * 9**-0.5, rel=0.02)
    blocks = [one for one in R3ganGenerator(width=64).build(Sizes((3, 32, 32), 8)) if isinstance(one, ResidualBlock)]  # type: ignore[union-attr]
    assert len(blocks) == 8
    for place, fan_in in ((0, 64), (2, 16 * 9)):
        weight = blocks[0].residual[place].weight
        assert isinstance(weight, torch.Tensor)
        assert float(weight.detach().std()) == pytest.approx((2 / 1.04 / fan_in) ** 0.5 * 8**-0.25, rel=0.05)


def test_the_ends_are_a_weighted_basis_and_a_mask_for_each_map() -> None:
    torch.manual_seed(0)
    basis, *rest = R3ganGenerator(width=16, blocks=1).build(Sizes((1, 8, 8), 3))  # type: ignore[misc]
    z = torch.randn(2, 3)
    weights = z @ basis.linear.weight.T
    torch.testing.assert_close(basis(z), torch.einsum("nm,mhw->nmhw", weights, basis.basis))
    *_, sums, linear, _ = R3ganDiscriminator(width=16, blocks=1).build(Sizes((1, 8, 8)))  # type: ignore[misc]
    x = torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(sums(x), torch.einsum("nmhw,mhw->nm", x, sums.mask))
    assert linear.weight.shape == (1, 16)
    assert linear.bias is None
    assert rest


def test_signals_keep_their_size_through_the_nets_at_first() -> None:
    """No normalisation is needed: images of both generators begin with a deviation of order 1."""
    torch.manual_seed(0)
    for side in (16, 64):
        samples = ModernGenerator(width=16).build(Sizes((3, side, side), 32))(torch.randn(64, 32))
        assert 0.2 < float(samples.detach().std()) < 2
        logits = ModernDiscriminator(width=16).build(Sizes((3, side, side)))(torch.randn(64, 3, side, side))
        assert 0.05 < float(logits.detach().std()) < 3
