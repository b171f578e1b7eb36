"""advnets sample: seeds, truncation, ways from seed to seed, what is written, and what is refused."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from advnets.cli import console
from advnets.cli.main import main
from advnets.cli.sample import parse_seeds
from advnets.experiment import find_model
from advnets.experiment.sampling import blocks


def images(path: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with np.load(path) as held:
        found: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = held["images"]
    return found


def test_seeds_and_truncation_reach_the_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sample", "paper-mnist", "--truncation", "0.5", "--json", "--out"]
    assert main([*words, "listed.npz", "--seeds", "3, 7,19"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["n"] == 3
    assert told["seeds"] == [3, 7, 19]
    assert told["truncation"] == 0.5
    for number, seed in enumerate((3, 7, 19)):
        assert main([*words, f"{seed}.npz", "-n", "1", "--seed", str(seed)]) == 0
        assert np.array_equal(images(f"{seed}.npz")[0], images("listed.npz")[number])
    assert main(["sample", "paper-mnist", "--out", "whole.npz", "--seeds", "3"]) == 0
    assert not np.array_equal(images("whole.npz")[0], images("listed.npz")[0])


def test_a_way_is_written_as_animation_strip_and_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sample", "paper-mnist", "--seeds", "3,7", "--interpolate", "--frames", "3", "--out"]
    for out in ("way.webp", "way.png", "way.zip", "way.npz", "way/"):
        assert main([*words, out]) == 0
    assert capsys.readouterr().err == ""
    with Image.open("way.webp") as film, Image.open("way.png") as strip:
        assert film.n_frames == 5
        assert strip.size[0] > 4 * strip.size[1]
    assert np.array_equal(images("way.npz")[[0, -1]], find_model("paper-mnist").sample(seeds=[3, 7]).values)
    with zipfile.ZipFile("way.zip") as archive:
        assert archive.namelist() == sorted(path.name for path in Path("way").iterdir())
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("000004.png") == Path("way/000004.png").read_bytes()


def test_a_way_has_nineteen_frames_between_two_seeds(tmp_path: Path) -> None:
    assert main(["sample", "paper-mnist", "--seeds", "3,7,3", "--interpolate", "--out", "way.npz"]) == 0
    assert len(images("way.npz")) == 41


def test_what_takes_long_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 100)
    monkeypatch.setattr(console, "LIVE_SECONDS", 0.0)
    monkeypatch.setattr(console, "PLAIN_SECONDS", 0.0)
    assert main(["sample", "paper-mnist", "-n", "250", "--out", "x.zip"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(r"\d:\d\d left", "", line) for line in lines] == [
        " 40 %  100 of 250 samples  ",
        " 80 %  200 of 250 samples  ",
        "100 %  250 of 250 samples  ",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", ""], "--seeds: found no seed, expected whole numbers from 0 with commas between, such as 3,7,19"),
        (["--seeds", "3,x"], "--seeds: found 'x', expected whole numbers"),
        (["--seeds", "3,,7"], "--seeds: found '', expected whole numbers"),
        (["--seeds", "3,1.5"], "found '1.5'"),
        (["--seeds=-3,7"], "found '-3'"),
        (["--seeds", "٣"], "found '٣'"),
        (["--seeds", "9" * 5000], "found '9999"),
        (["--seeds", str(2**63)], "seeds: found 9223372036854775808, expected a whole number from 0 to 2^63 - 1"),
        (["--seeds", "3", "-n", "4"], "n is given beside seeds"),
        (["--seeds", "3", "--seed", "0"], "seed is given beside seeds"),
        (["--truncation", "0"], "truncation is 0.0; expected a number above 0 and at most 1"),
        (["--truncation", "1.5"], "truncation is 1.5"),
        (["--truncation", "nan"], "truncation is nan"),
        (["--truncation", "much"], "--truncation: found 'much', expected a number"),
        (["--interpolate"], "--interpolate leads from seed to seed, and no seeds are given. Give two: --seeds 3,7"),
        (["--interpolate", "--seeds", "3"], "found 1 of them, expected 2 or more"),
        (["--frames", "3"], "--frames 3: frames lie between the seeds of --interpolate"),
        (["--interpolate", "--seeds", "3,7", "--frames", "-1"], "frames is -1"),
        (["-n", "0"], "n is 0; expected at least 1 sample"),
        (["--out", "x.gif"], "expected FILE.png, FILE.webp, FILE.npz, FILE.zip or FOLDER/"),
    ],
)
def test_bad_words_are_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", "paper-mnist", *([] if "--out" in words else ["--out", "x.zip"]), *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_seeds_are_parsed() -> None:
    assert parse_seeds("3") == (3,)
    assert parse_seeds(" 0, 07 ,9223372036854775807") == (0, 7, 2**63 - 1)


FULL_DISK = """
mkdir disk; mount -t tmpfs -o size=300k none disk || exit 77
for out in x.zip x.npz x/; do
    $PYTHON -m advnets sample paper-mnist -n 2000 --out disk/$out 2>>told.txt; echo $? >>codes.txt
done
ls -A disk >left.txt
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("unshare"), reason="a small disk is mounted by unshare")
def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", FULL_DISK], env=environment, check=False, timeout=120)
    if done.returncode:
        pytest.skip("mounting is not allowed")
    assert Path("codes.txt").read_text().split() == ["2"] * 3
    lines = [line for line in Path("told.txt").read_text().splitlines() if line.startswith("advnets")]
    assert len(lines) == 3
    assert all("could not be written: the disk is full" in line for line in lines)
    assert Path("left.txt").read_text() == ""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_samples(tmp_path: Path) -> None:
    """Beside z (400 bytes a sample) and the archive's list, which hold less than 2 kB a sample, nothing grows."""
    peaks = []
    for n in (3000, 23_000):
        code = (
            "import resource; from advnets.experiment import SamplePlan, find_model; "
            f"find_model('paper-mnist').save_samples('{n}.zip', SamplePlan({n})); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * (1 if sys.platform == "darwin" else 1024))
    assert peaks[1] - peaks[0] < 20_000 * 2000
