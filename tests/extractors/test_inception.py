"""The Inception network with random weights: its names, its arithmetic, its conventions, and how its file is read."""

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

import inceptions
from advnets import data, extractors
from advnets.errors import BadInput, Damaged, Missing, TooBig, Unsupported
from advnets.extractors.inception import (
    PREPARATIONS,
    Inception,
    InceptionNetwork,
    inception_extractor,
    weights as files,
)
from advnets.extractors.inception.extractor import SIZE
from advnets.extractors.inception.network import AVERAGE, HALVE, MAXIMUM, Branch, pool_3x3

A = "branch1x1 branch5x5_1 branch5x5_2 branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3 branch_pool"
B = "branch3x3 branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3"
C = (
    "branch1x1 branch7x7_1 branch7x7_2 branch7x7_3 "
    "branch7x7dbl_1 branch7x7dbl_2 branch7x7dbl_3 branch7x7dbl_4 branch7x7dbl_5 branch_pool"
)
D = "branch3x3_1 branch3x3_2 branch7x7x3_1 branch7x7x3_2 branch7x7x3_3 branch7x7x3_4"
E = (
    "branch1x1 branch3x3_1 branch3x3_2a branch3x3_2b "
    "branch3x3dbl_1 branch3x3dbl_2 branch3x3dbl_3a branch3x3dbl_3b branch_pool"
)
STEM = "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 Conv2d_3b_1x1 Conv2d_4a_3x3"
MIXED = {"5b": A, "5c": A, "5d": A, "6a": B, "6b": C, "6c": C, "6d": C, "6e": C, "7a": D, "7b": E, "7c": E}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def network() -> InceptionNetwork:
    with torch.device("meta"):
        made = InceptionNetwork()
    made.load_state_dict(inceptions.state(), assign=True)
    return made.eval()


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return inceptions.saved(tmp_path_factory.mktemp("weights") / "random.safetensors")


def test_names_are_those_of_the_published_file() -> None:
    units = STEM.split() + [f"Mixed_{block}.{unit}" for block, told in MIXED.items() for unit in told.split()]
    statistics = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = {f"{unit}.bn.{name}" for unit in units for name in statistics} | {
        f"{unit}.conv.weight" for unit in units
    }
    assert len(units) == 94
    assert set(inceptions.state()) == expected | {"fc.weight", "fc.bias"}
    assert len(inceptions.state()) == 566


def test_parameters_are_as_many_as_published() -> None:
    """torchvision counts 27,161,264 in its Inception v3: less the auxiliary classifier, with 1008 classes for 1000."""
    auxiliary = (768 * 128 + 2 * 128) + (128 * 768 * 25 + 2 * 768) + (768 * 1000 + 1000)
    with torch.device("meta"):
        made = InceptionNetwork()
    assert sum(p.numel() for p in made.parameters()) == 27_161_264 - auxiliary + 8 * 2049 == 23_850_960
    assert made.fc.weight.shape == (1008, 2048)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("Conv2d_1a_3x3", (32, 3, 3, 3)),
        ("Conv2d_4a_3x3", (192, 80, 3, 3)),
        ("Mixed_5b.branch5x5_2", (64, 48, 5, 5)),
        ("Mixed_5d.branch_pool", (64, 288, 1, 1)),
        ("Mixed_6a.branch3x3", (384, 288, 3, 3)),
        ("Mixed_6b.branch7x7_2", (128, 128, 1, 7)),
        ("Mixed_6c.branch7x7dbl_2", (160, 160, 7, 1)),
        ("Mixed_6e.branch7x7dbl_5", (192, 192, 1, 7)),
        ("Mixed_7a.branch3x3_2", (320, 192, 3, 3)),
        ("Mixed_7b.branch3x3dbl_1", (448, 1280, 1, 1)),
        ("Mixed_7c.branch3x3_2a", (384, 384, 1, 3)),
        ("Mixed_7c.branch3x3dbl_3b", (384, 384, 3, 1)),
    ],
)
def test_kernels_have_the_published_shapes(name: str, shape: tuple[int, ...]) -> None:
    assert tuple(inceptions.state()[f"{name}.conv.weight"].shape) == shape


