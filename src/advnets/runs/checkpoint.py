"""Checkpoints: written whole or not at all, verified by SHA-256 whenever they are read, never a pickle.

    checkpoints/00000500/    tensors.safetensors  state.json  MANIFEST.json

Neither safetensors nor torch notices a flipped bit, so the manifest holds the hash of each file and of itself.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors, save as tensors_as_bytes
from torch import Tensor

from advnets.disk import sync_folder
from advnets.errors import Damaged, Missing, NonFinite, Unsupported
from advnets.runs.files import cannot_write, make_folder, read_regular
from advnets.runs.state import copy_shared_tensors, flatten_state, unflatten_state

SCHEMA = 2
KEEP = 2
FILES = ("tensors.safetensors", "state.json")
MANIFEST = "MANIFEST.json"


def save_checkpoint(folder: Path, step: int, state: Mapping[str, Any]) -> Path:
    """Write the checkpoint of a step, verify it, and remove all but the newest two that verify.

    Args:
        folder: Folder of the checkpoints.
        step: Number of the step.
        state: What `flatten_state` takes.

    Returns:
        Path of the checkpoint.

    Raises:
        NonFinite: If a tensor is not finite; it is named, and nothing is written.
        CannotWrite: If the disk fails or is full.
    """
    tensors: dict[str, Tensor] = {}
    plain = flatten_state(state, tensors=tensors)
    copy_shared_tensors(tensors)
    _refuse_non_finite(tensors, step)
    path = folder / f"{step:08d}"
    contents = {
        "tensors.safetensors": tensors_as_bytes(tensors),
        "state.json": json.dumps(plain, sort_keys=False).encode(),
    }
    contents[MANIFEST] = manifest_bytes(step, contents)
    temporary = folder / f".tmp-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    make_folder(folder)
    try:
        write_files(temporary, contents)
        commit_checkpoint(temporary, path)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise cannot_write(path, error) from error
    del contents  # large nets: the bytes are about to be read back
    verify_checkpoint(path)
    prune_checkpoints(folder)
    return path


def manifest_bytes(step: int, contents: Mapping[str, bytes], schema: int = SCHEMA) -> bytes:
    """Return the manifest of a checkpoint's files, in the one form that verifies.

    Args:
        step: Number of the step.
        contents: Bytes of each file, by name.
        schema: Version of the format.

    Returns:
        The bytes of MANIFEST.json.
    """
    files = {name: {"sha256": _sha256(content), "size": len(content)} for name, content in contents.items()}
    body: dict[str, Any] = {"schema": schema, "step": step, "files": files}
    return _canonical({**body, "sha256": _sha256(_canonical(body))})


def write_files(temporary: Path, contents: Mapping[str, bytes]) -> None:
    """Write a checkpoint's files into a temporary folder, and force them to the disk.

    Args:
        temporary: The folder, which is made.
        contents: Bytes of each file, by name.
    """
    temporary.mkdir()
    for name, content in contents.items():
        with (temporary / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(temporary)


def commit_checkpoint(temporary: Path, path: Path) -> None:
    """Give the temporary folder its name; a good checkpoint of that name stays, and a damaged one makes way.

    Args:
        temporary: Folder of the files.
        path: Path of the checkpoint.
    """
    if path.exists():
        if is_good_checkpoint(path):
            shutil.rmtree(temporary)
            return
        os.rename(path, temporary.with_name(f"{temporary.name}-damaged"))
    os.rename(temporary, path)
    sync_folder(path.parent)
    shutil.rmtree(temporary.with_name(f"{temporary.name}-damaged"), ignore_errors=True)


def prune_checkpoints(folder: Path, keep: int = KEEP) -> None:
    """Remove checkpoints that are older than the newest ones that verify.

    Args:
        folder: Folder of the checkpoints.
        keep: How many that verify are kept.
    """
    good = 0
    for path in newest_first(folder):
        if good >= keep:
            shutil.rmtree(path, ignore_errors=True)
        elif is_good_checkpoint(path):
            good += 1


def verify_checkpoint(path: Path) -> dict[str, bytes]:
    """Return the files of a checkpoint after their hashes were compared.

    Args:
        path: Path of the checkpoint.

    Returns:
        Bytes of each file, by name.

    Raises:
        Damaged: If a file is missing or has changed; it is named.
        Unsupported: If the checkpoint is whole, but of another schema.
    """
    try:
        found = sorted(item.name for item in path.iterdir())
        if found != sorted((*FILES, MANIFEST)):
            raise Damaged(f"{path}: found {', '.join(found) or 'nothing'}; expected {', '.join((*FILES, MANIFEST))}")
        contents = {name: read_regular(path / name) for name in FILES}
        written = read_regular(path / MANIFEST)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}") from error
    if not _is_step(path.name) or written != manifest_bytes(int(path.name), contents):
        _refuse_other_schema(path, written, contents)
        raise Damaged(f"{path}: {_difference(written, contents)}")
    return contents


def is_good_checkpoint(path: Path) -> bool:
    """Return whether a checkpoint verifies.

    Args:
        path: Path of the checkpoint.

    Returns:
        Whether `verify_checkpoint` raises nothing.
    """
    try:
        verify_checkpoint(path)
    except (Damaged, Unsupported):
        return False
    return True


def load_checkpoint(path: Path) -> tuple[int, dict[str, Any]]:
    """Return the step and the state of a checkpoint.

    Args:
        path: Path of the checkpoint.

    Returns:
        Number of the step, and the state.

    Raises:
        Damaged: If a file is missing or has changed; it is named.
        Unsupported: If the checkpoint is whole, but of another schema.
    """
    contents = verify_checkpoint(path)
    tensors = load_tensors(contents["tensors.safetensors"])
    state: dict[str, Any] = unflatten_state(json.loads(contents["state.json"]), tensors)
    return int(path.name), state


def load_latest(folder: Path) -> tuple[int, dict[str, Any], list[tuple[Path, str]]]:
    """Return the newest checkpoint that verifies.

    Args:
        folder: Folder of the checkpoints.

    Returns:
        Number of its step, its state, and the damaged checkpoints that are newer, each with what is wrong.

    Raises:
        Missing: If there is no checkpoint.
        Damaged: If none verifies.
        Unsupported: If the newest is of another schema.
    """
    skipped: list[tuple[Path, str]] = []
    for path in newest_first(folder):
        try:
            step, state = load_checkpoint(path)
        except Damaged as error:
            skipped.append((path, str(error)))
            continue
        return step, state, skipped
    if skipped:
        reasons = "; ".join(reason for _, reason in skipped)
        raise Damaged(f"no checkpoint verifies: {reasons}. Bring one back from a copy, or start a new run.")
    raise Missing(f"{folder} holds no checkpoint yet; resume the run to train it from its first step")


def has_checkpoints(folder: Path) -> bool:
    """Return whether there is any checkpoint, good or damaged.

    Args:
        folder: Folder of the checkpoints.

    Returns:
        Whether there is one.
    """
    return bool(newest_first(folder))


def _is_step(name: str) -> bool:
    return name.isascii() and name.isdigit()  # a superscript two is a digit too, and no number


def newest_first(folder: Path) -> list[Path]:
    """Return the checkpoints, good or damaged, with the newest first.

    Args:
        folder: Folder of the checkpoints; it may be missing.

    Returns:
        Their paths.

    Raises:
        Damaged: If the folder cannot be read.
    """
    try:
        return sorted((path for path in folder.iterdir() if path.is_dir() and _is_step(path.name)), reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Damaged(f"{folder} cannot be read: {error.strerror}. Check the disk and permissions.") from error


def _refuse_non_finite(tensors: Mapping[str, Tensor], step: int) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            kind = "NaN" if tensor.isnan().any() else "Inf"
            raise NonFinite(
                f"{kind} in {name.split(':', 1)[1]} at step {step}. Nothing was saved; the last checkpoint is good."
            )


def _refuse_other_schema(path: Path, written: bytes, contents: Mapping[str, bytes]) -> None:
    try:
        schema = json.loads(written)["schema"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if _is_step(path.name) and type(schema) is int and written == manifest_bytes(int(path.name), contents, schema):
        raise Unsupported(
            f"{path}: found a checkpoint of schema {schema}, expected {SCHEMA}. Use the advnets that wrote it, or "
            "start a new run."
        )


def _difference(written: bytes, contents: Mapping[str, bytes]) -> str:
    try:
        files = json.loads(written)["files"]
        changed = [name for name, content in contents.items() if files[name]["sha256"] != _sha256(content)]
    except (ValueError, KeyError, TypeError, RecursionError):
        changed = []
    return f"{', '.join(changed or [MANIFEST])}: the SHA-256 is not that of the manifest; the bytes have changed"


def _canonical(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
