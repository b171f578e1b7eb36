"""A journal of any length is read and cut in little memory."""

import os
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from advnets import runs
from advnets.errors import BadInput
from advnets.runs import journal as module
from advnets.runs.journal import LONGEST_LINE, Journal

LINE = b'{"step": %d, "seconds": 12.5, "images_per_second": 10000.0, "D(x)": 0.5, "D(G(z))": 0.5}\n'


def write_journal(path: Path, size: int) -> int:
    """A journal of about so many bytes, with a broken line of a tenth of that in its middle; the last step."""
    block, steps = [LINE % step for step in range(1, 1001)], 0
    with path.open("wb") as file:
        while file.tell() < size:
            file.writelines(block)
            steps += 1000
            if steps == 1000:
                file.write(b"0" * (size // 10) + b"\n")
    return steps


def peak(act: Callable[[], object]) -> int:
    """Most bytes that were held at once."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("megabytes", "most"), [(1.5, 2**18), pytest.param(300, 2**22, marks=pytest.mark.slow)])
def test_a_long_journal_is_read_and_cut_in_little_memory(
    megabytes: float, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_LINE", most // 4)
    journal = Journal(tmp_path / "journal.jsonl")
    write_journal(journal.path, round(megabytes * 2**20))
    assert peak(lambda: journal.broken_lines()) < most
    assert peak(lambda: journal.drop_after(500)) < most
    assert journal.broken_lines() == []
    assert {row["step"] for row in journal.entries()} == set(range(1, 501))


def test_broken_lines_without_end_are_not_all_listed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.path.write_bytes(b"\n" * 10_000 + LINE % 3)
    assert journal.broken_lines(3) == [1, 2, 3]
    assert len(journal.broken_lines()) == 20
    journal.drop_after(3)
    assert [row["step"] for row in journal.read()] == [3]


def test_a_line_that_is_longer_than_any_entry_is_broken_and_ends_where_it_ends(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    long = b'{"step": 2, "text": "' + b"x" * (2 * LONGEST_LINE) + b'"}\n'
    journal.path.write_bytes(LINE % 1 + long + LINE % 3)
    assert journal.broken_lines() == [2]
    journal.drop_after(9)
    assert [row["step"] for row in journal.read()] == [1, 3]


@pytest.mark.skipif(os.name == "nt", reason="Windows has links for few")
def test_a_journal_that_is_a_link_is_refused(tmp_path: Path) -> None:
    Path("dear").write_bytes(LINE % 1)
    Path("journal.jsonl").symlink_to("dear")
    journal = runs.Journal(Path("journal.jsonl"))
    for act in (lambda: journal.append({"step": 2}), journal.sync, lambda: journal.drop_after(0)):
        with pytest.raises(BadInput, match="is a link"):
            act()
    assert Path("dear").read_bytes() == LINE % 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no hard links for all")
def test_a_copy_by_hard_links_is_no_part_of_the_run(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run" / "journal.jsonl")
    journal.path.parent.mkdir()
    journal.append({"step": 1})
    shutil.copytree("run", "copy", copy_function=os.link)
    journal.append({"step": 2})
    assert [row["step"] for row in Journal(tmp_path / "copy" / "journal.jsonl").read()] == [1]
    assert [row["step"] for row in journal.read()] == [1, 2]
