"""The command: what it prints, its exit codes, and its help as committed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tiny
from advnets.cli.main import VERBS, help_text, main
from advnets.cli.train import _where_it_stopped
from advnets.experiment.settings import settle_budget
from advnets.extractors import EXTRACTORS
from advnets.recipes import RECIPES, from_json

HELP = Path(__file__).parents[2] / "docs" / "help"
FAST = ["--generator.hidden", "16", "--discriminator.units", "8", "--batch-size", "32", "--device", "cpu"]


def advnets(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "advnets", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_train_sample_evaluate_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "paper-adam", "--steps", "12", "--out", "run", "--json", *FAST]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"run": "run", "step": 12}
    assert "loss D" in err
    assert "D(G(z))" in err
    assert "images/s" in err
    assert "\x1b" not in err
    assert main(["sample", "run", "-n", "9", "--seed", "2", "--out", "s.npz"]) == 0
    with np.load("s.npz") as held:
        assert held["images"].shape == (9, 8, 8, 1)
    assert main(["sample", "run", "-n", "9", "--seed", "2", "--last", "--out", "last.npz"]) == 0
    with np.load("s.npz") as average, np.load("last.npz") as last:
        assert not np.array_equal(average["images"], last["images"])
    capsys.readouterr()
    assert main(["evaluate", "run", "--n", "100", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["against"]["split"] == "validation"
    assert report["against"]["accuracy"] > 0.95
    assert {"fid", "parzen", "copying", "logits-gap"} <= {one["name"] for one in report["measures"]}
    fast = ["--n", "100", "--measures", "parzen,class-shares", "--json"]
    assert main(["evaluate", "run", *fast, "--no-classifier"]) == 0
    assert "class-shares" in json.loads(capsys.readouterr().out)["skipped"]
    assert main(["export", "run", "--out", "G.safetensors", "--half", "--json"]) == 0
    exported = json.loads(capsys.readouterr().out)
    size = Path("G.safetensors").stat().st_size
    assert exported == {"out": "G.safetensors", "bytes": size, "half": True, "step": 12, "notes": []}
    assert main(["sample", "G.safetensors", "-n", "3", "--out", "g.npz"]) == 0
    assert main(["sample", "G.safetensors", "--last", "--out", "never.npz"]) == 2
    assert "G.safetensors is an exported file, which holds the average" in capsys.readouterr().err
    capsys.readouterr()
    assert main(["evaluate", "G.safetensors", "--data", "digits", *fast]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "G.safetensors"
    assert main(["figures", "figure2", "G.safetensors", "--data", "digits", "--out", "shared.png"]) == 0
    assert main(["figures", "figure3", "run", "--data", "digits", "--out", "never.png"]) == 2
    assert not Path("never.png").exists()
    for name in ("grid", "figure2", "figure3"):
        assert main(["figures", name, "run", "--out", f"{name}.png"]) == 0
        assert Path(f"{name}.png").stat().st_size > 0
    assert main(["resume", "run", "--steps", "15"]) == 0
    assert tiny.experiment.Run(Path("run")).step == 15


def test_ctrl_c_says_where_the_run_is_and_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(progress: object) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return "one line"

    monkeypatch.setattr("advnets.experiment.training_loop.TrainingProgress.line", press)
    assert main(["train", "paper-adam", "--steps", "500", "--journal-steps", "4", "--out", "a run", *FAST]) == 130
    step = tiny.experiment.Run(Path("a run")).step
    assert 4 <= step <= 5
    said = f"run a run is saved at step {step}; go on with: advnets resume 'a run' "
    said += "(a larger --steps or --minutes trains it longer)"
    assert capsys.readouterr().err.splitlines()[-1] == said


def test_a_run_with_a_limit_in_minutes_says_how_many_are_spent(tmp_path: Path) -> None:
    run = tiny.experiment.start(tiny.RECIPE, settings=tiny.settings("run", steps=None, minutes=4.0))
    go_on = "go on with: advnets resume run (or train it longer: --minutes {} counts from the beginning)"
    (run.path / "status.json").write_text(json.dumps({"state": "stopped", "seconds": 150.0}))
    said = _where_it_stopped(run, None)
    assert said == f"run run has no checkpoint yet, after 2.5 of 4 minutes; {go_on.format(5)}"
    settle_budget(run.directory, None, 10.0)
    assert _where_it_stopped(run, None).endswith(f", after 2.5 of 10 minutes; {go_on.format(13)}")
    settle_budget(run.directory, 500, None)
    assert _where_it_stopped(run, None).endswith("(a larger --steps or --minutes trains it longer)")
    (run.path / "budget.json").write_text("{")
    assert _where_it_stopped(run, None).endswith("(a larger --steps or --minutes trains it longer)")


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "paper-adam", "--dry-run", "--json", "--minutes", "2", *FAST]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["minutes"] == pytest.approx(2, rel=0.1)
    assert told["stages"][0]["parameters"]["generator"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_is_shown_one_number_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    for name, recipe in RECIPES.items():
        assert main(["recipes", name]) == 0
        shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
        assert shown["name"] == name
        assert shown["batch_size"] == str(recipe.batch_size)
        assert ("not read" in shown["budget.minutes"]) is (recipe.budget.steps is not None)
        assert not any(text.startswith("{") and text != "{}" for text in shown.values()), name


def test_a_recipe_may_be_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["recipes", "paper", "--json"])
    Path("mine.json").write_text(capsys.readouterr().out)
    assert from_json(json.loads(Path("mine.json").read_text())) == RECIPES["paper"]
    assert main(["train", "mine.json", "--steps", "3", "--out", "a", *FAST]) == 0
    assert main(["train", "a/recipe.json", "--steps", "3", "--out", "b"]) == 0
    assert tiny.state_hash(tiny.experiment.Run(Path("a"))) == tiny.state_hash(tiny.experiment.Run(Path("b")))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "unknown verb 'trian'. Did you mean 'train'?"),
        (["train"], "no recipe and no data are given"),
        (["train", "--data", "ring-8"], "one is chosen for images only"),
        (["train", "papr"], "unknown recipe 'papr'. Did you mean 'paper'?"),
        (["train", "paper", "more"], "expected one RECIPE"),
        (["train", "paper", "--data", "digitz"], "digits"),
        (["train", "paper", "--data", "missing.npz"], "missing.npz"),
        (["train", "paper", "--bach-size", "3"], "--batch-size"),
        (["train", "paper", "--batch-size", "0"], "batch_size is 0"),
        (["train", "paper", "--batch-size", "1e3"], "batch-size"),
        (["train", "paper", "--objective", "minmax"], "Did you mean 'minimax'?"),
        (["train", "paper", "--steps", "-3"], "steps is -3"),
        (["train", "paper", "--device", "tpu"], "unknown device 'tpu'"),
        (["train", "nothing.json"], "nothing.json is not there"),
        (["resume", "nothing"], "nothing is not there"),
        (["resume", "."], "is not a run directory"),
        (["sample", "nothing", "--out", "x.png"], "nothing is not there"),
        (["sample", "nothing.safetensors", "--out", "x.png"], "nothing.safetensors is not there"),
        (["evaluate", "nothing", "--split", "tset"], "Did you mean 'test'?"),
        (["evaluate", "nothing"], "nothing is not there"),
        (["evaluate", "nothing", "--data", "digits"], "nothing is not there"),
        (["export", "nothing", "--out", "G.safetensors"], "nothing is not there"),
        (["compare"], "found no side, expected two or more"),
        (["figures", "figure4", "--out", "x.png"], "unknown figure 'figure4'"),
        (["figures", "figure2", "--out", "x.png"], "takes one RUN"),
        (["figures", "figure2", "run", "--out", "x.gif"], ".png"),
        (["recipes", "papr"], "Did you mean 'paper'?"),
        (["data", "digitz"], "digits"),
    ],
)  # fmt: skip
def test_bad_input_is_told_with_exit_code_2(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    assert code == 2
    assert message in out + err
    assert "Traceback" not in out + err
    assert list(tmp_path.iterdir()) == []


def test_a_real_process_leaves_no_traceback(tmp_path: Path) -> None:
    done = advnets("train", "paper", "--data", "digitz")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("advnets: ")
    assert "Traceback" not in done.stderr


def test_a_non_finite_run_exits_with_3(tmp_path: Path) -> None:
    done = advnets("train", "paper-adam", "--generator.rate", "1e38", "--steps", "50", "--out", "run", *FAST)
    assert done.returncode == 3, done.stderr
    assert "at step" in done.stderr
    assert "Traceback" not in done.stderr


EVERY_HELP = """
import contextlib, io, json, sys
from advnets.cli.main import VERBS, main

