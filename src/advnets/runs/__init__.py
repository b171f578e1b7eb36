"""Runs: a directory, its journal, its checkpoints."""

from advnets.runs.checkpoint import fingerprint, has_checkpoints, latest, load, save
from advnets.runs.directory import RunDirectory, create, lock, new_path, open_run
from advnets.runs.environment import environment
from advnets.runs.files import CannotWrite, make_folder, read_json, sweep, write_bytes, write_json
from advnets.runs.journal import Journal

__all__ = [
    "CannotWrite", "Journal", "RunDirectory", "create", "environment", "fingerprint", "has_checkpoints", "latest",
    "load", "lock", "make_folder", "new_path", "open_run", "read_json", "save", "sweep", "write_bytes", "write_json",
]  # fmt: skip
