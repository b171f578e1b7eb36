"""Recorded turns: bit for bit what plain turns are, over every objective and penalty, and refused where they cannot be.

No GPU is asked for: the recorder's stand-in for the CPU replays the same work on the same memory from Python.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advnets import capture, data, distributed, experiment
from advnets.algorithm import (
    ALGORITHMS,
    Algorithm1,
    AlgorithmRow,
    Extragradient,
    Simultaneous,
    algorithm1,
)
from advnets.capture import WARM_UP, EagerBackend, Recorder
from advnets.constraints import clip_weights
from advnets.errors import BadInput, NonFinite, Unsupported
from advnets.experiment.preparation.build_training import build_game_training
from advnets.experiment.preparation.game_training import GameTraining
from advnets.games import Game, Weight
from advnets.latents import gaussian
from advnets.networks.layers.dense import Dropout
from advnets.objectives import OBJECTIVES
from advnets.optimizers import SGD, Adam, Momentum, OptimizerRow, RMSprop, set_numbers
from advnets.penalties import FINITE, PENALTIES
from advnets.recipes import Descent, Recipe
from advnets.runs import state_fingerprint
from advnets.schedules import ExponentialDecay, LinearDecay
from advnets.training import Batch, Moment, Step
from advnets.turns import play_turn
from tiny import RECIPE, TWO_STAGES, settings, state_hash, trained

CPU = torch.device("cpu")


def game_of(objective: str = "non_saturating", penalty: str | None = None, **more: Any) -> Game:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))
    first, later = (0.0, 0.0) if PENALTIES.get(penalty or "") in FINITE else (0.2, 0.5)
    discriminator = nn.Sequential(Dropout(first), nn.Linear(2, 8), nn.Softplus(), Dropout(later), nn.Linear(8, 1))
    penalties = {PENALTIES[penalty]: 0.5} if penalty else {}
    more = {"penalties": penalties, **more}
    return Game(generator, discriminator, OBJECTIVES[objective], latent=gaussian(3), **more)


def batches(n: int = 8) -> Iterator[Batch]:
    rng = torch.Generator().manual_seed(3)
    while True:
        yield Batch(torch.randn(n, 2, generator=rng) + 2)


def optimizers(game: Game) -> dict[str, torch.optim.Optimizer]:
    made = {player: Adam((0.5, 0.9)).build(list(net.parameters())) for player, net in game.players.items()}
    for optimizer in made.values():
        set_numbers(optimizer, lr=0.01)
    return made


def played(game: Game, turn: Any, *, steps: int = 6, algorithm: AlgorithmRow | None = None) -> list[Any]:
    """Readings of every step, then every parameter and buffer."""
    torch.manual_seed(5)
    made = (algorithm or Algorithm1()).steps(game, batches(), optimizers(game), turn=turn)
    readings: list[Any] = [next(made).readings() for _ in range(steps)]
    return [*readings, *(tensor for net in game.players.values() for tensor in net.state_dict().values())]


def assert_equal(found: list[Any], expected: list[Any]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b) if isinstance(a, Tensor) else a == b


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("penalty", [None, *PENALTIES])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_recorded_turns_are_plain_turns_bit_for_bit(objective: str, penalty: str | None, k: int) -> None:
    plain, recorded = game_of(objective, penalty), game_of(objective, penalty)
    recorder = Recorder(CPU)
    row = Algorithm1(k=k)
    assert_equal(played(recorded, recorder, algorithm=row), played(plain, play_turn, algorithm=row))
    assert {kind[0]: r.replay is not None for kind, r in recorder.recordings.items()} == {
        ("discriminator",): True,
        ("generator",): True,
    }


@pytest.mark.parametrize("penalty", [None, *PENALTIES])
def test_both_gradients_of_one_graph_are_one_recording(penalty: str | None) -> None:
    plain, recorded = game_of(penalty=penalty), game_of(penalty=penalty)
    recorder = Recorder(CPU)
    row = Simultaneous()
    assert_equal(played(recorded, recorder, algorithm=row), played(plain, play_turn, algorithm=row))
    assert [kind[0] for kind in recorder.recordings] == [("discriminator", "generator")]


def test_the_two_halves_of_extragradient_are_recordings_of_their_own() -> None:
    plain, recorded, recorder = game_of(), game_of(), Recorder(CPU)
    row = Extragradient()
    assert_equal(played(recorded, recorder, algorithm=row), played(plain, play_turn, algorithm=row))
    assert len(recorder.recordings) == 2


def test_a_lazy_move_is_a_recording_of_its_own() -> None:
    def lazy() -> Game:
        return game_of(penalty=None, penalties={PENALTIES["r1"]: Weight(0.5, every=2)})

    recorder = Recorder(CPU)
    assert_equal(played(lazy(), recorder, steps=12), played(lazy(), play_turn, steps=12))
    assert sorted(kind[1] for kind in recorder.recordings) == [(), (), ("r1",)]


def test_constraints_and_a_k_that_depends_on_the_step_are_recorded_too() -> None:
    bounds = {"discriminator": {clip_weights: 0.05}}
    plain, recorded = game_of(constraints=bounds), game_of(constraints=bounds)
    found = []
    for game, turn in ((plain, play_turn), (recorded, Recorder(CPU))):
        torch.manual_seed(5)
        made = algorithm1(game, batches(), optimizers(game), k=lambda step: step % 3, turn=turn)
        found.append(
            [next(made).readings() for _ in range(6)] + [p for n in game.players.values() for p in n.parameters()]
        )
    assert_equal(*found)
    assert max(float(theta.detach().abs().max()) for theta in recorded.discriminator.parameters()) < 0.0501


class Tape:
    """A backend that keeps the log of what was asked of it, and can forget to replay."""

    def __init__(self, forgets: bool = False) -> None:
        self.log: list[str] = []
        self.forgets = forgets

    def warm_up(self, work: capture.Work) -> None:
        self.log.append("warm up")
        work()

    def record(self, work: capture.Work) -> capture.Work:
        self.log.append("record")
        return (lambda: self.log.append("forgotten")) if self.forgets else work

    def fetch(self, tensor: Tensor) -> Any:
        return EagerBackend().fetch(tensor)


def test_turns_are_played_a_few_times_and_recorded_once() -> None:
    tape = Tape()
    played(game_of(), Recorder(CPU, tape), algorithm=Simultaneous(), steps=WARM_UP + 4)
    assert tape.log == ["warm up"] * WARM_UP + ["record"]


def test_a_replay_that_does_nothing_is_missed() -> None:
    """The comparison bites: readings and parameters depend on every replay."""
    found, expected = played(game_of(), Recorder(CPU, Tape(forgets=True))), played(game_of(), play_turn)
    with pytest.raises(AssertionError):
        assert_equal(found, expected)


RATES = {"generator": ExponentialDecay(0.02, 0.9, floor=1e-4), "discriminator": LinearDecay(0.01, 0.001)}


def descend_by(recipe: Recipe, optimizer: OptimizerRow) -> Recipe:
    return replace(recipe, descents={player: Descent(optimizer, rate) for player, rate in RATES.items()})


def recipes() -> dict[str, Recipe]:
    momentum = descend_by(RECIPE, Momentum(LinearDecay(0.5, 0.7)))
    return {
        "adam": descend_by(RECIPE, Adam()),
        "momentum": momentum,
        "sgd": descend_by(RECIPE, SGD()),
        "rmsprop": descend_by(RECIPE, RMSprop()),
        "simultaneous": replace(momentum, algorithm=Simultaneous()),
        "extragradient": replace(momentum, algorithm=Extragradient()),
    }


def set_up(recipe: Recipe, *, recorded: bool) -> GameTraining:
    torch.manual_seed(0)
    return build_game_training(recipe, data.load("digits"), seed=0, device=CPU, capture=recorded)


def stepped(tried: GameTraining, first: int, last: int) -> GameTraining:
    torch.manual_seed(first)
    steps = tried.steps(first)
    for number in range(first, last):
        tried.schedule(Moment(number, tried.batches.epoch + 1, number / 20))
        step: Step = next(steps)
        assert step.number == number
    return tried


@pytest.mark.parametrize("name", list(recipes()))
def test_schedules_reach_recorded_optimizers_and_a_checkpoint_does_not_tell_them_apart(name: str) -> None:
    recipe = recipes()[name]
    plain, recorded = (stepped(set_up(recipe, recorded=way), 0, 8) for way in (False, True))
    assert state_fingerprint(recorded.state()) == state_fingerprint(plain.state())
    states = [tried.state() for tried in (plain, recorded)]
    # Each goes on from the other's checkpoint.
    again = [set_up(recipe, recorded=way) for way in (False, True)]
    for tried, state in zip(again, reversed(states), strict=True):
        tried.load(state)
        stepped(tried, 8, 16)
    assert state_fingerprint(again[0].state()) == state_fingerprint(again[1].state())


def test_a_schedule_that_does_not_reach_the_recording_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipes()["adam"]
    plain = stepped(set_up(recipe, recorded=False), 0, 8)
    monkeypatch.setattr("torch.Tensor.fill_", lambda tensor, value: tensor)
    assert state_fingerprint(stepped(set_up(recipe, recorded=True), 0, 8).state()) != state_fingerprint(plain.state())


def test_a_schedule_of_a_number_that_a_recording_holds_as_it_was_is_refused() -> None:
    recipe = descend_by(RECIPE, Adam(betas=(0.5, LinearDecay(0.9, 0.99))))
    with pytest.raises(Unsupported, match="schedule of betas, with Adam"):
        stepped(set_up(recipe, recorded=True), 0, 8)


@pytest.mark.parametrize("recipe", [RECIPE, TWO_STAGES], ids=lambda recipe: recipe.name)
def test_a_whole_run_ends_alike_and_so_does_one_resumed(
    recipe: Recipe, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = trained(str(tmp_path / "plain"), recipe, steps=16)
    for room in ("lifecycle", "training_loop.run_loop"):
        monkeypatch.setattr(f"advnets.experiment.{room}.can_capture", lambda device: True, raising=False)
        monkeypatch.setattr(f"advnets.experiment.{room}.expect_capturable", lambda device: None, raising=False)
    made: list[Recorder] = []
    monkeypatch.setattr(Recorder, "settle", lambda self, settle=Recorder.settle: made.append(self) or settle(self))
    recorded = trained(str(tmp_path / "recorded"), recipe, steps=16, capture=True)
    assert made
    assert state_hash(recorded) == state_hash(plain)
    halves = trained(str(tmp_path / "halves"), recipe, steps=16, capture=True, minutes=1e-9)
    assert 0 < halves.step < 16
    for _ in halves.carry_on(steps=16):
        pass
    assert state_hash(halves) == state_hash(plain)


def test_what_is_not_finite_is_told_one_turn_late_by_name() -> None:
    game = game_of()
    recorder = Recorder(CPU)
    steps = algorithm1(game, poisoned(at=5), optimizers(game), turn=recorder)
    for _ in range(5):
        next(steps)
    with pytest.raises(NonFinite, match="NaN or Inf in the real batch at step 5, noticed one turn late"):
        next(steps)


def test_the_last_turn_is_settled_before_a_checkpoint() -> None:
    game = game_of()
    recorder = Recorder(CPU)
    recorder(game, ("discriminator",), optimizers(game), Batch(torch.full((8, 2), float("inf"))), 7)
    with pytest.raises(NonFinite, match="Inf in the real batch at step 7"):
        recorder.settle()
    recorder.settle()  # told once


def poisoned(at: int) -> Iterator[Batch]:
    for number, batch in enumerate(batches()):
        yield Batch(torch.full_like(batch.real, float("nan"))) if number == at else batch


def test_draws_of_the_cpu_that_a_recording_would_freeze_are_refused() -> None:
    game = game_of(augment=lambda images: images + random.random())
    with pytest.raises(Unsupported, match="draws random numbers on the CPU"):
        played(game, Recorder(CPU))


def test_batches_of_another_shape_are_refused() -> None:
    game = game_of()
    recorder = Recorder(CPU)
    descents = optimizers(game)
    recorder(game, ("discriminator",), descents, Batch(torch.randn(8, 2)), 0)
    with pytest.raises(Unsupported, match=r"found a batch of {'real': \(5, 2\)}, expected {'real': \(8, 2\)}"):
        recorder(game, ("discriminator",), descents, Batch(torch.randn(5, 2)), 0)


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advnets.distributed.world_size", lambda: 2)
    with pytest.raises(Unsupported, match="--capture: found 2 processes"):
        Recorder(CPU)


def test_on_a_cpu_the_setting_is_refused_before_anything_is_written(tmp_path: Any) -> None:
    asked = settings(str(tmp_path / "run"), capture=True)
    for begin in (experiment.start, experiment.dry_run):
        with pytest.raises(BadInput, match="--capture records CUDA graphs: found device cpu, expected cuda"):
            begin(RECIPE, settings=asked)
    assert not (tmp_path / "run").exists()


def test_a_captured_run_resumed_on_a_cpu_says_that_nothing_is_recorded(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("advnets.experiment.lifecycle.expect_capturable", lambda device: None)
        run = trained(str(tmp_path / "run"), steps=4, capture=True)
    assert (
        "capture: there is no CUDA device here, so moves are not recorded; the run learns the same, slower"
        in run.notes()
    )


class NoGpu:
    """torch.cuda as far as a capture asks for it: what is asked is logged, and nothing is run."""

    def __init__(self, *asked: Any) -> None:
        self.log: list[Any] = list(asked)

    def register_generator_state(self, generator: torch.Generator) -> None:
        self.log.append(generator)

    def replay(self) -> None:
        self.log.append("replay")

    def __enter__(self) -> None:
        """Capture: the work's kernels are only noted."""

    def __exit__(self, *error: object) -> None:
        """End of it."""


