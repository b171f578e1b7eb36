"""The cache of decoded images: what makes it anew, what it holds, damage, a full disk, and training from it."""

import errno
import hashlib
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

import tiny
from advnets import assessment, data
from advnets.cli.data import format_description
from advnets.cli.main import main
from advnets.data import Batches, ImageOptions, Split, describe
from advnets.data.dataset import Dataset
from advnets.data.images import cache, decode_folder, folder
from advnets.data.images.blocks import images_of_block
from advnets.data.images.duplicates import difference_hash, near_pairs
from advnets.errors import BadInput, Missing, TooBig
from image_files import encoded, photos, pixels, put, random


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded."""
    names: list[str] = []
    decode = decode_folder.decode

    def noted(content: bytes, name: str, *rest: object) -> object:
        names.append(name)
        return decode(content, name, *rest)

    monkeypatch.setattr("advnets.data.images.decode_folder.decode", noted)
    return names


def cache_file() -> Path:
    (path,) = Path(os.environ["ADVNETS_CACHE"], "images").glob("*.cache")
    return path


def test_a_second_start_decodes_nothing_and_gives_the_same(tmp_path: Path, decoded: list[str]) -> None:
    path = photos(tmp_path, 15)
    first = data.load(path)
    assert len(decoded) == 15
    second = data.load(path)
    assert len(decoded) == 15
    assert torch.equal(pixels(first), pixels(second))
    assert (first.digest, first.survey) == (second.digest, second.survey)


def test_digest_and_mean_are_those_of_the_values(tmp_path: Path) -> None:
    dataset = data.load(photos(tmp_path, 40))
    bare = replace(dataset, known_digest=None, known_mean=None)
    assert bare.digest == dataset.digest
    assert torch.equal(bare.mean, dataset.mean)
    assert torch.allclose(dataset.mean, dataset.train.values.float().mean(0) / 255, atol=1e-6)


def test_what_changes_is_decoded_anew_and_replaces_the_old(tmp_path: Path, decoded: list[str]) -> None:
    path = photos(tmp_path, 15)
    digests = {data.load(path).digest}
    put(path, {"new.png": encoded(random())})
    digests.add(data.load(path).digest)
    put(path, {"000.png": encoded(random())})
    os.utime(path / "000.png", ns=(1, 1))
    digests.add(data.load(path).digest)
    (path / "001.png").unlink()
    digests.add(data.load(path).digest)
    assert len(digests) == 4
    assert len(decoded) == 15 + 16 + 16 + 15
    cache_file()
    data.load(path, options=ImageOptions(size=3))
    assert len(decoded) == 15 + 16 + 16 + 15 + 15


def test_verify_sees_what_sizes_and_times_do_not(tmp_path: Path, decoded: list[str]) -> None:
    flat = [encoded(np.full((4, 4), level, np.uint8)) for level in (7, 8)]
    assert len(flat[0]) == len(flat[1])
    path = photos(tmp_path, 15, **{"flat.png": flat[0]})
    before, told = data.load(path), (path / "flat.png").stat()
    (path / "flat.png").write_bytes(flat[1])
    os.utime(path / "flat.png", ns=(told.st_atime_ns, told.st_mtime_ns))
    assert data.load(path).digest == before.digest
    assert data.load(path, options=ImageOptions(verify=True)).digest != before.digest
    decoded.clear()
    data.load(path, options=ImageOptions(verify=True))
    assert decoded == []


@pytest.mark.parametrize("at", [0, 20, 40, 70, 4099, -1, -200])
def test_a_damaged_or_short_cache_is_made_again(tmp_path: Path, decoded: list[str], at: int) -> None:
    path = photos(tmp_path, 15)
    before = data.load(path)
    whole = bytearray(cache_file().read_bytes())
    whole[at] ^= 1
    for content in (bytes(whole), bytes(whole[:-5]), bytes(whole[:30]), b""):
        cache_file().write_bytes(content)
        decoded.clear()
        assert data.load(path).digest == before.digest
        assert len(decoded) == 15


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not tell what is mapped")
def test_no_cache_file_is_mapped_when_it_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows gives a mapped file no new name, nor its name to another: the stale cache would stay."""
    path, mapped = photos(tmp_path, 15), list[str]()

    def replaced(old: Path, new: Path, replace_: Any = os.replace) -> None:
        mapped.append(
            "".join(line for line in Path("/proc/self/maps").read_text().splitlines() if str(new.parent) in line)
        )
        replace_(old, new)

    monkeypatch.setattr(cache.os, "replace", replaced)
    data.load(path)
    whole = bytearray(cache_file().read_bytes())
    whole[cache.PIXELS_AT + 3] ^= 1
    cache_file().write_bytes(whole)
    data.load(path, options=ImageOptions(verify=True))
    assert mapped == ["", ""]


