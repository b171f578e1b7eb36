"""The endless stream of shuffled batches, whose position is three integers."""

import hashlib
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from advnets import distributed
from advnets.data.dataset import Split
from advnets.errors import BadInput, unknown
from advnets.training import Batch


def order(seed: int, epoch: int, n: int) -> Tensor:
    """Return the permutation of the samples that an epoch runs through, a pure function of its arguments.

    Args:
        seed: Any integer. Seed and epoch are mixed by a hash, so that (0, 1) and (1, 0) have nothing in common.
        epoch: Any integer.
        n: Number of samples, 0 or more.

    Returns:
        A permutation of 0 .. n - 1, (n,) int64.
    """
    return torch.randperm(n, generator=_generator(f"order {seed} {epoch}"))


def unpaired_order(seed: int, epoch: int, n: int, length: int) -> Tensor:
    """Return the order in which an epoch runs through given images that nothing pairs with the samples.

    It is drawn independently of `order`, by a hash of other words, and as purely: shuffled passes through all n images,
    one behind the other, until they are as many as the epoch is long.

    Args:
        seed: As in `order`.
        epoch: As in `order`.
        n: Number of images, 1 or more.
        length: Images in an epoch.

    Returns:
        Indices of images, (length,) int64.
    """
    rng = _generator(f"unpaired order {seed} {epoch}")
    return torch.cat([torch.randperm(n, generator=rng) for _ in range(-(-length // n))])[:length]


def repeated_order(seed: int, epoch: int, n: int, length: int) -> Tensor:
    """Return the order of n samples in an epoch that is longer than they are: `order`, and shuffled passes behind it.

    Args:
        seed: As in `order`.
        epoch: As in `order`.
        n: Number of samples, 1 or more.
        length: Samples in an epoch.

    Returns:
        Indices of samples, (length,) int64.
    """
    rng = _generator(f"repeated order {seed} {epoch}")
    passes = [torch.randperm(n, generator=rng) for _ in range(-(-length // n) - 1)]
    return torch.cat([order(seed, epoch, n), *passes])[:length]


def balanced_order(seed: int, epoch: int, labels: Tensor) -> Tensor:
    """Return an order of samples in which every class is equally often, a pure function of its arguments.

    Each class is gone through in shuffled passes of its own, and each run of as many samples as there are classes holds
    every class once. So a rare class comes several times in an epoch, and of a frequent one a part.

    Args:
        seed: As in `order`.
        epoch: As in `order`.
        labels: The class of each sample, (n,) int64; classes that no sample has are left out.

    Returns:
        Indices of samples, (n,) int64.
    """
    n, classes = len(labels), labels.bincount().nonzero().flatten()
    rounds = -(-n // len(classes))
    rng = _generator(f"balanced order {seed} {epoch}")
    drawn = torch.empty((rounds, len(classes)), dtype=torch.int64)
    for place, label in enumerate(classes):
        members = torch.nonzero(labels == label).flatten()
        passes = [members[torch.randperm(len(members), generator=rng)] for _ in range(-(-rounds // len(members)))]
        drawn[:, place] = torch.cat(passes)[:rounds]
    turns = torch.rand(drawn.shape, generator=rng).argsort(1)
    return drawn.gather(1, turns).flatten()[:n]


def _generator(words: str) -> torch.Generator:
    mixed = hashlib.sha256(f"advnets {words}".encode()).digest()[:8]
    # 63 bits, as torch takes a seed for a signed 64-bit integer.
    return torch.Generator().manual_seed(int.from_bytes(mixed, "big") >> 1)


class Batches:
    """An endless iterator of batches drawn without replacement, epoch after epoch, each in an `order` of its own.

    The sample at (seed, epoch, index) is `order(seed, epoch, n)[index]`; nothing else is remembered. The samples at the
    end of an epoch that do not fill a batch are dropped, so that every batch has one size; other epochs drop other
    samples. Several processes draw their parts of the same global batches, whatever their number is.

    Where nothing pairs the given images with the samples (CycleGAN's two kinds of images), each side has an order of
    its own, so that every image meets others in every epoch. An epoch is as long as the longer side; the shorter one is
    gone through again, shuffled anew. Both orders are pure functions of seed and epoch, and need no further state.

    A batch holds images and points as the networks see them. Its `given` are the split's given images under the same
    transform, or the split's labels.

    Args:
        split: Samples to draw from.
        batch_size: Samples in a batch of all processes together, 1 .. len(split), a multiple of their number.
        seed: Seed of the order of the samples.
        transform: Map from the stored values of a batch to what the networks see; None leaves them as stored.
        device: Device on which batches are made, and on which the values lie unless they are mapped.
        whole: Whether each process draws the whole global batches, for work that every process does alike.
        given: What is given beside the samples: "labels" or "images"; None gives images where there are any, and else
            labels where there are any.
        balanced: Whether every class comes equally often, by `balanced_order` in place of `order`: rare samples then
            come several times in an epoch.

    Raises:
        Damaged: By `next`, if values that are mapped from a file are not as they were written.
        BadInput: If the batch size is out of range, or cannot be divided among the processes, or if the split has no
            labels or images to give, or no labels to balance.
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
        given: str | None = None,
        balanced: bool = False,
    ) -> None:
        if not 1 <= batch_size <= len(split):
            raise BadInput(
                f"batch_size: found {batch_size}, expected 1..{len(split)}, the number of samples to learn from. "
                "Choose another by --batch-size, or add samples."
            )
        # Mapped values may be more than a device holds: they are gathered here, and batches are moved.
        self._values = split.values if split.is_mapped else split.values.to(device)
        self._verify = split.verify if split.check is not None else None
        self._device = torch.device(device)
        beside = _choose_given(split, given)
        self._given = None if beside is None else beside.to(device)
        self._is_paired = split.is_paired or given == "labels"
        self._length = len(split) if beside is None or self._is_paired else max(len(split), len(beside))
        self._batch_size = batch_size
        self._part = slice(batch_size) if whole else distributed.rank_slice(batch_size)
        self._transform = transform
        if balanced and split.labels is None:
            raise BadInput(
                "balanced batches draw every class equally often: found data without labels. Take labelled data, or "
                "leave --balanced out."
            )
        self._classes = split.labels.cpu() if balanced and split.labels is not None else None
        self._seed, self._epoch, self._index = seed, 0, 0
        self._order, self._given_order = self._shuffle()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._index + self._batch_size > self._length:
            self._epoch, self._index = self._epoch + 1, 0
            self._order, self._given_order = self._shuffle()
        drawn = slice(self._index, self._index + self._batch_size)
        self._index += self._batch_size
        return self._gather(self._order[drawn][self._part], self._given_order[drawn][self._part])

    @property
    def size(self) -> int:
        """Samples in a batch of this process."""
        return len(range(self._batch_size)[self._part])

    def peek(self, n: int) -> Batch:
        """Return samples of the epoch under way as a batch; the position stays, and the next batch is what it was.

        Args:
            n: How many, 1 .. `size`.

        Returns:
            The first n that this process draws in the epoch.
        """
        sides = (one[: self._batch_size][self._part][:n] for one in (self._order, self._given_order))
        return self._gather(*sides)

    def _gather(self, chosen: Tensor, beside: Tensor) -> Batch:
        """The samples and what is given, of these places, verified and as the networks see them."""
        if self._verify is not None:
            self._verify(chosen)
        # Gathered as stored, then transformed: a byte a pixel is moved, not four.
        real = self._values.index_select(0, chosen).to(self._device)
        given = None if self._given is None else self._given.index_select(0, beside.to(self._device))
        is_image = given is not None and given.dim() == 4
        return Batch(
            self._apply_transform(real), self._apply_transform(given) if given is not None and is_image else given
        )

    def _apply_transform(self, stored: Tensor) -> Tensor:
        """Stored values as the networks see them."""
        return stored if self._transform is None else self._transform(stored)

    @property
    def epoch(self) -> int:
        """Epoch of the batch drawn last, from 0."""
        return self._epoch

    @property
    def epochs(self) -> float:
        """Passes through the data so far, with the fraction of this epoch's batches that are drawn."""
        fits = self._length - self._length % self._batch_size
        # An index that is restored under another batch size may lie in the part that is dropped here.
        return self._epoch + min(1.0, self._index / fits)

    def state(self) -> dict[str, int]:
        """Return the position in the stream, for `load`.

        Returns:
            {"seed", "epoch", "index"}; the index counts the samples of the epoch that are drawn already.
        """
        return {"seed": self._seed, "epoch": self._epoch, "index": self._index}

    def load(self, state: Mapping[str, int]) -> None:
        """Go to a position that `state` returned, also under another batch size, and go on from there.

        Args:
            state: {"seed", "epoch", "index"}, with an epoch of 0 or more and an index in 0 .. len(split).

        Raises:
            BadInput: If there are other keys or values; the position then stays what it was.
        """
        if set(state) != {"seed", "epoch", "index"} or not all(type(value) is int for value in state.values()):
            raise BadInput(
                f"state of the batches: found {dict(state)!r}, expected the integers seed, epoch and index. "
                "Give what state() returned."
            )
        if state["epoch"] < 0 or not 0 <= state["index"] <= self._length:
            raise BadInput(
                f"state of the batches: found epoch {state['epoch']}, index {state['index']}, expected epoch >= 0 and "
                f"index in 0..{self._length}. Resume on the data that the run was started on."
            )
        self._seed, self._epoch, self._index = state["seed"], state["epoch"], state["index"]
        self._order, self._given_order = self._shuffle()

    def _shuffle(self) -> tuple[Tensor, Tensor]:
        """The order of the samples, and that of what is given, which is another one for unpaired images alone."""
        where, n = (self._seed, self._epoch), len(self._values)
        if self._classes is not None:
            chosen = balanced_order(*where, self._classes).to(self._values.device)
        else:
            chosen = repeated_order(*where, n, self._length).to(self._values.device)
        if self._is_paired or self._given is None:
            return chosen, chosen
        return chosen, unpaired_order(*where, len(self._given), self._length).to(self._values.device)


def _choose_given(split: Split, given: str | None) -> Tensor | None:
    """The labels or images that batches give beside the samples."""
    if given is None:
        return split.labels if split.given is None else split.given
    if given not in ("labels", "images"):
        raise unknown("kind of given", given, ("labels", "images"))
    chosen = split.labels if given == "labels" else split.given
    if chosen is None:
        raise BadInput(
            f"batches: found a split without {'labels' if given == 'labels' else 'given images'}, expected {given} to "
            f"give to the networks. Give the data {'labels=' if given == 'labels' else 'given='}, or take other data."
        )
    return chosen
