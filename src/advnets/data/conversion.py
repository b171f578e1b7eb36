"""Tensors and arrays in memory become the values, labels and given images of a split, or are refused.

Nothing is guessed. Where an array may be read in two ways, the error names both and says how to choose.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.errors import BadInput

CHANNELS = (1, 3, 4)
"""Channels by which the axis of channels is found: grey, RGB, RGB with alpha."""
MAX_CLASSES = 10_000

Values = Tensor | NDArray[Any]


def to_values(values: Values, *, channel_axis: int | None = None, what: str = "values") -> Tensor:
    """Convert images or points to the values of a split.

    The dtype and the number of axes decide what the samples are:

    - uint8 (n, h, w) are grey images.
    - uint8 (n, c, h, w) and (n, h, w, c) are images. The axis of channels is the one of size 1, 3 or 4. Where both axes
      or neither have such a size, it must be named.
    - Floats of three or four axes are images in [0, 1]. They are converted to uint8 where every value is k / 255 up to
      rounding, so that nothing is lost, and refused otherwise.
    - Floats (n, d) are points, rounded to float32.

    Args:
        values: Tensor or array of n samples, 1 or more.
        channel_axis: Axis of the channels of images with four axes, 1 or 3; None finds it by its size.
        what: What the errors call the values.

    Returns:
        uint8 images (n, c, h, w), or float32 points (n, d), on the CPU and in C order.

    Raises:
        BadInput: If the values are of another shape or dtype, or may be read in two ways.
    """
    tensor = _to_tensor(values, what)
    if channel_axis is not None and (channel_axis not in (1, 3) or tensor.dim() != 4):
        raise BadInput(
            f"{what}: found channel_axis={channel_axis} for shape {tuple(tensor.shape)}, expected 1 or 3, for images "
            "of four axes. Leave channel_axis out for other values."
        )
    if tensor.dim() in (3, 4):
        return _channels_first(_to_levels(tensor, what), channel_axis, what).contiguous()
    if tensor.dim() == 2 and tensor.is_floating_point():
        return tensor.float().contiguous()
    raise BadInput(
        f"{what}: found {_kind(tensor)}, expected uint8 images (n, h, w), (n, h, w, c) or (n, c, h, w), or float "
        "points (n, d). Reshape flat images to (n, h, w); convert points to float."
    )


def to_labels(labels: Values, n: int) -> Tensor:
    """Convert class numbers to the labels of a split.

    Args:
        labels: Tensor or array of integers (n,), each in 0 .. `MAX_CLASSES` - 1.
        n: Number of samples.

    Returns:
        The labels, (n,) int64 on the CPU.

    Raises:
        BadInput: If the labels are no integers, of another shape, or out of range.
    """
    tensor = _to_tensor(labels, "labels")
    if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool:
        raise BadInput(
            f"labels: found {_kind(tensor)}, expected integers. Number the classes from 0; if they are whole numbers "
            "already, convert them to int64."
        )
    if tuple(tensor.shape) != (n,):
        raise BadInput(
            f"labels: found shape {tuple(tensor.shape)}, expected ({n},), one label for each sample. Reshape (n, 1) "
            "with labels.reshape(-1), and replace one-hot rows by labels.argmax(1)."
        )
    tensor = tensor.long()
    low, high = (int(tensor.min()), int(tensor.max())) if n else (0, 0)
    if low < 0 or high >= MAX_CLASSES:
        raise BadInput(
            f"labels: found numbers from {low} to {high}, expected 0..{MAX_CLASSES - 1}. Number the classes from 0, "
            "and leave labels out where there are none."
        )
    return tensor.contiguous()


def to_given(given: Values, n: int) -> Tensor:
    """Convert the images that are given beside the samples.

    Args:
        given: Tensor or array of n images, as `to_values` takes them.
        n: Number of samples.

    Returns:
        The images, (n, c', h', w') uint8 on the CPU.

    Raises:
        BadInput: If these are not n images.
    """
    tensor = to_values(given, what="given")
    if tensor.dim() != 4:
        raise BadInput(f"given: found {_kind(tensor)}, expected images. Give class numbers as labels=.")
    if len(tensor) != n:
        raise BadInput(
            f"given: found {len(tensor)} images, expected {n}, one for each sample. Give the image that belongs to "
            "sample i at place i."
        )
    return tensor


def _to_tensor(values: Values, what: str) -> Tensor:
    """A dense tensor on the CPU, without a gradient; the values of an array are copied only where torch demands it."""
    if isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "biuf":
        native = values.dtype.newbyteorder("=")
        return torch.from_numpy(np.require(values, native, ["C_CONTIGUOUS", "WRITEABLE", "ALIGNED"]))
    if isinstance(values, Tensor) and values.layout == torch.strided and not values.is_quantized:
        return values.detach().cpu()
    found = (
        f"an array of {values.dtype}"
        if isinstance(values, np.ndarray)
        else f"an object of type {type(values).__name__}"
    )
    raise BadInput(f"{what}: found {found}, expected a dense torch tensor or NumPy array of numbers. Convert it first.")


def _to_levels(images: Tensor, what: str) -> Tensor:
    """Images as uint8; floats only where they are k / 255."""
    if images.dtype == torch.uint8 or images.numel() == 0:
        return images
    if not images.is_floating_point():
        raise BadInput(
            f"{what}: found {_kind(images)}, expected images of uint8 0..255. Convert levels 0..255 with "
            "values.to(torch.uint8), or values.astype('uint8') of an array."
        )
    levels = (255 * images).round()
    # Quotients were rounded to float32 or to less; a value between two levels is farther from both than that.
    rounding = max(torch.finfo(dtype).eps for dtype in (images.dtype, torch.float32))
    exact = ((images - levels / 255).abs() <= rounding) & (levels >= 0) & (levels <= 255)
    if not bool(exact.all()):
        raise BadInput(_inexact_message(images, what))
    return levels.to(torch.uint8)


def _inexact_message(images: Tensor, what: str) -> str:
    low, high = float(images.min()), float(images.max())
    found = f"{what}: found {_kind(images)}, with values from {low:.4g} to {high:.4g}"
    if low >= 0 and high <= 1:
        return (
            f"{found}, some of which are no k / 255, and images are stored as uint8. Round them yourself: "
            "(255 * values).round().to(torch.uint8)."
        )
    if low >= -1 and high <= 1:
        return (
            f"{found}, expected uint8 images. If they were scaled to [-1, 1], undo it: "
            "(127.5 * (values + 1)).round().to(torch.uint8)."
        )
    return f"{found}, expected uint8 0..255. Bring them to the levels 0..255 and convert them to uint8."


def _channels_first(images: Tensor, channel_axis: int | None, what: str) -> Tensor:
    if images.dim() == 3:
        return images[:, None]
    axis = channel_axis or _find_channels(tuple(images.shape), what)
    return images if axis == 1 else images.permute(0, 3, 1, 2)


def _find_channels(shape: tuple[int, ...], what: str) -> int:
    found = [axis for axis in (1, 3) if shape[axis] in CHANNELS]
    if len(found) == 1:
        return found[0]
    which = "both axis 1 and axis 3" if found else "neither axis 1 nor axis 3"
    raise BadInput(
        f"{what}: found images of shape {shape}, of which {which} may hold the channels (1, 3 or 4). Say which it is: "
        "Dataset.of(values, channel_axis=1), or 3."
    )


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
