"""info, journal and the completion of a shell."""

import csv
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

import tiny
from advnets import experiment, runs
from advnets.cli.main import VERBS, main
from advnets.data import cache_folder
from advnets.experiment.journal_files import EVENTS, flatten
from advnets.recipes import RECIPES
from advnets.runs import environment


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> experiment.Run:
    """A run with eight entries."""
    return tiny.trained(str(tmp_path_factory.mktemp("journal") / "run"))


def test_a_journal_as_a_table(run: experiment.Run, tmp_path: Path) -> None:
    assert main(["journal", str(run.path), "--out", "journal.csv", "--json"]) == 0
    entries = run.directory.journal.read()
    with Path("journal.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(entries) == 8
    assert next(iter(rows[0])) == "step"
    for row, entry in zip(rows, entries, strict=True):
        assert {name: float(value) for name, value in row.items() if value} == flatten(entry)
    assert main(["journal", str(run.path), "--out", "journal.csv"]) == 2


def test_a_journal_as_events_is_read_back_by_tensorboard(run: experiment.Run, tmp_path: Path) -> None:
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert main(["journal", str(run.path), "--out", "events/"]) == 0
    assert [path.name for path in Path("events").iterdir()] == [EVENTS]
    found = accumulators.EventAccumulator("events")
    found.Reload()
    entries = [flatten(entry) for entry in run.directory.journal.read()]
    names = {name for entry in entries for name in entry} - {"step", "seconds"}
    assert set(found.Tags()["scalars"]) == names
    for name in names:
        told = [(one.step, one.wall_time, one.value) for one in found.Scalars(name)]
        assert told == [
            (entry["step"], entry["seconds"], float(np.float32(entry[name]))) for entry in entries if name in entry
        ]


def test_a_journal_that_cannot_be_written(
    run: experiment.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["journal", "nothing", "--out", "x.csv"]) == 2
    assert main(["journal", str(run.path), "--out", "x.txt"]) == 2
    assert "expected FILE.csv, or FOLDER/" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    assert main(["journal", str(run.path), "--out", "events"]) == 2
    assert "advnets[track]" in capsys.readouterr().err
    shutil.copytree(run.path, tmp_path / "empty")
    (tmp_path / "empty" / "journal.jsonl").write_text("")
    assert main(["journal", "empty", "--out", "x.csv"]) == 2
    assert "is empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def fill_cache() -> tuple[list[Path], list[Path]]:
    """What advnets made in the cache, and what it did not make or cannot make again."""
    root = cache_folder()
    made = [root / "classifiers" / ("0a" * 32) / "00000200" / "state.json", root / "images" / f"a-{'0' * 16}.cache"]
    others = [
        root / "mine.txt", root / "classifiers" / "notes.txt", root / "classifiers" / "my-folder" / "x",
        root / "images" / "photo.png", root / "mnist" / "train.gz", root / "weights" / "w.npz", root / "other" / "y",
    ]  # fmt: skip
    for path in (*made, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(100))
    return made, others


def test_the_cache_is_cleared_of_what_advnets_made_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, others = fill_cache()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "z").touch()
    link = cache_folder() / "classifiers" / ("ab" * 32)
    link.symlink_to(outside)
    assert main(["info", "--clear-cache"]) == 2
    assert "Say --yes" in capsys.readouterr().err
    assert all(path.exists() for path in (*made, *others))
    assert main(["info", "--yes"]) == 2
    capsys.readouterr()
    assert main(["info", "--clear-cache", "--yes", "--json"]) == 0
    removed = json.loads(capsys.readouterr().out)["removed_bytes"]
    assert removed["images"] == 100
    assert 100 <= removed["classifiers"] < 1000
    assert not any(path.exists() for path in made)
    assert all(path.exists() for path in (*others, outside / "z"))
    assert not link.is_symlink()
    assert not made[0].parents[1].exists()


def test_a_room_of_the_cache_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside" / ("0a" * 32)
    outside.mkdir(parents=True)
    cache_folder().mkdir(parents=True)
    (cache_folder() / "classifiers").symlink_to(outside.parent)
    assert main(["info", "--clear-cache", "--yes"]) == 0
    assert outside.is_dir()


