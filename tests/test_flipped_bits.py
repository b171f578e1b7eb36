"""One flipped bit, in each kind of file that decides what is learnt or told, is noticed; all counts are slow."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from advnets import assessment, data, experiment
from advnets.assessment import assess, read_report_file, write_report
from advnets.cli.main import main
from advnets.data import Dataset, ImageOptions
from advnets.data.images import folder
from advnets.errors import BadInput, Damaged
from advnets.extractors import ClassifierSettings, Preprocessing, classifier, onnx_extractor, train_classifier
from flips import count_unnoticed, flips, is_refused
from image_files import photos, pixels
from reference import onnx_external

few_or_all = pytest.mark.parametrize("n", [25, pytest.param(500, marks=pytest.mark.slow)])


@few_or_all
def test_of_recipe_json_by_a_run_and_by_a_new_one(n: int, tmp_path: Path) -> None:
    path = experiment.start(tiny.RECIPE, settings=tiny.settings("run")).directory.recipe_json
    assert count_unnoticed(path, n, lambda: is_refused(lambda: experiment.Run(Path("run")).record, BadInput)) == 0
    assert count_unnoticed(path, n, lambda: is_refused(lambda: experiment.find_recipe(path), BadInput)) == 0
    assert experiment.find_recipe(path) == experiment.Run(Path("run")).recipe


def test_a_recipe_that_was_edited_is_refused_and_the_way_on_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.trained("run", steps=4)
    path = Path("run/recipe.json")
    edited = path.read_text().replace('"start": 0.001', '"start": 0.003')
    assert edited != path.read_text()
    path.write_text(edited)
    words = ["--data", "digits", "--steps", "4", "--device", "cpu"]
    for verb in (["resume", "run", "--steps", "6"], ["evaluate", "run"], ["train", "run/recipe.json", *words]):
        assert main(verb) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert "run/recipe.json has the SHA-256" in told
        assert "advnets train COPY.json" in told
    Path("copy.json").write_text("".join(line for line in edited.splitlines(True) if '"sha256"' not in line))
    assert main(["train", "copy.json", *words, "--out", "new"]) == 0
    assert experiment.Run(Path("new")).recipe.descents["generator"].rate != tiny.RECIPE.descents["generator"].rate


@pytest.fixture
def report(tmp_path: Path) -> assessment.Report:
    digits = assessment.reference(data.load("digits"), "pixels", classifier=False)
    found = assess(digits.train[:60], digits, measures=("spectrum", "fid"))
    Path("told").mkdir()
    write_report(Path("told"), found)
    return found


@few_or_all
def test_of_a_report(n: int, report: assessment.Report) -> None:
    path = Path("told/report.json")
    assert read_report_file(path).measures == report.measures
    assert count_unnoticed(path, n, lambda: is_refused(lambda: read_report_file(path), BadInput)) == 0


def test_what_a_shell_makes_of_a_printed_report_is_read(report: assessment.Report) -> None:
    path = Path("told/report.json")
    text = path.read_text()
    for content in (text.replace("\n", "\r\n").encode("utf-8-sig"), text.encode("utf-16")):
        path.write_bytes(content)
        assert read_report_file(path).measures == report.measures
    path.write_text(text.replace("  ", " "))
    with pytest.raises(Damaged, match="is in another form"):
        read_report_file(path)


def test_a_report_that_was_edited_is_on_no_card_and_joins_nothing(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=4)
    plan: dict[str, Any] = {"n": 60, "extractor": "pixels", "classifier": False}
    run.evaluate(**plan, measures=("fid",))
    path = run.directory.report_json
    path.write_text(path.read_text().replace('"value": ', '"value": 1'))
    with pytest.raises(Damaged, match=r"report\.json has the SHA-256 .*Measure again by `advnets evaluate`"):
        run.export("G.safetensors")
    notes = [
        one.what for one in run.evaluate_own_data(assessment.plan_from({**plan, "measures": ("kid",)})) if one.note
    ]
    assert any("report.json cannot be read, and is moved to" in note for note in notes)
    assert list(read_report_file(path).measures) == ["kid"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """An entry for each time that a cache of pictures is made."""
    found, make = list[bool](), folder._make_cache

    def noted(*words: Any, **more: Any) -> Any:
        found.append(True)
        return make(*words, **more)

    monkeypatch.setattr(folder, "_make_cache", noted)
    return found


def picture_cache() -> Path:
    (path,) = Path(os.environ["ADVNETS_CACHE"], "images").glob("*.cache")
    return path


@few_or_all
@pytest.mark.parametrize("most", ["1GiB", 0], ids=["in memory", "mapped"])
def test_of_the_picture_cache(n: int, most: Any, made: list[bool], tmp_path: Path) -> None:
    path, options = photos(tmp_path, 60), ImageOptions(cache_memory=most)
    before = data.load(path, options=options)
    whole = pixels(before).clone()

    def is_noticed() -> bool:
        made.clear()
        found = data.load(path, options=options)
        refused = is_refused(lambda: verify(found), Damaged)
        assert refused or torch.equal(pixels(found), whole)
        return refused or bool(made)

    assert count_unnoticed(picture_cache(), n, is_noticed) == 0


def verify(dataset: Dataset) -> None:
    for split in dataset.splits.values():
        split.verify()


def test_other_pixels_in_the_cache_train_as_the_right_ones_do(tmp_path: Path) -> None:
    path = photos(tmp_path, 60)
    first = tiny.trained("first", data=str(path), steps=4)
    content = bytearray(picture_cache().read_bytes())
    content[4096:5000] = bytes(byte ^ 128 for byte in content[4096:5000])
    picture_cache().write_bytes(content)
    second = tiny.trained("second", data=str(path), steps=4)
    assert any("its pixels had changed, and were decoded anew" in note for note in second.notes())
    assert tiny.state_hash(second) == tiny.state_hash(first)


def test_pixels_that_change_while_they_are_mapped_stop_the_training(tmp_path: Path) -> None:
    path = photos(tmp_path, 60)
    experiment.start(tiny.RECIPE, settings=tiny.settings("run", data=str(path), cache_memory=0))
    with picture_cache().open("r+b") as file:
        file.seek(4096)
        file.write(b"other pixels")
    with pytest.raises(Damaged, match=r"\.cache: the pixels of images 0 to 59 .*Remove this file and start again"):
        experiment.resume("run")  # which maps the file anew
    with pytest.raises(Damaged, match="Remove this file"):
        data.load(path, options=ImageOptions(cache_memory=0)).train.select(torch.arange(3))


@few_or_all
def test_of_the_classifier_cache(n: int, tmp_path: Path) -> None:
    digits = data.load("digits")
    settings = ClassifierSettings(widths=(2,), hidden=4, fewest_steps=1, images=1, passes=1)
    train_classifier(digits, settings)
    key, place = classifier._cache_key(digits, settings), classifier._cache_path(digits, settings)
    assert classifier.is_cached(digits, settings)

    def is_noticed() -> bool:
        with pytest.warns(UserWarning, match="is trained again"):
            found = classifier._load_cached(place, key)
        return found is None and not classifier.is_cached(digits, settings)

    (checkpoint,) = place.iterdir()
    files = sorted(checkpoint.iterdir())
    assert [count_unnoticed(file, -(-n // len(files)), is_noticed) for file in files] == [0, 0, 0]
    assert classifier.is_cached(digits, settings)


@few_or_all
def test_of_the_data_beside_an_onnx_file(n: int, tmp_path: Path) -> None:
    Path("net.onnx").write_bytes(onnx_external.model("weights"))
    Path("weights").write_bytes(onnx_external.weights(29))
    name = onnx_extractor(Path("net.onnx")).id
    ids = set()
    for changed in flips(Path("weights").read_bytes(), n):
        Path("weights").write_bytes(changed)
        ids.add(onnx_extractor(Path("net.onnx")).id)
    assert len(ids - {name}) == n


def test_one_report_is_of_one_network_though_its_weights_lie_in_another_file(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=4)
    Path("net.onnx").write_bytes(onnx_external.model("weights"))
    for scale, measure in ((29, "fid"), (58, "kid")):
        Path("weights").write_bytes(onnx_external.weights(scale))
        run.evaluate(n=60, extractor="onnx", weights="net.onnx", measures=(measure,), classifier=False)
    assert list(read_report_file(run.directory.report_json).measures) == ["kid"]
    assert len(list(run.directory.reports.iterdir())) == 1


def test_data_beside_an_onnx_file_are_found_wherever_it_is_read_from(tmp_path: Path) -> None:
    Path("deep").mkdir()
    Path("deep/net.onnx").write_bytes(onnx_external.model("weights"))
    Path("deep/weights").write_bytes(onnx_external.weights(3))
    images = torch.full((2, 1, 8, 8), 255, dtype=torch.uint8)
    assert onnx_extractor(Path("deep/net.onnx"), Preprocessing()).features(images).unique().tolist() == [3]


@pytest.mark.parametrize("name", ["../weights", "link", "/etc/hostname", "folder"])
def test_data_outside_of_an_onnx_files_folder_are_refused_by_name(name: str, tmp_path: Path) -> None:
    Path("deep/folder").mkdir(parents=True)
    Path("weights").write_bytes(onnx_external.weights(3))
    Path("deep/link").symlink_to("../weights")
    Path("deep/net.onnx").write_bytes(onnx_external.model(name))
    with pytest.raises(BadInput, match=rf"net\.onnx: found tensors in the file '{name}'"):
        onnx_extractor(Path("deep/net.onnx"))
