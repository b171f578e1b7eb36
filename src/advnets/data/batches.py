"""The endless stream of shuffled batches, whose position is three integers."""

import hashlib
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from advnets import distributed
from advnets.data.dataset import Split
from advnets.errors import BadInput
from advnets.training import Batch


def order(seed: int, epoch: int, n: int) -> Tensor:
    """The permutation of 0 .. n - 1 that an epoch runs through, (n,) int64: a pure function of its arguments.

    seed, epoch: any integers; the pair is mixed by a hash, so that (0, 1) and (1, 0) have nothing in common.
    n: number of samples, >= 0.
    """
    mixed = hashlib.sha256(f"advnets order {seed} {epoch}".encode()).digest()[:8]
    # 63 bits, as torch takes a seed for a signed 64-bit integer.
    rng = torch.Generator().manual_seed(int.from_bytes(mixed, "big") >> 1)
    return torch.randperm(n, generator=rng)


class Batches:
    """An infinite iterator of batches drawn without replacement, epoch after epoch, each in an `order` of its own.

    The sample at (seed, epoch, index) is `order(seed, epoch, n)[index]`: nothing else is remembered. What is left of an
    epoch and would not fill a batch is dropped, so every batch has one size; other epochs leave other samples out.
    Of several processes each gives its part of the same global batches, whatever their number.
    """

    def __init__(
        self,
        split: Split,
        *,
        batch_size: int,
        seed: int,
        transform: Callable[[Tensor], Tensor] | None = None,
        device: str | torch.device = "cpu",
        whole: bool = False,
    ) -> None:
        """Hold the split on the device, at the start of epoch 0.

        split: what is drawn from.
        batch_size: samples per batch, 1 .. len(split); of all processes together, and a multiple of their number.
        seed: of the order of samples.
        transform: maps stored values of a batch to what the networks see; None leaves them as stored.
        device: where the batches are made, and where the values are kept unless they are mapped.
        whole: each process gives the global batches, whole: for what every process does alike, for itself.
        Raises BadInput for a batch size out of range, or that cannot be cut into equal parts.
        """
        if not 1 <= batch_size <= len(split):
            raise BadInput(
                f"batch_size: found {batch_size}, expected 1..{len(split)}, the number of samples. Change it."
            )
        # What is mapped may be more than a device holds: it is gathered here, and its batches are moved.
        self._values = split.values if split.is_mapped else split.values.to(device)
        self._device = torch.device(device)
        self._labels = None if split.labels is None else split.labels.to(device)
        self._batch_size = batch_size
        self._part = slice(batch_size) if whole else distributed.rank_slice(batch_size)
        self._transform = transform
        self._seed, self._epoch, self._index = seed, 0, 0
        self._order = self._shuffle()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._index + self._batch_size > len(self._values):
            self._epoch, self._index = self._epoch + 1, 0
            self._order = self._shuffle()
        chosen = self._order[self._index : self._index + self._batch_size][self._part]
        self._index += self._batch_size
        # Gathered as stored, then transformed: a byte a pixel is moved, not four.
        real = self._values.index_select(0, chosen).to(self._device)
        labels = None if self._labels is None else self._labels.index_select(0, chosen.to(self._device))
        return Batch(real if self._transform is None else self._transform(real), labels)

    @property
    def epoch(self) -> int:
        """The epoch of the batch drawn last, from 0."""
        return self._epoch

    @property
    def epochs(self) -> float:
        """Passes through the data so far: whole ones and the fraction of this one, over the batches that fit."""
        fits = len(self._values) - len(self._values) % self._batch_size
        # An index that is restored under another batch size may lie in the part that is dropped here.
        return self._epoch + min(1.0, self._index / fits)

    def state(self) -> dict[str, int]:
        """The position as {"seed", "epoch", "index"}: index is the number of samples of the epoch already drawn."""
        return {"seed": self._seed, "epoch": self._epoch, "index": self._index}

    def load(self, state: Mapping[str, int]) -> None:
        """Go to a position that `state` gave, also one of another batch size; the next batch is the one after it.

        state: {"seed", "epoch", "index"}, epoch >= 0 and index in 0 .. len(split).
        Raises BadInput for other keys or values, and then stays where it was.
        """
        if set(state) != {"seed", "epoch", "index"} or not all(type(value) is int for value in state.values()):
            raise BadInput(
                f"state of the batches: found {dict(state)!r}, expected the integers seed, epoch and index. "
                "Give what state() returned."
            )
        if state["epoch"] < 0 or not 0 <= state["index"] <= len(self._values):
            raise BadInput(
                f"state of the batches: found epoch {state['epoch']}, index {state['index']}, expected epoch >= 0 and "
                f"index in 0..{len(self._values)}. Resume on the data that the run was started on."
            )
        self._seed, self._epoch, self._index = state["seed"], state["epoch"], state["index"]
        self._order = self._shuffle()

    def _shuffle(self) -> Tensor:
        return order(self._seed, self._epoch, len(self._values)).to(self._values.device)
