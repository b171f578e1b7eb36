"""Networks, one file a paper; a row of NETWORKS is a frozen dataclass of settings with `build`."""

from advnets.networks.goodfellow2014 import MaxoutDiscriminator, ReluGenerator
from advnets.networks.layers import Dropout, Maxout

NETWORKS: dict[str, type[ReluGenerator] | type[MaxoutDiscriminator]] = {
    "relu_generator": ReluGenerator,
    "maxout_discriminator": MaxoutDiscriminator,
}

__all__ = ["Dropout", "MaxoutDiscriminator", "Maxout", "NETWORKS", "ReluGenerator"]
