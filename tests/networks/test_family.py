"""The nets of the family against their published definitions: sizes, and outputs at fixed weights in plain numpy.

A count of parameters sees neither pooling nor padding, neither slopes nor eps: each oracle is written from the source
that the network's file names, and compared in float64.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from advnets.errors import BadInput, Unsupported
from advnets.networks import (
    NETWORKS,
    AcganDiscriminator,
    AcganGenerator,
    CganDiscriminator,
    CganGenerator,
    Code,
    Dcgan5x5Discriminator,
    Dcgan5x5Generator,
    DiscriminatorRow,
    GeneratorRow,
    InfoganDiscriminator,
    InfoganGenerator,
    Judged,
    LsganDiscriminator,
    LsganGenerator,
    NetworkRow,
    ResnetDiscriminator,
    ResnetGenerator,
    Sizes,
    WganDenseDiscriminator,
    WganDenseGenerator,
    WganGpDiscriminator,
    WganGpGenerator,
)
from network_sizes import IMAGES, build, compare, count, named, normal
from reference.convolutions import (
    Array,
    add_bias,
    convolution,
    leaky,
    normalise,
    numbers,
    relu,
    same,
    sigmoid,
    transposed_convolution,
)

PUBLISHED: list[tuple[NetworkRow, Sizes, int]] = [
    (CganGenerator(), Sizes((1, 28, 28), 100, 10), 2_413_984),
    (CganDiscriminator(), Sizes((1, 28, 28), 100, 10), 1_224_351),
    (Dcgan5x5Generator(), Sizes((3, 64, 64), 100), 18_885_760),
    (Dcgan5x5Discriminator(), Sizes((3, 64, 64), 100), 17_232_768),
    (WganGpGenerator(), Sizes((1, 28, 28), 128), 1_554_177),
    (WganGpDiscriminator(), Sizes((1, 28, 28), 128), 1_030_145),
    (WganGpGenerator(128, batch_norm=True, output="tanh"), Sizes((3, 32, 32), 128), 5_179_907),
    (WganGpDiscriminator(128), Sizes((3, 32, 32), 128), 4_114_689),
    (LsganGenerator(), Sizes((3, 112, 112), 1024), 15_591_427),
    (LsganDiscriminator(), Sizes((3, 112, 112), 1024), 4_333_441),
    (ResnetGenerator(), Sizes((3, 32, 32), 128), 4_276_739),
    (ResnetDiscriminator(), Sizes((3, 32, 32), 128), 1_053_824),
    (ResnetGenerator(), Sizes((3, 32, 32), 128, 10), 4_304_387),
    (ResnetDiscriminator(), Sizes((3, 32, 32), 128, 10), 1_055_104),
    (InfoganGenerator(), Sizes((1, 28, 28), 74, code=Code(10, 2)), 6_652_481),
    # Its two outputs for deviations that nothing reads are left out.
    (InfoganDiscriminator(), Sizes((1, 28, 28), 74, code=Code(10, 2)), 6_559_169 + 133_262 - 2 * 129),
    (WganDenseGenerator(), Sizes((3, 64, 64), 100), 100 * 512 + 512 + 2 * 512 * 513 + 513 * 3 * 64 * 64),
    (WganDenseDiscriminator(), Sizes((3, 64, 64), 100), (3 * 64 * 64 + 1) * 512 + 2 * 512 * 513 + 513),
]


@pytest.mark.parametrize(("row", "sizes", "published"), PUBLISHED)
def test_the_parameters_are_as_many_as_published(row: NetworkRow, sizes: Sizes, published: int) -> None:
    with torch.device("meta"):
        assert count(row.build(sizes)) == published


FAMILY = [
    name for name in NETWORKS if name.split("_")[0] in ("cgan", "wgan", "lsgan", "resnet", "acgan", "infogan")
] + ["dcgan_5x5_generator", "dcgan_5x5_discriminator"]
LABELLED = ("cgan", "acgan")


def small(name: str) -> NetworkRow:
    row: Any = NETWORKS[name]()
    return replace(row, width=2) if hasattr(row, "width") else row  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("shape", IMAGES)
def test_images_of_every_shape_are_made_or_judged(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    sizes = Sizes(shape, 9, 5 if name.startswith(LABELLED) else None, code=Code(4, 2))
    given = (torch.tensor([0, 4, 2]),) if name.startswith(LABELLED) and name != "acgan_discriminator" else ()
    row = small(name)
    if isinstance(row, GeneratorRow):
        assert row.build(sizes)(torch.randn(3, 9), *given).shape == (3, *shape)
        return
    found = row.build(sizes)(torch.randn(3, *shape), *given)
    assert (found.logits if isinstance(found, Judged) else found).shape == (3,)


@pytest.mark.parametrize("name", [name for name in FAMILY if not name.startswith(("cgan", "wgan_dense"))])
@pytest.mark.parametrize("shape", [(3, 7, 7), (3, 300, 20), (2,)])
def test_sizes_that_a_convolutional_net_does_not_take_are_told(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(Unsupported, match="expected"):
        small(name).build(Sizes(shape, 9, 5, code=Code(4, 2)))


@pytest.mark.parametrize("name", [name for name in FAMILY if name.startswith(LABELLED)])
def test_nets_of_labels_ask_for_them(name: str) -> None:
    with pytest.raises(BadInput, match="found no labels; expected them"):
        small(name).build(Sizes((1, 8, 8), 4))


def test_a_net_that_tells_a_code_asks_for_one() -> None:
    with pytest.raises(BadInput, match="found no code at the end of z; expected one to tell"):
        InfoganDiscriminator().build(Sizes((1, 8, 8), 4))
    for wrong in (-1, 1.5):
        with pytest.raises(BadInput, match="continuous of the code"):
            Code(2, wrong)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="which tells nothing"):
        Code(1)


def maxout(x: Array, weight: Array, bias: Array, pieces: int) -> Array:
    return (x @ weight.T + bias).reshape(len(x), pieces, -1).max(1)


def test_cgan_computes_what_was_published() -> None:
    sizes, labels = Sizes((1, 3, 4), 5, 3), torch.tensor([0, 2, 1, 2])
    one_hot = np.eye(3)[labels]
    generator = build(CganGenerator(6, 7, 8), sizes).eval()
    z = normal(4, 5)
    w, b, v, c, u, d, p, e = numbers(generator)
    joint = np.concatenate([relu(z.numpy() @ w.T + b), relu(one_hot @ v.T + c)], 1)
    compare(generator(z, labels), sigmoid(relu(joint @ u.T + d) @ p.T + e).reshape(4, 1, 3, 4))
    discriminator = build(CganDiscriminator(6, 5, 4, 3, 7, 2), sizes).eval()
    x = normal(4, 1, 3, 4)
    w, b, v, c, u, d, p, e = numbers(discriminator)
    joint = np.concatenate([maxout(x.numpy().reshape(4, 12), w, b, 5), maxout(one_hot, v, c, 3)], 1)
    compare(discriminator(x, labels), (maxout(joint, u, d, 2) @ p.T + e)[:, 0])


def test_cgan_drops_half_of_the_units_below_each_later_layer() -> None:
    for row in (CganGenerator(), CganDiscriminator()):
        network = row.build(Sizes((1, 8, 8), 5, 3))
        dropped = [layer.p for layer in network.modules() if type(layer).__name__ == "Dropout"]
        assert dropped == [0.5, 0.5, 0.5]


def test_the_authors_dcgan_computes_what_was_published() -> None:
    sizes = Sizes((3, 16, 16), 5)
    generator = build(Dcgan5x5Generator(2), sizes)
    z = normal(4, 5)
    dense, g0, b0, first, g1, b1, last = numbers(generator)
    x = relu(normalise(z.numpy() @ dense.T, g0, b0, 1e-8)).reshape(4, 4, 4, 4)
    x = relu(normalise(transposed_convolution(x, first, stride=2, padding=(2, 1)), g1, b1, 1e-8))
    compare(generator(z), np.tanh(transposed_convolution(x, last, stride=2, padding=(2, 1))))
    discriminator = build(Dcgan5x5Discriminator(2), sizes)
    x = normal(4, 3, 16, 16)
    first, second, g1, b1, last = numbers(discriminator)
    y = leaky(convolution(x.numpy(), first, stride=2, padding=2))
    y = leaky(normalise(convolution(y, second, stride=2, padding=2), g1, b1, 1e-8))
    compare(discriminator(x), (y.reshape(4, -1) @ last.T)[:, 0])


def test_wgan_dense_nets_compute_what_was_published() -> None:
    generator = build(WganDenseGenerator((6, 7, 8)), Sizes((1, 3, 3), 5))
    z = normal(4, 5)
    w, b, v, c, u, d, p, e = numbers(generator)
    h = relu(relu(relu(z.numpy() @ w.T + b) @ v.T + c) @ u.T + d)
    compare(generator(z), (h @ p.T + e).reshape(4, 1, 3, 3))
    critic = build(WganDenseDiscriminator((6, 7, 8)), Sizes((1, 3, 3)))
    x = normal(4, 1, 3, 3)
    w, b, v, c, u, d, p, e = numbers(critic)
    h = relu(relu(relu(x.numpy().reshape(4, 9) @ w.T + b) @ v.T + c) @ u.T + d)
    compare(critic(x), (h @ p.T + e)[:, 0])


@pytest.mark.parametrize("batch_norm", [False, True])
def test_wgan_gp_computes_what_was_published(batch_norm: bool) -> None:
    """28 pixels: 4 -> 8, cropped to 7 -> 14 -> 28 and back, with the zeros that SAME puts at the end."""
    sizes = Sizes((1, 28, 28), 5)
    generator = build(WganGpGenerator(2, batch_norm, "tanh" if batch_norm else "sigmoid"), sizes)
    z, rest = normal(4, 5), iter(numbers(generator))

    def activate(x: Array) -> Array:
        return relu(normalise(x, next(rest), next(rest)) if batch_norm else x)

    x = activate(z.numpy() @ next(rest).T + next(rest)).reshape(4, 8, 4, 4)
    for sides in (7, 14):
        x = add_bias(transposed_convolution(x, next(rest), stride=2, padding=same(2 * x.shape[2])), next(rest))
        x = activate(x[:, :, :sides, :sides])
    x = add_bias(transposed_convolution(x, next(rest), stride=2, padding=same(28)), next(rest))
    compare(generator(z), np.tanh(x) if batch_norm else sigmoid(x))
    critic = build(WganGpDiscriminator(2), sizes)
    x, rest = normal(4, 1, 28, 28), iter(numbers(critic))
    y = x.numpy()
    for _ in range(3):
        y = leaky(add_bias(convolution(y, next(rest), stride=2, padding=same(y.shape[2])), next(rest)))
    compare(critic(x), (y.reshape(4, -1) @ next(rest).T + next(rest))[:, 0])


def test_same_padding_is_asymmetric_where_sides_are_even() -> None:
    """The published kernel of 5 with stride 2: 1 zero before, 2 behind; torch's padding=2 is another network."""
    assert (same(28), same(7), same(14)) == ((1, 2), (2, 2), (1, 2))


