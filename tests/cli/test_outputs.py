"""What a command writes is whole or not there, never over another's file, and what was measured is printed anyhow."""

import errno
import json
import os
import shutil
import signal
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

import tiny
from advnets import experiment
from advnets.cli.main import main
from advnets.cli.page import PageFlags
from advnets.disk import Folder, held_folder as disk
from advnets.errors import BadInput, CannotWrite, keep_result
from advnets.studies import canaries, table
from advnets.studies.results_file import ResultsFile
from directory_checks import everything

FAST = ("--measures", "fid", "--n", "100", "--no-classifier")
COMMANDS: dict[str, tuple[str, ...]] = {
    "a grid of samples": ("sample", "RUN", "-n", "4", "--out", "out.png"),
    "an archive of samples": ("sample", "RUN", "-n", "4", "--out", "out.npz"),
    "an archive of pictures": ("sample", "RUN", "-n", "4", "--out", "out.zip"),
    "an animation": ("sample", "RUN", "--seeds", "1,2", "--interpolate", "--frames", "2", "--out", "out.webp"),
    "a folder of samples": ("sample", "RUN", "-n", "4", "--out", "out"),
    "a figure": ("figures", "grid", "RUN", "--out", "out.png"),
    "figure 2": ("figures", "figure2", "RUN", "--out", "out.png"),
    "figure 3": ("figures", "figure3", "RUN", "--out", "out.png"),
    "a share file": ("export", "RUN", "--out", "out.safetensors"),
    "a picture of data": ("data", "digits", "--picture", "out.png", "--json"),
    "a comparison": ("compare", "RUN", "RUN/report.json", "--reports", "--out", "out.md", "--json"),
    "a report": ("evaluate", "RUN", *FAST, "--out", "out", "--json"),
}
MEASURED = ("a picture of data", "a comparison", "a report")
"""What takes long, so that it is printed even where it cannot be kept."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with a report."""
    path = tmp_path_factory.mktemp("outputs") / "run"
    tiny.trained(str(path), steps=4).evaluate(measures="fid", n=100, classifier=False)
    return path


def call(name: str, run: Path) -> int:
    return main([word.replace("RUN", str(run)) for word in COMMANDS[name]])


def one_line(capsys: pytest.CaptureFixture[str], *, measured: bool) -> str:
    """The error, of one line; what was measured is on standard output."""
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    if measured:
        assert json.loads(told.out)
    else:
        assert told.out == ""
    return told.err.splitlines()[-1]


