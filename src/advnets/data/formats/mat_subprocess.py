"""The child process that reads a .mat file, where SciPy may crash, hang or ask for memory without harm.

It is run as a file, not as a module: the package would import torch, which takes seconds. For the same reason it
imports nothing of ours, and reports an error by the name of its type. `mat` is the parent.

    python -P mat_subprocess.py FILE '{"faces": MOST_BYTES}'    # prints a line of JSON, then the arrays' bytes
"""

import json
import math
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.io

MAX_RATIO = 200  # of a variable over 1 MiB to its file; images shrink to a tenth, bombs to a thousandth
MARGIN = 128 * 2**20  # bytes of address space beside three copies of the arrays
SECONDS, BYTES_PER_SECOND = 5, 2**24  # of CPU: a base, and the slowest unpacking that is waited for
ITEMSIZE = {"double": 8, "single": 4, "logical": 1} | {
    f"{sign}int{8 * size}": size for sign in ("", "u") for size in (1, 2, 4, 8)
}


class Refusal(Exception):
    """The reason why a file is not read.

    Args:
        kind: Name of an error type.
        found: What was found, the rest of the message.
    """

    def __init__(self, kind: str, found: str) -> None:
        super().__init__(found)
        self.kind, self.found = kind, found


def write_answer(path: Path, most: Mapping[str, int], out: IO[bytes]) -> None:
    """Write the arrays of some variables, or the reason why they are not read.

    Args:
        path: File to read.
        most: Largest number of bytes of each variable, by name.
        out: Stream for a line of JSON and the bytes of the arrays.
    """
    arrays: dict[str, Any] = {}
    message: dict[str, Any]
    try:
        warnings.simplefilter("error")
        limit_resources(MARGIN, 0)
        arrays = read_arrays(path, most)
        message = {"arrays": [[name, value.dtype.str, value.shape] for name, value in arrays.items()]}
    except Refusal as refusal:
        message = {"error": [refusal.kind, refusal.found]}
    except MemoryError:
        message = {"error": ["TooBig", "asks for more memory than its variables need by their sizes"]}
    except NotImplementedError as error:
        message = {"error": ["Unsupported", f"is of a kind that is not read ({_shorten(error)})"]}
    except Exception as error:
        message = {"error": ["Damaged", f"is broken ({type(error).__name__}: {_shorten(error)})"]}
    out.write(json.dumps(message).encode() + b"\n")
    for value in arrays.values():
        out.write(value.data)
    out.flush()


def read_arrays(path: Path, most: Mapping[str, int]) -> dict[str, Any]:
    """Read arrays in C order and of a little-endian type; their sizes are checked before they are read.

    Args:
        path: File to read.
        most: Largest number of bytes of each variable, by name.

    Returns:
        The arrays by name.

    Raises:
        Refusal: If a variable is missing, too large, or no array of real numbers.
    """
    with path.open("rb") as file:
        rows = _list_variables(file)
        claimed = sum(_claim(rows, name, most[name], path.stat().st_size) for name in most)
        limit_resources(3 * claimed + MARGIN, claimed)
        file.seek(0)
        values = scipy.io.loadmat(file, variable_names=list(most))
    return {name: _to_plain(name, values.get(name)) for name in most}


def _list_variables(file: IO[bytes]) -> list[tuple[str, tuple[int, ...], str]]:
    try:
        rows: list[tuple[str, tuple[int, ...], str]] = scipy.io.whosmat(file)
    except TypeError:
        # SciPy lists no shape for these, and fails on that itself.
        raise Refusal("Unsupported", "holds objects of classes (opaque), or is broken; expected arrays only") from None
    return rows


def _claim(rows: list[tuple[str, tuple[int, ...], str]], name: str, most: int, file_size: int) -> int:
    """The bytes that a variable takes by its header; raises Refusal for another kind, shape or size."""
    found = [row for row in rows if row[0] == name]
    if len(found) != 1:
        names = ", ".join(repr(row[0][:40]) for row in rows[:10]) or "nothing"
        raise Refusal(
            "BadInput", f"has {len(found)} variables {name!r}, expected one of each of its kind (has {names})"
        )
    _, shape, kind = found[0]
    if kind not in ITEMSIZE:
        raise Refusal("Unsupported", f"has {name!r} of the class {kind!r}, expected an array of numbers")
    if any(size < 0 for size in shape):
        raise Refusal("Damaged", f"claims the shape {tuple(map(int, shape))[:8]} for {name!r}")
    claimed = math.prod(int(size) for size in shape) * ITEMSIZE[kind]
    if claimed > most:
        raise Refusal("TooBig", f"claims {claimed:,} bytes for {name!r}, the limit is {most:,}")
    if claimed > max(2**20, MAX_RATIO * file_size):
        raise Refusal("TooBig", f"claims {claimed:,} bytes for {name!r}, over {MAX_RATIO} times those of the file")
    return claimed


def _to_plain(name: str, value: Any) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        raise Refusal("Unsupported", f"has {name!r} of another kind than real numbers")
    kind = np.dtype("u1") if value.dtype.kind == "b" else value.dtype.newbyteorder("<")
    return np.ascontiguousarray(value, dtype=kind)


def limit_resources(address_space: int, work: int) -> None:
    """Bound what this process may still take.

    Args:
        address_space: Bytes of address space beyond those in use.
        work: Bytes to unpack, which set the seconds of CPU.
    """
    try:
        # Windows has no such module; there the parent's patience is the only bound.
        import resource
    except ImportError:
        return
    spent = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _lower(resource.RLIMIT_CPU, math.ceil(spent) + SECONDS + work // BYTES_PER_SECOND)
    _lower(resource.RLIMIT_CORE, 0)
    statm = Path("/proc/self/statm")
    if statm.exists():
        now = int(statm.read_text().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, now + address_space)


def _lower(kind: int, most: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _shorten(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


if __name__ == "__main__":
    write_answer(Path(sys.argv[1]), json.loads(sys.argv[2]), sys.stdout.buffer)