def unit(x: Tensor, name: str, stride: int = 1, border: int | tuple[int, int] = 0) -> Tensor:
    """relu(gamma (W * x - mean) / sqrt(variance + .001) + beta), written out."""
    state = inceptions.state()
    x = functional.conv2d(x, state[f"{name}.conv.weight"], stride=stride, padding=border)
    gamma, beta, mean, variance = (
        state[f"{name}.bn.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (gamma * (x - mean) / (variance + 0.001).sqrt() + beta).clamp(min=0)


def averages(x: Tensor) -> Tensor:
    """Over the pixels of a 3x3 window that lie within the image."""
    ones = torch.ones_like(x)
    return functional.avg_pool2d(x, 3, 1, 1) / functional.avg_pool2d(ones, 3, 1, 1)


def block_a(x: Tensor, name: str) -> Tensor:
    five = unit(unit(x, f"{name}.branch5x5_1"), f"{name}.branch5x5_2", 1, 2)
    three = unit(unit(x, f"{name}.branch3x3dbl_1"), f"{name}.branch3x3dbl_2", 1, 1)
    three = unit(three, f"{name}.branch3x3dbl_3", 1, 1)
    return torch.cat([unit(x, f"{name}.branch1x1"), five, three, unit(averages(x), f"{name}.branch_pool")], 1)


def block_b(x: Tensor, name: str) -> Tensor:
    three = unit(unit(x, f"{name}.branch3x3dbl_1"), f"{name}.branch3x3dbl_2", 1, 1)
    three = unit(three, f"{name}.branch3x3dbl_3", 2)
    return torch.cat([unit(x, f"{name}.branch3x3", 2), three, functional.max_pool2d(x, 3, 2)], 1)


def block_c(x: Tensor, name: str) -> Tensor:
    row, column = (0, 3), (3, 0)
    seven = unit(unit(x, f"{name}.branch7x7_1"), f"{name}.branch7x7_2", 1, row)
    seven = unit(seven, f"{name}.branch7x7_3", 1, column)
    double = unit(x, f"{name}.branch7x7dbl_1")
    for number, border in ((2, column), (3, row), (4, column), (5, row)):
        double = unit(double, f"{name}.branch7x7dbl_{number}", 1, border)
    return torch.cat([unit(x, f"{name}.branch1x1"), seven, double, unit(averages(x), f"{name}.branch_pool")], 1)


def block_d(x: Tensor, name: str) -> Tensor:
    three = unit(unit(x, f"{name}.branch3x3_1"), f"{name}.branch3x3_2", 2)
    seven = unit(unit(x, f"{name}.branch7x7x3_1"), f"{name}.branch7x7x3_2", 1, (0, 3))
    seven = unit(unit(seven, f"{name}.branch7x7x3_3", 1, (3, 0)), f"{name}.branch7x7x3_4", 2)
    return torch.cat([three, seven, functional.max_pool2d(x, 3, 2)], 1)


def block_e(x: Tensor, name: str) -> Tensor:
    three = unit(x, f"{name}.branch3x3_1")
    double = unit(unit(x, f"{name}.branch3x3dbl_1"), f"{name}.branch3x3dbl_2", 1, 1)
    forks = [
        unit(y, f"{name}.{branch}{side}", 1, border)
        for y, branch in ((three, "branch3x3_2"), (double, "branch3x3dbl_3"))
        for side, border in (("a", (0, 1)), ("b", (1, 0)))
    ]
    last = functional.max_pool2d(x, 3, 1, 1) if name == "Mixed_7c" else averages(x)
    return torch.cat([unit(x, f"{name}.branch1x1"), *forks, unit(last, f"{name}.branch_pool")], 1)


@pytest.mark.parametrize(
    ("name", "channels", "oracle"),
    [
        ("Mixed_5b", 192, block_a),
        ("Mixed_6a", 288, block_b),
        ("Mixed_6b", 768, block_c),
        ("Mixed_7a", 768, block_d),
        ("Mixed_7b", 1280, block_e),
        ("Mixed_7c", 2048, block_e),
    ],
)
def test_a_block_is_its_formula(name: str, channels: int, oracle: object, network: InceptionNetwork) -> None:
    x = torch.randn(1, channels, 9, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = network.get_submodule(name)(x), oracle(x, name)  # type: ignore[operator]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_the_network_is_its_stem_and_blocks_in_order(network: InceptionNetwork) -> None:
    x = torch.rand(1, 3, 299, 299, generator=torch.Generator().manual_seed(0)) * 2 - 1
    seen: dict[str, tuple[int, ...]] = {}
    hooks = [
        module.register_forward_hook(
            lambda module, given, made, name=name: seen.__setitem__(name, tuple(made.shape[1:]))
        )
        for name, module in network.named_children()
    ]
    with torch.no_grad():
        features = network.features(x)
        logits = network(x)
        y = unit(unit(unit(x, "Conv2d_1a_3x3", 2), "Conv2d_2a_3x3"), "Conv2d_2b_3x3", 1, 1)
        y = unit(unit(functional.max_pool2d(y, 3, 2), "Conv2d_3b_1x1"), "Conv2d_4a_3x3")
        y = functional.max_pool2d(y, 3, 2)
        blocks = {A: block_a, B: block_b, C: block_c, D: block_d, E: block_e}
        for name, told in MIXED.items():
            y = blocks[told](y, f"Mixed_{name}")
    for hook in hooks:
        hook.remove()
    assert seen["Conv2d_1a_3x3"] == (32, 149, 149)
    assert seen["Conv2d_4a_3x3"] == (192, 71, 71)
    assert (seen["Mixed_5d"], seen["Mixed_6e"], seen["Mixed_7c"]) == ((288, 35, 35), (768, 17, 17), (2048, 8, 8))
    expected = y.mean((2, 3))
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    torch.testing.assert_close(logits, features @ inceptions.state()["fc.weight"].T, rtol=1e-4, atol=1e-3)
    assert features.shape == (1, 2048)
    assert logits.shape == (1, 1008)


def test_averages_leave_the_border_out_and_the_last_block_takes_maxima(network: InceptionNetwork) -> None:
    ones = torch.ones(1, 1, 4, 4)
    assert torch.equal(pool_3x3(ones, AVERAGE), ones)
    assert torch.equal(pool_3x3(-ones, MAXIMUM), -ones)
    assert pool_3x3(ones, HALVE).shape == (1, 1, 1, 1)
    kinds = {}
    for name in MIXED:
        block = network.get_submodule(f"Mixed_{name}")
        assert isinstance(block, Branch)
        kinds[name] = block.branches[-1][0]
    assert {name for name, kind in kinds.items() if kind == AVERAGE} == {"5b", "5c", "5d", "6b", "6c", "6d", "6e", "7b"}
    assert kinds["7c"] == MAXIMUM
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {norm.eps for norm in norms} == {0.001}


def test_grey_is_three_equal_channels_and_bytes_are_prepared_as_told(network: InceptionNetwork) -> None:
    made = Inception(network, "clean-fid")
    grey = torch.randint(0, 256, (1, 1, 20, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = made.features(grey)
    torch.testing.assert_close(made.features(grey.expand(-1, 3, -1, -1)), found)
    with torch.no_grad():
        seen = PREPARATIONS["clean-fid"](grey.expand(-1, 3, -1, -1).float())
        assert seen.shape[2:] == SIZE
        torch.testing.assert_close(made.network.features(seen), found)
    for channels in (2, 4):
        with pytest.raises(BadInput, match=r"expected uint8 \(n, 1, h, w\) or \(n, 3, h, w\)"):
            made.logits(grey.expand(-1, channels, -1, -1))


def test_ids_tell_conventions_and_weights_apart(network: InceptionNetwork) -> None:
    with torch.device("meta"):
        bent = InceptionNetwork()
    bent.load_state_dict({**inceptions.state(), "fc.bias": inceptions.state()["fc.bias"] + 1}, assign=True)
    made = [Inception(network, convention) for convention in PREPARATIONS]
    assert len({extractor.id for extractor in [*made, Inception(bent, "tensorflow")]}) == 5
    with pytest.raises(BadInput, match="Did you mean 'clean-fid'"):
        inception_extractor(convention="cleanfid")


TINY = {"fc.weight": torch.arange(6.0).view(2, 3), "bn.num_batches_tracked": torch.tensor(7)}


def stand_in(folder: Path, patch: pytest.MonkeyPatch, *, zipped: bool = True) -> Path:
    """A .pth of few numbers that stands for the published one, in torch's new format or in its old."""
    path = folder / files.FILENAME
    torch.save(TINY, path, _use_new_zipfile_serialization=zipped)
    patch.setattr(files, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


@pytest.mark.parametrize("zipped", [True, False], ids=["new format", "old format"])
def test_the_published_file_is_read_in_both_formats_of_torch(
    zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = files.read_weights(stand_in(tmp_path, monkeypatch, zipped=zipped))
    assert found.keys() == TINY.keys()
    assert all(torch.equal(found[name], TINY[name]) for name in TINY)


def test_the_file_is_taken_from_the_cache_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = stand_in(tmp_path, monkeypatch)
    monkeypatch.setenv("ADVNETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(files, "MIRRORS", ("http://127.0.0.1:9/",))
    with pytest.raises(Missing, match=f"(?s){files.FILENAME}.*{files.SHA256}.*by hand"):
        inception_extractor()
    (tmp_path / "cache" / "weights").mkdir(parents=True, exist_ok=True)
    published.rename(tmp_path / "cache" / "weights" / files.FILENAME)
    assert files.read_weights(files.fetch_weights()).keys() == TINY.keys()


def test_what_is_found_by_path_is_the_network_frozen(network: InceptionNetwork, safe: Path) -> None:
    made = extractors.build_extractor("inception", data.load("digits"), str(safe))
    assert isinstance(made, Inception)
    assert made.id == Inception(network, "tensorflow").id
    assert not made.network.training
    assert not any(p.requires_grad for p in made.network.parameters())


def test_no_other_pickle_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "load", lambda *given, **told: pytest.fail("a file was read before its checksum"))
    path = tmp_path / files.FILENAME
    torch.save(TINY, path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(Damaged, match=f"found sha256 {found}, expected 6726825d0af5f729cebd5821"):
        inception_extractor(path)


def test_the_digest_is_that_of_the_name() -> None:
    assert len(files.SHA256) == 64
    assert files.FILENAME.endswith(f"-{files.SHA256[:8]}.pth")


def test_other_files_are_refused_with_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="cannot be read"):
        inception_extractor(tmp_path / "absent.pth")
    with (tmp_path / "huge.pth").open("wb") as file:
        file.truncate(files.LARGEST + 1)
    with pytest.raises(TooBig, match="expected at most"):
        inception_extractor(tmp_path / "huge.pth")
    (tmp_path / "weights.bin").write_bytes(b"x")
    with pytest.raises(Unsupported, match=r"found a file named \*\.bin"):
        inception_extractor(tmp_path / "weights.bin")
    (tmp_path / "half.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(Damaged, match="no whole safetensors"):
        inception_extractor(tmp_path / "half.safetensors")


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("fc.weight", None, r"missing"),
        ("AuxLogits.fc.weight", torch.zeros(3), r"found \['AuxLogits.fc.weight'\] beyond"),
        ("fc.bias", torch.zeros(1000), r"found fc.bias .* shape \(1000,\), expected .* shape \(1008,\)"),
        ("fc.bias", torch.zeros(1008, dtype=torch.float16), r"found fc.bias torch.float16"),
        ("fc.bias", torch.full((1008,), float("nan")), r"expected finite float32"),
    ],
)
def test_weights_of_another_network_are_refused(name: str, tensor: Tensor | None, message: str) -> None:
    state = {key: value for key, value in inceptions.state().items() if key != name}
    with pytest.raises(BadInput, match=message):
        files.expect_inception_weights(
            state if tensor is None else {**state, name: tensor}, inceptions.state(), "other.safetensors"
        )


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    save_file(TINY, tmp_path / "other.safetensors")
    with pytest.raises(BadInput, match=r"other\.safetensors: found no names beyond.*missing.*Give pt_inception"):
        inception_extractor(tmp_path / "other.safetensors")
