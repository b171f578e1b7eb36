"""Data that were moved after a run was started: named at their new place, by every verb that reads them again."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import tiny
from advnets import Run, experiment
from advnets.cli.main import main
from advnets.data import DATASETS, load
from advnets.errors import BadInput, Missing
from image_files import encoded, put, random

SHORT: dict[str, Any] = {
    "steps": 2, "device": "cpu", "journal_steps": 2, "preview_steps": 2, "checkpoint_steps": 2,
}  # fmt: skip


def trained(out: str, **more: Any) -> Run:
    return experiment.train(tiny.RECIPE, out=out, **(SHORT | more))


def moved_run(folder: Path) -> Run:
    """A run on the folder `here`, which was then moved to `a b/there`."""
    put(folder / "here", {f"{i:02d}.png": encoded(random(8, 8, 1)) for i in range(410)})
    run = trained("run", data="here", image_size=8)
    Path("a b").mkdir()
    Path("here").rename("a b/there")
    return run


def test_a_moved_folder_is_resumed_from_its_new_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved_run(tmp_path)
    before = Path("run/recipe.json").read_bytes()
    assert main(["resume", "run", "--steps", "4"]) == 2
    err = capsys.readouterr().err
    assert f"{tmp_path}/here: there is no such" in err
    assert "`advnets resume run --data PATH`" in err
    assert main(["resume", "run", "--steps", "4", "--data", "a b/there"]) == 0
    assert Run("run").step == 4
    assert Path("run/recipe.json").read_bytes() == before, "what a run was started with never changes"


def test_every_verb_takes_the_new_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved_run(tmp_path)
    shutil.copytree("run", "other")
    for words in (
        ["evaluate", "run", "--measures", "fid", "--n", "20"],
        ["evaluate", "run", "--measures", "fid", "--n", "20", "--every-checkpoint"],
        ["compare", "run", "other", "--measures", "fid", "--n", "41"],
        ["figures", "figure2", "run", "--out", "figure.png"],
    ):
        assert main(words) == 2
        assert "give their new place by --data PATH" in capsys.readouterr().err
        assert main([*words, "--data", "a b/there"]) == 0
    assert Path("run/report.json").exists()
    assert Path("figure.png").exists()


def test_other_data_at_the_new_place_are_refused(tmp_path: Path) -> None:
    moved_run(tmp_path)
    put(tmp_path / "a b/there", {"07.png": encoded(random(8, 8, 1))})
    with pytest.raises(BadInput, match="is not the data that run was started on"):
        experiment.resume("run", data="a b/there", steps=4)
    assert Run("run").step == 2


@pytest.fixture
def _named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set by name, whose file is looked for in a folder."""

    def loaded(data_dir: str | os.PathLike[str] | None) -> Any:
        file = Path(data_dir or "nowhere") / "digits"
        if not file.exists():
            raise Missing(f"{file}: there is no such file")
        return load("digits")

    monkeypatch.setitem(DATASETS, "own-digits", loaded)


@pytest.mark.usefixtures("_named")
def test_the_folder_of_data_sets_is_kept_absolute_and_may_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "sets", {"digits": b""})
    trained("run", data="own-digits", data_dir="sets")
    assert json.loads(Path("run/recipe.json").read_text())["settings"]["data_dir"] == str(tmp_path / "sets")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert main(["resume", "../run", "--steps", "3"]) == 0
    Path("../sets").rename("sets")
    capsys.readouterr()
    assert main(["resume", "../run", "--steps", "4"]) == 2
    assert "`advnets resume ../run --data-dir FOLDER`" in capsys.readouterr().err
    assert main(["resume", "../run", "--steps", "4", "--data-dir", "sets"]) == 0
    assert experiment.resume("../run", data_dir="sets", steps=5).step == 5
    assert main(["evaluate", "../run", "--data-dir", "sets", "--n", "20", "--measures", "spectrum"]) == 0
