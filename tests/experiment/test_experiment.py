"""Runs: exact resume, damage, locks, bad input, and what is left behind."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import advnets
import tiny
from advnets import assessment, distributed, experiment, runs
from advnets.algorithm import Algorithm1, Extragradient, Simultaneous
from advnets.cli.train import follow
from advnets.errors import BadInput, Damaged, InUse, Missing, NonFinite, Unsupported
from advnets.experiment.preparation.game_training import GameTraining
from advnets.games import Weight
from advnets.optimizers import RMSprop
from advnets.recipes import RECIPES, Average, Recipe


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def variants() -> dict[str, Recipe]:
    """Recipes that between them use every row whose state a checkpoint must hold."""
    tune = tiny.RECIPE
    clipped = tiny.with_learner(tune, objective="wasserstein", constraints={"discriminator": {"clip_weights": 0.01}})
    return {
        "paper-adam": tune,
        "momentum": tiny.with_descents(tune, optimizer=RECIPES["paper"].descents["generator"].optimizer),
        "simultaneous": replace(tune, algorithm=Simultaneous()),
        "extragradient": replace(tune, algorithm=Extragradient()),
        "k=3": replace(tune, algorithm=Algorithm1(k=3)),
        "shared fakes": replace(tune, algorithm=Algorithm1(share_fakes=True)),
        "gradient penalty": tiny.with_learner(tune, objective="wasserstein", penalties={"gradient_penalty": 10.0}),
        "lazy r1": tiny.with_learner(tune, penalties={"r1": Weight(1.0, every=4)}),
        "relativistic": tiny.with_learner(tune, objective="relativistic", penalties={"r1": 1.0, "r2": 1.0}),
        "rmsprop, clipped": tiny.with_descents(clipped, optimizer=RMSprop()),
        "uniform": replace(tiny.with_learner(tune, latent="uniform"), average=Average()),
        "bfloat16": tiny.with_learner(tune, precision="bfloat16"),
    }


@pytest.mark.parametrize("name", sorted(variants()))
@pytest.mark.parametrize("stop", [1, 17])
def test_a_resumed_run_is_the_uninterrupted_one(name: str, stop: int, tmp_path: Path) -> None:
    recipe = variants()[name]
    whole = tiny.trained("whole", recipe, steps=45)
    parted = experiment.start(recipe, settings=tiny.settings("parted", steps=45, checkpoint_steps=stop))
    for progress in parted.carry_on():
        if progress.step >= stop:
            break
    random.random(), np.random.rand(), torch.rand(1)
    again = experiment.resume("parted")
    assert tiny.state_hash(again) == tiny.state_hash(whole)
    assert numbers(again) == numbers(whole)


def numbers(run: experiment.Run) -> list[dict[str, float]]:
    clocks = ("seconds", "images_per_second")
    return [{k: v for k, v in entry.items() if k not in clocks} for entry in run.directory.journal.read()]


def test_a_run_and_the_program_around_it_do_not_disturb_each_other(tmp_path: Path) -> None:
    quiet = tiny.trained("quiet")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("loud"))
    for _ in run.carry_on():
        run.sample(3)
    assert torch.equal(torch.rand(3), expected)
    assert tiny.state_hash(run) == tiny.state_hash(quiet)


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    assert tiny.state_hash(tiny.trained("a")) != tiny.state_hash(tiny.trained("b", seed=1))


def test_the_newest_checkpoint_damaged_the_one_before_is_used_and_it_is_said(tmp_path: Path) -> None:
    run = tiny.trained("run")
    expected = tiny.state_hash(run)
    path = run.directory.checkpoints / "00000040" / "tensors.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    again = experiment.Run(Path("run"))
    assert again.step == 36
    assert "00000040 is damaged" in again.notes()[0]
    assert "tensors.safetensors" in again.notes()[0]
    assert tiny.state_hash(experiment.resume("run")) == expected


def test_if_no_checkpoint_verifies_nothing_is_guessed(tmp_path: Path) -> None:
    run = tiny.trained("run")
    for manifest in run.directory.checkpoints.glob("*/MANIFEST.json"):
        manifest.write_text("{}")
    with pytest.raises(Damaged, match="no checkpoint verifies"):
        experiment.resume("run")


def test_two_trainers_cannot_have_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run"))
    going = run.carry_on()
    next(going)
    code = "import sys; from advnets.cli.main import main; sys.exit(main(['resume', 'run']))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert other.returncode == 2
    assert "is being trained by process" in other.stderr
    with pytest.raises(InUse):
        next(experiment.Run(Path("run")).carry_on())
    monkeypatch.setattr(experiment.Settings, "dataset", lambda self: pytest.fail("the data were loaded"))
    with pytest.raises(InUse):
        follow(experiment.Run(Path("run")), as_json=True)
    for _ in going:
        pass


def test_a_thread_may_train(tmp_path: Path) -> None:
    thread = threading.Thread(target=tiny.trained, args=("run",))
    thread.start()
    thread.join()
    assert experiment.Run(Path("run")).step == 40


def test_networks_of_your_own_train_save_resume_and_sample(tmp_path: Path) -> None:
    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(5, 64)

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return self.linear(z).sigmoid().view(-1, 1, 8, 8)

    def game() -> advnets.Game:
        torch.manual_seed(1)
        judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 1))
        return advnets.Game(
            Mine(), judge, advnets.non_saturating, latent=advnets.gaussian(5), penalties={advnets.r1: 10.0}
        )

    whole = advnets.train(game=game(), data="digits", steps=20, out="whole")
    parted = advnets.start(game=game(), settings=tiny.settings("parted", steps=20))
    next(parted.carry_on())
    again = advnets.resume("parted", game=game())
    assert tiny.state_hash(again) == tiny.state_hash(whole)
    assert again.sample(3).values.shape == (3, 8, 8, 1)
    with pytest.raises(BadInput, match="game"):
        experiment.resume("parted")


@pytest.mark.parametrize("place", ["learning rate", "average", "slot"])
def test_what_is_not_finite_is_never_saved_as_good(place: str, tmp_path: Path) -> None:
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run"))
    if place == "learning rate":
        mad = tiny.with_descents(tiny.RECIPE, rate=1e38)
        run = experiment.start(mad, settings=tiny.settings("mad"))
        with pytest.raises(NonFinite, match="at step"):
            list(run.carry_on())
        assert json.loads((run.path / "status.json").read_text())["state"] == "failed"
        return
    loop = run._loop()
    going = loop.carry_on()
    next(going)
    if place == "average":
        next(loop.average.makers[""].parameters()).view(-1)[0] = float("nan")
    else:
        assert isinstance(loop.training, GameTraining)
        optimizer = loop.training.optimizers["generator"]
        next(iter(optimizer.state.values()))["exp_avg"].view(-1)[0] = float("inf")
    with pytest.raises(NonFinite, match=r"(NaN|Inf) in .*(average|exp_avg|generator).* at step"):
        list(going)
    assert experiment.Run(Path("run")).step <= 8


def test_sampling_writes_what_it_says_and_overwrites_nothing(tmp_path: Path) -> None:
    run = tiny.trained("run")
    samples = run.sample(10, seed=3)
    with np.load(samples.save("s.npz")) as held:
        assert held["images"].shape == (10, 8, 8, 1)
        assert held["images"].dtype == np.uint8
    assert np.array_equal(run.sample(10, seed=3).values, samples.values)
    assert not np.array_equal(run.sample(10, seed=4).values, samples.values)
    assert len(list(samples.save("folder/").glob("*.png"))) == 10
    samples.save("grid.png")
    for taken in ("s.npz", "folder/", "grid.png"):
        with pytest.raises(BadInput, match="is there already"):
            samples.save(taken)
    with pytest.raises(Unsupported, match=r"\.gif"):
        samples.save("grid.gif")
    with pytest.raises(BadInput, match="at least 1"):
        run.sample(0)


def test_points_are_trained_and_sampled(tmp_path: Path) -> None:
    run = tiny.trained("run", data="ring-8")
    assert run.sample(7).values.shape == (7, 2)
    assert run.sample(7).picture().size == (480, 496)
    report = run.evaluate(n=200, measures=("modes", "fid", "logits-gap"))
    assert report.measures.keys() == {"modes", "fid", "logits-gap"}


def test_each_reading_of_the_test_split_is_noted(tmp_path: Path) -> None:
    run = tiny.trained("run")
    run.evaluate(n=100, measures=("parzen",))
    assert not run.directory.test_readings.exists()
    run.evaluate(n=100, split="test", measures=("fid",))
    report = run.evaluate(n=100, split="test", protocol="optimal-sigma", measures=("parzen", "spectrum"))
    lines = [json.loads(line) for line in run.directory.test_readings.read_text().splitlines()]
    assert [line["measures"] for line in lines] == [["fid"], ["parzen", "spectrum"]]
    assert [line.get("parzen") for line in lines] == [None, "optimal-sigma"]
    assert lines[1]["nats"] == report.measures["parzen"].estimate.value
    kept = assessment.Report.from_dict(json.loads((run.path / "report.json").read_text()))
    assert kept.measures.keys() == {"fid", "parzen", "spectrum"}
    assert {name: kept.measures[name] for name in report.measures} == report.measures


def kept(run: experiment.Run) -> assessment.Report:
    return assessment.Report.from_dict(json.loads((run.path / "report.json").read_text()))


def test_a_report_of_some_measures_joins_the_one_that_is_kept(tmp_path: Path) -> None:
    run = tiny.trained("run")
    whole = run.evaluate(n=100, measures=("fid", "parzen", "vendi", "modes"), figures=True)
    figures = run.path / "figures"
    assert {path.stem for path in figures.iterdir()} == set(whole.figures)
    again = run.evaluate(n=100, measures=("fid", "coverage", "high-quality"))
    assert again.measures.keys() == {"fid", "coverage"}
    assert kept(run).measures == {**whole.measures, **again.measures}
    assert kept(run).skipped.keys() == {"modes", "high-quality"}
    assert kept(run).controls == whole.controls
    assert kept(run).figures.keys() == whole.figures.keys()
    assert "| vendi" in (run.path / "report.md").read_text()
    assert "![spectrum]" in (run.path / "report.md").read_text()
    other = run.evaluate(n=100, measures=("parzen",), protocol="optimal-sigma")
    assert kept(run).measures["parzen"].protocol["parzen"] == "optimal-sigma"
    assert kept(run).controls == other.controls


def lying(folder: Path) -> dict[str, bytes]:
    """The files of a report, by name; figures too."""
    paths = (folder / "report.json", folder / "report.md", *(folder / "figures").glob("*.png"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


def places(run: experiment.Run) -> list[Path]:
    return sorted(run.directory.reports.iterdir())


USUAL: dict[str, Any] = {"n": 100, "measures": ("fid",), "extractor": "pca", "classifier": False}


@pytest.mark.parametrize("plan", [{"seed": 1}, {"n": 90}, {"split": "test"}, {"extractor": "pixels"}])
def test_a_report_measured_otherwise_is_moved_whole_and_comes_back(plan: dict[str, Any], tmp_path: Path) -> None:
    run = tiny.trained("run", steps=4)
    run.evaluate(**{**USUAL, "measures": ("fid", "coverage"), "figures": True})
    (run.path / "figures" / "mine.png").write_bytes(b"")
    first = lying(run.path)
    del first["figures/mine.png"]
    assert len(first) == 5
    found = run.evaluate(**{**USUAL, **plan})
    assert kept(run) == found
    assert [path.name for path in (run.path / "figures").iterdir()] == ["mine.png"]
    (place,) = places(run)
    assert re.fullmatch(r"step-4-validation-100-samples-seed-0-[0-9a-f]{8}", place.name)
    assert lying(place) == first
    links = re.findall(r"\]\((.*?)\)", (place / "report.md").read_text())
    assert len(links) == 3
    assert all((place / link).is_file() for link in links)
    again = run.evaluate(**{**USUAL, "measures": ("kid",)})
    assert kept(run).measures.keys() == {"fid", "coverage", "kid"}
    assert kept(run).measures["kid"] == again.measures["kid"]
    assert {name: picture for name, picture in first.items() if name.endswith("png")}.items() <= lying(run.path).items()
    (other,) = places(run)
    assert other != place
    assert assessment.Report.from_dict(runs.read_json(other / "report.json")) == found


def test_a_report_of_another_step_or_version_is_moved(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=4)
    path = run.path / "report.json"
    for number, told in enumerate(({"step": 1}, {"schema": 1}, None), start=1):
        run.evaluate(**USUAL, seed=number)
        path.write_text("{" if told is None else runs.sealed_text({**json.loads(path.read_text()), **told}))
        content = path.read_bytes()
        assert run.evaluate(**USUAL, seed=number) == kept(run)
        assert content in [(place / "report.json").read_bytes() for place in places(run)]


@pytest.mark.parametrize("hostile", ["../../out", "a/b", "x" * 999])
def test_a_moved_report_stays_in_the_run_whatever_it_says(hostile: str, tmp_path: Path) -> None:
    run = tiny.trained("run", steps=4)
    path = run.path / "report.json"
    run.evaluate(**USUAL)
    told = json.loads(path.read_text())
    path.write_text(runs.sealed_text({**told, "against": {**told["against"], "split": hostile}}))
    run.evaluate(**USUAL)
    assert len(places(run)) == 1
    assert (places(run)[0] / "report.json").is_file()


def test_no_crash_on_the_way_loses_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped at each call that changes the folder, there is still every report in one place or another."""
    run = tiny.trained("run", steps=4)
    run.evaluate(**{**USUAL, "figures": True})
    run.evaluate(**USUAL, seed=1)
    found = run.evaluate(**{**USUAL, "n": 90})
    again = replace(found, against=replace(found.against, samples=100))
    first = next(place for place in places(run) if "seed-0" in place.name)
    pictures = {name: picture for name, picture in lying(first).items() if name.endswith("png")}
    shutil.copytree("run", "begun")
    stopped = 0
    for calls in range(1, 1000):
        shutil.rmtree("run")
        shutil.copytree("begun", "run")
        left = [calls]

        def stopping(call: Any, left: list[int] = left) -> Any:
            def at(*given: Any, **more: Any) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    raise KeyboardInterrupt
                return call(*given, **more)

            return at

        with monkeypatch.context() as patched:
            for name in ("rename", "replace", "unlink", "mkdir", "rmdir"):
                patched.setattr(os, name, stopping(getattr(os, name)))
            try:
                assessment.write_report(run.path, again)
            except KeyboardInterrupt:
                stopped += 1
        reports = {}
        for place in (*places(run), run.path):
            if (place / "report.json").is_file():
                told = assessment.Report.from_dict(runs.read_json(place / "report.json"))
                reports[told.against.samples, told.against.seed] = place
        assert reports.keys() >= {(100, 0), (100, 1), (90, 0)}, calls
        assert pictures.items() <= lying(reports[100, 0]).items(), calls
        if left[0] > 0:
            break
    assert stopped == calls - 1 > 10
    assert sorted(reports) == [(90, 0), (100, 0), (100, 1)]


