"""A user's networks are tried before anything is written: they train and sample, or one clear error says why not."""

import random
import threading
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm, weight_norm

import advnets
import tiny
from advnets import data, experiment, recipes
from advnets.algorithm import Algorithm1, AlgorithmRow, Extragradient, Simultaneous
from advnets.errors import BadInput, NonFinite
from advnets.experiment import lifecycle
from advnets.experiment.preparation.build_training import build_training
from advnets.experiment.preparation.prepare import prepare_training
from advnets.experiment.preparation.trial_move import try_one_move
from advnets.games import CycleGame, Game, Weight
from advnets.networks import Judged
from advnets.optimizers import OPTIMIZERS, OptimizerRow
from advnets.runs import state_fingerprint

Build = Callable[[], Game | CycleGame]
SHAPE = (1, 8, 8)
SMALL = replace(tiny.OWN, batch_size=8)


def g(*before: nn.Module, last: nn.Module | None = None, shape: tuple[int, ...] = SHAPE) -> nn.Sequential:
    layers = nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, int(np.prod(shape))), last or nn.Sigmoid()
    return nn.Sequential(*before, *layers, nn.Unflatten(1, shape))


def d(*last: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1), *last)


def game(generator: nn.Module | None = None, discriminator: nn.Module | None = None, **more: Any) -> Game:
    rules: dict[str, Any] = {"objective": advnets.non_saturating, "latent": advnets.gaussian(4), **more}
    return Game(generator or g(), discriminator or d(), **rules)


def start(played: Game | CycleGame, out: str = "run", recipe: recipes.Recipe = SMALL, **more: Any) -> experiment.Run:
    return experiment.start(recipe, game=played, settings=tiny.settings(out, steps=6, **more))


def finish(run: experiment.Run) -> experiment.Run:
    for _ in run.carry_on():
        pass
    return run


def notes_of(played: Game | CycleGame, **changes: Any) -> list[str]:
    run = start(played, recipe=replace(SMALL, **changes))
    assert list(experiment.Run(run.path, played).record.notes) == run.notes()
    return run.notes()


