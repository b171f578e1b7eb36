"""The TFD and CIFAR-10 nets of 2014: sizes by hand, starting values, what the layers compute, what is refused."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import tiny
from advnets.algorithm import Simultaneous
from advnets.constraints import max_column_norm
from advnets.data import load
from advnets.errors import BadInput, Unsupported
from advnets.experiment.preparation.build_training import build_game_training
from advnets.games import AdversarialRow
from advnets.networks import (
    ConvMaxoutDiscriminator,
    DeconvGenerator,
    DenseGenerator,
    Dropout,
    LowerLayers,
    Maps,
    MaxoutConv,
    MaxoutDiscriminator,
    Sizes,
    UntiedBias,
    is_samplewise,
)
from advnets.networks.layers.dense import sparse_
from advnets.optimizers import Momentum
from advnets.recipes import RECIPES, Average, paper_tfd
from advnets.schedules import ExponentialDecay
from advnets.training import Moment

FACE, COLOUR = (1, 48, 48), (3, 32, 32)


def built(name: str, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
    """Both nets of a recipe in full size, on torch's meta device: shapes without memory."""
    learner, sizes = learner_of(name), Sizes(shape, 100, mean=torch.full(shape, 0.5))
    with torch.device("meta"):
        return learner.generator.build(sizes), learner.discriminator.build(sizes)


def learner_of(name: str) -> AdversarialRow:
    learner = RECIPES[name].learner
    assert isinstance(learner, AdversarialRow)
    return learner


def dense(*widths: int) -> int:
    return sum((below + 1) * above for below, above in itertools.pairwise(widths))


def count(network: nn.Module) -> int:
    return sum(theta.numel() for theta in network.parameters())


def of_kind(network: nn.Module, kind: type[nn.Module]) -> Sequence[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, kind)]


def test_the_tfd_nets_have_the_released_sizes() -> None:
    generator, discriminator = built("paper-tfd", FACE)
    assert count(generator) == 808_000 + 64_008_000 + 18_434_304 == dense(100, 8000, 8000, 48 * 48)
    assert count(discriminator) == dense(48 * 48, 5 * 1200) + dense(1200, 5 * 1200) + dense(1200, 1) == 21_037_201
    below = paper_tfd.stages[0].below
    assert below is not None
    with torch.device("meta"):
        assert count(below.build(Sizes(FACE, 100))) == dense(100, 8000, 100) == 1_608_100


def test_the_cifar_nets_have_the_released_sizes() -> None:
    generator, discriminator = built("paper-cifar10-fc", COLOUR)
    assert count(generator) == dense(100, 8000, 8000, 3072) == 89_395_072
    assert count(discriminator) == dense(3072, 5 * 1600) + dense(1600, 5 * 1600) + dense(1600, 1) == 37_393_601
    generator, discriminator = built("paper-cifar10-conv", COLOUR)
    assert count(generator) == dense(100, 8000, 8000) + 80 * 3 * 5 * 5 + 3 * 32 * 32 == 64_825_072
    maps = (3 * 8 * 8 + 1) * 64 + (32 * 8 * 8 + 1) * 64 + (32 * 5 * 5 + 1) * 384
    # 32 -> 33, pooled 16 -> 15, pooled 7 -> 9, pooled 5: the last maps are 192 x 5 x 5
    assert count(discriminator) == maps + dense(192 * 5 * 5, 5 * 500) + dense(500, 1) == 12_454_073


