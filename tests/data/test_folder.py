"""Folders of images: labels, splits, shapes, pixels, and a battery of folders that are refused."""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile, PngImagePlugin

from advnets import data
from advnets.cli.main import main
from advnets.data import ImageOptions
from advnets.data.images import folder_source
from advnets.data.images.decode_folder import CHUNK, map_in_order
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig, Unsupported
from image_files import BAD, encoded, expect_left_out, photos, pixels, put, random, refused


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def test_every_pixel_of_every_image_is_in_one_split(tmp_path: Path) -> None:
    made = [random() for _ in range(31)]
    put(tmp_path / "photos", {f"deep/{i % 3}/{i}.png": encoded(image) for i, image in enumerate(made)})
    dataset = data.load(tmp_path / "photos")
    assert dataset.shape == (3, 6, 5)
    assert [len(split) for split in dataset.splits.values()] == [25, 3, 3]
    found = {image.tobytes() for image in pixels(dataset).numpy()}
    assert found == {image.transpose(2, 0, 1).tobytes() for image in made}
    assert dataset.name == "photos"
    assert dataset.survey.class_names == ["0", "1", "2"]


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    made = {f"{'cat' if i % 2 else 'dog'}/{i}.png": np.full((4, 4), i, np.uint8) for i in range(20)}
    dataset = data.load(put(tmp_path / "pets", {name: encoded(image) for name, image in made.items()}))
    assert dataset.survey is not None
    assert dataset.survey.class_names == ["cat", "dog"]
    for split in dataset.splits.values():
        assert split.labels is not None
        assert [int(value) % 2 for value in split.values[:, 0, 0, 0]] == [1 - int(label) for label in split.labels]


def test_a_dataset_json_gives_labels_whatever_the_folders(tmp_path: Path) -> None:
    names = [f"{i // 7:05d}/img{i:08d}.png" for i in range(20)]
    files = {name: encoded(np.full((4, 4), i, np.uint8)) for i, name in enumerate(names)}
    told = {"labels": [[name, i % 4] for i, name in enumerate(names)]}
    dataset = data.load(put(tmp_path / "set", {**files, "dataset.json": json.dumps(told).encode()}))
    assert dataset.classes == 4
    for split in dataset.splits.values():
        assert split.labels is not None
        assert [int(value) % 4 for value in split.values[:, 0, 0, 0]] == split.labels.tolist()
    put(tmp_path / "set", {"dataset.json": b'{"labels": null}'})
    assert data.load(tmp_path / "set").survey.class_names == ["00000", "00001", "00002"]


@pytest.mark.parametrize("names", [("train", "val", "test"), ("train", "validation", "test")])
def test_sub_folders_are_splits_and_those_below_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    files = {f"{split}/{'ab'[i % 2]}/{i}.png": encoded(np.full((3, 3), 10 * place + i, np.uint8))
             for place, split in enumerate(names) for i in range(8 - 2 * place)}  # fmt: skip
    dataset = data.load(put(tmp_path / "set", files))
    assert [len(split) for split in dataset.splits.values()] == [8, 6, 4]
    assert sorted(dataset.validation.values[:, 0, 0, 0].tolist()) == list(range(10, 16))
    assert dataset.classes == 2


def test_a_missing_split_is_taken_from_train(tmp_path: Path) -> None:
    files = {f"train/{i}.png": encoded(random()) for i in range(30)} | {"test/a.png": encoded(random())}
    dataset = data.load(put(tmp_path / "set", files))
    assert [len(split) for split in dataset.splits.values()] == [27, 3, 1]
    assert dataset.classes is None
    assert any("validation" in note for note in dataset.survey.notes)


@pytest.mark.parametrize(
    ("mode", "kind", "channels"),
    [("1", "PNG", 1), ("L", "PNG", 1), ("LA", "PNG", 1), ("P", "PNG", 3), ("RGB", "BMP", 3), ("RGBA", "PNG", 3),
     ("RGB", "WEBP", 3), ("CMYK", "JPEG", 3), ("L", "JPEG", 1), ("RGB", "GIF", 3), ("I;16", "PNG", 1)],
)  # fmt: skip
def test_every_mode_becomes_grey_or_rgb(tmp_path: Path, mode: str, kind: str, channels: int) -> None:
    image = Image.fromarray(random(8, 8, 4), "RGBA").convert("RGB" if mode in ("CMYK", "P", "I;16") else mode)
    image = image.convert("L").point(lambda v: v).convert(mode) if mode == "I;16" else image.convert(mode)
    files = {f"{i}.{kind.lower()}": encoded(image, kind) for i in range(10)}
    assert data.load(put(tmp_path / "set", files)).shape == (channels, 8, 8)


