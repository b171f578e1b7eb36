"""Which type the networks' products have: as a recipe says, or as a short measurement on the device decides."""

import time
from functools import cache

import torch

from advnets.games.playable import PRECISIONS

AUTO = "auto"
"""The precision that is measured."""
WORTH = 1.5
"""How many times as fast bfloat16 must be, so that it is worth its coarser numbers."""
SIDE, ROUNDS = 512, 5


def settle_precision(precision: str, device: torch.device) -> str:
    """Return a precision that is not "auto": bfloat16 where the device multiplies it natively, otherwise float32.

    A processor that has no bfloat16 of its own converts it, which is slower than float32; one that has it (AMX,
    AVX512_BF16, a GPU since 2020) takes a half to a tenth of the time. Which it is, a product of two matrices tells in
    some milliseconds, once a process and device.

    Args:
        precision: A row of PRECISIONS, or "auto".
        device: Where the networks are.

    Returns:
        A row of PRECISIONS.
    """
    if precision != AUTO:
        return precision
    return "bfloat16" if bfloat16_speedup(device) >= WORTH else "float32"


def describe_speedup(ratio: float) -> str:
    """Say how fast products in bfloat16 are.

    Args:
        ratio: What `bfloat16_speedup` returned.

    Returns:
        The words.

    Example:
        >>> print(describe_speedup(0.5))
        bfloat16 products take 2.0 times as long as float32's here
    """
    if not ratio:
        return "it is not measured here"
    if ratio < 1:
        return f"bfloat16 products take {1 / ratio:.1f} times as long as float32's here"
    only = "only " if ratio < WORTH else ""
    return f"bfloat16 products are {only}{ratio:.1f} times as fast as float32's here"


@cache
def bfloat16_speedup(device: torch.device) -> float:
    """Measure how many times as fast a device multiplies bfloat16 as float32.

    Args:
        device: The device; on one that is neither a CPU nor a CUDA GPU nothing is measured.

    Returns:
        The ratio of the shortest of some rounds each; 0 where nothing is measured.
    """
    if device.type not in ("cpu", "cuda"):
        return 0.0
    seconds = dict.fromkeys(PRECISIONS, float("inf"))
    with torch.inference_mode():
        factors = {name: torch.ones(SIDE, SIDE, dtype=kind, device=device) for name, kind in PRECISIONS.items()}
        for _ in range(ROUNDS):  # interleaved, so that other work on the machine slows both
            for name, factor in factors.items():
                begin = time.perf_counter()
                product = factor @ factor
                float(product[0, 0])  # waits for a GPU
                seconds[name] = min(seconds[name], time.perf_counter() - begin)
    return seconds["float32"] / seconds["bfloat16"]
