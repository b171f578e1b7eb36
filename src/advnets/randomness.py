"""The random numbers of a run, which are kept apart from those of the program around it."""

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

    A network with dropout draws from torch's default generator, and a user's own code may draw from the others. So a
    run sets the default generators to its states while it trains, and sets them back whenever it hands over control.
    Whatever the program around it draws meanwhile changes nothing in the run, and the run changes nothing in the
    program.

    Each process of a run has these states for itself. One more generator is the same in all processes: z and the eps of
    penalties are drawn from it for the global batch (see `distributed.draw_global`).

    Args:
        seed: Seed of all of them.
        device: Device whose default generator is set besides the CPU's.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.seed, self.device = seed, device
        self.shared = torch.Generator(device).manual_seed(mix_seed("shared", seed))
        self._begin(seed)

    def begin_own_numbers(self, *key: int) -> None:
        """Begin random numbers of this process's own, a function of seed, rank and key.

        Without a key rank 0 goes on as it is: it draws what a single process would.

        Args:
            *key: Whole numbers that the new states depend on.
        """
        if key or not distributed.is_rank0():
            self._begin(mix_seed("own", self.seed, distributed.rank(), *key))

    def begin_anew(self, *key: int) -> None:
        """Begin other random numbers, the shared ones too: a function of the seed and the key.

        Args:
            *key: Whole numbers that the new states depend on.
        """
        self.shared.manual_seed(mix_seed("shared", self.seed, *key))
        self.begin_own_numbers(*key)

    def load(self, shared: torch.Tensor, own: Sequence[Mapping[str, Any]], step: int) -> None:
        """Set the shared state, and this rank's own, to saved ones.

        Another number of processes, or another kind of device, begins new ones: a function of the seed and the step.

        Args:
            shared: State of the shared generator.
            own: States of the default generators, by rank.
            step: Step at which they were saved.
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
        """Make the run's states those of the default generators while the context is open.

        Yields:
            Nothing. The states of before are back after the context.
        """
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
    """Return whether a generator's state is one of that kind of device; each kind has a size of its own.

    Args:
        state: The state.
        device: The device.

    Returns:
        Whether it fits.
    """
    return state.shape == torch.Generator(device).get_state().shape


def mix_seed(purpose: str, *numbers: int) -> int:
    """Derive a seed of 63 bits; seeds of other purposes or numbers are unrelated to it.

    Args:
        purpose: What the seed is for.
        *numbers: Whole numbers that it depends on.

    Returns:
        The seed.
    """
    digest = hashlib.sha256(f"advnets {purpose} {' '.join(map(str, numbers))}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def get_rng_states(device: torch.device) -> dict[str, Any]:
    """Return the states of all default generators.

    Args:
        device: Device whose generator is read besides the CPU's.

    Returns:
        The states, as tensors and JSON scalars.
    """
    _, keys, position, has_gauss, cached = np.random.get_state()
    version, internal, gauss_next = random.getstate()
    states: dict[str, Any] = {
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
        states["device"] = getattr(torch, device.type).get_rng_state()
    return states


def set_rng_states(states: Mapping[str, Any], device: torch.device) -> None:
    """Set all default generators to states that `get_rng_states` returned.

    Args:
        states: The states.
        device: Device whose generator is set besides the CPU's.
    """
    torch.set_rng_state(states["torch"])
    numpy = states["numpy"]
    keys = numpy["keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, numpy["position"], numpy["has_gauss"], numpy["cached"]))
    python = states["python"]
    random.setstate((python["version"], tuple(python["internal"].tolist()), python["gauss_next"]))
    if "device" in states and device.type in ("cuda", "mps"):
        getattr(torch, device.type).set_rng_state(states["device"])