@pytest.mark.parametrize("name", COMMANDS)
def test_what_appears_meanwhile_is_not_overwritten(
    name: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_new, make_folder = Folder.write_new, Folder.make_folder

    def late_file(self: Folder, name: str, content: Any) -> None:
        (self.path / name).write_bytes(b"theirs")
        write_new(self, name, content)

    def late_folder(self: Folder, name: str) -> None:
        if name.startswith(".tmp-"):
            (self.path / "out").mkdir()
            (self.path / "out" / "dear").write_bytes(b"theirs")
        make_folder(self, name)

    monkeypatch.setattr(Folder, "write_new", late_file)
    monkeypatch.setattr(Folder, "make_folder", late_folder)
    assert call(name, run) == 2
    assert "is there already and is not overwritten" in one_line(capsys, measured=name in MEASURED)
    found = everything(tmp_path)
    assert [content for content in found.values() if content is not None] == [b"theirs"]
    assert len(found) == 1 + ("out" in found)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_one_line_and_leaves_nothing(
    name: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(file: IO[bytes], content: Any, *, force: bool = True) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(disk, "fill_file", fill)
    assert call(name, run) == 2
    assert "could not be written: the disk is full" in one_line(capsys, measured=name in MEASURED)
    assert everything(tmp_path) == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    name: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda *given, **more: False)
    monkeypatch.setattr(experiment.Run, "evaluate_own_data", None)  # it is not come to
    assert call(name, run) == 2
    assert "could not be written: " in one_line(capsys, measured=False)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_report_that_the_run_cannot_hold_is_printed(
    split: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, "run")
    before = everything(Path("run"))

    def fail(*given: Any, **more: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Folder, "write" if split == "validation" else "append", fail)
    assert main(["evaluate", "run", *FAST, "--split", split, "--json"]) == 2
    assert "could not be written: the disk is read-only" in one_line(capsys, measured=True)
    if split == "test":
        assert everything(Path("run")) == before
        assert main(["compare", "run", "run", *FAST, "--split", "test", "--json"]) == 2
        assert "could not be written: the disk is read-only" in one_line(capsys, measured=True)


def test_an_api_caller_has_what_was_measured(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Folder, "write", fail)
    with pytest.raises(CannotWrite) as caught:
        experiment.Run(run).evaluate(measures="fid", n=100, classifier=False)
    assert list(caught.value.result.measures) == ["fid"]


def test_a_page_that_appears_meanwhile_stays_and_the_tables_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = PageFlags(out=Path("page.md"))
    Path("page.md").write_text("theirs")
    with pytest.raises(BadInput, match="not overwritten"):
        flags.show({}, text="the tables", markdown="# The tables", kept=Path("results.json"))
    assert capsys.readouterr().out == "the tables\n"
    assert Path("page.md").read_text() == "theirs"


@dataclass(frozen=True)
class Numbers:
    """Results of a study that counts."""

    of: tuple[int, ...] = ()

    @property
    def protocol(self) -> dict[str, object]:
        return {}

    def merge(self, other: "Numbers") -> "Numbers":
        return Numbers(tuple(sorted({*self.of, *other.of})))


@pytest.mark.parametrize("where", ["write", "lock"])
def test_results_that_cannot_be_kept_are_in_the_error(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ResultsFile(tmp_path / "results.json", Numbers)
    file.add(Numbers((1,)))

    def fail(*given: Any, **more: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    if where == "write":
        monkeypatch.setattr(Folder, "write", fail)
    else:
        monkeypatch.setattr("advnets.studies.results_file.FileLock", fail)
    with pytest.raises(CannotWrite, match="the disk is read-only") as caught:
        file.add(Numbers((2,)))
    assert caught.value.result == Numbers((1, 2) if where == "write" else (2,))


@pytest.mark.parametrize(
    ("verb", "study", "results"),
    [
        ("table", table.TableStudy, table.TableResults("digits", "0" * 64)),
        ("canaries", canaries.CanaryStudy, canaries.CanaryResults("digits", "0" * 64, 60, 0, "pixels")),
    ],
)
def test_what_a_study_measured_and_cannot_keep_is_printed(
    verb: str, study: Any, results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def run_on_a_full_disk(self: Any) -> Iterator[Any]:
        with keep_result(results):
            raise CannotWrite("results.json could not be written: the disk is full")
        yield

    monkeypatch.setattr(study, "run", run_on_a_full_disk)
    assert main([verb, "--data", "digits", "--json"]) == 2
    assert "the disk is full" in one_line(capsys, measured=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the kill is dealt by a process that forks")
@pytest.mark.parametrize(
    ("out", "owner", "writer"),
    [
        ("out.npz", np.lib.format, "write_array_header_1_0"),
        ("out.zip", zipfile.ZipFile, "writestr"),
        ("out/", Folder, "create"),
    ],
)
def test_a_kill_in_the_middle_of_samples_leaves_no_half(
    out: str, owner: Any, writer: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def be_killed(*given: Any, **more: Any) -> None:
        write(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    write, words = getattr(owner, writer), ["sample", str(run), "-n", "4", "--out", out]
    if (child := os.fork()) == 0:
        setattr(owner, writer, be_killed)
        main(words)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert all(name.startswith(".tmp-") for name in os.listdir())
    assert main(words) == 0
    if out.endswith("/"):
        assert len(os.listdir(out)) == 4
    elif out.endswith(".zip"):
        assert len(zipfile.ZipFile(out).namelist()) == 4
    else:
        with np.load(out) as held:
            assert held["images"].shape[0] == 4


def test_an_empty_folder_stays_the_folder_that_it_is(run: Path, tmp_path: Path) -> None:
    before, act = tmp_path.stat().st_ino, experiment.Run(run).sample(3)
    assert str(act.save("./")) == "."
    assert sorted(os.listdir()) == ["000000.png", "000001.png", "000002.png"]
    assert tmp_path.stat().st_ino == before
