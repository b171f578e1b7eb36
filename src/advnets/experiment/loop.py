"""The loop of a run: train, write journal, previews and checkpoints, and stop when the budget or a signal says so."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advnets import distributed, errors, runs
from advnets.averaging import MovingAverage
from advnets.experiment.preview import Preview
from advnets.experiment.settings import Settings
from advnets.randomness import Streams
from advnets.recipes import Recipe
from advnets.schedules import BEGINNING, value_at
from advnets.training import Moment, Step, Training


@dataclass(frozen=True)
class TrainingProgress:
    """How far a run has come, at a line of its journal.

    Attributes:
        step: Steps made so far.
        seconds: Seconds that it was trained for.
        share: Share of the budget that is spent, from 0 to 1.
        seconds_left: Seconds to the end of the budget, at the present pace.
        images_per_second: Real images that were trained on a second, since the last line.
        readings: Losses and scores by name.
    """

    step: int
    seconds: float
    share: float
    seconds_left: float
    images_per_second: float
    readings: Mapping[str, float]


@dataclass
class Loop:
    """One run under way: what is trained, where it is written, and how far it has come.

    Attributes:
        directory: Where it is written.
        recipe: Batch size, average and stages are read.
        training: What is trained.
        average: The average of what is sampled.
        streams: The run's random numbers.
        preview: What draws the previews.
        settings: Budget and intervals; they have a budget.
        step: Steps made so far.
        seconds: Seconds that it was trained for.
    """

    directory: runs.RunDirectory
    recipe: Recipe
    training: Training
    average: MovingAverage
    streams: Streams
    preview: Preview
    settings: Settings
    step: int = 0
    seconds: float = 0.0
    memory: runs.ModuleMemory = field(default_factory=runs.ModuleMemory, init=False)
    asked_to_stop: int | None = field(default=None, init=False)
    stopping: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._watch_average()

    def state(self) -> dict[str, Any]:
        """Return all that the rest of the run depends on; every process must ask for it together."""
        own = [runs.unpack_state(held) for held in distributed.all_gather(runs.pack_state(self.streams.states))]
        return {
            "training": self.training.state(),
            "average": self.average.state(),
            "average_memory": {way: self.memory.state(network) for way, network in self.average.makers.items()},
            "arithmetic": runs.describe_arithmetic(self.training.device),
            "random": {"shared": self.streams.shared.get_state(), "own": own},
            "progress": {"step": self.step, "seconds": self.seconds},
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned.

        Args:
            state: The state.

        Raises:
            BadInput: If it is of other networks.
        """
        with self.streams.as_defaults():
            self.training.load(state["training"])
        if self.training.stage:
            self._average_anew()
        self.average.load(state["average"])
        for way, network in self.average.makers.items():
            self.memory.load(network, state["average_memory"][way])
        self.step, self.seconds = state["progress"]["step"], state["progress"]["seconds"]
        self.streams.load(**state["random"], step=self.step)

    def share(self) -> float:
        """Return the share of the budget that is spent, 0 .. 1: of steps or minutes, whichever is nearer its end."""
        by_steps = self.step / self.settings.steps if self.settings.steps else 0.0
        by_minutes = self.seconds / (60 * self.settings.minutes) if self.settings.minutes else 0.0
        return min(max(by_steps, by_minutes), 1.0)

    def carry_on(self) -> Iterator[TrainingProgress]:
        """Train to the end of the budget.

        SIGINT and SIGTERM finish the step and save; then KeyboardInterrupt, or SystemExit(143), is raised. A second
        SIGINT leaves at once with 130. Between two values the program's own random numbers are in force again. Of
        several processes all yield and stop at the same steps, whichever of them the signal was sent to; the first
        alone writes.

        Yields:
            How far the run has come.

        Raises:
            NonFinite: If a loss or a gradient is not finite.
            CannotWrite: If a checkpoint or the journal cannot be written.
            ProcessLost: If another process is gone.
            KeyboardInterrupt: After a SIGINT.
            SystemExit: After a SIGTERM.
        """
        with _signals(self):
            self._status("training")
            try:
                yield from self._stretches()
                self.save()
            except Exception as error:
                with contextlib.suppress(errors.CannotWrite):  # on a full disk, what is raised below says so
                    self._status("failed", str(error))
                raise
            self._status("stopped" if self.stopping else "finished")
            distributed.barrier()
        if self.stopping == signal.SIGINT:
            raise KeyboardInterrupt
        if self.stopping:
            raise SystemExit(128 + self.stopping)

    def save(self) -> Path:
        """Write a checkpoint of this step, unless it is there; return its folder."""
        state = self.state()
        path = distributed.on_rank0(lambda: self._write(state))
        self._status("training")
        return Path(path)

    def _write(self, state: Mapping[str, Any]) -> str:
        self.directory.journal.sync()
        return str(runs.save_checkpoint(self.directory.checkpoints, self.step, state, self.directory.held))

    def _stretches(self) -> Iterator[TrainingProgress]:
        steps = self.training.steps(self.step)
        saved_at = time.monotonic()
        while self.share() < 1 and not self.stopping:
            if self.training.is_next_stage_due(self.share()):
                self._next_stages()
                steps = self.training.steps(self.step)
            before, began = self.step, time.monotonic()
            with self.streams.as_defaults():
                readings = self._stretch(steps)
            pace = (self.step - before) * self.recipe.batch_size / max(time.monotonic() - began, 1e-9)
            if self.step % self.settings.journal_steps == 0 or self.share() == 1:
                yield self._report(pace, readings)
            if self.step % self.settings.preview_steps == 0 or self.share() == 1:
                self._draw()
            if self._checkpoint_due(time.monotonic() - saved_at):
                self.save()
                saved_at = time.monotonic()

    def _next_stages(self) -> None:
        with self.streams.as_defaults():
            while self.training.is_next_stage_due(self.share()):
                self.training.begin_next_stage(self.step)
        if distributed.world_size() > 1:  # each drew new networks for itself; the first one's serve all
            self.training.load(
                runs.unpack_state(distributed.broadcast_bytes(lambda: runs.pack_state(self.training.state())))
            )
        self._average_anew()

    def _average_anew(self) -> None:
        """A stage's average begins with its generator, whose former layers are as trained, not as averaged."""
        self.average = MovingAverage(self.training.makers, value_at(self.recipe.average.half_life, BEGINNING))
        self._watch_average()

    def _watch_average(self) -> None:
        for network in self.average.makers.values():
            self.memory.watch(network)

    def _stretch(self, steps: Iterator[Step]) -> dict[str, float]:
        """Steps up to the next one at which anything is written."""
        marks = [self.settings.journal_steps, self.settings.preview_steps, self.settings.checkpoint_steps or 0]
        before = time.monotonic() - self.seconds
        while True:
            moment = Moment(self.step, self.training.batches.epoch + 1, self.share())
            self.training.schedule(moment)
            step = next(steps)
            self.step += 1
            self.average.half_life = value_at(self.recipe.average.half_life, moment)
            self.average.update(self.training.makers, self.recipe.batch_size)
            self.seconds, self.stopping = distributed.all_agree(time.monotonic() - before, self.asked_to_stop)
            at_mark = any(every and self.step % every == 0 for every in marks)
            if at_mark or self.share() == 1 or self.training.is_next_stage_due(self.share()) or self.stopping:
                return distributed.all_reduce_mean(step.readings())

    def _report(self, pace: float, readings: Mapping[str, float]) -> TrainingProgress:
        share = self.share()
        left = self.seconds * (1 - share) / share if share else float("inf")
        stage = {"stage": self.training.stage + 1} if self.recipe.stages else {}
        told = {"step": self.step, "seconds": round(self.seconds, 3), "images_per_second": round(pace, 1)}
        if distributed.is_rank0():
            self.directory.journal.append({**told, **stage, **readings})
        return TrainingProgress(self.step, self.seconds, share, left, pace, readings)

    def _draw(self) -> None:
        if distributed.is_rank0():
            self.preview.draw(
                self.average.makers, self.directory.previews / f"{self.step:08d}.png", self.directory.held
            )

    def _checkpoint_due(self, seconds_since: float) -> bool:
        if self.settings.checkpoint_steps:
            return self.step % self.settings.checkpoint_steps == 0
        return distributed.on_rank0(lambda: seconds_since >= 60 * self.settings.checkpoint_minutes)

    def _status(self, state: str, message: str = "") -> None:
        if not distributed.is_rank0():
            return
        told = {"state": state, "step": self.step, "seconds": round(self.seconds, 3), "share": round(self.share(), 6)}
        whose = {"pid": os.getpid(), "processes": distributed.world_size(), "message": message}
        runs.write_json(self.directory.status_json, {**told, **whose}, self.directory.held)


@contextlib.contextmanager
def _signals(loop: Loop) -> Iterator[None]:
    """While training, SIGINT and SIGTERM are noted and acted on after the step; only the main thread hears them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, frame: object) -> None:
        if number == signal.SIGINT and loop.asked_to_stop == signal.SIGINT:
            os._exit(130)
        loop.asked_to_stop = loop.asked_to_stop or number

    outer = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in outer.items():
            signal.signal(number, handler)
