"""A user's own network or ONNX file as an extractor: what is done to bytes, the id, and what is refused."""

import doctest
import hashlib
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from advnets.errors import BadInput, Missing, NonFinite, Unsupported
from advnets.extractors import OnnxExtractor, Preprocessing, network_extractor, onnx_extractor
from reference import onnx_file

PLAIN = Preprocessing()
IMAGENET = Preprocessing(size=(20, 24), channels=3, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def noise(n: int, *shape: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=rng)


class Net(nn.Module):
    """Convolution, normalisation, dropout, averages: it behaves otherwise in training mode."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(channels, 5, 3), nn.BatchNorm2d(5), nn.Dropout(0.5), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x).mean((2, 3))
        return y


class Returns(nn.Module):
    """A network that gives whatever it is told to."""

    def __init__(self, made: Any) -> None:
        super().__init__()
        self.made = made

    def forward(self, x: Tensor) -> Any:
        return self.made(x)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_network_of_torchscript_or_with_what_cannot_be_copied_is_an_extractor() -> None:
    net, images = Net(), noise(3, 3, 9, 9)
    expected = network_extractor(net, PLAIN).features(images)
    assert torch.equal(network_extractor(torch.jit.script(net), PLAIN).features(images), expected)
    net.lock, net.last = threading.Lock(), net.eval()(torch.zeros(1, 3, 9, 9))
    assert torch.equal(network_extractor(net, PLAIN).features(images), expected)
    assert all(theta.requires_grad for theta in net.parameters())


def test_bytes_are_resized_scaled_and_standardised_as_stated() -> None:
    images = noise(3, 1, 9, 7)
    found = IMAGENET(images)
    assert found.shape == (3, 3, 20, 24)
    for image, made in zip(images, found, strict=True):
        plane = Image.fromarray(image[0].numpy().astype(np.float32)).resize((24, 20), Image.Resampling.BICUBIC)
        unit = np.asarray(plane).clip(0, 255).astype(np.float64) / 255
        expected = np.stack([(unit - m) / s for m, s in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)])
        np.testing.assert_allclose(made.numpy(), expected, rtol=0, atol=1e-5)


def test_the_example_of_the_docstring_runs() -> None:
    assert doctest.testmod(sys.modules[Preprocessing.__module__]).failed == 0


def test_the_range_is_the_one_stated() -> None:
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    assert Preprocessing(low=-1)(ends).flatten().tolist() == [-1, 1]
    assert Preprocessing(high=255)(ends).flatten().tolist() == [0, 255]
    assert torch.equal(PLAIN(noise(2, 4, 5, 6)), noise(2, 4, 5, 6).float() / 255)


@pytest.mark.parametrize(
    "told",
    [
        {"resize": "cleanfid"}, {"low": 1.0}, {"high": float("nan")}, {"deviation": (0.0,)}, {"size": (0, 5)},
        {"size": (5,)}, {"channels": 0}, {"mean": (0.5, 0.5)}, {"channels": 3, "deviation": (1.0, 2.0)},
    ],
)  # fmt: skip
def test_preprocessing_that_cannot_be_meant_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Preprocessing(**told)


def test_features_are_those_of_the_network_in_evaluation_mode() -> None:
    network = Net()
    images = noise(70, 3, 20, 24)
    extractor = network_extractor(network.train(), IMAGENET)
    found = extractor.features(images)
    with torch.no_grad():
        expected = Net().eval()(IMAGENET(images))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert found.dtype == torch.float32
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    parts = torch.cat([extractor.features(part) for part in images.split(9)])
    torch.testing.assert_close(parts, found, rtol=0, atol=1e-6)


def test_training_the_network_further_changes_no_measure() -> None:
    network = Net()
    extractor = network_extractor(network, IMAGENET)
    before, name = extractor.features(noise(4, 3, 20, 24)), extractor.id
    with torch.no_grad():
        network.layers[0].weight.add_(1)
    assert torch.equal(extractor.features(noise(4, 3, 20, 24)), before)
    assert network_extractor(network, IMAGENET).id != name


def test_the_id_tells_class_preprocessing_and_weights() -> None:
    made = network_extractor(Net(), IMAGENET)
    assert made.id == network_extractor(Net(), IMAGENET).id
    assert made.id.startswith("Net; 3 channels, resized to 20x24 as in clean-fid, bytes to [0, 1], less [0.485, 0.456")
    others = [replace(IMAGENET, low=-1), replace(IMAGENET, size=(20, 25)), replace(IMAGENET, resize="tensorflow")]
    others += [replace(IMAGENET, mean=(0.5,)), replace(IMAGENET, deviation=(0.5,))]
    assert len({made.id, *(network_extractor(Net(), other).id for other in others)}) == 6


def test_a_network_of_another_precision_gives_float32() -> None:
    wide = network_extractor(Net().double(), IMAGENET).features(noise(4, 3, 20, 24))
    assert wide.dtype == torch.float32
    torch.testing.assert_close(
        wide, network_extractor(Net(), IMAGENET).features(noise(4, 3, 20, 24)), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x,
        lambda x: x.flatten(1)[1:],
        lambda x: x.flatten(1) > 0,
        lambda x: x.flatten(),
        lambda x: x.flatten(1)[:, :0],
        lambda x: (x, x),
        lambda x: x.flatten(1).long(),
    ],
    ids=["a map", "a row less", "truth values", "one row", "no features", "two outputs", "whole numbers"],
)
def test_an_output_that_is_not_a_row_an_image_is_refused(made: Any) -> None:
    with pytest.raises(BadInput, match=r"Returns: found .*, expected floats \(3, d\)"):
        network_extractor(Returns(made), PLAIN).features(noise(3, 1, 4, 4))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_hidden(value: float) -> None:
    with pytest.raises(NonFinite, match="Returns: found 2 features that are NaN or Inf"):
        network_extractor(Returns(lambda x: torch.full((len(x), 1), value)), PLAIN).features(noise(2, 1, 4, 4))


def test_images_of_other_channels_and_no_images_are_refused() -> None:
    extractor = network_extractor(Net(), IMAGENET)
    for wrong in (noise(2, 2, 8, 8), noise(2, 3, 8, 8).float(), noise(2, 3, 8, 8)[:0], noise(2, 3, 8)):
        with pytest.raises(BadInput, match=r"expected uint8 \(n, 3, h, w\) or \(n, 1, h, w\)"):
            extractor.features(wrong)
    for wrong in (noise(2, 3, 8, 8).float(), noise(2, 3, 8, 8)[:0], torch.zeros((), dtype=torch.uint8)):
        with pytest.raises(BadInput, match=r"expected uint8 \(n, c, h, w\)"):
            network_extractor(Returns(lambda x: x.flatten(1)), PLAIN).features(wrong)


def test_only_modules_are_networks() -> None:
    with pytest.raises(BadInput, match=r"found function, expected an nn\.Module"):
        network_extractor(lambda x: x, PLAIN)  # type: ignore[arg-type]


@dataclass
class Fake:
    """A session that averages, for each image and channel; what it was given is kept."""

    batch: int | str | None = "n"
    image: Sequence[int | str | None] = (3, "h", "w")
    outputs: tuple[str, ...] = ("pooled",)
    inputs: tuple[str, ...] = ("images",)
    given: list[Any] = field(default_factory=list)

    def get_inputs(self) -> Sequence[Any]:
        return [SimpleNamespace(name=name, shape=[self.batch, *self.image]) for name in self.inputs]

    def get_outputs(self) -> Sequence[Any]:
        return [SimpleNamespace(name=name, shape=[self.batch, 3]) for name in self.outputs]

    def run(self, names: Sequence[str], feeds: Mapping[str, Any]) -> Sequence[Any]:
        ((name, images),) = feeds.items()
        assert name == "images"
        assert not isinstance(self.batch, int) or len(images) == self.batch
        self.given.append(images)
        return [{"pooled": images.mean((2, 3)), "map": images}[name] for name in names]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"a network")
    return path


@pytest.mark.parametrize("batch", ["n", 1, 4, 64])
def test_an_onnx_file_is_run_in_parts_of_the_size_that_it_fixes(batch: int | str, file: Path) -> None:
    session = Fake(batch)
    images = noise(37, 3, 20, 24)
    extractor = onnx_extractor(file, IMAGENET, session=session)
    found = extractor.features(images)
    torch.testing.assert_close(found, IMAGENET(images).mean((2, 3)), rtol=0, atol=1e-5)
    assert found.dtype == torch.float32
    assert {given.dtype for given in session.given} == {np.dtype(np.float32)}
    sha = hashlib.sha256(b"a network").hexdigest()
    assert extractor.id == f"onnx pooled; {IMAGENET}; sha256 {sha}"


def test_the_output_of_an_onnx_file_has_to_be_named_if_there_are_several(file: Path) -> None:
    several = Fake(outputs=("map", "pooled"))
    with pytest.raises(BadInput, match=r"found the outputs \['map', 'pooled'\], expected one"):
        onnx_extractor(file, PLAIN, session=several)
    with pytest.raises(BadInput, match="expected 'pool' among them"):
        onnx_extractor(file, PLAIN, output="pool", session=several)
    with pytest.raises(BadInput, match=r"found the inputs \['a', 'b'\], expected one"):
        onnx_extractor(file, PLAIN, session=Fake(inputs=("a", "b")))
    assert isinstance(onnx_extractor(file, PLAIN, output="pooled", session=several), OnnxExtractor)
    with pytest.raises(BadInput, match=r"map: found .*, expected floats \(2, d\)"):
        onnx_extractor(file, PLAIN, output="map", session=several).features(noise(2, 3, 4, 4))


def test_without_onnxruntime_the_extra_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Unsupported, match=r"found no onnxruntime.*pip install 'advnets\[onnx\]'"):
        onnx_extractor(file, PLAIN)
    with pytest.raises(Missing, match="cannot be read"):
        onnx_extractor(file.parent / "absent.onnx", PLAIN)


def test_a_real_file_gives_what_its_network_gives() -> None:
    images = noise(70, 1, 28, 28)
    found = onnx_extractor(onnx_file.FILE)
    assert found.id.startswith("onnx pooled; 3 channels, resized to 16x16 as in clean-fid, bytes to [0, 1]; sha256 ")
    wanted = network_extractor(onnx_file.network(), Preprocessing(size=(16, 16), channels=3)).features(images)
    torch.testing.assert_close(found.features(images), wanted, rtol=0, atol=1e-5)


def test_images_that_a_real_file_does_not_take_are_refused() -> None:
    with pytest.raises(BadInput, match=r"floats \(2, 3, 20, 16\) given to images, of shape \['.*', 3, 16, 16\]"):
        onnx_extractor(onnx_file.FILE, Preprocessing(size=(20, 16), channels=3)).features(noise(2, 1, 8, 8))


def test_what_is_no_onnx_file_is_refused_by_onnxruntime(file: Path) -> None:
    with pytest.raises(Unsupported, match=r"net\.onnx: onnxruntime does not read it"):
        onnx_extractor(file)


@pytest.mark.parametrize(
    ("session", "usual"),
    [
        (Fake("n", (3, 16, 24)), Preprocessing(size=(16, 24), channels=3)),
        (Fake(1, (1, "h", "w")), Preprocessing(channels=1)),
        (Fake(None, (None, None, None)), Preprocessing()),
    ],
)
def test_images_are_brought_to_what_the_file_fixes(session: Fake, usual: Preprocessing, file: Path) -> None:
    assert onnx_extractor(file, session=session).preprocessing == usual


def test_a_file_of_no_images_is_refused(file: Path) -> None:
    with pytest.raises(BadInput, match=r"found the input images of shape \['n', 64\], expected images"):
        onnx_extractor(file, session=Fake("n", (64,)))