def test_what_a_crash_left_of_a_move_is_used_and_swept(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=4)
    run.evaluate(**USUAL)
    before = lying(run.path)
    run.evaluate(**USUAL, seed=1)
    for name, content in before.items():  # as if the copy had been named, and nothing more had been done
        (run.path / name).write_bytes(content)
    run.evaluate(**USUAL, seed=2)
    assert [place.name.split("-seed-")[1][0] for place in places(run)] == ["0"]
    (run.directory.reports / ".tmp-1-2").mkdir()
    run.directory.remove_leftovers()
    assert len(places(run)) == 1


def test_a_report_without_a_measure_replaces_nothing(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=4)
    found = run.evaluate(**USUAL)
    before = lying(run.path)
    with pytest.raises(BadInput, match="nothing that was asked for can be measured"):
        assessment.write_report(run.path, replace(found, measures={}, skipped={"fid": "too few"}))
    assert lying(run.path) == before


def test_the_doors_of_python_take_text_and_say_what_to_use(tmp_path: Path) -> None:
    tiny.trained("run", steps=4)
    run = advnets.Run("run")  # type: ignore[arg-type]
    assert run.path == Path("run")
    assert run.evaluate(n=50, measures="fid, kid").measures.keys() == {"fid", "kid"}
    assert assessment.assess(run.sample(50).stored_values, run.dataset, measures="fid,kid").measures.keys() == {
        "fid",
        "kid",
    }
    with pytest.raises(BadInput, match=r"unknown measure 'fidd'\. Did you mean 'fid'"):
        run.evaluate(measures="kid,fidd")
    with pytest.raises(Missing, match=r"rum is not there; expected a run directory\. Did you mean run"):
        advnets.Run("rum").evaluate()  # type: ignore[arg-type]
    with pytest.raises(Unsupported, match=r"run is a run directory, expected a share file.*advnets\.Run\('run'\)"):
        advnets.open_model("run")
    with pytest.raises(Unsupported, match="run is a run directory, expected images"):
        advnets.load("run")
    assert advnets.open_model("paper-mnist").sample(2).values.shape == (2, 28, 28, 1)
    with pytest.raises(Missing, match="Did you mean paper-mnist, a model that ships"):
        advnets.open_model("paper-mnits")


