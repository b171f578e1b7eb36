"""The measure of each checkpoint while a run trains: nothing is changed, the best is kept, and patience ends it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import advnets
import tiny
from advnets import experiment, runs
from advnets.cli.main import main
from advnets.diagnosis import Finding
from advnets.errors import BadInput, Missing, Unsupported
from advnets.experiment.run_evaluation import CheckpointEvaluator
from advnets.experiment.training_loop import Validator, doctor as doctor_file
from advnets.experiment.training_loop.validation import count_worse
from advnets.recipes import RECIPES
from advnets.statistics import Estimate

KINDS = {
    "paper-adam": "fid", "dcgan": "kid", "sngan-small": "coverage", "cyclegan": "fid", "pix2pix": "l1", "packed": "fid",
    "infogan": "precision", "cgan": "class-asked", "dae": "parzen", "modern": "logits-gap",
}  # fmt: skip
"""Recipes whose networks hold what a measure could disturb, each with a measure."""
FAST = "--generator.hidden 16 --discriminator.units 8 --batch-size 32 --device cpu --doctor off"


def measure_as(monkeypatch: pytest.MonkeyPatch, values: Mapping[int, float | None], error: float = 0.1) -> list[int]:
    """Have checkpoints measured as these values, by step; what has none cannot be measured. The steps asked for."""
    asked: list[int] = []

    def take(self: CheckpointEvaluator, directory: runs.RunDirectory, step: int) -> Estimate:
        asked.append(step)
        value = values[step]
        if value is None:
            raise BadInput("too few samples.")
        return Estimate(value, error, floor=1.0)

    monkeypatch.setattr(CheckpointEvaluator, "take", take)
    return asked


def train(flags: str) -> int:
    return main(["train", "paper-adam", *flags.split(), *FAST.split()])


def steps_there(run: experiment.Run) -> list[int]:
    return sorted(int(path.name) for path in run.directory.checkpoints.iterdir())


def values_of(run: experiment.Run) -> list[tuple[int, Estimate | None]]:
    assert run.validation is not None
    return [(one.step, one.estimate) for one in run.validation.checkpoints]


@pytest.mark.parametrize("recipe", KINDS)
def test_a_run_ends_the_same_with_and_without_it(recipe: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    chosen = tiny.narrow(RECIPES[recipe])
    often: dict[str, Any] = {"steps": 4, "journal_steps": 2, "checkpoint_steps": 1, "preview_steps": 2}
    ends = []
    for out, keep_best in (("with", KINDS[recipe]), ("without", None)):
        settings = tiny.settings(out, keep_best=keep_best, **often)
        run = experiment.start(chosen, settings=settings, **tiny.data_for(chosen))
        for _ in run.carry_on():
            torch.rand(1)  # the program's own numbers, which are nobody's business
        ends.append((tiny.state_hash(run), [one.read_bytes() for one in sorted(run.directory.previews.iterdir())]))
        measured = [] if run.validation is None else [one.step for one in run.validation.checkpoints]
        assert measured == ([1, 2, 3, 4] if keep_best else [])
        assert all(estimate is not None for _, estimate in (values_of(run) if keep_best else []))
    assert ends[0] == ends[1]


def test_it_draws_none_of_the_programs_numbers(tmp_path: Path) -> None:
    settings = tiny.settings("run", steps=8, keep_best="fid")
    run = experiment.start(tiny.RECIPE, settings=settings)
    torch.manual_seed(1)
    np.random.seed(1)
    for _ in run.carry_on():
        pass
    drawn = torch.rand(3), np.random.rand(3)
    torch.manual_seed(1)
    np.random.seed(1)
    assert torch.equal(drawn[0], torch.rand(3))
    assert np.array_equal(drawn[1], np.random.rand(3))


class Counter(nn.Module):
    """A generator of digits that counts its calls, or that draws noise of its own."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
        self.what, self.calls, self.own = what, 0, torch.Generator().manual_seed(1)
        self.counts = iter(range(1000)) if what == "iterator" else None

    def forward(self, z: Tensor) -> Tensor:
        self.calls += 1
        amount = torch.rand((), generator=self.own) if self.what == "generator" else 1 / self.calls
        y: Tensor = self.layers(z * (1 + amount))
        return y


