"""Samples wherever they lie, by the command: runs, share files, folders, archives; and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import advnets
import tiny
from advnets import data, runs
from advnets.assessment import Report, load_reference_data, subject_of_files
from advnets.cli.main import main
from advnets.errors import BadInput
from advnets.experiment import Samples, open_model

FAST = "fid,coverage,copying,spectrum"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("assessed")


@pytest.fixture(autouse=True)
def _one_thread_and_one_classifier(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each test has a cache of its own (conftest.py); here they share one, so that the classifier is trained once."""
    torch.set_num_threads(1)
    monkeypatch.setenv("ADVNETS_CACHE", str(cache))


def write(where: str, n: int = 60, start: int = 0) -> str:
    values = data.load("digits").test.values[start : start + n]
    Samples(values.permute(0, 2, 3, 1).numpy()).save(where)
    return where


def evaluated(capsys: pytest.CaptureFixture[str], *words: str) -> Report:
    capsys.readouterr()
    assert main(["evaluate", *words, "--json"]) == 0, capsys.readouterr().err
    return Report.from_dict(json.loads(capsys.readouterr().out))


def test_a_folder_a_zip_and_an_npz_of_the_same_images_get_the_same_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("folder/")
    write("images.npz")
    reports = [evaluated(capsys, name, "--against", "digits", "--measures", "fid,spectrum")
               for name in ("folder", "images.npz")]  # fmt: skip
    first, second = ({name: one.estimate for name, one in report.measures.items()} for report in reports)
    assert first["fid"].value == pytest.approx(second["fid"].value, rel=1e-6)
    assert reports[0].name == "folder"
    assert reports[0].step is None
    assert reports[0].against.samples == 60


def test_a_folder_against_a_folder_writes_where_it_is_told_and_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("mine/")
    write("real/", 120, 60)
    found = evaluated(capsys, "mine", "--against", "real", "--measures", FAST, "--out", "told")
    assert (found.against.train, found.against.held_out, found.against.samples) == (60, 30, 60)
    assert sorted(path.name for path in Path("told").iterdir()) == ["figures", "report.json", "report.md"]
    assert {path.stem for path in Path("told/figures").iterdir()} == {"neighbours", "projection", "spectrum"}
    assert Report.from_dict(runs.read_json(Path("told/report.json"))).measures == found.measures
    assert main(["evaluate", "mine", "--against", "real", "--out", "told"]) == 2
    assert "told is there already" in capsys.readouterr().err


def test_points_of_a_file_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Samples(data.load("ring-8").test.values[:300].numpy()).save("points.npz")
    found = evaluated(capsys, "points.npz", "--against", "ring-8", "--measures", "modes,high-quality")
    assert found.measures["modes"].estimate.value == 8


def test_images_at_a_path_are_parted_by_a_seed(tmp_path: Path) -> None:
    write("real.npz", 100)
    first, second = load_reference_data("real.npz"), load_reference_data("real.npz")
    assert first.digest == second.digest
    assert [len(split) for split in first.splits.values()] == [50, 25, 25]
    whole = torch.cat([split.values for split in first.splits.values()])
    assert len(whole.unique(dim=0)) == len(data.load("digits").test.values[:100].unique(dim=0))
    assert len(subject_of_files(Path("real.npz")).values) == 100


def test_progress_is_told_in_plain_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("folder/")
    monkeypatch.setenv("ADVNETS_CACHE", "fresh")
    assert main(["evaluate", "folder", "--against", "digits", "--measures", "fid"]) == 0
    out, err = capsys.readouterr()
    assert "training a classifier of digits, once" in err
    assert "\x1b" not in err
    assert "| fid" in out


