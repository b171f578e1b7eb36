"""Arrays of MATLAB 5 files, read by a child process: SciPy's reader is "not hardened for untrusted input".

Two of 1,500 small mutations of a good file end scipy.io.loadmat 1.17 with SIGSEGV, which no `except` catches. The child
(`mat_subprocess`) bounds its own memory and seconds and returns bytes, never pickles; its answer is checked here.
"""

import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from advnets.errors import BadInput, Damaged, Missing, TooBig, Unsupported

CHILD = Path(__file__).with_name("mat_subprocess.py")
PATIENCE_SECONDS = 120  # of the wall clock; the child bounds its seconds of CPU itself
MAX_LINE = 10_000
REDO = "Save it again in MATLAB with save(..., '-v7'), or with scipy.io.savemat."
KINDS: dict[str, type[BadInput]] = {kind.__name__: kind for kind in (BadInput, Damaged, TooBig, Unsupported)}
Array = NDArray[Any]


def read_mat(path: Path, most: Mapping[str, int]) -> dict[str, Array]:
    """Read variables of a MATLAB 5 file as arrays of real numbers.

    Args:
        path: File to read.
        most: Largest number of bytes of each variable, by name; other variables in the file are passed over.

    Returns:
        The arrays by name.

    Raises:
        Missing: If the file is not there, or the child process cannot be run.
        Damaged: If the file is broken.
        Unsupported: If it is of version 7.3 or 4, or a variable holds cells, structures, functions or complex numbers.
        TooBig: If a variable is larger than its limit, or takes too long to read.
        BadInput: If a variable is not there.
    """
    _check_start(path)
    try:
        with tempfile.TemporaryFile() as answer:
            _check_end(path, _run(path, most, answer))
            answer.seek(0)
            return _receive_arrays(path, most, answer)
    except OSError as error:
        raise Missing(f"{path}: the child that reads it cannot be run ({error}). Free some memory or disk.") from error


def to_pixels(path: Path, name: str, values: Array) -> NDArray[np.uint8]:
    """Convert levels 0..255 in any type of number to uint8.

    Args:
        path: File that the levels come from, for the errors.
        name: Name of the variable, for the errors.
        values: Levels of any shape.

    Returns:
        The levels, uint8 of the same shape.

    Raises:
        BadInput: If there are fractions or other levels.
    """
    if values.dtype != np.uint8:
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if not (low >= 0 and high <= 255) or bool((values != np.floor(values)).any()):
            raise BadInput(
                f"{path}: `{name}` run from {low:.4g} to {high:.4g}, expected whole numbers 0..255. Save uint8 images."
            )
    return values.astype(np.uint8, copy=False)


def _check_start(path: Path) -> None:
    """The first 128 bytes say the version; MathWorks, "MAT-File Format", section "MAT-File Header Format"."""
    if not path.exists():
        raise Missing(f"{path}: there is no such file. Check the path.")
    if not path.is_file():
        raise BadInput(f"{path}: found a folder or a device, expected a .mat file. Name the file itself.")
    try:
        with path.open("rb") as file:
            start = file.read(128)
    except OSError as error:
        raise Missing(f"{path}: cannot be read ({error.strerror}). Check the disk and permissions.") from error
    order = {b"IM": "little", b"MI": "big"}.get(start[126:128])
    if start[:4] == b"\x89HDF" or start[124:126] in (b"\x00\x02", b"\x02\x00"):
        raise Unsupported(f"{path}: found version 7.3, which is HDF5, expected version 5 to 7. {REDO}")
    if order is None or b"\x01" not in start[124:126] or start[:4] == bytes(4):
        raise Damaged(f"{path}: does not start as a MATLAB 5 file does. {REDO}")


def _run(path: Path, most: Mapping[str, int], answer: IO[bytes]) -> int:
    """Run the child to its end and return its exit status, which is negative for a signal."""
    command = [sys.executable, "-P", str(CHILD), str(path.absolute()), json.dumps(dict(most))]
    # Threads of linear algebra reserve address space that the child would count as its own.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": ""}
    silence = subprocess.DEVNULL
    try:
        done = subprocess.run(
            command,
            stdin=silence,
            stdout=answer,
            stderr=silence,
            env=environment,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TooBig(f"{path}: was not read within {PATIENCE_SECONDS} seconds, the limit. {REDO}") from None
    return done.returncode


def _check_end(path: Path, status: int) -> None:
    if status == 0:
        return
    if status in (-getattr(signal, "SIGXCPU", 0), -getattr(signal, "SIGKILL", 0)):
        raise TooBig(f"{path}: takes more seconds or memory to read than its variables need. {REDO}")
    what = f"the signal {-status}" if status < 0 else f"exit status {status}"
    raise Damaged(f"{path}: is broken: the child that reads it ended with {what}. {REDO}")


def _receive_arrays(path: Path, most: Mapping[str, int], answer: IO[bytes]) -> dict[str, Array]:
    """The arrays that the child wrote. Every claim is checked, because a hostile file may have taken the child over."""
    try:
        message = json.loads(answer.readline(MAX_LINE))
        if "error" in message:
            kind, found = message["error"]
            raise KINDS[kind](f"{path}: {found}. {REDO}")
        return {str(name): _array(answer, dtype, shape, most[name]) for name, dtype, shape in message["arrays"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, BadInput):
            raise
        raise Damaged(
            f"{path}: is broken: the child that reads it gave an answer that cannot be read. {REDO}"
        ) from error


def _array(answer: IO[bytes], dtype: str, shape: list[int], most: int) -> Array:
    if not re.fullmatch(r"[<|][iuf][1248]", dtype) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(dtype, shape)
    if math.prod(shape) * int(dtype[2]) > most:
        raise ValueError(shape)
    value = np.empty(math.prod(shape), dtype)
    if answer.readinto(value.view(np.uint8)) != value.nbytes:  # type: ignore[attr-defined]
        raise ValueError("too few bytes")
    return value.reshape(shape)
