"""How many operations the convolutions and matrix products of a computation have."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Operations(TorchDispatchMode):
    """Counts what is multiplied and added within: two operations for each pair of numbers.

    Not torch's FlopCounterMode, which takes the weights' gradient of a convolution in groups for that of a dense one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name == "convolution":
            x, weight, transposed = args[0], args[1], args[6]
            self.count += 2 * _pairs(x if transposed else found, weight)
        elif name == "convolution_backward":
            gy, x, weight, transposed, wanted = args[0], args[1], args[2], args[7], args[10]
            self.count += 2 * _pairs(x if transposed else gy, weight) * sum(wanted[:2])
        elif name in ("mm", "bmm", "addmm"):
            a, b = args[-2:]
            self.count += 2 * a.numel() * b.shape[-1]
        return found


def _pairs(at: Tensor, weight: Tensor) -> int:
    """Each place of each sample, times each weight, of which a group's kernel has its own share."""
    return len(at) * math.prod(at.shape[2:]) * weight.numel()