def test_every_number_of_the_tfd_and_cifar_files() -> None:
    names = ("paper-tfd", "paper-cifar10-fc", "paper-cifar10-conv")
    tfd, dense_cifar, conv = (RECIPES[name] for name in names)
    for one, batch_size, start in ((tfd, 100, 0.05), (dense_cifar, 100, 0.025), (conv, 128, 0.004)):
        assert one.batch_size == batch_size
        assert set(one.descents) == {"discriminator", "generator"}
        for descent in one.descents.values():
            assert descent.rate == ExponentialDecay(start, 1.000004, 1e-6)
            assert descent.optimizer == RECIPES["paper-released"].descents["generator"].optimizer
            assert isinstance(descent.optimizer, Momentum)
        assert (one.algorithm, one.average) == (Simultaneous(), Average(half_life=0.0))
    for learner in map(learner_of, names):
        assert learner.objective == "non_saturating_halved"
        assert (learner.latent, learner.latent_size) == ("gaussian", 100)
        assert isinstance(learner.discriminator, MaxoutDiscriminator | ConvMaxoutDiscriminator)
        assert (learner.discriminator.irange, learner.discriminator.dropout) == (0.005, (0.2, 0.5))
    assert (tfd.transform, dense_cifar.transform, conv.transform) == ("unit", "contrast", "contrast")
    bounds = {player: {"max_column_norm": 1.9365} for player in ("generator", "discriminator")}
    assert [learner_of(name).constraints for name in names] == [bounds, {}, {}]
    assert [stage.begins for stage in tfd.stages] == [50 / 72]
    assert tfd.stages[0].discriminator == learner_of("paper-tfd").discriminator


def test_starting_values_of_mixed_layers() -> None:
    torch.manual_seed(0)
    row = DenseGenerator(hidden=(60, 50), activations=("relu", "sigmoid"), sigmoid_bias=-2.0, sparse=7)
    mean = torch.full((1, 4, 4), 0.3)
    first, relu, second, sigmoid, output, squash, _ = row.build(Sizes((1, 4, 4), 10, mean=mean))  # type: ignore[misc]
    assert [type(layer) for layer in (relu, sigmoid, squash)] == [nn.ReLU, nn.Sigmoid, nn.Sigmoid]
    assert not first.bias.any()
    assert (second.bias == -2).all()
    assert ((output.weight != 0).sum(1) == 7).all()
    torch.testing.assert_close(output.bias.sigmoid(), mean.flatten())
    linear = DenseGenerator(hidden=(60,), activations=("sigmoid",), output="linear", output_irange=0.5)
    first, _, output, squash, _ = linear.build(Sizes((1, 4, 4), 10, mean=mean))  # type: ignore[misc]
    assert isinstance(squash, nn.Identity)
    assert not output.bias.any()
    assert not first.bias.any()
    assert 0.45 < output.weight.abs().max().item() <= 0.5
    assert 0.045 < first.weight.abs().max().item() <= 0.05


def test_sparse_weights_are_normal_and_at_places_of_their_own() -> None:
    torch.manual_seed(0)
    layer = sparse_(nn.Linear(400, 300), 100)
    assert ((layer.weight != 0).sum(1) == 100).all()
    drawn = layer.weight[layer.weight != 0]
    assert drawn.mean().item() == pytest.approx(0, abs=4 / 30_000**0.5)
    assert drawn.var().item() == pytest.approx(1, abs=4 * (2 / 30_000) ** 0.5)
    used = (layer.weight != 0).sum(0)
    assert used.float().mean().item() == 75
    assert used.min() > 35
    assert used.max() < 115
    assert len({tuple(row.nonzero().flatten().tolist()) for row in layer.weight}) == 300
    for connections in (0, 401):
        with pytest.raises(BadInput, match=r"expected 1\.\.400"):
            sparse_(nn.Linear(400, 3), connections)


def test_the_lower_layers_end_in_sigmoids_of_bias_minus_two() -> None:
    first, relu, second, sigmoid = LowerLayers(hidden=(30,)).layers(5, 7)
    assert isinstance(relu, nn.ReLU)
    assert isinstance(sigmoid, nn.Sigmoid)
    assert not first.bias.any()
    assert (second.bias == -2).all()
    assert 0.04 < first.weight.abs().max().item() <= 0.05


