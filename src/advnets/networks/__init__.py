"""Networks, one file a paper; a row of NETWORKS is a frozen dataclass of settings with `build`."""

from advnets.networks.convolution import MaxoutConv, UntiedBias
from advnets.networks.goodfellow2014 import (
    ConvMaxoutDiscriminator,
    DeconvGenerator,
    DenseGenerator,
    LowerLayers,
    Maps,
    MaxoutDiscriminator,
)
from advnets.networks.layers import Dropout, Maxout, Noise
from advnets.networks.upsampled import UpsampledConv2d

GeneratorRow = DenseGenerator | DeconvGenerator
DiscriminatorRow = MaxoutDiscriminator | ConvMaxoutDiscriminator
NETWORKS: dict[str, type[GeneratorRow | DiscriminatorRow | LowerLayers | Maps]] = {
    "dense_generator": DenseGenerator,
    "deconv_generator": DeconvGenerator,
    "lower_layers": LowerLayers,
    "maxout_discriminator": MaxoutDiscriminator,
    "conv_maxout_discriminator": ConvMaxoutDiscriminator,
    "maps": Maps,
}

__all__ = [
    "ConvMaxoutDiscriminator", "DeconvGenerator", "DenseGenerator", "DiscriminatorRow", "Dropout", "GeneratorRow",
    "LowerLayers", "Maps", "Maxout", "MaxoutConv", "MaxoutDiscriminator", "NETWORKS", "Noise", "UntiedBias",
    "UpsampledConv2d",
]  # fmt: skip
