"""Random weights for the Inception network, of a size that lets signals through all its layers."""

import math
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from advnets.extractors.inception import InceptionNetwork


@cache
def state() -> dict[str, Tensor]:
    """Weights and statistics by name, all of them drawn, so that none can be left out unnoticed."""
    with torch.device("meta"):
        wanted = InceptionNetwork().state_dict()
    rng = torch.Generator().manual_seed(0)
    return {name: _drawn(name, tensor.shape, rng) for name, tensor in wanted.items()}


def _drawn(name: str, shape: torch.Size, rng: torch.Generator) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    numbers = torch.rand(shape, generator=rng)
    if name.endswith(("bn.weight", "running_var")):
        return 0.5 + numbers
    if name.endswith(("bn.bias", "running_mean", "fc.bias")):
        return 0.2 * numbers - 0.1
    fan_in = math.prod(shape[1:])
    return (2 * numbers - 1) * math.sqrt(6 / fan_in)


def saved(path: Path) -> Path:
    """The weights in a safetensors file."""
    save_file(state(), path)
    return path