def test_wgan_gp_starts_as_published() -> None:
    torch.manual_seed(0)
    critic = WganGpDiscriminator(64).build(Sizes((1, 28, 28)))
    second = [layer for layer in critic if isinstance(layer, nn.Conv2d)][1].weight.detach()  # type: ignore[union-attr]
    deviation = np.sqrt(4 / (64 * 25 + 128 * 25 / 4))
    assert float(second.std()) == pytest.approx(deviation, rel=0.02)
    assert float(second.abs().max()) == pytest.approx(deviation * np.sqrt(3), rel=0.01)


def test_lsgan_computes_what_was_published() -> None:
    """28 pixels from 7, and 40 from 5, with layers that keep the sides; 3 x 3 kernels, SAME."""
    for side in (28, 40):
        sizes = Sizes((2, side, side), 6)
        generator = build(LsganGenerator(2), sizes)
        z, rest = normal(3, 6), iter(numbers(generator))
        doublings = int(np.log2(side / 4))
        start = side // 2**doublings
        x = (z.numpy() @ next(rest).T + next(rest)).reshape(3, 8, start, start)
        x = relu(normalise(x, next(rest), next(rest)))
        for left in range(doublings - 1, -1, -1):
            padding = same(2 * x.shape[2], kernel=3)
            x = add_bias(transposed_convolution(x, next(rest), stride=2, padding=padding), next(rest))
            x = relu(normalise(x, next(rest), next(rest)))
            if left > 1:
                x = add_bias(transposed_convolution(x, next(rest), stride=1, padding=1), next(rest))
                x = relu(normalise(x, next(rest), next(rest)))
        x = np.tanh(add_bias(transposed_convolution(x, next(rest), stride=1, padding=1), next(rest)))
        assert x.shape == (3, 2, side, side)
        compare(generator(z), x)
    discriminator = build(LsganDiscriminator(2), sizes)
    image, rest = normal(3, 2, 40, 40), iter(numbers(discriminator))
    y = image.numpy()
    for layer in range(4):
        y = add_bias(convolution(y, next(rest), stride=2, padding=same(y.shape[2])), next(rest))
        y = leaky(normalise(y, next(rest), next(rest)) if layer else y)
    compare(discriminator(image), (y.reshape(3, -1) @ next(rest).T + next(rest))[:, 0])


