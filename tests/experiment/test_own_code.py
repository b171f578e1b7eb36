"""Networks, extractors and optimizers of one's own: by Python, by --game and --extractor, exact when resumed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

import advnets
import tiny
from advnets.cli.main import main
from advnets.errors import BadInput, Unsupported
from advnets.experiment.own_networks import load_game, load_own
from advnets.extractors import as_extractor
from advnets.optimizers import OwnOptimizer

MINE = """
import torch, advnets
from torch import nn

def game():
    generator = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    return advnets.Game(generator, discriminator, advnets.hinge, latent=advnets.gaussian(4))

def features(images):
    return images.float().flatten(1)[:, ::4] / 255

class Features(nn.Module):
    def forward(self, images):
        return images.flatten(1)[:, :9]

number = 3

def broken():
    raise ValueError("no network today")
"""
OFTEN: dict[str, Any] = {"data": "digits", "device": "cpu", "journal_steps": 2, "checkpoint_steps": 2, "batch_size": 16}
MEASURED = ["--measures", "fid", "--no-classifier", "--n", "100", "--extractor", "pixels"]


def game() -> advnets.Game:
    torch.manual_seed(3)
    generator = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    return advnets.Game(generator, discriminator, advnets.hinge, latent=advnets.gaussian(4))


def nadam(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.NAdam(parameters, betas=(0.5, 0.9))


class Heavy(torch.optim.Optimizer):
    """An optimizer whose state is a tensor and a number of its own."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        super().__init__(parameters, {"lr": 0.0, "turns": 0})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            group["turns"] += 1
            for theta in group["params"]:
                held = self.state[theta].setdefault("velocity", torch.zeros_like(theta))
                held.mul_(0.9).add_(theta.grad)
                theta.sub_(held, alpha=float(group["lr"]) / group["turns"] ** 0.5)


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[str]:
    """A module in the folder that the command is called in, of a name that no other test imports."""
    name = f"mine_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(MINE)
    yield name
    sys.modules.pop(name, None)


