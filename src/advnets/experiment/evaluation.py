"""Measuring whatever is at a path: a run, a share file, a model that ships, or images and points in files."""

from collections.abc import Iterator
from pathlib import Path

from advnets.assessment import (
    Doing,
    EvaluationPlan,
    evaluating,
    is_of_files,
    load_reference_data,
    subject_of_files,
    telling,
    unreadable_files_note,
)
from advnets.errors import BadInput
from advnets.experiment.opening import open_source
from advnets.experiment.run import Run


def evaluation(
    path: Path, plan: EvaluationPlan, *, others: str | None = None, data: str | None = None, data_dir: str | None = None
) -> Iterator[Doing]:
    """Measure what is at a path, telling what is done; the last result is the Report.

    A run is measured against its own data, and the report kept in it; against `others` nothing is kept. A share file
    is measured against the data it was trained on, `data`, or `others`; files always against `others`.
    Raises BadInput where nothing that was asked for can be measured.
    others: a data set by name, or a folder, .zip or .npz file of images, as `against` takes it.
    data: for share files, as Model.dataset takes it. data_dir: where data sets are looked for first.
    """
    if data and others:
        raise BadInput("found --data and --against; expected one of them, which says what samples are held against")
    if is_of_files(path):
        yield from _of_files(path, plan, others, data, data_dir)
        return
    found = open_source(path)
    if isinstance(found, Run):
        if data or (data_dir and not others):
            raise BadInput(
                f"{path} is a run, measured on its own data; --data and --data-dir are for share files. To hold it "
                "against other images, name them by --against."
            )
        if others is None:
            yield from found.evaluating(plan)
        else:
            dataset = load_reference_data(others, data_dir)
            yield from _note(unreadable_files_note(others, dataset))
            yield from found.held_against(dataset, plan)
        return
    dataset = found.dataset(data, data_dir) if others is None else load_reference_data(others, data_dir)
    yield from _note(unreadable_files_note(others or data or dataset.name, dataset))
    yield from telling(found.evaluating(dataset, plan))


def choosing(path: Path, plan: EvaluationPlan) -> Iterator[Doing]:
    """Measure each checkpoint of a run on the validation split; the last result is the Choice.

    The first of the plan's measures decides, or fid, of points sliced-wasserstein. Raises as Run.choosing does.
    """
    found = open_source(path)
    if not isinstance(found, Run):
        raise BadInput(f"{path} is a share file, of one checkpoint; --every-checkpoint is for runs")
    usual = "fid" if found.dataset.is_image else "sliced-wasserstein"
    yield from found.choosing(plan, plan.measures[0] if plan.measures else usual)


def _of_files(
    path: Path, plan: EvaluationPlan, others: str | None, data: str | None, data_dir: str | None
) -> Iterator[Doing]:
    if others is None:
        hint = " (--data is for share files)" if data else ""
        what = "it is not a run directory, and images" if path.is_dir() else "images"
        raise BadInput(f"{path}: {what} in files are measured against others: name them by --against FOLDER|DATA{hint}")
    if plan.n is not None:
        raise BadInput("--n is for models, which draw as many samples; of files all are measured. Leave it out.")
    dataset = load_reference_data(others, data_dir)
    yield from _note(unreadable_files_note(others, dataset))
    yield Doing(f"reading {path}", 0.0)
    subject = subject_of_files(path)
    yield from _note(subject.note)
    yield from telling(evaluating(subject, dataset, plan))


def _note(what: str) -> Iterator[Doing]:
    """A note, if there is anything to note."""
    if what:
        yield Doing(what, 0.0, note=True)