told = {}
for verb in ("", *VERBS):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            code = main([*filter(None, (verb, "--help"))])
        except SystemExit as stop:
            code = stop.code or 0
    assert code == 0, verb
    told[verb or "advnets"] = out.getvalue()
json.dump(told, sys.stdout)
"""
"""A program that prints the help of every verb, which takes one import of torch and not one a verb."""


def read_help() -> dict[str, str]:
    """{verb: its help}, 100 columns wide."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", EVERY_HELP], capture_output=True, text=True, check=True, env=environment
    )
    told: dict[str, str] = json.loads(done.stdout)
    return told


def test_help_is_as_committed() -> None:
    """docs/help/*.txt; `python tests/cli/test_cli.py` writes them anew."""
    told = read_help()
    assert set(told) == {path.stem for path in HELP.glob("*.txt")} == {"advnets", *VERBS}
    for name, text in told.items():
        assert text == (HELP / f"{name}.txt").read_text(), name
    assert advnets("sample", "--help").stdout == told["sample"]


@pytest.mark.parametrize("verb", ["evaluate", "compare"])
def test_the_help_names_every_extractor_and_no_other(verb: str) -> None:
    text = " ".join((HELP / f"{verb}.txt").read_text().split())
    assert set(text.split("--extractor {")[1].split("}")[0].split(", ")) == set(EXTRACTORS)


def test_every_verb_is_in_the_help() -> None:
    assert all(f"  {verb}" in help_text() for verb in VERBS)


if __name__ == "__main__":
    HELP.mkdir(parents=True, exist_ok=True)
    for name, text in read_help().items():
        (HELP / f"{name}.txt").write_text(text)