def test_the_command_trains_resumes_samples_measures_and_compares_networks_of_ones_own(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--game", f"{mine}:game"]
    often = ["--data", "digits", "--device", "cpu", "--checkpoint-steps", "2", "--batch-size", "16", "--lr", "0.01"]
    assert main(["train", *given, *often, "--steps", "4", "--out", "whole"]) == 0
    assert main(["train", *given, *often, "--steps", "2", "--out", "parts"]) == 0
    assert main(["resume", "parts", *given, "--steps", "4"]) == 0
    assert tiny.state_hash(advnets.Run("parts")) == tiny.state_hash(advnets.Run("whole"))
    assert mine not in (tmp_path / "whole" / "recipe.json").read_text()
    assert main(["sample", "whole", *given, "-n", "4", "--out", "four.npz"]) == 0
    drawn = advnets.Run("whole", load_game(f"{mine}:game", 7)).sample(4)
    assert np.array_equal(np.load("four.npz")["images"], drawn.values)
    assert main(["evaluate", "whole", *given, *MEASURED]) == 0
    own = [*MEASURED[:-1], f"{mine}:features"]
    assert main(["evaluate", "whole", *given, *own, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.rpartition("\n{")[2].join(["{", ""]))
    assert told["against"]["extractor"].startswith(f"{mine}.features; sha256")
    assert main(["train", "paper-adam", *often, "--steps", "1", "--generator.hidden", "8", "--out", "other"]) == 0
    assert main(["compare", "whole", "other", *given, *MEASURED]) == 0
    assert main(["export", "whole", "--out", "own.safetensors"]) == 0
    capsys.readouterr()
    assert main(["diagnose", "whole", *given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 4
    lacking = (["resume", "whole"], ["sample", "whole", "--out", "x.png"], ["evaluate", "whole"], ["diagnose", "whole"])
    for verb in lacking:
        capsys.readouterr()
        assert main(verb) == 2
        assert "--game" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{mine}", "expected MODULE:NAME"),
        ("nothing_here:game", "found no module nothing_here"),
        ("{mine}:gane", "Did you mean 'game'"),
        ("{mine}:number", "found int; expected an advnets.Game"),
        ("{mine}:broken", "calling it raised ValueError: no network today"),
        ("os; import x:game", "expected MODULE:NAME"),
    ],
)
def test_what_is_no_game_is_refused(mine: str, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        load_game(text.format(mine=mine))


def test_a_module_that_lacks_an_import_says_which(tmp_path: Path) -> None:
    (tmp_path / "lacking_one.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(BadInput, match="lacking_one imports nothing_of_that_name"):
        load_own("lacking_one:game", "--game")


def test_the_folder_of_the_call_does_not_stay_on_the_path(mine: str) -> None:
    before = list(sys.path)
    load_game(f"{mine}:game")
    assert sys.path == before


def test_a_game_of_the_command_has_the_weights_of_its_seed(mine: str) -> None:
    def first(seed: int) -> Tensor:
        found = load_game(f"{mine}:game", seed)
        assert isinstance(found, advnets.Game)
        return found.generator[0].weight.detach()  # type: ignore[index,union-attr]

    state = torch.get_rng_state()
    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
    assert torch.equal(torch.get_rng_state(), state)


def features(images: Tensor) -> Tensor:
    return images.float().flatten(1)[:, :7]


def other_features(images: Tensor) -> Tensor:
    return images.float().flatten(1)[:, :8]


class Narrow(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :7]


def test_extractors_of_ones_own_measure_and_have_names(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=4)
    plan: Any = {"measures": "fid", "classifier": False, "n": 100}
    found = run.evaluate(extractor=features, **plan)
    scaled = run.evaluate(extractor=Narrow(), **plan)
    assert scaled.measures["fid"].estimate.value * 255**2 == pytest.approx(found.measures["fid"].estimate.value, 1e-3)
    ids = {as_extractor(one).id for one in (features, other_features, Narrow())}
    assert len(ids) == 3
    assert as_extractor(features).id == found.against.extractor
    with pytest.raises(BadInput, match="a row an image"):
        run.evaluate(extractor=lambda images: images.float(), **plan)
    for wrong in (3, [features], np.zeros(3)):
        with pytest.raises(BadInput, match="expected a name of EXTRACTORS"):
            run.evaluate(extractor=wrong, **plan)


@pytest.mark.parametrize("factory", [nadam, Heavy])
def test_an_optimizer_of_ones_own_resumes_bit_for_bit(factory: Any, tmp_path: Path) -> None:
    whole = advnets.train(tiny.RECIPE, optimizer=factory, lr=0.01, steps=8, out="whole", **OFTEN)
    going = advnets.start(tiny.RECIPE, optimizer=factory, lr=0.01, steps=8, out="parts", **OFTEN)
    for progress in going.carry_on():
        if progress.step >= 4:
            break
    assert 0 < going.step < 8
    resumed = advnets.resume("parts", optimizer=factory)
    assert (resumed.step, tiny.state_hash(resumed)) == (8, tiny.state_hash(whole))
    usual = advnets.train(tiny.RECIPE, lr=0.01, steps=8, out="usual", **OFTEN)
    assert tiny.state_hash(usual) != tiny.state_hash(whole)
    assert advnets.Run("whole").sample(4).values.shape == (4, 8, 8, 1)
    report = advnets.Run("whole").evaluate(measures="tone,logits-gap", n=100, classifier=False)
    assert set(report.measures) == {"tone", "logits-gap"}


def test_a_state_that_does_not_come_back_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The saboteur of the test above: an optimizer that starts afresh ends elsewhere."""
    whole = advnets.train(tiny.RECIPE, optimizer=Heavy, lr=0.01, steps=8, out="whole", **OFTEN)
    advnets.train(tiny.RECIPE, optimizer=Heavy, lr=0.01, steps=4, out="parts", **OFTEN)
    monkeypatch.setattr("advnets.experiment.preparation.game_training.load_optimizer_state", lambda *_: None)
    resumed = advnets.resume("parts", optimizer=Heavy, steps=8)
    assert tiny.state_hash(resumed) != tiny.state_hash(whole)


def test_one_player_may_have_an_optimizer_of_ones_own(tmp_path: Path) -> None:
    run = advnets.train(game=game(), generator_optimizer=nadam, steps=4, out="own", **OFTEN)
    assert isinstance(run.recipe.descents["generator"].optimizer, OwnOptimizer)
    assert isinstance(run.recipe.descents["discriminator"].optimizer, advnets.Adam)
    kept = json.loads((run.path / "recipe.json").read_text())["recipe"]["descents"]["generator"]["optimizer"]
    assert kept == {"row": "own_optimizer", "name": f"{__name__}.nadam"}
    assert advnets.resume("own", game=game(), optimizer={"generator": nadam}, steps=6).step == 6
    for wrong, message in (
        (None, "give it again"),
        (Heavy, "was .*nadam, and is .*Heavy"),
        ({"discriminator": nadam}, "expected them for generator"),
    ):
        with pytest.raises(BadInput, match=message):
            advnets.resume("own", game=game(), optimizer=wrong, steps=8)
    usual = tiny.trained("usual", steps=2)
    with pytest.raises(BadInput, match="expected them for none"):
        advnets.resume(usual.path, optimizer=nadam, steps=4)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lambda parameters: parameters, "returned list; expected a torch.optim.Optimizer"),
        (lambda parameters: torch.optim.SGD(parameters[:1], lr=1.0), "an optimizer of 1 tensors"),
        (
            lambda parameters: torch.optim.SGD(
                [{"params": parameters[:1], "lr": 1.0}, {"params": parameters[1:]}], 0.1
            ),
            "expected one `lr`",
        ),
    ],
)
def test_what_is_no_optimizer_is_refused_before_anything_is_written(factory: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        advnets.start(tiny.RECIPE, optimizer=factory, steps=2, out="refused", **OFTEN)
    assert not (tmp_path / "refused").exists()


def test_runs_models_of_ones_own_and_samples_are_compared(tmp_path: Path) -> None:
    own = advnets.train(game=game(), steps=4, out="own", **OFTEN)
    other = tiny.trained("other", steps=4)
    wrapped = advnets.own_model(own.game.generator, "digits", latent=advnets.gaussian(4), name="mine")  # type: ignore[union-attr]
    plan: Any = {"measures": "fid", "classifier": False, "n": 100, "extractor": "pixels"}
    sides = {"own": own, "tiny": other, "wrapped": wrapped, "drawn": other.sample(100, seed=4), "file": "other"}
    found = advnets.compare(sides, **plan)
    assert [side.name for side in found.sides] == list(sides)
    value = {contrast.second: contrast.b.value for contrast in found.contrasts}
    assert value["file"] == next(contrast.a.value for contrast in found.contrasts if contrast.first == "tiny")
    seeds = [tiny.trained(f"seed{seed}", steps=4, seed=seed) for seed in (1, 2)]
    mine = [advnets.train(game=game(), steps=4, out=f"own{seed}", seed=seed, **OFTEN) for seed in (1, 2)]
    groups = advnets.compare(("tiny", seeds), ("mine", mine), **plan)
    assert groups.kind == "matched seeds"
    other_game = replace(game(), objective=advnets.non_saturating)
    mine[1] = advnets.train(game=other_game, steps=4, out="elsewhere", seed=2, **OFTEN)
    with pytest.raises(BadInput, match=r"differ by more than their seed .game.objective: 'hinge' and 'non_saturating'"):
        advnets.compare(("tiny", seeds), ("mine", mine), **plan)
    mine[1] = advnets.train(game=game(), optimizer=nadam, steps=4, out="nadam", seed=2, **OFTEN)
    with pytest.raises(BadInput, match="differ by more than their seed"):
        advnets.compare(("tiny", seeds), ("mine", mine), **plan)
    with pytest.raises(BadInput, match="two or more"):
        advnets.compare(own, **plan)
    with pytest.raises(BadInput, match="given twice"):
        advnets.compare(("a", [seeds[0], seeds[0]]), ("b", mine), **plan)
    data = advnets.load("digits")
    assert wrapped.evaluate(data, **plan).measures["fid"].estimate.value > 0
    assert advnets.compare(wrapped, own, against=data, **plan).sides[0].name == "mine"


def test_a_model_of_ones_own_is_looked_at_first() -> None:
    digits = advnets.load("digits")
    with pytest.raises(BadInput, match="samples of shape"):
        advnets.own_model(
            nn.Sequential(nn.Linear(4, 9), nn.Unflatten(1, (1, 3, 3))), digits, latent=advnets.gaussian(4)
        )
    with pytest.raises(BadInput, match="cannot draw"):
        advnets.own_model(nn.Linear(5, 64), digits, latent=advnets.gaussian(4))
    with pytest.raises(BadInput, match="expected an nn"):
        advnets.own_model(lambda z: z, digits, latent=None)  # type: ignore[arg-type]


def test_weights_of_ones_own_are_a_plain_state_dict(tmp_path: Path) -> None:
    run = advnets.train(game=game(), steps=4, out="own", **OFTEN)
    path = run.export("own.safetensors", licence="CC0", notes="for a friend")
    with safe_open(str(path), "pt") as file:
        told = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    generator = game().generator
    generator.load_state_dict(tensors)
    z = run.model.draw(4, seed=0)
    with torch.no_grad():
        made = generator.eval()(z)
    assert torch.equal(
        advnets.experiment.Samples.of(made, run.model.transform).stored_values, run.sample(4).stored_values
    )
    assert (told["format"], told["step"], told["licence"]) == ("advnets-weights", "4", "CC0")
    assert json.loads(told["game"])["objective"] == "hinge"
    half = run.export("half.safetensors", True)
    assert half.stat().st_size < path.stat().st_size
    with pytest.raises(BadInput, match="own"):
        run.export("own.safetensors")
    with pytest.raises(Unsupported, match="own code"):
        advnets.open_model(path)
    assert not subprocess.run(["find", ".", "-name", ".tmp-*"], capture_output=True, check=True).stdout


def test_weights_of_ones_own_are_those_of_the_checkpoint_that_is_asked_for(tmp_path: Path) -> None:
    run = advnets.train(game=game(), steps=4, out="own", **OFTEN)
    steps = {}
    for checkpoint in (None, 2):
        chosen = advnets.Run(run.path, game(), checkpoint=checkpoint)
        with safe_open(str(chosen.export(f"at-{checkpoint}.safetensors")), "pt") as file:
            steps[checkpoint] = file.metadata()["step"]
    assert steps == {None: "4", 2: "2"}
    with pytest.raises(BadInput, match="Leave --way out"):
        advnets.experiment.export_generator(run, "way.safetensors", way="back")
