"""The doctor beside a training: it changes nothing, says what is wrong, and acts on a collapse if that is asked for."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
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
from advnets.diagnosis import Finding, Probe
from advnets.errors import BadInput, Collapsed, NonFinite, Unsupported
from advnets.experiment import run_diagnosis
from advnets.experiment.probes import prober, setup_of
from advnets.experiment.run_diagnosis import build_run_training
from advnets.experiment.training_loop import doctor as doctor_file
from advnets.experiment.training_loop.loop import Loop
from advnets.recipes import RECIPES


@pytest.fixture(autouse=True)
def probes_at_every_report(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LEAST_SECONDS", 0.0), ("MOST_COST", 1e9), ("SPARSENESS", 0.0)):
        monkeypatch.setattr(doctor_file, name, value)


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch) -> list[Loop]:
    """The loops of the runs that are trained, once they have examined their training."""
    found: list[Loop] = []
    examine = Loop._examine

    def note(loop: Loop) -> dict[str, Any]:
        found.append(loop)
        return examine(loop)

    monkeypatch.setattr(Loop, "_examine", note)
    return found


def train(out: str, recipe: str, doctor: str, steps: int = 4) -> experiment.Run:
    torch.set_num_threads(1)
    chosen = tiny.narrow(RECIPES[recipe])
    often: dict[str, Any] = {"steps": steps, "journal_steps": 1, "checkpoint_steps": steps, "preview_steps": steps}
    run = experiment.start(chosen, settings=tiny.settings(out, doctor=doctor, **often), **tiny.data_for(chosen))
    for _ in run.carry_on():
        pass
    return run


KINDS = {
    "paper-adam": "dropout and maxout", "dcgan": "batch normalisation", "sngan-small": "spectral norm",
    "cyclegan": "pools", "pix2pix": "dropout in G, given images", "packed": "packs", "wgan-gp": "a penalty with noise",
    "infogan": "a code", "cgan": "labels", "modern": "R1 and R2",
}  # fmt: skip


@pytest.mark.parametrize("recipe", KINDS)
def test_a_run_ends_the_same_with_and_without_the_doctor(recipe: str, tmp_path: Path) -> None:
    with_doctor, without = train("with", recipe, "on"), train("without", recipe, "off")
    assert len(with_doctor.directory.probes.read()) >= 5
    assert not without.directory.probes.read()
    assert tiny.state_hash(with_doctor) == tiny.state_hash(without)
    pictures = [
        [one.read_bytes() for one in sorted(run.directory.previews.iterdir())] for run in (with_doctor, without)
    ]
    assert pictures[0] == pictures[1]


def test_a_run_with_an_augmentation_ends_the_same(tmp_path: Path) -> None:
    runs_ = []
    for out, asked in (("with", "on"), ("without", "off")):
        torch.manual_seed(0)
        generator = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
        judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0))
        augment = advnets.Augmentation(("translation", "cutout"), p=0.5, controller=advnets.RealSigns(images=300))
        played = advnets.Game(
            generator, judge, advnets.hinge, latent=advnets.gaussian(4), augment=augment,
            penalties={advnets.r1: advnets.Weight(1.0, every=3)},
        )  # fmt: skip
        often: dict[str, Any] = {"steps": 6, "journal_steps": 1, "checkpoint_steps": 3, "device": "cpu"}
        runs_.append(experiment.train(game=played, out=out, doctor=asked, **often))
    assert len(runs_[0].directory.probes.read()) >= 7
    assert tiny.state_hash(runs_[0]) == tiny.state_hash(runs_[1])


class Remembering(nn.Module):
    """A generator of digits whose noise is scaled by what it remembers or draws for itself."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
        self.what, self.calls, self.counts = what, 0, itertools.count(1) if what == "iterator" else None
        self.own, self.numpys = torch.Generator().manual_seed(1), np.random.default_rng(1)

    def forward(self, z: Tensor) -> Tensor:
        y: Tensor = self.layers(z * (1 + self.amount()))
        return y

    def amount(self) -> Any:
        if self.what == "counter":
            self.calls += self.training
            return 1 / (1 + self.calls)
        if self.what == "iterator":
            assert self.counts is not None
            return 1 / next(self.counts)
        return torch.rand((), generator=self.own) if self.what == "generator" else float(self.numpys.random())


def game(what: str) -> advnets.Game:
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0))
    return advnets.Game(Remembering(what), judge, advnets.non_saturating, latent=advnets.gaussian(4))


@pytest.mark.parametrize("kind", ["counter", "generator", "numpy"])
def test_networks_that_remember_and_draw_for_themselves_are_not_disturbed(kind: str, tmp_path: Path) -> None:
    often: dict[str, Any] = {"steps": 4, "journal_steps": 1, "checkpoint_steps": 2, "device": "cpu"}
    hashes = [
        tiny.state_hash(experiment.train(game=game(kind), out=asked, doctor=asked, **often)) for asked in ("on", "off")
    ]
    assert hashes[0] == hashes[1]