def test_a_pixel_that_changed_in_the_cache_is_seen_with_and_without_verify(tmp_path: Path) -> None:
    path = photos(tmp_path, 15)
    before = data.load(path)
    whole = bytearray(cache_file().read_bytes())
    whole[cache.PIXELS_AT + 3] ^= 1
    cache_file().write_bytes(whole)
    for verify in (False, True):
        cache_file().write_bytes(whole)
        assert torch.equal(pixels(data.load(path, options=ImageOptions(verify=verify))), pixels(before))


def test_no_cache_is_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = photos(tmp_path, 15)

    def full(self: cache.Writer, images: object) -> None:
        raise cache.write_error(self.path, OSError(28, "No space left on device"))

    with monkeypatch.context() as patched:
        patched.setattr(cache.Writer, "append", full)
        with pytest.raises(Missing, match=r"No space left on device.*ADVNETS_CACHE"):
            data.load(path)
    left = [file.suffix for file in Path(os.environ["ADVNETS_CACHE"], "images").iterdir()]
    assert left == []
    with monkeypatch.context() as patched:
        patched.setattr("shutil.disk_usage", lambda place: type("Usage", (), {"free": 100}))
        with pytest.raises(TooBig, match="bytes are needed"):
            data.load(path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path / "file"))
    with pytest.raises(Missing, match="ADVNETS_CACHE"):
        data.load(path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here is always full")
def test_a_disk_that_is_full_at_the_last_is_told_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "remove_remains", lambda folder: None)
    path = photos(tmp_path, 15)
    temporary = folder._cache_path(path, ImageOptions()).with_suffix(".tmp")
    temporary.parent.mkdir(parents=True)
    temporary.symlink_to("/dev/full")
    with pytest.raises(Missing, match=r"No space left on device.*ADVNETS_CACHE"):
        data.load(path)
    assert not os.path.lexists(temporary)


def test_nothing_but_the_cache_is_left_and_what_the_killed_left_is_removed(tmp_path: Path) -> None:
    path = photos(tmp_path, 15)
    place = folder._cache_path(path, ImageOptions())
    place.parent.mkdir(parents=True)
    for name in ("killed.tmp", "killed.lock", "waited.lock", "busy.tmp"):
        (place.parent / name).write_bytes(b"")
    with FileLock(place.parent / "busy.lock"):
        data.load(path)
        left = {path.name for path in place.parent.iterdir()}
    assert left == {place.name, "busy.tmp", "busy.lock"}
    folder.remove_remains(place.parent)
    assert {path.name for path in place.parent.iterdir()} == {place.name}


def test_of_two_that_want_a_cache_one_makes_it(tmp_path: Path, decoded: list[str]) -> None:
    path = photos(tmp_path, 150)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(data.load(path).digest)) for _ in range(3)]
    with folder.strict_pillow():  # its settings are the process's: set them before threads do
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(found)) == 1
    assert len(found) == 3
    assert len(decoded) == 150


def test_mapped_or_in_memory_the_values_are_the_same_slices(tmp_path: Path) -> None:
    path = photos(tmp_path, 40)
    memory, mapped = (data.load(path, options=ImageOptions(cache_memory=most)) for most in ("1MiB", 0))
    assert (memory.train.is_mapped, mapped.train.is_mapped) == (False, True)
    for name, split in mapped.splits.items():
        assert torch.equal(split.values, memory.splits[name].values)
        assert split.values.is_contiguous()
    train, validation = mapped.train.values, mapped.validation.values
    assert validation.data_ptr() == train.data_ptr() + train.numel()
    memory.train.values[0] = 0  # stays in this process
    assert torch.equal(data.load(path).train.values, mapped.train.values)


