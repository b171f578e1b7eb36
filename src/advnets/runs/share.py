"""Share files: a generator in one safetensors file, with a card that says what it is; nothing in it is executed.

    8 bytes   length of the header, little-endian
    header    JSON, padded: {"__metadata__": {"advnets": CARD}, NAME: {"dtype", "shape", "data_offsets"}, ...}
    tensors   one after the other, without holes

CARD is the JSON of a Card with two SHA-256: of the tensors, and of itself. A header has one spelling only: what is read
must be, byte for byte, what would be written. So each bit of a file is either checked or known. Everything is checked
before the first tensor is read. The architecture is a row's name and numbers; the caller, who knows the rows, says
which tensors such an architecture has.
"""

import hashlib
import json
import math
import os
import reprlib
import stat
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, NonFinite, TooBig, Unsupported
from advnets.runs.card import Card, card_text, parse_card
from advnets.runs.files import expect_new, write_new
from advnets.runs.strict_json import parse_strict_json

LARGEST_HEADER = 2**18
MOST_TENSORS = 1000
MOST_DIMENSIONS = 8

DTYPES = {"F32": torch.float32, "F16": torch.float16, "I64": torch.int64}
_NAME_OF = {dtype: name for name, dtype in DTYPES.items()}
_KINDS = {
    b"PK": "a zip archive, such as torch writes", b"\x80": "a pickle", b"\x89PNG": "a PNG picture",
    b"\x93NUMPY": "a NumPy array", b"\x1f\x8b": "a gzip archive", b"MATLAB": "a MATLAB file",
}  # fmt: skip

_TEXT = frozenset(b"\t\n\r") | frozenset(range(32, 127))

WEIGHTS = "advnets-weights"
"""The format of a file of weights without a network, as metadata name it."""

ExpectedTensors = Callable[[Card], Mapping[str, Tensor]]


def write_generator(path: Path, card: Card, tensors: Mapping[str, Tensor]) -> Path:
    """Write a share file, whole or not at all, with the folders above it.

    Args:
        path: The file, which ends in .safetensors and must not be there.
        card: What the file says of its generator.
        tensors: The generator's tensors, by name.

    Returns:
        The path.

    Raises:
        BadInput: If the path is taken; nothing is overwritten.
        Unsupported: If the path ends otherwise.
        NonFinite: If a tensor is not finite, or is not in half precision.
        TooBig: If the card makes the header longer than LARGEST_HEADER bytes.
        CannotWrite: If the disk fails or is full.
    """
    if path.suffix != ".safetensors":
        raise Unsupported(f"{path}: expected a name that ends in .safetensors. Name another file.")
    expect_new(path)
    entries = _entries(tensors, half=card.half)
    kept = {name: tensors[name].detach().cpu().to(DTYPES[entry["dtype"]]) for name, entry in entries.items()}
    _refuse_non_finite(kept, f"{path}: ")
    body = b"".join(tensor.contiguous().numpy().tobytes() for tensor in kept.values())
    header = _header(card_text(card, hashlib.sha256(body).hexdigest()), entries)
    if len(header) > LARGEST_HEADER:
        raise TooBig(
            f"{path}: found a header of {len(header):,} bytes, expected at most {LARGEST_HEADER:,}. {_longest(card)}"
        )
    return write_new(path, len(header).to_bytes(8, "little") + header + body)


def _longest(card: Card) -> str:
    """Return what to do about a card that is too long: shorten the longest of the parts that may be left out."""
    advice = {
        "Shorten the licence": card.licence,
        "Shorten the notes": card.notes,
        "Move the run's report.json away": card.report,
        "Train on classes of shorter names": card.data.class_names,
    }
    sizes = {what: len(json.dumps(part)) for what, part in advice.items()}
    what = max(sizes, key=lambda what: sizes[what])
    return f"{what}, which takes {sizes[what]:,} of them."


