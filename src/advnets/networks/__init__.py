"""Networks: one file a paper, and a row of NETWORKS for each: a frozen dataclass of settings with `build(sizes)`.

Inside of the room a file imports only from those before it: batch_norm, layers, convolution, rows, goodfellow2014,
upsampled_convolution.
"""

from advnets.networks.batch_norm import BatchNorm
from advnets.networks.convolution import MaxoutConv, UntiedBias
from advnets.networks.goodfellow2014 import (
    ConvMaxoutDiscriminator,
    DeconvGenerator,
    DenseGenerator,
    LowerLayers,
    Maps,
    MaxoutDiscriminator,
)
from advnets.networks.layers import Dropout, Maxout, Noise, is_samplewise, samplewise
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, NetworkRow, Sizes
from advnets.networks.upsampled_convolution import UpsampledConv2d

NETWORKS: dict[str, type[NetworkRow]] = {
    "dense_generator": DenseGenerator,
    "deconv_generator": DeconvGenerator,
    "lower_layers": LowerLayers,
    "maxout_discriminator": MaxoutDiscriminator,
    "conv_maxout_discriminator": ConvMaxoutDiscriminator,
}

__all__ = [
    "BatchNorm", "ConvMaxoutDiscriminator", "DeconvGenerator", "DenseGenerator", "DiscriminatorRow", "Dropout",
    "GeneratorRow", "LowerLayers", "Maps", "Maxout", "MaxoutConv", "MaxoutDiscriminator", "NETWORKS", "NetworkRow",
    "Noise", "Sizes", "UntiedBias", "UpsampledConv2d", "is_samplewise", "samplewise",
]  # fmt: skip
