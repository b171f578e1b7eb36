"""Which layers treat every sample of a batch by itself, so that real and fake samples may share one pass."""

from typing import TypeVar

from torch import nn

Module = TypeVar("Module", bound=type[nn.Module])

_SAMPLEWISE: set[type[nn.Module]] = {
    nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Flatten, nn.Unflatten, nn.Identity, nn.ReLU, nn.LeakyReLU,
    nn.ELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Tanh, nn.Sigmoid, nn.Dropout, nn.LayerNorm, nn.InstanceNorm2d,
    nn.AvgPool2d, nn.MaxPool2d, nn.ReflectionPad2d, nn.ZeroPad2d, nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle,
}  # fmt: skip


def samplewise(layer: Module) -> Module:
    """Register a class of layers that treats every sample of a batch by itself.

    Args:
        layer: The class; its instances must not compare, average or reorder samples.

    Returns:
        The class, so that this is used as its decorator.
    """
    _SAMPLEWISE.add(layer)
    return layer


def is_samplewise(network: nn.Module) -> bool:
    """Return whether every sample's output depends on that sample alone.

    Args:
        network: Any network. One with a forward of its own is not looked into: it counts as one that may compare its
            samples, unless its class is registered by `samplewise`.

    Returns:
        Whether it is a Sequential of registered layers, or one of them.
    """
    if isinstance(network, nn.Sequential):
        return all(is_samplewise(layer) for layer in network)
    return type(network) in _SAMPLEWISE
