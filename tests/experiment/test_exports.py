"""ONNX files: the run's samples within rounding, every bit checked, foreign and forged files refused."""

import json
import os
import random
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

import advnets
import tiny
from advnets import experiment
from advnets.cli.main import main
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, NonFinite, Unsupported
from advnets.experiment import EXPORTERS, Model
from advnets.experiment.exports import sealed_onnx
from advnets.experiment.exports.sealed_onnx import seal, unseal
from advnets.recipes import RECIPES
from onnx_forgery import FORGERIES, body_of, forge, leave_as_it_is

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> experiment.Run:
    torch.set_num_threads(1)
    return tiny.trained(str(tmp_path_factory.mktemp("exports") / "run"))


@pytest.fixture(scope="module")
def good(run: experiment.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run.export(tmp_path_factory.mktemp("exports") / "G.onnx", licence="CC0-1.0", notes="of\na test")


def levels_apart(one: experiment.Samples, other: experiment.Samples) -> int:
    return int(np.abs(one.values.astype(int) - other.values.astype(int)).max())


def test_a_file_draws_the_samples_of_its_run(run: experiment.Run, good: Path) -> None:
    model = advnets.open_model(good)
    for n, seed in ((1, 0), (64, 1), (1500, 2)):
        assert levels_apart(model.sample(n, seed=seed), run.sample(n, seed=seed)) <= 1
    assert levels_apart(model.interpolate([1, 2], frames=2), run.model.interpolate([1, 2], frames=2)) <= 1
    alone = [model.sample(1, seed=seed).values for seed in (7, 8)]
    assert (model.sample(seeds=[7, 8]).values == np.concatenate(alone)).all()
    told = model.card
    assert (told.licence, told.notes, told.step, told.recipe) == ("CC0-1.0", "of\na test", 40, "tiny")


@pytest.mark.slow
def test_points_are_drawn_too(tmp_path: Path) -> None:
    run = tiny.trained("run", data="ring-8", steps=4)
    model = advnets.open_model(run.export("G.onnx"))
    np.testing.assert_allclose(model.sample(50).values, run.sample(50).values, rtol=0, atol=1e-5)


def test_a_file_is_measured_as_its_run(run: experiment.Run, good: Path) -> None:
    here, there = (
        one.evaluate(n=100, measures=("parzen",)).measures["parzen"].estimate.value
        for one in (advnets.open_model(good), run)
    )
    assert here == pytest.approx(there, abs=0.05)


def test_the_commands_take_it(
    run: experiment.Run, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["export", str(run.path), "--out", "G.onnx", "--licence", "CC0-1.0", "--notes", "of\na test", "--json"])
        == 0
    )
    again = body_of(Path("G.onnx").read_bytes())
    assert again.SerializeToString() == body_of(good.read_bytes()).SerializeToString()
    told = json.loads(capsys.readouterr().out)
    assert (told["step"], told["bytes"]) == (40, Path("G.onnx").stat().st_size)
    assert any("of torch's (opset 18)" in note for note in told["notes"])
    assert main(["sample", "G.onnx", "--out", "samples.npz", "-n", "3"]) == 0
    assert np.load("samples.npz")["images"].shape == (3, 8, 8, 1)
    assert main(["evaluate", "G.onnx", "--measures", "parzen", "--n", "50"]) == 0
    capsys.readouterr()
    assert main(["compare", str(run.path), "G.onnx", "--measures", "fid", "--n", "60", "--json"]) == 0
    (fid,) = json.loads(capsys.readouterr().out)["contrasts"]
    assert fid["a"]["value"] == pytest.approx(fid["b"]["value"], rel=1e-3)
    assert main(["export", str(run.path), "--out", "G.onnx"]) == 2
    assert main(["sample", "absent.onnx", "--out", "a.png"]) == 2
    told_wrong = capsys.readouterr().err
    assert "G.onnx is there already" in told_wrong
    assert "absent.onnx is not there; expected an ONNX file" in told_wrong


