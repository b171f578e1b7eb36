"""CIFAR-10's batches, which are pickles of protocol 2, read without unpickling.

Python's unpickler calls what the bytes name; even where it may find nothing but NumPy, it allocates what they claim.
The machine below knows the twenty-two opcodes of these files. It knows three names, which stay names, and two calls,
which are compared with the only ones that NumPy writes for an array of bytes. It refuses everything else.

Python describes the opcodes in its module pickletools. The batches come from A. Krizhevsky, "Learning Multiple Layers
of Features from Tiny Images" (2009).
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from advnets.errors import Damaged, Unsupported

IMAGES, BYTES, CLASSES = 10_000, 3072, 10  # of a batch; of a picture, 32 x 32 x 3
MAX_OPCODES = 100_000  # a batch has some 50,000
REDO = "Get the file again from its source."


@dataclass(frozen=True)
class _Name:
    """A name of a module and what is in it: a value to compare, never looked up."""

    words: bytes


@dataclass(frozen=True)
class _EmptyArray:
    """An array whose shape and bytes are still to come."""


RECONSTRUCT, NDARRAY, DTYPE = (
    _Name(words) for words in (b"numpy.core.multiarray _reconstruct", b"numpy ndarray", b"numpy dtype")
)
NAMES = {name.words: name for name in (RECONSTRUCT, NDARRAY, DTYPE)}
BYTE_DTYPE = _Name(b"dtype u1")
BYTE_DTYPE_STATE = (3, b"|", None, None, None, -1, -1, 0)


class _RefusedError(Exception):
    """What the machine found and does not do."""


@dataclass
class _Machine:
    """The bytes, how far they are read, and the values so far; `marks` are heights of the stack."""

    data: bytes
    at: int = 0
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size < 0 or self.at + size > len(self.data):
            raise _RefusedError(f"ends before the {size:,} bytes that it claims at byte {self.at:,}")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, code: str) -> int:
        """The next number, in the format of `struct`."""
        value: int = struct.unpack(code, self.take(struct.calcsize(code)))[0]
        return value

    def line(self) -> bytes:
        """The bytes up to the end of the line."""
        end = self.data.find(b"\n", self.at, self.at + 100)
        if end < 0:
            raise _RefusedError(f"has a name without an end at byte {self.at:,}")
        return self.take(end + 1 - self.at)[:-1]

    def pop(self, n: int = 1) -> list[Any]:
        """The last n values."""
        if n > len(self.stack) - (self.marks[-1] if self.marks else 0):
            raise _RefusedError(f"lacks values at byte {self.at:,}")
        values = self.stack[len(self.stack) - n :]
        del self.stack[len(self.stack) - n :]
        return values

    def pop_to_mark(self) -> list[Any]:
        """The values since the last mark."""
        if not self.marks:
            raise _RefusedError(f"lacks a mark at byte {self.at:,}")
        values = self.pop(len(self.stack) - self.marks[-1])
        self.marks.pop()
        return values

    def top(self, kind: type) -> Any:
        """The last value, which stays."""
        if not self.stack or type(self.stack[-1]) is not kind:
            raise _RefusedError(f"has no {kind.__name__} to fill at byte {self.at:,}")
        return self.stack[-1]


def _global(machine: _Machine) -> _Name:
    words = machine.line() + b" " + machine.line()
    if words not in NAMES:
        raise _RefusedError(f"names {words.decode('latin-1')!r}, which no batch has")
    return NAMES[words]


def _reduce(machine: _Machine) -> Any:
    call = tuple(machine.pop(2))
    if call == (RECONSTRUCT, (NDARRAY, (0,), b"b")):
        return _EmptyArray()
    if call == (DTYPE, (b"u1", 0, 1)):
        return BYTE_DTYPE
    raise _RefusedError(f"makes a call that no batch makes at byte {machine.at:,}")


def _build(machine: _Machine) -> Any:
    made, state = machine.pop(2)
    if made == BYTE_DTYPE and state == BYTE_DTYPE_STATE:
        return made
    if (
        made == _EmptyArray()
        and type(state) is tuple
        and len(state) == 5
        and (state[0], *state[2:4]) == (1, BYTE_DTYPE, False)
    ):
        shape, values = state[1], state[4]
        whole = type(shape) is tuple and all(type(size) is int and size >= 0 for size in shape)
        if whole and type(values) is bytes and math.prod(shape) == len(values):
            return np.frombuffer(values, np.uint8).reshape(shape)
    raise _RefusedError(f"fills in what no batch fills in at byte {machine.at:,}")


def _append(machine: _Machine) -> None:
    values = machine.pop_to_mark()
    machine.top(list).extend(values)


def _set(machine: _Machine) -> None:
    values = machine.pop_to_mark()
    keys = values[::2]
    if len(values) % 2 or not all(type(key) is bytes for key in keys):
        raise _RefusedError(f"has keys that are no strings at byte {machine.at:,}")
    machine.top(dict).update(zip(keys, values[1::2], strict=True))


PUSHES: dict[bytes, Callable[[_Machine], Any]] = {
    b"}": lambda machine: {},
    b"]": lambda machine: [],
    b"N": lambda machine: None,
    b"\x89": lambda machine: False,
    b"K": lambda machine: machine.number("<B"),
    b"M": lambda machine: machine.number("<H"),
    b"J": lambda machine: machine.number("<i"),
    b"U": lambda machine: machine.take(machine.number("<B")),
    b"T": lambda machine: machine.take(machine.number("<i")),
    b"\x85": lambda machine: tuple(machine.pop(1)),
    b"\x86": lambda machine: tuple(machine.pop(2)),
    b"\x87": lambda machine: tuple(machine.pop(3)),
    b"t": lambda machine: tuple(machine.pop_to_mark()),
    b"c": _global,
    b"R": _reduce,
    b"b": _build,
}
ACTS: dict[bytes, Callable[[_Machine], Any]] = {
    b"(": lambda machine: machine.marks.append(len(machine.stack)),
    b"e": _append,
    b"u": _set,
    # Values are numbered in these files and never asked for again by their numbers.
    b"q": lambda machine: machine.take(1),
    b"r": lambda machine: machine.take(4),
}


def _value(data: bytes) -> Any:
    machine = _Machine(data)
    if machine.take(2) != b"\x80\x02":
        raise _RefusedError("does not start as a pickle of protocol 2")
    for _ in range(MAX_OPCODES):
        opcode = machine.take(1)
        if opcode in PUSHES:
            machine.stack.append(PUSHES[opcode](machine))
        elif opcode in ACTS:
            ACTS[opcode](machine)
        elif opcode == b"." and len(machine.stack) == 1 and not machine.marks and machine.at == len(data):
            return machine.stack[0]
        else:
            raise _RefusedError(f"has the opcode {opcode!r} at byte {machine.at - 1:,}, where no batch has it")
    raise _RefusedError(f"has more than {MAX_OPCODES:,} opcodes")


def read_batch(where: str, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read the images and labels of a batch; nothing in it can be executed.

    Args:
        where: Name of the file, for the errors.
        data: Bytes of the file.

    Returns:
        The images, uint8 (10000, 3, 32, 32), and the labels, int64 (10000,).

    Raises:
        Unsupported: If it is a pickle of anything else.
        Damaged: If the batch is of other sizes or labels.
    """
    try:
        batch = _value(data)
    except _RefusedError as refused:
        raise Unsupported(f"{where}: {refused}; expected a batch of CIFAR-10. {REDO}") from None
    images, labels = (batch.get(key) for key in (b"data", b"labels")) if type(batch) is dict else (None, None)
    if not isinstance(images, np.ndarray) or images.shape != (IMAGES, BYTES):
        raise Damaged(f"{where}: has no `data` of ({IMAGES}, {BYTES}) bytes, as a batch of CIFAR-10 has. {REDO}")
    if not isinstance(labels, list) or len(labels) != IMAGES or not all(_is_label(label) for label in labels):
        raise Damaged(f"{where}: `labels` are not {IMAGES:,} whole numbers 0..{CLASSES - 1}, as expected. {REDO}")
    return images.reshape(IMAGES, 3, 32, 32), np.array(labels, np.int64)


def _is_label(value: Any) -> bool:
    return type(value) is int and 0 <= value < CLASSES