def test_there_is_no_doctor_where_a_copy_shares_an_iterator(tmp_path: Path) -> None:
    run = experiment.train(game=game("iterator"), out="own", steps=3, journal_steps=1, device="cpu")
    assert not run.directory.probes.read()


def call_the_network_itself(self: Any, training: Any, averaged: Any, *, step: int, share: float) -> list[Probe]:
    """A saboteur: it runs the networks that learn, whose batch statistics then move."""
    training.players["generator"](torch.zeros(8, 12))
    return [Probe(step)]


def move_the_weights(self: Any, training: Any, averaged: Any, *, step: int, share: float) -> list[Probe]:
    """A saboteur: it makes the next step on the networks themselves."""
    next(training.players["discriminator"].parameters()).data.mul_(1 + 1e-6)
    return [Probe(step)]


@pytest.mark.parametrize("saboteur", [call_the_network_itself, move_the_weights])
def test_a_probe_that_touches_the_training_is_caught(
    saboteur: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = train("without", "dcgan", "off")
    monkeypatch.setattr(prober.Prober, "measure", saboteur)
    assert tiny.state_hash(train("with", "dcgan", "on")) != tiny.state_hash(without)


def test_a_probe_that_draws_from_the_runs_own_numbers_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two stretches the program's numbers are in force, so the saboteur takes the run's before it draws."""
    without = train("without", "paper-adam", "off")

    def draw(loop: Loop) -> dict[str, Any]:
        with loop.streams.as_defaults():
            torch.rand(1)
        return {}

    monkeypatch.setattr(Loop, "_examine", draw)
    assert tiny.state_hash(train("with", "paper-adam", "on")) != tiny.state_hash(without)


def test_what_is_seen_at_once_is_told_at_the_first_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.Sigmoid())
    played = advnets.Game(generator, judge, advnets.non_saturating, latent=advnets.gaussian(4))
    run = experiment.start(game=played, settings=experiment.Settings(out="run", steps=4, journal_steps=2, device="cpu"))
    first, *_ = run.carry_on()
    assert {one.name for one in first.findings} == {"data-range", "bounded-logits"}
    assert {entry["name"] for entry in run.directory.findings.read()} == {"data-range", "bounded-logits"}
    entries = run.directory.journal.read()
    assert set(entries[0]["findings"]) == {"data-range", "bounded-logits"}
    assert 0 <= entries[0]["doctor/auc"] <= 1
    told = str(run.diagnose())
    assert "ends in tanh, from -1 to 1" in told
    assert "--transform symmetric" in told


def test_the_end_by_a_nan_is_written_down(tmp_path: Path, loops: list[Loop]) -> None:
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", doctor="on", steps=20))
    progress = run.carry_on()
    next(progress)
    next(loops[-1].training.players["generator"].parameters()).data.fill_(float("nan"))
    with pytest.raises(NonFinite):
        list(progress)
    (found,) = (entry for entry in run.directory.findings.read() if entry["name"] == "non-finite")
    assert found["severity"] == "finding"
    assert run.diagnose().findings[0].name == "non-finite"


def fall(at: int, times: int) -> Callable[..., list[Finding]]:
    """A diagnosis that finds a collapse at the first probes after a step, so many times."""
    left = itertools.count(times, -1)

    def diagnosed(history: Any, *_: Any, **__: Any) -> list[Finding]:
        if history[-1].step <= at or next(left) <= 0:
            return []
        step = history[-1].step
        told = ("It has one answer.", "Lower --generator.rate ten times.")
        return [Finding("collapse", "finding", step, step, "All are one.", 0.0, 0.3, "1", *told)]

    return diagnosed


def test_a_run_stops_at_a_collapse_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_file, "diagnose", fall(10, 1))
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", doctor="on", steps=40, on_collapse="stop"))
    with pytest.raises(Collapsed, match=r"collapsed at step 15. All are one. .*--generator.rate"):
        list(run.carry_on())
    status = runs.read_json(run.directory.status_json)
    assert (status["state"], status["step"]) == ("stopped", 15)
    assert run.step == 15, "it is saved first"


def test_the_command_says_so_by_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_file, "diagnose", fall(10, 1))
    flags = "--data digits --steps 40 --journal-steps 5 --generator.hidden 16 --discriminator.units 8 --out run"
    assert main(["train", "paper-adam", *flags.split(), "--on-collapse", "stop"]) == 5
    assert "doctor: finding at step 15: collapse: All are one." in capsys.readouterr().err


@pytest.mark.parametrize(("times", "is_named"), [(99, True), (2, False)])
def test_the_last_words_of_a_training_name_what_still_stands(
    times: int, is_named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_file, "diagnose", fall(10, times))
    flags = "--data digits --steps 40 --journal-steps 5 --generator.hidden 16 --discriminator.units 8 --out run"
    assert main(["train", "paper-adam", *flags.split()]) == 0
    lines = capsys.readouterr().out.splitlines()
    told = ["The doctor's findings at the end: collapse.", "  advnets diagnose run"] if is_named else []
    assert lines == ["run", *told, "  advnets sample run --out samples.png", "  advnets evaluate run"]
    assert main(["resume", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).get("findings") == (["collapse"] if is_named else None)


def test_what_stood_before_a_resume_and_is_gone_is_written_down(tmp_path: Path) -> None:
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", doctor="on", steps=20))
    run.directory.findings.append({"name": "collapse", "severity": "finding", "step": 3, "what": "All are one."})
    assert list(experiment.read_standing_findings(run.directory)) == ["collapse"]
    list(run.carry_on())
    assert "collapse" not in experiment.read_standing_findings(run.directory)


def test_a_run_is_rolled_back_and_trained_on_at_half_the_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loops: list[Loop]
) -> None:
    monkeypatch.setattr(doctor_file, "diagnose", fall(20, 1))
    monkeypatch.setattr(doctor_file, "sign_of_sameness", lambda probe, _: None if probe.step <= 20 else "alike")
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", doctor="on", steps=40, on_collapse="rollback"))
    steps, rates = [], {}
    for last in run.carry_on():
        steps.append(last.step)
        rates[last.step] = loops[-1].training.optimizers["generator"].param_groups[0]["lr"]
    assert steps == [5, 10, 15, 20, 25, 25, 30, 35, 40], "back to the checkpoint of step 20, and on to the end"
    untouched = tiny.trained("untouched", doctor="off", steps=40)
    assert rates[30] == pytest.approx(0.5 * 1e-3 * (1 - 29 / 40), rel=0.1)
    assert tiny.state_hash(run) != tiny.state_hash(untouched)
    journal = run.directory.journal.read()
    (told,) = (entry for entry in journal if any("rolled back" in str(one) for one in entry.get("findings", ())))
    assert told["step"] == 20
    assert "from step 25" in told["findings"][0]
    assert [entry["step"] for entry in run.directory.probes.read()] == sorted(
        entry["step"] for entry in run.directory.probes.read()
    )
    assert runs.load_latest(run.directory.checkpoints)[1]["progress"]["rollbacks"] == 1


def test_it_stops_where_no_checkpoint_is_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_file, "diagnose", fall(0, 1))
    monkeypatch.setattr(doctor_file, "sign_of_sameness", lambda *_: "alike")
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", doctor="on", steps=20, on_collapse="rollback"))
    with pytest.raises(Collapsed, match="no checkpoint is from before"):
        list(run.carry_on())


def test_after_three_rollbacks_it_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_file, "diagnose", fall(12, 99))
    monkeypatch.setattr(doctor_file, "sign_of_sameness", lambda probe, _: None if probe.step <= 12 else "alike")
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", doctor="on", steps=40, on_collapse="rollback"))
    with pytest.raises(Collapsed, match="after 3 rollbacks"):
        list(run.carry_on())


def test_a_network_that_cannot_be_probed_ends_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(prober.Prober, "measure", fail)
    run = tiny.trained("run", doctor="on", steps=10)
    (found,) = run.directory.findings.read()
    assert (found["name"], found["severity"]) == ("not-probed", "note")
    assert "no such thing" in found["what"]


def test_a_resumed_run_goes_on_with_its_probes(tmp_path: Path) -> None:
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", doctor="on", steps=20))
    for last in run.carry_on():
        if last.step == 10:
            break
    experiment.resume("run")
    assert [entry["step"] for entry in run.directory.probes.read()] == [0, 5, 10, 15, 20]


def test_a_finished_run_is_diagnosed_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tiny.trained("run", steps=8, doctor="off")
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    assert main(["diagnose", "run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["step"], told["probes"]) == (8, 2)
    assert told["findings"] == [one.as_json() for one in run.diagnose().findings]
    assert main(["diagnose", "run"]) == 0
    assert "step 8, 2 probes" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_what_was_seen_and_is_gone_is_told_by_its_gravest_word(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=8, doctor="off")
    seen = ["collapse warning", "collapse finding", "collapse gone", "collapse warning", "cycling warning", "dead note"]
    told = [
        Finding(name, severity, 4, 2, f"Word {place}.", 1.0, 2.0, "", "", "")
        for place, (name, severity) in enumerate(line.split() for line in seen)
    ]
    Path("run/findings.jsonl").write_text("".join(json.dumps(one.as_json()) + "\n" for one in told))
    found = run.diagnose()
    assert [(one.severity, one.what) for one in found.earlier] == [("finding", "Word 1."), ("warning", "Word 4.")]
    assert "gone since:\n  finding at step 4: collapse: Word 1.\n  warning at step 4: cycling: Word 4." in str(found)


def test_a_diagnosis_keeps_the_order_of_gravity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny.trained("run", steps=8, doctor="off")
    lines = ("steps-too-large", "finding"), ("collapse", "finding"), ("cycling", "warning"), ("sight", "note")
    told = [Finding(name, severity, 4, 2, "", 1.0, 2.0, "", "", "") for name, severity in lines]
    monkeypatch.setattr(run_diagnosis, "diagnose", lambda past, setup: told)
    assert [one.name for one in run.diagnose().findings] == ["steps-too-large", "collapse", "cycling", "sight"]
    monkeypatch.setattr(run_diagnosis, "diagnose", lambda past, setup: told[::-1])
    assert [one.name for one in run.diagnose().findings] == ["steps-too-large", "collapse", "cycling", "sight"]


def test_a_baseline_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.trained("run", tiny.narrow(RECIPES["dae"]), steps=4)
    assert main(["diagnose", "run"]) == 2
    assert "the doctor knows games alone" in capsys.readouterr().err


def test_an_action_without_a_doctor_is_refused() -> None:
    with pytest.raises(BadInput, match="with the doctor off"):
        experiment.Settings(doctor="off", on_collapse="stop")
    with pytest.raises(BadInput, match="Did you mean 'stop'"):
        experiment.Settings(on_collapse="stopp")


def test_cost_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a probe of t seconds none begins for t / MOST_COST seconds of training."""
    monkeypatch.setattr(doctor_file, "MOST_COST", 1e-6)
    run = tiny.trained("run", doctor="on", steps=80)
    early = [entry["step"] for entry in run.directory.probes.read()]
    assert early == [0, 10, 60], "beside the first there are two early ones, and no more"


def test_a_rate_a_hundred_times_too_high_is_named_in_the_first_hundred_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recipe at its full width: no clock lets a probe begin but the early ones."""
    monkeypatch.setattr(doctor_file, "MOST_COST", 1e-6)
    flags = "--data digits --lr 0.1 --steps 80 --journal-steps 10 --device cpu --out run"
    assert main(["train", "paper-adam", *flags.split()]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("doctor: finding")]
    assert [line.split(": ")[2] for line in said] == ["steps-too-large"], said
    assert (
        "from 0.1 to the recipe's own, which begins at 0.001, and --generator.rate with it: leave out --lr." in said[0]
    )
    found = experiment.Run(Path("run")).diagnose()
    assert [one.name for one in found.findings] == ["steps-too-large"]
    assert "saturation" not in str(found)
    assert "In Python a flag is a keyword of train: --generator.rate 0.1 is generator_rate=0.1." in found._repr_html_()


def test_a_diagnosis_says_what_is_not_judged_yet(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=8, doctor="off")
    found = run.diagnose()
    assert found.not_judged[0].name == "collapse"
    assert "It is too early to say: at step 8, " in str(found)
    assert "Nothing is found to be wrong" not in str(found)
    some = replace(found, not_judged=found.not_judged[:2])
    assert "Nothing is found to be wrong in what is judged so far." in str(some)
    assert "Not judged yet: collapse (from step" in str(found)
    assert found.as_dict()["not_judged"][0]["from_step"] in (100, 500)
    page = found._repr_html_()
    assert "not judged yet" in page
    assert "In Python a flag is a keyword" not in page
    assert "from step" in page
    whole = replace(found, not_judged=())
    assert "Nothing is found to be wrong.\n" in f"{whole}\n"


def test_the_setup_reads_recipe_and_game(tmp_path: Path) -> None:
    game_of = tiny.narrow(RECIPES["modern"])
    run = experiment.start(game_of, settings=tiny.settings("run", steps=1), **tiny.data_for(game_of))
    for _ in run.carry_on():
        pass
    setup = setup_of(run.recipe, build_run_training(run).game, is_image=True, is_own=False)
    assert setup.objective == "relativistic"
    assert set(setup.penalties) == {"r1", "r2"}
    assert setup.rates["generator"].now == "0.0002"
    decaying = setup_of(tiny.RECIPE, build_run_training(run).game, is_image=True, is_own=False).rates["discriminator"]
    assert decaying.now == "linear_decay:start=0.001,end=0"
    assert decaying.lower == "linear_decay:start=0.0001,end=0"
    assert not decaying.is_zero


def test_what_only_the_doctor_can_do_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("advnets.distributed.init_process_group", lambda: None)  # there is no other process to meet
    with pytest.raises(Unsupported, match="--on-collapse stop: found 2 processes, expected one"):
        experiment.start("paper-adam", on_collapse="stop", steps=1, out="two")
