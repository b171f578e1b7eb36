"""Functions of one's own, such as objectives and penalties, are held to on resume: by their name, and by their code."""

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

import advnets
from advnets.errors import BadInput
from advnets.games import code_digest
from advnets.objectives import Objective, halve, per_sample
from advnets.runs import read_json, write_sealed

OFTEN: dict[str, Any] = {"data": "digits", "device": "cpu", "journal_steps": 2, "checkpoint_steps": 2, "batch_size": 16}
SOURCE = """
MARGIN = {margin}

def bend(logits):
    return {bend}

def loss(real, fake):
    '''{doc}'''
    # {comment}
    one = lambda t: {inner}
    return bend(MARGIN - real) + one(fake)
"""
USUAL = {"margin": "1.0", "bend": "logits.relu()", "doc": "A loss.", "comment": "as it is", "inner": "t * 2"}


def define(**changes: str) -> Callable[..., Any]:
    """A function as a cell of a notebook defines it, with whatever it calls."""
    cell: dict[str, Any] = {"__name__": "__main__"}
    exec(compile("\n" * len(changes) + SOURCE.format(**{**USUAL, **changes}), "<cell>", "exec"), cell)
    found: Callable[..., Any] = cell["loss"]
    return found


def make_game(objective: Objective = advnets.hinge, **more: Any) -> advnets.Game:
    torch.manual_seed(3)
    generator = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    return advnets.Game(generator, discriminator, objective, latent=advnets.gaussian(4), **more)


def soft() -> Objective:
    def loss_d(real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real[:, 0] if real.ndim > 1 else -real) + softplus(fake)

    return Objective(loss_d, lambda real, fake: softplus(-fake))


def wide_hinge(margin: float = 2.0) -> Objective:
    return Objective(
        lambda real, fake: relu(margin - real) + relu(margin + fake), lambda real, fake: -fake, score=lambda t: t
    )


def wide_r1(seen: Any) -> Tensor:
    return 2 * advnets.r1(seen)


def make_penalty(factor: float) -> Callable[[Any], Tensor]:
    def penalty(seen: Any) -> Tensor:
        return factor * advnets.r1(seen)

    return penalty


def clamp_to(least: float) -> Callable[[nn.Module, float], None]:
    @torch.no_grad()
    def clamp(module: nn.Module, bound: float) -> None:
        for theta in module.parameters():
            theta.clamp_(-max(least, bound), bound)

    return clamp


