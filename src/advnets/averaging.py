"""An exponential moving average of a network's parameters, which is the network that is sampled and measured."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class MovingAverage:
    """An exponential moving average of a network, with its half-life in images.

        theta_ema <- theta + 2^(-batch / half_life) (theta_ema - theta)

    Counting images, not steps, keeps the average the same when the batch size changes (Karras et al. 2018, "Progressive
    Growing of GANs"). Floating buffers, such as the statistics of batch normalisation, are averaged too; integer ones
    are copied.

    Args:
        network: The network, which is copied.
        half_life: Images after which an old value has half its weight; 0 follows the network exactly.
    """

    def __init__(self, network: nn.Module, half_life: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, network: nn.Module, images: int) -> None:
        """Move the average towards the network.

        Args:
            network: The network, after a step of training.
            images: Images of that step.
        """
        share = 1 - 0.5 ** (images / self.half_life) if self.half_life > 0 else 1.0
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        floating = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
        torch._foreach_lerp_([mean for mean, _ in floating], [now for _, now in floating], share)
        for mean, now in pairs:
            if not mean.is_floating_point():
                mean.copy_(now)

    def state(self) -> dict[str, Any]:
        """Return the averaged tensors by name."""
        return dict(self.network.state_dict())

    def load(self, state: Mapping[str, Any]) -> None:
        """Set the averaged tensors to those that `state` returned.

        Args:
            state: The tensors by name.
        """
        self.network.load_state_dict(state)


def _tensors(network: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]
