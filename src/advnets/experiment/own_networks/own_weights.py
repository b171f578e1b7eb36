"""The weights of networks of one's own as a file: a plain state dict in safetensors, and what they are in words."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from advnets import runs
from advnets.errors import NonFinite, Unsupported
from advnets.experiment.run_record import RunRecord

NOTE = "A state dict: build the network by your own code, and give these tensors to its load_state_dict."


def export_own_weights(
    record: RunRecord, step: int, average: Mapping[str, Any], path: Path, *, half: bool, licence: str, notes: str
) -> str:
    """Write the averaged generator of a run of one's own networks as safetensors.

    The file's metadata say what the tensors are: the game in words, the step, the data and their transform. Nothing
    of it is code, and any reader of safetensors opens it. Of a cycle the names begin with there. and back.

    Args:
        record: What recipe.json says of the run.
        step: The step of the weights.
        average: The averaged weights of a checkpoint: {"": tensors by name}, or those of both ways of a cycle.
        path: The file, which must not be there.
        half: Whether floats are written in half precision.
        licence: Your words, in the metadata.
        notes: Your words, in the metadata.

    Returns:
        What the file is, in words.

    Raises:
        Unsupported: For a file that does not end in .safetensors.
        BadInput: If the file is there.
        NonFinite: If a tensor is not finite, or is not in half precision.
    """
    if path.suffix != ".safetensors":
        raise Unsupported(f"{path}: expected a name that ends in .safetensors. Name another file.")
    runs.expect_new(path, ".safetensors")
    tensors = {name: _prepare(name, tensor, half, path) for name, tensor in _tensors_by_name(average).items()}
    told = {
        "format": runs.share.WEIGHTS, "note": NOTE, "step": step, "advnets": version("advnets"),
        "recipe": record.recipe.name,
        "transform": record.recipe.transform, "data": {"name": record.data.name, "shape": record.data.shape},
        "game": record.game, "licence": licence, "notes": notes,
    }  # fmt: skip
    metadata = {name: item if isinstance(item, str) else json.dumps(item) for name, item in told.items()}
    runs.write_new(path, save(tensors, metadata))
    return NOTE


def _tensors_by_name(average: Mapping[str, Any]) -> dict[str, Tensor]:
    return {f"{way}.{name}" if way else name: tensor for way, held in average.items() for name, tensor in held.items()}


def _prepare(name: str, tensor: Tensor, half: bool, path: Path) -> Tensor:
    kept = tensor.detach().cpu().contiguous().clone()
    kept = kept.half() if half and kept.is_floating_point() else kept
    if kept.is_floating_point() and not torch.isfinite(kept).all():
        why = " in half precision, which ends at 65,504" if half else ""
        raise NonFinite(f"{path}: NaN or Inf in tensor {name}{why}; expected finite numbers")
    return kept
