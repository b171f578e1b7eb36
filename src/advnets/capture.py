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
from advnets.games import Game, Terms
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
        shared = distributed.shared()
        if shared is not None and shared.device.type == "cuda":  # torch's default generator is registered by itself
            graph.register_generator_state(shared)
        try:
            with torch.cuda.graph(graph, stream=self.stream):
                work()
        except RuntimeError as error:
            raise Unsupported(
                f"this game cannot be recorded as a CUDA graph: {str(error).splitlines()[0]}. Its networks, objective "
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


class Again:
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
    """One kind of turn: the memory it reads, what plays it, and what it wrote.

    batch, z: what is copied in before a replay. told: every loss and score, then which of the suspects are finite.
    """

    batch: Batch
    z: Tensor
    work: Work
    played: int = 0
    replay: Work | None = None
    names: list[tuple[str, str, str]] = field(default_factory=list)
    suspects: list[str] = field(default_factory=list)
    told: Tensor | None = None


class Recorder:
    """A turn of an algorithm, as `algorithm.play_turn` is one, that is replayed from a recording after a few.

    One recorder serves one game and its optimizers, whose rates become tensors; one process, and batches of one shape.
    device: where the game is. backend: in place of the device's own.
    """

    def __init__(self, device: torch.device, backend: Backend | None = None) -> None:
        distributed.refuse_several("--capture")
        self.device = device
        self.backend = backend or (CudaGraph(device) if can_capture(device) else Again())
        self.recordings: dict[tuple[str, ...], Recording] = {}
        self.awaited: tuple[int, list[str], Callable[[], Tensor]] | None = None

    def __call__(
        self, game: Game, players: Sequence[str], optimizers: Mapping[str, Optimizer], batch: Batch, step: int
    ) -> tuple[Move, ...]:
        """Play a turn, or replay it.

        Raises NonFinite if the turn BEFORE was not finite, Unsupported if the game cannot be recorded.
        """
        z = game.latent(len(batch.real), None, game.device)
        kind = tuple(players)
        if kind not in self.recordings:
            self.recordings[kind] = self._begin(game, kind, optimizers, batch=batch, z=z)
        recording = self.recordings[kind]
        _copy_in(recording, batch, z)
        self._play(recording)
        assert recording.told is not None
        told = recording.told.clone()
        self.settle()
        flags = self.backend.fetch(told[len(recording.names) :])
        self.awaited = (step, recording.suspects, flags)
        return _moves(recording, kind, told, step)

    def settle(self) -> None:
        """Wait for the last turn's word, as a checkpoint must; raises NonFinite, naming what was not finite."""
        if self.awaited is None:
            return
        (step, suspects, flags), self.awaited = self.awaited, None
        if (finite := flags().bool()).all():
            return
        name = next(name for name, fine in zip(suspects, finite.tolist(), strict=True) if not fine)
        raise NonFinite(
            f"NaN or Inf in {name} at step {step}, told one turn late, for turns are recorded. The run stops here; its "
            "last checkpoint is finite. The same run without --capture stops before the move."
        )

    def _play(self, recording: Recording) -> None:
        if recording.played < WARM_UP:
            before = _host_draws(self.device)
            self.backend.warm_up(recording.work)
            if _host_draws(self.device) != before:
                raise Unsupported(
                    "this game draws random numbers on the CPU (`random`, numpy, or torch without a device), which a "
                    "recording would repeat for ever. Draw them on the device, or leave --capture out."
                )
        else:
            recording.replay = recording.replay or self.backend.record(recording.work)
            recording.replay()
        recording.played += 1

    def _begin(
        self, game: Game, players: tuple[str, ...], optimizers: Mapping[str, Optimizer], *, batch: Batch, z: Tensor
    ) -> Recording:
        for player in players:
            make_capturable(optimizers[player])
        labels = None if batch.labels is None else batch.labels.clone()

        def work() -> None:
            _work(game, players, optimizers, recording)

        recording = Recording(Batch(batch.real.clone(), labels), z.clone(), work)
        return recording


def _work(game: Game, players: tuple[str, ...], optimizers: Mapping[str, Optimizer], recording: Recording) -> None:
    """What a turn does on the device: as `algorithm.play_turn`, but that nothing is asked of the values."""
    terms = turn_terms(game, players, recording.batch, recording.z, 0)
    found = {player: differentiate(game, player, terms[player], shared=len(players) > 1) for player in players}
    suspects = {"the real batch": recording.batch.real}
    for player, (_, gradients) in found.items():
        suspects |= {f"the loss {name!r} of the {player}": loss for name, loss in terms[player].losses.items()}
        suspects |= named_gradients(game, player, gradients)
    readings = _readings(terms)
    recording.names, recording.suspects = list(readings), list(suspects)
    flags = [suspect.isfinite().all() for suspect in suspects.values()]
    recording.told = torch.stack([value.detach() for value in (*readings.values(), *flags)])
    for player, (_, gradients) in found.items():
        descend(game, player, gradients, optimizers[player])


def _readings(terms: Mapping[str, Terms]) -> dict[tuple[str, str, str], Tensor]:
    """Every number that is told of a turn, by player, "losses" or "scores", and name."""
    return {
        (player, kind, name): value
        for player, told in terms.items()
        for kind, values in told._asdict().items()
        for name, value in values.items()
    }


def _moves(recording: Recording, players: tuple[str, ...], told: Tensor, step: int) -> tuple[Move, ...]:
    values: dict[str, dict[str, dict[str, Tensor]]] = {player: {"losses": {}, "scores": {}} for player in players}
    for (player, kind, name), value in zip(recording.names, told[: len(recording.names)].unbind(), strict=True):
        values[player][kind][name] = value
    return tuple(Move(step, player, **values[player]) for player in players)


def _copy_in(recording: Recording, batch: Batch, z: Tensor) -> None:
    held = recording.batch
    if batch.real.shape != held.real.shape or (batch.labels is None) != (held.labels is None):
        raise Unsupported(
            f"found a batch of {tuple(batch.real.shape)}, expected {tuple(held.real.shape)}: a recording takes batches "
            "of one shape, with labels or without. Leave --capture out."
        )
    held.real.copy_(batch.real)
    recording.z.copy_(z)
    if held.labels is not None and batch.labels is not None:
        held.labels.copy_(batch.labels)


def _host_draws(device: torch.device) -> tuple[Any, ...]:
    """Where the generators stand that a recording on the device would not advance."""
    _, keys, position, *_ = np.random.get_state()
    torchs = torch.get_rng_state().numpy().tobytes() if device.type != "cpu" else b""
    return random.getstate(), np.asarray(keys).tobytes(), position, torchs
