"""Networks, one file a paper; a row of NETWORKS is a frozen dataclass of settings with `build`."""

from advnets.networks.goodfellow2014 import MaxoutDiscriminator, ReluGenerator
from advnets.networks.layers import Dropout, Maxout
from advnets.networks.resampling import UpsampledConv2d

NETWORKS: dict[str, type[ReluGenerator] | type[MaxoutDiscriminator]] = {
    "relu_generator": ReluGenerator,
    "maxout_discriminator": MaxoutDiscriminator,
}

__all__ = ["Dropout", "MaxoutDiscriminator", "Maxout", "NETWORKS", "ReluGenerator", "UpsampledConv2d"]
