"""Runs: a directory, its journal, its checkpoints."""

from advnets.runs.checkpoint import fingerprint, has_checkpoints, latest, load, pack, save, sweep, unpack
from advnets.runs.directory import RunDirectory, create, lock, new_path, open_run
from advnets.runs.environment import environment
from advnets.runs.files import CannotWrite, read_json, write_json
from advnets.runs.journal import Journal

__all__ = [
    "CannotWrite", "Journal", "RunDirectory", "create", "environment", "fingerprint", "has_checkpoints", "latest",
    "load", "lock", "new_path", "open_run", "pack", "read_json", "save", "sweep", "unpack", "write_json",
]  # fmt: skip
