"""Many processes, each with an equal part of one global batch; with a single process all of this does nothing.

    g = 1/N sum_r g_r,        g_r: gradient of the mean loss over the part of rank r

The parts are equal, so the mean of their means is the mean of the global batch. This is not torch's
DistributedDataParallel, whose hooks miss a penalty that is differentiated in a backward of its own (pytorch issue
47562).

What is drawn for the global batch (z, the eps of penalties) comes from random numbers that all processes share, and is
then split by rank. So every number of processes trains with the same z. Dropout draws from each process's own random
numbers.
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
"""How long a process waits for another that is silent; one that is dead is noticed at once."""
PATIENCE = timedelta(hours=2)
"""How long a process waits for one that downloads or decodes data."""

Value = TypeVar("Value")
_shared: torch.Generator | None = None
_groups: dict[timedelta, tuple[Any, Any]] = {}


def world_size() -> int:
    """Return N, the number of processes that train together, which is 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process among the N, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def is_rank0() -> bool:
    """Return whether this process is the one that writes."""
    return rank() == 0


def init_process_group() -> None:
    """Join the process group, if torchrun (or whoever sets RANK, WORLD_SIZE, MASTER_ADDR) started several processes.

    gloo carries tensors of the CPU, nccl those of a GPU. A group that the program has made itself is used as it is.

    Raises:
        BadInput: If the numbers that torchrun sets are none, or the other processes cannot be reached.
    """
    processes = _read_number("WORLD_SIZE", "1", 1)
    if processes == 1 or dist.is_initialized():
        return
    _read_number("RANK", "", 0, processes - 1)
    _read_number("LOCAL_RANK", "0", 0, processes - 1)
    _read_number("MASTER_PORT", "", 0, 65535)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(backend, timeout=TIMEOUT)
    except (ValueError, RuntimeError) as error:
        raise errors.BadInput(
            f"WORLD_SIZE is {processes}, and the other processes cannot be reached: "
            f"{errors.first_line(error)}. Start them all by torchrun, with one --master-addr for all hosts, or unset "
            "WORLD_SIZE to train alone."
        ) from error
    atexit.register(_destroy_groups)


def _read_number(name: str, usual: str, least: int = 0, most: int = 2**31 - 1) -> int:
    return errors.parse_whole_number(name, os.environ.get(name) or usual, least, most, "Use torchrun, or unset it.")


def set_device() -> None:
    """Make the GPU of this process's number on its host the current one.

    Raises:
        BadInput: If the host has too few GPUs.
    """
    if world_size() == 1:
        return
    local, there = _read_number("LOCAL_RANK", "0"), torch.cuda.device_count()
    if local >= there:
        raise errors.BadInput(
            f"process {local} of this host has no GPU of its own: found {there}, expected one for each process. "
            f"Give torchrun --nproc-per-node {there}, or advnets --device cpu."
        )
    torch.cuda.set_device(local)


def expect_one_process(what: str) -> None:
    """Raise Unsupported if there are several processes, whether or not they have joined a group.

    Args:
        what: What needs a single process, for the error.

    Raises:
        Unsupported: If there are several processes.
    """
    found = max(world_size(), _read_number("WORLD_SIZE", "1", 1))
    if found > 1:
        raise errors.Unsupported(f"{what}: found {found} processes, expected one. Run it without torchrun.")


def rank_slice(n: int) -> slice:
    """Return the slice of this process's n / N samples in a global batch.

    Args:
        n: Size of the global batch.

    Raises:
        BadInput: If n is no multiple of the number of processes.
    """
    each, rest = divmod(n, world_size())
    if rest:
        raise errors.BadInput(
            f"batch_size: found {n}, expected a multiple of {world_size()}, the number of processes, for each takes an "
            "equal part of the global batch. Change --batch-size or the number of processes."
        )
    return slice(rank() * each, (rank() + 1) * each)