def pool(x: Array) -> Array:
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def repeat(x: Array) -> Array:
    return x.repeat(2, 2).repeat(2, 3)


@pytest.mark.parametrize("classes", [None, 3])
def test_the_residual_generator_computes_what_was_published(classes: int | None) -> None:
    """BN, ReLU, nearest upsampling, 3 x 3, BN, ReLU, 3 x 3, beside a 1 x 1 of the upsampled maps; eps 2e-5."""
    generator = build(ResnetGenerator(3), Sizes((2, 16, 16), 5, classes))
    z, labels = normal(4, 5), torch.tensor([0, 2, 1, 2])
    w = named(generator)

    def norm(x: Array, name: str) -> Array:
        if classes is None or name == "end.0":
            return normalise(x, w[f"{name}.weight"], w[f"{name}.bias"], 2e-5)
        plain = normalise(x, np.ones(3), np.zeros(3), 2e-5)
        gain, bias = (w[f"{name}.{part}.weight"][labels][:, :, None, None] for part in ("gain", "bias"))
        return np.asarray(plain * gain + bias)

    def conv(x: Array, name: str, padding: int = 1) -> Array:
        return add_bias(convolution(x, w[f"{name}.weight"], stride=1, padding=padding), w[f"{name}.bias"])

    x = (z.numpy() @ w["start.0.weight"].T + w["start.0.bias"]).reshape(4, 3, 4, 4)
    for block in ("blocks.0", "blocks.1"):
        y = conv(repeat(relu(norm(x, f"{block}.norms.0"))), f"{block}.first")
        y = conv(relu(norm(y, f"{block}.norms.1")), f"{block}.second")
        x = y + conv(repeat(x), f"{block}.shortcut", 0)
    expected = np.tanh(conv(relu(norm(x, "end.0")), "end.2"))
    compare(generator(z, labels) if classes else generator(z), expected)


