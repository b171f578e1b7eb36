"""Classes from folders to samples: trained on, drawn by name, measured, and what is not a class is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import advnets
import tiny
from advnets import data, experiment
from advnets.cli.main import main
from advnets.errors import BadInput
from advnets.recipes import RECIPES
from image_files import encoded, put

NAMES = ("cat", "dog", "horse")
SMALL = ("--batch-size", "8", "--generator.width", "4", "--discriminator.width", "4", "--device", "cpu")


def photo(level: int, side: int = 8) -> bytes:
    """A flat image of that level with a little noise of its own."""
    return encoded((level + np.random.default_rng(level).integers(0, 20, (side, side, 3))).astype(np.uint8))


def photos(folder: Path, names: tuple[str, ...], n: int = 20, side: int = 8) -> Path:
    """A folder of classes, the first of which is the darkest."""
    return put(folder, {f"{name}/{i}.png": photo(100 * k + i, side) for k, name in enumerate(names) for i in range(n)})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> experiment.Run:
    folder = tmp_path_factory.mktemp("classes")
    recipe = tiny.narrow(RECIPES["modern-classes"])
    return tiny.trained(str(folder / "run"), recipe, data=str(photos(folder / "photos", NAMES)), steps=20)


def test_names_of_classes_stand_in_one_place(run: experiment.Run, mnist: data.Dataset) -> None:
    digits = tuple("0123456789")
    assert data.load("digits").class_names == mnist.class_names == digits
    assert run.dataset.class_names == run.record.data.class_names == NAMES
    assert data.load("ring-8").class_names is None
    assert data.describe(data.load("digits"))["class_names"] == list(digits)
    with pytest.raises(BadInput, match="2 names of classes, expected 3"):
        replace(run.dataset, class_names=("a", "b"))


def test_a_class_is_drawn_by_name_or_number(run: experiment.Run, tmp_path: Path) -> None:
    shared = advnets.open_model(run.export("shared.safetensors"))
    assert shared.card.data.class_names == NAMES
    by_number = run.sample(6, given=2).values
    for drawn in (run.sample(6, given="horse"), shared.sample(6, given="horse"), run.sample(6, given=["2"] * 6)):
        assert np.array_equal(drawn.values, by_number)
    assert not np.array_equal(run.sample(6, given="cat").values, by_number)
    mixed = run.sample(6, given=["horse", "cat", 2, "dog", "dog", "cat"]).values
    assert [np.array_equal(*pair) for pair in zip(mixed, by_number, strict=True)] == [True, False, True, *[False] * 3]
    assert np.array_equal(run.sample(6, given=np.array(["2", "cat", "2", "1", "1", "0"])).values, mixed)
    assert main(["sample", str(run.path), "--class", "horse", "-n", "6", "--out", "horses.npz"]) == 0
    with np.load("horses.npz") as held:
        assert np.array_equal(held["images"], by_number)


def test_a_name_in_digits_comes_before_a_number() -> None:
    card = advnets.runs.DataCard("mine", "", (1, 8, 8), 3, class_names=("2", "1", "0"))
    assert [card.label_of(name) for name in "012"] == [2, 1, 0]
    assert replace(card, class_names=None).label_of("2") == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("hores", "expected one of cat, dog, horse, or of the numbers 0 to 2. Did you mean 'horse'?"),
        ("3", "found class '3', expected one of cat, dog, horse"),
        ("\x1b[31m", r"found class '\x1b[31m'"),
        ("9" * 5000, "99', expected one of cat"),
    ],
)
def test_a_class_that_is_not_there_is_refused(
    given: str, message: str, run: experiment.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", str(run.path), "--class", given, "--out", "x.npz"]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_no_classes_are_refused(run: experiment.Run) -> None:
    with pytest.raises(BadInput, match="found class 3, expected 0 to 2"):
        run.sample(2, given=[0, 3])
    with pytest.raises(BadInput, match="found 3 classes, expected one for all samples, or 2"):
        run.sample(2, given=["cat", "dog", "cat"])


def test_a_model_without_labels_has_no_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "paper-mnist", "--class", "7", "--out", "x.png"]) == 2
    assert "--class 7: paper-mnist was trained without labels" in capsys.readouterr().err
    with pytest.raises(BadInput, match="trained without labels and is given nothing beside its noises"):
        experiment.find_model("paper-mnist").sample(2, given="7")


@pytest.mark.parametrize("recipe", ["dcgan-classes", "modern-classes"])
@pytest.mark.parametrize(
    ("files", "words", "message"),
    [
        ("plain", (), "found no labels, in photos (split 80 : 10 : 10"),
        ("one folder", (), "all images lie in cat/, whose folders are looked at"),
        ("one class in splits", (), "found one class, 'cat', which is no class"),
        ("few", ("--batch-size", "64"), "batch_size: found 64, expected 1..32, the number of samples to learn from"),
        ("few", ("--image-size", "300"), "found images of 300 x 300, expected a longer side from 8 to 256"),
        ("tiny", (), "found images of 5 x 5, expected a longer side from 8 to 256. Give --image-size, such as 64"),
    ],
)
def test_what_cannot_be_trained_on_is_told_before_anything_is_written(
    recipe: str, files: str, words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("photos")
    if files == "plain":
        put(folder, {f"{i}.png": photo(i) for i in range(20)})
    elif files == "one class in splits":
        put(folder, {f"{split}/cat/{i}.png": photo(i) for split in ("train", "test") for i in range(20)})
    else:
        photos(folder, ("cat",) if files == "one folder" else ("cat", "dog"), side=5 if files == "tiny" else 8)
    assert main(["train", recipe, "--data", "photos", "--out", "run", *SMALL, *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    if "label" in message or "class" in message or "lie in" in message:
        assert "expected two classes or more. Put the images of each class into a folder of its own" in said
        assert f"or take the recipe {recipe.removesuffix('-classes')}, which needs no labels" in said
    assert not Path("run").exists()
