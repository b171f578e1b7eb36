"""A sigmoid layer whose one matrix goes up and down."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class TiedLayer(nn.Module):
    """h = sigmoid(x W + b), x' = sigmoid(h W' + c).

    W starts in U(-irange, irange) with irange = 4 sqrt(6 / (visible + hidden)) (Glorot & Bengio 2010, "Understanding
    the difficulty of training deep feedforward neural networks", for sigmoids), b and c at 0.

    visible, hidden: x is (batch, visible), h is (batch, hidden). mean: where c starts instead, of the marginals, or
    None.
    """

    def __init__(self, visible: int, hidden: int, mean: Tensor | None = None) -> None:
        super().__init__()
        irange = 4 * math.sqrt(6 / (visible + hidden))
        self.weight = nn.Parameter(torch.empty(visible, hidden).uniform_(-irange, irange))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        marginals = torch.full((visible,), 0.5) if mean is None else mean.flatten().float()
        self.visible_bias = nn.Parameter(marginals.clamp(1e-7, 1 - 1e-7).logit())

    def encode(self, x: Tensor) -> Tensor:
        """h of x."""
        return torch.addmm(self.hidden_bias, x, self.weight).sigmoid()

    def logits(self, h: Tensor) -> Tensor:
        """x' of h, before its sigmoid."""
        return torch.addmm(self.visible_bias, h, self.weight.T)

    def decode(self, h: Tensor) -> Tensor:
        """x' of h: expectations in [0, 1]."""
        return self.logits(h).sigmoid()


def cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    """-sum_i x_i log x'_i + (1 - x_i) log(1 - x'_i), nats, its mean over the batch, (); x' = sigmoid(logits)."""
    return functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
