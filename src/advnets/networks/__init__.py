"""Networks: one file a paper, and a row of NETWORKS for each: a frozen dataclass of settings with `build(sizes)`.

Inside of the room a file imports only from those before it: batch_norm, layers, twice_differentiable,
convolution, rows, goodfellow2014, upsampled_convolution, frames, labels, dcgan, resample, residual, modern, r3gan,
pacgan.
"""

from advnets.networks.batch_norm import BatchNorm
from advnets.networks.convolution import MaxoutConv, UntiedBias
from advnets.networks.dcgan import DcganDiscriminator, DcganGenerator
from advnets.networks.frames import Frame
from advnets.networks.goodfellow2014 import (
    ConvMaxoutDiscriminator,
    DeconvGenerator,
    DenseGenerator,
    LowerLayers,
    Maps,
    MaxoutDiscriminator,
)
from advnets.networks.labels import ClassLogits, LabelledLatent
from advnets.networks.layers import Dropout, Maxout, Noise, is_samplewise, samplewise
from advnets.networks.modern import ModernDiscriminator, ModernGenerator
from advnets.networks.pacgan import PacganDiscriminator, PacganGenerator
from advnets.networks.r3gan import R3ganDiscriminator, R3ganGenerator
from advnets.networks.resample import ConvDownsample2d, ConvUpsample2d, Downsample2d, Upsample2d
from advnets.networks.residual import ResidualBlock
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, NetworkRow, Sizes
from advnets.networks.upsampled_convolution import UpsampledConv2d

NETWORKS: dict[str, type[NetworkRow]] = {
    "dense_generator": DenseGenerator,
    "deconv_generator": DeconvGenerator,
    "lower_layers": LowerLayers,
    "maxout_discriminator": MaxoutDiscriminator,
    "conv_maxout_discriminator": ConvMaxoutDiscriminator,
    "dcgan_generator": DcganGenerator,
    "dcgan_discriminator": DcganDiscriminator,
    "modern_generator": ModernGenerator,
    "modern_discriminator": ModernDiscriminator,
    "r3gan_generator": R3ganGenerator,
    "r3gan_discriminator": R3ganDiscriminator,
    "pacgan_generator": PacganGenerator,
    "pacgan_discriminator": PacganDiscriminator,
}

__all__ = [
    "BatchNorm", "ClassLogits", "ConvDownsample2d", "ConvMaxoutDiscriminator", "ConvUpsample2d",
    "DcganDiscriminator", "DcganGenerator", "DeconvGenerator", "DenseGenerator", "DiscriminatorRow", "Downsample2d",
    "Dropout", "Frame", "GeneratorRow", "LabelledLatent", "LowerLayers", "Maps", "Maxout", "MaxoutConv",
    "MaxoutDiscriminator", "ModernDiscriminator", "ModernGenerator", "NETWORKS", "NetworkRow", "Noise",
    "PacganDiscriminator", "PacganGenerator", "R3ganDiscriminator", "R3ganGenerator", "ResidualBlock", "Sizes",
    "UntiedBias", "Upsample2d", "UpsampledConv2d", "is_samplewise", "samplewise",
]  # fmt: skip
