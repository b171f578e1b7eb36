"""Share files: the very same samples, every bit checked, nothing executed, nothing allocated that is not there."""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

import advnets
import evil_files
import tiny
from advnets import assessment, errors, experiment, runs
from advnets.cli.main import main
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, NonFinite, TooBig, Unsupported
from advnets.experiment.preparation.build_model import build_on_meta
from advnets.recipes import maker_from_json
from advnets.runs import expected_tensors, share

HERE = Path(__file__).parents[1]
GOLDEN = HERE / "golden"
EMPTY = {"frequencies": None, "given_shape": None, "class_names": None}
DATA: dict[str, Any] = {"name": "mine", "digest": "", "shape": [1, 8, 8], "classes": 2, **EMPTY}
"""Of a card."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> experiment.Run:
    torch.set_num_threads(1)
    return tiny.trained(str(tmp_path_factory.mktemp("share") / "run"))


@pytest.fixture(scope="module")
def good(run: experiment.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run.export(tmp_path_factory.mktemp("share") / "G.safetensors", licence="CC0-1.0", notes="of\na test")


@pytest.mark.parametrize("data", ["digits", "ring-8"])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_exported_file_draws_the_very_samples_of_its_run(data: str, threads: int, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    run = tiny.trained("run", data=data)
    path = run.export("G.safetensors")
    torch.set_num_threads(threads)
    model = advnets.open_model(path)
    for n, seed in ((1, 0), (64, 1), (1500, 2)):
        assert np.array_equal(model.sample(n, seed=seed).values, run.sample(n, seed=seed).values)
    assert model.step == run.step == 40
    loop = run._loop()
    loop.load_newest(run._newest_state)
    z = loop.training.draw_latent(64, torch.Generator().manual_seed(3))
    assert z is not None
    with torch.no_grad():
        assert torch.equal(model.network(model.draw(64, seed=3)), loop.average.makers[""](z))


def test_sampling_needs_no_data(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8)
    np.savez("mine.npz", images=images)
    run = tiny.trained("run", data="mine.npz")
    path = run.export("G.safetensors")
    Path("mine.npz").unlink()
    model = advnets.open_model(path)
    assert np.array_equal(model.sample(5).values, experiment.Run(Path("run")).sample(5).values)
    with pytest.raises(BadInput, match="'mine', which is no data set by name"):
        model.evaluate()


def test_what_the_card_says(run: experiment.Run, good: Path, tmp_path: Path) -> None:
    card = advnets.open_model(good).card
    assert (card.licence, card.notes, card.step, card.recipe, card.report) == (
        "CC0-1.0",
        "of\na test",
        40,
        "tiny",
        None,
    )
    assert (card.latent, card.latent_size, card.transform, card.half) == ("gaussian", 4, "unit", False)
    assert card.data == runs.DataCard("digits", run.dataset.digest, (1, 8, 8), 10)
    assert maker_from_json(card.generator) == tiny.LEARNER.generator
    report = run.evaluate(n=100, measures=("parzen", "fid"))
    told = advnets.open_model(run.export("measured.safetensors")).card.report
    assert told is not None
    assert assessment.Report.from_dict(told) == report
    (run.path / "report.json").unlink()


def test_a_report_of_another_step_is_not_taken_along(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=8)
    run.evaluate(n=100, measures=("parzen",))
    experiment.resume("run", steps=12)
    assert advnets.open_model(run.export("G.safetensors")).card.report is None


def test_a_share_file_is_measured_as_its_run(run: experiment.Run, good: Path, tmp_path: Path) -> None:
    model = advnets.open_model(good)
    here, there = (one.evaluate(n=100, seed=4, measures=("parzen", "fid", "kid")) for one in (model, run))
    assert here.measures == there.measures
    assert (here.name, here.step) == ("G.safetensors", 40)
    np.savez("mine.npz", images=np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8))
    mine = model.evaluate(model.dataset("mine.npz"), n=20, measures=("parzen",))
    assert mine.measures["parzen"].protocol["data"] == mine.against.data == "mine"
    np.savez("large.npz", images=np.zeros((60, 9, 9), np.uint8))
    with pytest.raises(BadInput, match="samples of shape"):
        model.dataset("large.npz")


def test_other_tools_read_the_tensors(run: experiment.Run, good: Path) -> None:
    ours = run.model.network.state_dict()
    theirs = load_file(good)
    assert theirs.keys() == ours.keys()
    assert all(torch.equal(theirs[name], ours[name]) for name in ours)
    with safe_open(good, "pt") as file:
        assert json.loads(file.metadata()["advnets"])["format"] == "advnets-generator"


def test_half_precision_is_half_the_size_and_moves_no_pixel_by_more_than_a_level(tmp_path: Path) -> None:
    generator = replace(tiny.LEARNER.generator, hidden=(128, 128))  # type: ignore[type-var]
    wide = tiny.with_learner(tiny.RECIPE, generator=generator, latent_size=16)
    run = tiny.trained("run", wide, steps=300, checkpoint_steps=100, preview_steps=300)
    whole, half = run.export("whole.safetensors"), run.export("half.safetensors", half=True)
    assert half.stat().st_size < 0.55 * whole.stat().st_size
    model = advnets.open_model(half)
    assert model.card.half
    pixels = [advnets.open_model(path).sample(1000).values.astype(int) for path in (whole, half)]
    assert 0 < np.abs(pixels[0] - pixels[1]).max() <= 2
    assert all(theta.dtype == torch.float32 for theta in model.network.parameters())


def test_what_half_precision_cannot_hold_is_refused(run: experiment.Run, tmp_path: Path) -> None:
    model = run.model
    next(model.network.parameters()).data[0] = 70_000.0
    with pytest.raises(NonFinite, match="half precision"):
        share.write_generator(Path("G.safetensors"), replace(model.card, half=True), model.network.state_dict())
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_bad_places_are_told(run: experiment.Run, good: Path, tmp_path: Path) -> None:
    for path, message in ((good, "is there already"), ("G.gan", r"ends in \.safetensors"), ("a.pt", "safetensors")):
        with pytest.raises(BadInput, match=message):
            run.export(path)
    with pytest.raises(BadInput, match="printable"):
        run.export("G.safetensors", notes="\x1b[2J")
    advice = r"^new has no checkpoint yet\. If it is training now, ask again in a minute; if .* `advnets resume new`"
    with pytest.raises(Missing, match=advice):
        experiment.start(tiny.RECIPE, settings=tiny.settings("new")).export("G.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("report", "notes", "advice"),
    [
        ({"notes": ["x" * 9000] * 30}, "", "Move the run's report.json away"),
        ({"notes": ["x" * 9000] * 12}, "\N{GRINNING FACE}" * 10_000, "Shorten the notes"),
    ],
)
def test_an_error_says_what_is_too_long(report: Any, notes: str, advice: str, good: Path, tmp_path: Path) -> None:
    card, tensors = share.read_generator(good, lambda card: expected_tensors(card, build_on_meta))
    card = replace(card, notes=notes, licence="\N{GRINNING FACE}" * 4000, report=report)
    with pytest.raises(
        TooBig, match=rf"found a header of \d+,\d+ bytes, expected at most 262,144\. {advice}, which takes"
    ):
        share.write_generator(tmp_path / "G.safetensors", card, tensors)


def test_measuring_among_several_processes_is_refused_on_every_path(
    run: experiment.Run, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As torchrun starts them: nobody has joined a process group."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    for measure in (run.evaluate, run.model.evaluate, advnets.open_model(good).evaluate):
        with pytest.raises(Unsupported, match=r"advnets evaluate.*found 2 processes, expected one"):
            measure()
    for path in (run.path, good):
        assert main(["evaluate", str(path)]) != 0


def test_the_folders_above_an_exported_file_are_made(run: experiment.Run, tmp_path: Path) -> None:
    assert advnets.open_model(run.export("new/folder/G.safetensors")).step == 40
    Path("file").write_text("")
    with pytest.raises(
        errors.CannotWrite, match=r"could not be written: .*file is not a folder. Check the path and its permissions"
    ) as caught:
        run.export("file/G.safetensors")
    assert "make room" not in str(caught.value)


def test_networks_of_your_own_are_no_share_file_nor_mistaken_for_a_recipes(tmp_path: Path) -> None:
    g = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
    d = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    game = advnets.Game(g, d, advnets.non_saturating, latent=advnets.gaussian(4))
    with pytest.raises(BadInput, match="found game= beside the recipe 'paper-adam', which names its own networks"):
        advnets.train("paper-adam", game=game, data="digits", steps=3, out="run", device="cpu")
    assert not Path("run").exists()
    run = advnets.train(tiny.OWN, game=game, data="digits", steps=3, out="run", device="cpu")
    assert run.sample(2).values.shape == (2, 8, 8, 1)
    with pytest.raises(Unsupported, match="only their own code makes a network of"):
        advnets.open_model(run.export("G.safetensors"))
    with pytest.raises(BadInput, match="game="):
        experiment.Run(Path("run")).sample(2)


def opened(paths: dict[str, Path], good: Path, saboteur: str = "") -> dict[str, dict[str, Any]]:
    words = [sys.executable, str(HERE / "tools" / "evil_child.py"), str(good), *filter(None, [saboteur])]
    given = "\n".join(map(str, paths.values()))
    done = subprocess.run(words, input=given, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    told = {line["path"]: line for line in map(json.loads, done.stdout.splitlines())}
    return {name: told[str(path)] for name, path in paths.items()}


@pytest.mark.skipif(sys.platform == "win32", reason="forks, and makes pipes")
def test_sixty_evil_files_execute_nothing_and_are_refused_by_name(good: Path, tmp_path: Path) -> None:
    paths = evil_files.evil_files(tmp_path / "evil", good.read_bytes())
    assert len(paths) == 60
    told = opened(paths, good)
    assert {name: line["events"] for name, line in told.items() if line["events"]} == {}
    assert {name: line["error"] for name, line in told.items() if not line["typed"]} == {}
    assert [name for name, line in told.items() if str(paths[name]) not in line["message"]] == []
    assert max(line["mebibytes"] for line in told.values()) < 50
    assert not Path(evil_files.CANARY).exists()
    kinds = {name: line["error"] for name, line in told.items()}
    damaged = ("hole", "overlap", "zip-tail", "duplicate-keys", "wrong-dtype")
    too_big = ("header-2^63", "row-of-a-billion", "row-resolution", "nested-100000")
    expected = dict.fromkeys(damaged, "Damaged") | dict.fromkeys(too_big, "TooBig")
    for name, kind in {**expected, "nan-tensors": "NonFinite", "pipe": "Unsupported", "zip-pt": "Unsupported"}.items():
        assert kinds[name] == kind, told[name]["message"]
    for name, words in {"row-path": "unknown row", "row-bool-as-int": "a whole number", "json-target": "`row`"}.items():
        assert words in told[name]["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="forks, and makes pipes")
@pytest.mark.parametrize(
    ("saboteur", "event", "least"),
    [("pickle", "pickle.find_class", 10), ("write", "open", 12), ("import", "import", 12)],
)
def test_the_hook_bites(saboteur: str, event: str, least: int, good: Path, tmp_path: Path) -> None:
    paths = evil_files.evil_files(tmp_path / "evil", good.read_bytes())
    told = opened({name: paths[name] for name in evil_files.pickles()}, good, saboteur)
    caught = [line for line in told.values() if any(one.startswith(event) for one in line["events"])]
    assert len(caught) >= least
    assert not Path(evil_files.CANARY).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="forks, and makes sparse files")
def test_files_that_declare_much_are_refused_before_anything_is_allocated(good: Path, tmp_path: Path) -> None:
    paths = evil_files.huge_files(tmp_path / "huge", good.read_bytes())
    assert len(paths) == 30
    told = opened(paths, good)
    assert {name: line["error"] for name, line in told.items() if not line["typed"]} == {}
    assert max(line["mebibytes"] for line in told.values()) < 50


def flips(content: bytes, n: int) -> Iterator[bytes]:
    rng = random.Random(0)
    header = 8 + int.from_bytes(content[:8], "little")
    for number in range(n):
        place = number % 64 if number < 64 else rng.randrange(8 * (header if number % 2 else len(content)))
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        yield bytes(flipped)


def cuts(content: bytes, n: int) -> Iterator[bytes]:
    rng = random.Random(1)
    lengths = [0, 1, 7, 8, 9, len(content) - 1, *(rng.randrange(len(content)) for _ in range(n - 6))]
    yield from (content[:length] for length in lengths)
    yield content + b"\0"


@pytest.mark.parametrize(("bits", "lengths"), [(200, 50), pytest.param(2000, 500, marks=pytest.mark.slow)])
def test_every_flipped_bit_and_every_cut_is_noticed(bits: int, lengths: int, good: Path, tmp_path: Path) -> None:
    content, path, kinds = good.read_bytes(), tmp_path / "x.safetensors", set()
    for changed in (*flips(content, bits), *cuts(content, lengths)):
        path.write_bytes(changed)
        with pytest.raises(AdvnetsError, match=str(path)) as caught:
            advnets.open_model(path)
        kinds.add(caught.type)
    assert {Damaged, Unsupported, BadInput} <= kinds


def test_without_its_hashes_flips_would_pass(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries, card, body = evil_files.parts(good.read_bytes())
    changed = bytearray(body)
    changed[100] ^= 1
    path = tmp_path / "x.safetensors"
    path.write_bytes(evil_files.file_of(entries, evil_files.sealed(card, bytes(changed)), bytes(changed)))
    assert not np.array_equal(advnets.open_model(path).network[0].weight, advnets.open_model(good).network[0].weight)  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"schema": 3}, Unsupported, "schema 3, and this advnets reads 4"),
        ({"schema": 5}, Unsupported, "schema 5.* Update advnets"),
        ({"schema": True}, Unsupported, "schema True"),
        ({"format": "other"}, Unsupported, "format 'other'"),
        ({"script": "import os"}, BadInput, "unknown field of the card 'script'"),
        ({"latent": "gausian"}, BadInput, "Did you mean 'gaussian'"),
        ({"latent_size": 4.0}, BadInput, "whole number"),
        ({"latent_size": 0}, TooBig, "latent_size is 0"),
        ({"latent_size": 5}, BadInput, "of another network"),
        ({"transform": "identity"}, BadInput, "'identity'"),
        ({"transform": "../unit"}, BadInput, "unknown transform"),
        ({"generator": None}, BadInput, "expected an object"),
        ({"generator": {"row": "maxout_discriminator"}}, BadInput, "unknown row"),
        ({"step": -1}, BadInput, "step is -1"),
        ({"notes": "\x1b]0;x\x07"}, BadInput, "printable"),
        ({"half": True}, BadInput, "F16"),
        ({"half": 0}, BadInput, "true or false"),
        ({"data": {"name": "digits"}}, BadInput, "digest, shape, classes missing"),
        ({"data": {**DATA, "class_names": ["a"]}}, BadInput, "1 names of classes; expected 2"),
        ({"data": {**DATA, "class_names": ["a", 1]}}, BadInput, "expected a text"),
        ({"data": {**DATA, "class_names": ["a", "b" * 1025]}}, TooBig, "a name of 1,025 letters; expected at most"),
        ({"data": {**DATA, "class_names": ["a", "\x1b[2J"]}}, BadInput, "printable"),
        ({"data": {**DATA, "frequencies": [0.2, 0.3, 0.5]}}, BadInput, "3 shares of classes; expected 2"),
        ({"data": {**DATA, "frequencies": [-1.0, 2.0]}}, BadInput, "shares of classes that are none"),
        ({"data": {**DATA, "frequencies": [0.0, 0.0]}}, BadInput, "not all of them 0"),
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_is_refused(
    change: dict[str, object], kind: type[Exception], message: str, good: Path, tmp_path: Path
) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(evil_files.with_card(good.read_bytes(), **change))
    with pytest.raises(kind, match=message):
        advnets.open_model(path)


def test_a_link_to_a_good_file_is_followed(good: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(good)
    assert advnets.open_model(tmp_path / "link").step == 40
    with pytest.raises(Missing, match="is not there") as caught:
        advnets.open_model("nothing.safetensors")
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.safetensors")))
def test_files_of_earlier_versions_open_and_draw_what_they_drew(name: str) -> None:
    path = GOLDEN / f"{name}.safetensors"
    assert path.stat().st_size <= 100_000
    with np.load(GOLDEN / f"{name}.npz") as held:
        (then,) = (held[key].astype(float) for key in held.files)
    drawn = advnets.open_model(path).sample(16, seed=0).values.astype(float)
    # Other processors sum in another order, which may move a pixel over the edge of a level.
    assert np.abs(drawn - then).max() <= (1e-4 if name.startswith("points") else 1)


def test_there_is_a_golden_file_of_this_schema() -> None:
    assert {path.stem for path in GOLDEN.glob("*.safetensors")} == {"digits-4", "digits-half-4", "points-4"}


def make_golden() -> None:
    """`python tests/runs/test_share.py` writes tests/golden/ anew, for a new schema."""
    GOLDEN.mkdir(exist_ok=True)
    generator = replace(tiny.LEARNER.generator, hidden=(64, 64))  # type: ignore[type-var]
    recipe = tiny.with_learner(tiny.RECIPE, generator=generator, latent_size=16)
    for data, name in (("digits", "digits"), ("ring-8", "points")):
        run = tiny.trained(tempfile.mkdtemp(), recipe, data=data, steps=2000, checkpoint_steps=1000)
        for ending, half in (("-4", False), ("-half-4", True)):
            if name == "digits" or not half:
                path = run.export(GOLDEN / f"{name}{ending}.safetensors", half, licence="Apache-2.0")
                advnets.open_model(path).sample(16, seed=0).save(path.with_suffix(".npz"))


if __name__ == "__main__":
    make_golden()


@pytest.mark.parametrize("text", ['{\n  "against": {}\n}\n', "# A page\n\nof words", "step,loss\r\n1,2\r\n"])
def test_text_is_said_to_be_text(text: str, tmp_path: Path) -> None:
    Path("report.json").write_text(text)
    with pytest.raises(Unsupported, match=r"report\.json: found text, expected a share file, as `advnets export`"):
        advnets.open_model("report.json")