def draw_global(draw: Callable[[int, torch.Generator | None], Tensor], n: int) -> Tensor:
    """Return this process's n of the n N samples that all processes draw alike, as one process would draw them.

    Args:
        draw: (number, generator or None for torch's default) -> that many samples.
        n: Samples of this process's part.

    Returns:
        Samples, n first.
    """
    processes = world_size()
    return draw(n, _shared) if processes == 1 else draw(n * processes, _shared)[rank_slice(n * processes)]


def all_gather_tensor(tensor: Tensor) -> Tensor:
    """Return the tensors of all processes, joined by rank along their first axis; no gradient passes.

    Args:
        tensor: (n, ...), of one shape in all processes.

    Returns:
        (n N, ...).
    """
    if world_size() == 1:
        return tensor
    parts = [torch.empty_like(tensor) for _ in range(world_size())]
    with expect_all_processes():
        dist.all_gather(parts, tensor.contiguous())
    return torch.cat(parts)


def shared_generator() -> torch.Generator | None:
    """Return the generator that `draw_global` draws from, or None if that is torch's default."""
    return _shared


@contextmanager
def use_shared_generator(rng: torch.Generator) -> Iterator[None]:
    """Let `draw_global` draw from a generator while the context is open.

    Args:
        rng: The generator, whose state must be the same in all processes.
    """
    global _shared
    outer, _shared = _shared, rng
    try:
        yield
    finally:
        _shared = outer


def average_gradients(loss: Tensor, gradients: Sequence[Tensor | None]) -> tuple[Tensor, Sequence[Tensor | None]]:
    """Average loss and gradients over the processes, by one all-reduce of a flat copy.

    What is not finite in one process is so in all of them afterwards, so that they stop together.

    Args:
        loss: Loss of this process's part, a scalar.
        gradients: Gradients of this process's part; None for parameters without one, which must be the same in all
            processes.

    Returns:
        Loss and gradients of the global batch.

    Raises:
        ProcessLost: If another process is gone or silent.
    """
    if world_size() == 1:
        return loss, gradients
    parts = [loss.detach(), *(gradient for gradient in gradients if gradient is not None)]
    flat = torch.cat([tensor.reshape(-1) for tensor in parts])
    with expect_all_processes():
        dist.all_reduce(flat)
    flat /= world_size()
    means = iter(torch.split(flat, [tensor.numel() for tensor in parts]))
    mean_loss = next(means).view(())
    return mean_loss, [None if g is None else next(means).view_as(g).to(g.dtype) for g in gradients]


def all_reduce_mean(readings: Mapping[str, float]) -> dict[str, float]:
    """Average every reading over the processes, whose parts are equal: so it is the reading of the global batch.

    Args:
        readings: This process's readings, with the same names in all processes.

    Returns:
        The means, by name.

    Raises:
        ProcessLost: If another process is gone or silent.
    """
    if world_size() == 1:
        return dict(readings)
    values = torch.tensor(list(readings.values()), dtype=torch.float64)
    with expect_all_processes():
        dist.all_reduce(values, group=_cpu_group())
    return dict(zip(readings, (values / world_size()).tolist(), strict=True))


def all_agree(seconds: float, signal: int | None) -> tuple[float, int | None]:
    """Agree on the clock and the signal that all processes go by after a step.

    Args:
        seconds: This process's clock; only that of rank 0 counts.
        signal: The signal that this process was sent, or None.

    Returns:
        The clock of rank 0, and the signal that any of the processes was sent.

    Raises:
        ProcessLost: If another process is gone or silent.
    """
    if world_size() == 1:
        return seconds, signal
    agreed = torch.tensor([seconds if is_rank0() else 0.0, signal or 0], dtype=torch.float64)
    with expect_all_processes():
        dist.all_reduce(agreed, dist.ReduceOp.MAX, group=_cpu_group())
    return agreed[0].item(), int(agreed[1]) or None


def on_rank0(make: Callable[[], Value]) -> Value:
    """Compute a value of JSON on rank 0, and return it on all ranks.

    Args:
        make: What computes the value.

    Returns:
        The value.

    Raises:
        AdvnetsError: If rank 0 raised it, then in all processes.
        ProcessLost: If another process is gone or silent.
    """
    if world_size() == 1:
        return make()
    value: Value = json.loads(broadcast_bytes(lambda: json.dumps(make()).encode()))
    return value