def test_a_run_keeps_its_report_and_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.trained("run")
    found = evaluated(capsys, "run", "--n", "100", "--measures", f"{FAST},logits-gap", "--figures")
    assert "logits-gap" in found.measures
    assert Report.from_dict(runs.read_json(Path("run/report.json"))) == found
    assert (Path("run/figures/classes.png")).stat().st_size > 0
    write("real/", 120)
    other = evaluated(capsys, "run", "--against", "real", "--n", "50", "--measures", "fid")
    assert other.against.data == "real"
    assert Report.from_dict(runs.read_json(Path("run/report.json"))) == found


def test_a_report_that_is_moved_is_told_and_disturbs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("run", "other"):
        run = tiny.trained(name, steps=4)
        words = ["evaluate", name, "--n", "50", "--measures", "fid"]
        assert main(words) == 0
        assert "moved" not in capsys.readouterr().err
        assert main([*words, "--split", "test"]) == 0
        (place,) = run.directory.reports.iterdir()
        assert f"{name}/report.json was measured otherwise, and is moved to {place}\n" in capsys.readouterr().err
    assert main(["compare", "run", "other", "--reports"]) == 0
    assert "test" in capsys.readouterr().out
    card = open_model(run.export("G.safetensors")).card
    assert card.report is not None
    assert card.report["against"]["split"] == "test"
    assert advnets.resume("run", steps=6).step == 6


def test_every_reading_of_a_test_split_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tiny.trained("run", steps=4)
    words = ["run", "--against", "digits", "--n", "60", "--measures", "fid", "--extractor", "pca", "--no-classifier"]
    evaluated(capsys, *words)
    assert not run.directory.test_readings.exists()
    evaluated(capsys, *words, "--split", "test")
    (line,) = run.directory.test_readings.read_text().splitlines()
    assert (json.loads(line)["split"], json.loads(line)["digest"]) == ("test", run.dataset.digest)
    assert not run.directory.report_json.exists()


