"""An exponential moving average of what is sampled, the one that is drawn and measured."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class MovingAverage:
    """The average of one or several networks' parameters.

        theta_ema <- theta + 2^(-batch / half_life) (theta_ema - theta),        half-life in images

    Counting images, not steps, keeps the average the same when the batch size changes (Karras et al. 2018, "Progressive
    Growing of GANs"). Floating buffers, such as the statistics of batch normalisation, are averaged alike; integer ones
    are copied.

    Args:
        makers: The networks that are averaged, by name; copies are made of them.
        half_life: Images after which an old value has half its weight; 0 follows the networks exactly. It may be set
            anew before each update.
    """

    def __init__(self, makers: Mapping[str, nn.Module], half_life: float) -> None:
        self.makers = {name: copy.deepcopy(network).eval().requires_grad_(False) for name, network in makers.items()}
        self.half_life = half_life

    @torch.no_grad()
    def update(self, makers: Mapping[str, nn.Module], images: int) -> None:
        """Move the average towards networks that have just been trained.

        Args:
            makers: The networks, by the names of the average's.
            images: Images that they were trained on since the last update.
        """
        share = 1 - 0.5 ** (images / self.half_life) if self.half_life > 0 else 1.0
        pairs = list(zip(_tensors(self.makers), _tensors(makers), strict=True))
        floating = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
        torch._foreach_lerp_([mean for mean, _ in floating], [now for _, now in floating], share)
        for mean, now in pairs:
            if not mean.is_floating_point():
                mean.copy_(now)

    def state(self) -> dict[str, dict[str, Any]]:
        """Return the averaged tensors of each network by name."""
        return {name: dict(network.state_dict()) for name, network in self.makers.items()}

    def load(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Take back what `state` returned.

        Args:
            state: The tensors of each network.
        """
        for name, network in self.makers.items():
            network.load_state_dict(state[name])


def _tensors(makers: Mapping[str, nn.Module]) -> list[Tensor]:
    return [tensor.detach() for network in makers.values() for tensor in (*network.parameters(), *network.buffers())]
