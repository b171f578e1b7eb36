"""An exponential moving average of a network's parameters, the one that is sampled and measured."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class MovingAverage:
    """theta_ema <- theta + 2^(-batch / half_life) (theta_ema - theta), half-life in images.

    Counting images, not steps, keeps the average the same when the batch size changes
    (Karras et al. 2018, "Progressive Growing of GANs"). Floating buffers, such as the statistics of batch
    normalisation, are averaged alike; integer ones are copied.

    half_life: images after which an old value has half its weight; 0 follows the network exactly.
    """

    def __init__(self, network: nn.Module, half_life: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, network: nn.Module, images: int) -> None:
        """Move the average towards `network`, which has just been trained on `images` more images."""
        share = 1 - 0.5 ** (images / self.half_life) if self.half_life > 0 else 1.0
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        floating = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
        torch._foreach_lerp_([mean for mean, _ in floating], [now for _, now in floating], share)
        for mean, now in pairs:
            if not mean.is_floating_point():
                mean.copy_(now)

    def state(self) -> dict[str, Any]:
        """The averaged tensors by name."""
        return dict(self.network.state_dict())

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.network.load_state_dict(state)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]
