"""Where the weights of convolutional nets start."""

import torch
from torch import nn

from advnets.networks.layers.batch_norm import BatchNorm

DEVIATION = 0.02
"""Of DCGAN's starting weights, and of the gains of batch normalisation around 1."""


@torch.no_grad()
def start_weights(network: nn.Module, *, gains: float = DEVIATION, truncated: bool = False) -> nn.Module:
    """Draw W ~ N(0, .02), gains of batch normalisation ~ N(1, gains), biases 0, and lay kernels out as channels_last.

    Radford, Metz, Chintala 2015, section 4, and what follows it.

    Args:
        network: Changed in place.
        gains: Deviation of the gains; 0 starts them at 1.
        truncated: Whether weights of convolutions are cut off at two deviations, as TensorFlow's truncated normal is.

    Returns:
        The network.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            if truncated and isinstance(layer, nn.Conv2d):
                nn.init.trunc_normal_(layer.weight, 0, DEVIATION, -2 * DEVIATION, 2 * DEVIATION)
            else:
                nn.init.normal_(layer.weight, 0, DEVIATION)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, BatchNorm) and layer.affine and gains:
            nn.init.normal_(layer.weight, 1, gains)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