def read_generator(path: Path, tensors_of_card: ExpectedTensors) -> tuple[Card, dict[str, Tensor]]:
    """Return the card and the tensors of a share file after every check.

    Links are followed; they must lead to a regular file.

    Args:
        path: The file.
        tensors_of_card: Returns the tensors, on the meta device, of the architecture that a card names; it raises
            BadInput for an architecture that cannot be built.

    Returns:
        The card, and the tensors by name; floats are float32.

    Raises:
        Missing: If there is no such file.
        Unsupported: If it is of another kind, schema or dtype.
        TooBig: If the header, its items or the number of tensors are beyond the limits of this file.
        Damaged: If bytes have changed, or are missing.
        NonFinite: If a tensor is not finite.
        BadInput: If the file cannot be read, or holds the tensors of another network.
    """
    try:
        # Looked at before it is opened, for opening a device can do things; and after, for it may have been exchanged.
        _refuse_irregular(os.stat(path))
        with open(path, "rb", opener=_without_waiting) as file:
            _refuse_irregular(os.fstat(file.fileno()))
            return _read(file, os.fstat(file.fileno()).st_size, tensors_of_card)
    except FileNotFoundError:
        raise Missing(f"{path} is not there; expected a share file") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except AdvnetsError as error:
        raise type(error)(f"{path}: {error}") from error


def _without_waiting(path: str, flags: int) -> int:
    # A pipe that nobody writes to would keep a plain `open` for ever.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _refuse_irregular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
        raise Unsupported(f"found {kind}, expected a regular file")


def _read(file: BufferedReader, size: int, tensors_of_card: ExpectedTensors) -> tuple[Card, dict[str, Tensor]]:
    written = _header_bytes(file, size)
    text, entries = _split_header(parse_strict_json(_decode_header(written), "the header"))
    card, digest = parse_card(text)
    _refuse_gaps(entries, size - 8 - len(written))
    expected = _entries(tensors_of_card(card), half=card.half)
    _compare(entries, expected)
    if written != _header(text, expected):
        raise Damaged(
            "the header is not spelled as advnets spells it. The bytes have changed, or another program wrote them. "
            "Fetch the file again."
        )
    content = bytearray(size - 8 - len(written))
    if file.readinto(content) != len(content) or hashlib.sha256(content).hexdigest() != digest:
        raise Damaged("the SHA-256 of the tensors is not the card's; the bytes have changed. Fetch the file again.")
    tensors = {name: _tensor(content, entry) for name, entry in entries.items()}
    _refuse_non_finite(tensors)
    return card, tensors


def _header_bytes(file: BufferedReader, size: int) -> bytes:
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8:
        raise Unsupported(f"found {size} bytes, expected a share file, as `advnets export` writes it")
    if length > LARGEST_HEADER:
        kind = next((kind for magic, kind in _KINDS.items() if start.startswith(magic)), None)
        # No length is spelt in letters: it would be of petabytes.
        kind = kind or ("text" if all(byte in _TEXT for byte in start) else None)
        if kind:
            raise Unsupported(f"found {kind}, expected a share file, as `advnets export` writes it")
        raise TooBig(
            f"found a header that is said to have {length:,} bytes, expected a share file with at most "
            f"{LARGEST_HEADER:,}. Fetch the file again."
        )
    header = file.read(length)
    if len(header) < length or not header.startswith(b"{"):
        raise Damaged("found no whole JSON header, expected a safetensors file. Fetch the file again.")
    return header


def _decode_header(header: bytes) -> str:
    try:
        return header.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Damaged(f"the header is not UTF-8: {error}") from error


