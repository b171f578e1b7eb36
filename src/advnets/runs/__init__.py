"""Runs: a directory with its journal and its checkpoints, and the share file, in which a generator travels.

Inside of the room a file imports only from those before it: files, journal, directory, state, checkpoint, strict_json,
card, card_checks, share. A file that is not named stands alone.
"""

from advnets.errors import CannotWrite
from advnets.runs import share
from advnets.runs.card import Card, DataCard
from advnets.runs.card_checks import check_card, expected_tensors
from advnets.runs.checkpoint import has_checkpoints, load_checkpoint, load_latest, newest_first, save_checkpoint
from advnets.runs.directory import RunDirectory, create_run, lock_run, new_run_path, open_run
from advnets.runs.environment import describe_environment
from advnets.runs.files import make_folder, overwrite_json, read_json, remove_leftovers, write_bytes, write_json
from advnets.runs.journal import Journal
from advnets.runs.state import pack_state, state_fingerprint, unpack_state

__all__ = [
    "CannotWrite", "Card", "DataCard", "Journal", "RunDirectory", "check_card", "create_run", "describe_environment",
    "expected_tensors", "has_checkpoints", "load_checkpoint", "load_latest", "lock_run", "make_folder", "new_run_path",
    "newest_first", "open_run", "overwrite_json", "pack_state", "read_json", "remove_leftovers", "save_checkpoint",
    "share", "state_fingerprint", "unpack_state", "write_bytes", "write_json",
]  # fmt: skip
