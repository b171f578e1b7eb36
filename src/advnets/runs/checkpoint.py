"""Checkpoints: written whole or not at all, verified by SHA-256 whenever they are read, never a pickle.

    checkpoints/00000500/    tensors.safetensors  state.json  MANIFEST.json

Neither safetensors nor torch notices a flipped bit, so the manifest holds the hash of each file and of itself.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors, save as tensors_as_bytes
from torch import Tensor

from advnets.disk import Folder, temporary_name
from advnets.errors import BadInput, Damaged, Missing, NonFinite, Unsupported
from advnets.runs.files import cannot_write, open_folder
from advnets.runs.state import copy_shared_tensors, flatten_state, unflatten_state
from advnets.text import quote_word

SCHEMA = 2
KEPT_CHECKPOINTS = 2
"""How many checkpoints of a run are kept, beside the best."""
FILES = ("tensors.safetensors", "state.json")
MANIFEST = "MANIFEST.json"


def save_checkpoint(
    folder: Path, step: int, state: Mapping[str, Any], held: Folder | None = None, best: int | None = None
) -> Path:
    """Write the checkpoint of a step, verify it, and remove all but the newest two that verify, and the best.

    Args:
        folder: Folder of the checkpoints, which is made where it is missing.
        step: Number of the step.
        state: What `flatten_state` takes.
        held: The run's folder, if it is held open: the folder of the checkpoints is then looked for in there, and must
            be no link.
        best: Step of a checkpoint that stays, however old it is.

    Returns:
        Path of the checkpoint.

    Raises:
        NonFinite: If a tensor is not finite; it is named, and nothing is written.
        CannotWrite: If the disk fails or is full.
        BadInput: If there is a link below the folder that is held.
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
    temporary = temporary_name()
    try:
        with open_folder(folder, held, make=True) as at:
            try:
                write_files(at, temporary, contents)
                commit_checkpoint(at, temporary, path.name)
            except OSError:
                with contextlib.suppress(OSError):
                    at.remove(temporary)
                raise
            del contents  # large nets: the bytes are about to be read back
            verify_checkpoint(path, at)
            prune_checkpoints(at, best=best)
    except OSError as error:
        raise cannot_write(path, error) from error
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


def write_files(folder: Folder, temporary: str, contents: Mapping[str, bytes]) -> None:
    """Write a checkpoint's files into a temporary folder, and force them to the disk.

    Args:
        folder: Folder of the checkpoints.
        temporary: Name of the temporary folder, which is made.
        contents: Bytes of each file, by name.
    """
    folder.make_folder(temporary)
    with folder.folder(temporary) as made:
        for name, content in contents.items():
            made.create(name, content)
        made.sync()


def commit_checkpoint(folder: Folder, temporary: str, name: str) -> None:
    """Give the temporary folder its name; a good checkpoint of that name stays, and a damaged one makes way.

    Args:
        folder: Folder of the checkpoints.
        temporary: Name of the folder of the files.
        name: Name of the checkpoint.
    """
    damaged = f"{temporary}-damaged"
    if folder.status(name) is not None:
        if is_good_checkpoint(folder.path / name, folder):
            folder.remove(temporary)
            return
        folder.rename(name, damaged)
    folder.rename(temporary, name)
    folder.sync()
    with contextlib.suppress(OSError):
        folder.remove(damaged)


def prune_checkpoints(folder: Folder, keep: int = KEPT_CHECKPOINTS, best: int | None = None) -> None:
    """Remove checkpoints that are older than the newest ones that verify.

    Each loses its name before its files, so that who reads finds a whole checkpoint or none.

    Args:
        folder: Folder of the checkpoints.
        keep: How many that verify are kept.
        best: Step of a checkpoint that is kept beside them.
    """
    good = 0
    for name in _names_newest_first(folder):
        if good >= keep and int(name) == best:
            continue
        if good >= keep:
            away = temporary_name()
            with contextlib.suppress(OSError):
                folder.rename(name, away)
                folder.remove(away)
        elif is_good_checkpoint(folder.path / name, folder):
            good += 1


def verify_checkpoint(path: Path, held: Folder | None = None) -> dict[str, bytes]:
    """Return the files of a checkpoint after their hashes were compared.

    Args:
        path: Path of the checkpoint.
        held: Folder of the checkpoints, if it is held open.

    Returns:
        Bytes of each file, by name.

    Raises:
        Damaged: If a file is missing or has changed; it is named.
        Unsupported: If the checkpoint is whole, but of another schema.
    """
    try:
        with open_folder(path, held) as folder:
            contents = _read_files(folder)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}") from error
    except Damaged:
        raise
    except BadInput as error:
        raise Damaged(str(error)) from error
    written = contents.pop(MANIFEST)
    if not _is_step(path.name) or written != manifest_bytes(int(path.name), contents):
        _refuse_other_schema(path, written, contents)
        raise Damaged(f"{path}: {_difference(written, contents)}")
    return contents


