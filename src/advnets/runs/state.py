"""The state of a training as named tensors and JSON, as bytes, and as a fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load as load_tensors, save as tensors_as_bytes
from torch import Tensor


def flatten_state(state: Any, prefix: str = "", tensors: dict[str, Tensor] | None = None) -> Any:
    """Split a state into named tensors, and JSON that refers to them.

    Dicts become lists of pairs, so that integer keys stay integers; tuples come back as lists.

    Args:
        state: Nested dicts, lists and tuples of tensors, numbers, texts and None.
        prefix: Path of this part in the whole.
        tensors: Where the tensors are put, by name.

    Returns:
        A value of JSON.

    Raises:
        TypeError: If a value is neither a tensor nor JSON.
    """
    tensors = {} if tensors is None else tensors
    if isinstance(state, Tensor):
        # The number keeps apart what paths do not: the keys 1 and "1", or "a/b" and "b" under "a".
        name = f"{len(tensors)}:{prefix.lstrip('/')}"
        tensors[name] = state.detach().cpu().contiguous()
        return {"tensor": name}
    if isinstance(state, Mapping):
        return {"dict": [[key, flatten_state(value, f"{prefix}/{key}", tensors)] for key, value in state.items()]}
    if isinstance(state, list | tuple):
        return {"list": [flatten_state(value, f"{prefix}/{place}", tensors) for place, value in enumerate(state)]}
    if state is None or isinstance(state, bool | int | float | str):
        return state
    raise TypeError(f"{prefix} is a {type(state).__name__}; expected tensors, numbers, texts, None, lists or dicts")


def unflatten_state(plain: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return what `flatten_state` was given.

    Args:
        plain: The JSON that it returned.
        tensors: The tensors, by name.

    Returns:
        The state.
    """
    if isinstance(plain, dict):
        (kind, content), *_ = plain.items()
        if kind == "tensor":
            return tensors[content]
        if kind == "dict":
            return {key: unflatten_state(value, tensors) for key, value in content}
        return [unflatten_state(value, tensors) for value in content]
    return plain


def pack_state(state: Any) -> bytes:
    """Return a state as bytes for another process: the length of its JSON, the JSON, the tensors.

    Args:
        state: What `flatten_state` takes.

    Returns:
        The bytes.
    """
    tensors: dict[str, Tensor] = {}
    plain = json.dumps(flatten_state(state, tensors=tensors)).encode()
    copy_shared_tensors(tensors)
    return len(plain).to_bytes(8, "big") + plain + tensors_as_bytes(tensors)


def unpack_state(content: bytes) -> Any:
    """Return what `pack_state` was given.

    Args:
        content: The bytes that it returned.

    Returns:
        The state.
    """
    end = 8 + int.from_bytes(content[:8], "big")
    return unflatten_state(json.loads(content[8:end]), load_tensors(content[end:]))


def measure_tensors(state: Any) -> int:
    """Return how many bytes the tensors of a state take in a file, where each is written by itself.

    Args:
        state: What `flatten_state` takes.

    Returns:
        The bytes.
    """
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    inside = state.values() if isinstance(state, Mapping) else state if isinstance(state, list | tuple) else ()
    return sum(map(measure_tensors, inside))


def copy_shared_tensors(tensors: dict[str, Tensor]) -> None:
    """Copy tensors that share memory with another, which safetensors refuses; to copy all would take twice the memory.

    Args:
        tensors: The tensors, by name; copies take their places.
    """
    seen: set[int] = set()
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        if place in seen:
            tensors[name] = tensor.clone()
        seen.add(place)


def state_fingerprint(state: Mapping[str, Any], ignore: tuple[str, ...] = ("seconds",)) -> str:
    """Return the SHA-256 of all tensors and numbers of a state; it is equal if and only if they are, bit for bit.

    Args:
        state: What `flatten_state` takes.
        ignore: Keys that are left out, at any depth.

    Returns:
        The SHA-256 in hexadecimal.
    """
    digest = hashlib.sha256()
    for name, value in sorted(_leaves(state, "", ignore)):
        digest.update(f"{name}={value}\n".encode())
    return digest.hexdigest()


def _leaves(state: Any, prefix: str, ignore: tuple[str, ...]) -> list[tuple[str, str]]:
    if isinstance(state, Tensor):
        content = state.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        return [(prefix, f"{state.dtype}{list(state.shape)}{hashlib.sha256(content).hexdigest()}")]
    if isinstance(state, list | tuple):
        state = dict(enumerate(state))
    if isinstance(state, Mapping):
        named = ((key, value) for key, value in state.items() if key not in ignore)
        return [leaf for key, value in named for leaf in _leaves(value, f"{prefix}/{key}", ignore)]
    return [(prefix, repr(state))]
