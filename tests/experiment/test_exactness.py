"""Runs of one's own networks that remember more than weights: resumed exactly, or named as not exact."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import advnets
import tiny
from advnets import experiment, runs
from advnets.extractors import Preprocessing, network_extractor


class Network(nn.Module):
    """A generator of digits."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, z: Tensor) -> Tensor:
        y: Tensor = self.layers(z * (1 + self.amount()))
        return y

    def amount(self) -> Any:
        return 0.0


class Counter(Network):
    """It counts its calls in a plain attribute."""

    calls = 0

    def amount(self) -> Any:
        self.calls += self.training
        return 1 / (1 + self.calls)


class Buffer(Network):
    """It counts its calls in a buffer that no state_dict holds."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def amount(self) -> Any:
        self.calls += float(self.training)
        return 1 / (1 + self.calls)


class OwnNoise(Network):
    """It draws from a torch.Generator of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = torch.Generator().manual_seed(1)

    def amount(self) -> Any:
        return torch.rand((), generator=self.rng)


class NumpyNoise(Network):
    """It draws from a generator of numpy's of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(1)

    def amount(self) -> Any:
        return float(self.rng.random())


class Iterates(Network):
    """It counts by an iterator, whose place nothing can store."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = itertools.count(1)

    def amount(self) -> Any:
        return 1 / next(self.counts)


def game(kind: Callable[[], nn.Module]) -> advnets.Game:
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0))
    return advnets.Game(kind(), judge, advnets.non_saturating, latent=advnets.gaussian(4))


def train(kind: Callable[[], nn.Module], out: str, steps: int) -> experiment.Run:
    more: dict[str, Any] = {"journal_steps": 2, "preview_steps": 3, "checkpoint_steps": 3, "device": "cpu"}
    return experiment.train(game=game(kind), data="digits", steps=steps, out=out, **more)


@pytest.mark.parametrize("kind", [Counter, Buffer, OwnNoise, NumpyNoise])
def test_what_a_network_remembers_is_resumed_exactly(kind: type[Network], tmp_path: Path) -> None:
    whole = train(kind, "whole", 6)
    train(kind, "half", 3)
    half = experiment.resume("half", game=game(kind), steps=6)
    assert tiny.state_hash(half) == tiny.state_hash(whole)
    pictures = [[path.read_bytes() for path in sorted(run.directory.previews.iterdir())] for run in (whole, half)]
    assert len(pictures[0]) == 2
    assert pictures[0] == pictures[1]
    assert [note for note in half.notes() if "bit-identical" in note] == []
    opened = experiment.Run(Path("whole"), game(kind))
    assert np.array_equal(opened.sample(5).values, whole.sample(5).values)
    assert np.array_equal(opened.sample(5).values, half.sample(5).values)


def test_what_cannot_be_stored_is_named(tmp_path: Path) -> None:
    train(Iterates, "half", 3)
    half = experiment.resume("half", game=game(Iterates), steps=4)
    assert any("generator: no checkpoint holds what is left of counts (itertools.count)" in one for one in half.notes())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda patch: patch.setenv("MKL_CBWR", "AVX2"), "MKL_CBWR: AVX2 now, not set when it was saved"),
        (lambda patch: patch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "X"), "CPU capability: X now, "),
        (lambda patch: patch.setattr("torch.get_num_threads", lambda: 64), "threads: 64 now, "),
        (lambda patch: patch.setattr("advnets.runs.environment._processor", lambda: "X"), "processor: X now, "),
    ],
    ids=["MKL", "capability", "threads", "processor"],
)
def test_what_rounds_otherwise_than_at_the_save_is_named(
    change: Callable[[pytest.MonkeyPatch], None], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tiny.trained("run", steps=4)
    assert not any("bit-identical" in note for note in run.notes())
    change(monkeypatch)
    (note,) = (note for note in run.notes() if "bit-identical" in note)
    assert note.startswith(says)
    assert note.endswith("when it was saved: not bit-identical")
    assert run.directory.environment_json.exists()
    assert runs.describe_arithmetic()["torch"] == torch.__version__


def test_the_id_of_an_own_extractor_tells_what_no_state_dict_holds() -> None:
    networks = [nn.Sequential(nn.AvgPool2d(2, stride=stride), nn.Flatten()) for stride in (1, 2)]
    networks += [nn.Sequential(nn.AvgPool2d(2, stride=2), nn.Flatten()) for _ in range(2)]
    networks[2].register_buffer("mean", torch.zeros(1), persistent=False)
    networks[3].register_buffer("mean", torch.ones(1), persistent=False)
    assert len({network_extractor(network, Preprocessing()).id for network in networks}) == 4
