"""A network as a list of layers that the page's forward runs: each a mapping of its kind, its numbers and its tensors.

Batch normalisation, at inference, is one gain and one bias a map. Dropout and noise of training are left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from advnets.errors import Unsupported
from advnets.networks import (
    BatchNorm,
    ConditionalBatchNorm,
    ConvUpsample2d,
    Dropout,
    LabelledLatent,
    Noise,
    ResidualBlock,
    UntiedBias,
    Upsample2d,
    UpsampledConv2d,
)
from advnets.networks.acgan import BesideOneHot
from advnets.networks.cgan import BesideLabels
from advnets.networks.layers.residual import Basis
from advnets.networks.layers.twice_differentiable import Conv2d
from advnets.networks.resnet import ResidualGenerator, UpBlock

Layer = Mapping[str, Any]
"""{"op": a row of LAYERS in forward.js, and its numbers, tensors and inner layers by name}."""


def layers_of(network: nn.Module) -> list[Layer]:
    """Return a network in evaluation mode as layers.

    Args:
        network: A generator on the CPU.

    Returns:
        The layers, whose tensors are float32.

    Raises:
        Unsupported: For a layer that the page cannot run, by its name.
    """
    describe = _LAYERS.get(type(network))
    if describe is None or network._forward_hooks or network._forward_pre_hooks:
        raise Unsupported(
            f"found a layer of the kind {type(network).__name__}, which a page cannot run; expected those of the "
            "generators that draw from noise: dense layers, convolutions, batch normalisation, their activations. "
            "Export a share file, FILE.safetensors."
        )
    return describe(network)


def _convolution(layer: nn.Conv2d) -> list[Layer]:
    _expect_plain(layer)
    return [_kernel("convolution", layer)]


def _transposed_convolution(layer: nn.ConvTranspose2d) -> list[Layer]:
    _expect_plain(layer)
    return [{**_kernel("transposed_convolution", layer), "output_padding": list(layer.output_padding)}]


def _expect_plain(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str) or set(layer.dilation) != {1}:
        raise Unsupported(
            f"found {layer}, which a page cannot run; expected convolutions whose padding is a number of zeros, "
            "without dilation. Export a share file, FILE.safetensors."
        )


def _kernel(op: str, layer: nn.Conv2d | nn.ConvTranspose2d) -> Layer:
    numbers = {"stride": list(layer.stride), "padding": list(layer.padding), "groups": layer.groups}
    return {"op": op, "weight": layer.weight, "bias": layer.bias, **numbers}


def _enlarged_convolution(layer: UpsampledConv2d) -> list[Layer]:
    return [{"op": "repeat"}, _kernel("convolution", layer)]


def _double_maps(layer: Upsample2d | ConvUpsample2d) -> Layer:
    """A transposed convolution of each map by itself with one fixed kernel."""
    return {"op": "double", "taps": layer.taps}


def _mix_and_double(layer: ConvUpsample2d) -> list[Layer]:
    mix = layer.weight.transpose(0, 1)
    numbers = {"stride": [1, 1], "padding": [0, 0], "groups": 1}
    return [{"op": "convolution", "weight": mix, "bias": None, **numbers}, _double_maps(layer)]


def _sequence(network: nn.Sequential) -> list[Layer]:
    return [layer for part in network for layer in layers_of(part)]


def _batch_norm(layer: nn.modules.batchnorm._BatchNorm) -> list[Layer]:
    gain, bias = _moments(layer)
    if layer.affine:
        gain, bias = gain * layer.weight.double(), bias * layer.weight.double() + layer.bias.double()
    return [{"op": "scale", "gain": gain, "bias": bias}]


def _conditional_batch_norm(layer: ConditionalBatchNorm) -> list[Layer]:
    gain, bias = _moments(layer.norm)
    gains = layer.gain.weight.double()
    return [{"op": "scale_of_class", "gain": gain * gains, "bias": bias * gains + layer.bias.weight.double()}]


def _moments(layer: nn.modules.batchnorm._BatchNorm) -> tuple[Tensor, Tensor]:
    """(x - mean) / sqrt(variance + eps) as a gain and a bias, in float64."""
    if layer.running_mean is None or layer.running_var is None:
        raise Unsupported(
            f"found {layer}, which takes the moments of each batch; expected one that keeps running moments, so that a "
            "sample does not depend on the samples beside it."
        )
    gain = (layer.running_var.double() + layer.eps).rsqrt()
    return gain, -layer.running_mean.double() * gain


def _basis(layer: Basis) -> list[Layer]:
    return [*layers_of(layer.linear), {"op": "basis", "maps": layer.basis}]


def _residual_block(block: ResidualBlock) -> list[Layer]:
    return [{"op": "sum", "branches": [[], layers_of(block.residual)]}]


def _up_block(block: UpBlock) -> list[Layer]:
    first, second = (layers_of(norm) for norm in block.norms)
    relu, enlarge = {"op": "relu"}, {"op": "repeat"}
    main = [*first, relu, enlarge, *layers_of(block.first), *second, relu, *layers_of(block.second)]
    return [{"op": "sum", "branches": [main, [*layers_of(block.shortcut), enlarge]]}]


def _residual_generator(network: ResidualGenerator) -> list[Layer]:
    parts = [network.start, *network.blocks, network.end]
    return [layer for part in parts for layer in layers_of(part)]


def _labelled_latent(network: LabelledLatent) -> list[Layer]:
    return [{"op": "join_class", "table": network.embedding.weight}, *layers_of(network.generator)]


def _beside_one_hot(network: BesideOneHot) -> list[Layer]:
    return [{"op": "join_class", "table": torch.eye(network.classes)}, *layers_of(network.generator)]


def _beside_labels(network: BesideLabels) -> list[Layer]:
    """What is made of a label does not depend on z, so that it is a table."""
    with torch.no_grad():
        table = network.of_label(torch.eye(network.classes))
    return [*layers_of(network.of_input), {"op": "join_class", "table": table}, *layers_of(network.joint)]


def _unflatten(layer: nn.Unflatten) -> list[Layer]:
    if layer.dim != 1:
        raise Unsupported(f"found {layer}, which a page cannot run; expected the dimension 1")
    return [{"op": "reshape", "shape": list(layer.unflattened_size)}]


def _pad(layer: nn.ZeroPad2d) -> list[Layer]:
    return [{"op": "pad", "sides": list(layer.padding)}]


def _leave_out(layer: nn.Module) -> list[Layer]:
    """What does nothing at inference."""
    return []


_LAYERS: dict[type[nn.Module], Callable[[Any], list[Layer]]] = {
    nn.Sequential: _sequence,
    nn.Linear: lambda layer: [{"op": "linear", "weight": layer.weight, "bias": layer.bias}],
    nn.Conv2d: _convolution,
    Conv2d: _convolution,
    UpsampledConv2d: _enlarged_convolution,
    nn.ConvTranspose2d: _transposed_convolution,
    Upsample2d: lambda layer: [_double_maps(layer)],
    ConvUpsample2d: _mix_and_double,
    BatchNorm: _batch_norm,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    ConditionalBatchNorm: _conditional_batch_norm,
    Basis: _basis,
    UntiedBias: lambda layer: [{"op": "plus", "bias": layer.bias}],
    ResidualBlock: _residual_block,
    UpBlock: _up_block,
    ResidualGenerator: _residual_generator,
    LabelledLatent: _labelled_latent,
    BesideOneHot: _beside_one_hot,
    BesideLabels: _beside_labels,
    nn.ReLU: lambda layer: [{"op": "relu"}],
    nn.LeakyReLU: lambda layer: [{"op": "leaky_relu", "slope": layer.negative_slope}],
    nn.Sigmoid: lambda layer: [{"op": "sigmoid"}],
    nn.Tanh: lambda layer: [{"op": "tanh"}],
    nn.Unflatten: _unflatten,
    nn.ZeroPad2d: _pad,
    nn.Identity: _leave_out,
    nn.Dropout: _leave_out,
    Dropout: _leave_out,
    Noise: _leave_out,
}