@pytest.mark.parametrize("classes", [None, 3])
def test_the_residual_discriminator_computes_what_was_published(classes: int | None) -> None:
    """Two blocks that halve, two that do not; SUMS over places; every weight over its largest singular value."""
    discriminator = build(ResnetDiscriminator(3), Sizes((2, 32, 32), classes=classes))
    x, labels = normal(4, 2, 32, 32), torch.tensor([0, 2, 1, 2])
    given = () if classes is None else (labels,)
    for _ in range(300):  # until the power iteration has found the largest singular vectors
        discriminator(x[:1, :, :8, :8].repeat(1, 1, 4, 4), *(one[:1] for one in given))
    w = named(discriminator.eval())
    body = "0" if classes is None else "body"

    def weight(name: str) -> Array:
        found = w[f"{name}.parametrizations.weight.original"]
        return np.asarray(found / np.linalg.svd(found.reshape(len(found), -1), compute_uv=False)[0])

    def conv(x: Array, name: str, padding: int = 1) -> Array:
        return add_bias(convolution(x, weight(name), stride=1, padding=padding), w[f"{name}.bias"])

    h = x.numpy()
    y = pool(conv(relu(conv(h, f"{body}.0.first")), f"{body}.0.second"))
    h = y + conv(pool(h), f"{body}.0.shortcut", 0)
    y = pool(conv(relu(conv(relu(h), f"{body}.1.first")), f"{body}.1.second"))
    h = y + pool(conv(h, f"{body}.1.shortcut", 0))
    for block in (f"{body}.2", f"{body}.3"):
        h = h + conv(relu(conv(relu(h), f"{block}.first")), f"{block}.second")
    features = relu(h).sum((2, 3))
    expected = features @ weight("1" if classes is None else "logit")[0]
    if classes is not None:
        expected = expected + (weight("embedding")[labels] * features).sum(1)
    np.testing.assert_allclose(discriminator(x, *given).detach().numpy(), expected, rtol=1e-9, atol=1e-9)


