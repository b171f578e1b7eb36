"""The random numbers of a run, kept apart from those of the program around it."""

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from advnets import distributed


class Streams:
    """The states of torch's, numpy's and Python's default generators that belong to a run.

    A network with dropout draws from torch's default generator, and a user's own may draw from the others; so a run
    lends its states to the defaults while it trains, and takes them back whenever it hands over control. Whatever
    the program around it draws meanwhile changes nothing in the run, and the run nothing in the program.

    Besides these, which each process of a run has for itself, stands a generator that is alike in all of them: z and
    the eps of penalties are drawn from it for the global batch (see `distributed.draw_global`).

    seed: of all of them. device: whose default generator is kept besides the CPU's.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.seed, self.device = seed, device
        self.shared = torch.Generator(device).manual_seed(mix_seed("shared", seed))
        self._begin(seed)

    def begin_own_numbers(self, *key: int) -> None:
        """From here on each process draws numbers of its own, a function of seed, rank and key.

        With no key the first process goes on as it is: it draws what a process alone would.
        """
        if key or not distributed.is_rank0():
            self._begin(mix_seed("own", self.seed, distributed.rank(), *key))

    def load(self, shared: torch.Tensor, own: Sequence[Mapping[str, Any]], step: int) -> None:
        """Take back the shared state, and this rank's own.

        Other numbers of processes, or another kind of device, begin new ones, a function of the seed and that step.
        """
        fits = fits_device(shared, self.device)
        if fits:
            self.shared.set_state(shared)
        else:
            self.shared.manual_seed(mix_seed("shared", self.seed, step))
        if fits and len(own) == distributed.world_size():
            self.states = dict(own[distributed.rank()])
        else:
            self.begin_own_numbers(step, distributed.world_size())

    @contextmanager
    def as_defaults(self) -> Iterator[None]:
        """Within, the defaults are the run's."""
        outer = get_rng_states(self.device)
        set_rng_states(self.states, self.device)
        try:
            with distributed.use_shared_generator(self.shared):
                yield
        finally:
            self.states = get_rng_states(self.device)
            set_rng_states(outer, self.device)

    def _begin(self, seed: int) -> None:
        outer = get_rng_states(self.device)
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        self.states = get_rng_states(self.device)
        set_rng_states(outer, self.device)


def fits_device(state: torch.Tensor, device: torch.device) -> bool:
    """Whether the state of a generator is one of that kind of device, each of which has a size of its own."""
    return state.shape == torch.Generator(device).get_state().shape


def mix_seed(purpose: str, *numbers: int) -> int:
    """A seed of 63 bits; seeds of other purposes or numbers have nothing in common with it."""
    digest = hashlib.sha256(f"advnets {purpose} {' '.join(map(str, numbers))}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def get_rng_states(device: torch.device) -> dict[str, Any]:
    """The states of all default generators, as tensors and JSON scalars."""
    _, keys, position, has_gauss, cached = np.random.get_state()
    version, internal, gauss_next = random.getstate()
    held: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": {
            "keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
            "position": int(position),
            "has_gauss": int(has_gauss),
            "cached": float(cached),
        },
        "python": {"version": version, "internal": torch.tensor(internal), "gauss_next": gauss_next},
    }
    if device.type in ("cuda", "mps"):
        held["device"] = getattr(torch, device.type).get_rng_state()
    return held


def set_rng_states(held: Mapping[str, Any], device: torch.device) -> None:
    """Set all default generators to what `get_rng_states` took."""
    torch.set_rng_state(held["torch"])
    numpy = held["numpy"]
    keys = numpy["keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, numpy["position"], numpy["has_gauss"], numpy["cached"]))
    python = held["python"]
    random.setstate((python["version"], tuple(python["internal"].tolist()), python["gauss_next"]))
    if "device" in held and device.type in ("cuda", "mps"):
        getattr(torch, device.type).set_rng_state(held["device"])
