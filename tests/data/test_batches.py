"""The order of samples is a pure function of (seed, epoch, index), and a stream that is resumed is the stream."""

import itertools
import random

import pytest
import torch

from advnets.data import TRANSFORMS, Batches, Split, order
from advnets.data.batches import balanced_order
from advnets.errors import BadInput


def numbered(n: int) -> Split:
    return Split(torch.arange(n, dtype=torch.float32).unsqueeze(1), torch.arange(n))


def take(batches: Batches, count: int) -> list[list[int]]:
    return [batch.given.tolist() for batch in itertools.islice(batches, count) if batch.given is not None]


def test_order_is_a_permutation_and_pure() -> None:
    torch.manual_seed(1)
    first = order(5, 3, 100)
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    assert torch.equal(order(5, 3, 100), first)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.sort().values.tolist() == list(range(100))
    assert len({tuple(order(s, e, 100).tolist()) for s in range(5) for e in range(5)}) == 25


def test_order_is_uniform_enough() -> None:
    # Position of sample 0 over 3,000 epochs: chi-squared with 9 degrees of freedom is over 40 once in 100,000.
    places = torch.stack([order(0, epoch, 10).argmin() for epoch in range(3000)])
    assert float((torch.bincount(places, minlength=10) - 300).square().sum() / 300) < 40


def test_each_epoch_is_its_order_less_the_part_that_fills_no_batch() -> None:
    stream = take(Batches(numbered(10), batch_size=3, seed=7), 9)
    for epoch in range(3):
        drawn = list(itertools.chain(*stream[3 * epoch : 3 * epoch + 3]))
        assert drawn == order(7, epoch, 10)[:9].tolist()


def unequal() -> Split:
    """A hundred samples: 80 of class 0, 15 of class 2, 5 of class 4."""
    labels = torch.tensor([0] * 80 + [2] * 15 + [4] * 5)
    return Split(torch.arange(100, dtype=torch.float32).unsqueeze(1), labels)


def test_balanced_batches_hold_every_class_equally_often() -> None:
    batches = Batches(unequal(), batch_size=12, seed=3, balanced=True)
    drawn = list(itertools.islice(batches, 8 * 20))  # twenty epochs
    for batch in drawn:
        assert batch.given is not None
        assert batch.given.bincount().tolist() == [4, 0, 4, 0, 4]
    often = torch.cat([batch.real[:, 0].long() for batch in drawn]).bincount(minlength=100)
    assert int(often[:80].min()) > 0
    assert int(often[95:].max()) - int(often[95:].min()) <= 20  # rare ones in turn: at most once more an epoch


def test_a_balanced_order_is_pure_and_another_in_each_epoch() -> None:
    labels = unequal().labels
    assert labels is not None
    assert torch.equal(balanced_order(1, 2, labels), balanced_order(1, 2, labels))
    assert len({tuple(balanced_order(s, e, labels).tolist()) for s in range(3) for e in range(3)}) == 9
    equal = torch.arange(4).repeat(25)
    assert balanced_order(0, 0, equal).sort().values.tolist() == list(range(100))
    first = Batches(unequal(), batch_size=7, seed=11, balanced=True)
    whole = take(first, 40)
    for stop in (0, 1, 13, 14, 15, 39):
        resumed = Batches(unequal(), batch_size=7, seed=99, balanced=True)
        head = Batches(unequal(), batch_size=7, seed=11, balanced=True)
        assert take(head, stop) == whole[:stop]
        resumed.load(head.state())
        assert take(resumed, 40 - stop) == whole[stop:]


def test_balanced_batches_of_data_without_labels_are_refused() -> None:
    with pytest.raises(BadInput, match=r"found data without labels\. Take labelled data"):
        Batches(Split(torch.zeros(9, 2)), batch_size=3, seed=0, balanced=True)


def test_values_and_labels_stay_together() -> None:
    for batch in itertools.islice(Batches(numbered(20), batch_size=6, seed=0), 10):
        assert batch.real[:, 0].tolist() == batch.given.tolist()


@pytest.mark.parametrize(("n", "batch_size"), [(10, 3), (12, 4), (5, 5), (7, 1), (9, 8)])
def test_resumed_at_every_point_is_never_stopped(n: int, batch_size: int) -> None:
    total = 3 * (n // batch_size) + 2
    whole = take(Batches(numbered(n), batch_size=batch_size, seed=11), total)
    for stop in range(total):
        first = Batches(numbered(n), batch_size=batch_size, seed=11)
        head = take(first, stop)
        resumed = Batches(numbered(n), batch_size=batch_size, seed=99)
        resumed.load(first.state())
        assert resumed.state() == first.state()
        assert head + take(resumed, total - stop) == whole


def test_resumed_at_random_points_of_a_long_stream() -> None:
    whole = take(Batches(numbered(103), batch_size=10, seed=3), 200)
    for stop in random.Random(0).sample(range(200), 40):
        batches = Batches(numbered(103), batch_size=10, seed=3)
        batches.load({"seed": 3, "epoch": stop // 10, "index": stop % 10 * 10})
        assert take(batches, 200 - stop) == whole[stop:]


def test_a_position_serves_another_batch_size() -> None:
    first = Batches(numbered(12), batch_size=4, seed=1)
    take(first, 2)
    other = Batches(numbered(12), batch_size=2, seed=1)
    other.load(first.state())
    assert list(itertools.chain(*take(other, 2))) == order(1, 0, 12)[8:].tolist()


def test_progress_and_state_are_plain_numbers() -> None:
    batches = Batches(numbered(10), batch_size=4, seed=2)
    assert (batches.epoch, batches.epochs, batches.state()) == (0, 0.0, {"seed": 2, "epoch": 0, "index": 0})
    take(batches, 1)
    assert (batches.epoch, batches.epochs, batches.state()) == (0, 0.5, {"seed": 2, "epoch": 0, "index": 4})
    take(batches, 1)
    assert (batches.epoch, batches.epochs) == (0, 1.0)
    take(batches, 1)
    assert (batches.epoch, batches.epochs, batches.state()) == (1, 1.5, {"seed": 2, "epoch": 1, "index": 4})


def test_transform_is_applied_and_the_stored_values_stay() -> None:
    images = torch.randint(0, 256, (8, 1, 2, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    split = Split(images.clone())
    batch = next(Batches(split, batch_size=8, seed=0, transform=TRANSFORMS["symmetric"].forward))
    assert batch.given is None
    torch.testing.assert_close(batch.real, images[order(0, 0, 8)] / 127.5 - 1)
    assert torch.equal(split.values, images)


@pytest.mark.parametrize("batch_size", [0, -1, 11])
def test_a_batch_size_out_of_range_names_the_largest(batch_size: int) -> None:
    with pytest.raises(BadInput, match=rf"found {batch_size}, expected 1\.\.10"):
        Batches(numbered(10), batch_size=batch_size, seed=0)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"seed": 0, "epoch": 0},
        {"seed": 0, "epoch": 0, "index": 0, "more": 1},
        {"seed": 0, "epoch": 0, "index": 4.0},
        {"seed": 0, "epoch": True, "index": 4},
        {"seed": 0, "epoch": -1, "index": 0},
        {"seed": 0, "epoch": 0, "index": 11},
        {"seed": 0, "epoch": 0, "index": -1},
    ],
)
def test_a_state_that_is_none_is_refused_and_changes_nothing(state: dict[str, int]) -> None:
    batches = Batches(numbered(10), batch_size=2, seed=0)
    take(batches, 2)
    before = batches.state()
    with pytest.raises(BadInput, match="state of the batches"):
        batches.load(state)
    assert batches.state() == before
