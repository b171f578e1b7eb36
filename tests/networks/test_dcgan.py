"""DCGAN's nets against their published definition: sizes, outputs at fixed weights, frames, labels."""

import numpy as np
import pytest
import torch
from torch import nn

from advnets.errors import BadInput, Unsupported
from advnets.networks import DcganDiscriminator, DcganGenerator, Frame, Sizes
from network_sizes import IMAGES, count
from reference.convolutions import convolution, normalise, numbers, transposed_convolution


def test_the_parameters_are_as_many_as_published() -> None:
    sizes = Sizes((3, 64, 64), 100)
    assert count(DcganGenerator().build(sizes)) == 3_576_704
    assert count(DcganDiscriminator().build(sizes)) == 2_765_568


@pytest.mark.parametrize("shape", IMAGES)
@pytest.mark.parametrize("classes", [None, 5])
def test_images_of_every_shape_are_made_and_judged(shape: tuple[int, ...], classes: int | None) -> None:
    sizes, labels = Sizes(shape, 6, classes), () if classes is None else (torch.tensor([0, 4, 2]),)
    samples = DcganGenerator(width=2).build(sizes)(torch.randn(3, 6), *labels)
    assert samples.shape == (3, *shape)
    assert samples.abs().max() <= 1
    for norm in ("batch", "none"):
        assert DcganDiscriminator(width=2, norm=norm).build(sizes)(samples, *labels).shape == (3,)


@pytest.mark.parametrize(
    ("shape", "start", "doublings", "margins"),
    [
        ((3, 64, 64), (4, 4), 4, (0, 0, 0, 0)),
        ((1, 28, 28), (4, 4), 3, (2, 2, 2, 2)),
        ((3, 64, 48), (4, 3), 4, (0, 0, 0, 0)),
        ((3, 17, 23), (3, 3), 3, (0, 1, 3, 4)),
        ((1, 8, 8), (4, 4), 1, (0, 0, 0, 0)),
        ((3, 256, 256), (4, 4), 6, (0, 0, 0, 0)),
    ],
)
def test_frames_are_as_stated(
    shape: tuple[int, ...], start: tuple[int, int], doublings: int, margins: tuple[int, ...]
) -> None:
    frame = Frame.of(Sizes(shape), "net")
    assert (frame.start, frame.doublings, frame.margins) == (start, doublings, margins)


def test_the_crop_undoes_the_padding() -> None:
    frame, image = Frame.of(Sizes((3, 17, 23)), "net"), torch.randn(2, 3, 17, 23)
    framed = nn.Sequential(*frame.pad())(image)
    assert framed.shape == (2, 3, 24, 24)
    assert framed[:, :, 3:20, 0:23].equal(image)
    assert framed.abs().sum() == pytest.approx(float(image.abs().sum()), rel=1e-5)
    assert nn.Sequential(*frame.crop())(framed).equal(image)


@pytest.mark.parametrize("shape", [(3, 7, 7), (3, 300, 20), (2,)])
def test_sizes_that_no_network_takes_are_told(shape: tuple[int, ...]) -> None:
    for row in (DcganGenerator(), DcganDiscriminator()):
        with pytest.raises(Unsupported, match="expected"):
            row.build(Sizes(shape, 4))


def test_settings_out_of_range_are_told() -> None:
    with pytest.raises(BadInput, match="width is 0"):
        DcganGenerator(width=0)
    with pytest.raises(BadInput, match=r"norm is 'layer'; expected one of batch, none"):
        DcganDiscriminator(norm="layer")


def test_the_generator_computes_what_was_published() -> None:
    """Kernels, strides, padding, order of layers and eps, against plain numpy in float64; a count sees none of them."""
    torch.manual_seed(0)
    generator = DcganGenerator(width=3).build(Sizes((3, 16, 16), 5)).double()
    z = torch.randn(4, 5, dtype=torch.float64)
    first, gain1, bias1, second, gain2, bias2, last = numbers(generator)
    x = transposed_convolution(z.numpy()[:, :, None, None], first, stride=1, padding=0)
    x = transposed_convolution(np.maximum(normalise(x, gain1, bias1), 0), second, stride=2, padding=1)
    x = transposed_convolution(np.maximum(normalise(x, gain2, bias2), 0), last, stride=2, padding=1)
    np.testing.assert_allclose(generator(z).detach().numpy(), np.tanh(x), rtol=0, atol=1e-12)


def test_the_discriminator_computes_what_was_published() -> None:
    torch.manual_seed(0)
    discriminator = DcganDiscriminator(width=3).build(Sizes((3, 16, 16))).double()
    x = torch.randn(4, 3, 16, 16, dtype=torch.float64)
    first, second, gain, bias, last = numbers(discriminator)
    y = convolution(x.numpy(), first, stride=2, padding=1)
    y = normalise(convolution(np.where(y > 0, y, 0.2 * y), second, stride=2, padding=1), gain, bias)
    y = convolution(np.where(y > 0, y, 0.2 * y), last, stride=1, padding=0)
    np.testing.assert_allclose(discriminator(x).detach().numpy(), y[:, 0, 0, 0], rtol=0, atol=1e-12)


def test_weights_start_as_published() -> None:
    torch.manual_seed(0)
    sizes = Sizes((3, 32, 32), 100)
    for network in (DcganGenerator().build(sizes), DcganDiscriminator().build(sizes)):
        for name, parameter in network.named_parameters():
            theta = parameter.detach()
            if theta.ndim == 4:
                assert float(theta.std()) == pytest.approx(0.02, rel=0.1), name
                assert theta.is_contiguous(memory_format=torch.channels_last)
            elif name.endswith("weight"):
                assert float(theta.mean()) == pytest.approx(1, abs=0.01)
                assert float(theta.std()) == pytest.approx(0.02, rel=0.3)
            else:
                assert not theta.any()


def test_a_class_has_its_vector_and_its_logit() -> None:
    torch.manual_seed(0)
    sizes = Sizes((1, 8, 8), 3, classes=4)
    generator, discriminator = DcganGenerator(width=2).build(sizes), DcganDiscriminator(width=2).build(sizes)
    z, labels = torch.randn(4, 3), torch.tensor([0, 3, 3, 1])
    joined = torch.cat([z, generator.embedding.weight[labels]], 1)  # type: ignore[index,union-attr]
    torch.testing.assert_close(generator(z, labels), generator.generator(joined))  # type: ignore[operator]
    x = torch.randn(4, 1, 8, 8)
    each = discriminator.discriminator(x)  # type: ignore[operator]
    expected = torch.stack([row[0] + row[1 + label] for row, label in zip(each, labels, strict=True)])
    torch.testing.assert_close(discriminator(x, labels), expected)
