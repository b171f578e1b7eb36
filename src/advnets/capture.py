"""Captured graphs: a turn is recorded once and replayed, so that a GPU does not wait for Python between its kernels.

Everything a turn does on the device (losses, gradients, the optimizer's step, constraints) reads and writes the same
memory at every replay. So z and the real batch are copied into tensors that stay; rates and momentum are tensors that
the schedule writes into (`optimizers.make_capturable`); losses and scores are copied out of one. z is drawn before the
replay; dropout and the eps of penalties draw within it, from generators that are registered with the graph, which
advance at each replay as they would have. So nothing that is learnt depends on whether turns are recorded.

The first turns are played as they are: they are what torch asks for before a capture, allocations and the optimizer's
state included. Whether a loss or a gradient was finite is told by the device and read one turn late: unlike
`algorithm.play_turn`, which stops before the move, the networks are then spoilt, and only their checkpoint is not.
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
from advnets.algorithm import descend, differentiate, named_gradients, turn_terms
from advnets.errors import BadInput, NonFinite, Unsupported
from advnets.games.game import Game
from advnets.optimizers import make_capturable
from advnets.training import Batch, Move

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

        def fetched() -> Tensor:
            event.synchronize()
            return copy

        return fetched


class EagerBackend:
    """A stand-in that does the same work again on the same memory, from Python: no faster, but it runs on a CPU."""

    def warm_up(self, work: Work) -> None:
        """As it is."""
        work()

    def record(self, work: Work) -> Work:
        """The work itself."""
        return work

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        """A copy, at once."""
        copy = tensor.clone()
        return lambda: copy


def can_capture(device: torch.device) -> bool:
    """Whether recordings make anything faster there."""
    return device.type == "cuda"


def expect_capturable(device: torch.device) -> None:
    """Raise BadInput unless recordings make anything faster there."""
    if not can_capture(device):
        raise BadInput(
            f"--capture records CUDA graphs: found device {device.type}, expected cuda. Leave it out: the same is "
            "learnt."
        )


@dataclass
class Recording:
    """One kind of turn, and the memory that it reads and writes.

    batch, z: what is copied in before it is played. names: what is told of each player, losses and scores.
    told: those numbers, in that order. finite: which of the suspects are.
    """

    game: Game
    players: tuple[str, ...]
    optimizers: Mapping[str, Optimizer]
    batch: Batch
    z: Tensor
    played: int = 0
    replay: Work | None = None
    names: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    suspects: list[str] = field(default_factory=list)
    told: Tensor = field(default_factory=lambda: torch.empty(0))
    finite: Tensor = field(default_factory=lambda: torch.empty(0))

    def copy_in(self, batch: Batch, z: Tensor) -> None:
        """What the next replay is to play with."""
        labels = self.batch.given
        if batch.real.shape != self.batch.real.shape or (batch.given is None) != (labels is None):
            raise Unsupported(
                f"found a batch of {tuple(batch.real.shape)}, expected {tuple(self.batch.real.shape)}: a recording "
                "takes batches of one shape, with labels or without. Leave --capture out."
            )
        self.batch.real.copy_(batch.real)
        self.z.copy_(z)
        if labels is not None and batch.given is not None:
            labels.copy_(batch.given)

    def work(self) -> None:
        """What a turn does on the device: as `algorithm.play_turn`, but that nothing is asked of the values."""
        terms = turn_terms(self.game, self.players, self.batch, self.z, 0)
        shared = len(self.players) > 1
        gradients = {who: differentiate(self.game, who, terms[who], shared=shared)[1] for who in self.players}
        suspects = {"the real batch": self.batch.real}
        for player in self.players:
            suspects |= {f"the loss {name!r} of the {player}": loss for name, loss in terms[player].losses.items()}
            suspects |= named_gradients(self.game, player, gradients[player])
        self.names = {player: (list(told.losses), list(told.scores)) for player, told in terms.items()}
        values = (value.detach() for told in terms.values() for part in told for value in part.values())
        self.suspects, self.told = list(suspects), torch.stack(list(values))
        self.finite = torch.stack([suspect.isfinite().all() for suspect in suspects.values()])
        for player in self.players:
            descend(self.game, player, gradients[player], self.optimizers[player])

    def moves(self, step: int) -> tuple[Move, ...]:
        """What was just played, in tensors that no replay changes."""
        values = iter(self.told.clone().unbind())
        told = {who: [{name: next(values) for name in part} for part in parts] for who, parts in self.names.items()}
        return tuple(Move(step, player, *told[player]) for player in self.players)


class Recorder:
    """A turn of an algorithm, as `algorithm.play_turn` is one, that is replayed from a recording after a few.

    One recorder serves one game and its optimizers, whose rates become tensors; one process, and batches of one shape.
    device: where the game is. backend: in place of the device's own.
    """

    def __init__(self, device: torch.device, backend: Backend | None = None) -> None:
        distributed.expect_one_process("--capture")
        self.device = device
        self.backend = backend or (CudaGraph(device) if can_capture(device) else EagerBackend())
        self.recordings: dict[tuple[str, ...], Recording] = {}
        self.awaited: tuple[int, list[str], Callable[[], Tensor]] | None = None

    def __call__(
        self, game: Game, players: Sequence[str], optimizers: Mapping[str, Optimizer], batch: Batch, step: int
    ) -> tuple[Move, ...]:
        """Play a turn, or replay it.

        Raises NonFinite if the turn BEFORE was not finite, Unsupported if the game cannot be recorded.
        """
        z, kind = game.latent(len(batch.real), None, game.device), tuple(players)
        if kind not in self.recordings:
            for player in kind:
                make_capturable(optimizers[player])
            labels = None if batch.given is None else batch.given.clone()
            self.recordings[kind] = Recording(game, kind, optimizers, Batch(batch.real.clone(), labels), z.clone())
        recording = self.recordings[kind]
        recording.copy_in(batch, z)
        self._play(recording)
        self.settle()
        self.awaited = step, recording.suspects, self.backend.fetch(recording.finite)
        return recording.moves(step)

    def settle(self) -> None:
        """Wait for the last turn's word, as a checkpoint must; raises NonFinite, naming what was not finite."""
        if self.awaited is None:
            return
        (step, suspects, fetched), self.awaited = self.awaited, None
        for name, finite in zip(suspects, fetched().tolist(), strict=True):
            if not finite:
                raise NonFinite(
                    f"NaN or Inf in {name} at step {step}, told one turn late, for turns are recorded. The run stops "
                    "here; its last checkpoint is finite. The same run without --capture stops before the move."
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


def _host_draws(device: torch.device) -> tuple[Any, ...]:
    """Where the generators stand that a recording on the device would not advance."""
    _, keys, position, *_ = np.random.get_state()
    torchs = torch.get_rng_state().numpy().tobytes() if device.type != "cpu" else b""
    return random.getstate(), np.asarray(keys).tobytes(), position, torchs
