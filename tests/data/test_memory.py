"""Tensors and arrays as data: what is converted, what is refused, and that the splits are those of a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from advnets.data import STORED_NAME, TRANSFORMS, Batches, Dataset, Split, find_data, from_memory, load, load_npz
from advnets.data.conversion import to_values
from advnets.errors import BadInput, Missing, NonFinite, Unsupported

RNG = np.random.RandomState(0)


def pixels(*shape: int) -> np.ndarray:
    return RNG.randint(0, 256, shape, dtype=np.uint8)


IMAGES, LABELS = pixels(25, 6, 5), RNG.randint(0, 3, 25)


@pytest.mark.parametrize("make", [np.array, torch.tensor])
def test_the_same_content_is_split_and_identified_as_in_a_file(tmp_path: Path, make: Any) -> None:
    np.savez(tmp_path / "mine.npz", images=IMAGES, labels=LABELS)
    file, memory = load_npz(tmp_path / "mine.npz"), Dataset.of(make(IMAGES), labels=make(LABELS))
    assert memory.digest == file.digest
    assert (memory.shape, memory.classes, memory.name, memory.source) == ((1, 6, 5), 3, "tensor", "given in memory")
    assert [len(split) for split in memory.splits.values()] == [21, 2, 2]


@pytest.mark.parametrize(
    ("shape", "stored"),
    [
        ((4, 6, 5), (4, 1, 6, 5)),
        ((4, 3, 6, 5), (4, 3, 6, 5)),
        ((4, 6, 5, 3), (4, 3, 6, 5)),
        ((4, 4, 6, 5), (4, 4, 6, 5)),
        ((4, 6, 5, 1), (4, 1, 6, 5)),
    ],
)
def test_the_axis_of_channels_is_found(shape: tuple[int, ...], stored: tuple[int, ...]) -> None:
    images = pixels(*shape)
    found = to_values(images)
    assert tuple(found.shape) == stored
    assert found.is_contiguous()
    first = images.reshape(stored) if shape[-1] not in (1, 3) else images.transpose(0, 3, 1, 2)
    assert np.array_equal(found.numpy(), first)


def test_images_that_may_be_read_in_two_ways_are_refused_until_the_axis_is_named() -> None:
    images = pixels(4, 3, 5, 4)
    with pytest.raises(BadInput, match=r"both axis 1 and axis 3.*channel_axis=1"):
        to_values(images)
    assert tuple(to_values(images, channel_axis=1).shape) == (4, 3, 5, 4)
    assert tuple(to_values(images, channel_axis=3).shape) == (4, 4, 3, 5)
    with pytest.raises(BadInput, match="neither axis 1 nor axis 3"):
        to_values(pixels(4, 6, 5, 7))
    for axis, wrong in ((2, images), (1, pixels(4, 3, 5))):
        with pytest.raises(BadInput, match=f"channel_axis={axis}"):
            to_values(wrong, channel_axis=axis)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_level_over_255_is_converted_exactly(dtype: type) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    divided = levels.astype(dtype) / dtype(255)
    for scaled in (divided, levels.astype(dtype) * dtype(1 / 255), (levels / 255).astype(dtype)):
        assert np.array_equal(to_values(scaled)[:, 0].numpy(), levels)
    memory = Dataset.of((IMAGES / 255).astype(dtype), labels=LABELS)
    assert memory.digest == Dataset.of(IMAGES, labels=LABELS).digest


def test_levels_that_were_divided_in_single_precision_and_widened_are_converted() -> None:
    assert np.array_equal(to_values((IMAGES / np.float32(255)).astype(np.float64))[:, 0].numpy(), IMAGES)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.random.RandomState(0).rand(3, 8, 8), r"no k / 255.*\(255 \* values\)\.round"),
        (np.linspace(-1, 1, 128).reshape(2, 8, 8), r"127\.5"),
        (np.full((2, 8, 8), 255.0), r"from 255 to 255.*convert them to uint8"),
        (np.full((2, 8, 8), np.nan), "uint8"),
        (np.ones((2, 8, 8), np.int64), r"uint8 0\.\.255"),
        (np.ones((2, 8, 8), bool), r"uint8 0\.\.255"),
        (np.ones((2, 64), np.uint8), r"Reshape flat images"),
        (np.ones((2, 3), np.int64), "convert points to float"),
        (np.ones(5), r"shape \(5,\)"),
        (np.ones((2, 3), complex), "dense torch tensor or NumPy array"),
        (np.array([["a"]]), "array of <U1"),
        (np.ma.masked_array(np.ones((2, 3)), False), "dense"),
        (torch.eye(3).to_sparse(), "dense"),
        ([[1.0]], "type list"),
        (np.ones((0, 2)), "at least one sample"),
        (np.ones((0, 4, 4), np.uint8), "at least one sample"),
    ],
)
def test_what_is_no_sample_is_refused_with_what_to_do(values: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Split.of(values)


def test_points_become_float32_and_must_be_finite() -> None:
    points = RNG.randn(30, 2)
    memory = Dataset.of(points, labels=np.arange(30) % 4)
    assert memory.train.values.dtype == torch.float32
    assert (memory.shape, memory.classes) == ((2,), 4)
    assert Dataset.of(points.astype(">f8")).digest == Dataset.of(points.astype(np.float32)).digest
    points[7, 1] = 1e300
    with pytest.raises(NonFinite, match="point 7"):
        Split.of(points)


def test_what_is_made_of_an_array_does_not_change_with_it() -> None:
    images = IMAGES.copy()
    images.flags.writeable = False
    memory, before = Dataset.of(images), IMAGES[:1].copy()
    images.flags.writeable = True
    images[:] = 0
    assert any(np.array_equal(value, before) for value in memory.train.values.numpy()[:, :1]) or len(memory.train) < 25
    assert memory.digest == Dataset.of(IMAGES).digest


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.zeros(24, int), r"\(24,\), expected \(25,\)"),
        (np.zeros((25, 1), int), r"labels\.reshape\(-1\)"),
        (np.zeros(25), "expected integers"),
        (np.zeros(25, bool), "expected integers"),
        (np.full(25, -1), "from -1 to -1"),
        (np.full(25, 10_000), "from 10000 to 10000"),
        (list(range(25)), "type list"),
    ],
)
def test_labels_at_odds_are_refused(labels: Any, says: str) -> None:
    with pytest.raises(BadInput, match=f"labels.*{says}"):
        Dataset.of(IMAGES, labels=labels)


def test_given_images_stay_with_their_samples_and_count_in_the_digest() -> None:
    given = np.stack([IMAGES, 255 - IMAGES, IMAGES], axis=1)
    memory, bare = Dataset.of(IMAGES, given=given), Dataset.of(IMAGES)
    assert memory.given_shape == (3, 6, 5)
    assert bare.given_shape is None
    for split in memory.splits.values():
        assert split.given is not None
        assert torch.equal(split.given[:, :1], split.values)
    other = given.copy()
    other[3, 1, 2, 2] ^= 1
    assert len({memory.digest, bare.digest, Dataset.of(IMAGES, given=other).digest}) == 3


@pytest.mark.parametrize(
    ("values", "given", "says"),
    [
        (IMAGES, pixels(24, 1, 6, 5), "found 24 images, expected 25"),
        (IMAGES, RNG.rand(25, 3), "expected images"),
        (IMAGES, RNG.rand(25, 3, 6, 5), "given: .*no k / 255"),
        (RNG.randn(25, 2), pixels(25, 1, 6, 5), "found points as samples"),
    ],
)
def test_given_at_odds_is_refused(values: Any, given: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Dataset.of(values, given=given)


def test_splits_of_your_own_are_used_and_the_others_are_taken() -> None:
    test = Split.of(pixels(3, 6, 5), labels=np.array([0, 4, 1]))
    memory = Dataset.of(IMAGES, labels=LABELS, test=test, name="mine")
    assert [len(split) for split in memory.splits.values()] == [23, 2, 3]
    assert memory.test is test
    assert (memory.classes, memory.name) == (5, "mine")
    both = Dataset.of(IMAGES[:4], labels=LABELS[:4], test=test, validation=test)
    assert [len(split) for split in both.splits.values()] == [4, 3, 3]
    with pytest.raises(BadInput, match="found 4 samples, expected at least 10"):
        Dataset.of(IMAGES[:4], labels=LABELS[:4], test=test)
    with pytest.raises(BadInput, match="given images of test are uint8 of shape"):
        Dataset.of(IMAGES, test=Split.of(IMAGES, given=IMAGES))


def test_batches_give_labels_or_images_beside_the_samples() -> None:
    labelled = next(Batches(Dataset.of(IMAGES, labels=LABELS).train, batch_size=21, seed=0))
    assert labelled.given is not None
    assert labelled.given.dtype == torch.int64
    paired = Dataset.of(IMAGES, labels=LABELS, given=IMAGES)
    batches = Batches(paired.train, batch_size=7, seed=0, transform=TRANSFORMS["symmetric"].forward)
    for _ in range(4):
        batch = next(batches)
        assert batch.given is not None
        assert torch.equal(batch.real, batch.given)
        assert set(batch.tensors()) == {"real", "given"}
    assert float(batch.real.min()) < 0
    labels = next(Batches(paired.train, batch_size=7, seed=0, given="labels")).given
    assert labels is not None
    assert labels.shape == (7,)
    with pytest.raises(BadInput, match=r"without given images.*given="):
        Batches(Dataset.of(IMAGES, labels=LABELS).train, batch_size=7, seed=0, given="images")
    with pytest.raises(BadInput, match="without labels"):
        Batches(Dataset.of(IMAGES, given=IMAGES).train, batch_size=7, seed=0, given="labels")
    with pytest.raises(BadInput, match="Did you mean 'labels'"):
        Batches(paired.train, batch_size=7, seed=0, given="label")
    assert next(Batches(Dataset.of(IMAGES).train, batch_size=2, seed=0)).given is None


def test_tensor_datasets_and_data_sets_are_taken_as_they_are() -> None:
    values, labels = torch.from_numpy(IMAGES), torch.from_numpy(LABELS)
    expected = Dataset.of(IMAGES, labels=LABELS)
    assert from_memory(expected) is expected
    beside = {"labels": LABELS}
    for data, more in ((TensorDataset(values, labels), {}), (TensorDataset(values), beside), (IMAGES, beside)):
        assert from_memory(data, **more).digest == expected.digest
    for data, more, says in (
        (expected, {"labels": labels}, "found a Dataset with labels= beside it"),
        (expected, {"labels": labels, "given": values}, "labels= and given="),
        (TensorDataset(values, labels), {"labels": labels}, "TensorDataset with labels"),
        (TensorDataset(values, values), {}, "data=target, given=input"),
        (TensorDataset(values, labels, labels), {}, "of 3 tensors"),
    ):
        with pytest.raises(BadInput, match=says):
            from_memory(data, **more)


class Photos(torch.utils.data.Dataset[int]):
    """A data set of the map style."""


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (DataLoader(TensorDataset(torch.zeros(4, 2))), "DataLoader.*draws the batches itself"),
        (Photos(), "type Photos.*torch.stack"),
        ([torch.zeros(2)], "Stack the samples"),
        (None, "type NoneType.*Convert it"),
        (7, "type int"),
    ],
)
def test_other_objects_are_refused_with_what_to_do(data: Any, says: str) -> None:
    with pytest.raises(Unsupported, match=says):
        from_memory(data)


def test_the_name_under_which_a_run_stores_them_says_to_give_them_again() -> None:
    with pytest.raises(Missing, match="Give the data again, as data="):
        load(STORED_NAME)


def test_a_selection_keeps_labels_and_given() -> None:
    whole = Split.of(IMAGES, labels=LABELS, given=IMAGES)
    part = whole.select(torch.tensor([3, 1]))
    assert part.labels is not None
    assert part.given is not None
    assert part.labels.tolist() == LABELS[[3, 1]].tolist()
    assert torch.equal(part.values, part.given)


def test_names_and_paths_are_told_from_data_in_memory() -> None:
    assert find_data("digits") == "digits"
    assert find_data(Path("some") / "folder") == str(Path("some") / "folder")
    found = find_data(IMAGES, labels=LABELS)
    assert isinstance(found, Dataset)
    assert found.digest == Dataset.of(IMAGES, labels=LABELS).digest
    with pytest.raises(BadInput, match="found the name 'digits' with labels= beside it"):
        find_data("digits", labels=LABELS)
