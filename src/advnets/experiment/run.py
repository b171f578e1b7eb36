"""A run: a directory, and what can be done with it."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

import torch
from numpy.typing import NDArray

from advnets import assessment, distributed, runs
from advnets.assessment import CheckpointChoice, EvaluationPlan, Progress, Report, Sampler, exhaust, plan_from
from advnets.data import Dataset
from advnets.experiment import run_evaluation, run_model
from advnets.experiment.exports import ExportedFile
from advnets.experiment.model import Model
from advnets.experiment.notebook import describe_run
from advnets.experiment.preparation.prepare import PreparedTraining
from advnets.experiment.resume_notes import resume_notes
from advnets.experiment.run_data import load_run_data
from advnets.experiment.run_diagnosis import Diagnosis, diagnose_run
from advnets.experiment.run_record import RunRecord
from advnets.experiment.sampling import SampleKeywords, Samples
from advnets.experiment.settings import Settings, settle_budget
from advnets.experiment.training_loop import Loop, MeasuredCheckpoint, TrainingProgress, Validation
from advnets.experiment.training_loop.run_loop import begin_watching, build_loop
from advnets.games import CycleGame, Game
from advnets.recipes import Recipe
from advnets.recipes.recipe import own_optimizers


@dataclass(eq=False)
class Run:
    """A run directory and what can be done with it.

    Attributes:
        path: The directory, which need not be there yet.
        game: A game of your own, if it was started on one.
        data: The data again, if they were given in memory; or the new place of data that were moved.
        labels: The labels again, if they were given beside a tensor or an array.
        given: The given images again, if they were given beside a tensor or an array.
        data_dir: Folder where the files of a named data set are looked for first, in place of that of the start.
        optimizer: The optimizers of your own again, as `advnets.resume` takes them.
        checkpoint: The step of the checkpoint that is used; "best" for the one keep_best kept; None for the newest.
    """

    path: Path
    game: Game | CycleGame | None = None
    data: Any = field(default=None, repr=False)
    labels: Any = field(default=None, repr=False)
    given: Any = field(default=None, repr=False)
    data_dir: str | PathLike[str] | None = field(default=None, repr=False)
    optimizer: Any = field(default=None, repr=False)
    checkpoint: int | str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.path = Path(self.path)  # given by Python it may be text
        self.checkpoint = run_model.parse_checkpoint(self.checkpoint)
        self._held: runs.RunDirectory | None = None
        self._begun_in: tuple[int, int] | None = None
        self._record: RunRecord | None = None
        self._dataset: Dataset | None = None
        self._prepared: PreparedTraining | None = None

    @staticmethod
    def begin(
        path: Path, game: Game | CycleGame | None, *, record: RunRecord, dataset: Dataset, prepared: PreparedTraining
    ) -> "Run":
        """Return a run that has just been started, with all that was read and built for it.

        Args:
            path: The run directory.
            game: The game of your own, if there is one.
            record: What recipe.json says.
            dataset: The data.
            prepared: The training at its first step.

        Returns:
            The run.
        """
        own = {player: row.factory for player, row in own_optimizers(record.recipe).items()} or None
        run = Run(path, game, optimizer=own)
        run._record, run._dataset, run._prepared = record, dataset, prepared
        run._begun_in = runs.identity_of_folder(path)
        return run

    @cached_property
    def directory(self) -> runs.RunDirectory:
        """The files. Raises Missing or BadInput if the path is not a run."""
        return runs.open_run(self.path)

    @property
    def record(self) -> RunRecord:
        """What recipe.json says of the run."""
        if self._record is None:
            self._record = RunRecord.from_json(self.directory.read_recipe(), str(self.directory.recipe_json))
        return self._record

    @property
    def recipe(self) -> Recipe:
        """The recipe that the run was started with."""
        return self.record.recipe

    @property
    def settings(self) -> Settings:
        """What was asked of the run beside its recipe when it was started."""
        return self.record.settings

    @property
    def dataset(self) -> Dataset:
        """The data of the run. Raises BadInput if they are not those that it was started on, or not there."""
        if self._dataset is None:
            again = {"data": self.data, "labels": self.labels, "given": self.given, "data_dir": self.data_dir}
            self._dataset = load_run_data(self.settings, self.record.data.digest, str(self.path), **again)
        return self._dataset

    @property
    def model(self) -> Model:
        """The averaged generator of the newest good checkpoint, as `model_of` returns it."""
        return self.model_of()

    @property
    def journal(self) -> dict[str, NDArray[Any]]:
        """Losses, scores and speed by name, a column each, NaN where an entry has none; `step` says where."""
        return self.directory.journal.columns()

    def _repr_html_(self) -> str:
        return describe_run(self.directory, self.record, lambda: self.step)

    def model_of(self, way: str | None = None, *, last: bool = False) -> Model:
        """Return one of the generators of the newest good checkpoint; sampling it takes no data.

        Args:
            way: "" of a game with one generator; "there" or "back" of a cycle; None for "" or "there".
            last: Whether it has the last weights, in place of their moving average.

        Returns:
            The model.

        Raises:
            Missing: If there is no checkpoint yet.
            BadInput: If there is no such way, or the run was started on networks that are not given.
        """
        way = run_evaluation.expect_way(self.ways, way, str(self.path))
        return self.model_at(*run_model.load_state(self), way, last=last)

    def sampler(self, way: str | None = None) -> Sampler:
        """Return what draws the samples that are measured, by the newest good checkpoint.

        Args:
            way: As in `model_of`.

        Returns:
            The model; of a cycle what translates that way, and back again.
        """
        return run_evaluation.sampler_of(self, *run_model.load_state(self), way)

    @property
    def ways(self) -> list[str]:
        """The ways of its generators: "" of one generator, "there" and "back" of a cycle."""
        self.record.expect_game(self.game, str(self.path))
        return list(self.game.makers if self.game is not None else self.recipe.expect_learner().makers())

    def model_at(self, step: int, state: Mapping[str, Any], way: str = "", *, last: bool = False) -> Model:
        """Return the generator of a checkpoint.

        Args:
            step: The checkpoint's step.
            state: What the checkpoint holds, as it was read.
            way: "" of a game with one generator; "there" or "back" of a cycle.
            last: Whether it has the last weights, in place of their moving average.

        Returns:
            The model.
        """
        return run_model.model_of_state(self.record, self.game, self.path, step=step, state=state, way=way, last=last)

    @property
    def step(self) -> int:
        """The step of the newest good checkpoint, or of the one that is chosen."""
        return run_model.load_state(self)[0]

    @property
    def validation(self) -> Validation | None:
        """What keep_best has measured of the run's checkpoints while it trained; None where it was not asked for."""
        return run_model.read_validation(self)

    @property
    def best(self) -> MeasuredCheckpoint | None:
        """The best of the measured checkpoints that are there, which checkpoint="best" opens; None without any."""
        return run_model.find_best(self)

    def sample(self, n: int | None = None, *, last: bool = False, **asked: Unpack[SampleKeywords]) -> Samples:
        """Draw samples of the newest good checkpoint's generator.

        Args:
            n: How many, 1 or more; None for 64.
            last: Whether the last weights draw, in place of their moving average.
            **asked: The seed, seeds, what is given and the truncation, as `Model.sample` takes them.

        Returns:
            The samples.

        Raises:
            BadInput: As `Model.sample` does.
        """
        return self.model_of(last=last).sample(n, **asked)

    def evaluate(self, *, way: str | None = None, **plan: Unpack[assessment.EvaluationKeywords]) -> Report:
        """Measure the run against its own data, and write the report as `evaluate_own_data` does.

        Args:
            way: As in `evaluate_own_data`.
            **plan: Fields of `EvaluationPlan`.

        Returns:
            The report.

        Raises:
            BadInput: If nothing that was asked for can be measured.
        """
        return exhaust(self.evaluate_own_data(plan_from(plan), way))

    def evaluate_own_data(self, plan: EvaluationPlan, way: str | None = None) -> Generator[Progress, None, Report]:
        """Measure the run against its own data, and write the report.

        It is written to report.json and report.md. Measures that these hold of the same step, split, samples, seed and
        features stay in them; a report that was measured otherwise is moved to reports/, until the run is measured like
        that again, and so is a damaged one, for good. Readings of the test split are noted in test-readings.jsonl. A
        generator that is given images translates held-out ones. The way back of a cycle has its report in back/.

        Args:
            plan: Which measures, and how.
            way: "there" or "back" of a cycle; None for the way there, and for a run with one generator.

        Yields:
            The progress, and a note if a report is moved.

        Returns:
            The report.

        Raises:
            BadInput: If nothing that was asked for can be measured.
            Unsupported: As `evaluate_sampler` and `Model.draw_subject` do.
        """
        return run_evaluation.evaluate_own_data(self, plan, way)

    def evaluate_against(
        self, dataset: Dataset, plan: EvaluationPlan, way: str | None = None
    ) -> Generator[Progress, None, Report]:
        """Measure the run against other data, as `Run.evaluate_own_data` does; no report is written.

        Args:
            dataset: Real images or points; each reading of their test split is noted in test-readings.jsonl.
            plan: As in `evaluate_own_data`.
            way: As in `evaluate_own_data`.
        """
        return run_evaluation.evaluate_against(self, dataset, plan, way)

    def select_checkpoint(self, plan: EvaluationPlan, by: str) -> Generator[Progress, None, CheckpointChoice]:
        """Measure every checkpoint on the validation split, and select the best; nothing is written.

        Args:
            plan: What is measured beside it, and how.
            by: The measure that decides.

        Returns:
            Which is the best, with the reports of all; how far it has come is yielded.

        Raises:
            BadInput: For the test split, on which nothing may be chosen, and if `by` cannot be measured.
        """
        return run_evaluation.select_checkpoint(self, plan, by)

    def diagnose(self) -> Diagnosis:
        """Say what is wrong with the training, by its checkpoints and what the doctor has written; nothing is written.

        Returns:
            What is found now, and what was found before.

        Raises:
            Missing: If there is no checkpoint yet.
            BadInput: If the run was started on networks or data that are not given.
        """
        return diagnose_run(self)

    def export(self, path: str | Path, half: bool = False, *, licence: str = "", notes: str = "") -> Path:
        """Write the model as one file, which `open_model` reads; nothing is overwritten.

        Of networks of your own it holds the weights alone, as a plain state dict, and says in words what they are.

        Args:
            path: FILE.safetensors, FILE.onnx for onnxruntime and other programs, or FILE.html; see EXPORTERS.
            half: Whether it is written in half precision, of half the size; a pixel may then differ by a level or two.
            licence: Your words, on its card.
            notes: Your words, on its card, beside what `evaluate` measured of this step.

        Returns:
            The path.

        Raises:
            Unsupported: For another ending than those of EXPORTERS.
            BadInput: If the file is there.
            Damaged: If the run's report is not as it was written.
        """
        return self.export_with_notes(path, half, licence=licence, notes=notes).path

    def export_with_notes(
        self, path: str | Path, half: bool = False, *, licence: str = "", notes: str = ""
    ) -> ExportedFile:
        """Write the model as `export` does, and return what its author should know about the file.

        Returns:
            The path, the step, and words on the file.
        """
        asked: dict[str, Any] = {"half": half, "licence": licence, "notes": notes}
        return run_model.export_model(self, lambda: self.model, Path(path), **asked)

    def figure2(self, *, seed: int = 0) -> Any:
        """Draw Figure 2 of the 2014 paper, as `Model.figure2` does, beside the run's own data."""
        return self.model.figure2(self.dataset, seed=seed)

    def figure3(self, *, rows: int = 4, columns: int = 12, seed: int = 0) -> Any:
        """Draw Figure 3 of the 2014 paper, as `Model.figure3` does."""
        return self.model.figure3(rows=rows, columns=columns, seed=seed)

    @torch.inference_mode(False)  # the caller may have switched gradients off
    def carry_on(self, *, steps: int | None = None, minutes: float | None = None) -> Iterator[TrainingProgress]:
        """Train on from the newest good checkpoint.

        Of several processes the first alone reads and writes the directory, which the others need not see.

        Args:
            steps: A new budget in steps, which is the run's from now on; None with None for the one asked for last.
            minutes: A new budget in minutes, likewise.

        Yields:
            How far the run has come, at each line of the journal.

        Raises:
            InUse: If another process is training it.
            BadInput: If the run was started on another game than this, or on none, and for a chosen checkpoint.
        """
        run_model.expect_newest(self.checkpoint)
        distributed.init_process_group()
        with ExitStack() as held:
            # Broadcast, as if each process had read it: on other hosts there may be no such directory.
            recorded = distributed.on_rank0(lambda: self._lock(held))
            self._record = RunRecord.from_json(recorded, str(self.path))
            self.record.expect_game(self.game, str(self.path), code=True)
            distributed.local_rank0_first(lambda: self.dataset)
            loop = self._loop(distributed.on_rank0(lambda: settle_budget(self.directory, steps, minutes)))
            loop.load_newest(self._newest_state)
            distributed.on_rank0(lambda: loop.directory.journal.drop_after(loop.step))
            begin_watching(loop, is_longer=(steps, minutes) != (None, None))
            yield from loop.carry_on()

    def save_beginning(self) -> None:
        """Write the checkpoint of step 0, so that a run that began from a file goes on without it."""
        prepared, state = self._prepared, self._loop().state()
        distributed.on_rank0(lambda: str(runs.save_checkpoint(self.directory.checkpoints, 0, state)))
        self._prepared = prepared

    def notes(self) -> list[str]:
        """Return what the start decided and saw in a trial move, and what the next resume has to say, such as damage.

        Returns:
            A sentence for each of them.
        """
        looked = [*run_evaluation.validation_notes(self), *resume_notes(self.directory, self.settings, self.record)]
        return [*self.record.notes, *looked]

    def _lock(self, held: ExitStack) -> dict[str, Any]:
        self._held = directory = held.enter_context(runs.lock_run(self.directory.path))
        held.callback(self._let_go)
        directory.expect_identity(self._begun_in)
        directory.remove_leftovers()
        return directory.read_recipe()

    def _let_go(self) -> None:
        """Let the directory go; a run that was renamed while it trained has its new path from now on."""
        if self._held is not None and self._held.held is not None:
            self.path, self._held = self._held.held.place, None
            self.__dict__.pop("directory", None)

    def _newest_state(self) -> dict[str, Any] | None:
        folder, held = (self._held or self.directory).checkpoints, None if self._held is None else self._held.held
        return runs.load_latest(folder, held)[1] if runs.has_checkpoints(folder, held) else None

    def _loop(self, budget: Mapping[str, Any] | None = None) -> Loop:
        """The loop at its first step; what `start` has built is used once."""
        beside: dict[str, Any] = {"budget": budget, "game": self.game, "prepared": self._prepared}
        self._prepared = None
        recipe = self.record.with_optimizers(self.optimizer, str(self.path))
        directory = self._held or runs.RunDirectory(self.path)
        beside["validator"] = run_evaluation.build_validator(self, directory)
        return build_loop(directory, recipe, self.dataset, self.settings, **beside)
