"""The course of a run: train, keep the books, and stop when the budget is spent or a signal asks."""

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
from advnets.experiment.baseline_training import BaselineTraining
from advnets.experiment.game_training import GameTraining
from advnets.experiment.preview import Preview
from advnets.experiment.settings import Settings
from advnets.randomness import Streams
from advnets.schedules import Moment


@dataclass(frozen=True)
class TrainingProgress:
    """What is told of a run while it trains.

    step, seconds: how far, and in how long. share: of the budget, from 0 to 1. seconds_left: at the present pace.
    images_per_second: real images seen by the discriminator, over the last stretch.
    readings: losses and scores by name.
    """

    step: int
    seconds: float
    share: float
    seconds_left: float
    images_per_second: float
    readings: Mapping[str, float]


@dataclass
class Loop:
    """One run under way: what is trained, where it is kept, and how far it has come; its settings have a budget."""

    directory: runs.RunDirectory
    play: GameTraining | BaselineTraining
    average: MovingAverage
    streams: Streams
    preview: Preview
    settings: Settings
    step: int = 0
    seconds: float = 0.0
    asked_to_stop: int | None = field(default=None, init=False)
    stopping: int | None = field(default=None, init=False)

    def state(self) -> dict[str, Any]:
        """All that the rest of the run depends on; every process must ask for it together."""
        own = [runs.unpack_state(held) for held in distributed.all_gather(runs.pack_state(self.streams.states))]
        return {
            "training": self.play.state(),
            "average": self.average.state(),
            "random": {"shared": self.streams.shared.get_state(), "own": own},
            "progress": {"step": self.step, "seconds": self.seconds},
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        with self.streams.as_defaults():
            self.play.load(state["training"])
        if self.play.stage:
            self._average_anew()
        self.average.load(state["average"])
        self.step, self.seconds = state["progress"]["step"], state["progress"]["seconds"]
        self.streams.load(**state["random"], step=self.step)

    def share(self) -> float:
        """Share of the budget that is spent, from 0 to 1: by steps or by minutes, whichever is nearer its end."""
        by_steps = self.step / self.settings.steps if self.settings.steps else 0.0
        by_minutes = self.seconds / (60 * self.settings.minutes) if self.settings.minutes else 0.0
        return min(max(by_steps, by_minutes), 1.0)

    def carry_on(self) -> Iterator[TrainingProgress]:
        """Train to the end of the budget, yielding at each line of the journal.

        SIGINT and SIGTERM finish the step and save; then KeyboardInterrupt, or SystemExit(143), is raised. A second
        SIGINT leaves at once with 130. Between two values the program's own random numbers are in force again.
        Of several processes all yield and stop at the same steps, whichever of them the signal was sent to; the first
        alone writes. Raises ProcessLost if one is gone.
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
        """Write a checkpoint of this step, unless it is there."""
        state = self.state()
        path = distributed.on_rank0(lambda: self._write(state))
        self._status("training")
        return Path(path)

    def _write(self, state: Mapping[str, Any]) -> str:
        self.directory.journal.sync()
        return str(runs.save_checkpoint(self.directory.checkpoints, self.step, state))

    def _stretches(self) -> Iterator[TrainingProgress]:
        steps = self.play.steps(self.step)
        saved_at = time.monotonic()
        while self.share() < 1 and not self.stopping:
            if self.play.due(self.share()):
                self._next_stages()
                steps = self.play.steps(self.step)
            before, began = self.step, time.monotonic()
            with self.streams.as_defaults():
                readings = self._stretch(steps)
            pace = (self.step - before) * self.play.recipe.batch_size / max(time.monotonic() - began, 1e-9)
            if self.step % self.settings.journal_steps == 0 or self.share() == 1:
                yield self._report(pace, readings)
            if self.step % self.settings.preview_steps == 0 or self.share() == 1:
                self._draw()
            if self._checkpoint_due(time.monotonic() - saved_at):
                self.save()
                saved_at = time.monotonic()

    def _next_stages(self) -> None:
        with self.streams.as_defaults():
            while self.play.due(self.share()):
                self.play.next_stage(self.step)
        if distributed.world_size() > 1:  # each drew new networks for itself; the first one's serve all
            self.play.load(runs.unpack_state(distributed.broadcast_bytes(lambda: runs.pack_state(self.play.state()))))
        self._average_anew()

    def _average_anew(self) -> None:
        """A stage's average begins with its generator: the former one's layers are as trained, not as averaged."""
        self.average = MovingAverage(self.play.network, self.play.recipe.ema_half_life)

    def _stretch(self, steps: Iterator[Any]) -> dict[str, float]:
        """Steps up to the next one at which anything is written."""
        marks = [self.settings.journal_steps, self.settings.preview_steps, self.settings.checkpoint_steps or 0]
        before = time.monotonic() - self.seconds
        while True:
            self.play.schedule(Moment(self.step, self.play.batches.epoch + 1, self.share()))
            step = next(steps)
            self.step += 1
            self.average.update(self.play.network, self.play.recipe.batch_size)
            self.seconds, self.stopping = distributed.all_agree(time.monotonic() - before, self.asked_to_stop)
            at_mark = any(every and self.step % every == 0 for every in marks)
            if at_mark or self.share() == 1 or self.play.due(self.share()) or self.stopping:
                return distributed.all_reduce_mean(step.readings())

    def _report(self, pace: float, readings: Mapping[str, float]) -> TrainingProgress:
        share = self.share()
        left = self.seconds * (1 - share) / share if share else float("inf")
        stage = {"stage": self.play.stage + 1} if self.play.recipe.stages else {}
        told = {"step": self.step, "seconds": round(self.seconds, 3), "images_per_second": round(pace, 1)}
        if distributed.is_rank0():
            self.directory.journal.append({**told, **stage, **readings})
        return TrainingProgress(self.step, self.seconds, share, left, pace, readings)

    def _draw(self) -> None:
        if distributed.is_rank0():
            self.preview.draw(self.average.network, self.directory.previews / f"{self.step:08d}.png")

    def _checkpoint_due(self, seconds_since: float) -> bool:
        if self.settings.checkpoint_steps:
            return self.step % self.settings.checkpoint_steps == 0
        return distributed.on_rank0(lambda: seconds_since >= 60 * self.settings.checkpoint_minutes)

    def _status(self, state: str, message: str = "") -> None:
        if not distributed.is_rank0():
            return
        told = {"state": state, "step": self.step, "seconds": round(self.seconds, 3), "share": round(self.share(), 6)}
        whose = {"pid": os.getpid(), "processes": distributed.world_size(), "message": message}
        runs.write_json(self.directory.status_json, {**told, **whose})


@contextlib.contextmanager
def _signals(course: Loop) -> Iterator[None]:
    """While training, SIGINT and SIGTERM are noted and acted on after the step; only the main thread hears them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, frame: object) -> None:
        if number == signal.SIGINT and course.asked_to_stop == signal.SIGINT:
            os._exit(130)
        course.asked_to_stop = course.asked_to_stop or number

    outer = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in outer.items():
            signal.signal(number, handler)
