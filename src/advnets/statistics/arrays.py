"""Arrays as statistics take them: tensors or numpy arrays (n, ...), flattened to (n, d), with exact distances."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from advnets.errors import BadInput

Array = Tensor | NDArray[np.generic]


def flatten(array: Array, name: str) -> Tensor:
    """An array (n, ...) as a tensor (n, d) on the device where it lies.

    name: what to call it in an error.
    Raises BadInput if it is empty or has no axis to flatten, holds a NaN or an Inf, or what is no real number.
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
        raise BadInput(f"{name}: found {count} values that are NaN or Inf, expected none. Look where they were made.")
    return tensor.flatten(1)


def _as_tensor(array: NDArray[np.generic], name: str) -> Tensor:
    """An array as a tensor that shares its memory, or a copy where it is read-only, as np.frombuffer gives it."""
    try:
        return torch.from_numpy(array) if array.flags.writeable else torch.tensor(array)
    except (TypeError, ValueError) as found:  # text, objects, dates; numbers of another machine's kind
        raise _no_numbers(name, array.dtype) from found


def _no_numbers(name: str, dtype: object) -> BadInput:
    return BadInput(f"{name}: found the type {dtype}, expected real numbers, such as float32 or uint8. Convert them.")


def expect_same_width(first: Tensor, second: Tensor, names: str) -> None:
    """Raise BadInput unless two tensors (n, d) and (m, d) share d; `names` says which two they are."""
    if first.shape[1] != second.shape[1]:
        found = f"{first.shape[1]} and {second.shape[1]} numbers a row"
        raise BadInput(f"{names}: found {found}, expected as many. Bring both to one size.")


@contextmanager
def full_precision() -> Iterator[None]:
    """Multiply float32 matrices in float32: TF32 would move a log density by up to 1.5 nats."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def squared_distances(x: Tensor, s: Tensor, x_norms: Tensor, *, s_norms: Tensor, out: Tensor | None = None) -> Tensor:
    """Squared distances |x|^2 - 2 x.s + |s|^2 by one matrix product, never below 0.

    x, s: (b, d) and (c, d), near the origin, for the rounding error grows with the norms; x_norms, s_norms: (b, 1) and
    (c,), their squared norms. out: (b, c), overwritten and given back, or None for fresh memory. Gives (b, c).
    """
    return torch.addmm(s_norms, x, s.T, alpha=-2, out=out).add_(x_norms).clamp_(min=0)
