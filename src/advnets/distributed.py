"""Many processes, each with an equal part of one global batch; with a single process all of this does nothing.

    g = 1/N sum_r g_r,        g_r: gradient of the mean loss over the part of rank r

The parts are equal, so the mean of their means is the mean of the global batch. Not torch's DistributedDataParallel,
whose hooks miss a penalty that is differentiated in a backward of its own (pytorch issue 47562).

What is drawn for the global batch (z, the eps of penalties) comes from random numbers that all processes share, and is
then cut by rank, so that every number of processes plays with the same z. Dropout draws from each process's own.
"""

import atexit
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from advnets import errors

TIMEOUT = timedelta(minutes=10)
"""How long is waited for another process that is silent; one that is dead is noticed at once."""
PATIENCE = timedelta(hours=2)
"""How long is waited for a process that downloads or decodes data."""

Made = TypeVar("Made")
_shared: torch.Generator | None = None
_groups: dict[timedelta, tuple[Any, Any]] = {}


def world_size() -> int:
    """N, the number of processes that train together; 1 with no process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of the N processes this is, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def is_rank0() -> bool:
    """Whether this process is the one that writes."""
    return rank() == 0


def init_process_group() -> None:
    """Meet the other processes, if torchrun (or whoever sets RANK, WORLD_SIZE, MASTER_ADDR) started several.

    gloo carries what is on the CPU, nccl what is on a GPU. A group that the program has made itself is used as it is.
    Raises BadInput if the others cannot be met.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(backend, timeout=TIMEOUT)
    except (ValueError, RuntimeError) as error:
        raise errors.BadInput(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, and the other processes cannot be met: {_first_line(error)}. Start "
            "them all by torchrun, with one --master-addr for all hosts, or unset WORLD_SIZE to train alone."
        ) from error
    atexit.register(_destroy_groups)


def set_device() -> None:
    """Make the GPU of this process's number on its host the current one; raises BadInput if the host has too few."""
    local, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if world_size() > 1 and local >= there:
        raise errors.BadInput(
            f"process {local} of this host has no GPU of its own: found {there}, expected one for each process. "
            f"Give torchrun --nproc-per-node {there}, or advnets --device cpu."
        )
    if world_size() > 1:
        torch.cuda.set_device(local)


def expect_one_process(what: str) -> None:
    """Raise Unsupported if there is more than this one process, whether or not they have met."""
    found = max(world_size(), int(os.environ.get("WORLD_SIZE", "1")))
    if found > 1:
        raise errors.Unsupported(f"{what}: found {found} processes, expected one. Run it without torchrun.")


def rank_slice(n: int) -> slice:
    """This process's samples of a global batch of n; raises BadInput if n cannot be cut into equal parts."""
    each, rest = divmod(n, world_size())
    if rest:
        raise errors.BadInput(
            f"batch_size: found {n}, expected a multiple of {world_size()}, the number of processes, for each takes an "
            "equal part of the global batch. Change --batch-size or the number of processes."
        )
    return slice(rank() * each, (rank() + 1) * each)


def draw_global(draw: Callable[[int, torch.Generator | None], Tensor], n: int) -> Tensor:
    """This process's n of the n N samples that all draw alike, as one process would draw them.

    draw: (number, generator or None for torch's default) -> that many samples. n: samples of this process's part.
    """
    return draw(n * world_size(), _shared)[rank_slice(n * world_size())]


def shared_generator() -> torch.Generator | None:
    """The generator that `draw_global` draws from; None if that is torch's default."""
    return _shared


@contextmanager
def use_shared_generator(rng: torch.Generator) -> Iterator[None]:
    """Within, `draw_global` draws from this generator, which must stand alike in all processes."""
    global _shared
    outer, _shared = _shared, rng
    try:
        yield
    finally:
        _shared = outer


def average_gradients(loss: Tensor, gradients: Sequence[Tensor | None]) -> tuple[Tensor, Sequence[Tensor | None]]:
    """The global batch's loss and gradients from those of each part, by one all-reduce of a flat copy.

    loss: () tensor. gradients: None where a parameter has no part, alike in all processes.
    What is not finite in one process is so in all of them afterwards: they stop together.
    """
    if world_size() == 1:
        return loss, gradients
    parts = [loss.detach(), *(gradient for gradient in gradients if gradient is not None)]
    flat = torch.cat([tensor.reshape(-1) for tensor in parts])
    with _expect_all_processes():
        dist.all_reduce(flat)
    flat /= world_size()
    means = iter(torch.split(flat, [tensor.numel() for tensor in parts]))
    mean_loss = next(means).view(())
    return mean_loss, [None if g is None else next(means).view_as(g).to(g.dtype) for g in gradients]


