"""Functions of one's own by their name and by a digest of their code, for a name alone does not tell what is computed.

The digest holds the instructions of Python's compiler, so that comments, docstrings and lines do not change it. It is
the same in every process of one version of Python, and another in the next version.
"""

import dis
import hashlib
import platform
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import torch
from torch import nn

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), torch.dtype, torch.device)
"""Values that are part of what a function computes, and are told by their text."""
LIBRARIES = ("advnets", "torch", "builtins")
"""Packages whose functions are known by their name."""
STORES = ("STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR")
"""Instructions that change a name outside of a call: what they write is a memory, and not what is computed."""


def qualified_name(value: Any) -> str:
    """Return where a function, a class or a value's class is defined, such as "my_package.losses.focal".

    Args:
        value: A function, a class, or any other value, of which the class is named.

    Returns:
        Module and name, joined by a dot; the name alone where Python tells no module.
    """
    named = value if hasattr(value, "__qualname__") else type(value)
    module = getattr(named, "__module__", None)
    return f"{module}.{named.__qualname__}" if module else str(named.__qualname__)


def is_own(value: Any) -> bool:
    """Return whether a function, or a value that can be called, has code that its name does not tell.

    Args:
        value: The function or the value.

    Returns:
        True, but for functions and classes of advnets and torch that hold no other function.
    """
    return not _is_of_library(value) or bool(getattr(value, "__closure__", None))


def python_version() -> str:
    """Return the version of Python that digests hold for.

    Returns:
        Its first two numbers, such as "3.11".
    """
    return ".".join(platform.python_version_tuple()[:2])


def code_digest(value: Any) -> str:
    """Return a digest of what a function of one's own computes.

    It holds the function's instructions and constants, its defaults, the functions and classes of its own package that
    it calls by their names, and the numbers and texts that it reads beside its arguments. Of an object that can be
    called, it holds the methods, and the attributes that are numbers, texts or functions; of a module also the layers
    as text; of a class the same, of the class itself. It does not hold tensors, lists and dicts, other packages, or
    what the function itself writes.

    Args:
        value: A function, a lambda, a method, a class, a `functools.partial`, or an object that can be called.

    Returns:
        SHA-256, 64 hexadecimal digits; the same in every process of one version of Python.
    """
    return hashlib.sha256(repr(_tell(value, {})).encode(errors="surrogatepass")).hexdigest()


def _is_of_library(value: Any) -> bool:
    return qualified_name(value).partition(".")[0] in LIBRARIES


def _is_plain(value: Any) -> bool:
    return isinstance(value, PLAIN) or (isinstance(value, tuple | frozenset) and all(map(_is_plain, value)))


def _tell(value: Any, seen: dict[int, int]) -> Any:
    """A value as tuples and texts whose repr is the same in every process; `seen` numbers functions by their ids."""
    if isinstance(value, PLAIN):
        return type(value).__name__, repr(value)
    if isinstance(value, tuple):
        return "tuple", tuple(_tell(one, seen) for one in value)
    if isinstance(value, frozenset):
        return "frozenset", tuple(sorted(repr(_tell(one, seen)) for one in value))
    if isinstance(value, CodeType):
        return "code", _tell_instructions(value, seen)
    if isinstance(value, FunctionType):
        return _tell_function(value, seen)
    if isinstance(value, MethodType):
        return "method", _tell(value.__func__, seen), _tell_object(value.__self__, seen)
    if isinstance(value, partial):
        return "partial", _tell((value.func, value.args, *sorted(value.keywords.items())), seen)
    if isinstance(value, type):
        return _tell_class(value, seen)
    has_attributes = is_dataclass(value) or (callable(value) and not hasattr(value, "__qualname__"))
    if not (has_attributes or isinstance(value, nn.Module)):
        return "name", qualified_name(value)
    return _tell_object(value, seen)