def test_sixteen_bits_become_eight_by_rounding(tmp_path: Path) -> None:
    levels = np.array([[0, 128, 129, 257], [32896, 65406, 65407, 65535]], np.uint16)
    content = encoded(Image.fromarray(levels))
    dataset = data.load(put(tmp_path / "set", {f"{i}.png": content for i in range(10)}))
    assert dataset.train.values[0, 0].tolist() == [[0, 0, 1, 1], [128, 254, 255, 255]]
    assert dataset.survey.changes == []


@pytest.mark.parametrize(("brightest", "bits"), [(200, 8), (900, 10), (4095, 12), (4096, 14), (20_000, 16)])
def test_scans_of_fewer_bits_in_16_are_scaled_by_their_bits_and_it_is_told(
    tmp_path: Path, brightest: int, bits: int
) -> None:
    scans = [np.array([[0, 100 + i, brightest // 2, brightest]], np.uint16) for i in range(10)]
    scans[3][0, 3] = 7  # one dark scan has the scale of the others
    files = {f"{i}.png": encoded(Image.fromarray(scan)) for i, scan in enumerate(scans)}
    dataset = data.load(put(tmp_path / "set", files | {"eight.png": encoded(np.full((1, 4), 200, np.uint8))}))
    found = sorted(map(tuple, pixels(dataset)[:, 0, 0].tolist()))
    expected = [tuple(np.rint(255 * scan[0].astype(float) / (2**bits - 1)).astype(int)) for scan in scans]
    assert found == sorted([*expected, (200,) * 4])
    told = [note for note in dataset.survey.changes if "16 bits" in note]
    if bits == 16:
        assert told == []
    else:
        (note,) = told
        assert f"images of {bits} bits, of which {2**bits - 1:,} is white" in note
        assert f"no level above {brightest:,}" in note


@pytest.mark.parametrize("kind", ["numbers of classes", "12 bits in colours of 16"])
def test_images_that_are_nearly_black_are_told(tmp_path: Path, kind: str) -> None:
    content = encoded(np.array([[0, 1, 2, 9]], np.uint8))
    if kind != "numbers of classes":
        rows = b"".join(b"\0" + np.full((4, 3), 4095, ">u2").tobytes() for _ in range(4))
        header = np.array([4, 4], ">u4").tobytes() + bytes([16, 2, 0, 0, 0])
        content = b"\x89PNG\r\n\x1a\n" + b"".join(
            chunk(*part) for part in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
        )
    dataset = data.load(put(tmp_path / "set", {f"{i}.png": content for i in range(10)}))
    (note,) = dataset.survey.changes
    assert f"above {int(pixels(dataset).max())} of 255, which is nearly black" in note


def test_crop_takes_the_centre_and_pad_keeps_all(tmp_path: Path) -> None:
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, 2:6] = 200
    path = put(tmp_path / "set", {f"{i}.png": encoded(image) for i in range(10)})
    cropped = data.load(path, options=ImageOptions(size=4)).train.values[0]
    assert cropped.tolist() == torch.full((3, 4, 4), 200).tolist()
    padded = data.load(path, options=ImageOptions(size=8, fit="pad", alpha="#010203")).train.values[0]
    assert padded[:, :2].flatten(1).tolist() == [[1] * 16, [2] * 16, [3] * 16]
    assert padded[:, 2:6].tolist() == image.transpose(2, 0, 1).tolist()
    assert data.load(path, options=ImageOptions(size="2x6")).shape == (3, 2, 6)


def test_alpha_is_flattened_on_the_colour_named_or_kept(tmp_path: Path) -> None:
    image = np.zeros((4, 4, 4), np.uint8)
    image[..., 0], image[..., 3] = 255, 51  # red at a fifth
    path = put(tmp_path / "set", {f"{i}.png": encoded(image) for i in range(10)})
    plain = data.load(path)
    assert plain.train.values[0, :, 0, 0].tolist() == [255, 204, 204]
    assert any("flattened on white" in note for note in plain.survey.notes)
    assert data.load(path, options=ImageOptions(alpha="black")).train.values[0, :, 0, 0].tolist() == [51, 0, 0]
    assert data.load(path, options=ImageOptions(alpha="keep")).train.values[0, :, 0, 0].tolist() == [255, 0, 0, 51]
    grey = data.load(path, options=ImageOptions(alpha="keep", channels="grey"))
    assert grey.train.values[0, :, 0, 0].tolist() == [76, 51]
    refused(photos(tmp_path), BadInput, "no image has alpha", options=ImageOptions(alpha="keep"))


def test_exif_says_which_way_is_up(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = np.zeros((8, 16), np.uint8)
    image[:, 8:] = 255  # the right half; turned by a quarter clockwise it is below
    files = {f"{i}.jpg": encoded(image, "JPEG", exif=exif.tobytes(), quality=95) for i in range(10)}
    dataset = data.load(put(tmp_path / "set", files))
    assert dataset.shape == (1, 16, 8)
    assert dataset.train.values[0, 0, :7].max() < 16
    assert dataset.train.values[0, 0, 9:].min() > 240
    assert dataset.survey.sizes == {"16x8": 10}


def test_a_size_is_chosen_and_said(tmp_path: Path) -> None:
    files = {f"{i}.png": encoded(random(40 + i, 90)) for i in range(10)}
    dataset = data.load(put(tmp_path / "set", files))
    assert dataset.shape == (3, 32, 32)
    assert any("32x32" in note for note in dataset.survey.notes)
    assert len(dataset.survey.sizes) == 10
    large = put(tmp_path / "large", {f"{i}.png": encoded(random(300, 10)) for i in range(10)})
    assert data.load(large).shape == (3, 8, 8)


def test_mixed_channels_become_rgb_and_are_told(tmp_path: Path) -> None:
    path = photos(tmp_path, 20)
    put(path, {f"grey{i}.png": encoded(random(channels=1)) for i in range(5)})
    dataset = data.load(path)
    assert dataset.shape[0] == 3
    assert dataset.survey.modes == {"rgb": 20, "grey": 5}
    assert any("5 of 25 images are grey" in note for note in dataset.survey.notes)
    assert data.load(path, options=ImageOptions(channels="grey")).shape[0] == 1


@pytest.mark.parametrize("name", BAD)
def test_one_bad_image_among_many_expect_left_out_by_name(tmp_path: Path, name: str) -> None:
    path = photos(tmp_path, 110, **{name: BAD[name]})
    dataset = data.load(path)
    assert len(pixels(dataset)) == 110
    assert list(dataset.survey.unreadable) == [name]
    assert str(path / name) in dataset.survey.unreadable[name]
    assert any(note == f"1 image cannot be read and is left out: {name}" for note in dataset.survey.notes)


@pytest.mark.parametrize("name", BAD)
def test_a_few_bad_images_of_a_small_folder_are_left_out_and_more_stop(tmp_path: Path, name: str) -> None:
    path = photos(tmp_path, 57, **{name: BAD[name], "one.png": b"bad", "two.png": b"bad"})
    dataset = data.load(path)
    assert len(pixels(dataset)) == 57
    named = ", ".join(sorted((name, "one.png", "two.png")))
    assert any(note == f"3 images cannot be read and are left out: {named}" for note in dataset.survey.notes)
    put(path, {"zero.png": b"bad"})
    told = f"4 of 61 images cannot be read, and at most 3 may be left out: {named}, zero.png. Mend them"
    refused(path, Damaged, told, str(path / min(name, "one.png")))
    refused(path, Damaged, told)  # by the cache, too
    assert len(pixels(data.load(path, options=ImageOptions(any_unreadable=True)))) == 57


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        (198, 2, None), (500, 5, None), (497, 6, "6 of 503 images cannot be read, and at most 5 may"), (29, 2, None),
        (18, 3, "3 of 21 images cannot be read, and at most 2 may be left out: bad00.png, bad01.png, bad02.png. Mend"),
        (30, 23, "bad18.png, bad19.png and 3 more. Mend"),
    ],
)  # fmt: skip
def test_a_hundredth_or_three_may_be_left_out_and_never_over_a_tenth(
    tmp_path: Path, good: int, bad: int, says: str | None
) -> None:
    path = photos(tmp_path, good, **{f"bad{i:02d}.png": b"bad" for i in range(bad)})
    if says is None:
        assert len(data.load(path).survey.unreadable) == bad
    else:
        refused(path, Damaged, says)


def test_a_folder_of_bad_images_alone_is_told(tmp_path: Path) -> None:
    refused(photos(tmp_path, 0, **{f"bad{i:02d}.png": b"bad" for i in range(12)}), Damaged, "12 of 12 images cannot be")


def test_a_folder_with_many_bad_images_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(photos(tmp_path, 40, **{f"bad{i}.png": b"bad" for i in range(9)}))
    assert main(["data", path]) == 0
    told = capsys.readouterr().out
    assert "bad8.png: " in told
    assert "9 images cannot be read and are left out: bad0.png" in told
    assert "nothing can be estimated" in told
    assert "9 of 49 images cannot be read, and at most 3 may be left out" in told
    assert main(["train", "--data", path, "--out", "run"]) == 2


def test_a_truncated_image_is_refused_though_pillow_was_told_to_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert list(data.load(photos(tmp_path, 30, **{"cut.png": BAD["cut.png"]})).survey.unreadable) == ["cut.png"]
    assert ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(
    ("files", "kind", "says"),
    [
        ({}, BadInput, "nothing at all"),
        ({"a.txt": b"", "b.csv": b""}, Unsupported, "1 .txt, 1 .csv"),
        ({"only.png": encoded(random())}, BadInput, "found 1 images"),
        ({f"{i}.tif": encoded(random(), "TIFF") for i in range(12)}, Unsupported, "12 .tif"),
        ({".hidden.png": encoded(random())}, BadInput, "nothing at all"),
        ({f"train/{i}.png": b"" for i in range(9)} | {"cats/a.png": b""}, BadInput, "the folder cats beside them"),
        ({f"{s}/{i}.png": b"" for i in range(9) for s in ("train", "val", "validation")}, BadInput, "val and valida"),
        ({f"train/a/{i}.png": b"" for i in range(9)} | {"test/b/1.png": b""}, BadInput, "a tenth is the"),
        ({f"train/a/{i}.png": b"" for i in range(10)} | {"test/b/1.png": b""}, BadInput, "class 'b' that train has"),
    ],
)  # fmt: skip
def test_folders_that_cannot_be_trained_on(
    tmp_path: Path, files: Mapping[str, bytes], kind: type[AdvnetsError], says: str
) -> None:
    (tmp_path / "set").mkdir()
    refused(put(tmp_path / "set", files), kind, says)


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("{", Damaged, "is not JSON"),
        ("[" * 100_000, Damaged, "is not JSON"),
        ("\xff", Damaged, "is not JSON"),
        ("[]", BadInput, "no `labels`"),
        ('{"labels": {}}', BadInput, "`labels` is a dict"),
        ('{"labels": [["000.png", 0.5]]}', BadInput, "found the label"),
        ('{"labels": [["000.png", true]]}', BadInput, "found the label"),
        ('{"labels": [["000.png", -1]]}', BadInput, "class -1"),
        ('{"labels": [["000.png", 1], ["000.png", 2]]}', BadInput, "two labels"),
        ('{"labels": [["000.png", 1]]}', BadInput, "found 11 images without labels"),
        ('{"labels": [["nowhere.png", 1]]}', BadInput, "found 1 labels without images, 'nowhere.png' first"),
    ],
)
def test_labels_that_do_not_match_are_refused(tmp_path: Path, text: str, kind: type[AdvnetsError], says: str) -> None:
    refused(photos(tmp_path, **{"dataset.json": text.encode("latin-1")}), kind, says, "dataset.json")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": 0}, "image size: found 0"),
        ({"size": "64 x 64"}, "HEIGHTxWIDTH"),
        ({"size": (1, 2, 3)}, "image size"),
        ({"size": True}, "image size"),
        ({"fit": "stretch"}, "unknown image fit"),
        ({"alpha": "whitish"}, "image alpha: found 'whitish'"),
        ({"channels": "cmyk"}, "unknown image channels"),
        ({"cache_memory": "2 pages"}, "cache memory: found '2 pages'"),
    ],
)
def test_options_that_are_none_are_refused(options: dict, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        ImageOptions(**options)


@pytest.mark.parametrize(
    "options",
    [{"size": 8}, {"fit": "pad"}, {"alpha": "white"}, {"channels": "rgb"}, {"cache_memory": 1}, {"verify": True}],
)
def test_options_that_do_not_apply_are_refused(options: dict) -> None:
    flag = next(iter(options)).replace("_", "-")
    for name in ("digits", "nothing.npz"):
        with pytest.raises(BadInput, match=f"--(image-)?{flag}: found data set '{name}'"):
            data.load(name, options=ImageOptions(**options))


def test_links_that_lead_in_circles_and_pipes_are_not_followed(tmp_path: Path) -> None:
    path = photos(tmp_path)
    (path / "again").symlink_to(path, target_is_directory=True)
    (path / "self.png").symlink_to(path / "self.png")
    os.mkfifo(path / "pipe.png")
    dataset = data.load(path)
    assert len(pixels(dataset)) == 12
    assert dataset.survey.others == {".broken link": 1, ".pipe or device": 1}
    assert any("2 files are no images" in note for note in dataset.survey.notes)


def test_a_file_that_becomes_a_pipe_after_it_was_listed_expect_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photos(tmp_path, 110)
    listed = folder_source.sort_files

    def then_a_pipe(entries: Iterator[folder_source.FileEntry]) -> folder_source.FileListing:
        found = listed(entries)
        (path / "007.png").unlink()
        os.mkfifo(path / "007.png")
        return found

    monkeypatch.setattr(folder_source, "sort_files", then_a_pipe)
    dataset = data.load(path)
    assert len(pixels(dataset)) == 109
    assert "is a pipe" in dataset.survey.unreadable["007.png"]


def test_folders_that_are_linked_are_looked_into_wherever_they_are(tmp_path: Path) -> None:
    shared = photos(tmp_path, 12)
    path = put(tmp_path / "set", {f"c/{i}.png": encoded(random()) for i in range(12)})
    for name in ("a", "b"):
        (path / name).symlink_to(shared, target_is_directory=True)
        (shared / f"up-{name}").symlink_to(path, target_is_directory=True)
    (path / "d").symlink_to(path / "c", target_is_directory=True)
    dataset = data.load(path)
    assert len(pixels(dataset)) == 48
    assert dataset.survey.class_names == ["a", "b", "c", "d"]


def test_folders_that_are_very_deep_or_that_links_make_endless_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(put(tmp_path / "deep", {f"{'f/' * 80}0.png": b""}), TooBig, "lies 64 folders deep")
    path = tmp_path / "many"
    for level in range(30):  # 2^30 folders, all of them empty
        (path / str(level)).mkdir(parents=True)
        for name in "ab":
            (path / str(level) / name).symlink_to(path / str(level + 1), target_is_directory=True)
    (path / "30").mkdir()
    monkeypatch.setattr("advnets.data.images.folder_source.MAX_ENTRIES", 2_000)
    refused(path / "0", TooBig, "more than 2,000 files and folders")


def test_a_disk_is_not_walked_to_its_end_for_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a whole disk would: many files and hardly an image. Labels that lie before as many images are no such case."""
    monkeypatch.setattr(folder_source, "MANY_FILES", 80)
    path = photos(tmp_path, 30, **{f"0-labels/{number}.xml": b"" for number in range(60)})
    assert len(pixels(data.load(path))) == 30
    put(path, {f"0-more/{number}.xml": b"" for number in range(100)})
    refused(path, BadInput, "found 0 images among the first 80 files, expected a folder of images")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = photos(tmp_path, 110)
    (path / "broken.png").symlink_to(path / "nowhere.png")
    assert len(pixels(data.load(path))) == 110
    with pytest.raises(Missing, match=r"gone\.zip"):
        data.load(tmp_path / "gone.zip")


@pytest.mark.parametrize("what", ["zTXt", "iTXt", "tEXt", "iCCP", "after the pixels"])
def test_a_png_with_much_text_or_a_large_profile_is_read(tmp_path: Path, what: str) -> None:
    long, whole = b"x " * 1_500_000, encoded(random())
    kind, body = {
        "zTXt": (b"zTXt", b"workflow\0\0" + zlib.compress(long)),
        "iTXt": (b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(long)),
        "tEXt": (b"tEXt", b"workflow\0" + long),
        "iCCP": (b"iCCP", b"profile\0\0" + zlib.compress(long)),
        "after the pixels": (b"zTXt", b"workflow\0\0" + zlib.compress(long)),
    }[what]
    at = len(whole) - 12 if what == "after the pixels" else 33
    before = PngImagePlugin.MAX_TEXT_CHUNK
    dataset = data.load(photos(tmp_path, 30, **{"odd.png": whole[:at] + chunk(kind, body) + whole[at:]}))
    assert (len(pixels(dataset)), dataset.survey.unreadable) == (31, {})
    assert before == PngImagePlugin.MAX_TEXT_CHUNK


def test_text_without_bounds_expect_left_out_by_name(tmp_path: Path) -> None:
    whole = encoded(random())
    many = whole[:33] + chunk(b"tEXt", b"a\0b") * 100_000 + whole[33:]
    path = photos(tmp_path, 30, **{"odd.png": many})
    assert len(pixels(data.load(path))) == 31
    packed = zlib.compress(bytes(40 * 2**20))
    for kind, body in ((b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0")):
        put(path, {"odd.png": whole[:33] + chunk(kind, body + packed) + whole[33:]})
        expect_left_out(path, "odd.png", "a text or the colour profile has more than 33,554,432 bytes")


def test_results_come_in_order_and_not_far_ahead() -> None:
    begun: list[int] = []

    def note(number: int) -> int:
        begun.append(number)
        return number

    results = map_in_order(note, range(50 * CHUNK))
    assert next(results) == 0
    assert len(begun) < 10 * CHUNK
    assert list(results) == list(range(1, 50 * CHUNK))