def train_own(out: str, what: str, keep_best: str | None) -> experiment.Run:
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0))
    played = advnets.Game(Counter(what), judge, advnets.non_saturating, latent=advnets.gaussian(4))
    often: dict[str, Any] = {"steps": 4, "journal_steps": 1, "checkpoint_steps": 2, "device": "cpu", "doctor": "off"}
    return experiment.train(game=played, out=out, keep_best=keep_best, **often)


@pytest.mark.parametrize("what", ["counter", "generator"])
def test_networks_that_remember_are_not_disturbed(what: str, tmp_path: Path) -> None:
    assert tiny.state_hash(train_own("with", what, "fid")) == tiny.state_hash(train_own("without", what, None))


def test_a_measure_that_calls_the_network_itself_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sabotage(self: CheckpointEvaluator, directory: runs.RunDirectory, step: int) -> Estimate:
        assert self.run.game is not None
        self.run.game.makers[""](torch.zeros(2, 4))
        return Estimate(1.0)

    without = tiny.state_hash(train_own("without", "counter", None))
    monkeypatch.setattr(CheckpointEvaluator, "take", sabotage)
    assert tiny.state_hash(train_own("with", "counter", "fid")) != without


def test_a_network_with_an_iterator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--keep-best fid: found counts"):
        train_own("own", "iterator", "fid")
    assert not Path("own").exists()


