"""Runs: a directory, its journal, its checkpoints; and the share file, which a generator travels in."""

from advnets.errors import CannotWrite
from advnets.runs import share
from advnets.runs.card import Card, DataCard
from advnets.runs.card_checks import check_card, expected_tensors
from advnets.runs.checkpoint import fingerprint, has_checkpoints, latest, load, newest_first, pack, save, unpack
from advnets.runs.directory import RunDirectory, create, lock, new_path, open_run
from advnets.runs.environment import environment
from advnets.runs.files import make_folder, read_json, sweep, write_bytes, write_json
from advnets.runs.journal import Journal

__all__ = [
    "CannotWrite", "Card", "DataCard", "Journal", "RunDirectory", "check_card", "create", "environment",
    "expected_tensors", "fingerprint",
    "has_checkpoints", "latest", "load", "lock", "make_folder", "new_path", "newest_first",
    "open_run", "pack", "read_json", "save",
    "share", "sweep", "unpack", "write_bytes", "write_json",
]  # fmt: skip