def _read_files(folder: Folder) -> dict[str, bytes]:
    """The bytes of each file; all are opened before the first is read, so that a trainer may prune them meanwhile."""
    names = (*FILES, MANIFEST)
    with contextlib.ExitStack() as opened:
        found = sorted(folder.names())
        if found != sorted(names):
            raise Damaged(f"{folder.path}: found {', '.join(found) or 'nothing'}; expected {', '.join(names)}")
        files = {name: opened.enter_context(folder.open_file(name)) for name in names}
        return {name: file.read() for name, file in files.items()}


def is_good_checkpoint(path: Path, held: Folder | None = None) -> bool:
    """Return whether a checkpoint verifies.

    Args:
        path: Path of the checkpoint.
        held: Folder of the checkpoints, if it is held open.

    Returns:
        Whether `verify_checkpoint` raises nothing.
    """
    try:
        verify_checkpoint(path, held)
    except (Damaged, Unsupported):
        return False
    return True


def load_checkpoint(path: Path, held: Folder | None = None) -> tuple[int, dict[str, Any]]:
    """Return the step and the state of a checkpoint.

    Args:
        path: Path of the checkpoint.
        held: A folder above it that is held open.

    Returns:
        Number of the step, and the state.

    Raises:
        Damaged: If a file is missing or has changed; it is named.
        Unsupported: If the checkpoint is whole, but of another schema.
    """
    contents = verify_checkpoint(path, held)
    tensors = load_tensors(contents["tensors.safetensors"])
    state: dict[str, Any] = unflatten_state(json.loads(contents["state.json"]), tensors)
    return int(path.name), state


def load_latest(folder: Path, held: Folder | None = None) -> tuple[int, dict[str, Any], list[tuple[Path, str]]]:
    """Return the newest checkpoint that verifies.

    Beside a trainer, what is read may be pruned. If a checkpoint does not verify and the list of them has changed since
    it was made, all begins anew.

    Args:
        folder: Folder of the checkpoints.
        held: A folder above it that is held open.

    Returns:
        Number of its step, its state, and the damaged checkpoints that are newer, each with what is wrong.

    Raises:
        Missing: If there is no checkpoint.
        Damaged: If none verifies.
        Unsupported: If the newest is of another schema.
    """
    while True:
        listed = newest_first(folder, held)
        found, skipped = _load_first_good(listed, held)
        if not skipped or newest_first(folder, held) == listed:
            break
    if found is not None:
        return *found, skipped
    if skipped:
        reasons = "; ".join(reason for _, reason in skipped)
        raise Damaged(f"no checkpoint verifies: {reasons}. Bring one back from a copy, or start a new run.")
    raise Missing(
        f"{folder.parent} has no checkpoint yet. If it is training now, ask again in a minute; if it has stopped, "
        f"`advnets resume {quote_word(folder.parent)}` trains it from its first step."
    )


def _load_first_good(
    listed: list[Path], held: Folder | None
) -> tuple[tuple[int, dict[str, Any]] | None, list[tuple[Path, str]]]:
    """The first of some checkpoints that verifies, and those before it, with what is wrong."""
    skipped: list[tuple[Path, str]] = []
    for path in listed:
        try:
            return load_checkpoint(path, held), skipped
        except Damaged as error:
            skipped.append((path, str(error)))
    return None, skipped


def has_checkpoints(folder: Path, held: Folder | None = None) -> bool:
    """Return whether there is any checkpoint, good or damaged.

    Args:
        folder: Folder of the checkpoints.
        held: A folder above it that is held open.

    Returns:
        Whether there is one.
    """
    return bool(newest_first(folder, held))


def remove_checkpoints_after(folder: Path, step: int, held: Folder | None = None) -> None:
    """Remove the checkpoints of later steps, which a training that went back will write anew.

    Args:
        folder: Folder of the checkpoints.
        step: The last step whose checkpoint stays.
        held: A folder above it that is held open.

    Raises:
        CannotWrite: If the disk fails.
    """
    try:
        with open_folder(folder, held) as opened:
            for name in _names_newest_first(opened):
                if int(name) > step:
                    opened.remove(name)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _is_step(name: str) -> bool:
    return name.isascii() and name.isdigit()  # a superscript two is a digit too, and no number


def newest_first(folder: Path, held: Folder | None = None) -> list[Path]:
    """Return the checkpoints, good or damaged, with the newest first; a link is none.

    Args:
        folder: Folder of the checkpoints; it may be missing.
        held: A folder above it that is held open.

    Returns:
        Their paths.

    Raises:
        Damaged: If the folder cannot be read.
    """
    try:
        with open_folder(folder, held) as opened:
            return [folder / name for name in _names_newest_first(opened)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Damaged(f"{folder} cannot be read: {error.strerror}. Check the disk and permissions.") from error


def _names_newest_first(folder: Folder) -> list[str]:
    return sorted((name for name in folder.names() if _is_step(name) and folder.has_folder(name)), reverse=True)


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