def test_column_norms_hold_in_both_nets_after_a_step_that_starts_beyond_them() -> None:
    torch.manual_seed(0)
    recipe = tiny.narrow(paper_tfd, 200)
    tried = build_game_training(recipe, load("digits"), seed=0, device=torch.device("cpu"))
    norms = {player: column_norms(network) for player, network in tried.game.players.items()}
    assert norms["generator"].max() > 5
    tried.schedule(Moment(0, 1, 0.0))
    next(tried.steps(0))
    for network in tried.game.players.values():
        assert len(of_kind(network, nn.Linear)) == 3
        assert column_norms(network).max() <= 1.9365 * (1 + 1e-6)
    tried.begin_next_stage(1)
    next(tried.steps(1))
    assert len(of_kind(tried.game.generator, nn.Linear)) == 5
    assert column_norms(tried.game.generator).max() <= 1.9365 * (1 + 1e-6)


def column_norms(network: nn.Module) -> Tensor:
    return torch.cat([layer.weight.detach().norm(dim=1) for layer in of_kind(network, nn.Linear)])  # type: ignore[operator]


def test_deconvolution_is_the_sum_of_shifted_kernels_and_a_bias_for_each_pixel() -> None:
    torch.manual_seed(0)
    network = DeconvGenerator(hidden=(6,), maps=4).build(Sizes((2, 8, 11), 5))
    *lower, deconvolution, bias = network  # type: ignore[misc]
    assert isinstance(bias, UntiedBias)
    assert deconvolution.bias is None
    assert not bias.bias.any()
    nn.init.normal_(bias.bias)
    z = torch.randn(3, 5)
    h = nn.Sequential(*lower)(z)
    assert h.shape == (3, 4, 2, 3)
    expected = bias.bias.expand(3, 2, 8, 11).clone()
    for i in range(2):
        for j in range(3):
            patch = torch.einsum("nm,mcuv->ncuv", h[:, :, i, j], deconvolution.weight)
            expected[:, :, 3 * i : 3 * i + 5, 3 * j : 3 * j + 5] += patch
    torch.testing.assert_close(network(z), expected)


def test_untied_biases_are_trained_one_by_one() -> None:
    layer = UntiedBias((2, 3, 3))
    weight = torch.randn(4, 2, 3, 3)
    (layer(torch.zeros(4, 2, 3, 3)) * weight).sum().backward()
    torch.testing.assert_close(layer.bias.grad, weight.sum(0))


