"""What the tensors of a split have to be."""

import torch
from torch import Tensor

from advnets.errors import BadInput, NonFinite


def expect_values(values: Tensor) -> None:
    """Expect stored images, or finite points; raises BadInput for others, and NonFinite for a NaN or an Inf."""
    images = values.dtype == torch.uint8 and values.dim() == 4
    points = values.dtype == torch.float32 and values.dim() == 2
    if not (images or points) or values.numel() == 0:
        raise BadInput(
            f"values of a split: found {values.dtype} of shape {tuple(values.shape)}, expected at least one sample of "
            "uint8 images (n, c, h, w) or float32 points (n, d). Convert images to uint8 0..255 first."
        )
    if points and not bool(values.isfinite().all()):
        row = int((~values.isfinite()).any(dim=1).nonzero()[0])
        raise NonFinite(f"values of a split: point {row} has a NaN or an Inf. Remove such points first.")


def expect_labels(labels: Tensor, n: int) -> None:
    """Expect a class number for each of n samples; raises BadInput for anything else."""
    if labels.dtype != torch.int64 or tuple(labels.shape) != (n,):
        raise BadInput(
            f"labels of a split: found {labels.dtype} of shape {tuple(labels.shape)}, expected int64 of shape ({n},), "
            "one per sample. Convert with labels.long() and check that every sample has one."
        )
    if int(labels.min()) < 0:
        raise BadInput(f"labels of a split: found {int(labels.min())}, expected 0 or more. Number the classes from 0.")


def expect_given(given: Tensor, values: Tensor, *, is_paired: bool) -> None:
    """Expect stored images beside samples, one for each of them where they are pairs; raises BadInput for others."""
    fits = len(given) == len(values) or not is_paired
    if given.dtype != torch.uint8 or given.dim() != 4 or not fits or given.numel() == 0:
        raise BadInput(
            f"given images of a split: found {given.dtype} of shape {tuple(given.shape)}, expected uint8 of shape "
            f"({len(values)}, c, h, w), one image for each sample. Convert them to uint8 0..255 first."
        )
    if values.dtype != torch.uint8:
        raise BadInput(
            "given images of a split: found points as samples, expected images. Give images beside images, or leave "
            "given out."
        )
