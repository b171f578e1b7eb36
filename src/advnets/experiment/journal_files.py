"""The journal of a run in the forms of other programs: a table (CSV), and events of TensorBoard."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from advnets import runs
from advnets.disk import Folder
from advnets.errors import BadInput, Unsupported
from advnets.runs import Journal

EVENTS = "events.out.tfevents.0.advnets"
"""Name of the file of events; TensorBoard finds one by the middle of its name. It tells neither host nor user."""


def write_journal(run: str | Path, out: str | Path) -> int:
    """Write a run's journal as FILE.csv, or as a folder of TensorBoard's events; nothing is overwritten.

    FILE.csv has a row an entry and a column for each number that an entry has, the step first; where an entry lacks a
    number, nothing stands. Of events the numbers are float32, as TensorBoard's scalars are, and the time is the run's
    own, in seconds.

    Args:
        run: The run directory.
        out: FILE.csv or FOLDER/, which is what `tensorboard --logdir` is given.

    Returns:
        The number of entries.

    Raises:
        Missing: If there is no run.
        BadInput: If the journal is empty, or something is at the place.
        Damaged: If a line of the journal is no entry.
        Unsupported: For another ending, and for events without the extra `track`.
        CannotWrite: If the disk fails or is full.
    """
    path, journal = Path(out), runs.open_run(Path(run)).journal
    if path.suffix == ".csv" and not str(out).endswith("/"):
        runs.expect_new(path)
        entries, table = _format_table(journal)
        runs.write_new(path, table)
        return entries
    if path.suffix and not str(out).endswith("/"):
        raise Unsupported(f"{out}: expected FILE.csv, or FOLDER/ for TensorBoard")
    runs.expect_new_folder(path, "--out")
    count = _count(journal)
    runs.write_new_folder(path, lambda folder: _write_events(journal, folder))
    return count


def _count(journal: Journal) -> int:
    count = sum(1 for _ in journal.entries())
    if not count:
        raise BadInput(f"{journal.path} is empty: the run has not come to its first entry. Train it on.")
    return count


def _format_table(journal: Journal) -> tuple[int, bytes]:
    count = _count(journal)
    columns = dict.fromkeys(["step", *(name for entry in journal.entries() for name in flatten(entry))])
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns), lineterminator="\n")
    table.writeheader()
    for entry in journal.entries():
        table.writerow(flatten(entry))
    return count, text.getvalue().encode()


def flatten(entry: Mapping[str, Any], above: str = "") -> dict[str, float]:
    """Return the numbers of an entry by name; those of an inner object have its name and a slash before theirs.

    Args:
        entry: The entry.
        above: What stands before each name.

    Returns:
        The numbers; texts, lists, truth values and nulls are left out.

    Example:
        >>> flatten({"step": 3, "note": "x", "rate": {"generator": 0.1}})
        {'step': 3, 'rate/generator': 0.1}
    """
    found: dict[str, float] = {}
    for name, value in entry.items():
        if isinstance(value, Mapping):
            found |= flatten(value, f"{above}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{above}{name}"] = value
    return found


def _write_events(journal: Journal, folder: Folder) -> None:
    """Write events by TensorBoard's own record writer, and its own messages."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event  # an extra
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError as error:
        raise Unsupported(
            "tensorboard is not installed, which writes its events. Install the extra: pip install 'advnets[track]'"
        ) from error

    def write(file: IO[bytes]) -> None:
        records = RecordWriter(file)
        records.write(Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
        for step, seconds, numbers in _scalars(journal):
            values = [Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
            event = Event(wall_time=seconds, step=step, summary=Summary(value=values))
            records.write(event.SerializeToString())

    folder.create(EVENTS, write)


def _scalars(journal: Journal) -> Iterator[tuple[int, float, dict[str, float]]]:
    """Step, seconds and other numbers of each entry."""
    for entry in journal.entries():
        numbers = flatten(entry)
        step, seconds = int(numbers.pop("step")), float(numbers.pop("seconds", 0.0))
        yield step, seconds, numbers
