"""Evaluates whatever lies at a path: a run, a share file, a model that ships, or images and points in files."""

from collections.abc import Generator
from pathlib import Path

from advnets.assessment import (
    CheckpointChoice,
    EvaluationPlan,
    Progress,
    Report,
    evaluate_sampler,
    evaluate_samples,
    is_of_files,
    load_reference_data,
    subject_of_files,
    unreadable_files_note,
)
from advnets.errors import BadInput
from advnets.experiment.opening import open_source
from advnets.experiment.run import Run


def evaluate_path(
    path: Path, plan: EvaluationPlan, *, others: str | None = None, data: str | None = None, data_dir: str | None = None
) -> Generator[Progress, None, Report]:
    """Measure what lies at a path.

    A run is measured against its own data, and its report is written into it; against `others` nothing is written. A
    share file is measured against the data it was trained on, `data`, or `others`; files always against `others`.

    Args:
        path: A run directory, a share file, the name of a model that ships, or images or points in files.
        plan: Which measures, and how.
        others: Other real images: a data set by name, or a folder, .zip or .npz file.
        data: For share files, as `Model.dataset` takes it.
        data_dir: Folder where data sets are looked for first.

    Yields:
        The progress.

    Returns:
        The report.

    Raises:
        BadInput: If nothing that was asked for can be measured, or an argument does not fit what lies at the path.
    """
    if data and others:
        raise BadInput("found --data and --against; expected one of them, which says what samples are measured against")
    if is_of_files(path):
        return (yield from _evaluate_files(path, plan, others, data, data_dir))
    found = open_source(path)
    if isinstance(found, Run):
        if data or (data_dir and not others):
            raise BadInput(
                f"{path} is a run, measured on its own data; --data and --data-dir are for share files. To measure it "
                "against other images, name them by --against."
            )
        if others is None:
            return (yield from found.evaluate_own_data(plan))
        dataset = load_reference_data(others, data_dir)
        yield from _note(unreadable_files_note(others, dataset))
        return (yield from found.evaluate_against(dataset, plan))
    dataset = found.dataset(data, data_dir) if others is None else load_reference_data(others, data_dir)
    yield from _note(unreadable_files_note(others or data or dataset.name, dataset))
    report = yield from evaluate_sampler(found, dataset, plan)
    report.must_have_measures()
    return report


def select_checkpoint(path: Path, plan: EvaluationPlan) -> Generator[Progress, None, CheckpointChoice]:
    """Measure each checkpoint of a run on the validation split, and select the best.

    Args:
        path: The run directory.
        plan: Which measures, and how. The first of them decides; by default fid, of points sliced-wasserstein.

    Yields:
        The progress.

    Returns:
        The reports of all checkpoints, and which is the best.

    Raises:
        BadInput: As `Run.select_checkpoint` does, and for a share file.
    """
    found = open_source(path)
    if not isinstance(found, Run):
        raise BadInput(f"{path} is a share file, which has one checkpoint; --every-checkpoint is for runs")
    usual = "fid" if found.dataset.is_image else "sliced-wasserstein"
    return (yield from found.select_checkpoint(plan, plan.measures[0] if plan.measures else usual))


def _evaluate_files(
    path: Path, plan: EvaluationPlan, others: str | None, data: str | None, data_dir: str | None
) -> Generator[Progress, None, Report]:
    if others is None:
        hint = " (--data is for share files)" if data else ""
        what = "it is not a run directory, and images" if path.is_dir() else "images"
        raise BadInput(f"{path}: {what} in files need others to be measured against: --against FOLDER|DATA{hint}")
    if plan.n is not None:
        raise BadInput("--n is for models, which draw as many samples; all images in files are measured. Leave it out.")
    dataset = load_reference_data(others, data_dir)
    yield from _note(unreadable_files_note(others, dataset))
    yield Progress(f"reading {path}", 0.0)
    subject = subject_of_files(path)
    yield from _note(subject.note)
    report = yield from evaluate_samples(subject, dataset, plan)
    report.must_have_measures()
    return report


def _note(what: str) -> Generator[Progress, None, None]:
    """Yield a note, if there is anything to note."""
    if what:
        yield Progress(what, 0.0, note=True)
