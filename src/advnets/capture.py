"""Captured graphs: a turn is recorded once and replayed, so that a GPU does not wait for Python between its kernels.

Everything a turn does on the device (losses, gradients, the optimizer's step, constraints) reads and writes the same
memory at every replay. So z and the real batch are copied into tensors that stay; rates and momentum are tensors that
the schedule writes into (`optimizers.make_capturable`); losses and scores are copied out of one. z is drawn before the
replay; dropout and the eps of penalties draw within it, from generators that are registered with the graph, which
advance at each replay as they would have. So nothing that is learnt depends on whether turns are recorded.

The first turns are played as they are: they are what torch asks for before a capture, allocations and the optimizer's
state included. Whether a loss or a gradient was finite is told by the device and read one turn late: unlike
`turns.play_turn`, which stops before the move, the networks are then spoilt, and only their checkpoint is not.
PyTorch's notes on CUDA semantics, "CUDA Graphs", have the rules.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from advnets import distributed
from advnets.errors import BadInput, NonFinite, Unsupported
from advnets.games.playable import Draw, Playable
from advnets.optimizers import make_capturable
from advnets.training import Batch, Move
from advnets.turns import Origin, descend, differentiate, named_gradients

WARM_UP = 3
"""Turns of each kind that are played before one is recorded."""

Work = Callable[[], None]


class Backend(Protocol):
    """How work on a device is recorded, and how a little of its result is fetched."""

    def warm_up(self, work: Work) -> None:
        """Do the work, as it will be recorded."""

    def record(self, work: Work) -> Work:
        """What does the same work again, on the same memory, at each call; nothing is done yet."""

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        """Begin to bring a copy to the CPU; what is returned waits for it and gives it."""


class CudaGraph:
    """CUDA's own recordings, on a stream of their own."""

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def warm_up(self, work: Work) -> None:
        """On the stream that will record, for what libraries set up is kept by stream."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            work()
        torch.cuda.current_stream().wait_stream(self.stream)

    def record(self, work: Work) -> Work:
        """Raises Unsupported if the work needs the CPU to know a value: it must be the same kernels every time."""
        graph = torch.cuda.CUDAGraph()
        shared = distributed.shared_generator()
        if shared is not None and shared.device.type == "cuda":  # torch's default generator is registered by itself
            graph.register_generator_state(shared)
        try:
            with torch.cuda.graph(graph, stream=self.stream):
                work()
        except RuntimeError as error:
            found = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
            raise Unsupported(
                f"this game cannot be recorded as a CUDA graph: {found}. Its networks, objective "
                "and augmentation must not look at values (`if`, .item(), .cpu()) nor make tensors on the CPU: change "
                "them, or leave --capture out."
            ) from error
        return graph.replay

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        """By an event: waiting for the stream would wait for the turn that has been started since."""
        copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()

        def wait_and_return() -> Tensor:
            event.synchronize()
            return copy

        return wait_and_return


class EagerBackend:
    """Does the same work again on the same memory, from Python: no faster, but it runs on a CPU."""

    def warm_up(self, work: Work) -> None:
        """Do the work."""
        work()

    def record(self, work: Work) -> Work:
        """Return the work itself."""
        return work

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        """Copy it at once."""
        copy = tensor.clone()
        return lambda: copy


def can_capture(device: torch.device) -> bool:
    """Whether recordings make anything faster there."""
    return device.type == "cuda"


def expect_capturable(device: torch.device) -> None:
    """Raise BadInput unless recordings make anything faster there."""
    if not can_capture(device):
        raise BadInput(
            f"--capture records CUDA graphs: found device {device.type}, expected cuda. Leave --capture out: "
            "the run learns the same without it."
        )


@dataclass
class Recording:
    """One kind of turn, and the memory that it reads and writes.

    Attributes:
        batch: What is copied in before it is played, the real samples.
        draw: What is copied in before it is played, the draw.
        origin: Parameters that the descents begin from, copied in; None for the present ones.
        parts: Parts of the batch that are differentiated one after another.
        names: Losses and scores of each player, by name.
        values: Those numbers, in that order.
        suspects: Names of the tensors that must be finite.
        finite: Which of them are.
    """

    game: Playable
    movers: tuple[str, ...]
    optimizers: Mapping[str, Optimizer]
    batch: Batch
    draw: Draw
    origin: Origin | None
    parts: int = 1
    played: int = 0
    replay: Work | None = None
    names: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    suspects: list[str] = field(default_factory=list)
    values: Tensor = field(default_factory=lambda: torch.empty(0))
    finite: Tensor = field(default_factory=lambda: torch.empty(0))

    def copy_in(self, batch: Batch, draw: Draw, origin: Origin | None) -> None:
        """Copy in what the next replay plays with. Raises Unsupported for tensors of other shapes than the first."""
        _copy_tensors(batch.tensors(), self.batch.tensors())
        _copy_tensors(draw.tensors(), self.draw.tensors())
        if origin is not None and self.origin is not None:
            for player, parameters in origin.items():
                torch._foreach_copy_(list(self.origin[player]), list(parameters))

    def work(self) -> None:
        """Do what a turn does on the device: as `turns.play_turn`, but that nothing is asked of the values."""
        terms, gradients = differentiate(self.game, self.movers, self.batch, self.draw, 0, parts=self.parts)
        suspects = {"the real batch": self.batch.real}
        for player in self.movers:
            suspects |= {f"the loss {name!r} of the {player}": loss for name, loss in terms[player].losses.items()}
            suspects |= named_gradients(self.game, player, gradients[player])
        self.names = {player: (list(found.losses), list(found.scores)) for player, found in terms.items()}
        values = (value.detach() for found in terms.values() for part in found for value in part.values())
        self.suspects, self.values = list(suspects), torch.stack(list(values))
        self.finite = torch.stack([suspect.isfinite().all() for suspect in suspects.values()])
        for player in self.movers:
            descend(self.game, player, gradients[player], self.optimizers[player], self.origin)

    def moves(self, step: int) -> tuple[Move, ...]:
        """Return what was just played, in tensors that no replay changes."""
        values = iter(self.values.clone().unbind())
        named = {who: [{name: next(values) for name in part} for part in parts] for who, parts in self.names.items()}
        return tuple(Move(step, player, *named[player]) for player in self.movers)


class Recorder:
    """A turn of an algorithm, as `turns.play_turn` is one, that is replayed from a recording after a few.

    One recorder serves one game and its optimizers, whose rates become tensors; one process, and batches of one shape.
    A turn that pays a lazy penalty is a recording of its own.

    Args:
        device: Where the game is.
        backend: What records, in place of the device's own.
        parts: Parts of a batch that are differentiated one after another.
    """

    def __init__(self, device: torch.device, backend: Backend | None = None, *, parts: int = 1) -> None:
        distributed.expect_one_process("--capture")
        self.device, self.parts = device, parts
        self.backend = backend or (CudaGraph(device) if can_capture(device) else EagerBackend())
        self.recordings: dict[Any, Recording] = {}
        self.awaited: tuple[int, list[str], Callable[[], Tensor]] | None = None

    def __call__(
        self,
        game: Playable,
        movers: Sequence[str],
        optimizers: Mapping[str, Optimizer],
        batch: Batch,
        step: int,
        *,
        draw: Draw | None = None,
        origin: Origin | None = None,
    ) -> tuple[Move, ...]:
        """Play a turn, or replay it; see `turns.Turn`.

        Raises:
            NonFinite: If the turn BEFORE was not finite.
            Unsupported: If the game cannot be recorded.
        """
        draw = game.draw(batch, movers) if draw is None else draw
        kind = tuple(movers), draw.due, origin is None
        if kind not in self.recordings:
            for player in movers:
                make_capturable(optimizers[player])
            self.recordings[kind] = Recording(
                game, tuple(movers), optimizers, *_copies(batch, draw, origin), self.parts
            )
        recording = self.recordings[kind]
        recording.copy_in(batch, draw, origin)
        self._play(recording)
        self.settle()
        self.awaited = step, recording.suspects, self.backend.fetch(recording.finite)
        return recording.moves(step)

    def settle(self) -> None:
        """Wait until it is known whether the last turn was finite, as a checkpoint must.

        Raises:
            NonFinite: If it was not, naming the tensor.
        """
        if self.awaited is None:
            return
        (step, suspects, fetched), self.awaited = self.awaited, None
        for name, finite in zip(suspects, fetched().tolist(), strict=True):
            if not finite:
                raise NonFinite(
                    f"NaN or Inf in {name} at step {step}, noticed one turn late, because turns are recorded. The run "
                    "stops here; its last checkpoint is finite. The same run without --capture stops before the move."
                )

    def _play(self, recording: Recording) -> None:
        recording.played += 1
        if recording.played > WARM_UP:
            recording.replay = recording.replay or self.backend.record(recording.work)
            recording.replay()
            return
        before = _host_draws(self.device)
        self.backend.warm_up(recording.work)
        if _host_draws(self.device) != before:
            raise Unsupported(
                "this game draws random numbers on the CPU (`random`, numpy, or torch without a device), which a "
                "recording would repeat for ever. Draw them on the device, or leave --capture out."
            )


def _copies(batch: Batch, draw: Draw, origin: Origin | None) -> tuple[Batch, Draw, Origin | None]:
    """Tensors of a recording's own, which every replay reads."""
    held = Batch(**{name: tensor.clone() for name, tensor in batch.tensors().items()})
    z, given = (None if tensor is None else tensor.clone() for tensor in (draw.z, draw.given))
    begun = None if origin is None else {who: [theta.clone() for theta in thetas] for who, thetas in origin.items()}
    return held, Draw(z, given, draw.due), begun


def _copy_tensors(found: Mapping[str, Tensor], held: Mapping[str, Tensor]) -> None:
    shapes = [{name: tuple(tensor.shape) for name, tensor in tensors.items()} for tensors in (found, held)]
    if shapes[0] != shapes[1]:
        raise Unsupported(
            f"found a batch of {shapes[0]}, expected {shapes[1]}: a recording takes batches of one shape. Leave "
            "--capture out."
        )
    for name, tensor in held.items():
        tensor.copy_(found[name])


def _host_draws(device: torch.device) -> tuple[Any, ...]:
    """Where the generators stand that a recording on the device would not advance."""
    _, keys, position, *_ = np.random.get_state()
    torchs = torch.get_rng_state().numpy().tobytes() if device.type != "cpu" else b""
    return random.getstate(), np.asarray(keys).tobytes(), position, torchs