def test_the_best_is_kept_and_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measure_as(monkeypatch, {10: 3.0, 20: 2.0, 30: 2.5, 40: 2.2, 50: 2.4})
    flags = "--steps 50 --checkpoint-steps 10 --journal-steps 25 --keep-best fid --out run --json"
    assert train(flags) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"run": "run", "step": 50, "best": 20}
    assert "checkpoint of step 20: fid on held-out data is 2 +- 0.1, the best so far. It took 0.0 s." in err
    assert "checkpoint of step 30: fid on held-out data is 2.5 +- 0.1, no better than 2 +- 0.1 of step 20. " in err
    run = experiment.Run(Path("run"))
    assert steps_there(run) == [20, 40, 50]
    assert np.nanmin(run.journal["validation/fid"]) == 2.0
    assert run.journal["validation/fid-error"][~np.isnan(run.journal["validation/fid-error"])].tolist() == [0.1] * 5
    assert main(["sample", "run", "--checkpoint", "best", "-n", "3", "--out", "best.npz", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 20
    assert main(["sample", "run", "--checkpoint", "40", "-n", "3", "--out", "40.npz"]) == 0
    assert main(["sample", "run", "-n", "3", "--out", "newest.npz"]) == 0
    best, at_40, newest = (np.load(f"{name}.npz")["images"] for name in ("best", "40", "newest"))
    assert not np.array_equal(best, at_40)
    assert not np.array_equal(at_40, newest)
    pinned = experiment.Run(Path("run"), checkpoint="best")
    assert pinned.step == 20
    assert np.array_equal(pinned.sample(3).stored_values.permute(0, 2, 3, 1), best)
    assert main(["export", "run", "--checkpoint", "best", "--out", "best.safetensors"]) == 0
    assert experiment.find_model("best.safetensors").step == 20
    capsys.readouterr()
    assert main(["evaluate", "run", "--checkpoint", "best", "--measures", "tone", "--n", "50", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["against"]["chosen_by"] == "fid"
    assert (
        "chose this checkpoint among 5, because its fid was the best on these very"
        in pinned.evaluate(measures="tone", n=50).markdown()
    )
    tested = [pinned.evaluate(measures="tone", n=50, split="test").markdown() for _ in range(3)]
    assert all("among 5 by its fid on validation images. These test images chose" in one for one in tested)
    assert ["first time that this run is measured on the test" in one for one in tested] == [True, False, False]
    assert [("before" in one, "once before" in one, "2 times before" in one) for one in tested] == [
        (False, False, False), (True, True, False), (True, False, True),
    ]  # fmt: skip
    assert main(["compare", "run", "run", "--checkpoint", "best", "--measures", "fid", "--n", "50", "--json"]) == 0
    assert [side["steps"] for side in json.loads(capsys.readouterr().out)["sides"]] == [[20], [20]]
    assert main(["figures", "grid", "run", "--checkpoint", "best", "--out", "best.png", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 20
    assert main(["figures", "figure1", "--checkpoint", "best", "--out", "figure1.png"]) == 2
    pinned.evaluate(measures="tone", n=50)
    assert main(["card", "run", "--checkpoint", "best", "--out", "card.md"]) == 0
    card = Path("card.md").read_text()
    assert "step 20" in card
    assert "by whose fid `--keep-best` chose it among 5 checkpoints; the test split was read 3 times." in card
    assert main(["journal", "run", "--out", "journal.csv"]) == 0
    assert "validation/fid" in Path("journal.csv").read_text().splitlines()[0]
    with pytest.raises(BadInput, match="trained on from its newest one"):
        list(pinned.carry_on())


def test_evaluate_reports_the_checkpoint_that_was_chosen(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=8)
    report = experiment.Run(run.path, checkpoint=4).evaluate(measures="tone", n=50)
    assert report.step == 4
    assert runs.read_json(run.directory.report_json)["step"] == 4


@pytest.mark.parametrize(
    ("checkpoint", "error", "message"),
    [
        (7, Missing, "no checkpoint of step 7: found 4, 8"),
        ("best", BadInput, "was trained without --keep-best"),
        ("last", BadInput, "expected the step of a checkpoint, or 'best'"),
        (-1, BadInput, "checkpoint is -1"),
    ],
)
def test_a_checkpoint_that_is_not_there_is_named(
    checkpoint: Any, error: type[Exception], message: str, tmp_path: Path
) -> None:
    run = tiny.trained("run", steps=8)
    with pytest.raises(error, match=message):
        experiment.Run(run.path, checkpoint=checkpoint).sample(1)


def test_files_have_no_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.trained("run", steps=4).export("G.safetensors")
    assert main(["sample", "G.safetensors", "--checkpoint", "4", "--out", "never.png"]) == 2
    assert "which holds one model; --checkpoint is for runs" in capsys.readouterr().err
    np.savez("s.npz", images=np.zeros((20, 8, 8, 1), np.uint8))
    assert main(["evaluate", "s.npz", "--against", "digits", "--checkpoint", "4"]) == 2
    assert "which have no checkpoints" in capsys.readouterr().err
    assert main(["compare", "s.npz", "s.npz", "--against", "digits", "--checkpoint", "4"]) == 2
    assert "found no run among the sides" in capsys.readouterr().err
    for words in (["card", "G.safetensors"], ["push", "G.safetensors", "ada/digits"]):
        assert main([*words, "--checkpoint", "4"]) == 2
        assert "which holds one model" in capsys.readouterr().err
    assert main(["resume", "run"]) == 0
    assert "run run is at its limit already, at step 4; train on by advnets resume run" in capsys.readouterr().err
    assert main(["card", "G.safetensors", "--checkpoint", "4"]) == 2
    assert "which holds one model" in capsys.readouterr().err
    assert main(["evaluate", "run", "--every-checkpoint", "--checkpoint", "4"]) == 2
    assert "leave out --checkpoint" in capsys.readouterr().err


FALLING = {4: 9.0, 8: 5.0, 12: 5.05, 16: 4.95, 20: 6.0, 24: 5.0, 28: 1.0, 32: 1.0, 36: 1.0, 40: 1.0}
"""Better at 8, then three that are not, by more than .1."""


def test_patience_ends_the_training_in_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = measure_as(monkeypatch, FALLING)
    assert train("--steps 40 --checkpoint-steps 4 --keep-best fid --patience 3 --out run") == 0
    out, err = capsys.readouterr()
    told = "The training ends at step 20: for 3 checkpoints in a row fid got no better by more than its error."
    assert told in err.splitlines()
    assert "4.95 +- 0.1, the best so far, but by less than its error (patience 2 of 3)" in err
    assert "The best checkpoint by fid is that of step 16, with 4.95 +- 0.1:" in out
    status = runs.read_json(Path("run/status.json"))
    assert (status["state"], status["step"], status["message"]) == ("finished", 20, told)
    assert asked == [4, 8, 12, 16, 20]
    assert main(["resume", "run"]) == 0, "there is nothing to do"
    assert "A new limit trains on" in capsys.readouterr().err
    assert asked == [4, 8, 12, 16, 20]
    assert main(["resume", "run", "--steps", "36"]) == 0
    assert asked == [4, 8, 12, 16, 20, 24, 28, 32, 36], "as many more are waited for"
    assert runs.read_json(Path("run/status.json"))["message"] == ""


@pytest.mark.parametrize("left_at", [4, 10, 12, 16, 18])
def test_a_resumed_run_keeps_its_count_and_its_best(
    left_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_as(monkeypatch, FALLING)
    whole = tiny.trained("whole", keep_best="fid", patience=3, journal_steps=2)
    half = experiment.start(tiny.RECIPE, settings=tiny.settings("half", keep_best="fid", patience=3, journal_steps=2))
    for progress in half.carry_on():
        if progress.step == left_at:
            break
    resumed = experiment.resume("half")
    assert (resumed.step, whole.step) == (20, 20)
    assert tiny.state_hash(resumed) == tiny.state_hash(whole)
    assert values_of(resumed) == values_of(whole)
    assert resumed.best is not None
    assert resumed.best.step == 16


@pytest.mark.parametrize("killed_at", [8, 16, 20])
def test_a_run_that_dies_before_it_has_measured_measures_then(
    killed_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_as(monkeypatch, FALLING)
    whole = tiny.trained("whole", keep_best="fid", patience=3)
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("half", keep_best="fid", patience=3))
    measure = Validator.measure

    def die(self: Validator, step: int, seconds: float) -> Any:
        if step == killed_at:
            raise SystemExit(1)
        return measure(self, step, seconds)

    with monkeypatch.context() as patch:
        patch.setattr(Validator, "measure", die)
        with pytest.raises(SystemExit):
            list(run.carry_on())
    assert run.step == killed_at
    resumed = experiment.resume("half")
    assert values_of(resumed) == values_of(whole)
    assert tiny.state_hash(resumed) == tiny.state_hash(whole)


def test_what_is_measured_does_not_depend_on_where_a_run_was_left(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"keep_best": "fid", "steps": 12}
    whole = tiny.trained("whole", **settings)
    half = experiment.start(tiny.RECIPE, settings=tiny.settings("half", **settings))
    for progress in half.carry_on():
        if progress.step == 8:
            break
    resumed = experiment.resume("half")
    assert values_of(resumed) == values_of(whole)
    report = experiment.Run(whole.path, checkpoint=8).evaluate(measures="fid", n=1000)
    assert report.measures["fid"].estimate.value == dict(values_of(whole))[8].value  # type: ignore[union-attr]


def test_what_cannot_be_measured_is_told_and_counts_as_no_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_as(monkeypatch, {4: None, 8: 2.0, 12: None, 16: None})
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", keep_best="fid", patience=2))
    lines = [last.validation.line() for last in run.carry_on() if last.validation is not None]
    assert "checkpoint of step 4: fid on held-out data could not be measured: too few samples." in lines[0]
    assert run.step == 16
    assert run.best is not None
    assert run.best.step == 8
    problems = [entry["validation/problem"] for entry in run.directory.journal.read() if "validation/problem" in entry]
    assert problems == ["too few samples"] * 3


def test_a_rollback_takes_back_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LEAST_SECONDS", 0.0), ("MOST_COST", 1e9), ("SPARSENESS", 0.0)):
        monkeypatch.setattr(doctor_file, name, value)
    found = iter([True])

    def diagnose(history: Any, *_: Any, **__: Any) -> list[Finding]:
        step = history[-1].step
        if step <= 20 or not next(found, False):
            return []
        return [Finding("collapse", "finding", step, step, "All are one.", 0.0, 0.3, "1", "A cause.", "A remedy.")]

    monkeypatch.setattr(doctor_file, "diagnose", diagnose)
    monkeypatch.setattr(doctor_file, "sign_of_sameness", lambda probe, _: None if probe.step <= 20 else "alike")
    asked = measure_as(monkeypatch, FALLING)
    more: dict[str, Any] = {"doctor": "on", "on_collapse": "rollback", "keep_best": "fid"}
    run = tiny.trained("run", steps=32, **more)
    assert asked == [4, 8, 12, 16, 20, 24, 24, 28, 32], "the checkpoint of step 24 was written and measured again"
    assert [step for step, _ in values_of(run)] == [4, 8, 12, 16, 20, 24, 28, 32]
    assert run.best is not None
    assert run.best.step == 28


def test_better_is_better_by_more_than_its_error() -> None:
    def count(*values: float | None, error: float | None = 0.3) -> int:
        return count_worse((one, None if one is None else Estimate(one, error)) for one in values)

    assert [count(*[5.0, 4.8, 4.9, 4.75, 4.5][:n]) for n in range(6)] == [0, 0, 1, 2, 3, 0]
    assert count(5.0, 4.9, error=None) == 0
    assert count(5.0, 5.0, error=None) == 1
    assert count(None, None) == 2
    assert count(5.0, None, 4.0) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--keep-best fidd", "unknown measure 'fidd'. Did you mean 'fid'?"),
        ("--keep-best modes", "--keep-best modes: it is for points, and these data are images"),
        ("--keep-best l1", "--keep-best l1: no translations"),
        ("--keep-best class-asked", "--keep-best class-asked: no classes were asked"),
        ("--keep-best class-distance --data plain.npz", "it looks at classes, and plain has no labelled images"),
        ("--keep-best fid --patience 0", "patience is 0; expected a whole number above 0"),
        ("--keep-best fid --patience soon", "--patience"),
        ("--patience 3", "--patience 3: found no --keep-best"),
        ("--early-stopping 3", "--early-stopping: a training that gets no better on held-out data ends early by"),
    ],
)
def test_bad_input_is_one_error_before_anything_is_written(
    words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez("plain.npz", images=np.random.default_rng(0).integers(0, 256, (400, 8, 8, 1), np.uint8))
    assert train(f"--steps 3 --out run {words}") == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
    assert not Path("run").exists()


def test_the_fields_names_of_other_programs_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure_as(monkeypatch, dict.fromkeys(range(1, 9), 1.0))
    assert train("--monitor fid --early-stopping-patience 2 --steps 8 --checkpoint-steps 1 --out run") == 0
    assert experiment.Run(Path("run")).step == 3


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("advnets.distributed.init_process_group", lambda: None)  # there is no other process to meet
    with pytest.raises(Unsupported, match="--keep-best fid: found 2 processes, expected one"):
        experiment.start("paper-adam", keep_best="fid", steps=1, out="two")


def test_points_are_measured_too(tmp_path: Path) -> None:
    words: dict[str, Any] = {"device": "cpu", "doctor": "off", "journal_steps": 2}
    run = advnets.train("paper-adam", data="ring-8", steps=4, checkpoint_steps=2, out="run", keep_best="modes",
                        patience=9, generator_hidden=(16,), generator_output="linear", **words)  # fmt: skip
    assert [step for step, _ in values_of(run)] == [2, 4]