def test_every_checkpoint_is_measured_and_the_best_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tiny.trained("run", steps=40)
    damaged = run.directory.checkpoints / "00000099"
    damaged.mkdir()
    words = ["evaluate", "run", "--every-checkpoint", "--n", "100", "--measures", "fid,coverage"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["by"] == "fid"
    assert sorted(told["reports"]) == ["36", "40"]
    assert told["best"] in (36, 40)
    assert list(told["damaged"]) == ["00000099"]
    assert told["lead"]["value"] >= 0
    assert main(words) == 0
    assert "The best checkpoint by fid, validation split: step" in capsys.readouterr().out
    assert not run.directory.report_json.exists()
    assert main([*words, "--split", "test"]) == 2
    assert "chosen on the validation split" in capsys.readouterr().err
    assert main([*words[:-1], "modes"]) == 2
    assert "modes cannot decide" in capsys.readouterr().err


def test_an_image_that_cannot_be_read_is_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mine", "--against", "real", "--measures", "fid"]
    write("mine/", 100)
    write("real/", 120, 100)
    assert main(["evaluate", *words]) == 0
    assert "cannot be read" not in capsys.readouterr().err
    broken = sorted(Path("mine").rglob("*.png"))[7]
    for path in (broken, sorted(Path("real").rglob("*.png"))[3]):
        path.write_bytes(path.read_bytes()[:60])
    assert evaluated(capsys, *words).against.samples == 99
    assert main(["evaluate", *words]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "cannot be read" in line]
    assert [line.split(";")[0] for line in told] == [
        "real: 1 image of 120 cannot be read, and left out",
        "mine: 1 image of 100 cannot be read, and left out",
    ]
    assert broken.name in told[1]


def test_where_nothing_can_be_measured_the_reasons_are_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tiny.trained("run", steps=4)
    run.export("G.safetensors")
    write("mine/")
    evaluated(capsys, "run", "--n", "50", "--measures", "fid")
    before = run.directory.report_json.read_bytes()
    for words, reason in (
        (
            ["run", "--measures", "modes,high-quality"],
            "modes, high-quality: it is for points, and these data are images",
        ),
        (
            ["run", "--n", "1", "--measures", "fid,precision", "--split", "test"],
            "precision: found 1 sample, and it needs 6",
        ),
        (["run", "--measures", "modes", "--n", "50", "--against", "digits"], "for points"),
        (["G.safetensors", "--measures", "modes", "--out", "told"], "for points"),
        (["mine", "--against", "digits", "--measures", "modes", "--out", "told"], "for points"),
    ):
        assert main(["evaluate", *words]) == 2
        out, err = capsys.readouterr()
        assert "nothing that was asked for can be measured" in err
        assert reason in err
        assert not out
    assert run.directory.report_json.read_bytes() == before
    assert not run.directory.test_readings.exists()
    assert not Path("told").exists()
    with pytest.raises(BadInput, match="nothing that was asked for"):
        run.model.evaluate(n=50, measures=("modes",))


def make(name: str) -> None:
    Path("empty").mkdir()
    Path("sizes").mkdir()
    for number in range(12):
        Image.new("L", (8 + number % 2, 8)).save(Path("sizes") / f"{number}.png")
    np.savez("large.npz", images=np.zeros((12, 9, 9), np.uint8))
    np.savez("floats.npz", images=np.zeros((12, 8, 8), np.float32))
    np.savez("whole.npz", points=np.zeros((12, 8), np.int64))
    np.savez("nan.npz", points=np.full((12, 2), np.nan, np.float32))
    np.savez("huge.npz", points=np.full((12, 2), 1e300))
    Path("weights.pth").write_bytes(b"no weights")
    write("good/", 20)
    tiny.trained("run", steps=4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["empty", "--against", "digits"], "found no images"),
        (["sizes", "--against", "digits"], "images of several sizes"),
        (["large.npz", "--against", "digits"], "samples of shape (1, 9, 9), expected (1, 8, 8)"),
        (["floats.npz", "--against", "digits"], "expected uint8"),
        (["whole.npz", "--against", "ring-8"], "expected floats"),
        (["nan.npz", "--against", "ring-8"], "point 0 has a NaN"),
        (["huge.npz", "--against", "ring-8"], "found points of 1e+300, more than float32 holds"),
        (["good", "--against", "digits", "--figures"], "say where to put these: --out FOLDER"),
        (["run", "--against", "digits", "--figures"], "say where to put these: --out FOLDER"),
        (["run", "--no-classifier", "--extractor", "classifier"], "leave one of them out"),
        (["run", "--weights", "weights.pth"], "weights: found weights.pth for the extractor of these data"),
        (["run", "--extractor", "inception", "--weights", "none.pth"], "none.pth: found no such file"),
        (["good"], "others to be measured against: --against"),
        (["good", "--against", "digits", "--n", "5"], "--n is for models"),
        (["good", "--against", "digitz"], "Did you mean 'digits'"),
        (["good", "--against", "digits", "--measures", "fidd"], "Did you mean 'fid'"),
        (["good", "--against", "digits", "--extractor", "inceptoin"], "Did you mean 'inception'"),
        (["good", "--against", "digits", "--extractor", "inception", "--weights", "weights.pth"], "weights.pth"),
        (["good", "--against", "digits", "--extractor", "pixels", "--weights", "weights.pth"], "pixels"),
        (["good", "--every-checkpoint"], "good is not a run directory"),
        (["run", "--every-checkpoint", "--against", "digits"], "leave out --against"),
        (["run", "--data", "large.npz"], "is not the data that run was started on"),
        (["run", "--image-size", "8"], "--image-size: run is measured on images of the size"),
        (["run", "--every-checkpoint", "--image-fit", "pad"], "leave out --image-fit"),
        (["run", "--against", "digits", "--image-size", "8"], "--image-size: found digits, expected a folder"),
        (["large.npz", "--against", "digits", "--verify"], "--verify: found large.npz and digits, expected a folder"),
        (["run", "--data", "digits", "--against", "digits"], "expected one of them"),
        (["run", "--against", "ring-8"], "samples of shape"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_nothing_is_written(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make("here")
    before = sorted(tmp_path.rglob("*"))
    capsys.readouterr()
    code = main(["evaluate", *words])
    err = capsys.readouterr().err
    assert message in err
    assert code in (2, 3)
    assert "Traceback" not in err
    if message != "weights.pth":  # of a file of another network it is only known when it is read
        assert "training a classifier" not in err, "for nothing"
    assert sorted(tmp_path.rglob("*")) == before


def test_images_of_several_sizes_are_not_resized_in_silence(tmp_path: Path) -> None:
    make("here")
    with pytest.raises(BadInput, match="several sizes"):
        subject_of_files(Path("sizes"))


def test_how_images_in_files_are_read_is_told_and_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (400, 300, 10), np.uint8)
    for folder, some in {"mine": images[:200], "real": images[200:]}.items():
        Path(folder).mkdir()
        for number, image in enumerate(some):
            Image.fromarray(image).save(f"{folder}/{number}.png")
    words = ["evaluate", "mine", "--against", "real", "--measures", "fid"]
    assert main(words) == 0
    err = capsys.readouterr().err
    for folder in ("mine", "real"):
        assert f"{folder}: images are 300x10: their centre cut and scaled to 8x8 (--image-size chooses" in err
    assert "80 : 10 : 10" not in err, "all of them are measured"
    assert main([*words, "--image-size", "30x10", "--image-fit", "pad"]) == 0
    assert "mine: images are 300x10: padded and scaled to 30x10" in capsys.readouterr().err
    Image.fromarray(images[0, :40]).save("mine/0.png")
    assert main(words) == 2
    assert "several sizes" in capsys.readouterr().err
    (Path("mine") / "notes.txt").write_text("of mine")
    assert main([*words, "--image-size", "8"]) == 0
    err = capsys.readouterr().err
    assert "mine: images have 2 sizes: their centre cut and scaled to 8x8\n" in err
    assert "mine: 1 files are no images, and left out (1 .txt)" in err
    assert main(["compare", "mine", "real", "--against", "real", "--measures", "fid"]) == 2
    assert "or choose one by --image-size" in capsys.readouterr().err
    assert main(["compare", "mine", "real", "--against", "real", "--measures", "fid", "--image-size", "8"]) == 0
    err = capsys.readouterr().err
    assert err.count("mine: images have 2 sizes: their centre cut and scaled to 8x8\n") == 1
    assert err.count("real: images are 300x10: their centre cut and scaled to 8x8\n") == 1
    assert main(["compare", "digits.npz", "more.npz", "--against", "digits", "--image-size", "8"]) == 2
    assert "--image-size: found digits.npz and more.npz and digits, expected a folder" in capsys.readouterr().err


def test_a_run_is_not_measured_against_the_images_that_it_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("photos/train/", 100)
    write("photos/val/", 60, 100)
    run = tiny.trained("run", steps=4, data="photos", image_channels="grey")
    run.export("G.safetensors")
    shutil.copytree("photos", "copy")
    how = ["--measures", "fid", "--extractor", "pca", "--no-classifier", "--n", "30", "--image-channels", "grey"]
    told = "{} was trained on these data. {}: then held-out images are those that it has not seen."
    for others in ("photos", "photos/", "copy", ".", "photos/train"):
        assert main(["evaluate", "run", "--against", others, *how]) == 2
        assert f"--against {others}: {told.format('run', 'Leave out --against')}" in capsys.readouterr().err
    assert main(["compare", "photos/val", "run", "--against", "photos", *how]) == 2
    assert told.format("run", "Leave out --against") in capsys.readouterr().err
    assert main(["evaluate", "G.safetensors", "--against", "copy", *how]) == 2
    assert told.format("G.safetensors", "Give --data copy in place of --against") in capsys.readouterr().err
    assert evaluated(capsys, "run", "--against", "photos/val", *how).against.held_out == 15
    assert evaluated(capsys, "photos/val", "--against", "photos", *how[:-4], *how[-2:]).against.held_out == 40