def all_reduce_mean(readings: Mapping[str, float]) -> dict[str, float]:
    """The mean of every reading over the processes: of equal parts, so that of the global batch."""
    if world_size() == 1:
        return dict(readings)
    values = torch.tensor(list(readings.values()), dtype=torch.float64)
    with _expect_all_processes():
        dist.all_reduce(values, group=_cpu_group())
    return dict(zip(readings, (values / world_size()).tolist(), strict=True))


def all_agree(seconds: float, signal: int | None) -> tuple[float, int | None]:
    """What all processes go by after a step: the first one's clock, and the signal that any of them was sent."""
    if world_size() == 1:
        return seconds, signal
    told = torch.tensor([seconds if is_rank0() else 0.0, signal or 0], dtype=torch.float64)
    with _expect_all_processes():
        dist.all_reduce(told, dist.ReduceOp.MAX, group=_cpu_group())
    return told[0].item(), int(told[1]) or None


def on_rank0(make: Callable[[], Made]) -> Made:
    """What the first process makes, of JSON, given to all."""
    if world_size() == 1:
        return make()
    made: Made = json.loads(broadcast_bytes(lambda: json.dumps(make()).encode()))
    return made


def broadcast_bytes(make: Callable[[], bytes]) -> bytes:
    """The bytes that the first process makes, given to all; an error of this package is raised in all of them."""
    if world_size() == 1:
        return make()
    content, failure = b"", None
    if is_rank0():
        try:
            content = b"+" + make()
        except errors.AdvnetsError as error:
            failure = error
            content = b"-" + json.dumps([type(error).__name__, str(error)]).encode()
    content = _broadcast(content)
    if failure is not None:
        raise failure
    if content[:1] == b"-":
        name, message = json.loads(content[1:])
        raise getattr(errors, name, errors.AdvnetsError)(message)
    return content[1:]


def all_gather(content: bytes) -> list[bytes]:
    """The bytes of every process, by rank, in all of them."""
    if world_size() == 1:
        return [content]
    sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(world_size())]
    with _expect_all_processes():
        dist.all_gather(sizes, torch.tensor([len(content)]), group=_cpu_group())
        longest = max(int(size) for size in sizes)
        rows = [torch.zeros(longest, dtype=torch.uint8) for _ in sizes]
        dist.all_gather(rows, _as_tensor(content.ljust(longest, b"\0")), group=_cpu_group())
    return [row.numpy().tobytes()[: int(size)] for row, size in zip(rows, sizes, strict=True)]


def local_rank0_first(make: Callable[[], Made]) -> Made:
    """One process of each host makes it, then the others: what the one downloads or decodes, they find."""
    try:
        if int(os.environ.get("LOCAL_RANK", rank())) == 0:
            return make()
    finally:
        barrier(PATIENCE)
    return make()


def barrier(longest: timedelta | None = None) -> None:
    """Until all processes are here."""
    if world_size() > 1:
        with _expect_all_processes():
            dist.barrier(group=_cpu_group(longest))


def _broadcast(content: bytes) -> bytes:
    size = torch.tensor([len(content)])
    with _expect_all_processes():
        dist.broadcast(size, 0, group=_cpu_group())
        held = _as_tensor(content) if is_rank0() else torch.empty(int(size), dtype=torch.uint8)
        dist.broadcast(held, 0, group=_cpu_group())
    return held.numpy().tobytes()


def _as_tensor(content: bytes) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _cpu_group(longest: timedelta | None = None) -> Any:
    """A group for small things on the CPU, which waits for so long (TIMEOUT); made anew for each world."""
    longest = longest or TIMEOUT
    if _groups.get(longest, (None, None))[0] is not dist.group.WORLD:
        _groups[longest] = (dist.group.WORLD, dist.new_group(backend="gloo", timeout=longest))
    return _groups[longest][1]


@contextmanager
def _expect_all_processes() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        atexit.unregister(_destroy_groups)
        raise errors.ProcessLost(
            f"rank {rank()} of {world_size()} has lost another process ({_first_line(error)}). All stop here; the last "
            "checkpoint is good: resume the run."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")[:160] if str(error) else type(error).__name__


def _destroy_groups() -> None:
    # Groups of our own hold threads, which must end before the interpreter does: left to its teardown, now and then one
    # ends the process with SIGABRT after its work is done.
    _groups.clear()
    if dist.is_initialized():
        dist.destroy_process_group()
