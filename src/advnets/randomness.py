"""The random numbers of a run, kept apart from those of the program around it."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class Streams:
    """The states of torch's, numpy's and Python's default generators that belong to a run.

    A network with dropout draws from torch's default generator, and a user's own may draw from the others; so a run
    lends its states to the defaults while it trains, and takes them back whenever it hands over control. Whatever
    the program around it draws meanwhile changes nothing in the run, and the run nothing in the program.

    seed: of all three. device: whose default generator is kept besides the CPU's.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        outer = capture(device)
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        self.held = capture(device)
        restore(outer, device)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within, the defaults are the run's."""
        outer = capture(self.device)
        restore(self.held, self.device)
        try:
            yield
        finally:
            self.held = capture(self.device)
            restore(outer, self.device)


def capture(device: torch.device) -> dict[str, Any]:
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


def restore(held: Mapping[str, Any], device: torch.device) -> None:
    """Set all default generators to what `capture` took."""
    torch.set_rng_state(held["torch"])
    numpy = held["numpy"]
    keys = numpy["keys"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, numpy["position"], numpy["has_gauss"], numpy["cached"]))
    python = held["python"]
    random.setstate((python["version"], tuple(python["internal"].tolist()), python["gauss_next"]))
    if "device" in held and device.type in ("cuda", "mps"):
        getattr(torch, device.type).set_rng_state(held["device"])
