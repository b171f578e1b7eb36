"""One class of a data set, and two data sets as two kinds of images that nothing pairs."""

from dataclasses import replace

import pytest
import torch

from advnets import data
from advnets.data import Dataset, ImageOptions, Split
from advnets.errors import AdvnetsError, BadInput


def images(n: int, *shape: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, *(shape or (1, 8, 8))), generator=rng, dtype=torch.uint8)


def labelled(n: int = 40, seed: int = 0, names: tuple[str, ...] = ("cat", "dog")) -> Dataset:
    found = Dataset.of(images(n, seed=seed), labels=torch.arange(n) % len(names), name="pets")
    return replace(found, class_names=names)


def test_a_class_is_chosen_by_name_and_by_number() -> None:
    digits, threes = data.load("digits"), data.load("digits:3")
    assert threes.name == "digits:3"
    assert (threes.classes, threes.train.labels) == (None, None)
    for name, split in digits.splits.items():
        assert split.labels is not None
        assert torch.equal(threes.splits[name].values, split.values[split.labels == 3])


def test_a_name_of_a_class_is_its_number() -> None:
    from_name, from_number = (data.choose_class(labelled(), chosen) for chosen in ("dog", "1"))
    assert from_name.name == from_number.name == "pets:dog"
    assert from_name.digest == from_number.digest


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("digits:dog", "class of digits 'dog'"),
        ("digits:10", "class of digits '10'"),
        ("digits:", "class of digits ''"),
    ],
)
def test_a_class_that_is_not_there_is_told(name: str, told: str) -> None:
    with pytest.raises(AdvnetsError, match=told):
        data.load(name)


def test_a_class_of_data_without_classes_is_told() -> None:
    with pytest.raises(BadInput, match="tensor has no classes, expected labelled data"):
        data.choose_class(Dataset.of(images(20)), "1")


def test_a_class_without_images_in_a_split_is_told() -> None:
    found = labelled()
    train, validation, _ = found.splits.values()
    only_cats = Split(validation.values, torch.zeros(len(validation), dtype=torch.int64))
    with pytest.raises(BadInput, match="found 0 images of the class in validation, expected"):
        data.choose_class(replace(found, validation=only_cats), "dog")
    few = Split(train.values[:4], torch.tensor([0, 1, 0, 1]))
    with pytest.raises(BadInput, match="found 2 images of the class in train, expected 10 or more"):
        data.choose_class(replace(found, train=few), "dog")


def test_two_classes_are_two_kinds() -> None:
    three, eight, both = data.load("digits:3"), data.load("digits:8"), data.load_unpaired("digits:3", "digits:8")
    assert both.name == "digits:3 to digits:8"
    for name, split in both.splits.items():
        assert not split.is_paired
        assert split.given is not None
        assert torch.equal(split.given, three.splits[name].values)
        assert torch.equal(split.values, eight.splits[name].values)


def test_the_digest_covers_both() -> None:
    a, b = labelled(seed=1), labelled(seed=2)
    whole = data.load_unpaired(a, b).digest
    assert whole == data.load_unpaired(a, b).digest
    changed = a.train.values.clone()
    changed[0, 0, 0, 0] ^= 1
    assert whole != data.load_unpaired(replace(a, train=Split(changed, a.train.labels)), b).digest
    changed = b.test.values.clone()
    changed[0, 0, 0, 0] ^= 1
    assert whole != data.load_unpaired(a, replace(b, test=Split(changed, b.test.labels))).digest
    assert a.train.labels is not None
    swapped = replace(a, train=Split(a.train.values, 1 - a.train.labels))
    assert whole != data.load_unpaired(swapped, b).digest


def test_classes_stay_known_where_both_have_the_same() -> None:
    a, b = labelled(seed=1), labelled(60, seed=2)
    both = data.load_unpaired(a, b)
    assert (both.classes, both.class_names) == (2, ("cat", "dog"))
    assert both.train.input_labels is a.train.labels
    other = data.load_unpaired(a, labelled(seed=2, names=("cat", "horse")))
    assert (other.classes, other.train.labels, other.train.given_labels) == (None, None, None)


def test_a_turned_data_set_has_both_in_each_others_place() -> None:
    a, b = labelled(seed=1), labelled(60, seed=2)
    there, back = data.load_unpaired(a, b), data.load_unpaired(b, a)
    assert there.turn().digest == back.digest
    assert there.turn().turn().digest == there.digest
    pairs = Dataset.of(b.train.values, given=255 - b.train.values, labels=b.train.labels)
    turned = pairs.turn()
    assert turned.train.labels is pairs.train.labels
    assert turned.train.values is pairs.train.given
    with pytest.raises(BadInput, match="cannot be turned"):
        a.turn()


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            Dataset.of(images(20, 1, 8, 6)),
            "8 x 8 pixels and 1 channel in pets and 6 x 8 pixels and 1 channel in tensor",
        ),
        (Dataset.of(images(20, 3, 8, 8)), "8 x 8 pixels and 3 channels in tensor; expected one size"),
        (Dataset.of(torch.zeros(20, 2)), "tensor: found points as B, expected images of one kind"),
        (Dataset.of(images(20), given=images(20)), "tensor: found pairs of images as B"),
    ],
)
def test_kinds_that_do_not_fit_are_told(other: Dataset, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        data.load_unpaired(labelled(), other)


def test_options_of_files_are_not_ignored() -> None:
    with pytest.raises(BadInput, match="--image-size: found no image files in either kind"):
        data.load_unpaired("digits:3", "digits:8", options=ImageOptions(size=16))


def test_classes_of_given_images_belong_to_what_nothing_pairs() -> None:
    values, labels = images(4), torch.tensor([0, 1, 0, 1])
    with pytest.raises(BadInput, match="given_labels of a split: found them without given images"):
        Split(values, labels, values, given_labels=labels)
    with pytest.raises(BadInput, match="labels of a split"):
        Split(values, labels, values, is_paired=False, given_labels=labels[:3])
