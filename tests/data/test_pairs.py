"""Two kinds of images: pairs side by side and in folders, kinds that nothing pairs, and how both sides are shuffled."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from advnets.data import Batches, Dataset, ImageOptions, Split, load
from advnets.data.description import hints_at_pairs
from advnets.errors import AdvnetsError, BadInput
from image_files import encoded, put

A_LEVEL, B_LEVEL = 0, 100
"""The i-th image of A has the level i, that of B i + 100."""


def plain(level: int, side: int = 8) -> bytes:
    return encoded(np.full((side, side), level, np.uint8))


def beside(level: int, side: int = 8) -> bytes:
    both = np.full((side, 2 * side), level + A_LEVEL, np.uint8)
    both[:, side:] = level + B_LEVEL
    return encoded(both)


def in_folders(root: Path, a: str, b: str, n: int = 20, *, least: int = 0) -> Path:
    kinds = ((a, A_LEVEL), (b, B_LEVEL))
    return put(root, {f"{name}/{i:02d}.png": plain(level + i) for name, level in kinds for i in range(least, n)})


def levels(images: torch.Tensor | None) -> list[int]:
    assert images is not None
    return images[:, 0, 0, 0].tolist()


def read(path: Path, direction: str = "AtoB", **options: object) -> Dataset:
    return load(path, options=ImageOptions(direction=direction, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", ["beside", "A and B", "trainA and trainB", "A/train", "train/A"])
def test_pairs_are_found_in_every_layout(layout: str, tmp_path: Path) -> None:
    root = tmp_path / "pairs"
    if layout == "beside":
        put(root, {f"train/{i:02d}.png": beside(i) for i in range(20)})
        put(root, {f"val/{i:02d}.png": beside(i) for i in range(20, 24)})
    elif layout == "A and B":
        in_folders(root, "A", "B")
    else:
        a, b = {"trainA and trainB": ("{}A", "{}B"), "A/train": ("A/{}", "B/{}"), "train/A": ("{}/A", "{}/B")}[layout]
        in_folders(root, a.format("train"), b.format("train"))
        in_folders(root, a.format("test"), b.format("test"), 25, least=20)
    found = read(root)
    assert found.shape == found.given_shape == (1, 8, 8)
    assert found.classes is None
    for split in found.splits.values():
        assert split.is_paired
        assert [given + B_LEVEL for given in levels(split.given)] == levels(split.values)
    if layout == "beside":
        assert sorted(levels(found.validation.given)) == [20, 21, 22, 23]
    elif layout != "A and B":
        assert sorted(levels(found.test.given)) == [20, 21, 22, 23, 24]
    turned = read(root, "BtoA")
    assert levels(turned.train.values) == levels(found.train.given)
    assert levels(turned.train.given) == levels(found.train.values)
    assert turned.digest != found.digest
    assert found.survey is not None
    assert turned.survey is not None
    counts = f"{len(found.train)} pairs to train, {len(found.validation)} to validate, {len(found.test)} to test, "
    assert found.survey.layout[0].startswith(counts)
    left, right = (", the left half", ", the right half") if "side by side" in found.survey.layout[0] else ("", "")
    assert found.survey.layout[0].endswith(f"Given: A{left}. Made: B{right} (--direction)")
    assert turned.survey.layout[0].endswith(f"Given: B{right}. Made: A{left} (--direction)")
    assert not hints_at_pairs(found)


def test_halves_are_scaled_each_by_itself(tmp_path: Path) -> None:
    """A filter over the whole image would mix the halves at the seam."""
    found = read(put(tmp_path, {f"{i:02d}.png": beside(i, 32) for i in range(12)}), size=12)
    assert found.shape == (1, 12, 12)
    for images in (found.train.values, found.train.given):
        assert images is not None
        assert torch.equal(images, images[:, :, :1, :1].expand_as(images))


@pytest.mark.parametrize("options", [ImageOptions(), ImageOptions(size=(8, 8)), ImageOptions(size=(8, 16))])
def test_images_that_are_twice_as_wide_as_high_may_be_pairs(tmp_path: Path, options: ImageOptions) -> None:
    found = load(put(tmp_path / "pairs", {f"{i:02d}.png": beside(i) for i in range(12)}), options=options)
    (hint,) = hints_at_pairs(found)
    assert hint.startswith("all images are twice as wide as high: if they are pairs side by side, train pix2pix")
    assert not hints_at_pairs(load(put(tmp_path / "square", {f"{i:02d}.png": plain(i) for i in range(12)})))


def test_each_kind_has_its_own_channels(tmp_path: Path) -> None:
    colour = encoded(np.full((8, 8, 3), 9, np.uint8))
    root = put(in_folders(tmp_path, "A", "B"), {f"B/{i:02d}.png": colour for i in range(20)})
    found = read(root)
    assert (found.given_shape, found.shape) == ((1, 8, 8), (3, 8, 8))


def test_pairs_may_have_unlike_endings(tmp_path: Path) -> None:
    in_folders(tmp_path, "A", "B")
    for i in (3, 7):
        (tmp_path / f"B/{i:02d}.png").unlink()
        Image.fromarray(np.full((8, 8), B_LEVEL + i, np.uint8)).save(tmp_path / f"B/{i:02d}.bmp")
    found = read(tmp_path)
    assert [given + B_LEVEL for given in levels(found.train.given)] == levels(found.train.values)


def test_kinds_without_pairs_may_be_of_unlike_numbers(tmp_path: Path) -> None:
    in_folders(tmp_path, "trainA", "trainB", 30)
    put(tmp_path, {f"testA/x{i}.png": plain(i + 30) for i in range(3)})
    put(tmp_path, {f"trainB/more{i:02d}.png": plain(B_LEVEL + 30 + i) for i in range(10)})
    found = read(tmp_path, "unpaired")
    assert not found.train.is_paired
    assert found.train.given is not None
    assert (len(found.train.given), len(found.train)) == (
        27,
        32,
    )  # a tenth is for validation, and of B for the test too
    assert sorted(levels(found.test.given)) == [30, 31, 32]
    assert max(levels(found.train.given)) < 30 <= B_LEVEL <= min(levels(found.train.values))


REFUSED = {
    "unlike numbers": ("AtoB", "found 20 images in A and 19 in B, and '04' is in A alone; expected pairs"),
    "a name twice": ("AtoB", "found 20 images in A and 21 in B, and '04' is there twice"),
    "unlike sizes": ("AtoB", "found images A of 8 x 8 and B of 9 x 9 pixels; expected one size. Give --image-size"),
    "an empty kind": ("AtoB", "found 20 images in A and none in B; expected both"),
    "an empty kind of a cycle": ("unpaired", "found 20 images in A and none in B; expected both"),
    "one beside": ("AtoB", "found folders A and B, and lone.png in neither"),
    "no pairs": ("AtoB", "found 8 x 8 pixels, which is no pair side by side; expected images twice as wide as high"),
    "no kinds": ("unpaired", "found no folders of two kinds of images; expected trainA and trainB, or A and B"),
    "broken": ("AtoB", "2 images cannot be read, so that their partners have none: A/07.png, B/05.png. .* first: .*07"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_as_two_kinds_is_told(case: str, tmp_path: Path) -> None:
    n = 120 if case == "broken" else 20
    root = in_folders(tmp_path, "A", "B", n)
    if case == "unlike numbers":
        (root / "B/04.png").unlink()
    elif case == "a name twice":
        put(root, {"B/04.bmp": encoded(np.zeros((8, 8), np.uint8), "BMP")})
    elif case == "unlike sizes":
        put(root, {f"B/{i:02d}.png": plain(i, 9) for i in range(20)})
    elif case.startswith("an empty kind"):
        for file in (root / "B").iterdir():
            file.unlink()
    elif case == "one beside":
        put(root, {"lone.png": plain(1)})
    elif case.startswith("no "):
        root = put(tmp_path / "plain", {f"{i:02d}.png": plain(i) for i in range(12)})
    elif case == "broken":
        put(root, {"B/05.png": plain(5)[:40], "A/07.png": plain(5)[:40]})
    direction, told = REFUSED[case]
    with pytest.raises(BadInput, match=told) as error:
        read(root, direction)
    assert isinstance(error.value, AdvnetsError)


def test_photos_that_are_no_pairs_are_all_told_and_not_called_unreadable(tmp_path: Path) -> None:
    few = {f"{i:03d}.png": beside(i % 90) for i in range(300)} | {f"square{i}.png": plain(i) for i in range(4)}
    with pytest.raises(BadInput, match="no pair side by side") as error:
        read(put(tmp_path, few))
    told = str(error.value)
    assert told.startswith(
        f"{tmp_path}/square0.png: found 8 x 8 pixels, which is no pair side by side; expected images"
    )
    assert told.endswith("So are 3 others of 304 images: square1.png, square2.png, square3.png.")
    assert "cannot be read" not in told


def test_a_broken_pair_side_by_side_is_left_out(tmp_path: Path) -> None:
    found = read(put(tmp_path, {f"{i:02d}.png": beside(i) for i in range(30)} | {"bad.png": b"bad"}))
    assert sum(len(split) for split in found.splits.values()) == 30
    assert found.survey is not None
    assert "A: 1 image cannot be read and is left out: bad.png" in found.survey.notes
    with pytest.raises(BadInput, match=rf"^{tmp_path}: 5 of 35 images cannot be read, and at most 3 may"):
        read(put(tmp_path, {f"worse{i}.png": b"bad" for i in range(4)}))


def unpaired(n: int, beside_n: int) -> Split:
    def images(count: int, least: int) -> torch.Tensor:
        return torch.arange(least, least + count, dtype=torch.uint8)[:, None, None, None].expand(count, 1, 2, 2)

    return Split(images(n, B_LEVEL), None, images(beside_n, A_LEVEL), is_paired=False)


@pytest.mark.parametrize(("n", "beside_n"), [(10, 7), (7, 10), (10, 10), (3, 31)])
def test_each_side_is_gone_through_in_an_order_of_its_own(n: int, beside_n: int) -> None:
    batches, longest = Batches(unpaired(n, beside_n), batch_size=1, seed=3), max(n, beside_n)
    epochs = []
    for _ in range(3):
        drawn = [next(batches) for _ in range(longest)]
        a, b = (
            [int(images[0, 0, 0, 0]) for images in side]
            for side in zip(*((one.given, one.real) for one in drawn), strict=True)
        )  # type: ignore[index]
        for side, count, least in ((a, beside_n, A_LEVEL), (b, n, B_LEVEL)):
            for begin in range(0, longest - count + 1, count):
                assert sorted(side[begin : begin + count]) == list(range(least, least + count))
        epochs.append(list(zip(a, b, strict=True)))
    assert batches.epochs == 3
    assert set(epochs[0]) != set(epochs[1])


def test_unpaired_batches_go_on_where_they_were() -> None:
    whole = Batches(unpaired(7, 10), batch_size=3, seed=3)
    for _ in range(8):
        next(whole)
    again = Batches(unpaired(7, 10), batch_size=3, seed=3)
    again.load(whole.state())
    for _ in range(5):
        one, other = next(whole), next(again)
        assert torch.equal(one.real, other.real)
        assert one.given is not None
        assert other.given is not None
        assert torch.equal(one.given, other.given)


def test_paired_batches_keep_their_order() -> None:
    values = torch.arange(9, dtype=torch.uint8)[:, None, None, None].expand(9, 1, 2, 2)
    batches = Batches(Split(values, None, values + 1), batch_size=2, seed=0)
    for _ in range(9):
        batch = next(batches)
        assert batch.given is not None
        assert torch.equal(batch.given, batch.real + 1)


def test_select_keeps_what_nothing_pairs() -> None:
    found = unpaired(5, 8).select(torch.tensor([1, 3]))
    assert found.given is not None
    assert (len(found), len(found.given), found.is_paired) == (2, 8, False)