def test_other_programs_read_what_it_is(good: Path) -> None:
    model = onnx.load(good)
    onnx.checker.check_model(model, full_check=True)
    words = {entry.key: entry.value for entry in model.metadata_props}
    assert words["inputs"] == "z: float32 (n, 4), drawn from the distribution 'gaussian'"
    assert words["outputs"].startswith("samples: float32 (n, 1, 8, 8), in [0, 1]")
    assert words["mode"].startswith("Evaluation. Batch normalisation takes the running moments of the training")
    assert words["licence"] == "CC0-1.0"
    assert json.loads(words["advnets"])["format"] == "advnets-generator"
    assert [one.version for one in model.opset_import if one.domain == ""] == [18]
    assert b"/src/advnets" not in good.read_bytes()
    assert str(Path.home()).encode() not in good.read_bytes()


def test_half_precision_is_smaller_and_moves_no_pixel_by_more_than_two_levels(
    run: experiment.Run, good: Path, tmp_path: Path
) -> None:
    half = run.export("half.onnx", half=True)
    stored = {tensor.name: tensor.data_type for tensor in onnx.load(half).graph.initializer}
    assert stored["network.0.weight.half"] == onnx.TensorProto.FLOAT16
    lengths = [sum(len(tensor.raw_data) for tensor in onnx.load(path).graph.initializer) for path in (half, good)]
    assert lengths[0] < 0.55 * lengths[1]
    assert advnets.open_model(half).card.half
    assert levels_apart(advnets.open_model(half).sample(300), run.sample(300)) <= 2
    model = run.model
    next(model.network.parameters()).data[0] = 70_000.0
    with pytest.raises(NonFinite, match="half precision, which ends at 65,504"):
        EXPORTERS[".onnx"].write(Path("large.onnx"), replace(model, card=replace(model.card, half=True)))
    next(model.network.parameters()).data[0] = torch.nan
    with pytest.raises(NonFinite, match=r"NaN\.onnx: NaN or Inf in tensor 0\.weight"):
        EXPORTERS[".onnx"].write(Path("NaN.onnx"), model)
    assert not Path("large.onnx").exists()
    assert not Path("NaN.onnx").exists()


def flips(content: bytes, count: int) -> list[bytes]:
    chance = random.Random(0)
    found = []
    for _ in range(count):
        changed = bytearray(content)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        found.append(bytes(changed))
    return found


def unnoticed(contents: list[bytes]) -> int:
    return sum(is_accepted(content) for content in contents)


def is_accepted(content: bytes) -> bool:
    try:
        unseal(content)
    except AdvnetsError as error:
        assert isinstance(error, BadInput)
        return False
    return True


