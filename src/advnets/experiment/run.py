"""A run: a directory, and what can be done with it."""

import copy
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from advnets import distributed, runs
from advnets.assessment import (
    CheckpointChoice,
    Discriminator,
    EvaluationPlan,
    Progress,
    Report,
    as_part,
    evaluate_sampler,
    exhaust,
    note_test_reading,
    plan_from,
    write_report,
)
from advnets.averaging import MovingAverage
from advnets.capture import can_capture
from advnets.data import Dataset
from advnets.errors import BadInput, Damaged, Unsupported
from advnets.experiment.baseline_training import training
from advnets.experiment.discriminator import load_discriminator
from advnets.experiment.loop import Loop, TrainingProgress
from advnets.experiment.model import Model, build_on_meta, export, with_lower_layers, with_weights
from advnets.experiment.preview import Preview
from advnets.experiment.samples import Samples
from advnets.experiment.settings import Settings, find_device, settings_from, with_budget
from advnets.games.game import Game
from advnets.randomness import Streams, fits_device
from advnets.recipes import Recipe, from_json, to_json
from advnets.records import parse_record


@dataclass(frozen=True)
class Run:
    """A run directory and what can be done with it.

    path: the directory, which need not be there yet. game: networks of your own, if it was trained on such.
    """

    path: Path
    game: Game | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))  # given by Python it may be text

    @cached_property
    def directory(self) -> runs.RunDirectory:
        """The files; raises Missing or BadInput if the path is not a run."""
        return runs.open_run(self.path)

    @cached_property
    def _told(self) -> dict[str, Any]:
        return runs.read_json(self.directory.recipe_json)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that the run was started with."""
        return from_json(self._told["recipe"])

    @cached_property
    def settings(self) -> Settings:
        """What was asked of the run beside its recipe."""
        return settings_from(self._told["settings"])

    @cached_property
    def dataset(self) -> Dataset:
        """The data of the run; raises BadInput if they are not those that it was started on."""
        dataset = self.settings.dataset()
        if dataset.digest != self._told["data"]["digest"]:
            raise BadInput(
                f"{self.settings.data} is not the data that {self.path} was started on: its digest is "
                f"{dataset.digest[:12]}, expected {self._told['data']['digest'][:12]}. Bring the former data back."
            )
        return dataset

    @property
    def model(self) -> Model:
        """The averaged generator of the newest good checkpoint, which takes no data to be sampled.

        Raises Missing if there is no checkpoint yet, BadInput if the run was started on networks that are not given.
        """
        step, state, _ = runs.load_latest(self.directory.checkpoints)
        return self._model(step, state)

    def _model(self, step: int, state: Mapping[str, Any]) -> Model:
        if self._told["networks"] == "own" and self.game is None:
            raise BadInput(f"{self.path} was started on networks of your own: give them again, as `game=`")
        card = self._card(step, stage=state["training"]["stage"]["number"])
        network = (
            with_lower_layers(copy.deepcopy(self.game.generator).cpu(), card) if self.game else build_on_meta(card)
        )
        return Model(self.path.name, with_weights(network, state["average"]), card)

    def _card(self, step: int, *, stage: int) -> runs.Card:
        recipe, latent = self.recipe, self.game.latent if self.game else None
        trained_on = parse_record(runs.DataCard, self._told["data"], what=str(self.directory.recipe_json))
        below = (to_json(recipe)["stages"][number]["below"] for number in range(stage))
        return runs.Card(
            generator={"row": "own"} if self.game else to_json(recipe)["generator"],
            below=tuple(layers for layers in below if layers is not None),
            latent=latent.name if latent else recipe.latent,
            latent_size=latent.size if latent else recipe.latent_size,
            transform=recipe.transform if len(trained_on.shape) == 3 else "identity",
            data=trained_on,
            recipe=recipe.name,
            step=step,
            advnets=version("advnets"),
        )

    @property
    def step(self) -> int:
        """The step of the newest good checkpoint."""
        return runs.load_latest(self.directory.checkpoints)[0]

    def sample(self, n: int = 64, *, seed: int = 0) -> Samples:
        """n samples of the newest good checkpoint's averaged generator, by noises of that seed."""
        return self.model.sample(n, seed=seed)

    def evaluate(self, **plan: Any) -> Report:
        """Measure the run against its own data, and write the report as `evaluate_own_data` does.

        Args:
            **plan: Fields of `EvaluationPlan`.

        Returns:
            The report.

        Raises:
            BadInput: If nothing that was asked for can be measured.
            Unsupported: As `evaluate_sampler` and `Model.draw_subject` do.
        """
        return exhaust(self.evaluate_own_data(plan_from(plan)))

    def evaluate_own_data(self, plan: EvaluationPlan) -> Generator[Progress, None, Report]:
        """Measure the run against its own data, and write the report.

        It is written to report.json and report.md. Measures that these hold of the same step, split, samples, seed and
        features stay in them; a report that was measured otherwise is moved to reports/, and comes back when the run
        is measured like that again. Each reading of the test split is noted in test-readings.jsonl.

        Args:
            plan: Which measures, and how.

        Yields:
            The progress, and a note if a report is moved.

        Returns:
            The report.

        Raises:
            BadInput: If nothing that was asked for can be measured.
            Unsupported: As `evaluate_sampler` and `Model.draw_subject` do.
        """
        step, state, _ = runs.load_latest(self.directory.checkpoints)
        report = yield from self._evaluate_checkpoint(step, state, plan)
        report.must_have_measures()
        if plan.split == "test":
            note_test_reading(self.directory.test_readings, report)
        place = write_report(self.directory.path, report)
        if place is not None:
            former = self.directory.report_json
            yield Progress(f"{former} was measured otherwise, and is moved to {place}", 1.0, note=True)
        return report

    def evaluate_against(self, dataset: Dataset, plan: EvaluationPlan) -> Generator[Progress, None, Report]:
        """Measure the run against other data.

        No report is written, but each reading of their test split is noted in test-readings.jsonl.

        Args:
            dataset: The other real images, or points.
            plan: Which measures, and how.

        Yields:
            The progress.

        Returns:
            The report.

        Raises:
            BadInput: If nothing that was asked for can be measured.
            Unsupported: As `evaluate_sampler` and `Model.draw_subject` do.
        """
        step, state, _ = runs.load_latest(self.directory.checkpoints)
        report = yield from evaluate_sampler(self._model(step, state), dataset, plan)
        report.must_have_measures()
        if plan.split == "test":
            note_test_reading(self.directory.test_readings, report)
        return report

    def select_checkpoint(self, plan: EvaluationPlan, by: str) -> Generator[Progress, None, CheckpointChoice]:
        """Measure every checkpoint on the validation split, and select the best; nothing is written.

        Args:
            plan: Which measures are taken beside `by`, and how.
            by: The measure that decides.

        Yields:
            The progress.

        Returns:
            The reports of all checkpoints, and which is the best.

        Raises:
            BadInput: For the test split, on which nothing may be chosen, and if `by` cannot be measured.
        """
        if plan.split != "validation":
            raise BadInput("checkpoints are chosen on the validation split; the test split is read of the one chosen")
        asked = replace(plan, measures=tuple(dict.fromkeys((by, *(plan.measures or ())))))
        found, damaged = self._checkpoints()
        reports: dict[int, Report] = {}
        for number, (step, state) in enumerate(found.items()):
            steps = self._evaluate_checkpoint(step, state, asked)
            report = yield from as_part(steps, f"step {step:,}", number, len(found))
            if by in report.skipped:
                raise BadInput(f"{by} cannot decide: {report.skipped[by]}. Take another measure.")
            reports[step] = report
        return CheckpointChoice(by, reports, damaged)

    def _checkpoints(self) -> tuple[dict[int, dict[str, Any]], dict[str, str]]:
        """The states of all good checkpoints by step, and why the others are passed over."""
        good: dict[int, dict[str, Any]] = {}
        damaged: dict[str, str] = {}
        for path in reversed(runs.newest_first(self.directory.checkpoints)):
            try:
                step, state = runs.load_checkpoint(path)
            except (Damaged, Unsupported) as error:
                damaged[path.name] = str(error)
                continue
            good[step] = state
        if not good:
            runs.load_latest(self.directory.checkpoints)  # says why there is none
        return good, damaged

    def _evaluate_checkpoint(
        self, step: int, state: Mapping[str, Any], plan: EvaluationPlan
    ) -> Generator[Progress, None, Report]:
        model, load = self._model(step, state), partial(self._discriminator, state)
        return evaluate_sampler(model, self.dataset, plan, load)

    def _discriminator(self, state: Mapping[str, Any]) -> Discriminator | None:
        """The discriminator of a checkpoint, of stored values; None for a baseline."""
        return load_discriminator(self.recipe, self.dataset, state["training"], self.game)

    def export(self, path: str | Path, half: bool = False, *, licence: str = "", notes: str = "") -> Path:
        """Write the model as one safetensors file, which `open_model` reads; nothing is overwritten.

        half: in half precision, of half the size; a pixel may then differ by a level or two.
        licence, notes: your words, on its card, beside what `evaluate` measured of this step.
        Raises Unsupported for networks of your own, which no row of NETWORKS describes.
        """
        if self._told["networks"] == "own":
            raise Unsupported(
                f"{self.path} was trained on networks of your own, and a share file holds rows of NETWORKS only, for "
                "nothing in it is executed. Share your code and a checkpoint of it."
            )
        model, report = self.model, self.directory.report_json
        told = runs.read_json(report) if report.exists() else {}
        measured = told if told.get("step") == model.step else None
        return export(model, Path(path), half=half, licence=licence, notes=notes, report=measured)

    def figure2(self, *, seed: int = 0) -> Any:
        """Figure 2 of the 2014 paper, as Model.figure2 has it, beside the run's own data."""
        return self.model.figure2(self.dataset, seed=seed)

    def figure3(self, *, rows: int = 4, columns: int = 12, seed: int = 0) -> Any:
        """Figure 3 of the 2014 paper, as Model.figure3 has it."""
        return self.model.figure3(rows=rows, columns=columns, seed=seed)

    def carry_on(self, *, steps: int | None = None, minutes: float | None = None) -> Iterator[TrainingProgress]:
        """Train on from the newest good checkpoint, to the run's own budget or a new one, yielding as it goes.

        Of several processes the first alone reads and writes the directory, which the others need not see.
        Raises InUse if another process is training it.
        """
        distributed.init_process_group()
        with ExitStack() as held:
            # Given to all as if each had read it: on other hosts there may be no such directory.
            vars(self)["_told"] = distributed.on_rank0(lambda: self._open(held))
            distributed.local_rank0_first(lambda: self.dataset)
            course = self._course(find_device(self.settings.device), steps=steps, minutes=minutes)
            self._bring(course)
            distributed.on_rank0(lambda: self.directory.journal.drop_after(course.step))
            yield from course.carry_on()

    def notes(self) -> list[str]:
        """What the start decided of the data; of a resumed run, damage passed over, another device, other threads."""
        kept = self._told.get("notes")
        told = [str(note) for note in kept] if isinstance(kept, list) else []
        if not runs.has_checkpoints(self.directory.checkpoints):
            return told
        step, state, skipped = runs.load_latest(self.directory.checkpoints)
        told += [f"checkpoint {path.name} is damaged and passed over: {reason}" for path, reason in skipped]
        told += [f"from the checkpoint of step {step:,}"]
        if broken := self.directory.journal.broken_lines():
            told += [f"journal.jsonl: lines {', '.join(map(str, broken))} are not JSON of a step and are dropped"]
        processes = len(state["random"]["own"])
        if processes != distributed.world_size():
            told += [
                f"processes: {distributed.world_size()} now, {processes} when it was saved; the same batches and "
                "noises, other dropout masks: not bit-identical"
            ]
        if not fits_device(state["random"]["shared"], find_device(self.settings.device)):
            told += ["another kind of device than when it was saved, which draws other numbers: not bit-identical"]
        if self.settings.capture and not can_capture(find_device(self.settings.device)):
            told += ["capture: no CUDA device here, so moves are not recorded; the same is learnt, more slowly"]
        former = runs.read_json(self.directory.environment_json).get("threads")
        if former not in (None, torch.get_num_threads()):
            told += [f"torch has {torch.get_num_threads()} threads, {former} when the run began: not bit-identical"]
        return told

    def _open(self, held: ExitStack) -> dict[str, Any]:
        held.enter_context(runs.lock_run(self.directory.path))
        self.directory.remove_leftovers()
        return self._told

    def _bring(self, course: Loop) -> None:
        """To the newest good checkpoint, or to where the first process begins: all stand alike, own networks too."""
        begun = course.state()
        if distributed.world_size() > 1:
            packed = distributed.broadcast_bytes(lambda: runs.pack_state(self._newest_state() or begun))
            course.load(runs.unpack_state(packed))
        elif (state := self._newest_state()) is not None:
            course.load(state)

    def _newest_state(self) -> dict[str, Any] | None:
        folder = self.directory.checkpoints
        return runs.load_latest(folder)[1] if runs.has_checkpoints(folder) else None

    def _course(self, device: torch.device, *, steps: int | None = None, minutes: float | None = None) -> Loop:
        """The course at its first step."""
        settings = self.settings
        if steps is not None or minutes is not None:
            settings = settings_from({**settings.as_json(), "steps": steps, "minutes": minutes})
        directory = runs.RunDirectory(self.path)
        return _course(directory, self.recipe, settings, dataset=self.dataset, device=device, game=self.game)


def _course(
    directory: runs.RunDirectory,
    recipe: Recipe,
    settings: Settings,
    *,
    dataset: Dataset,
    device: torch.device,
    game: Game | None,
) -> Loop:
    """The course of a run at its first step: the same seed gives the same weights, noises and order of the data."""
    streams = Streams(settings.seed, device)
    with streams.as_defaults():
        capture = settings.capture and can_capture(device)
        trained = training(recipe, dataset, seed=settings.seed, device=device, game=game, capture=capture)
    streams.begin_own_numbers()
    average = MovingAverage(trained.network, recipe.ema_half_life)
    preview = Preview(trained.latent, recipe, dataset, seed=settings.seed, device=device)
    return Loop(directory, trained, average, streams, preview, with_budget(settings, recipe))
