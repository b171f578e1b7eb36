"""Checkpoints, journal and lock: what is written comes back bit for bit, and no damage passes."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from advnets import runs
from advnets.errors import BadInput, Damaged, InUse, NonFinite, Unsupported
from advnets.runs import checkpoint
from advnets.runs.files import CannotWrite
from checkpoint_checks import flips, keep_the_best_one, keep_the_newest_good_ones, state, undetected


def test_a_state_comes_back_bit_for_bit(tmp_path: Path) -> None:
    written = state()
    step, read = runs.load_checkpoint(runs.save_checkpoint(tmp_path, 3, written))
    assert step == 3
    assert runs.state_fingerprint(read) == runs.state_fingerprint(written)
    assert read["plain"] == written["plain"]
    assert set(read["optimizer"]["state"]) == {0, 1}
    assert [tensor.dtype for tensor in read["kinds"]] == [tensor.dtype for tensor in written["kinds"]]
    torch.optim.Adam(torch.nn.Linear(3, 2).parameters()).load_state_dict(read["optimizer"])


def test_a_state_of_tensors_that_share_memory_goes_to_another_process() -> None:
    tied = torch.nn.Linear(3, 3)
    written = {"below": tied.state_dict(), "above": tied.state_dict(), **state()}
    assert runs.state_fingerprint(runs.unpack_state(runs.pack_state(written))) == runs.state_fingerprint(written)


def test_the_fingerprint_sees_a_single_bit() -> None:
    other = state()
    other["views"]["a"].view(torch.uint8)[0] ^= 1
    assert runs.state_fingerprint(other) != runs.state_fingerprint(state())
    assert runs.state_fingerprint({"seconds": 1.0, "x": 1}) == runs.state_fingerprint({"seconds": 2.0, "x": 1})


def test_all_damage_is_detected(tmp_path: Path) -> None:
    assert undetected(runs.save_checkpoint(tmp_path, 3, state())) == 0


@pytest.mark.parametrize("schema", [1, 3])
def test_another_schema_is_told_apart_from_damage(schema: int, tmp_path: Path) -> None:
    path = runs.save_checkpoint(tmp_path, 3, state())
    contents = {name: (path / name).read_bytes() for name in checkpoint.FILES}
    (path / "MANIFEST.json").write_bytes(checkpoint.manifest_bytes(3, contents, schema))
    with pytest.raises(Unsupported, match=f"schema {schema}, expected 2"):
        runs.load_latest(tmp_path)
    assert not checkpoint.is_good_checkpoint(path)


def test_without_hashes_damage_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The saboteur: what safetensors and JSON notice by themselves is a fraction."""
    path = runs.save_checkpoint(tmp_path, 3, {"weights": torch.randn(4000)})
    monkeypatch.setattr(checkpoint, "manifest_bytes", lambda step, contents: (path / "MANIFEST.json").read_bytes())
    rng, passed = random.Random(11), 0
    for file, damage in flips(path, 60, rng):
        if file.name == "tensors.safetensors":
            content = file.read_bytes()
            file.write_bytes(damage(content))
            passed += checkpoint.is_good_checkpoint(path)
            file.write_bytes(content)
    assert passed == 20


@pytest.mark.parametrize("damage", ["removed", "added", "swapped", "renamed"])
def test_files_that_are_not_the_checkpoints_are_detected(damage: str, tmp_path: Path) -> None:
    path, other = runs.save_checkpoint(tmp_path, 3, state()), runs.save_checkpoint(tmp_path, 4, state(4))
    if damage == "removed":
        (path / "state.json").unlink()
    elif damage == "added":
        (path / "more.bin").write_bytes(b"")
    elif damage == "swapped":
        shutil.copy(other / "tensors.safetensors", path / "tensors.safetensors")
    else:
        path = path.rename(tmp_path / "00000005")
    with pytest.raises(Damaged):
        runs.load_checkpoint(path)


def test_the_newest_good_one_is_latest_and_two_good_ones_are_kept(tmp_path: Path) -> None:
    keep_the_newest_good_ones(tmp_path)


def test_the_best_one_is_kept(tmp_path: Path) -> None:
    keep_the_best_one(tmp_path)


