"""Pipes, sockets and devices in the place of data: refused by name or passed over with a note, and never waited for."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from advnets import data
from advnets.assessment import load_reference_data, subject_of_files
from advnets.cli.main import main
from advnets.disk import open_regular_file
from advnets.errors import BadInput, Unsupported
from advnets.extractors import onnx
from advnets.extractors.inception import weights
from image_files import photos, pixels

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.fixture(autouse=True)
def _ends_where_it_hangs() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError("it waits for a pipe")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", ["pipe", "pipe.zip", "pipe.npz", "pipe.mat", "pipe.mat:3", "pipe.png", "link.zip"])
def test_a_pipe_as_data_is_refused_by_name(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(name.removesuffix(":3") if name != "link.zip" else "far")
    if name == "link.zip":
        Path(name).symlink_to("far")
    with pytest.raises(Unsupported, match=rf"^{name.removesuffix(':3')}: is a pipe, expected a file or a folder"):
        data.load(name)
    for words in (["data", name], ["train", "paper", "--data", name, "--out", "run"]):
        assert main(words) == 2
        assert "is a pipe" in capsys.readouterr().err
    assert not Path("run").exists()


@pytest.mark.parametrize("name", ["pipe.zip", "pipe.npz"])
def test_a_pipe_of_samples_is_refused_by_name(tmp_path: Path, name: str) -> None:
    os.mkfifo(name)
    with pytest.raises(Unsupported, match="is a pipe"):
        load_reference_data(name)
    with pytest.raises(Unsupported, match="is a pipe"):
        subject_of_files(Path(name))


def test_devices_and_sockets_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="/dev/zero: is a device"):
        data.load("/dev/zero")
    Path("zero.zip").symlink_to("/dev/zero")
    with pytest.raises(Unsupported, match=r"zero\.zip: is a device"):
        data.load("zero.zip")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("a.npz")
        with pytest.raises(Unsupported, match=r"a\.npz: is a socket"):
            data.load("a.npz")


def test_within_a_folder_they_are_passed_over_and_told(tmp_path: Path) -> None:
    path = photos(tmp_path)
    os.mkfifo(path / "pipe.png")
    os.mkfifo(path / "dataset.json")
    (path / "inner").mkdir()
    os.mkfifo(path / "inner" / "1.png")
    (path / "null.png").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as one:
        os.chdir(path)
        one.bind("socket.png")
        dataset = data.load(path)
    assert len(pixels(dataset)) == 12
    assert any("5 files are no images" in note and "5 .pipe or device" in note for note in dataset.survey.notes)


def test_pipes_in_the_folder_of_a_data_set_are_not_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADVNETS_DATA", raising=False)
    for name in ("olivettifaces.mat", "TFD_48x48.mat"):
        os.mkfifo(name)
    for name in ("olivetti", "tfd-0"):
        with pytest.raises(BadInput, match="there is none"):
            data.load(name, tmp_path)


def test_pipes_of_weights_and_networks_are_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo("pipe")
    with pytest.raises(Unsupported, match="is a pipe"):
        weights.read_weights(Path("pipe"))
    with pytest.raises(Unsupported, match="is a pipe"):
        onnx.onnx_extractor(Path("pipe"))


def test_a_file_is_opened_as_usual(tmp_path: Path) -> None:
    Path("file").write_bytes(b"bytes")
    with open_regular_file(Path("file")) as file:
        assert file.read() == b"bytes"
    with pytest.raises(FileNotFoundError):
        open_regular_file(Path("none"))