def test_info_tells_versions_devices_and_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill_cache()
    assert main(["info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["cache"]["folder"] == str(cache_folder())
    assert told["cache"]["bytes"] == {"classifiers": 300, "images": 200, "weights": 100, "mnist": 100}
    assert told["devices"][0] == "cpu"
    assert told["packages"]["torch"]
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    assert "  classifiers 300 bytes" in re.sub(" +", " ", text).replace("\n ", "\n  ")
    assert str(cache_folder()) in text


def test_info_tells_the_commit_of_a_checkout_and_nothing_outside_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*words: str) -> str:
        author = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *author, "-C", str(tmp_path), *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def told() -> tuple[str | None, bool | None, str]:
        assert main(["info", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["commit"] == runs.describe_environment()["commit"]
        assert main(["info"]) == 0
        return found["commit"], found["changes"], capsys.readouterr().out.splitlines()[0]

    code = tmp_path / "environment.py"
    monkeypatch.setattr(environment, "__file__", str(code))
    code.write_text("one = 1\n")
    row = f"advnets       {version('advnets')}"
    assert told() == (None, None, row), "no checkout"
    git("init", "-q")
    (tmp_path / "README.md").write_text("Another project\n")
    git("add", "README.md")
    git("commit", "-q", "-m", "Begin")
    assert told() == (None, None, row), "a checkout of another project, with advnets inside"
    git("add", "environment.py")
    git("commit", "-q", "-m", "Add code")
    commit = git("rev-parse", "HEAD")
    (tmp_path / "runs.txt").write_text("not tracked\n")
    assert told() == (commit, False, f"{row}, commit {commit[:7]} (clean)")
    code.write_text("one = 2\n")
    assert told() == (commit, True, f"{row}, commit {commit[:7]} (with changes)")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script of bash, as the command prints it."""
    path = tmp_path_factory.mktemp("completion") / "advnets.bash"
    command = [sys.executable, "-m", "advnets", "--print-completion", "bash"]
    path.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return path


def complete(script: Path, *words: str) -> set[str]:
    """What a real bash offers for the last word."""
    typed = " ".join(f"'{word}'" for word in words)
    program = (
        f"source '{script}'; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _advnets; "
        'printf "%s\\n" "${COMPREPLY[@]}"; complete -p advnets >&2'
    )
    done = subprocess.run(
        ["bash", "--norc", "-eu", "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert "-F _advnets advnets" in done.stderr
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_a_real_bash_completes_verbs_flags_and_choices(script: Path) -> None:
    assert complete(script, "advnets", "") == set(VERBS)
    assert complete(script, "advnets", "tr") == {"train", "translate"}
    assert complete(script, "advnets", "sample", "--se") == {"--seed", "--seeds"}
    assert {"-n", "--n", "--help"} <= complete(script, "advnets", "sample", "-")
    assert complete(script, "advnets", "train", "--device", "c") == {"cpu", "cuda"}
    assert complete(script, "advnets", "train", "paper-") == {name for name in RECIPES if name.startswith("paper-")}
    assert complete(script, "advnets", "evaluate", "--split", "") == {"validation", "test"}
    assert complete(script, "advnets", "nothing", "--x") == set()


def test_every_flag_of_the_help_is_completed(script: Path) -> None:
    help_folder = Path(__file__).parents[2] / "docs" / "help"
    text = script.read_text()
    for verb in VERBS:
        told = (help_folder / f"{verb}.txt").read_text()
        flags = set(re.findall(r"^  (?:-\w, )?(--[a-z][\w.-]*)", told, re.MULTILINE))
        (known,) = re.findall(rf'^ {{10}}{verb}\) known="(.*)" ;;$', text, re.MULTILINE)
        assert flags <= set(known.split()), verb


def test_zsh_gets_the_same_by_its_own_bashcompinit(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", "zsh"]) == 0
    first, rest = capsys.readouterr().out.split("\n", 1)
    assert first == "autoload -Uz bashcompinit && bashcompinit"
    assert rest == script.read_text()
    for words in (["fish"], [], ["bash", "zsh"]):
        assert main(["--print-completion", *words]) == 2