def test_a_damaged_checkpoint_of_the_same_step_is_replaced(tmp_path: Path) -> None:
    path = runs.save_checkpoint(tmp_path, 3, state())
    (path / "state.json").write_text("{}")
    assert runs.load_checkpoint(runs.save_checkpoint(tmp_path, 3, state()))[0] == 3
    assert [item.name for item in tmp_path.iterdir()] == ["00000003"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_non_finite_tensor_is_not_saved(value: float, tmp_path: Path) -> None:
    runs.save_checkpoint(tmp_path, 1, state())
    bad = state()
    bad["network"]["bias"][1] = value
    with pytest.raises(NonFinite, match=r"in network/bias at step 2"):
        runs.save_checkpoint(tmp_path, 2, bad)
    assert runs.load_latest(tmp_path)[0] == 1


def test_files_reach_the_disk_before_the_name_and_the_name_before_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(os, "rename", lambda *given, **more: (done.append("rename"), rename(*given, **more))[1])
    runs.save_checkpoint(tmp_path, 3, state())
    assert done == ["fsync"] * 4 + ["rename", "fsync"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir"])
def test_a_failing_disk_spares_the_last_checkpoint(
    code: int, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.save_checkpoint(tmp_path, 1, state())
    real, raised = getattr(os, call), 0
    for failing in range(1, 5):
        count = iter(range(1, 100))

        def fail(*given: Any, count: Any = count, failing: int = failing, **more: Any) -> Any:
            if next(count) == failing:
                raise OSError(code, os.strerror(code))
            return real(*given, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            try:
                runs.save_checkpoint(tmp_path, 2, state(2))
            except CannotWrite as error:
                assert "untouched" in str(error)
                raised += 1
        assert runs.load_latest(tmp_path)[0] in (1, 2)
        assert not list(tmp_path.glob(".tmp-*"))
        shutil.rmtree(tmp_path / "00000002", ignore_errors=True)
    assert raised >= 1, f"no failure of {call} was met"


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".tmp-1-abc").mkdir()
    runs.remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_journal_survives_a_torn_line_and_is_cut(tmp_path: Path) -> None:
    journal = runs.Journal(tmp_path / "journal.jsonl")
    for step in (5, 10, 15):
        journal.append({"step": step})
    with journal.path.open("a") as file:
        file.write('{"step": 2')
    assert [entry["step"] for entry in journal.read()] == [5, 10, 15]
    journal.drop_after(10)
    assert [entry["step"] for entry in journal.read()] == [5, 10]
    journal.path.write_text('{"step": 1}\ntorn\n{"step": 2}\n')
    with pytest.raises(Damaged, match="line 2"):
        journal.read()
    assert journal.broken_lines() == [2]
    journal.drop_after(2)
    assert [entry["step"] for entry in journal.read()] == [1, 2]


def test_the_lock_is_free_when_its_holder_is_killed(tmp_path: Path) -> None:
    directory = runs.create_run(tmp_path / "run", {"recipe": {}, "settings": {}, "data": {}, "game": {}}, {})
    code = (
        "import sys, time; from pathlib import Path; from advnets import runs\n"
        "with runs.lock_run(Path('run')):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InUse, match=str(os.getpid())), runs.lock_run(directory.path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with runs.lock_run(directory.path):
        pass


def test_json_files_are_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    runs.write_json(path, {"a": 1})
    assert runs.read_json(path) == {"a": 1}
    for torn in ('{"a": ', "[1]", "[" * 100_000, "\xff"):
        path.write_bytes(torn.encode("latin1"))
        with pytest.raises(Damaged, match=r"x\.json"):
            runs.read_json(path)


def test_run_names_are_new(tmp_path: Path) -> None:
    first = runs.new_run_path(tmp_path, "paper", "digits")
    first.mkdir()
    second = runs.new_run_path(tmp_path, "paper", "digits")
    assert second != first
    assert second.name.endswith("-paper-digits") or second.name.endswith("-paper-digits-2")


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\U00020000", "\udc80"])
def test_run_names_fit_any_disk(tmp_path: Path, letter: str) -> None:
    path = runs.new_run_path(tmp_path, f"own-{letter * 300}", f"data-{letter * 300}")
    runs.create_run(path, {}, {})
    again = runs.new_run_path(tmp_path, f"own-{letter * 300}", "data")
    assert again != path
    assert max(len(os.fsencode(one.name)) for one in (path, again)) <= 143, "as encrypted file systems have it"
    assert "-own-" in path.name


def test_create_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("dear")
    with pytest.raises(BadInput, match="exists already"):
        runs.create_run(tmp_path, {}, {})
    with pytest.raises(BadInput, match="not a run directory: found a file"):
        runs.open_run(tmp_path / "f")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "recipe.json").write_text(json.dumps({"name": "paper"}))
    with pytest.raises(BadInput, match="is not of a run"):
        runs.open_run(tmp_path / "half")


def test_a_start_that_was_killed_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "environment.json").write_text("{}")
    (tmp_path / "run" / ".tmp-1-abc").write_text("{")
    told = {"recipe": {}, "settings": {}, "data": {}, "game": {}}
    directory = runs.create_run(tmp_path / "run", told, {})
    assert runs.open_run(directory.path) == directory
    with pytest.raises(BadInput, match="exists already"):
        runs.create_run(tmp_path / "run", told, {})


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/zero")
def test_a_device_in_a_files_place_is_not_read(tmp_path: Path) -> None:
    path = runs.save_checkpoint(tmp_path, 3, state())
    for file in (path / "state.json", tmp_path / "recipe.json", tmp_path / "journal.jsonl"):
        file.unlink(missing_ok=True)
        file.symlink_to("/dev/zero")
    with pytest.raises(Damaged, match="not a regular file"):
        runs.load_checkpoint(path)
    with pytest.raises(BadInput, match="not a regular file"):
        runs.read_json(tmp_path / "recipe.json")
    with pytest.raises(Damaged, match="not a regular file"):
        runs.Journal(tmp_path / "journal.jsonl").read()


def test_the_name_of_a_recipe_does_not_choose_the_folder(tmp_path: Path) -> None:
    assert runs.new_run_path(tmp_path, "../../etc", "a/b").parent == tmp_path
