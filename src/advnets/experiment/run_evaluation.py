"""How a run is measured: its newest checkpoint or all of them, against its own data or others."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

from advnets import distributed, runs
from advnets.assessment import (
    UNREAD,
    CheckpointChoice,
    EvaluationPlan,
    Progress,
    Reference,
    Report,
    Sampler,
    Subject,
    as_part,
    badness,
    evaluate_sampler,
    exhaust,
    expect_suitable,
    measure_samples,
    needs_new_classifier,
    note_test_reading,
    reference,
    write_report,
)
from advnets.data import Dataset
from advnets.errors import BadInput, keep_result, unknown
from advnets.experiment.model import Model
from advnets.experiment.run_model import (
    KeptRun,
    find_best,
    load_all_states,
    load_discriminator,
    load_state,
    read_validation,
)
from advnets.experiment.settings import find_device
from advnets.experiment.training_loop import Validator
from advnets.randomness import Streams
from advnets.recipes import coarse_below
from advnets.statistics import Estimate

MOST_VALIDATED = 1000
"""Samples of a checkpoint that are measured while a run trains, at most."""
TRIED = 2
"""Samples that are drawn before a run begins, to see whether its measure can be taken."""


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
        step, state = load_state(run, directory)
        report = _tell_of_checkpoint(run, (yield from _evaluate_checkpoint(run, step, state, plan, way)), directory)
        with keep_result(report):
            _note_reading(report, directory)
            folder, place = _write_report(run, directory, report, way)
    if place is not None:
        why = "cannot be read" if place.name.startswith(UNREAD) else "was measured otherwise"
        yield Progress(f"{folder / 'report.json'} {why}, and is moved to {place}", 1.0, note=True)
    return report


def _tell_of_checkpoint(run: MeasuredRun, report: Report, directory: runs.RunDirectory) -> Report:
    """Add to a report what chose its checkpoint, how often the test split was read before, and whether it is young."""
    validation, best = read_validation(run, directory), find_best(run, directory)
    is_chosen = validation is not None and len(validation.checkpoints) > 1
    by = run.settings.keep_best if is_chosen and best is not None and best.step == report.step else None
    among = len(validation.checkpoints) if by is not None and validation is not None else 0
    is_test = report.against.split == "test"
    before = len(runs.Journal(directory.test_readings, directory.held).read()) if is_test else None
    enough = coarse_below(run.recipe)
    needed = enough if enough is not None and (report.step or 0) < enough else None
    told: dict[str, Any] = {
        "chosen_by": by, "chosen_among": among, "earlier_readings": before, "coarse_below": needed,
    }  # fmt: skip
    return replace(report, against=replace(report.against, **told))


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
        step, state = load_state(run, directory)
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


@dataclass(eq=False)
class CheckpointEvaluator:
    """Takes one measure of checkpoints on the validation split, all against one reference.

    Samples are drawn as `Run.sample` draws them, of the same noises each time, by copies that are read from the disk,
    and with random numbers of its own: a training beside it is not touched.

    Attributes:
        run: The run.
        measure: Name of the measure.
    """

    run: MeasuredRun
    measure: str

    @cached_property
    def plan(self) -> EvaluationPlan:
        """How the measure is taken."""
        return EvaluationPlan(measures=(self.measure,))

    @cached_property
    def against(self) -> Reference:
        """The real samples; a classifier of labelled images is trained first, if the cache has none."""
        return reference(self.run.dataset, split=self.plan.split, classifier=self.plan.wants_classifier)

    def take(self, directory: runs.RunDirectory, step: int) -> Estimate:
        """Measure a checkpoint.

        Args:
            directory: The run's files.
            step: The checkpoint's step.

        Returns:
            The estimate.

        Raises:
            BadInput: If the measure cannot be taken, or nothing is known of what real samples get.
        """
        with Streams(self.plan.seed, find_device(self.run.settings.device)).as_defaults():
            _, state = runs.load_checkpoint(directory.checkpoints / f"{step:08d}", directory.held)
            subject = _draw_validated(self.run, step, state, MOST_VALIDATED)
            report = exhaust(measure_samples(subject, self.against, self.plan))
        if self.measure in report.skipped:
            raise BadInput(report.skipped[self.measure])
        found = report.measures[self.measure].estimate
        if badness(self.measure, found.value, found.floor) is None:
            raise BadInput("it is not known what real samples get")
        return found


def build_validator(run: MeasuredRun, directory: runs.RunDirectory) -> Validator | None:
    """Build what measures the checkpoints of a run while it trains; None where that is not asked for.

    Args:
        run: The run.
        directory: Its files, held open.

    Returns:
        The validator.

    Raises:
        Unsupported: Among several processes.
    """
    name = run.settings.keep_best
    if name is None:
        return None
    distributed.expect_one_process(f"--keep-best {name}")
    return Validator(directory, name, run.settings.patience, CheckpointEvaluator(run, name).take)


def validation_notes(run: MeasuredRun) -> list[str]:
    """Return what is to be said before the checkpoints of a run are measured: that a classifier is trained first."""
    name = run.settings.keep_best
    if name is None or not needs_new_classifier(run.dataset):
        return []
    if not EvaluationPlan(measures=(name,)).wants_classifier:
        return []
    return [f"keep-best: a classifier of {run.dataset.name} is trained at the first checkpoint, once"]


def expect_measurable(run: MeasuredRun, state: Mapping[str, Any]) -> None:
    """Expect that the measure of `keep_best` can be taken of a run's checkpoints.

    Args:
        run: The run, of which nothing need be written yet.
        state: The training at its first step.

    Raises:
        BadInput: If it cannot, with the reason.
    """
    name, usual = run.settings.keep_best, "fid" if run.dataset.is_image else "sliced-wasserstein"
    if name is None:
        return
    networks = {} if run.game is None else run.game.players
    iterators = [told for network in networks.values() for told in runs.name_iterators(network)]
    if iterators:
        raise BadInput(
            f"--keep-best {name}: found {iterators[0]} in a network, which a copy that is measured would move on; "
            "expected networks without iterators. Leave --keep-best out."
        )
    try:
        with Streams(0, find_device(run.settings.device)).as_defaults():
            expect_suitable(name, _draw_validated(run, 0, state, TRIED), run.dataset)
    except BadInput as error:
        raise BadInput(
            f"--keep-best {name}: {str(error).rstrip('.')}. Take a measure that this recipe and these data allow, "
            f"such as {usual}, or leave --keep-best out."
        ) from error


def _draw_validated(run: MeasuredRun, step: int, state: Mapping[str, Any], most: int) -> Subject:
    """Samples of a checkpoint that are measured on the validation split."""
    sampler, dataset = sampler_of(run, step, state, None), run.dataset
    n = min(most, sampler.usual_count(dataset, "validation"))
    drawn = sampler.draw_subject(n, seed=0, dataset=dataset, split="validation")
    drawn.must_fit(dataset)
    load = partial(load_discriminator, run.recipe, dataset, state["training"], run.game)
    return replace(drawn, load_discriminator=load)


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
    chosen = expect_way(run.ways, way, str(run.path))
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
