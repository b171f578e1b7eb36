"""The Inception network as an extractor: bytes in, features or logits out, by the convention that is named."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from advnets.errors import unknown
from advnets.extractors.extractor import expect_features, expect_images, in_parts
from advnets.extractors.image_preprocessing import bicubic, bilinear, bilinear_antialiased, tensorflow
from advnets.extractors.inception import weights as files
from advnets.extractors.inception.network import InceptionNetwork
from advnets.runs import state_fingerprint

SIZE = (299, 299)
PART = 16
"""Images that go through at once: 70 MB of activations."""

PREPARATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tensorflow": lambda x: (tensorflow(x, SIZE) - 128) / 128,
    "pytorch-fid": lambda x: 2 * bilinear(x / 255, SIZE) - 1,
    "clean-fid": lambda x: (bicubic(x, SIZE) - 128) / 128,
    "torchmetrics": lambda x: (bilinear_antialiased(x, SIZE) - 128) / 128,
}
"""Bytes as floats (n, 3, h, w) -> what the network sees, by whose convention; `tensorflow` is also torch-fidelity's."""


@dataclass(frozen=True, eq=False)
class Inception:
    """The network with its weights, and how images are prepared for it.

    network: in evaluation mode. convention: a row of PREPARATIONS.
    """

    network: InceptionNetwork
    convention: str

    @cached_property
    def id(self) -> str:
        """Architecture, convention and the SHA-256 of the weights, the same from a .pth and from a .safetensors."""
        state = {name: t for name, t in self.network.state_dict().items() if not name.endswith("num_batches_tracked")}
        prepared = f"resized to 299x299 and scaled as in {self.convention}, grey as three channels"
        return f"inception-2015-12-05; {prepared}; sha256 {state_fingerprint(state)}"

    def features(self, values: Tensor) -> Tensor:
        """Averages of the last block, "pool3", (n, 2048) float32, of images (n, 1 or 3, h, w) uint8 of any size."""
        return self._in_parts(self.network.features, values)

    def logits(self, images: Tensor) -> Tensor:
        """Logits without bias, (n, 1008) float32, of such images."""
        return self._in_parts(self.network, images)

    def _in_parts(self, way: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        expect_images(images, (1, 3), "(n, 1, h, w) or (n, 3, h, w)")
        device = self.network.fc.weight.device
        prepare = PREPARATIONS[self.convention]
        made = in_parts(lambda part: way(prepare(_expand_to_rgb(part.to(device).float()))), images, PART)
        return expect_features(made, len(images), "inception")


def inception_extractor(
    weights: Path | None = None, *, convention: str = "tensorflow", device: str | torch.device = "cpu"
) -> Inception:
    """The extractor of the Frechet Inception Distance and the Inception Score.

    M. Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash equilibrium, 2017, section
    3; T. Salimans et al., Improved techniques for training GANs, 2016, section 4.
    weights: path of the published file, or of a .safetensors made of it; None takes it from the cache, or downloads
    it. convention: how images are resized and scaled, a row of PREPARATIONS; the paper's is `tensorflow`. Distances by
    two conventions are not to be compared, and their ids differ. device: where the network runs.
    Raises BadInput for an unknown convention or weights of another network; Missing or Damaged as `weights.read_weights` does.
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
