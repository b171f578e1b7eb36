"""CIFAR-10 itself against what is published of it, and the places and layouts it is looked for in."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
import torch

from advnets.data import Dataset, load
from advnets.data.sets.cifar10 import ARCHIVE, FOLDER, SHA256
from advnets.errors import AdvnetsError, Damaged, Missing, TooBig


@pytest.fixture
def files(cifar10: Dataset) -> Path:
    """The folder that the real batches were found in."""
    if not Path(cifar10.source).is_dir():
        pytest.skip("the real batches are in an archive here, expected a folder")
    return Path(cifar10.source)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache and no mirrors, so that a test sees only the folders it makes."""
    monkeypatch.setattr("advnets.data.sets.published_files.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr("advnets.data.sets.cifar10.MIRRORS", ())
    monkeypatch.delenv("ADVNETS_DATA", raising=False)


def linked(files: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in SHA256:
        (folder / name).symlink_to(files / name)
    return folder


def refused(folder: Path, kind: type[AdvnetsError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        load("cifar10", folder)
    assert type(caught.value) is kind


def test_split_classes_and_digest(cifar10: Dataset) -> None:
    assert cifar10.shape == (3, 32, 32)
    assert [len(split) for split in cifar10.splits.values()] == [40_000, 10_000, 10_000]
    counts = [
        torch.bincount(split.labels, minlength=10) for split in cifar10.splits.values() if split.labels is not None
    ]
    assert (counts[0] + counts[1]).tolist() == [5000] * 10
    assert counts[2].tolist() == [1000] * 10
    # The first labels of the first batch, in their published order: the split is a cut, not a permutation.
    assert cifar10.train.labels is not None
    assert cifar10.train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert cifar10.digest == "e1c4e2163b7f3f8546846b890175bf50b1d3945c16380e257cffb5fb45c8db09"


def test_means_of_the_channels_are_the_published_ones(cifar10: Dataset) -> None:
    sums = sum(split.values.sum((0, 2, 3), dtype=torch.int64) for split in (cifar10.train, cifar10.validation))
    means = sums / (255 * 50_000 * 32 * 32)
    assert [round(mean, 4) for mean in means.tolist()] == [0.4914, 0.4822, 0.4465]


@pytest.mark.parametrize("layout", [f"cifar10/{FOLDER}/test_batch", f"{FOLDER}/test_batch", "test_batch"])
def test_each_layout_is_found(tmp_path: Path, layout: str) -> None:
    path = tmp_path / layout
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    refused(tmp_path, Missing, f"{path.parent / 'data_batch_1'}: there is no such file")


def test_a_folder_of_batches_is_read(cifar10: Dataset, files: Path, tmp_path: Path) -> None:
    linked(files, tmp_path / "data" / FOLDER)
    assert load("cifar10", tmp_path / "data").digest == cifar10.digest


def test_the_archive_is_read_in_place(cifar10: Dataset, files: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / ARCHIVE
    with gzip.open(path, "wb", compresslevel=0) as file, tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(files, FOLDER)
    data = load("cifar10", tmp_path / "data")
    assert data.digest == cifar10.digest
    assert data.source == str(path)
    assert list(path.parent.iterdir()) == [path]


def test_nothing_found_lists_where_it_looked(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    with pytest.raises(Missing) as caught:
        load("cifar10", tmp_path / "given")
    for part in ("given", "cache", FOLDER, ARCHIVE, "by hand", "6d958be07457"):
        assert part in str(caught.value)


def test_a_folder_without_one_batch(files: Path, tmp_path: Path) -> None:
    (linked(files, tmp_path / "data") / "data_batch_3").unlink()
    refused(tmp_path / "data", Missing, "data_batch_3: there is no such file beside the other batches")


def test_exchanged_truncated_and_flipped_batches(files: Path, tmp_path: Path) -> None:
    folder = linked(files, tmp_path / "data")
    first = folder / "data_batch_1"
    first.unlink()
    first.symlink_to(files / "data_batch_2")
    refused(folder, Damaged, "data_batch_1: found sha256 766b2c.*, expected 546365")
    whole = (files / "data_batch_1").read_bytes()
    for data in (
        whole[:-1],
        whole[:20_000_000] + bytes([whole[20_000_000] ^ 1]) + whole[20_000_001:],
        b"",
        whole + b"\0",
    ):
        first.unlink()
        first.write_bytes(data)
        refused(folder, Damaged, "data_batch_1: found sha256")


def test_a_hostile_pickle_does_not_reach_the_reader(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"cos\nsystem\n(S'touch hit'\ntR.")
    refused(tmp_path, Damaged, "data_batch_1: found sha256")
    assert not (tmp_path / "hit").exists()


def test_a_batch_of_any_size_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "data_batch_1").open("wb") as file:
        file.truncate(2**40)
    refused(tmp_path, TooBig, "has 1,099,511,627,776 bytes")


@pytest.mark.parametrize("layout", ["cifar10", "."])
def test_an_archive_of_other_batches(tmp_path: Path, layout: str) -> None:
    path = tmp_path / layout / ARCHIVE
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo(f"{FOLDER}/readme.html"))
    refused(tmp_path, Missing, "has no data_batch_1, .*test_batch")
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo(f"{FOLDER}/test_batch")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    refused(tmp_path, Damaged, rf"{ARCHIVE}: test_batch: found sha256")
