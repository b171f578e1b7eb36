"""Arrays that statistics take: tensors or numpy arrays (n, ...), flattened to (n, d), and their squared distances."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.errors import BadInput

Array = Tensor | NDArray[np.generic]
Floats = NDArray[np.float64]


def flatten(array: Array, name: str) -> Tensor:
    """Return an array (n, ...) as a tensor (n, d) on the device where it lies.

    Args:
        array: One sample a row, (n, ...), of real numbers, with n > 0 and one axis or more after the first.
        name: What to call the array in an error.

    Returns:
        The rows, (n, d). They share the array's memory where torch can share it.

    Raises:
        BadInput: If the array is empty, has no axis to flatten, holds a NaN or an Inf, or is not of real numbers.
    """
    tensor = array.detach() if isinstance(array, Tensor) else _as_tensor(np.ascontiguousarray(array), name)
    if tensor.is_complex():
        raise _no_numbers(name, tensor.dtype)
    if tensor.ndim < 2 or tensor.numel() == 0:
        found = tuple(tensor.shape)
        raise BadInput(f"{name}: found an array of shape {found}, expected (n, ...) with n > 0. Give one row a sample.")
    # A NaN or an Inf makes its sum one too. A sum is 30 times as fast as a look at every number, which is
    # left for sums that are not: of such numbers, or too large for their type.
    if tensor.is_floating_point() and not math.isfinite(float(tensor.sum())) and not bool(tensor.isfinite().all()):
        count = int((~torch.isfinite(tensor)).sum())
        raise BadInput(f"{name}: found {count} values that are NaN or Inf, expected none. Check their source.")
    return tensor.flatten(1)


def _as_tensor(array: NDArray[np.generic], name: str) -> Tensor:
    """Return an array as a tensor that shares its memory, or as a copy if it is read-only."""
    try:
        return torch.from_numpy(array) if array.flags.writeable else torch.tensor(array)
    except (TypeError, ValueError) as found:  # text, objects, dates; numbers of another machine's kind
        raise _no_numbers(name, array.dtype) from found


def _no_numbers(name: str, dtype: object) -> BadInput:
    return BadInput(f"{name}: found the type {dtype}, expected real numbers, such as float32 or uint8. Convert them.")


def expect_same_width(first: Tensor, second: Tensor, names: str) -> None:
    """Raise BadInput unless two matrices have the same number of columns.

    Args:
        first: Rows, (n, d).
        second: Rows, (m, d).
        names: What to call the two in an error.

    Raises:
        BadInput: If the widths differ.
    """
    if first.shape[1] != second.shape[1]:
        found = f"{first.shape[1]} and {second.shape[1]} numbers a row"
        raise BadInput(f"{names}: found {found}, expected the same width. Bring both to one size.")


@contextmanager
def full_precision() -> Iterator[None]:
    """Multiply float32 matrices in float32 while the context is open.

    TF32 would move a log density by up to 1.5 nats.

    Yields:
        Nothing. The setting of before is back after the context.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def squared_distances(x: Tensor, s: Tensor, x_norms: Tensor, *, s_norms: Tensor, out: Tensor | None = None) -> Tensor:
    """Compute squared distances |x|^2 - 2 x.s + |s|^2 by one matrix product, never below 0.

    The rounding error grows with the norms, so the points should lie near the origin.

    Args:
        x: Points, (b, d).
        s: Points, (c, d).
        x_norms: Squared norms of x, (b, 1).
        s_norms: Squared norms of s, (c,).
        out: Memory for the result, (b, c), which is overwritten; None takes fresh memory.

    Returns:
        The squared distances, (b, c).
    """
    return torch.addmm(s_norms, x, s.T, alpha=-2, out=out).add_(x_norms).clamp_(min=0)
