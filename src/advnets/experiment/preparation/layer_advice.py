"""What to write where a layer was given a tensor of another shape than it takes, read from the error's traceback."""

import math
from collections.abc import Iterator
from types import FrameType
from typing import Any

from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
OF_IMAGES = (nn.Conv2d, nn.ConvTranspose2d)


def advise_on_layer(error: Exception) -> str:
    """Return what to write where a dense layer or a convolution failed because of its input's shape.

    Args:
        error: What a network raised.

    Returns:
        A sentence that ends with a space, or "" where the shape was not the reason.
    """
    for layer, given in _called_layers(error):
        if isinstance(layer, nn.Linear):
            return _advise_on_dense(layer, given)
        if isinstance(layer, CONVOLUTIONS):
            return _advise_on_convolution(layer, given)
    return ""


def _called_layers(error: Exception) -> Iterator[tuple[Any, Tensor]]:
    """The modules that the error came through, the innermost first, with their inputs."""
    frames: list[FrameType] = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    for frame in reversed(frames):
        layer, given = frame.f_locals.get("self"), frame.f_locals.get("input")
        if isinstance(layer, nn.Module) and isinstance(given, Tensor):
            yield layer, given


def _advise_on_dense(layer: nn.Linear, given: Tensor) -> str:
    if given.shape[-1] == layer.in_features:
        return ""
    found, numbers = f"was given a tensor of shape {tuple(given.shape)}", math.prod(given.shape[1:])
    takes = f"nn.Linear({layer.in_features}, {layer.out_features}) takes rows of {layer.in_features:,} numbers"
    other = "" if numbers == layer.in_features else f"nn.Linear({numbers}, {layer.out_features})"
    if given.ndim <= 2:
        return f"{takes}, and {found}: write {other} in its place. "
    beside = f", and write {other} in its place" if other else ""
    return f"{takes}, and {found}: put nn.Flatten() before it{beside}. "


def _advise_on_convolution(layer: Any, given: Tensor) -> str:
    name, channels = f"nn.{type(layer).__name__}", layer.in_channels
    takes = f"{name} of {channels:,} channels takes a tensor of shape (batch, {channels}, ...)"
    found = f"was given one of shape {tuple(given.shape)}"
    if given.ndim == 2:
        return f"{takes}, and {found}: put {_unflatten(layer, given.shape[1])} before it. "
    if given.ndim >= 3 and given.shape[1] != channels:
        written = f"{name}({given.shape[1]}, {layer.out_channels}, ...)"
        return f"{takes}, and {found}: write {written} in its place. "
    return ""


def _unflatten(layer: Any, numbers: int) -> str:
    """The layer that makes images of rows; their size is written where only squares of these channels fit."""
    channels = layer.in_channels
    side = math.isqrt(numbers // channels)
    if isinstance(layer, OF_IMAGES) and channels * side * side == numbers:
        return f"nn.Unflatten(1, ({channels}, {side}, {side}))"
    return f"nn.Unflatten(1, ({channels}, height, width))" if isinstance(layer, OF_IMAGES) else "nn.Unflatten"