def test_u_of_the_power_iteration_moves_in_training_alone() -> None:
    """A frozen u would let weights outgrow their norm: it moves in each pass, and approaches the largest one."""
    discriminator = build(ResnetDiscriminator(3), Sizes((2, 8, 8))).float()
    x = torch.randn(4, 2, 8, 8)
    kept = {name: theta.clone() for name, theta in discriminator.state_dict().items() if name.endswith("_u")}
    assert len(kept) == 8
    discriminator.eval()(x)
    assert all(theta.equal(discriminator.state_dict()[name]) for name, theta in kept.items())
    with torch.no_grad():
        for theta in discriminator.parameters():
            theta += torch.randn_like(theta)
    discriminator.train()(x)
    assert not any(theta.equal(discriminator.state_dict()[name]) for name, theta in kept.items() if theta.numel() > 1)


def test_acgan_computes_what_its_followers_have() -> None:
    sizes, labels = Sizes((3, 16, 16), 5, 3), torch.tensor([0, 2, 1, 2])
    generator = build(AcganGenerator(2), sizes)
    z = normal(4, 5)
    dense, b0, first, b1, gain, bias, last, b2 = numbers(generator)
    x = relu(np.concatenate([z.numpy(), np.eye(3)[labels]], 1) @ dense.T + b0).reshape(4, 4, 4, 4)
    x = add_bias(transposed_convolution(x, first, stride=2, padding=(2, 1)), b1)
    x = add_bias(transposed_convolution(relu(normalise(x, gain, bias)), last, stride=2, padding=(2, 1)), b2)
    compare(generator(z, labels), np.tanh(x))
    discriminator = build(replace(AcganDiscriminator(2), dropout=0.0), sizes)
    image, rest = normal(4, 3, 16, 16), iter(numbers(discriminator))
    y = image.numpy()
    for layer in range(6):
        y = add_bias(convolution(y, next(rest), stride=1 if layer % 2 else 2, padding=1), next(rest))
        y = leaky(normalise(y, next(rest), next(rest)) if layer else y)
    expected = y.reshape(4, -1) @ next(rest).T + next(rest)
    judged = discriminator(image)
    compare(judged.logits, expected[:, 0])
    compare(judged.heads["classes"], expected[:, 1:])


def test_infogan_computes_what_was_published() -> None:
    sizes = Sizes((1, 12, 12), 9, code=Code(3, 2))
    generator = build(InfoganGenerator(2, 7), sizes)
    z, rest = normal(4, 9), iter(numbers(generator))
    x = z.numpy()
    for _ in range(2):
        x = x @ next(rest).T + next(rest)
        x = relu(normalise(x, next(rest), next(rest)))
    x = add_bias(transposed_convolution(x.reshape(4, 4, 3, 3), next(rest), stride=2, padding=1), next(rest))
    x = relu(normalise(x, next(rest), next(rest)))
    compare(generator(z), sigmoid(add_bias(transposed_convolution(x, next(rest), stride=2, padding=1), next(rest))))
    discriminator = build(InfoganDiscriminator(2, 7, 5), sizes)
    image, rest = normal(4, 1, 12, 12), iter(numbers(discriminator))
    y = leaky(add_bias(convolution(image.numpy(), next(rest), stride=2, padding=1), next(rest)), 0.01)
    y = add_bias(convolution(y, next(rest), stride=2, padding=1), next(rest))
    y = leaky(normalise(y, next(rest), next(rest)), 0.01).reshape(4, -1) @ next(rest).T + next(rest)
    y = leaky(normalise(y, next(rest), next(rest)), 0.01)
    logit = y @ next(rest).T + next(rest)
    told = leaky(normalise(y @ next(rest).T + next(rest), next(rest), next(rest)), 0.01) @ next(rest).T + next(rest)
    judged = discriminator(image)
    compare(judged.logits, logit[:, 0])
    compare(judged.heads["categories"], told[:, :3])
    compare(judged.heads["continuous"], told[:, 3:])


def test_rows_of_the_family_are_of_their_kind() -> None:
    for name in FAMILY:
        kind: type[NetworkRow] = GeneratorRow if name.endswith("generator") else DiscriminatorRow
        assert issubclass(NETWORKS[name], kind), name
