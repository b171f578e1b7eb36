"""How many operations a computation has in convolutions and matrix products, and how many a device makes a second."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

SIDE = {"cuda": 8192, "cpu": 512}
"""Of the matrices that a device is measured with."""
ROUNDS = 8


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


def wait(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_rates(device: torch.device) -> dict[str, float]:
    """Operations a second of a product of square matrices, the best of some rounds, by the type of the product."""
    side, found = SIDE[device.type], {}
    for name, kind, precision in (
        ("float32", torch.float32, "highest"), ("TF32", torch.float32, "high"), ("bfloat16", torch.bfloat16, "highest")
    ):  # fmt: skip
        torch.set_float32_matmul_precision(precision)
        factor, least = torch.randn(side, side, device=device).to(kind), math.inf
        for _ in range(ROUNDS):
            wait(device)
            began = time.perf_counter()
            torch.mm(factor, factor)
            wait(device)
            least = min(least, time.perf_counter() - began)
        found[name] = 2 * side**3 / least
    torch.set_float32_matmul_precision("highest")
    return found