def test_maxout_convolution_is_the_maximum_over_its_pieces() -> None:
    torch.manual_seed(0)
    layer, x = MaxoutConv(2, 3, 2, kernel=3, padding=1), torch.randn(4, 2, 5, 6)
    weight, bias = layer.convolution.weight, layer.convolution.bias
    assert bias is not None
    pieces = [
        torch.stack([nn.functional.conv2d(x, weight[[at]], bias[[at]], padding=1)[:, 0] for at in (c, 3 + c)]).amax(0)
        for c in range(3)
    ]
    torch.testing.assert_close(layer(x), torch.stack(pieces, 1))
    exact = MaxoutConv(1, 2, 3, kernel=2, padding=1).double()
    images = torch.randn(2, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(exact, images)
    assert torch.autograd.gradgradcheck(exact, images)


@pytest.mark.parametrize("side", [4, 8, 28, 31, 32, 48])
def test_convolutions_take_images_of_other_sizes(side: int) -> None:
    """Sides by cuda-convnet's formula, ceil((side - window) / stride) + 1, as pylearn2 has it."""
    row = ConvMaxoutDiscriminator(maps=(Maps(4), Maps(4, padding=3), Maps(6, kernel=5, padding=3, pool=2)), units=(7,))
    network = row.build(Sizes((1, side, side + 3))).eval()
    x = torch.randn(2, 1, side, side + 3)
    assert network(x).shape == (2,)
    for layer in network:  # type: ignore[attr-defined]
        height = x.shape[2] if x.ndim == 4 else 0
        x = layer(x)
        if isinstance(layer, nn.MaxPool2d):
            assert isinstance(layer.kernel_size, int)
            assert x.shape[2] == -((layer.kernel_size - height) // 2) + 1


def test_a_convolutional_discriminator_has_its_dropout_and_judges_one_by_one() -> None:
    network = ConvMaxoutDiscriminator(maps=(Maps(4), Maps(4, padding=3)), units=(7,)).build(Sizes(COLOUR))
    assert [layer.p for layer in of_kind(network, Dropout)] == [0.2, 0.5, 0.5, 0.5]  # type: ignore[union-attr]
    assert isinstance(network[0], Dropout)  # type: ignore[index]
    assert is_samplewise(network)
    network.eval()
    x = torch.randn(5, *COLOUR)
    torch.testing.assert_close(network(x), torch.cat([network(one[None]) for one in x]))
    for layer in of_kind(network, nn.Conv2d):
        assert 0.004 < layer.weight.abs().max().item() <= 0.005  # type: ignore[operator, union-attr]
        assert not layer.bias.any()  # type: ignore[operator, union-attr]


def test_constraints_reach_the_convolutions() -> None:
    network = ConvMaxoutDiscriminator(maps=(Maps(4),), units=(7,)).build(Sizes(COLOUR))
    max_column_norm(network, 1e-3)
    for layer in of_kind(network, nn.Conv2d):
        assert layer.weight.flatten(1).norm(dim=1).max() <= 1e-3 * (1 + 1e-6)  # type: ignore[operator, union-attr]


@pytest.mark.parametrize("side", [28, 4, 33])
def test_sides_that_a_deconvolution_cannot_make_are_refused(side: int) -> None:
    with pytest.raises(Unsupported, match=rf"side {side}, expected 5 \+ 3 n, such as (26, 29|5, 8|32, 35)"):
        DeconvGenerator(hidden=(3,), maps=2).build(Sizes((1, side, side), 5))


def test_convolutions_refuse_points_and_images_that_are_too_small() -> None:
    with pytest.raises(Unsupported, match="found points of 2 numbers, expected images"):
        DeconvGenerator(hidden=(3,), maps=2).build(Sizes((2,), 5))
    with pytest.raises(Unsupported, match="found points of 2 numbers, expected images"):
        ConvMaxoutDiscriminator().build(Sizes((2,)))
    with pytest.raises(Unsupported, match="maps of 1 x 1 under a kernel of 8 with padding 3, expected at least 2"):
        ConvMaxoutDiscriminator(maps=(Maps(2), Maps(2, padding=3))).build(Sizes((1, 1, 1)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hidden": (3,), "activations": ("relu", "sigmoid")}, "found 2 for 1 hidden layers"),
        ({"activations": ()}, "found 0 for 2 hidden layers"),
        ({"activations": ("rleu",)}, "unknown activation 'rleu'. Did you mean 'relu'"),
        ({"output": "linaer"}, "unknown output 'linaer'. Did you mean 'linear'"),
    ],
)
def test_a_dense_generator_that_cannot_be_is_refused(given: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        DenseGenerator(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "size"),
    [
        *((Maps, {name: 0}) for name in ("channels", "kernel", "pool", "stride", "pieces")),
        (Maps, {"padding": -1}),
        *((DeconvGenerator, {name: 0}) for name in ("maps", "kernel", "stride")),
        (DeconvGenerator, {"hidden": (8, 0)}),
        (LowerLayers, {"hidden": (0,)}),
        (DenseGenerator, {"sparse": -1}),
        *((row, {"pieces": 0}) for row in (MaxoutDiscriminator, ConvMaxoutDiscriminator)),
        *((row, {"units": (0,)}) for row in (MaxoutDiscriminator, ConvMaxoutDiscriminator)),
    ],
)
def test_a_size_out_of_range_is_refused_when_the_row_is_made(row: Any, size: dict[str, Any]) -> None:
    (name,) = size
    with pytest.raises(BadInput, match=f"{name} is .*expected at least"):
        row(**size)
