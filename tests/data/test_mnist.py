"""MNIST itself against what is published of it, and the places and layouts it is looked for in."""

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest
import torch

from advnets.data import Dataset, describe, load
from advnets.data.sets.mnist import FILES, SHA256
from advnets.data.sets.published_files import cache_folder
from advnets.errors import BadInput, Damaged, Missing


def counts(labels: torch.Tensor | None) -> list[int]:
    assert labels is not None
    return torch.bincount(labels, minlength=10).tolist()


@pytest.fixture
def files(mnist: Dataset) -> Path:
    """The folder that the real files were found in."""
    return Path(mnist.source)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache and no mirrors, so that a test sees only the folders it makes."""
    monkeypatch.setattr("advnets.data.sets.published_files.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr("advnets.data.sets.mnist.MIRRORS", ())
    monkeypatch.delenv("ADVNETS_DATA", raising=False)


def linked(files: Path, folder: Path, *, plain: tuple[str, ...] = ()) -> Path:
    folder.mkdir(parents=True)
    for name in FILES:
        source = next(path for path in (files / f"{name}.gz", files / name) if path.exists())
        if name in plain:
            data = source.read_bytes()
            (folder / name).write_bytes(gzip.decompress(data) if source.suffix == ".gz" else data)
        else:
            (folder / source.name).symlink_to(source)
    return folder


def test_counts_of_classes_are_the_published_ones(mnist: Dataset) -> None:
    train, validation = counts(mnist.train.labels), counts(mnist.validation.labels)
    both = [a + b for a, b in zip(train, validation, strict=True)]
    assert both == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert counts(mnist.test.labels) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_shape_split_and_digest(mnist: Dataset) -> None:
    assert mnist.shape == (1, 28, 28)
    assert [len(split) for split in mnist.splits.values()] == [50_000, 10_000, 10_000]
    assert mnist.classes == 10
    # The first labels of the training file, in its published order: the split is a cut, not a permutation.
    assert mnist.train.labels is not None
    assert mnist.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.digest == "202e53f1ebca0d2b7146d35895798f50830c092ef93740fa5f689b0eeca91625"


def test_moments_are_the_published_ones(mnist: Dataset) -> None:
    found = describe(mnist)
    train, validation = found["splits"]["train"], found["splits"]["validation"]
    mean = (5 * train["mean"] + validation["mean"]) / 6
    square = (5 * (train["std"] ** 2 + train["mean"] ** 2) + validation["std"] ** 2 + validation["mean"] ** 2) / 6
    assert round(mean, 4) == 0.1307
    assert round((square - mean**2) ** 0.5, 4) == 0.3081
    assert found["duplicates"] == {"copies": 0, "held_out_in_train": 0, "near": None}


@pytest.mark.parametrize("layout", ["mnist", "MNIST/raw", "."])
def test_each_layout_is_found(mnist: Dataset, files: Path, tmp_path: Path, layout: str) -> None:
    linked(files, tmp_path / "data" / layout, plain=FILES[3:] if layout == "MNIST/raw" else ())
    data = load("mnist", tmp_path / "data")
    assert data.digest == mnist.digest
    assert data.source == str(tmp_path / "data" / layout)


def test_the_folder_given_comes_before_the_environment_and_that_before_the_cache(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked(files, tmp_path / "cache" / "mnist")
    assert load("mnist").source == str(tmp_path / "cache" / "mnist")
    monkeypatch.setenv("ADVNETS_DATA", str(linked(files, tmp_path / "environment")))
    assert load("mnist").source == str(tmp_path / "environment")
    given = linked(files, tmp_path / "given")
    assert load("mnist", given).source == str(given)
    shutil.rmtree(given)
    given.mkdir()
    assert load("mnist", given).source == str(tmp_path / "environment")


def test_nothing_found_lists_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("given", "environment"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path / "environment"))
    with pytest.raises(Missing) as caught:
        load("mnist", tmp_path / "given")
    for part in ("given", "environment", "cache", "MNIST/raw", "by hand", FILES[0]):
        assert part in str(caught.value)


def test_a_folder_that_does_not_exist_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Missing, match="no such folder, given as data_dir"):
        load("mnist", tmp_path / "typo")
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path / "typo"))
    with pytest.raises(Missing, match="ADVNETS_DATA"):
        load("mnist")


@pytest.mark.parametrize("name", [f"{FILES[0]}.gz", FILES[0]])
def test_wrong_bytes_name_the_file_and_both_sums(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not MNIST")
    found = hashlib.sha256(b"not MNIST").hexdigest()
    with pytest.raises(Damaged, match=f"{name}: found sha256 {found}, expected {SHA256[name]}.*Delete the file"):
        load("mnist", tmp_path)


def test_exchanged_files_are_refused(files: Path, tmp_path: Path) -> None:
    folder = linked(files, tmp_path / "data")
    names = sorted(path.name for path in folder.iterdir())
    for name, other in zip(names, reversed(names), strict=True):
        (folder / name).unlink()
        (folder / name).symlink_to(files / other)
    with pytest.raises(BadInput, match="sha256"):
        load("mnist", folder)


def test_the_cache_is_one_of_advnets_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADVNETS_CACHE")
    assert cache_folder().name == "advnets"
    monkeypatch.setenv("ADVNETS_CACHE", "elsewhere")
    assert cache_folder() == Path("elsewhere")
