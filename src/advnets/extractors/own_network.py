"""Any network of the user's own as an extractor."""

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.extractors.extractor import expect_features, in_parts
from advnets.extractors.image_preprocessing import Preprocessing
from advnets.runs import state_fingerprint

PART = 32
"""Images that go through at once."""


@dataclass(frozen=True, eq=False)
class NetworkExtractor:
    """A frozen copy of a network, in evaluation mode, and how images are prepared for it.

    network: (n, c, h, w) floats -> (n, d) floats. preprocessing: from bytes to these floats.
    """

    network: nn.Module
    preprocessing: Preprocessing

    @cached_property
    def id(self) -> str:
        """The name of its class, the preprocessing, and the SHA-256 of its weights.

        Two classes of one name with the same weights, or none, have one id: name them apart.
        """
        weights = state_fingerprint(self.network.state_dict())
        return f"{type(self.network).__qualname__}; {self.preprocessing}; sha256 {weights}"

    def features(self, values: Tensor) -> Tensor:
        """(n, c, h, w) uint8 -> (n, d) float32, on the CPU.

        Raises BadInput for what are not such images, and for an output that is not (n, d); NonFinite for NaN or Inf.
        """
        self.preprocessing.expect_images(values)
        name = type(self.network).__qualname__
        weights = next(self.network.parameters(), torch.empty(0))

        def way(part: Tensor) -> Tensor:
            prepared = self.preprocessing(part.to(weights.device)).to(weights.dtype)
            return expect_features(self.network(prepared), len(part), name)

        return in_parts(way, values, PART)


def network_extractor(network: nn.Module, preprocessing: Preprocessing) -> NetworkExtractor:
    """An extractor of a network: a copy of it as it is now, so that training it further changes no measure.

    network: any nn.Module that makes (n, d) floats of (n, c, h, w) floats; it runs where its weights lie. It has to
    treat every image by itself: what mixes images of a batch, even in evaluation mode, breaks the contract of
    extractors. preprocessing: how bytes become what it sees. Raises BadInput for what is no nn.Module.
    """
    if not isinstance(network, nn.Module):
        raise BadInput(f"network: found {type(network).__name__}, expected an nn.Module. Wrap the function in one.")
    return NetworkExtractor(copy.deepcopy(network).eval().requires_grad_(False), preprocessing)