def stretched(path: Path, size: int) -> int:
    """Give the cache file of a set of one channel more training images, all 0, of so many bytes; how many it has."""
    content = path.read_bytes()
    magic, at, length, _ = cache.HEAD.unpack(content[: cache.HEAD.size])
    table = json.loads(content[at : at + length])
    n, *shape = table["parts"]["pixels"]["shape"]
    more = size // np.prod(shape).item()
    table["parts"]["pixels"]["shape"][0] += more
    table["counts"]["train"] += more
    at = cache.PIXELS_AT + (n + more) * np.prod(shape).item()
    sums = np.zeros(-(-(n + more) // images_of_block(tuple(shape))), np.uint32)
    table["parts"]["blocks"] |= {"at": at, "shape": list(sums.shape)}
    table["sha256"]["blocks"] = hashlib.sha256(sums.data).hexdigest()
    text, at = json.dumps(table).encode(), at + sums.nbytes
    with path.open("r+b") as file:
        file.write(cache.HEAD.pack(magic, at, len(text), hashlib.sha256(text).digest()))
        os.truncate(path, at - sums.nbytes)  # a hole, of zeros
        os.truncate(path, at)
        file.seek(at)
        file.write(text)
    return n + more


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="how much memory there is, is not told here")
def test_a_cache_of_more_bytes_than_memory_and_swap_is_mapped(tmp_path: Path) -> None:
    path = photos(tmp_path, 15)
    data.load(path)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        n = stretched(cache_file(), 4 * memory)
    except OSError as error:
        pytest.skip(f"no file of {4 * memory:,} bytes can be made here: {error.strerror}")
    dataset = data.load(path)
    assert dataset.train.is_mapped
    assert sum(len(split) for split in dataset.splits.values()) == n
    assert not dataset.test.values.any()


def test_a_cache_that_the_system_does_not_map_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = photos(tmp_path, 15)
    data.load(path)

    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("mmap.mmap", refuse)
    with pytest.raises(TooBig, match=r"\.cache: cannot be mapped into memory \(Cannot allocate memory\).*--image-size"):
        data.load(path, options=ImageOptions(cache_memory=0))


@pytest.mark.parametrize("most", ["1MiB", 0])
def test_table_and_pixels_are_of_one_file_though_another_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: str | int
) -> None:
    path, other = photos(tmp_path / "one", 15), photos(tmp_path / "other", 15)
    before = data.load(path)
    mine = cache_file()
    data.load(other)
    opened, (theirs,) = folder.open_cache, {*mine.parent.glob("*.cache")} - {mine}

    def exchanged(*words: Any) -> Any:
        found = opened(*words)
        os.replace(theirs, mine)
        return found

    monkeypatch.setattr(folder, "open_cache", exchanged)
    found = data.load(path, options=ImageOptions(cache_memory=most))
    assert replace(found, known_digest=None).digest == before.digest


def test_batches_are_the_same_from_memory_and_mapped(tmp_path: Path) -> None:
    path = photos(tmp_path, 40)
    drawn = []
    for most in ("1MiB", 0):
        batches = Batches(data.load(path, options=ImageOptions(cache_memory=most)).train, batch_size=7, seed=3)
        drawn.append([next(batches).real for _ in range(12)])
    assert all(torch.equal(a, b) for a, b in zip(*drawn, strict=True))


def test_a_run_is_the_same_from_memory_and_mapped_and_notices_other_data(tmp_path: Path) -> None:
    path = put(tmp_path / "set", {f"{'ab'[i % 2]}/{i}.png": encoded(random(8, 8, 1)) for i in range(80)})
    memory = tiny.trained("memory", data=str(path), steps=12)
    run = tiny.trained("run", data=str(path), steps=12, cache_memory=0)
    assert (memory.dataset.train.is_mapped, run.dataset.train.is_mapped) == (False, True)
    assert tiny.state_hash(run) == tiny.state_hash(memory)
    assert any("80 : 10 : 10" in note for note in run.notes())
    resumed = tiny.experiment.resume("run", steps=13)
    assert resumed.step == 13
    assert "class-shares" in resumed.evaluate(n=20).measures
    put(path, {"a/new.png": encoded(random(8, 8, 1))})
    with pytest.raises(BadInput, match="is not the data that"):
        tiny.experiment.resume("run", steps=14)


def test_alpha_that_is_kept_can_be_looked_at(tmp_path: Path) -> None:
    path = put(tmp_path / "set", {f"{i}.png": encoded(random(8, 8, 4)) for i in range(60)})
    run = tiny.trained("run", data=str(path), steps=2, image_alpha="keep")
    assert run.dataset.shape == (4, 8, 8)
    assert run.sample(4).picture().mode == "RGB"
    run.sample(3).save("folder/")
    assert run.figure2().mode == "RGB"


