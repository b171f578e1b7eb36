"""What a module remembers beside its state_dict: found where it changed, stored as JSON and tensors, and put back."""

import collections
import copy
import io
import itertools
import json
import random
import types
from typing import Any

import numpy as np
import torch
from torch import nn

from advnets.runs import ModuleMemory, memory_fingerprint, name_iterators
from advnets.runs.state import flatten_state, unflatten_state


class Holder:
    """An object of one's own, which refers to itself."""

    def __init__(self) -> None:
        self.calls, self.me, self.values = 0, self, torch.ones(2)


class Remembers(nn.Module):
    """A module that remembers in every way that is stored; `step` changes all of them, and tells what they are."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.recurrent = nn.Linear(2, 2), nn.LSTM(2, 2)
        self.register_buffer("mask", torch.full((2,), -float("inf")), persistent=False)
        self.count, self.word, self.holder, self.space = 0, "a", Holder(), types.SimpleNamespace(at=1)
        self.torch, self.numpy = torch.Generator().manual_seed(3), np.random.default_rng(1)
        self.old, self.python = np.random.RandomState(1), random.Random(3)
        self.several, self.sobol = [torch.Generator().manual_seed(1)], torch.quasirandom.SobolEngine(2, seed=1)
        self.last: collections.deque[int] = collections.deque([8, 9], maxlen=2)
        self.counts: collections.Counter[str] = collections.Counter()
        self.complex, self.half = torch.zeros(2, dtype=torch.complex64), torch.zeros(2, dtype=torch.bfloat16)
        self.scalar, self.pair = np.float32(3), (1, torch.zeros(()), None)
        self.alias, self.mixed = self.layer.weight.data, [self.layer.weight, 3]

    def step(self) -> str:
        self.count, self.word = self.count + 1, self.word + "b"
        self.holder.calls, self.space.at = self.holder.calls + 2, 4
        self.holder.values += 1
        self.mask[0] = 1
        self.last.append(self.count)
        self.counts["a"] += 1
        self.complex, self.half, self.scalar = self.complex + 1j, self.half + 1, self.scalar + np.float32(1)
        self.pair, self.mixed[1] = (self.pair[0] + 1, self.pair[1] + 1, None), self.mixed[1] + 1
        generators = (self.torch, *self.several)
        drawn = [torch.rand(2, generator=one) for one in generators] + [self.sobol.draw(1)]
        drawn += [self.numpy.random(2), self.old.rand(2), self.python.random(), self.python.gauss(0, 1)]
        names = ("count", "word", "mask", "last", "counts", "complex", "half", "scalar", "pair")
        held = [self.holder.calls, self.holder.values, self.space.at, self.mixed[1]]
        return repr([*drawn, *(getattr(self, name) for name in names), *held])


def stored(state: Any) -> Any:
    """What a checkpoint makes of a state."""
    tensors: dict[str, torch.Tensor] = {}
    plain = json.dumps(flatten_state(state, tensors=tensors))
    return unflatten_state(json.loads(plain), {name: tensor.clone() for name, tensor in tensors.items()})


def test_a_module_goes_on_as_it_would_have() -> None:
    whole, again = Remembers(), Remembers()
    memory, other = ModuleMemory(), ModuleMemory()
    memory.watch(whole)
    assert memory.state(whole) == {}
    for _ in range(2):
        whole.step()
    state = memory.state(whole)
    other.load(again, stored(state))
    assert [whole.step() for _ in range(3)] == [again.step() for _ in range(3)]
    assert again.mixed[0] is again.layer.weight
    assert again.last.maxlen == 2
    assert set(other.state(again)[""]) == set(state[""])
    assert not {"alias", "layer"} & set(state[""])


def test_what_was_loaded_is_stored_though_it_changes_no_more() -> None:
    again, memory = Remembers(), ModuleMemory()
    memory.load(again, {"": {"count": 7}})
    assert memory.state(again) == {"": {"count": 7}}
    used, other = Remembers(), ModuleMemory()
    used.count = 7
    other.load(used, {"": {"count": 7}})
    assert other.state(used) == {"": {"count": 7}}


def test_settings_that_do_not_change_are_those_of_now() -> None:
    whole, memory = Remembers(), ModuleMemory()
    whole.layer.factor = 0.5  # type: ignore[assignment]
    memory.watch(whole)
    whole.step()
    assert "layer" not in memory.state(whole)


def test_iterators_are_named_and_files_are_not() -> None:
    network = nn.Sequential(nn.Linear(1, 1))
    network[0].noise, network[0].log = itertools.count(), io.StringIO()  # type: ignore[assignment]
    network.system = random.SystemRandom()  # type: ignore[assignment]
    assert name_iterators(network) == ["system (random.SystemRandom)", "0.noise (itertools.count)"]


def test_the_fingerprint_tells_buffers_and_numbers_that_no_state_dict_holds() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    other, third = copy.deepcopy(network), copy.deepcopy(network)
    assert memory_fingerprint(other) == memory_fingerprint(network)
    other[0].stride = (2, 2)  # type: ignore[assignment]
    third.register_buffer("mean", torch.zeros(1), persistent=False)
    fourth = copy.deepcopy(third)
    fourth.mean += 1  # type: ignore[operator]
    assert len({memory_fingerprint(one) for one in (network, other, third, fourth)}) == 4