def broadcast_bytes(make: Callable[[], bytes]) -> bytes:
    """Compute bytes on rank 0, and return them on all ranks.

    Args:
        make: What computes the bytes.

    Returns:
        The bytes.

    Raises:
        AdvnetsError: If rank 0 raised it, then in all processes.
        ProcessLost: If another process is gone or silent.
    """
    if world_size() == 1:
        return make()
    content, failure = b"", None
    if is_rank0():
        try:
            content = b"+" + make()
        except errors.AdvnetsError as error:
            failure = error
            content = b"-" + json.dumps([type(error).__name__, str(error)]).encode()
    content = _broadcast_sized(content)
    if failure is not None:
        raise failure
    if content[:1] == b"-":
        name, message = json.loads(content[1:])
        raise getattr(errors, name, errors.AdvnetsError)(message)
    return content[1:]


def all_gather(content: bytes) -> list[bytes]:
    """Return the bytes of every process, by rank, in all of them.

    Args:
        content: This process's bytes.

    Returns:
        One entry for each rank.

    Raises:
        ProcessLost: If another process is gone or silent.
    """
    if world_size() == 1:
        return [content]
    sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(world_size())]
    with expect_all_processes():
        dist.all_gather(sizes, torch.tensor([len(content)]), group=_cpu_group())
        longest = max(int(size) for size in sizes)
        rows = [torch.zeros(longest, dtype=torch.uint8) for _ in sizes]
        dist.all_gather(rows, _as_tensor(content.ljust(longest, b"\0")), group=_cpu_group())
    return [row.numpy().tobytes()[: int(size)] for row, size in zip(rows, sizes, strict=True)]


def local_rank0_first(make: Callable[[], Value]) -> Value:
    """Compute a value on one process of each host, then on the others.

    So what the first one downloads or decodes, the others find in the cache.

    Args:
        make: What computes the value.

    Returns:
        The value.

    Raises:
        ProcessLost: If another process is gone or silent.
    """
    try:
        if world_size() == 1 or _read_number("LOCAL_RANK", str(rank())) == 0:
            return make()
    finally:
        barrier(PATIENCE)
    return make()


def barrier(longest: timedelta | None = None) -> None:
    """Wait until all processes are here.

    Args:
        longest: The longest to wait; None takes TIMEOUT.

    Raises:
        ProcessLost: If another process is gone or silent.
    """
    if world_size() > 1:
        with expect_all_processes():
            dist.barrier(group=_cpu_group(longest))


def _broadcast_sized(content: bytes) -> bytes:
    size = torch.tensor([len(content)])
    with expect_all_processes():
        dist.broadcast(size, 0, group=_cpu_group())
        buffer = _as_tensor(content) if is_rank0() else torch.empty(int(size), dtype=torch.uint8)
        dist.broadcast(buffer, 0, group=_cpu_group())
    return buffer.numpy().tobytes()


def _as_tensor(content: bytes) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _cpu_group(longest: timedelta | None = None) -> Any:
    """Return a gloo group for small tensors of the CPU with this timeout (None takes TIMEOUT), one for each world."""
    longest = longest or TIMEOUT
    if _groups.get(longest, (None, None))[0] is not dist.group.WORLD:
        _groups[longest] = (dist.group.WORLD, dist.new_group(backend="gloo", timeout=longest))
    return _groups[longest][1]


@contextmanager
def expect_all_processes() -> Iterator[None]:
    """Turn the loss of another process, within, into ProcessLost."""
    try:
        yield
    except RuntimeError as error:
        atexit.unregister(_destroy_groups)
        raise errors.ProcessLost(
            f"rank {rank()} of {world_size()} has lost another process ({errors.first_line(error)}). All stop here; "
            "the last checkpoint is good: resume the run."
        ) from error


def _destroy_groups() -> None:
    # Groups of our own hold threads, which must end before the interpreter does: left to its teardown, now and then one
    # ends the process with SIGABRT after its work is done.
    _groups.clear()
    if dist.is_initialized():
        dist.destroy_process_group()
