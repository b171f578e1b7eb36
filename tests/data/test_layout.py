"""Splits under all the names that people give them, in folders and zips alike; test images are never trained on."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from advnets import data
from advnets.data import Dataset
from advnets.data.images.layout import find_layout, is_split_name
from advnets.errors import BadInput
from image_files import encoded, put, refused


def picture(name: str) -> bytes:
    """Training images are dark, validation images grey, test images bright."""
    level = next(level for word, level in (("val", 90), ("test", 180), ("", 0)) if word in name.lower())
    return encoded(np.full((4, 4), level + sum(name.encode()) % 60, np.uint8))


def both(folder: Path, names: Sequence[str]) -> Dataset:
    """The data set in a folder of these images, which is that in a zip of them too."""
    files = {name: picture(name) for name in names}
    with zipfile.ZipFile(folder / "set.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    from_folder = data.load(put(folder / "set", files))
    from_zip = data.load(folder / "set.zip")
    assert (from_zip.digest, from_zip.survey) == (from_folder.digest, from_folder.survey)
    return from_folder


def images(*folders: str, n: int = 20) -> list[str]:
    return [f"{folder}/{i:02d}.png" for folder in folders for i in range(n)]


def expect_no_held_out_image_in_train(dataset: Dataset) -> None:
    assert int(dataset.train.values.max()) < 90
    assert int(dataset.test.values.min()) >= 180


TWICE = ("a", "b")


@pytest.mark.parametrize(
    ("tops", "told"),
    [
        (("Train", "Test"), "Train is train, Test is test"),
        (("TRAIN", "VAL", "TEST"), "TRAIN is train, VAL is validation, TEST is test"),
        (("training", "testing"), "training is train, testing is test"),
        (("train", "valid", "test"), "train is train, valid is validation, test is test"),
        (("train", "validate", "test"), "validate is validation"),
        (("train", "validation", "test"), "validation is validation"),
        (("trainA", "testA"), "trainA is train, testA is test"),
        (("training_set", "test_set"), "training_set is train, test_set is test"),
        (("train2017", "val2017", "test2017"), "train2017 is train, val2017 is validation, test2017 is test"),
        (("DIV2K_train_HR", "DIV2K_test_HR"), "DIV2K_train_HR is train, DIV2K_test_HR is test"),
    ],
)
@pytest.mark.parametrize("wrapper", ["", "photos/", "photos/all of them/"])
def test_splits_under_other_names_are_splits(tmp_path: Path, tops: Sequence[str], told: str, wrapper: str) -> None:
    dataset = both(tmp_path, images(*(f"{wrapper}{top}/{name}" for top in tops for name in TWICE)))
    assert dataset.survey.class_names == ["a", "b"]
    assert len(dataset.test) == 40
    expect_no_held_out_image_in_train(dataset)
    assert any(told in note for note in dataset.survey.layout)
    assert any(wrapper in note for note in dataset.survey.layout)


def test_splits_without_classes_have_no_labels(tmp_path: Path) -> None:
    assert both(tmp_path, images("Training", "Test")).classes is None


def test_splits_inside_of_the_classes_are_splits(tmp_path: Path) -> None:
    dataset = both(tmp_path, images(*(f"{name}/{split}" for name in ("cat", "dog") for split in ("train", "test"))))
    assert dataset.survey.class_names == ["cat", "dog"]
    assert len(dataset.test) == 40
    expect_no_held_out_image_in_train(dataset)
    assert "the folders around the splits are the classes" in dataset.survey.layout


@pytest.mark.parametrize("tops", [("trainA", "trainB", "testA", "testB"), ("train_a", "train_b", "test_a", "test_b")])
def test_two_kinds_of_images_without_pairs_are_two_classes_and_it_is_told(tmp_path: Path, tops: Sequence[str]) -> None:
    dataset = both(tmp_path, images(*tops))
    assert dataset.survey.class_names == ["A", "B"]
    counts = [split.labels.bincount().tolist() for split in dataset.splits.values() if split.labels is not None]
    assert [sum(count) for count in counts] == [36, 4, 40]
    assert counts[2] == [20, 20]
    expect_no_held_out_image_in_train(dataset)
    assert any("there are no pairs. To train on one of them" in note for note in dataset.survey.layout)


def test_two_kinds_of_training_images_alone_are_two_classes(tmp_path: Path) -> None:
    assert both(tmp_path, images("trainA", "trainB/inner")).survey.class_names == ["A", "B"]


@pytest.mark.parametrize(
    "tops",
    [
        ("cat", "dog"),
        ("valid", "invalid"),
        ("trainer", "contest", "latest"),
        ("steam train", "bus"),
        ("test tube", "beaker"),
        ("vehicles/train", "vehicles/bus", "animals/cat"),
    ],
)
def test_classes_whose_names_look_like_splits_stay_classes(tmp_path: Path, tops: Sequence[str]) -> None:
    layout = find_layout(images(*tops), "set")
    assert layout.split_of is None
    assert layout.inside == images(*tops)
    assert bool(layout.notes) == ("valid" in tops), "a class called valid is told"


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (images("test"), "found the folder test, but no train beside it"),
        (images("testA", "testB"), "found the folder testA and testB, but no train beside it"),
        (images("val", "test"), "found the folder test and val, but no train"),
        (images("images", "Test"), "found the folder Test, but no train"),
        ([*images("test"), "1.png"], "found the folder test, but no train"),
        (images("Train", "train"), "Train and train, which are both the train split"),
        (images("train", "val", "valid"), "val and valid, which are both the validation split"),
        ([*images("Train", "Test"), "1.png"], "the image 1.png beside them"),
        (images("train", "test", "sheets"), "the folder sheets beside them"),
        (images("cat/train", "cat/test", "dog"), "the image dog/00.png beside them"),
        (images("cat/train", "cat/test", "dog/all"), "the folder dog/all beside them"),
        (
            images("train_images", "test_images", "train_masks", "test_masks"),
            "found 2 sets of splits, test_images, tes",
        ),
        (images("train/a", "test/b", "test/a"), "test has a class 'b' that train has not"),
        (images("trainA", "testA", "testB"), "the folder testB beside them"),
    ],
)
def test_what_may_be_test_images_is_refused_and_not_trained_on(tmp_path: Path, names: Sequence[str], says: str) -> None:
    refused(put(tmp_path / "set", {name: picture(name) for name in names}), BadInput, says)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in names:
            archive.writestr(name, picture(name))
    refused(tmp_path / "set.zip", BadInput, says)


def test_one_training_folder_alone_is_a_split(tmp_path: Path) -> None:
    dataset = both(tmp_path, images("train/a", "train/b"))
    assert dataset.survey.class_names == ["a", "b"]
    assert any("no folder for test and validation" in note for note in dataset.survey.layout)


def test_labels_of_a_dataset_json_stay_with_the_names_beside_it(tmp_path: Path) -> None:
    def told(names: Sequence[str]) -> Mapping[str, bytes]:
        rows = ", ".join(f'["{name}", {i % 3}]' for i, name in enumerate(names))
        return {"dataset.json": f'{{"labels": [{rows}]}}'.encode()}

    names = images("00000")
    files = {name: picture(name) for name in names}
    at_top = data.load(put(tmp_path / "top", {**files, **told(names)}))
    deeper = {f"photos/{name}": content for name, content in {**files, **told(names)}.items()}
    below = data.load(put(tmp_path / "deeper", deeper))
    assert at_top.classes == below.classes == 3
    assert at_top.digest == below.digest


@pytest.mark.parametrize(
    ("name", "is_split"),
    [("train", True), ("Validation", True), ("trainA", True), ("test B", True), ("test_set", False),
     ("contest", False), ("train test", False), ("images", False)],
)  # fmt: skip
def test_names_that_are_splits_by_themselves(name: str, is_split: bool) -> None:
    assert is_split_name(name) == is_split