def test_measures_of_other_protocols_refuse_to_be_compared(tmp_path: Path) -> None:
    run = tiny.trained("run")
    here, there = (
        run.evaluate(n=100, measures=("parzen",), protocol=protocol).measures["parzen"]
        for protocol in ("goodfellow2014", "optimal-sigma")
    )
    assert (here - here).value == 0
    with pytest.raises(BadInput, match="cannot be compared"):
        here - there


def test_samples_are_recognised_by_a_classifier_of_labelled_data(tmp_path: Path) -> None:
    """An untrained generator draws few classes; the measures say so, and by which classifier."""
    run = tiny.trained("run")
    names = ("class-shares", "class-distance", "coverage")
    report = run.evaluate(n=300, measures=names)
    assert not assessment.needs_new_classifier(run.dataset)
    shares, distance, coverage = (report.measures[name].estimate for name in names)
    assert (report.against.accuracy or 0) > 0.95
    assert shares.notes["n"] == 250  # as many as there are held-out images
    assert distance.value > (distance.floor or 0)
    assert coverage.value < 0.5 < (coverage.floor or 0)
    assert (coverage.notes["n"], coverage.notes["m"]) == (250, 250)
    protocol = report.measures["coverage"].protocol
    assert protocol["extractor"].startswith("convnet 24-48-96")
    assert protocol["split"] == "validation"
    assert "Classes of 300 samples by the classifier" in str(report)
    other = run.evaluate(n=300, split="test", measures=names)
    with pytest.raises(BadInput, match="split"):
        report.measures["coverage"] - other.measures["coverage"]


