"""Runs that translate: measured both ways, kept in the run, compared in pairs, and trained on two data sets by name."""

import json
from pathlib import Path

import pytest
import torch

import tiny
from advnets import comparison, experiment
from advnets.assessment import EvaluationPlan, exhaust
from advnets.cli.main import main
from advnets.data import Dataset, Split, load, load_unpaired
from advnets.errors import BadInput
from advnets.recipes import RECIPES

STEPS = 4
FAST = {"extractor": "pixels", "classifier": False}
PAIRED = ("l1", "l1-beside-copy", "psnr")


def halves(split: Split, *, is_paired: bool) -> Split:
    """Negatives to be made of digits: of the very same ones, or of the other half of them."""
    if is_paired:
        return Split(255 - split.values, given=split.values)
    half = len(split) // 2
    return Split(255 - split.values[half:], given=split.values[:half], is_paired=False)


@pytest.fixture(scope="module")
def negatives() -> dict[str, Dataset]:
    """Pairs; and data that nothing pairs to train on, whose truth is known to validate and test."""
    train, *others = load("digits").splits.values()
    validation, test = (one.select(torch.arange(50)) for one in others)
    held_out = [halves(one, is_paired=True) for one in (validation, test)]
    return {
        name: Dataset("negatives", halves(train, is_paired=name == "pix2pix"), *held_out, None, "")
        for name in ("pix2pix", "cyclegan")
    }


def trained(path: Path, name: str, data: Dataset, **more: object) -> experiment.Run:
    settings = tiny.settings(str(path), **{"steps": STEPS, **more})
    run = experiment.start(tiny.narrow(RECIPES[name]), settings=settings, data=data)
    for _ in run.carry_on():
        pass
    return experiment.Run(path, data=data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, negatives: dict[str, Dataset]) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs")
    for name, data in negatives.items():
        trained(folder / name, name, data)
    trained(folder / "other", "pix2pix", negatives["pix2pix"], seed=1)
    return folder


def mean_difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """In the mean over pixels, of which white is 1."""
    return float((one.double() - other.double()).abs().mean()) / 255


def test_a_run_of_pairs_is_held_against_its_targets(folder: Path, negatives: dict[str, Dataset]) -> None:
    run = experiment.Run(folder / "pix2pix", data=negatives["pix2pix"])
    report = run.evaluate(measures=PAIRED, **FAST)
    held_out = negatives["pix2pix"].validation
    assert held_out.given is not None
    made = run.model.translate(held_out.given).stored_values
    assert report.measures["l1"].estimate.value == pytest.approx(mean_difference(made, held_out.values))
    assert report.against.samples == len(held_out)
    assert json.loads((folder / "pix2pix" / "report.json").read_text())["measures"][0]["name"] == "l1"
    assert not (folder / "pix2pix" / "back").exists()


def test_a_cycle_is_measured_both_ways(folder: Path, negatives: dict[str, Dataset]) -> None:
    run, held_out = experiment.Run(folder / "cyclegan", data=negatives["cyclegan"]), negatives["cyclegan"].validation
    assert held_out.given is not None
    kinds = {"there": (held_out.given, held_out.values), "back": (held_out.values, held_out.given)}
    asked = (*PAIRED, "cycle-error", "fid", "fid-beside-mean", "l1-beside-nearest")
    for way, (given, target) in kinds.items():
        report = run.evaluate(way=way, measures=asked, **FAST)
        made = run.model_of(way).translate(given).stored_values
        again = run.model_of("back" if way == "there" else "there").translate(made).stored_values
        far = {"l1": (made, target), "cycle-error": (again, given)}
        for name, (one, other) in far.items():
            assert report.measures[name].estimate.value == pytest.approx(mean_difference(one, other)), (way, name)
        assert "are no pairs" in report.skipped["l1-beside-nearest"]
        place = folder / "cyclegan" / ("report.json" if way == "there" else "back/report.json")
        assert json.loads(place.read_text())["against"]["data"] == report.against.data
    assert not (folder / "cyclegan" / "reports").exists()


def test_the_test_split_is_noted(tmp_path: Path, negatives: dict[str, Dataset]) -> None:
    run = trained(tmp_path / "run", "cyclegan", negatives["cyclegan"])
    for way in ("there", "back"):
        run.evaluate(way=way, split="test", measures=("l1",), **FAST)
    lines = [json.loads(line) for line in run.directory.test_readings.read_text().splitlines()]
    assert [(line["split"], line["measures"]) for line in lines] == [("test", ["l1"])] * 2
    assert lines[0]["digest"] != lines[1]["digest"]


