"""Networks: one file a paper, and a row of NETWORKS for each: a frozen dataclass of settings with `build(sizes)`.

Inside of the room a file imports only from those before it: layers, rows, goodfellow2014, frames, labels, dcgan,
modern, r3gan, cgan, dcgan_5x5, wgan, wgan_gp, lsgan, resnet, acgan, infogan, pacgan, translation.
"""

from advnets.networks.acgan import AcganDiscriminator, AcganGenerator
from advnets.networks.cgan import CganDiscriminator, CganGenerator
from advnets.networks.dcgan import DcganDiscriminator, DcganGenerator
from advnets.networks.dcgan_5x5 import Dcgan5x5Discriminator, Dcgan5x5Generator
from advnets.networks.frames import Frame
from advnets.networks.goodfellow2014 import (
    ConvMaxoutDiscriminator,
    DeconvGenerator,
    DenseGenerator,
    LowerLayers,
    Maps,
    MaxoutDiscriminator,
)
from advnets.networks.infogan import InfoganDiscriminator, InfoganGenerator
from advnets.networks.labels import ClassLogits, LabelledLatent
from advnets.networks.layers.batch_norm import BatchNorm, ConditionalBatchNorm
from advnets.networks.layers.convolution import MaxoutConv, UntiedBias
from advnets.networks.layers.dense import Dropout, Maxout, Noise
from advnets.networks.layers.per_sample import is_samplewise, samplewise
from advnets.networks.layers.resample import ConvDownsample2d, ConvUpsample2d, Downsample2d, Upsample2d
from advnets.networks.layers.residual import ResidualBlock
from advnets.networks.layers.upsampled_convolution import UpsampledConv2d
from advnets.networks.lsgan import LsganDiscriminator, LsganGenerator
from advnets.networks.modern import ModernDiscriminator, ModernGenerator
from advnets.networks.pacgan import PacganDiscriminator, PacganGenerator
from advnets.networks.r3gan import R3ganDiscriminator, R3ganGenerator
from advnets.networks.resnet import ResnetDiscriminator, ResnetGenerator
from advnets.networks.rows import NO_CODE, Code, DiscriminatorRow, GeneratorRow, Judged, NetworkRow, Sizes
from advnets.networks.translation.cyclegan import CycleganDiscriminator, CycleganGenerator
from advnets.networks.translation.pix2pix import LastingDropout, PatchNorm, Pix2pixDiscriminator, Pix2pixGenerator
from advnets.networks.wgan import WganDenseDiscriminator, WganDenseGenerator
from advnets.networks.wgan_gp import WganGpDiscriminator, WganGpGenerator

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
    "cgan_generator": CganGenerator,
    "cgan_discriminator": CganDiscriminator,
    "dcgan_5x5_generator": Dcgan5x5Generator,
    "dcgan_5x5_discriminator": Dcgan5x5Discriminator,
    "wgan_dense_generator": WganDenseGenerator,
    "wgan_dense_discriminator": WganDenseDiscriminator,
    "wgan_gp_generator": WganGpGenerator,
    "wgan_gp_discriminator": WganGpDiscriminator,
    "lsgan_generator": LsganGenerator,
    "lsgan_discriminator": LsganDiscriminator,
    "resnet_generator": ResnetGenerator,
    "resnet_discriminator": ResnetDiscriminator,
    "acgan_generator": AcganGenerator,
    "acgan_discriminator": AcganDiscriminator,
    "infogan_generator": InfoganGenerator,
    "infogan_discriminator": InfoganDiscriminator,
    "pacgan_generator": PacganGenerator,
    "pacgan_discriminator": PacganDiscriminator,
    "pix2pix_generator": Pix2pixGenerator,
    "pix2pix_discriminator": Pix2pixDiscriminator,
    "cyclegan_generator": CycleganGenerator,
    "cyclegan_discriminator": CycleganDiscriminator,
}

__all__ = [
    "AcganDiscriminator", "AcganGenerator", "BatchNorm", "CganDiscriminator", "CganGenerator", "ClassLogits",
    "Code", "ConditionalBatchNorm", "ConvDownsample2d", "ConvMaxoutDiscriminator", "ConvUpsample2d",
    "CycleganDiscriminator", "CycleganGenerator", "Dcgan5x5Discriminator", "Dcgan5x5Generator",
    "DcganDiscriminator", "DcganGenerator", "DeconvGenerator", "DenseGenerator", "DiscriminatorRow",
    "Downsample2d", "Dropout", "Frame", "GeneratorRow", "InfoganDiscriminator", "InfoganGenerator", "Judged",
    "LabelledLatent", "LastingDropout", "LowerLayers", "LsganDiscriminator", "LsganGenerator", "Maps", "Maxout",
    "MaxoutConv", "MaxoutDiscriminator", "ModernDiscriminator", "ModernGenerator", "NETWORKS", "NO_CODE",
    "NetworkRow", "Noise", "PacganDiscriminator", "PacganGenerator", "PatchNorm", "Pix2pixDiscriminator",
    "Pix2pixGenerator", "R3ganDiscriminator", "R3ganGenerator", "ResidualBlock", "ResnetDiscriminator",
    "ResnetGenerator", "Sizes", "UntiedBias", "Upsample2d", "UpsampledConv2d", "WganDenseDiscriminator",
    "WganDenseGenerator", "WganGpDiscriminator", "WganGpGenerator", "is_samplewise", "samplewise",
]  # fmt: skip
