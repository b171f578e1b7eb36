"""Any network of the user's own as an extractor."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from advnets.averaging import copy_deeply, prepare_sampling
from advnets.errors import BadInput
from advnets.extractors.extractor import expect_features, name_failed_extractor, run_in_parts
from advnets.extractors.image_preprocessing import Preprocessing
from advnets.runs import memory_fingerprint, state_fingerprint

PART = 32
"""Images that are run at once."""


@dataclass(frozen=True, eq=False)
class NetworkExtractor:
    """A frozen copy of a network, in evaluation mode, with the preprocessing of its images.

    Attributes:
        network: (n, c, h, w) floats -> (n, d) floats.
        preprocessing: The map from bytes to these floats.
    """

    network: nn.Module
    preprocessing: Preprocessing

    @cached_property
    def id(self) -> str:
        """The name of its class, the preprocessing, and the SHA-256 of its weights and of all that its modules hold.

        That is every buffer, and each attribute that is a number, a text or a tensor, such as a stride.

        Two classes of one name with the same weights, or with none, have one id: name them differently.
        """
        whole = {"weights": self.network.state_dict(), "memory": memory_fingerprint(self.network)}
        weights = state_fingerprint(whole)
        return f"{type(self.network).__qualname__}; {self.preprocessing}; sha256 {weights}"

    def features(self, values: Tensor) -> Tensor:
        """Compute the network's output.

        Args:
            values: Images, (n, c, h, w) uint8.

        Returns:
            Features, (n, d) float32, on the CPU.

        Raises:
            BadInput: If these are not such images, the network raises anything, or the output is not (n, d).
            NonFinite: If there is a NaN or an Inf.
        """
        self.preprocessing.expect_images(values)
        name = type(self.network).__qualname__
        weights = next(self.network.parameters(), torch.empty(0))

        def run(part: Tensor) -> Tensor:
            prepared = self.preprocessing(part.to(weights.device)).to(weights.dtype)
            with name_failed_extractor(self.network, name):
                features = self.network(prepared)
            return expect_features(features, len(part), name)

        return run_in_parts(run, values, PART)


def network_extractor(network: nn.Module, preprocessing: Preprocessing) -> NetworkExtractor:
    """Return an extractor of a copy of a network, so that training it further changes no measure.

    Args:
        network: Any nn.Module that maps (n, c, h, w) floats to (n, d) floats; it runs where its weights lie. It must
            treat every image by itself: an extractor must not mix the images of a batch, even in evaluation mode.
        preprocessing: How bytes become the network's input.

    Returns:
        The extractor.

    Raises:
        BadInput: If the network is not an nn.Module.

    Example:
        >>> network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        >>> extractor = network_extractor(network, Preprocessing())
        >>> extractor.features(torch.full((2, 3, 8, 8), 255, dtype=torch.uint8)).tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    if not isinstance(network, nn.Module):
        raise BadInput(f"network: found {type(network).__name__}, expected an nn.Module. Wrap the function in one.")
    return NetworkExtractor(prepare_sampling(copy_deeply(network)), preprocessing)
