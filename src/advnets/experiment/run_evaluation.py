"""How a run is measured: its newest checkpoint or all of them, against its own data or others."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from advnets import runs
from advnets.assessment import (
    UNREAD,
    CheckpointChoice,
    EvaluationPlan,
    Progress,
    Report,
    as_part,
    evaluate_sampler,
    note_test_reading,
    write_report,
)
from advnets.data import Dataset
from advnets.errors import BadInput, keep_result
from advnets.experiment.model import Model
from advnets.experiment.run_model import load_all_states, load_discriminator
from advnets.games import CycleGame, Game
from advnets.recipes import Recipe


class MeasuredRun(Protocol):
    """What is asked of a run that is measured."""

    game: Game | CycleGame | None

    @property
    def directory(self) -> runs.RunDirectory:
        """The files."""

    @property
    def recipe(self) -> Recipe:
        """The recipe that the run was started with."""

    @property
    def dataset(self) -> Dataset:
        """The data of the run."""

    def model_at(self, step: int, state: Mapping[str, Any], way: str = "") -> Model:
        """Return the generator of a training state."""


def evaluate_own_data(run: MeasuredRun, plan: EvaluationPlan) -> Generator[Progress, None, Report]:
    """Measure a run against its own data, and write the report; see `Run.evaluate_own_data`."""
    with runs.hold_run(run.directory.path) as directory:
        step, state, _ = runs.load_latest(directory.checkpoints, directory.held)
        report = yield from _evaluate_checkpoint(run, step, state, plan)
        with keep_result(report):
            _note_reading(report, directory)
            place = write_report(directory.path, report, directory.held)
    if place is not None:
        why = "cannot be read" if place.name.startswith(UNREAD) else "was measured otherwise"
        yield Progress(f"{directory.report_json} {why}, and is moved to {place}", 1.0, note=True)
    return report


def evaluate_against(run: MeasuredRun, dataset: Dataset, plan: EvaluationPlan) -> Generator[Progress, None, Report]:
    """Measure a run against other data; see `Run.evaluate_against`."""
    with runs.hold_run(run.directory.path) as directory:
        step, state, _ = runs.load_latest(directory.checkpoints, directory.held)
        report = yield from evaluate_sampler(run.model_at(step, state), dataset, plan)
        with keep_result(report):
            _note_reading(report, directory)
    return report


def select_checkpoint(run: MeasuredRun, plan: EvaluationPlan, by: str) -> Generator[Progress, None, CheckpointChoice]:
    """Measure every checkpoint on the validation split, and select the best; see `Run.select_checkpoint`."""
    if plan.split != "validation":
        raise BadInput("checkpoints are chosen on the validation split; the test split is read of the one chosen")
    asked = replace(plan, measures=tuple(dict.fromkeys((by, *(plan.measures or ())))))
    found, damaged = load_all_states(run.directory.checkpoints)
    reports: dict[int, Report] = {}
    for number, (step, state) in enumerate(found.items()):
        steps = _evaluate_checkpoint(run, step, state, asked)
        report = yield from as_part(steps, f"step {step:,}", number, len(found))
        if by in report.skipped:
            raise BadInput(f"{by} cannot decide: {report.skipped[by]}. Take another measure.")
        reports[step] = report
    return CheckpointChoice(by, reports, damaged)


def _note_reading(report: Report, directory: runs.RunDirectory) -> None:
    """Note a reading of the test split; raises BadInput if nothing was measured."""
    report.must_have_measures()
    if report.against.split == "test":
        note_test_reading(directory.test_readings, report, directory.held)


def _evaluate_checkpoint(
    run: MeasuredRun, step: int, state: Mapping[str, Any], plan: EvaluationPlan
) -> Generator[Progress, None, Report]:
    load = partial(load_discriminator, run.recipe, run.dataset, state["training"], run.game)
    return evaluate_sampler(run.model_at(step, state), run.dataset, plan, load)
