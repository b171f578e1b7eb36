"""A sigmoid layer whose one matrix goes up and down, and the cross-entropy that it is trained by."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class TiedLayer(nn.Module):
    """A layer that encodes and decodes by the same weights: h = sigmoid(x W + b), x' = sigmoid(h W' + c).

    W starts in U(-irange, irange) with irange = 4 sqrt(6 / (visible + hidden)), for sigmoids (X. Glorot and Y. Bengio,
    Understanding the difficulty of training deep feedforward neural networks, 2010); b starts at 0.

    Args:
        visible: Width of x.
        hidden: Width of h.
        mean: Means of x in [0, 1], `visible` numbers, at whose logits c starts; None for 0.
    """

    def __init__(self, visible: int, hidden: int, mean: Tensor | None = None) -> None:
        super().__init__()
        irange = 4 * math.sqrt(6 / (visible + hidden))
        self.weight = nn.Parameter(torch.empty(visible, hidden).uniform_(-irange, irange))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        marginals = torch.full((visible,), 0.5) if mean is None else mean.flatten().float()
        self.visible_bias = nn.Parameter(marginals.clamp(1e-7, 1 - 1e-7).logit())

    def encode(self, x: Tensor) -> Tensor:
        """Return h of x, (batch, hidden).

        Args:
            x: Visible means, (batch, visible).

        Returns:
            Hidden means in [0, 1].
        """
        return torch.addmm(self.hidden_bias, x, self.weight).sigmoid()

    def logits(self, h: Tensor) -> Tensor:
        """Return x' of h before its sigmoid, (batch, visible).

        Args:
            h: Hidden means, (batch, hidden).

        Returns:
            Logits of the visible means.
        """
        return torch.addmm(self.visible_bias, h, self.weight.T)

    def decode(self, h: Tensor) -> Tensor:
        """Return x' of h, (batch, visible).

        Args:
            h: Hidden means, (batch, hidden).

        Returns:
            Visible means in [0, 1].
        """
        return self.logits(h).sigmoid()


def cross_entropy(logits: Tensor, x: Tensor) -> Tensor:
    """Return -sum_i x_i log x'_i + (1 - x_i) log(1 - x'_i) with x' = sigmoid(logits), its mean over the batch.

    Args:
        logits: Logits of the visible means, (batch, visible).
        x: Targets in [0, 1], (batch, visible).

    Returns:
        The cross-entropy in nats, ().
    """
    return functional.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