def _tell_class(kind: type, seen: dict[int, int]) -> Any:
    """A class by its name; where it is no library's, with its methods, its bases' and its plain attributes."""
    if _is_of_library(kind):
        return "name", qualified_name(kind)
    if id(kind) in seen:
        return "again", seen[id(kind)]
    seen[id(kind)] = len(seen)
    methods = list(_own_methods(kind))
    changed = {name for method in methods for name in _names(method.__code__, STORES)}
    attributes = [
        (name, _tell(one, seen))
        for name, one in sorted(vars(kind).items())
        if _is_plain(one) and not name.startswith("__") and name not in changed
    ]
    return "class", qualified_name(kind), [_tell(method, seen) for method in methods], attributes


def _tell_function(function: FunctionType, seen: dict[int, int]) -> Any:
    if id(function) in seen:
        return "again", seen[id(function)]
    seen[id(function)] = len(seen)
    code, package = function.__code__, _package_of(function)
    held = {name: _cell_value(cell) for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)}
    if package in LIBRARIES:  # whatever name a decorator gave it
        told = {name: _tell(one, seen) for name, one in held.items() if _is_plain(one) or isinstance(one, FunctionType)}
        return "library", code.co_qualname, qualified_name(function), sorted(told.items())
    changed = set(_names(code, STORES))
    read = {name: one for name, one in {**_read_globals(function), **held}.items() if name not in changed}
    defaults = (function.__defaults__ or (), tuple(sorted((function.__kwdefaults__ or {}).items())))
    beside = [(name, _tell(one, seen)) for name, one in sorted(read.items())]
    return "function", _tell_instructions(code, seen), _tell(defaults, seen), beside


def _package_of(function: FunctionType) -> str:
    """The package that a function's code is in, whatever name a decorator gave it."""
    return str(function.__globals__.get("__name__", "")).partition(".")[0]


def _tell_object(value: Any, seen: dict[int, int]) -> Any:
    """An object: its class, the methods of that and its bases, and its plain attributes; a class as such."""
    if isinstance(value, type):
        return _tell_class(value, seen)
    methods = list(_own_methods(type(value)))
    changed = {name for method in methods if method.__name__ != "__init__" for name in _names(method.__code__, STORES)}
    attributes = [
        (name, _tell(one, seen))
        for name, one in sorted(getattr(value, "__dict__", {}).items())
        if (_is_plain(one) or isinstance(one, FunctionType)) and name not in changed and name != "training"
    ]
    told = ("object", qualified_name(type(value)), [_tell(method, seen) for method in methods], attributes)
    if not isinstance(value, nn.Module):
        return told
    kinds = sorted({type(layer) for layer in value.modules()} - {type(value)}, key=qualified_name)
    return *told, repr(value), [_tell(method, seen) for kind in kinds for method in _own_methods(kind)]


def _own_methods(kind: type) -> Iterator[FunctionType]:
    """The methods that a class and its bases define, but for those of libraries."""
    for one in kind.__mro__:
        for name, held in [] if _is_of_library(one) else sorted(vars(one).items()):
            method = _without_hook(held)
            is_inherited = any(_without_hook(vars(base).get(name)) is method for base in one.__mro__[1:])
            if isinstance(method, FunctionType) and not is_inherited:
                yield method


def _without_hook(method: Any) -> Any:
    """What a class had before torch put its profiler around an optimizer's step, as the first object of it is made."""
    return method.__wrapped__ if getattr(method, "hooked", False) is True else method


def _read_globals(function: FunctionType) -> dict[str, Any]:
    """The plain values, and the functions and classes of its own package, that it reads where it is defined."""
    names = [name for name in _names(function.__code__, ("LOAD_GLOBAL",)) if name in function.__globals__]
    found = {name: function.__globals__[name] for name in names}
    package = _package_of(function)
    return {
        name: value
        for name, value in found.items()
        if _is_plain(value)
        or (isinstance(value, FunctionType) and _package_of(value) == package)
        or (isinstance(value, type) and value.__module__.partition(".")[0] == package)
    }


def _names(code: CodeType, kinds: tuple[str, ...]) -> Iterator[str]:
    """The names that instructions of these kinds have, also in functions within."""
    for one in dis.get_instructions(code):
        if one.opname in kinds:
            yield str(one.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner, kinds)


def _tell_instructions(code: CodeType, seen: dict[int, int]) -> Any:
    return tuple((one.opname, _tell(one.argval, seen)) for one in dis.get_instructions(code))


def _cell_value(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that has no value yet
        return None
