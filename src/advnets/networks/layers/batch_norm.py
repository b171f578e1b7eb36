"""Batch normalisation of the global batch, however many processes share it."""

from typing import Any

import torch
from torch import Tensor, distributed as dist, nn

from advnets import distributed


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation of units or of maps, whose moments are of the global batch, in all processes alike.

    Ioffe and Szegedy 2015, "Batch normalization", Algorithm 1. In one process it is torch's own. In several, the
    moments are averaged over the equal parts of the batch, differentiably, so that gradients are those of one process
    with the whole batch. Not `nn.SyncBatchNorm`, which needs a GPU.

    Args:
        units: Width of x, (batch, units), or its maps, (batch, units, h, w).
        eps: What is added to the variance.
        affine: Whether a learnt gain and bias follow.
    """

    def __init__(self, units: int, *, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__(units, eps=eps, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise by the moments of the global batch while training, and by the running moments otherwise.

        Args:
            x: (batch, units) or (batch, units, h, w).

        Returns:
            The normalised numbers, of the same shape.
        """
        if not self.training or distributed.world_size() == 1:
            normalised: Tensor = super().forward(x)
            return normalised
        x = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
        others = [dim for dim in range(x.ndim) if dim != 1]
        mean = mean_over_processes(x.mean(others, keepdim=True))
        variance = mean_over_processes((x - mean).square().mean(others, keepdim=True))
        n = x.numel() // x.shape[1] * distributed.world_size()
        self._update(mean.detach().flatten(), variance.detach().flatten(), n)
        scaled = (x - mean) * (variance + self.eps).rsqrt()
        return scaled * self.weight.view_as(mean[:1]) + self.bias.view_as(mean[:1]) if self.affine else scaled

    def _check_input_dim(self, input: Tensor) -> None:
        """Whatever has units or maps as its second axis is normalised."""

    @torch.no_grad()
    def _update(self, mean: Tensor, variance: Tensor, n: int) -> None:
        """Move the running moments, the variance by its unbiased estimate, as torch does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum or 0.0)
        self.running_var.lerp_((variance * n / (n - 1)).to(self.running_var.dtype), self.momentum or 0.0)


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation with a gain and a bias for each class.

    Dumoulin, Shlens, Kudlur, "A learned representation for artistic style", 2017, equation 5; Miyato and Koyama 2018
    for generators. The moments are of the whole batch, whatever its classes.

    Args:
        units: Maps of x, (batch, units, h, w).
        classes: Number of classes.
        eps: What is added to the variance.
    """

    def __init__(self, units: int, classes: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.norm = BatchNorm(units, eps=eps, affine=False)
        self.gain, self.bias = nn.Embedding(classes, units), nn.Embedding(classes, units)
        nn.init.ones_(self.gain.weight)
        nn.init.zeros_(self.bias.weight)

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        """Normalise maps, then scale and shift them by the numbers of each sample's class.

        Args:
            x: Maps, (batch, units, h, w).
            given: Labels, (batch,) int64.

        Returns:
            The maps, of the same shape.
        """
        y: Tensor = self.norm(x) * self.gain(given)[:, :, None, None] + self.bias(given)[:, :, None, None]
        return y


def mean_over_processes(tensor: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes; gradients pass, and are summed over the processes.

    Args:
        tensor: Of one shape in all processes.

    Returns:
        The mean, the same in all of them.
    """
    total: Tensor = _SumOverProcesses.apply(tensor)  # type: ignore[no-untyped-call]
    return total / distributed.world_size()


class _SumOverProcesses(torch.autograd.Function):
    """The sum over all processes, whose gradient is the sum of theirs, and so on for higher derivatives."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        """Sum a tensor over all processes."""
        total = tensor.detach().clone()
        with distributed.expect_all_processes():
            dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Sum its gradient over all processes."""
        summed: Tensor = _SumOverProcesses.apply(gradient.contiguous())  # type: ignore[no-untyped-call]
        return summed