def test_every_flipped_bit_is_noticed(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = good.read_bytes()
    assert is_accepted(content)
    changed = [*flips(content, 400), content + b"\0", content[:-1], content[: len(content) // 2], b"", content * 2]
    assert unnoticed(changed) == 0

    # The saboteur: the hash of any model is the one that the card says.
    constant = SimpleNamespace(hexdigest=lambda: digest_of(content))
    monkeypatch.setattr(sealed_onnx, "hashlib", SimpleNamespace(sha256=lambda _: constant))
    assert unnoticed(changed) > 100


def digest_of(content: bytes) -> str:
    words = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
    return str(json.loads(words["advnets"])["tensors_sha256"])


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_file_with_right_hashes_is_refused(name: str, good: Path, tmp_path: Path) -> None:
    change, card, message = FORGERIES[name]
    path = tmp_path / "forged.onnx"
    path.write_bytes(forge(good.read_bytes(), change, **card))
    with pytest.raises(BadInput, match=rf"(?s)forged\.onnx: .*{message}"):
        advnets.open_model(path)


def test_an_honest_forgery_is_read(good: Path, tmp_path: Path) -> None:
    """What refuses the forged ones is what is wrong with them."""
    path = tmp_path / "same.onnx"
    path.write_bytes(forge(good.read_bytes(), leave_as_it_is))
    assert (advnets.open_model(path).sample(3).values == advnets.open_model(good).sample(3).values).all()


def test_a_file_is_not_read_in_another_format(good: Path, tmp_path: Path) -> None:
    """onnxruntime takes bytes with ORTM at 4 to 8 for its own format, which is none of what was checked."""
    model = body_of(good.read_bytes())
    rest = model.SerializeToString()
    polyglot = b"\x08\x0a\x12\x04ORTM" + rest
    path = tmp_path / "polyglot.onnx"
    path.write_bytes(seal(polyglot, unseal(good.read_bytes())))
    assert path.read_bytes()[4:8] == b"ORTM"
    assert (advnets.open_model(path).sample(3).values == advnets.open_model(good).sample(3).values).all()


def test_foreign_files_are_told_apart(good: Path, tmp_path: Path) -> None:
    Path("text.onnx").write_text("no model\n")
    Path("empty.onnx").touch()
    Path("folder.onnx").mkdir()
    os.mkfifo("pipe.onnx")
    Path("resaved.onnx").write_bytes(onnx.load(good).SerializeToString() + b"\x2a\x00")
    for path, kind, message in (
        (GOLDEN / "pooled.onnx", Unsupported, "without an advnets card at its end.*--extractor onnx"),
        ("text.onnx", Unsupported, "found no whole ONNX model"),
        ("empty.onnx", Unsupported, "without an advnets card"),
        ("pipe.onnx", Unsupported, "is a pipe"),
        ("folder.onnx", BadInput, "cannot be read"),
        ("absent.onnx", Missing, "is not there; expected an ONNX file"),
        ("resaved.onnx", Unsupported, "without an advnets card at its end"),
    ):
        with pytest.raises(kind, match=f"(?s){message}"):
            advnets.open_model(path)
    changed = onnx.load(good)
    changed.graph.node[-1].name = "mine"
    Path("quantised.onnx").write_bytes(changed.SerializeToString(deterministic=True))
    with pytest.raises(Damaged, match=r"quantised\.onnx: the SHA-256 of the model is not the card's: another program"):
        advnets.open_model("quantised.onnx")


def test_what_needs_gradients_is_refused(run: experiment.Run, good: Path, tmp_path: Path) -> None:
    model = advnets.open_model(good)
    z = model.draw(3, seed=0)
    with pytest.raises(Unsupported, match="found a gradient asked of an ONNX file, which has none"):
        model.network(z.requires_grad_())
    with torch.no_grad():
        assert model.network(z).shape == (3, 1, 8, 8)
    with pytest.raises(BadInput, match="found an ONNX file, which holds a computation and not the weights"):
        experiment.start(tiny.RECIPE, settings=tiny.settings("new", start_from=str(good)))


class Noisy(nn.Module):
    """A generator with random numbers of its own."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(z + torch.rand_like(z)).reshape(-1, 1, 2, 2)


class OneSize(nn.Module):
    """A generator that makes batches of 3 only."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(z).reshape(3, 1, 2, 2)


@pytest.mark.parametrize(
    ("network", "message"),
    [(Noisy(), "draws random numbers of its own"), (OneSize(), "torch cannot export .* batches of any size")],
)
def test_networks_that_would_draw_others_are_not_written(
    network: nn.Module, message: str, run: experiment.Run, tmp_path: Path
) -> None:
    card = replace(run.model.card, data=replace(run.model.card.data, shape=(1, 2, 2)))
    with pytest.raises(Unsupported, match=message):
        EXPORTERS[".onnx"].write(tmp_path / "G.onnx", Model("own", network.eval(), card))
    assert list(tmp_path.iterdir()) == []


def test_networks_of_your_own_are_exported(tmp_path: Path) -> None:
    g = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    d = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    game = advnets.Game(g, d, advnets.non_saturating, latent=advnets.gaussian(4))
    run = advnets.train(tiny.OWN, game=game, data="digits", steps=3, out="run", device="cpu")
    assert levels_apart(advnets.open_model(run.export("G.onnx")).sample(9), run.sample(9)) <= 1


def test_chains_are_not_exported(tmp_path: Path) -> None:
    run = tiny.trained("run", tiny.narrow(RECIPES["dae"]), steps=2)
    with pytest.raises(Unsupported, match="draws by a Markov chain"):
        run.export("G.onnx")


def test_without_the_extra_it_is_named(run: experiment.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(Unsupported, match=r"found no onnxscript, .*pip install 'advnets\[onnx\]'"):
        run.export("G.onnx")


def test_each_kind_of_file_is_a_row(run: experiment.Run, good: Path) -> None:
    assert set(EXPORTERS) >= {".safetensors", ".onnx"}
    for ending in ("gan", "pt", ""):
        with pytest.raises(Unsupported, match=r"expected a name that ends in \.safetensors or \.onnx"):
            run.export(f"G.{ending}")
    with pytest.raises(BadInput, match="is there already"):
        run.export(good)