def test_without_labels_or_on_request_no_classifier_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("advnets.extractors.train_classifier")
    np.savez("mine.npz", images=np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8))
    run = tiny.trained("run", data="mine.npz")
    assert not assessment.needs_new_classifier(run.dataset)
    for held in (run, tiny.trained("digits")):
        report = held.evaluate(n=40, classifier=False, measures=("coverage", "class-shares"))
        assert report.measures.keys() == {"coverage"}
        assert "labelled images" in report.skipped["class-shares"]


def test_a_run_refuses_other_data(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8)
    np.savez("mine.npz", images=images)
    run = tiny.trained("run", data="mine.npz")
    assert run.sample(2).values.shape == (2, 8, 8, 1)
    np.savez("mine.npz", images=images + 1)
    with pytest.raises(BadInput, match="digest"):
        experiment.resume("run")


def test_what_is_not_a_run_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="is not there"):
        experiment.resume("nothing")
    Path("folder").mkdir()
    with pytest.raises(BadInput, match="not a run directory"):
        experiment.resume("folder")
    tiny.trained("real-run")
    with pytest.raises(Missing, match="Did you mean real-run"):
        experiment.resume("real-rum")
    (Path("real-run") / "recipe.json").write_text('{"recipe": ')
    with pytest.raises(Damaged, match=r"recipe\.json is not JSON"):
        experiment.resume("real-run")


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path: Path) -> None:
    experiment.start(tiny.RECIPE, settings=tiny.settings("run"))
    assert tiny.state_hash(experiment.resume("run")) == tiny.state_hash(tiny.trained("whole"))