def test_a_graph_registers_the_shared_generator_and_says_what_cannot_be_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("Stream", "CUDAGraph"):
        monkeypatch.setattr(torch.cuda, name, NoGpu)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph, stream: graph)
    shared = type("OnCuda", (), {"device": torch.device("cuda")})()
    backend = capture.CudaGraph(torch.device("cuda"))
    with distributed.use_shared_generator(shared):
        replay = backend.record(lambda: None)
        replay()
    assert replay.__self__.log == [shared, "replay"]  # type: ignore[attr-defined]

    def looks_at_a_value() -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")

    with pytest.raises(
        Unsupported, match=r"a CUDA graph: operation not permitted when stream is capturing\. Its networks"
    ):
        backend.record(looks_at_a_value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device, which alone captures graphs")
def test_cuda_graphs_learn_what_plain_turns_do() -> None:
    for algorithm in ALGORITHMS:
        for penalty in (None, *PENALTIES):
            plain, captured = (on_cuda(algorithm, penalty, captured=way) for way in (False, True))
            for a, b in zip(plain, captured, strict=True):
                torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def on_cuda(algorithm: str, penalty: str | None, *, captured: bool) -> list[Tensor]:
    """Every parameter after a dozen steps on the GPU."""
    device, game = torch.device("cuda"), game_of(penalty=penalty)
    game.generator.to(device), game.discriminator.to(device)
    torch.manual_seed(5)
    real = (Batch(batch.real.to(device)) for batch in batches())
    turn = Recorder(device) if captured else None
    steps = ALGORITHMS[algorithm]().steps(game, real, optimizers(game), turn=turn)
    for _ in range(12):
        next(steps)
    return [theta.detach().cpu() for net in game.players.values() for theta in net.parameters()]
