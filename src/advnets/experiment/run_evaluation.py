"""How a run is measured: its newest checkpoint or all of them, against its own data or others."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from advnets import runs
from advnets.assessment import (
    UNREAD,
    CheckpointChoice,
    EvaluationPlan,
    Progress,
    Report,
    Sampler,
    Subject,
    as_part,
    evaluate_sampler,
    note_test_reading,
    write_report,
)
from advnets.data import Dataset
from advnets.errors import BadInput, keep_result, unknown
from advnets.experiment.model import Model
from advnets.experiment.run_model import KeptRun, load_all_states, load_discriminator


class MeasuredRun(KeptRun, Protocol):
    """What is asked of a run that is measured."""

    @property
    def ways(self) -> list[str]:
        """The ways of its generators: "" of one generator, "there" and "back" of a cycle."""

    def model_at(self, step: int, state: Mapping[str, Any], way: str = "") -> Model:
        """Return the generator of a training state."""


@dataclass(frozen=True, eq=False)
class CycleSampler:
    """One way of a cycle, whose translations are translated on the way back too.

    Attributes:
        model: What translates.
        other: What translates back.
    """

    model: Model
    other: Model

    def usual_count(self, dataset: Dataset, split: str) -> int:
        """Return how many held-out images are translated by default."""
        return self.model.usual_count(dataset, split)

    def draw_subject(self, n: int, *, seed: int, dataset: Dataset, split: str) -> Subject:
        """Translate held-out images there and back; see `Model.draw_subject`."""
        subject = self.model.draw_subject(n, seed=seed, dataset=dataset, split=split)
        assert subject.translations is not None
        again = self.other.translate(subject.values, seed=seed).stored_values
        return replace(subject, translations=replace(subject.translations, again=again))


def evaluate_own_data(
    run: MeasuredRun, plan: EvaluationPlan, way: str | None = None
) -> Generator[Progress, None, Report]:
    """Measure a run against its own data, and write the report; see `Run.evaluate_own_data`."""
    with runs.hold_run(run.directory.path) as directory:
        step, state, _ = runs.load_latest(directory.checkpoints, directory.held)
        report = yield from _evaluate_checkpoint(run, step, state, plan, way)
        with keep_result(report):
            _note_reading(report, directory)
            folder, place = _write_report(run, directory, report, way)
    if place is not None:
        why = "cannot be read" if place.name.startswith(UNREAD) else "was measured otherwise"
        yield Progress(f"{folder / 'report.json'} {why}, and is moved to {place}", 1.0, note=True)
    return report


def _write_report(
    run: MeasuredRun, directory: runs.RunDirectory, report: Report, way: str | None
) -> tuple[Path, Path | None]:
    """Write a report into the run, that of the way back into a folder of its own; return that, and `write_report`'s."""
    if way in (None, run.ways[0]):
        return directory.path, write_report(directory.path, report, directory.held)
    with runs.open_folder(directory.path, directory.held) as folder, folder.folder(way, make=True) as inner:
        return directory.path / way, write_report(directory.path / way, report, inner)


def evaluate_against(
    run: MeasuredRun, dataset: Dataset, plan: EvaluationPlan, way: str | None = None
) -> Generator[Progress, None, Report]:
    """Measure a run against other data; see `Run.evaluate_against`."""
    with runs.hold_run(run.directory.path) as directory:
        step, state, _ = runs.load_latest(directory.checkpoints, directory.held)
        sampler, facing = sampler_of(run, step, state, way), _turn_towards(run, dataset, way)
        report = yield from evaluate_sampler(sampler, facing, plan)
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
    run: MeasuredRun, step: int, state: Mapping[str, Any], plan: EvaluationPlan, way: str | None = None
) -> Generator[Progress, None, Report]:
    load = partial(load_discriminator, run.recipe, run.dataset, state["training"], run.game)
    sampler = sampler_of(run, step, state, way)
    return evaluate_sampler(sampler, _turn_towards(run, run.dataset, way), plan, load)


def sampler_of(run: MeasuredRun, step: int, state: Mapping[str, Any], way: str | None) -> Sampler:
    """Return what translates or samples one way, with what goes back again where there is such a way."""
    chosen = expect_way(run.ways, way, str(run.directory.path))
    others = [one for one in run.ways if one != chosen]
    model = run.model_at(step, state, chosen)
    return CycleSampler(model, run.model_at(step, state, others[0])) if others else model


def _turn_towards(run: MeasuredRun, dataset: Dataset, way: str | None) -> Dataset:
    """The data, whose samples are of the kind that this way makes."""
    return dataset if way in (None, run.ways[0]) else dataset.turn()


def expect_way(ways: Sequence[str], way: str | None, path: str) -> str:
    """Return one of the ways of a run.

    Args:
        ways: Those that there are, "" of one generator.
        way: The one that is asked for; None for the first.
        path: The run, for errors.

    Returns:
        The way.

    Raises:
        BadInput: If it is not there.
    """
    if way is not None and way not in ways:
        told = f"{path} has one generator, and no way {way}; expected a run of a cycle. Leave it out."
        raise unknown("way", way, ways) if ways[0] else BadInput(told)
    return ways[0] if way is None else way
