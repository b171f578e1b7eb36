"""The loop of a run: train, write journal, previews and checkpoints, and stop when the budget or a signal says so."""

import atexit
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from advnets import distributed, errors, process, runs
from advnets.averaging import MovingAverage
from advnets.experiment.preparation.preview import Preview
from advnets.experiment.settings import Settings
from advnets.experiment.training_loop.doctor import Doctor
from advnets.experiment.training_loop.progress import TrainingProgress, describe_end, write_status
from advnets.experiment.training_loop.rollback import MOST_ROLLBACKS, SLOWER, slow_down, state_before
from advnets.experiment.training_loop.timetable import Timetable
from advnets.experiment.training_loop.validation import Validation, Validator, describe_early_end
from advnets.randomness import Streams
from advnets.recipes import Recipe
from advnets.training import Moment, Step, Training

ONE_PRESS_SECONDS = 0.5
"""SIGINTs so close are one: a terminal and a program that starts the command may both send it."""
STATUS_PATIENCE_SECONDS = 1.0
"""How long a second SIGINT waits for status.json, on a disk that may hang."""
EXIT_PATIENCE_SECONDS = 60.0
"""How long the end of the program waits for a run that another thread trains."""


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
        doctor: Who looks at the training now and then, or None.
        validator: What measures each checkpoint on held-out data, or None.
        rollbacks: How often it went back to a state from before a collapse.
        clock: What counts the seconds.
        asked_to_stop: The signal that this process was sent.
        stopping: The signal that any of the processes was sent.
        ended: Set when status.json says how it ended.
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
    doctor: Doctor | None = None
    validator: Validator | None = None
    rollbacks: int = field(default=0, init=False)
    memory: runs.ModuleMemory = field(default_factory=runs.ModuleMemory, init=False)
    clock: process.RunningClock = field(default_factory=process.RunningClock)
    asked_to_stop: int | None = field(default=None, init=False)
    stopping: int | None = field(default=None, init=False)
    ended: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._pid = os.getpid()  # a process that is forked from this one writes nothing
        self._interrupted_at: float | None = None
        self._between_steps = True
        self._is_lent = False  # the caller has the word, between two values
        self._left_elsewhere = False
        self.timetable = Timetable(self.settings)
        self._watch_average()

    def state(self) -> dict[str, Any]:
        """Return all that the rest of the run needs, as `BaselineTraining.state` does; all processes ask together."""
        own = [runs.unpack_state(held) for held in distributed.all_gather(runs.pack_state(self.streams.states))]
        return {
            "training": self.training.state(),
            "average": self.average.state(),
            "average_memory": {way: self.memory.state(network) for way, network in self.average.makers.items()},
            "arithmetic": runs.describe_arithmetic(self.training.device),
            "random": {"shared": self.streams.shared.get_state(), "own": own},
            "progress": {"step": self.step, "seconds": self.seconds, "rollbacks": self.rollbacks},
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
        self.step, self.seconds, self.rollbacks = (state["progress"][name] for name in ("step", "seconds", "rollbacks"))
        self.streams.load(**state["random"], step=self.step)

    def share(self) -> float:
        """Return the share of the budget that is spent: of steps or minutes, whichever is nearer its end.

        Returns:
            A number from 0 to 1.
        """
        by_steps = self.step / self.settings.steps if self.settings.steps else 0.0
        by_minutes = self.seconds / (60 * self.settings.minutes) if self.settings.minutes else 0.0
        return min(max(by_steps, by_minutes), 1.0)

    @property
    def is_over(self) -> bool:
        """Whether the training has come to its end: of its budget, or of the patience for checkpoints no better."""
        return self.share() >= 1 or (self.validator is not None and self.validator.is_exhausted)

    def load_newest(self, read: Callable[[], Mapping[str, Any] | None]) -> None:
        """Load the newest good state, or that in which the first process begins: all stand alike, own networks too.

        Args:
            read: Reads the newest good state, in the first process; it returns None where there is none.
        """
        begun = self.state()
        if distributed.world_size() > 1:
            state = distributed.broadcast_bytes(lambda: runs.pack_state(dict(read() or begun)))
            self.load(runs.unpack_state(state))
        elif (newest := read()) is not None:
            self.load(newest)

    def carry_on(self) -> Iterator[TrainingProgress]:
        """Train to the end of the budget.

        A signal that would end the process finishes the step and saves; a second SIGINT leaves at once with 130. A
        caller who leaves the loop, by `break`, an exception or the end of the program, finds the run saved too. Between
        two values the program's own random numbers are in force again. Several processes yield and stop at the same
        steps, whichever of them the signal was sent to or leaves; the first writes.

        Yields:
            How far the run has come, when all that belongs to the step is written.

        Raises:
            NonFinite: If a loss or a gradient is not finite.
            CannotWrite: If a checkpoint or the journal cannot be written.
            ProcessLost: If another process is gone, or has left the loop.
            KeyboardInterrupt: After a SIGINT.
            SystemExit: After another signal, with 128 + its number.
        """
        try:
            with process.hear_signals(self._hear), self.clock.keep_ticking(), self._end_with_program():
                self._write_status("training")
                try:
                    yield from self._stretches()
                    self.save()
                except BaseException as error:
                    self._end_early(error)
                    raise
                self._write_end("stopped", "")
                if not self._left_elsewhere:
                    distributed.barrier()
        except GeneratorExit:
            if self.asked_to_stop:  # it was sent while the caller had the word, who left before the loop could act
                process.hand_on(self.asked_to_stop)
            raise
        self._raise_what_stopped_it()

    def _raise_what_stopped_it(self) -> None:
        number = self.stopping or self.asked_to_stop
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        if number:
            raise SystemExit(128 + number)
        if self._left_elsewhere:
            raise errors.ProcessLost(
                f"another process has left the loop at step {self.step:,}. All stop here, and the run is saved."
            )

    def _end_early(self, error: BaseException) -> None:
        """Save what is whole, which within a step it is not: one player may have moved alone. Say how the run ended."""
        if self.ended.is_set() or os.getpid() != self._pid:
            return
        state, message = describe_end(error, is_callers=self._is_lent)
        try:
            if self._is_lent:
                distributed.all_agree(0.0, 1)
            # Where several processes do not leave together, only one knows of the error, and cannot save alone.
            if self._is_lent or (self._between_steps and distributed.world_size() == 1):
                self.save()
        except errors.AdvnetsError as failure:
            if not isinstance(error, errors.AdvnetsError):
                state, message = "failed", str(failure)
            self._write_end(state, message)
            if isinstance(error, GeneratorExit):
                raise failure from None
            return
        self._write_end(state, message)

    def _write_end(self, state: str, message: str) -> None:
        """Say how the run ended, on a full disk too; what is trained to its end is finished, however it was left."""
        if state == "stopped" and self.is_over:
            state, message = "finished", message or describe_early_end(self.validator)
        with contextlib.suppress(errors.CannotWrite):  # what is raised beside says so
            self._write_status(state, message, in_place=True)
            if self.doctor is not None:
                self.doctor.hear_end(message, self.step, self.seconds)
        self.ended.set()

    @contextlib.contextmanager
    def _end_with_program(self) -> Iterator[None]:
        """Within, the end of the program saves: a variable may hold the loop until the interpreter is gone."""
        atexit.register(self._end_at_exit)
        try:
            yield
        finally:
            atexit.unregister(self._end_at_exit)

    def _end_at_exit(self) -> None:
        if not self._is_lent and os.getpid() == self._pid:  # another thread trains
            self.asked_to_stop = self.asked_to_stop or signal.SIGTERM
            self.ended.wait(EXIT_PATIENCE_SECONDS)
        self._end_early(SystemExit())

    def _hear(self, number: int) -> None:
        """Note a signal, which is acted on after the step; leave at once at a second press of Ctrl-C."""
        if number == signal.SIGINT:
            now = time.monotonic()
            if self._interrupted_at is not None and now - self._interrupted_at > ONE_PRESS_SECONDS:
                self._leave_at_once()
            self._interrupted_at = self._interrupted_at or now
        self.asked_to_stop = self.asked_to_stop or number

    def _leave_at_once(self) -> None:
        said = "A second SIGINT ended the run at once; the newest checkpoint is what is kept."
        writer = threading.Thread(target=self._write_end, args=("stopped", said), daemon=True)
        writer.start()
        writer.join(STATUS_PATIENCE_SECONDS)
        os._exit(130)

    def save(self) -> Path:
        """Write a checkpoint of this step, as `runs.save_checkpoint` does, unless it is there; return its folder."""
        state = self.state()
        path = distributed.on_rank0(lambda: self._write(state))
        self._write_status("training")
        return Path(path)

    def _write(self, state: Mapping[str, Any]) -> str:
        self.directory.journal.sync()
        best = None if self.validator is None else self.validator.best_step
        return str(runs.save_checkpoint(self.directory.checkpoints, self.step, state, self.directory.held, best))

    def _stretches(self) -> Iterator[TrainingProgress]:
        steps = self.training.steps(self.step)
        self._examine()
        if (owed := self._validate_what_is_owed()) is not None:
            yield from self._lend(self._progress(0.0, {}, owed))
        self.timetable.begin(self.seconds)
        while not self.is_over and not self.stopping and not self._left_elsewhere:
            self._between_steps = False
            if self.training.is_next_stage_due(self.share()):
                self._next_stages()
                steps = self.training.steps(self.step)
            before, began = self.step, self.seconds
            with self.streams.as_defaults():
                readings = self._stretch(steps)
            self._between_steps = True
            pace = (self.step - before) * self.recipe.batch_size / max(self.seconds - began, 1e-9)
            is_end, at = self.share() == 1, (self.step, self.seconds)
            progress = self._report(pace, readings) if self.timetable.is_report_due(*at) or is_end else None
            if self.timetable.is_preview_due(*at) or is_end:
                self._draw()
            if self.timetable.is_save_due(self.step) or (self.validator is not None and is_end):
                self.save()
                if self.validator is not None:
                    found = self.validator.measure(self.step, self.seconds)
                    progress = replace(progress or self._progress(pace, readings), validation=found)
                self.timetable.note_save()
            if progress is not None:
                yield from self._lend(progress)
                if self._act_on_collapse():
                    steps = self.training.steps(self.step)

    def _lend(self, progress: TrainingProgress) -> Iterator[TrainingProgress]:
        """Give the caller the word; then all processes learn whether the caller of one of them has left."""
        self._is_lent = True
        yield progress
        self._is_lent = False
        self._left_elsewhere = bool(distributed.all_agree(0.0, None)[1])

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
        self.average = MovingAverage(self.training.makers)
        self._watch_average()

    def _watch_average(self) -> None:
        for network in self.average.makers.values():
            self.memory.watch(network)

    def _stretch(self, steps: Iterator[Step]) -> dict[str, float]:
        """Steps up to the next one at which anything is written."""
        with self.clock.count():
            before = self.clock.seconds - self.seconds
            while True:
                moment = Moment(self.step, self.training.batches.epoch + 1, self.share())
                self.training.schedule(moment)
                slow_down(self.training, self.rollbacks)
                within = self.training.moment_of_stage(moment)
                step = next(steps)
                self.step += 1
                self.average.half_life = self.recipe.average.half_life_at(within, self.recipe.batch_size)
                self.average.update(self.training.makers, self.recipe.batch_size)
                self.seconds, self.stopping = distributed.all_agree(self.clock.tick() - before, self.asked_to_stop)
                at_mark = self.timetable.has_mark(self.step, self.seconds)
                if at_mark or self.share() == 1 or self.training.is_next_stage_due(self.share()) or self.stopping:
                    return distributed.all_reduce_mean(step.readings())

    def _report(self, pace: float, readings: Mapping[str, float]) -> TrainingProgress:
        self.timetable.note_report(self.seconds)
        stage = {"stage": self.training.stage + 1} if self.recipe.stages else {}
        told = {"step": self.step, "seconds": round(self.seconds, 3), "images_per_second": round(pace, 1)}
        examined = self._examine()
        if distributed.is_rank0():
            self.directory.journal.append({**told, **stage, **readings, **examined})
        return self._progress(pace, readings)

    def _progress(
        self, pace: float, readings: Mapping[str, float], validation: Validation | None = None
    ) -> TrainingProgress:
        share = self.share()
        left = self.seconds * (1 - share) / share if share else float("inf")
        found = () if self.doctor is None else self.doctor.take_findings()
        return TrainingProgress(self.step, self.seconds, share, left, pace, readings, found, validation)

    def _validate_what_is_owed(self) -> Validation | None:
        """Measure the checkpoint that a resumed run begins with, if the run was killed before it was measured."""
        is_due = self.step > 0 and (self.share() == 1 or self.timetable.is_save_due_by_steps(self.step))
        return None if self.validator is None else self.validator.measure_if_owed(self.step, self.seconds, is_due)

    def _examine(self) -> dict[str, Any]:
        """Let the doctor look, if one is there and it is time; return what the journal says of it."""
        if self.doctor is None:
            return {}
        return self.doctor.look(
            self.training, self.average.makers, step=self.step, seconds=self.seconds, share=self.share()
        )

    def _act_on_collapse(self) -> bool:
        """Stop at a collapse or roll back, where that is asked for; return whether the training stands elsewhere."""
        doctor, asked = self.doctor, self.settings.on_collapse
        if doctor is None or asked == "warn" or not doctor.is_collapsed or self.share() == 1:
            return False
        if asked == "stop" or self.rollbacks == MOST_ROLLBACKS:
            raise errors.Collapsed(doctor.words_of_collapse(self.step, self.rollbacks))
        fell_at, seconds, rollbacks = self.step, self.seconds, self.rollbacks + 1
        self.load(state_before(self.directory, doctor.sound_step, self.step))
        self.seconds, self.rollbacks = seconds, rollbacks  # the time is spent
        self.streams.begin_anew(self.step, rollbacks)
        told = f"rolled back from step {fell_at:,}, with new random numbers and rates times {SLOWER**rollbacks:g}"
        self.directory.journal.drop_after(self.step)
        self.directory.journal.append({"step": self.step, "seconds": round(seconds, 3), "findings": [told]})
        doctor.begin(self.step)
        if self.validator is not None:
            self.validator.begin(self.step)
        return True

    def _draw(self) -> None:
        self.timetable.note_preview(self.seconds)
        if distributed.is_rank0():
            self.preview.draw(
                self.average.makers, self.directory.previews / f"{self.step:08d}.png", self.directory.held
            )

    def _write_status(self, state: str, message: str = "", *, in_place: bool = False) -> None:
        if not distributed.is_rank0():
            return
        told = {"state": state, "step": self.step, "seconds": round(self.seconds, 3), "share": round(self.share(), 6)}
        whose = {"pid": os.getpid(), "processes": distributed.world_size(), "message": message}
        write_status(self.directory, {**told, **whose}, in_place=in_place)
