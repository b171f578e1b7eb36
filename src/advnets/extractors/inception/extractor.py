"""The Inception network as an extractor: it maps bytes to features or logits, by the convention that is named."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from advnets.errors import unknown
from advnets.extractors.extractor import expect_features, expect_images, run_in_parts
from advnets.extractors.image_preprocessing import (
    resize_as_tensorflow,
    resize_bicubic,
    resize_bilinear,
    resize_bilinear_antialiased,
)
from advnets.extractors.inception import weights as files
from advnets.extractors.inception.network import InceptionNetwork
from advnets.runs import state_fingerprint

SIZE = (299, 299)
PART = 16
"""Images that are run at once, with 70 MB of activations."""

PREPARATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tensorflow": lambda x: (resize_as_tensorflow(x, SIZE) - 128) / 128,
    "pytorch-fid": lambda x: 2 * resize_bilinear(x / 255, SIZE) - 1,
    "clean-fid": lambda x: (resize_bicubic(x, SIZE) - 128) / 128,
    "torchmetrics": lambda x: (resize_bilinear_antialiased(x, SIZE) - 128) / 128,
}
"""Maps from bytes as floats (n, 3, h, w) to the network's input, by convention. torch-fidelity's is `tensorflow`."""


@dataclass(frozen=True, eq=False)
class Inception:
    """The Inception network with its weights and the preparation of its images.

    Attributes:
        network: The network, in evaluation mode.
        convention: A row of PREPARATIONS.
    """

    network: InceptionNetwork
    convention: str

    @cached_property
    def id(self) -> str:
        """Architecture, convention and SHA-256 of the weights, the same from a .pth and from a .safetensors."""
        state = files.drop_batch_counts(self.network.state_dict())
        prepared = f"resized to 299x299 and scaled as in {self.convention}, grey as three channels"
        return f"inception-2015-12-05; {prepared}; sha256 {state_fingerprint(state)}"

    def features(self, values: Tensor) -> Tensor:
        """Compute the averages of the last block, "pool3".

        Args:
            values: Images, (n, 1 or 3, h, w) uint8, of any size.

        Returns:
            Features, (n, 2048) float32.

        Raises:
            BadInput: If these are not such images.
            NonFinite: If there is a NaN or an Inf.
        """
        return self._run_in_parts(self.network.features, values)

    def logits(self, images: Tensor) -> Tensor:
        """Compute the logits without bias.

        Args:
            images: Images, (n, 1 or 3, h, w) uint8, of any size.

        Returns:
            Logits, (n, 1008) float32.

        Raises:
            BadInput: If these are not such images.
            NonFinite: If there is a NaN or an Inf.
        """
        return self._run_in_parts(self.network, images)

    def _run_in_parts(self, network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        expect_images(images, (1, 3), "(n, 1, h, w) or (n, 3, h, w)")
        device = self.network.fc.weight.device
        prepare = PREPARATIONS[self.convention]
        features = run_in_parts(lambda part: network(prepare(_expand_to_rgb(part.to(device).float()))), images, PART)
        return expect_features(features, len(images), "inception")


def inception_extractor(
    weights: Path | None = None, *, convention: str = "tensorflow", device: str | torch.device = "cpu"
) -> Inception:
    """Return the extractor of the Frechet Inception Distance and the Inception Score.

    M. Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash equilibrium, 2017, section
    3; T. Salimans et al., Improved techniques for training GANs, 2016, section 4.

    Args:
        weights: Path of the published file, or of a .safetensors made of it. None takes it from the cache, or downloads
            it.
        convention: How images are resized and scaled, a row of PREPARATIONS; the paper's is `tensorflow`. Distances by
            two conventions are not to be compared, and their ids differ.
        device: Where the network runs.

    Returns:
        The extractor.

    Raises:
        BadInput: If the convention is unknown, or the weights are of another network.
        Missing: If the file cannot be read or downloaded.
        Damaged: If the file's bytes are not those published.
    """
    if convention not in PREPARATIONS:
        raise unknown("Inception convention", convention, PREPARATIONS)
    path = weights or files.fetch_weights()
    state = files.read_weights(path)
    with torch.device("meta"):  # initial weights would be drawn for nothing
        network = InceptionNetwork()
    files.expect_inception_weights(state, network.state_dict(), str(path))
    counts = {name: torch.tensor(0) for name in network.state_dict() if name.endswith("num_batches_tracked")}
    network.load_state_dict({**counts, **state}, assign=True)
    return Inception(network.eval().requires_grad_(False).to(device), convention)


def _expand_to_rgb(images: Tensor) -> Tensor:
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