class Dimmer(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.seen = 0

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        return self.factor * x


OTHERS: dict[str, tuple[Callable[[], advnets.Game], Callable[[], advnets.Game], str]] = {
    "another objective": (
        lambda: make_game(soft()),
        lambda: make_game(wide_hinge()),
        r"objective\.discriminator was .*loss_d, and is .*wide_hinge.*lambda",
    ),
    "a number of a lambda": (
        lambda: make_game(wide_hinge()),
        lambda: make_game(wide_hinge(1.5)),
        r"the code of .*wide_hinge.*lambda.*\(objective\.discriminator\) is not what it was, under the same name",
    ),
    "a row's halved loss": (
        lambda: make_game(Objective(advnets.hinge.discriminator, lambda real, fake: -fake)),
        lambda: make_game(Objective(halve(advnets.hinge.discriminator), lambda real, fake: -fake)),
        r"hinge_discriminator \(objective\.discriminator\) is not what it was",
    ),
    "a penalty of another number": (
        lambda: make_game(penalties={make_penalty(1.0): 1.0}),
        lambda: make_game(penalties={make_penalty(2.0): 1.0}),
        r"make_penalty\.<locals>\.penalty \(penalties\..*\) is not what it was",
    ),
    "a constraint": (
        lambda: make_game(constraints={"discriminator": {clamp_to(1.0): 2.0}}),
        lambda: make_game(constraints={"discriminator": {clamp_to(1.5): 2.0}}),
        r"clamp \(constraints\.discriminator\..*\) is not what it was",
    ),
    "an augmentation": (
        lambda: make_game(augment=Dimmer(0.5)),
        lambda: make_game(augment=Dimmer(0.25)),
        r"Dimmer \(augment\) is not what it was",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_function_of_ones_own_is_refused_on_resume(name: str, tmp_path: Path) -> None:
    former, other, says = OTHERS[name]
    advnets.train(game=former(), steps=2, out="run", **OFTEN)
    with pytest.raises(BadInput, match=says):
        advnets.resume("run", game=other(), steps=4)
    with pytest.raises(BadInput, match="Give the former game again"):
        advnets.resume("run", game=other(), steps=4)
    assert advnets.resume("run", game=former(), steps=4).step == 4


def test_samples_are_drawn_with_an_objective_that_was_edited_since(tmp_path: Path) -> None:
    advnets.train(game=make_game(wide_hinge()), steps=2, out="run", **OFTEN)
    edited = advnets.Run("run", make_game(wide_hinge(1.0)))
    assert len(edited.sample(4)) == 4
    with pytest.raises(BadInput, match="is not what it was"):
        edited.diagnose()


@pytest.mark.parametrize("changes", [{"doc": "A much better loss."}, {"comment": "moved\n    # and longer"}])
def test_a_digest_does_not_change_with_docstrings_comments_and_lines(changes: dict[str, str]) -> None:
    assert code_digest(define(**changes)) == code_digest(define())


@pytest.mark.parametrize(
    "changes", [{"margin": "2.0"}, {"bend": "logits.abs()"}, {"inner": "t * 3"}, {"margin": "1"}], ids=str
)
def test_a_digest_changes_with_what_a_function_computes(changes: dict[str, str]) -> None:
    assert code_digest(define(**changes)) != code_digest(define())


SET = "t * (2 if str(t.dtype) in {'a', 'b', 'c'} else 3)"


def test_a_digest_is_the_same_in_another_process_and_after_many_calls() -> None:
    found = define(inner=SET)
    before = code_digest(found)
    for _ in range(100):
        found(torch.zeros(3), torch.zeros(3))
    assert code_digest(found) == before
    program = (
        "import sys; sys.path[:0] = ['tests', 'tests/experiment', 'tests/tools']; import test_own_objectives as own; "
        "from advnets.games import code_digest; "
        "print(code_digest(own.define(inner=own.SET)))"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == before


class Counting:
    """A penalty that remembers how often it was called."""

    def __init__(self, factor: float) -> None:
        self.factor, self.calls = factor, 0

    def __call__(self, seen: Any) -> Tensor:
        self.calls += 1
        return self.factor * advnets.r1(seen)

    def pay(self, seen: Any) -> Tensor:
        return self(seen)


def countdown(n: int) -> int:
    return 0 if n == 0 else countdown(n - 1)


def test_a_digest_holds_numbers_of_objects_and_not_what_they_count() -> None:
    one, other = Counting(1.0), Counting(1.0)
    other.calls = 7
    assert code_digest(one) == code_digest(other) != code_digest(Counting(2.0))
    assert code_digest(one.pay) == code_digest(other.pay) != code_digest(Counting(2.0).pay)
    assert code_digest(functools.partial(wide_r1, 1)) != code_digest(functools.partial(wide_r1, 2))
    assert code_digest(per_sample(wide_r1)) != code_digest(per_sample(countdown))
    assert code_digest(countdown) == code_digest(countdown)
    assert len({code_digest(one) for one in (torch.sigmoid, softplus, relu, torch.Tensor.abs, nn.Identity())}) == 5


def change_recipe_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    kept = read_json(path)
    change(kept)
    write_sealed(path, {name: value for name, value in kept.items() if name != "sha256"})


def test_digests_of_another_python_are_not_compared_and_a_note_says_so(tmp_path: Path) -> None:
    run = advnets.train(game=make_game(wide_hinge()), steps=2, out="run", **OFTEN)
    change_recipe_json(run.path / "recipe.json", lambda kept: kept["game"]["own_code"].update(python="3.99"))
    again = advnets.Run("run", make_game(wide_hinge()))
    assert any("3.99 when the run was started" in note for note in again.notes())
    assert advnets.resume("run", game=make_game(wide_hinge(1.0)), steps=4).step == 4


def test_a_run_whose_functions_were_not_noted_is_refused_in_words(tmp_path: Path) -> None:
    run = advnets.train(game=make_game(penalties={wide_r1: 1.0}), steps=2, out="run", **OFTEN)
    assert json.loads((run.path / "recipe.json").read_text())["game"]["penalties"] == {f"{__name__}.wide_r1": 1.0}
    change_recipe_json(run.path / "recipe.json", lambda kept: kept["game"].pop("own_code"))
    with pytest.raises(BadInput, match="is not known, for an earlier advnets did not note it"):
        advnets.resume("run", game=make_game(penalties={wide_r1: 1.0}), steps=4)


STEPPER = """
import torch

class Slow(torch.optim.SGD):
    SHARE = {share}

    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] = {lr}
        return super().step(closure)

def build(parameters):
    return Slow(parameters, lr=0.1, momentum={momentum})
"""


def define_optimizer(name: str, share: str = "0.5", lr: str = "group['lr'] * self.SHARE", momentum: str = "0.5") -> Any:
    cell: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(STEPPER.format(share=share, lr=lr, momentum=momentum), "<cell>", "exec"), cell)
    return cell[name]


@pytest.mark.parametrize("name", ["Slow", "build"])
@pytest.mark.parametrize("change", [{"share": "0.25"}, {"lr": "group['lr'] * 0.5"}])
def test_an_optimizer_of_other_code_is_refused_on_resume(name: str, change: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "run"
    more = {"generator_rate": 0.01, "discriminator_rate": 0.01, "out": path}
    advnets.train(game=make_game(), optimizer=define_optimizer(name), steps=2, **more, **OFTEN)
    with pytest.raises(BadInput, match=r"code of __main__.* is not what it was, under the same name"):
        advnets.resume(path, game=make_game(), optimizer=define_optimizer(name, **change), steps=4)
    assert advnets.Run(path, make_game()).sample(2).values.shape == (2, 8, 8, 1)
    assert advnets.resume(path, game=make_game(), optimizer=define_optimizer(name), steps=4).step == 4


def test_a_function_that_builds_an_optimizer_is_known_by_its_numbers_and_its_class() -> None:
    usual = code_digest(define_optimizer("build"))
    assert usual == code_digest(define_optimizer("build"))
    for change in ({"share": "0.25"}, {"lr": "1.0"}, {"momentum": "0.9"}):
        assert code_digest(define_optimizer("build", **change)) != usual
