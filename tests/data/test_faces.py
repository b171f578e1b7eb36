"""Olivetti faces against what is known of them; the Toronto Face Database's layout, in files made here."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch

from advnets.data import DATASETS, Dataset, load
from advnets.data.sets.olivetti import FILE
from advnets.data.sets.tfd import split_fold
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing

RNG = np.random.RandomState(0)
N = 40
FACES = RNG.randint(0, 256, (N, 48, 48), dtype=np.uint8)
FOLDS = np.stack([np.roll([0] * 20 + [1] * 10 + [2] * 4 + [3] * 6, 3 * fold) for fold in range(5)], axis=1)
LABELS = {"labs_ex": RNG.randint(1, 8, (N, 1)), "labs_id": RNG.randint(1, 5, (N, 1))}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, so that a test sees only the folders it makes."""
    monkeypatch.setattr("advnets.data.sets.published_files.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv("ADVNETS_DATA", raising=False)


def toronto(path: Path, **changed: Any) -> Path:
    variables = {"images": FACES, "folds": FOLDS.astype(np.uint8), **LABELS} | changed
    path.parent.mkdir(exist_ok=True)
    scipy.io.savemat(path, variables, do_compression=True)
    return path


def refused(name: str | Path, kind: type[AdvnetsError], says: str, data_dir: Path | None = None) -> None:
    with pytest.raises(kind, match=says) as caught:
        load(name, data_dir)
    assert type(caught.value) is kind


def rows(dataset: Dataset) -> torch.Tensor:
    return torch.cat([split.values for split in dataset.splits.values()]).flatten(1)


def test_olivetti_is_split_by_people(olivetti: Dataset) -> None:
    assert olivetti.shape == (1, 64, 64)
    assert [len(split) for split in olivetti.splits.values()] == [300, 50, 50]
    assert olivetti.classes is None
    original = scipy.io.loadmat(olivetti.source)["faces"]
    assert rows(olivetti).double().mean() == pytest.approx(132.4, abs=0.05)
    place = {original[:, j].reshape(64, 64, order="F").tobytes(): j for j in range(400)}
    found = [place.pop(row.numpy().tobytes()) for row in rows(olivetti)]
    assert place == {}
    assert [j % 10 for j in found] == list(range(10)) * 40
    # The order is part of every published figure: it must never change.
    assert olivetti.digest == "eca2d2ace40966520440f5541ca2c8728a896b11d007acebabc0c8a461da39d7"


def test_olivetti_at_48_pixels_is_the_mean_of_the_area(olivetti: Dataset) -> None:
    small = load("olivetti-48", Path(olivetti.source).parent)
    assert (small.name, small.shape) == ("olivetti-48", (1, 48, 48))
    for split, theirs in zip(small.splits.values(), olivetti.splits.values(), strict=True):
        fine = theirs.values.double().repeat_interleave(3, 2).repeat_interleave(3, 3)
        exact = torch.nn.functional.avg_pool2d(fine, 4)
        assert torch.equal(split.values.double(), (exact + 0.5).floor())


@pytest.mark.parametrize("compressed", [False, True])
def test_olivetti_is_accepted_by_its_pixels(olivetti: Dataset, tmp_path: Path, compressed: bool) -> None:
    original = scipy.io.loadmat(olivetti.source)["faces"]
    path = tmp_path / "data" / "olivetti" / FILE
    path.parent.mkdir(parents=True)
    scipy.io.savemat(path, {"faces": original.astype(float), "other": "x"}, do_compression=compressed)
    assert load("olivetti", tmp_path / "data").digest == olivetti.digest
    scipy.io.savemat(path, {"faces": original[:, ::-1]}, do_compression=compressed)
    refused("olivetti", Damaged, rf"{FILE}: its pixels have sha256 .*, expected b119468c", tmp_path / "data")


@pytest.mark.parametrize(
    ("faces", "kind", "says"),
    [
        (np.zeros((400, 4096), np.uint8), Damaged, r"shape \(400, 4096\), expected \(4096, 400\)"),
        (np.full((4096, 400), 0.5), BadInput, "from 0.5 to 0.5, expected whole numbers"),
        (np.full((4096, 400), np.nan), BadInput, "expected whole numbers"),
    ],
)
def test_other_faces_are_refused(tmp_path: Path, faces: Any, kind: type[AdvnetsError], says: str) -> None:
    scipy.io.savemat(tmp_path / FILE, {"faces": faces})
    refused("olivetti", kind, says, tmp_path)


def test_a_truncated_olivetti_file(olivetti: Dataset, tmp_path: Path) -> None:
    whole = Path(olivetti.source).read_bytes()
    (tmp_path / FILE).write_bytes(whole[: len(whole) // 2])
    refused("olivetti", Damaged, rf"{FILE}: is broken", tmp_path)


def test_no_olivetti_says_where_to_get_it(tmp_path: Path) -> None:
    refused("olivetti", Missing, r"looked in .*cache.*roweis/data/olivettifaces\.mat.*figshare", tmp_path)


@pytest.mark.parametrize("fold", range(5))
def test_each_fold_of_tfd(tmp_path: Path, fold: int) -> None:
    path = toronto(tmp_path / "tfd" / "TFD_48x48.mat")
    data = load(f"{path}:{fold}")
    assert (data.name, data.shape, data.classes) == (f"tfd-{fold}", (1, 48, 48), None)
    for split, part in zip(data.splits.values(), (0, 2, 3), strict=True):
        assert np.array_equal(split.values[:, 0].numpy(), FACES[FOLDS[:, fold] == part])
    assert load(f"tfd-{fold}", tmp_path).digest == data.digest


def test_a_path_alone_is_fold_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = toronto(tmp_path / "mine.MAT")
    assert load(path).name == "tfd-0"
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    shutil.move(path, tmp_path / "TFD_48x48.mat")
    assert load("tfd-0").source == str(tmp_path / "TFD_48x48.mat")
    assert split_fold("a.mat") == ("a.mat", 0)
    assert split_fold("a.mat:12") == ("a.mat", 12)
    assert split_fold("a.npz:1") == ("a.npz:1", 0)


def test_without_the_file_its_owners_are_named(tmp_path: Path) -> None:
    refused("tfd-2", Missing, "looked in .*not public: its owners.*on request", tmp_path)
    refused(tmp_path / "TFD_48x48.mat", Missing, "no such file")
    refused(f"{tmp_path}/TFD_48x48.mat:3", Missing, "no such file")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"images": FACES.reshape(N, -1)}, r"shape \(40, 2304\), expected \(n, 48, 48\)"),
        ({"images": FACES.astype(float) / 255}, "run from 0 to 1, expected whole numbers 0..255"),
        ({"folds": FOLDS[:-1]}, r"shape \(39, 5\), expected \(40, 5\)"),
        ({"folds": FOLDS[:, :4]}, r"shape \(40, 4\), expected \(40, 5\)"),
        ({"folds": FOLDS + 1}, "other values than 0, 1, 2 and 3"),
        ({"folds": FOLDS * 1.5}, "other values than 0, 1, 2 and 3"),
        ({"folds": FOLDS * 0}, "part"),
    ],
)
def test_other_layouts_are_refused(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    path = toronto(tmp_path / "TFD_48x48.mat", **changed)
    refused(path, BadInput, rf"TFD_48x48\.mat: .*{says}")


def test_a_fold_that_there_is_not(tmp_path: Path) -> None:
    refused(f"{toronto(tmp_path / 'TFD_48x48.mat')}:5", BadInput, "found fold 5, expected 0..4")


def test_the_named_sets_are_in_the_table() -> None:
    assert {"cifar10", "olivetti", "olivetti-48", *(f"tfd-{fold}" for fold in range(5))} <= set(DATASETS)
    assert "ADVNETS_DATA" not in os.environ
