"""Splits, data sets, digests, the catalogue, digits, and what `describe` says of them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from advnets.data import DATASETS, Dataset, Split, describe, load
from advnets.errors import BadInput, Missing, NonFinite, Unsupported


def images(n: int, seed: int = 0, side: int = 3) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, side, side), generator=rng, dtype=torch.uint8)


def small(train: Split | None = None, test: Split | None = None, classes: int | None = None) -> Dataset:
    held_out = Split(images(2, 1))
    return Dataset("small", train or Split(images(4)), held_out, test or held_out, classes, "made here")


def test_shape_kind_and_lengths() -> None:
    data = small()
    assert data.shape == (1, 3, 3)
    assert data.is_image
    assert [len(split) for split in data.splits.values()] == [4, 2, 2]
    assert not load("ring-8").is_image
    assert load("ring-8").shape == (2,)


def test_digest_depends_on_every_value_label_and_shape_but_not_on_the_name() -> None:
    base = small()
    changed = images(4)
    changed[3, 0, 2, 2] ^= 1
    labelled = [
        Dataset("l", *(Split(images(3), torch.tensor(labels)),) * 3, 2, "") for labels in ([0, 1, 1], [1, 0, 1])
    ]
    wide = Dataset("wide", *(Split(images(4).reshape(4, 1, 1, 9)),) * 3, None, "")
    tall = Dataset("tall", *(Split(images(4).reshape(4, 1, 9, 1)),) * 3, None, "")
    digests = [data.digest for data in (base, small(Split(changed)), *labelled, wide, tall)]
    assert len(set(digests)) == len(digests)
    held_out = Split(images(2, 1))
    assert Dataset("other", Split(images(4)), held_out, held_out, None, "elsewhere").digest == base.digest


def test_digest_does_not_depend_on_strides() -> None:
    turned = images(4).transpose(2, 3).contiguous().transpose(2, 3)
    assert not turned.is_contiguous()
    assert small(Split(turned)).digest == small().digest


@pytest.mark.parametrize(
    "values",
    [
        torch.zeros(3, 1, 2, 2),
        torch.zeros(3, 2, 2, dtype=torch.uint8),
        torch.zeros(3, 2, dtype=torch.float64),
        torch.zeros(0, 1, 2, 2, dtype=torch.uint8),
    ],
)
def test_values_of_another_kind_are_refused(values: torch.Tensor) -> None:
    with pytest.raises(BadInput, match="expected at least one sample"):
        Split(values)


def test_a_point_that_is_not_finite_is_refused_by_its_row() -> None:
    with pytest.raises(NonFinite, match="point 1 "):
        Split(torch.tensor([[0.0], [float("nan")]]))


@pytest.mark.parametrize("labels", [torch.zeros(3).long(), torch.zeros(4), torch.tensor([0, 1, -1, 0])])
def test_labels_at_odds_with_values_are_refused(labels: torch.Tensor) -> None:
    with pytest.raises(BadInput, match="labels of a split"):
        Split(images(4), labels)


def test_splits_at_odds_are_refused() -> None:
    with pytest.raises(BadInput, match="samples of test"):
        small(test=Split(images(2, side=4)))
    with pytest.raises(BadInput, match="Give both, or neither"):
        small(classes=10)
    split = Split(images(2), torch.tensor([0, 5]))
    with pytest.raises(BadInput, match="found label 5"):
        Dataset("small", split, split, split, 5, "")


def test_digits_are_those_of_scikit_learn_in_another_order() -> None:
    from sklearn.datasets import load_digits

    data = load("digits")
    assert [len(split) for split in data.splits.values()] == [1297, 250, 250]
    ours = torch.cat([split.values for split in data.splits.values()]).flatten(1).numpy()
    labels = torch.cat([split.labels for split in data.splits.values() if split.labels is not None]).numpy()
    levels, theirs = load_digits(return_X_y=True)
    expected = np.array([round(v * 255 / 16 + 1e-9) for v in range(17)])[levels.astype(int)]
    with_labels = np.column_stack([ours, labels]).tolist()
    assert sorted(with_labels) == sorted(np.column_stack([expected, theirs]).tolist())
    # The order is part of every published figure: it must never change.
    assert data.digest == "238097dad82319346ff3761e18db2df585b1494df9434eec12386e1d111d924e"


OF_FILES = ("mnist", "cifar10", "olivetti", "tfd")


@pytest.mark.parametrize("name", [name for name in DATASETS if not name.startswith(OF_FILES)])
def test_loading_twice_gives_the_same_data(name: str) -> None:
    assert load(name).digest == load(name).digest
    assert load(name).name == name


def test_unknown_names_and_other_files_say_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Did you mean 'digits'"):
        load("digit")
    (tmp_path / "faces.raw").write_bytes(b"RAW")
    with pytest.raises(Unsupported, match=r"faces\.raw.*'\.raw'.*\.npz"):
        load(tmp_path / "faces.raw")
    with pytest.raises(Unsupported, match="found no images"):
        load(tmp_path)
    for path in (tmp_path / "no.png", f"{tmp_path}/none/"):
        with pytest.raises(Missing, match="there is no such file or folder"):
            load(path)
    with pytest.raises(Missing, match="no such file"):
        load(tmp_path / "no.npz")
    with pytest.raises(BadInput):
        load("\0.npz")
    with pytest.raises(BadInput, match="unknown data set"):
        load("x" * 5000)


def test_describe_counts_by_hand() -> None:
    train = Split(torch.tensor([0, 255, 255, 51], dtype=torch.uint8).reshape(4, 1, 1, 1), torch.tensor([0, 2, 2, 0]))
    test = Split(torch.tensor([51, 7], dtype=torch.uint8).reshape(2, 1, 1, 1), torch.tensor([0, 1]))
    found = describe(Dataset("hand", train, test, test, 3, "by hand"))
    assert found["splits"]["train"]["count"] == 4
    assert found["splits"]["train"]["per_class"] == [2, 0, 2]
    assert found["splits"]["train"]["mean"] == pytest.approx(0.55)
    assert found["splits"]["train"]["std"] == pytest.approx(np.std([0, 1, 1, 0.2]))
    # Eight samples of four values; of the four held out, 51 twice is also in train.
    assert found["duplicates"] == {"copies": 4, "held_out_in_train": 2, "near": None}
    assert json.loads(json.dumps(found)) == found


def test_describe_points_without_labels() -> None:
    split = Split(torch.tensor([[0.0, 1.0], [2.0, 5.0]]))
    found = describe(Dataset("points", split, split, split, None, ""))
    assert found["kind"] == "points"
    assert found["splits"]["train"] == {"count": 2, "per_class": None, "mean": 2.0, "std": pytest.approx(np.sqrt(3.5))}
