"""What a module remembers beside its parameters and persistent buffers, so that a resumed run remembers it too.

A network of one's own may count its calls in a plain attribute, hold a buffer that no state_dict holds, or draw from a
generator of its own. Each such value that training has changed is found, stored and put back. What cannot be stored,
such as an iterator, is named.
"""

import collections
import hashlib
import io
import json
import random
import types
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from advnets.runs.state import flatten_state, state_fingerprint

DEEPEST = 6
"""How deep values within values are followed."""

TORCHS_OWN = frozenset(vars(nn.Module()))
"""Attributes that every module has; what they hold is in its state_dict, or is no state."""

SEQUENCES: dict[str, Any] = {"list": list, "tuple": tuple, "deque": collections.deque}
NOT_STORED = {"kind": "not stored"}
"""Stands for a value that does not change, that a state_dict holds, or that cannot be stored."""


class ModuleMemory:
    """Stores and puts back what modules remember; values that are as they were at first are left alone."""

    def __init__(self) -> None:
        self._first: WeakKeyDictionary[nn.Module, dict[str, str]] = WeakKeyDictionary()

    def watch(self, network: nn.Module) -> None:
        """Note what the modules of a network remember now; of modules that were noted before, nothing.

        Args:
            network: The network.
        """
        held = _held_storages(network)
        for module in network.modules():
            if module not in self._first:
                self._first[module] = {name: _digest(one) for name, one in _encode_module(module, held).items()}

    def state(self, network: nn.Module) -> dict[str, dict[str, Any]]:
        """Return what the modules of a network remember otherwise than at first.

        Args:
            network: The network, which is watched.

        Returns:
            By the module's name, its attributes' values, as `flatten_state` takes them.
        """
        held = _held_storages(network)
        found: dict[str, dict[str, Any]] = {}
        for name, module in network.named_modules():
            first = self._first.get(module, {})
            values = _encode_module(module, held).items()
            changed = {key: one for key, one in values if first.get(key) != _digest(one)}
            found |= {name: changed} if changed else {}
        return found

    def load(self, network: nn.Module, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Put back what `state` returned; these values are stored from now on, whether they change or not.

        Args:
            network: The network.
            state: The values, by module and attribute.
        """
        self.watch(network)
        put_back_memory(network, state)
        modules = dict(network.named_modules())
        for name in state.keys() & modules.keys():
            for key in state[name]:
                self._first[modules[name]].pop(key, None)


def put_back_memory(network: nn.Module, state: Mapping[str, Mapping[str, Any]]) -> None:
    """Give the modules of a network what `ModuleMemory.state` found.

    Args:
        network: The network; modules that it does not have are passed over.
        state: The values, by module and attribute.
    """
    modules = dict(network.named_modules())
    for name in state.keys() & modules.keys():
        module = modules[name]
        for key, stored in state[name].items():
            current = getattr(module, key, None)
            value = _decode(stored, current)
            if key in module._buffers and isinstance(current, Tensor) and current.shape == value.shape:
                current.detach().copy_(value)  # a recorded move reads it where it lies
            elif value is not current:
                setattr(module, key, value)


def name_iterators(network: nn.Module) -> list[str]:
    """Name the attributes that cannot be stored and exist to change: iterators, and random numbers of the system.

    Args:
        network: The network.

    Returns:
        Each as "layers.0.noise (itertools.count)".
    """
    return [
        f"{'.'.join(filter(None, (name, key)))} ({type(value).__module__}.{type(value).__qualname__})"
        for name, module in network.named_modules()
        for key, value in _own_attributes(module)
        if _is_iterator(value)
    ]


def memory_fingerprint(network: nn.Module) -> str:
    """Return the SHA-256 of all buffers, persistent or not, and of the plain numbers, texts and tensors of a network.

    Args:
        network: The network.

    Returns:
        The digest, 64 hexadecimal digits.
    """
    held = _held_storages(network)
    plain = {
        name: {key: value for key, value in _encode_module(module, held).items() if _is_plain(value)}
        for name, module in network.named_modules()
    }
    return state_fingerprint({"buffers": dict(network.named_buffers()), "plain": plain}, ignore=())


def _encode_module(module: nn.Module, held: set[int]) -> dict[str, Any]:
    package = type(module).__module__.partition(".")[0]
    unsaved = {name: module._buffers[name] for name in module._non_persistent_buffers_set}
    encoded = {name: _Encoder(set(), package).encode(value) for name, value in unsaved.items()}
    encoded |= {name: _Encoder(held, package).encode(value) for name, value in _own_attributes(module)}
    return {name: value for name, value in encoded.items() if value is not NOT_STORED}


def _own_attributes(module: nn.Module) -> Iterator[tuple[str, Any]]:
    if type(module).__module__.startswith("torch._"):  # what compiles a module is no part of what it computes
        return
    yield from ((name, value) for name, value in vars(module).items() if name not in TORCHS_OWN)


def _held_storages(network: nn.Module) -> set[int]:
    """Where the parameters and buffers lie: attributes that alias them are theirs."""
    held = (*network.parameters(), *network.buffers())
    return {one.untyped_storage().data_ptr() for one in held if not is_lazy(one)} - {0}


class _Encoder:
    """Encodes one attribute; an object or a list within it that is met again is not followed again.

    Args:
        held: Where parameters and buffers lie.
        package: Objects of classes of this package are followed, those of others are not.
    """

    def __init__(self, held: set[int], package: str) -> None:
        self.held, self.package, self.seen = held, package, set[int]()

    def encode(self, value: Any, depth: int = 0) -> Any:
        """A value as `flatten_state` takes it, or NOT_STORED."""
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, Tensor):
            return _encode_tensor(value, self.held)
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
            flat = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
            shape = list(value.shape) if isinstance(value, np.ndarray) else None
            return {"kind": "numpy", "dtype": value.dtype.str, "shape": shape, "bytes": torch.tensor(flat)}
        if (state := _generator_state(value)) is not None:
            return {"kind": "generator", "state": _Encoder(set(), "").encode(state)}
        if depth >= DEEPEST or id(value) in self.seen:
            return NOT_STORED
        self.seen.add(id(value))
        return self._encode_items(value, depth + 1)

    def _encode_items(self, value: Any, depth: int) -> Any:
        for kind, type_ in SEQUENCES.items():
            if type(value) is type_:
                return {"kind": kind, "items": [self.encode(one, depth) for one in value]}
        if isinstance(value, dict) and all(isinstance(key, str | int) for key in value):
            return {"kind": "dict", "items": {key: self.encode(one, depth) for key, one in value.items()}}
        if self._is_followed(value):
            inner = {key: self.encode(one, depth) for key, one in vars(value).items()}
            return {"kind": "object", "items": {key: one for key, one in inner.items() if one is not NOT_STORED}}
        return NOT_STORED

    def _is_followed(self, value: Any) -> bool:
        """Whether an object's attributes are followed: one of the user's own package, of a plain class."""
        if not hasattr(value, "__dict__") or isinstance(value, nn.Module | type):
            return False
        is_own = type(value).__module__.partition(".")[0] == self.package
        return is_own or isinstance(value, types.SimpleNamespace | torch.quasirandom.SobolEngine)


def _encode_tensor(value: Tensor, held: set[int]) -> Any:
    if isinstance(value, nn.Parameter) or is_lazy(value) or value.is_meta or value.layout != torch.strided:
        return NOT_STORED
    if value.untyped_storage().data_ptr() in held - {0}:
        return NOT_STORED
    plain = value.detach().cpu().resolve_conj().contiguous()
    # As bytes: a mask may hold infinities, which a checkpoint refuses among weights.
    content = plain.flatten().view(torch.uint8).clone() if plain.numel() else torch.empty(0, dtype=torch.uint8)
    return {"kind": "tensor", "dtype": str(value.dtype), "shape": list(value.shape), "bytes": content}


def _generator_state(value: Any) -> Any:
    if isinstance(value, torch.Generator):
        return value.get_state()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, np.random.RandomState):
        return value.get_state(legacy=False)
    if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        return value.getstate()
    return None


def _set_generator(generator: Any, state: Any) -> None:
    if isinstance(generator, torch.Generator):
        if generator.get_state().shape == state.shape:  # one of another kind of device draws other numbers
            generator.set_state(state)
    elif isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    elif isinstance(generator, random.Random):
        generator.setstate(state)


def _decode(stored: Any, current: Any) -> Any:
    """The value that was encoded; what was not stored stays as it is now."""
    if not isinstance(stored, Mapping):
        return stored
    kind, items = stored["kind"], stored.get("items", {})
    if kind == "tensor":
        dtype = getattr(torch, stored["dtype"].removeprefix("torch."))
        value = stored["bytes"].clone().view(dtype).reshape(stored["shape"])
        return value.to(current.device) if isinstance(current, Tensor) else value
    if kind == "numpy":
        array = np.frombuffer(stored["bytes"].numpy().tobytes(), stored["dtype"]).copy()
        return array[0] if stored["shape"] is None else array.reshape(stored["shape"])
    if kind == "generator":
        _set_generator(current, _decode(stored["state"], None))
        return current
    if kind in SEQUENCES:
        present = list(current) if isinstance(current, list | tuple | collections.deque) else []
        padded = present + [None] * max(0, len(items) - len(present))
        values = [_decode(one, now) for one, now in zip(items, padded, strict=False)]
        is_bounded = isinstance(current, collections.deque) and kind == "deque"
        return collections.deque(values, current.maxlen) if is_bounded else SEQUENCES[kind](values)
    if kind == "dict":
        held: dict[Any, Any] = current if isinstance(current, dict) else {}
        pairs = {key: _decode(one, held.get(key)) for key, one in items.items()}
        held.clear()  # filled where it is, as it may be a Counter or the like
        held.update(pairs)
        return held
    if kind == "object" and current is not None:
        for key, one in items.items():
            object.__setattr__(current, key, _decode(one, getattr(current, key, None)))
    return current


def _is_iterator(value: Any) -> bool:
    if isinstance(value, random.SystemRandom):
        return True
    return hasattr(value, "__next__") and not isinstance(value, io.IOBase)


def _is_plain(encoded: Any) -> bool:
    """Whether an encoded value is of numbers, texts and tensors, in lists and the like or alone."""
    if not isinstance(encoded, Mapping) or encoded["kind"] in ("tensor", "numpy", "not stored"):
        return True
    items = encoded.get("items", ())
    within = items.values() if isinstance(items, Mapping) else items
    return encoded["kind"] in (*SEQUENCES, "dict") and all(map(_is_plain, within))


def _digest(encoded: Any) -> str:
    tensors: dict[str, Tensor] = {}
    sha = hashlib.sha256(json.dumps(flatten_state(encoded, tensors=tensors)).encode())
    for tensor in tensors.values():
        sha.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data if tensor.numel() else b"")
    return sha.hexdigest()