def test_a_taken_folder_is_not_overwritten(tmp_path: Path) -> None:
    Path("mine").mkdir()
    (Path("mine") / "notes.txt").write_text("dear")
    with pytest.raises(BadInput, match="mine exists already and is not an empty folder"):
        tiny.trained("mine")
    assert [item.name for item in Path("mine").iterdir()] == ["notes.txt"]


def test_figures_of_a_run(tmp_path: Path) -> None:
    run = tiny.trained("run")
    assert run.figure2().size[0] > run.figure2().size[1]
    assert run.figure3(rows=2, columns=5).size[0] > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"minutes": -1}, "minutes is -1"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"stepz": 3}, "unknown keyword 'stepz'. Did you mean 'steps'"),
        ({"seed": -1}, "seed is -1"),
        ({"data": "mnits"}, "mnist"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_written(
    given: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=message):
        advnets.train("paper-adam", **({"data": "digits", "out": "run"} | given))
    assert not Path("run").exists()


def test_a_line_of_the_journal_that_is_damaged_is_told_and_dropped(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=10)
    journal = run.directory.journal
    first, second = journal.path.read_text().splitlines()
    journal.path.write_text(f"{first}\ntorn\n{second}\n")
    assert "journal.jsonl: lines 2 are not JSON of a step and are dropped" in run.notes()
    experiment.resume("run", steps=15)
    assert [entry["step"] for entry in journal.read()] == [5, 10, 15]


def test_a_run_of_a_gpu_is_resumed_on_a_cpu(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=8)
    step, state, _ = runs.load_latest(run.directory.checkpoints)
    state["random"]["shared"] = torch.zeros(16, dtype=torch.uint8)  # as long as that of CUDA
    shutil.rmtree(run.directory.checkpoints)
    runs.save_checkpoint(run.directory.checkpoints, step, state)
    shutil.copytree("run", "again")
    assert any("another kind of device" in note and "not bit-identical" in note for note in run.notes())
    whole, again = (experiment.resume(name, steps=12) for name in ("run", "again"))
    assert whole.step == 12
    assert tiny.state_hash(whole) == tiny.state_hash(again)


def test_several_processes_do_not_evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny.trained("run", steps=5)
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    with pytest.raises(Unsupported, match="found 2 processes, expected one"):
        run.evaluate(n=100)
    assert not run.directory.report_json.exists()


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_lines_and_previews_come_by_the_clock_unless_steps_are_given(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advnets.experiment.training_loop.timetable.JOURNAL_SECONDS", seconds)
    monkeypatch.setattr("advnets.experiment.training_loop.timetable.FIRST_PREVIEW_SECONDS", seconds)
    by_clock = tiny.trained("clock", steps=60, journal_steps=None, preview_steps=None, preview_minutes=1e9)
    lines = [entry["step"] for entry in by_clock.directory.journal.read()]
    previews = sorted(int(path.stem) for path in by_clock.directory.previews.iterdir())
    assert (lines, previews) == ((list(range(1, 61)), [1, 60]) if seconds == 0 else ([50, 60], [60]))
    by_steps = tiny.trained("steps", steps=60, journal_steps=30, preview_steps=20)
    assert [entry["step"] for entry in by_steps.directory.journal.read()] == [30, 60]
    assert sorted(int(path.stem) for path in by_steps.directory.previews.iterdir()) == [20, 40, 60]
    assert tiny.state_hash(by_clock) == tiny.state_hash(by_steps)
