"""Runs: a directory with its journal and its checkpoints, and the share file, in which a generator travels.

Inside of the room a file imports only from those before it: files, journal, tail, sealed_json,
directory, overview, state, module_memory, checkpoint, strict_json, card, card_checks, share. A file that is not named
stands alone.
"""

from advnets.errors import CannotWrite
from advnets.runs import share
from advnets.runs.card import Card, DataCard, card_text, parse_card
from advnets.runs.card_checks import check_card, expected_tensors
from advnets.runs.checkpoint import (
    KEPT_CHECKPOINTS,
    has_checkpoints,
    load_checkpoint,
    load_latest,
    newest_first,
    remove_checkpoints_after,
    save_checkpoint,
)
from advnets.runs.directory import (
    RunDirectory,
    create_run,
    expect_new_run,
    hold_run,
    identity_of_folder,
    lock_run,
    new_run_path,
    open_run,
)
from advnets.runs.environment import (
    describe_arithmetic,
    describe_environment,
    find_commit,
    has_changes,
    physical_memory,
)
from advnets.runs.files import (
    expect_new,
    expect_new_folder,
    json_bytes,
    make_folder,
    open_folder,
    overwrite_json,
    read_json,
    remove_leftovers,
    write_bytes,
    write_json,
    write_new,
    write_new_folder,
)
from advnets.runs.journal import Journal
from advnets.runs.module_memory import ModuleMemory, memory_fingerprint, name_iterators, put_back_memory
from advnets.runs.sealed_json import read_sealed, sealed_text, write_sealed
from advnets.runs.state import measure_tensors, pack_state, state_fingerprint, unpack_state

__all__ = [
    "KEPT_CHECKPOINTS", "CannotWrite", "Card", "DataCard", "Journal", "ModuleMemory", "RunDirectory", "card_text",
    "check_card", "create_run", "describe_arithmetic", "describe_environment", "expect_new", "expect_new_folder",
    "expect_new_run", "expected_tensors", "find_commit", "has_changes", "has_checkpoints", "hold_run",
    "identity_of_folder", "json_bytes", "load_checkpoint", "load_latest", "lock_run", "make_folder", "measure_tensors",
    "memory_fingerprint", "name_iterators", "new_run_path", "newest_first", "open_folder", "open_run", "overwrite_json",
    "pack_state", "parse_card", "physical_memory", "put_back_memory", "read_json", "read_sealed",
    "remove_checkpoints_after", "remove_leftovers", "save_checkpoint", "sealed_text", "share", "state_fingerprint",
    "unpack_state", "write_bytes", "write_json", "write_new", "write_new_folder", "write_sealed",
]  # fmt: skip
