"""The tensors of layers as one row of bytes, and the layers as JSON that says where each tensor lies."""

from typing import Any

from torch import Tensor


def pack_layers(layers: Any, *, half: bool) -> tuple[Any, bytes]:
    """Return layers as JSON holds them, and the bytes of their tensors.

    A tensor becomes {"kind", "at", "shape"}: "float32" or "float16", its first byte, its shape; numbers lie one after
    the other from multiples of 4 bytes on, the lowest byte first. Half precision is taken where it loses nothing, as
    for a generator out of a share file in half precision.

    Args:
        layers: What `layers_of` returns.
        half: Whether tensors of two or more dimensions are rounded to half precision.

    Returns:
        The JSON value and the bytes.
    """
    parts: list[bytes] = []
    packed = _pack(layers, parts, half=half)
    return packed, b"".join(parts)


def _pack(value: Any, parts: list[bytes], *, half: bool) -> Any:
    if isinstance(value, Tensor):
        stored = _round(value.detach().float(), half=half)
        at, content = sum(map(len, parts)), stored.contiguous().numpy().tobytes()
        parts.append(content + bytes(-len(content) % 4))
        return {"kind": str(stored.dtype).removeprefix("torch."), "at": at, "shape": list(stored.shape)}
    if isinstance(value, dict):
        return {name: _pack(one, parts, half=half) for name, one in value.items()}
    return [_pack(one, parts, half=half) for one in value] if isinstance(value, list) else value


def _round(numbers: Tensor, *, half: bool) -> Tensor:
    rounded = numbers.half()
    lossless = bool(rounded.float().equal(numbers))
    return rounded if lossless or (half and numbers.ndim > 1 and bool(rounded.isfinite().all())) else numbers