def test_large_splits_are_measured_on_a_draw() -> None:
    values = torch.arange(200, dtype=torch.uint8).reshape(50, 1, 2, 2)
    split = Split(values, torch.arange(50))
    whole = Dataset("whole", split, split, split, 50, "")
    small = assessment.within_memory(whole, most=40)
    assert len(small.train) == 10
    assert small.train.labels is not None
    assert (small.train.values[:, 0, 0, 0].long() // 4).tolist() == small.train.labels.tolist()
    assert small.digest == whole.digest
    assert assessment.within_memory(whole, most=200) is whole


def test_the_command_describes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = random(32, 32)
    path = photos(tmp_path, 0)
    put(path, {f"{i}.png": encoded(random(32, 32)) for i in range(138)})
    put(path, {"a.png": encoded(image), "b.png": encoded(image), "broken.png": b"bad"})
    near = image.copy()
    near[0, 0] ^= 1
    put(path, {"c.png": encoded(near), "notes.txt": b""})
    words = ["data", str(path), "--json", "--picture", "seen.png", "--image-size", "32"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["duplicates"] | {"held_out_in_train": 0} == {"copies": 1, "held_out_in_train": 0, "near": 2}
    assert told["sizes"] == {"32x32": 141}
    assert list(told["unreadable"]) == ["broken.png"]
    assert told["others"] == {".txt": 1}
    assert told["cost"]["images"] == 113
    assert Path("seen.png").stat().st_size > 1000
    assert "broken.png" in format_description(told)
    assert main(words) == 2
    assert "is there already and is not overwritten" in capsys.readouterr().err


def test_a_cost_that_was_asked_for_is_told_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(photos(tmp_path, 12))
    assert main(["data", path]) == 0
    assert "nothing can be estimated: photos has images of 5 x 6" in capsys.readouterr().out
    assert main(["data", "ring-8"]) == 0
    assert "paper-adam, batch 100" in capsys.readouterr().out
    assert main(["data", path, "--recipe", "paper"]) == 2
    assert main(["train", "paper", "--data", "digits", "--image-size", "8"]) == 2
    assert "--image-size: found data set 'digits'" in capsys.readouterr().err


def test_difference_hashes_by_hand() -> None:
    rising = torch.arange(9, dtype=torch.uint8).repeat(1, 1, 8, 1) * 20
    hashes = difference_hash(torch.cat([rising, 255 - rising, torch.full((1, 1, 8, 9), 7, dtype=torch.uint8)]))
    assert [bin(value).count("1") for value in hashes.tolist()] == [64, 0, 0]
    wide = torch.nn.functional.interpolate(rising.float(), scale_factor=4).byte()
    assert difference_hash(wide).tolist() == hashes[:1].tolist()


def test_near_pairs_are_those_of_a_plain_double_loop() -> None:
    rng = np.random.RandomState(0)
    hashes = rng.randint(0, 2**63, 60).astype(np.uint64)
    flips = [
        hashes[i] ^ np.uint64(1 << a) ^ np.uint64(1 << b)
        for i, (a, b) in enumerate([(0, 63), (5, 20), (30, 31), (21, 42)])
    ]
    hashes = np.concatenate([hashes, flips, [hashes[9] ^ np.uint64(0b10101)]])
    found = set(near_pairs(hashes))
    plain = {(i, j) for j in range(len(hashes)) for i in range(j) if bin(int(hashes[i] ^ hashes[j])).count("1") <= 2}
    assert found == plain
    assert len(found) == 4


def test_describe_is_json(tmp_path: Path) -> None:
    json.dumps(describe(data.load(photos(tmp_path))))


def test_splits_are_printed_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "digits"]) == 0
    told = capsys.readouterr().out
    assert "shape              1 x 8 x 8\n" in told
    assert "splits             train      1,297 samples, mean 0.305, standard deviation 0.376\n" in told
    assert "\n                              per class: 118, 139, 133, 139, 129, 128, 129, 134, 125, 123\n" in told
    assert "{" not in told
    many = {"splits": {"train": {"count": 30, "per_class": [1] * 30, "mean": 0.5, "std": 0.1}}, "class_names": None}
    assert "and 10 more (--json prints all)" in format_description(many)
    assert format_description(many).endswith("class names        none")