def test_two_runs_are_compared_image_by_image(folder: Path, negatives: dict[str, Dataset]) -> None:
    data = negatives["pix2pix"]
    runs = [experiment.Run(folder / name, data=data) for name in ("pix2pix", "other")]
    ours, theirs = (run.evaluate(measures=("l1",), **FAST).measures["l1"].estimate for run in runs)
    inputs = [comparison.inputs.SideInput(str(run.path), run, run.model, sampler=run.sampler()) for run in runs]
    plan = EvaluationPlan(measures=("l1",), **FAST)  # type: ignore[arg-type]
    found = _compared(inputs, data, plan)
    assert found.a.value == pytest.approx(ours.value)
    assert found.difference.value == pytest.approx(ours.value - theirs.value)
    assert found.better in (None, found.first if ours.value < theirs.value else found.second)
    # Paired by image, the error is far below that of two means that are taken as independent.
    assert found.difference.error is not None
    held_out = data.validation
    assert held_out.given is not None
    made = [run.model.translate(held_out.given).stored_values for run in runs]
    scores = [(one.double() - held_out.values.double()).abs().flatten(1).mean(1) / 255 for one in made]
    error = float((scores[0] - scores[1]).std() / len(held_out) ** 0.5)
    assert found.difference.error == pytest.approx(error, rel=0.5)


def _compared(inputs: list[comparison.inputs.SideInput], data: Dataset, plan: EvaluationPlan) -> comparison.Contrast:
    pairs = {each.path: each for each in inputs}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("advnets.comparison.from_samples.find_input", lambda path, *asked, **way: pairs[path])
        patched.setattr("advnets.comparison.from_samples.common_data", lambda *found, **asked: data)
        (contrast,) = exhaust(comparison.compare_samples(list(pairs), plan)).contrasts
    return contrast


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["evaluate", "RUN", "--json"], "goes two ways, and --json prints one report; say which: --way there"),
        (["evaluate", "RUN", "--way", "bak"], "Did you mean 'back'"),
        (["evaluate", "PLAIN", "--way", "back"], "has one generator, and no way back"),
        (["evaluate", "RUN", "--n", "9999", "--way", "there"], "found 22 held-out images, expected 9,999"),
        (["train", "pix2pix", "--data", "digits:3", "--other", "digits:8"], "expected cyclegan"),
        (["train", "cyclegan", "--data", "digits:3", "--other", "digits:88"], "class of digits '88'"),
        (["train", "cyclegan", "--data", "digits:3", "--other", "ring-8"], "found points as B"),
        (
            ["train", "cyclegan", "--data", "digits:3", "--other", "digits:8", "--direction", "unpaired"],
            "Leave --direction out",
        ),
    ],
)
def test_what_does_not_fit_is_told(
    words: list[str], told: str, two_classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = tmp_path / "plain"
    if "PLAIN" in words:
        tiny.trained(str(plain), steps=2)
    places = {"RUN": str(two_classes), "PLAIN": str(plain)}
    assert main([places.get(word, word) for word in words]) == 2
    assert told in capsys.readouterr().err


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on two classes by name, to its end without a stop."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("classes") / "run"
    settings = tiny.settings(str(path), steps=6, data="digits:3", other="digits:8", checkpoint_steps=2)
    run = experiment.start(tiny.narrow(RECIPES["cyclegan"]), settings=settings)
    for _ in run.carry_on():
        pass
    return path


def test_two_classes_by_name_are_found_again_bit_for_bit(two_classes: Path, tmp_path: Path) -> None:
    path = tmp_path / "stopped"
    settings = tiny.settings(str(path), steps=6, data="digits:3", other="digits:8", checkpoint_steps=2, journal_steps=1)
    run = experiment.start(tiny.narrow(RECIPES["cyclegan"]), settings=settings)
    for progress in run.carry_on():
        if progress.step >= 3:
            break
    assert run.step < 6
    resumed = experiment.resume(path)
    assert resumed.dataset.digest == load_unpaired("digits:3", "digits:8").digest
    whole = experiment.Run(two_classes)
    assert (whole.settings.data, whole.settings.other) == ("digits:3", "digits:8")
    assert tiny.state_hash(resumed) == tiny.state_hash(whole)


def test_other_data_are_not_taken_for_them(two_classes: Path) -> None:
    with pytest.raises(BadInput, match="is not the data that"):
        _ = experiment.Run(two_classes, data="digits:5").dataset


def test_both_ways_are_measured_by_the_command(two_classes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", str(two_classes), "--measures", "cycle-error,fid", "--extractor", "pixels", "--no-classifier"]
    assert main(words) == 0
    page = capsys.readouterr().out
    assert f"# {two_classes.name}/there at step 6" in page
    assert f"# {two_classes.name}/back at step 6" in page
    assert (two_classes / "report.md").read_text().startswith(f"# {two_classes.name}/there")
    assert (two_classes / "back" / "report.md").read_text().startswith(f"# {two_classes.name}/back")


def test_ways_of_cycles_are_compared(two_classes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run beside itself is equal, the way back too, of which the inputs are the images of B."""
    words = ["compare", str(two_classes), str(two_classes), "--way", "back", "--measures", "cycle-error"]
    assert main([*words, "--extractor", "pixels", "--no-classifier", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["protocol"]["samples"] == len(load("digits:8").validation)
    (contrast,) = found["contrasts"]
    assert contrast["words"] == "equal: the difference is exactly 0"
    assert contrast["a"]["value"] > 0