def _split_header(header: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the card's text and the tensors' entries, each of the right form."""
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and metadata.get("format") == WEIGHTS:
        raise Unsupported(
            "found the weights of networks of somebody's own, which only their own code makes a network of. Load "
            "them into the network, as any reader of safetensors gives them, and give it to advnets.own_model"
        )
    if not isinstance(metadata, dict) or not isinstance(metadata.get("advnets"), str) or len(metadata) != 1:
        raise Unsupported("found a safetensors file without an advnets card, expected one that `advnets export` wrote")
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if len(entries) > MOST_TENSORS:
        raise TooBig(f"found {len(entries):,} tensors, expected at most {MOST_TENSORS:,}")
    for name, entry in entries.items():
        _check_entry(name, entry)
    return metadata["advnets"], entries


def _check_entry(name: str, entry: Any) -> None:
    fits = isinstance(entry, dict) and list(entry) == ["dtype", "shape", "data_offsets"]
    if not fits or not (_are_sizes(entry["shape"]) and _are_sizes(entry["data_offsets"])):
        raise Damaged(f"tensor {reprlib.repr(name)}: found {reprlib.repr(entry)}, expected dtype, shape, data_offsets")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
        found = reprlib.repr(entry["dtype"])
        raise Unsupported(f"tensor {reprlib.repr(name)} is of dtype {found}; expected one of {', '.join(DTYPES)}")


def _are_sizes(numbers: Any) -> bool:
    few = isinstance(numbers, list) and len(numbers) <= MOST_DIMENSIONS
    return few and all(type(number) is int and 0 <= number < 2**53 for number in numbers)


def _refuse_gaps(entries: Mapping[str, Any], size: int) -> None:
    """Refuse overlaps, holes and bytes that are left over: tensors lie one after the other from 0 to `size`."""
    end = 0
    for name, entry in entries.items():
        start, after = end, end + math.prod(entry["shape"]) * DTYPES[entry["dtype"]].itemsize
        if entry["data_offsets"] != [start, after]:
            raise Damaged(f"tensor {reprlib.repr(name)} lies at {entry['data_offsets']}, expected {[start, after]}")
        end = after
    if end != size:
        raise Damaged(
            f"found {size:,} bytes of tensors, expected {end:,}. The file was cut short, or something was added to it. "
            "Fetch it again."
        )


def _header(text: str, entries: Mapping[str, Any]) -> bytes:
    header = json.dumps({"__metadata__": {"advnets": text}, **entries}, separators=(",", ":"))
    return (header + " " * (-len(header) % 8)).encode()


def _entries(tensors: Mapping[str, Tensor], *, half: bool) -> dict[str, Any]:
    """Return what the header says of tensors; widest first, so that each lies at a multiple of its own item."""
    entries, end = {}, 0
    for name, tensor in sorted(tensors.items(), key=lambda named: (-named[1].itemsize, named[0])):
        dtype = torch.float16 if half and tensor.is_floating_point() else tensor.dtype
        start, end = end, end + tensor.numel() * dtype.itemsize
        entries[name] = {"dtype": _NAME_OF[dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    return entries


def _compare(entries: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Refuse names, dtypes and shapes other than those that the architecture has."""
    for name in sorted({*entries, *expected}):
        found, wanted = (_kind(of.get(name)) for of in (entries, expected))
        if found != wanted:
            raise BadInput(f"tensor {reprlib.repr(name)}: found {found}, expected {wanted}; it is of another network")


def _kind(entry: Mapping[str, Any] | None) -> str:
    return f"{entry['dtype']} of shape {entry['shape']}" if entry else "none"


def _tensor(content: bytearray, entry: Mapping[str, Any]) -> Tensor:
    dtype, count = DTYPES[entry["dtype"]], math.prod(entry["shape"])
    tensor = torch.frombuffer(content, dtype=dtype, count=count, offset=entry["data_offsets"][0]).view(entry["shape"])
    return tensor.float() if dtype == torch.float16 else tensor


def _refuse_non_finite(tensors: Mapping[str, Tensor], where: str = "") -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            why = " in half precision, which ends at 65,504" if tensor.dtype == torch.float16 else ""
            raise NonFinite(f"{where}NaN or Inf in tensor {name}{why}; expected finite numbers")