class Of(nn.Module):
    """A network of one's own: what a function makes of the output of another."""

    def __init__(self, network: nn.Module, then: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.network, self.then = network, then

    def forward(self, x: Tensor) -> Any:
        return self.then(self.network(x))


class Conditional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.g, self.e = g(), nn.Embedding(10, 4)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.g(z * self.e(y))


class Fourier(nn.Module):
    """Complex parameters, between two transforms."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.g = nn.Parameter(torch.ones(8, 5, dtype=torch.cfloat)), g()

    def forward(self, z: Tensor) -> Tensor:
        return torch.fft.irfft2(torch.fft.rfft2(self.g(z)) * self.w, s=(8, 8)).sigmoid()


class Doubled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.g, self.w = g(), nn.Parameter(torch.ones(1, dtype=torch.cdouble))

    def forward(self, z: Tensor) -> Tensor:
        return self.g(z) * self.w.real.float()


class Odd(nn.Module):
    """What cannot be copied, what remembers, what counts, and random numbers of every kind."""

    sizes: ClassVar[list[int]] = []

    def __init__(self) -> None:
        super().__init__()
        self.g, self.lock, self.modules_of_python = g(nn.BatchNorm1d(4), nn.Dropout(0.2)), threading.Lock(), [random]
        self.calls, self.last, self.boxes = 0, torch.zeros(1), [{"lock": threading.Lock(), "calls": [0]}]
        self.rng = torch.Generator().manual_seed(3)
        self.register_buffer("unsaved", torch.zeros(()), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        with self.lock:
            self.calls += 1
            self.boxes[0]["calls"][0] += 1
        self.unsaved += 1
        self.sizes.append(len(z))
        noise = torch.randn(1, generator=self.rng) + random.random() + float(np.random.rand())
        self.last = self.g(z + 0.01 * noise)
        return self.last


class Stubborn(nn.Linear):
    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError("there is only one")


class Keeper(nn.Linear):
    def get_extra_state(self) -> Any:
        return threading.Lock()

    def set_extra_state(self, state: Any) -> None: ...


def scripted(network: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(network)


def with_classic(norm: Callable[..., nn.Module]) -> Game:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        first, second = norm(nn.Linear(4, 64)), norm(nn.Linear(64, 1))
    return game(nn.Sequential(first, nn.Sigmoid(), nn.Unflatten(1, SHAPE)), nn.Sequential(nn.Flatten(), second))


def sparse_game() -> Game:
    maker = Conditional()
    maker.e = nn.Embedding(10, 4, sparse=True)
    return game(maker, given="labels")


def cycle(back: nn.Module) -> CycleGame:
    there = game(nn.Conv2d(1, 1, 3, padding=1), d(), latent=None, given="images")
    return CycleGame(there, game(back, d(), latent=None, given="images"), pool=3)


REFUSED: dict[str, tuple[Build, str]] = {
    "G of another size": (
        lambda: game(g(shape=(1, 12, 12)), nn.Sequential(nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())),
        r"the generator made samples of shape \(8, 1, 12, 12\), expected \(8, 1, 8, 8\): 8 of the data's shape",
    ),
    "G without its last layer": (lambda: game(g()[:-1]), r"shape \(8, 64\), expected .*nn.Unflatten\(1, \(1, 8, 8\)\)"),
    "G that loses samples": (lambda: game(Of(g(), lambda x: x[:1])), r"shape \(1, 1, 8, 8\), expected \(8, 1, 8, 8\)"),
    "G returns a tuple": (lambda: game(Of(g(), lambda x: (x, x))), "the generator returned a tuple; expected a tensor"),
    "G returns a dict": (lambda: game(Of(g(), lambda x: {"x": x})), "the generator returned a dict; expected a tensor"),
    "G of float64 samples": (
        lambda: game(Of(g(), Tensor.double)),
        "made samples of torch.float64, expected torch.float32",
    ),
    "networks of float64": (
        lambda: game(g().double(), d().double()),
        "discriminator torch.float64, generator torch.float64. Write discriminator.float.. and generator.float",
    ),
    "D of float64": (lambda: game(g(), d().double()), r"cannot judge samples .* discriminator torch.float64. Write"),
    "G for another latent": (
        lambda: game(latent=advnets.gaussian(5)),
        r"the generator cannot make samples of z \(8, 5\): RuntimeError: mat1",
    ),
    "D for other images": (
        lambda: game(g(), nn.Sequential(nn.Flatten(), nn.Linear(63, 1))),
        r"cannot judge samples \(8, 1, 8, 8\): Runtime",
    ),
    "D returns a tuple": (
        lambda: game(g(), Of(d(), lambda a: (a, a))),
        r"the discriminator returned a tuple; .* advnets.Judged\(logits",
    ),
    "D returns a dict": (
        lambda: game(g(), Of(d(), lambda a: {"a": a})),
        r"the discriminator returned a dict; .* advnets.Judged\(logits",
    ),
    "heads without names": (
        lambda: game(g(), Of(d(), lambda a: Judged(a, a))),
        "heads as a Tensor; expected a mapping",
    ),
    "D that mixes samples": (
        lambda: game(g(), d(nn.Flatten(0), nn.Unflatten(0, (2, -1)))),
        r"gave \(2, 4\) for 8 samples",
    ),
    "D that cuts the gradient": (
        lambda: game(g(), Of(d(), Tensor.detach)),
        "the discriminator cannot move: .*cuts the gr",
    ),
    "G that cuts the gradient": (
        lambda: game(Of(g(), Tensor.detach)),
        "the generator cannot move: .*cuts the gradient",
    ),
    "D with nothing to train": (
        lambda: game(g(), d().requires_grad_(False)),
        r"the discriminator has nothing to train: found 529 parameters, none",
    ),
    "G with nothing to train": (
        lambda: game(nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Upsample(scale_factor=4))),
        "the generator has nothing to train: found no parameters",
    ),
    "TorchScript": (lambda: game(scripted(g()), d()), "the generator, as a whole, is TorchScript"),
    "TorchScript within": (
        lambda: game(g(), nn.Sequential(scripted(d()))),
        "the discriminator, in '0', is TorchScript",
    ),
    "a class that refuses copies": (lambda: game(g(Stubborn(4, 4))), "Sequential cannot be copied.*there is only one"),
    "a state that is no JSON": (lambda: game(g(Keeper(4, 4))), "the state of the generator cannot be saved: TypeError"),
    "a type that no checkpoint holds": (
        lambda: game(Doubled()),
        "the state of the generator cannot be saved: .*complex128",
    ),
    "sparse gradients": (sparse_game, "the generator cannot move: RuntimeError: .*sparse"),
    "a constraint of nothing": (
        lambda: game(
            nn.Sequential(nn.Unflatten(1, (4, 1, 1)), nn.ConvTranspose2d(4, 1, 8)),
            constraints={"generator": {advnets.max_column_norm: 1.0}},
        ),
        "max_column_norm would do nothing",
    ),
    "a penalty that fails": (
        lambda: game(penalties={lambda seen: 1 / 0: 1.0}),
        "the discriminator cannot move: ZeroDivisionError: division",
    ),
    "an augmentation of another size": (
        lambda: game(augment=lambda x: x[..., :4]),
        "the discriminator cannot judge samples .*: RuntimeError: mat1",
    ),
    "a cycle whose way back is of another size": (
        lambda: cycle(nn.Sequential(nn.Conv2d(1, 1, 3), nn.Upsample((8, 8)), nn.Conv2d(1, 1, 3))),
        r"the generator of the way 'back' made samples of shape \(8, 1, 6, 6\)",
    ),
    "a batch that no pack divides": (lambda: game(pack=3), "found a batch of 8, expected a multiple of 3"),
    "D without nn.Flatten": (
        lambda: game(g(), d()[1:]),
        r"cannot judge samples .* nn.Linear\(64, 8\) takes rows of 64 numbers, and was given a tensor of shape "
        r"\(8, 1, 8, 8\): put nn.Flatten\(\) before it. Nothing is written",
    ),
    "D without nn.Flatten, and of another size": (
        lambda: game(g(), nn.Sequential(nn.Linear(63, 1))),
        r"put nn.Flatten\(\) before it, and write nn.Linear\(64, 1\) in its place. Nothing",
    ),
    "D whose dense layer is of another size": (
        lambda: game(g(), nn.Sequential(nn.Flatten(), nn.Linear(63, 1))),
        r"was given a tensor of shape \(8, 64\): write nn.Linear\(64, 1\) in its place. Nothing",
    ),
    "G without nn.Unflatten before a convolution": (
        lambda: game(nn.Sequential(nn.Linear(4, 32), nn.ConvTranspose2d(2, 1, 2, 2))),
        r"cannot make samples .*ConvTranspose2d of 2 channels .* \(8, 32\): put nn.Unflatten\(1, \(2, 4, 4\)\) before",
    ),
    "D of another number of channels": (
        lambda: game(g(), nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 1))),
        r"was given one of shape \(8, 1, 8, 8\): write nn.Conv2d\(1, 4, ...\) in its place. Nothing",
    ),
    "a layer that fails for another reason": (
        lambda: game(g(), Of(d(), lambda a: a[:, 5])),
        r"cannot judge samples \(8, 1, 8, 8\): IndexError: [^.]*\. Nothing is written",
    ),
    "G that draws whole batches only": (
        lambda: game(Of(g()[:-1], lambda x: x.view(8, *SHAPE))),
        "cannot draw 2 samples in evaluation mode: RuntimeError",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_networks_that_cannot_be_trained_are_refused_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    build, says = REFUSED[name]
    images = data.load("digits").train.values[:40]
    own = {"data": images, "given": images} if "cycle" in name else {}
    with pytest.raises(BadInput, match=f"(?s){says}"):
        experiment.start(SMALL, game=build(), settings=tiny.settings("run", steps=6), **own)
    assert list(Path().iterdir()) == []


def test_batch_normalisation_of_one_sample_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"the generator cannot make .* more than one sample: raise batch_size"):
        start(game(g(nn.BatchNorm1d(4))), recipe=replace(SMALL, batch_size=1))
    assert finish(start(game(), recipe=replace(SMALL, batch_size=1))).step == 6


def test_a_move_that_is_not_finite_is_left_to_the_training(tmp_path: Path) -> None:
    run = start(game(g(), Of(d(), lambda a: a * float("nan"))))
    with pytest.raises(NonFinite, match="at step 0"):
        finish(run)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"objective": "hinge"},
            r"objective: found 'hinge' \(str\); expected .* advnets.hinge. Write it without quotes",
        ),
        ({"objective": "hinje"}, "Did you mean 'hinge'"),
        ({"latent": 64}, r"latent: found 64 \(int\); .* Write latent=advnets.gaussian\(64\)"),
        (
            {"penalties": [advnets.r1]},
            r"penalties: found \[.*\(list\); expected a mapping .* Write penalties={advnets.r1: 10",
        ),
        ({"penalties": {"r1": 1.0}}, r"penalties: found the key 'r1' \(str\), which is no function"),
        (
            {"penalties": {lambda seen: seen: 1.0, lambda seen: 2 * seen: 1.0}},
            "called <lambda>, <lambda>; expected a name",
        ),
        ({"ties": [advnets.l1]}, r"ties: found \[.*\(list\); expected a mapping"),
        ({"ties": {"generator": [advnets.l1]}}, r"ties of the generator: found \[.*\(list\)"),
        ({"constraints": {advnets.clip_weights: 0.1}}, "unknown player"),
        ({"constraints": {"discriminator": "clip"}}, r"constraints of the discriminator: found 'clip' \(str\)"),
        ({"augment": "flip"}, r"augment: found 'flip' \(str\)"),
        ({"precision": "bfloat16"}, r"precision: found 'bfloat16' \(str\); .* Write torch.bfloat16"),
        ({"generator": nn.Linear}, "generator: found the class Linear, expected an nn.Module"),
        ({"generator": g(nn.LazyLinear(4))}, "generator: found the lazy layer '0', .* Call the network once"),
        ({"discriminator": nn.Sequential(nn.Flatten(), nn.LazyLinear(1))}, "discriminator: found the lazy layer '1'"),
        ({"generator": Conditional()}, r"the generator's forward takes z, y, and the game has z .* given='labels'"),
    ],
)
def test_a_field_of_another_kind_is_told_what_to_write(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=f"(?s){says}"):
        Game(
            **{"generator": g(), "discriminator": d(), "objective": advnets.hinge, "latent": advnets.gaussian(4)}
            | fields
        )


def test_lazy_layers_that_have_seen_an_input_train(tmp_path: Path) -> None:
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(1))
    lazy(torch.zeros(2, *SHAPE))
    assert finish(start(game(g(), lazy))).step == 6
    assert finish(start(game(Conditional(), given="labels"), out="labels")).sample(3).values.shape == (3, 8, 8, 1)


WORKS: dict[str, Build] = {
    "classic spectral_norm": lambda: with_classic(spectral_norm),
    "classic weight_norm": lambda: with_classic(weight_norm),
    "what cannot be copied": lambda: game(Odd()),
    "complex parameters": lambda: game(Fourier()),
    "patches": lambda: game(g(), nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.LeakyReLU(), nn.Conv2d(4, 1, 2))),
    "logits (batch,)": lambda: game(g(), d(nn.Flatten(0))),
    "heads": lambda: game(g(), Of(d(), lambda a: Judged(a, {"twice": 2 * a}))),
    "a network for whole batches in training": lambda: game(g(), Of(d(), lambda a: a.view(8, 1))),
}


@pytest.mark.parametrize("name", WORKS)
def test_networks_out_of_the_ordinary_train_resume_and_sample(name: str, tmp_path: Path) -> None:
    def build() -> Game | CycleGame:
        torch.manual_seed(1)
        return WORKS[name]()

    whole = finish(start(build(), "whole"))
    assert whole.sample(3).values.shape == (3, 8, 8, 1)
    next(start(build(), "parted").carry_on())
    again = experiment.resume("parted", game=build())
    assert again.step == 6
    if name != "what cannot be copied":  # its own generator and counters are in no checkpoint
        assert tiny.state_hash(again) == tiny.state_hash(whole)


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=str)
def test_every_optimizer_moves_complex_parameters_and_their_average(row: type[OptimizerRow], tmp_path: Path) -> None:
    torch.manual_seed(1)
    recipe = replace(tiny.with_descents(SMALL, optimizer=row(), rate=0.01), average=recipes.Average(half_life=8.0))
    played = game(Fourier())
    run = finish(start(played, recipe=recipe))
    moved, average = played.generator.w.detach(), run.model.network.w
    assert torch.is_complex(average)
    assert not torch.equal(average, moved)
    assert float((average - moved).abs().max()) < float((moved - 1).abs().max())


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own, while it compiles
def test_a_compiled_discriminator_plays_uncompiled_under_a_penalty(tmp_path: Path) -> None:
    def ends(judge: Callable[[nn.Module], nn.Module]) -> list[Tensor]:
        torch.manual_seed(1)
        played = game(g(), judge(d()), penalties={advnets.r1: Weight(1.0, every=2)})
        run = finish(start(played, out=judge.__name__))
        is_told = [note for note in run.notes() if "is compiled: its moves are made uncompiled" in note]
        assert len(is_told) == (judge is compiled)
        return list(played.discriminator.parameters())

    def compiled(network: nn.Module) -> nn.Module:
        return torch.compile(network, backend="aot_eager")

    def plain(network: nn.Module) -> nn.Module:
        return network

    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ends(compiled), ends(plain), strict=True))


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_with_gradients_switched_off_around_it_a_run_is_the_same(context: Any, tmp_path: Path) -> None:
    whole = advnets.train(tiny.RECIPE, data="digits", steps=6, out="whole", device="cpu")
    with context():
        run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", steps=6, journal_steps=2))
        for progress in run.carry_on():
            assert not torch.is_grad_enabled()  # between two values it is as the caller has it
            if progress.step == 4:
                break
        again = experiment.resume("run")
        assert not torch.is_grad_enabled()
    assert tiny.state_hash(again) == tiny.state_hash(whole)


@pytest.mark.parametrize(
    ("last", "transform", "says"),
    [
        (nn.Tanh(), "unit", "ends in tanh, from -1 to 1, and images of the transform 'unit' go from 0 to 1"),
        (nn.Sigmoid(), "symmetric", "ends in sigmoid, from 0 to 1, and images of the transform 'symmetric' go from -1"),
        (nn.ReLU(), "symmetric", "ends in relu, from 0 to inf"),
        (nn.Sigmoid(), "unit", None),
        (nn.Tanh(), "symmetric", None),
        (nn.Identity(), "symmetric", None),
        (nn.Tanh(), "contrast", None),
    ],
)
def test_samples_of_another_range_than_the_data_are_told(last: Any, transform: str, says: str, tmp_path: Path) -> None:
    notes = notes_of(game(g(last=last)), transform=transform)
    assert len(notes) == (says is not None)
    assert all(says in note for note in notes)


@pytest.mark.parametrize(
    ("last", "objective", "is_told"),
    [
        (nn.Sigmoid(), advnets.non_saturating, True),
        (nn.Sigmoid(), advnets.hinge, True),
        (nn.LogSigmoid(), advnets.minimax, True),
        (nn.Sigmoid(), advnets.least_squares, False),
        (nn.Sigmoid(), replace(advnets.hinge, discriminator=lambda real, fake: fake - real), False),
        (nn.Identity(), advnets.non_saturating, False),
    ],
)
def test_a_discriminator_that_ends_in_a_probability_is_told(
    last: nn.Module, objective: Any, is_told: bool, tmp_path: Path
) -> None:
    notes = notes_of(game(g(), d(last, nn.Flatten(0)), objective=objective))
    assert [("leave the last layer out" in note) for note in notes] == [True] * is_told


def test_no_recipe_is_told_anything(tmp_path: Path) -> None:
    assert start_notes(tiny.RECIPE) == []


def start_notes(recipe: recipes.Recipe) -> list[str]:
    return experiment.start(recipe, settings=tiny.settings("notes", steps=1)).notes()


class Several(nn.Module):
    """A generator that draws from every default generator and from its own, with statistics and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.odd = Odd()

    def forward(self, z: Tensor) -> Tensor:
        return self.odd(z)


def several(**more: Any) -> Game:
    torch.manual_seed(1)
    judge = d()
    judge[1] = nn.utils.parametrizations.spectral_norm(judge[1])
    judge.append(nn.Dropout(0.1))
    return game(Several(), judge, penalties={advnets.r1: Weight(1.0, every=2)}, **more)


ALGORITHMS: list[AlgorithmRow] = [Algorithm1(k=2, share_fakes=True), Simultaneous(), Extragradient()]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda row: type(row).__name__)
def test_a_run_is_bit_for_bit_what_it_is_without_a_trial(
    algorithm: AlgorithmRow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(SMALL, algorithm=algorithm, average=recipes.Average(half_life=20.0))

    def end(out: str) -> tuple[Any, ...]:
        played = several()
        run = finish(start(played, out, recipe))
        odd = played.generator.odd
        own = odd.calls, odd.boxes[0]["calls"], float(odd.unsaved), odd.rng.get_state().tolist()
        journal = [
            {name: row[name] for name in row if name not in ("seconds", "images_per_second")} for row in rows(run)
        ]
        return tiny.state_hash(run), own, journal, (run.path / "previews" / "00000006.png").read_bytes()

    tried = end("tried")
    monkeypatch.setattr(lifecycle, "try_one_move", lambda *given: [])
    assert end("untried") == tried


def rows(run: experiment.Run) -> list[dict[str, Any]]:
    return list(run.directory.journal.read())


def test_a_cycle_and_a_recipe_are_what_they_are_without_a_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = data.load("digits").train.values[:40]

    def ends(out: str) -> list[str]:
        torch.manual_seed(2)
        settings = tiny.settings(f"cycle-{out}", steps=6)
        played = cycle(nn.Conv2d(1, 1, 3, padding=1))
        run = finish(experiment.start(SMALL, game=played, settings=settings, data=images, given=1 - images // 255))
        return [tiny.state_hash(run), tiny.state_hash(tiny.trained(f"recipe-{out}", steps=6))]

    tried = ends("tried")
    monkeypatch.setattr(lifecycle, "try_one_move", lambda *given: [])
    assert ends("untried") == tried


def test_a_start_leaves_networks_and_the_programs_random_numbers_as_they_were(tmp_path: Path) -> None:
    played = several()
    odd = played.generator.odd

    def everything() -> str:
        held = {"buffers": dict(played.generator.named_buffers()), "own": odd.rng.get_state(), "last": odd.last}
        return state_fingerprint(
            held
            | {who: dict(network.state_dict()) for who, network in played.players.items()}
            | {"modes": [module.training for module in odd.modules()], "calls": [odd.calls, odd.boxes[0]["calls"]]}
            | {"drawn": [torch.get_rng_state(), random.random(), float(np.random.rand())]}
        )

    numbers = random.getstate(), np.random.get_state(), torch.get_rng_state()
    before = everything()
    random.setstate(numbers[0])
    np.random.set_state(numbers[1])
    torch.set_rng_state(numbers[2])
    start(played)
    assert everything() == before
    assert all(theta.grad is None and theta.requires_grad for theta in odd.parameters())


@pytest.mark.parametrize("capture", [False, True])
def test_a_trial_leaves_a_training_as_it_is_and_is_played_on_two_samples(capture: bool) -> None:
    digits = data.load("digits")
    prepared = prepare_training(SMALL, digits, seed=1, device=torch.device("cpu"), game=several(), capture=capture)
    training: Any = prepared.training

    def everything() -> str:
        return state_fingerprint(
            {
                "t": training.state(),
                "a": prepared.average.state(),
                "s": prepared.streams.states,
                "shared": prepared.streams.shared.get_state(),
            }
        )

    before, optimizers = everything(), dict(training.optimizers)
    Odd.sizes.clear()
    try_one_move(prepared, "unit")
    assert Odd.sizes == [2, 2, 2, 2]  # samples, D's move, G's move, samples in evaluation mode
    assert everything() == before
    assert training.recorder is None
    assert training.optimizers == optimizers
    assert not any(optimizer.state for optimizer in optimizers.values())


def test_networks_are_moved_to_the_runs_device() -> None:
    played = game()
    build_training(SMALL, data.load("digits"), seed=0, device=torch.device("meta"), game=played)
    assert {theta.device.type for network in played.players.values() for theta in network.parameters()} == {"meta"}


def test_without_memory_for_copies_the_trial_is_left_out_and_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(value: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("advnets.experiment.preparation.trial_move.copy_deeply", full)
    assert notes_of(game()) == ["the trial move is left out: there is no memory for copies of both players"]
