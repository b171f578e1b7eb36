"""Evaluates whatever lies at a path: a run, a share file, a model that ships, or images and points in files."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from advnets.assessment import (
    CheckpointChoice,
    EvaluationPlan,
    Progress,
    Report,
    TrainingData,
    evaluate_sampler,
    evaluate_samples,
    is_of_files,
    load_reference_data,
    options_where_they_apply,
    parse_measure_names,
    reading_notes,
    subject_of_files,
)
from advnets.data import ImageOptions, is_named
from advnets.errors import BadInput
from advnets.experiment.model import Model
from advnets.experiment.opening import find_model, open_source
from advnets.experiment.own_networks import load_own
from advnets.experiment.run import Run
from advnets.experiment.run_evaluation import expect_way
from advnets.games import CycleGame, Game
from advnets.text import quote_word


@dataclass(frozen=True)
class MeasuringFlags:
    """How samples are measured, as `advnets evaluate` and `compare` are told.

    Attributes:
        split: The split of the real images that is read.
        measures: Take only these measures; default all that the data allow.
        extractor: What computes features; default classifier with labels, random without. One of your own is
            MODULE:NAME.
        weights: The weights of inception (default: cached or downloaded), or the .onnx file.
        protocol: How the Parzen window score chooses its width: from ten, by golden section, or always .2.
        n: Number of samples; default 10,000, or fewer if there are fewer training images, or samples in a file.
        seed: Seed of the noise and of random draws.
        no_classifier: Leave out the measures that need a classifier.
        way: Of a cycle, measure the way from A to B (there) or from B to A (back) alone.
    """

    split: str = "validation"
    measures: str | None = None
    extractor: str | None = None
    weights: Path | None = None
    protocol: str = "goodfellow2014"
    n: int | None = None
    seed: int = 0
    no_classifier: bool = False
    way: str | None = None

    @property
    def measure_names(self) -> tuple[str, ...] | None:
        """The measures that are asked for; None for the default."""
        return parse_measure_names(self.measures)

    def plan(self, *, figures: bool = False) -> EvaluationPlan:
        """Return the plan of an evaluation by these flags.

        Args:
            figures: Whether figures are drawn too.

        Returns:
            The plan.

        Raises:
            BadInput: As `EvaluationPlan` does.
            Missing: If the file of weights is not there.
        """
        return EvaluationPlan(
            split=self.split,
            measures=self.measure_names,
            extractor=_load_extractor(self.extractor),
            weights=self.weights,
            classifier=not self.no_classifier,
            protocol=self.protocol,
            n=self.n,
            seed=self.seed,
            figures=figures,
        )


def _load_extractor(text: str | None) -> Any:
    """The extractor of one's own that module:name stands for, or the name of a row."""
    return load_own(text, "--extractor") if text is not None and ":" in text else text


class SourceKeywords(TypedDict, total=False):
    """What says which run lies at a path, and where its data are: fields of `Run`."""

    game: Game | CycleGame | None
    data: str | None
    data_dir: str | None
    checkpoint: int | str | None


def evaluate_path(
    path: Path,
    plan: EvaluationPlan,
    *,
    others: str | None = None,
    options: ImageOptions | None = None,
    way: str | None = None,
    **source: Unpack[SourceKeywords],
) -> Generator[Progress, None, Report]:
    """Measure what lies at a path.

    A run is measured against its own data, and its report is written into it; against `others` nothing is written. A
    share file is measured against the data it was trained on, `data`, or `others`; files always against `others`.

    Args:
        path: A run directory, a share file, the name of a model that ships, or images or points in files.
        plan: Which measures, and how.
        others: Other real images: a data set by name, or a folder, .zip or .npz file.
        options: How the image files at `path` and at `others` become tensors; None for the defaults. The own data of a
            run are read as at its start, and those of a share file as its card says.
        way: Of the run of a cycle, "there" or "back"; None for the way there, and for all else.
        **source: The game of a run of networks of one's own. `data`: of a run, the new place of its own data, if they
            were moved; for share files, as `Model.dataset` takes it. `data_dir`: a folder where data sets are looked
            for first. `checkpoint`: of a run, the one that is measured, as in `Run`.

    Yields:
        The progress, and notes on how files were read.

    Returns:
        The report.

    Raises:
        BadInput: If nothing that was asked for can be measured, if an argument does not fit what lies at the path, and
            for `others` that the generator was trained on.
    """
    data, data_dir = source.get("data"), source.get("data_dir")
    if data and others:
        raise BadInput("found --data and --against; expected one of them, which says what samples are measured against")
    if is_of_files(path):
        if way is not None:
            raise BadInput(f"--way {way}: {path} holds samples, which go no way; expected the run of a cycle")
        if source.get("checkpoint") is not None:
            raise BadInput(f"{path} holds samples, which have no checkpoints; --checkpoint is for runs. Leave it out.")
        return (yield from _evaluate_files(path, plan, others, data, data_dir, options))
    if others is None:
        return (yield from _evaluate_on_own_data(path, plan, options, way=way, **source))
    found = _open_way(path, way, source)
    (chosen,) = options_where_they_apply([others], options)
    dataset = load_reference_data(others, data_dir, chosen, [training_data(found, str(path), others)])
    yield from _tell(reading_notes(others, dataset))
    if isinstance(found, Run):
        return (yield from found.evaluate_against(dataset, plan, way))
    report = yield from evaluate_sampler(found, dataset, plan)
    report.must_have_measures()
    return report


def training_data(found: Run | Model, path: str, others: str) -> TrainingData:
    """Return what a generator was trained on, so that it is not measured against the same images as new ones.

    Args:
        found: The run, or the model, which does not tell where its data lie.
        path: How errors call it.
        others: What it is to be measured against.

    Returns:
        The data.
    """
    if isinstance(found, Run):
        settings, digest = found.settings, found.record.data.digest
        paths = tuple(name for name in (settings.data, settings.other) if name is not None and not is_named(name))
        return TrainingData(
            path, digest, paths, "Leave out --against: then held-out images are those that it has not seen."
        )
    told = found.card.data
    again = "Leave out --against" if is_named(told.name) else f"Give --data {quote_word(others)} in place of --against"
    return TrainingData(path, told.digest, (), f"{again}: then held-out images are those that it has not seen.")


def select_checkpoint(
    path: Path,
    plan: EvaluationPlan,
    *,
    data: str | None = None,
    data_dir: str | None = None,
    game: Game | CycleGame | None = None,
) -> Generator[Progress, None, CheckpointChoice]:
    """Measure each checkpoint of a run on the validation split, and select the best.

    Args:
        path: The run directory.
        plan: Which measures, and how. The first of them decides; by default fid, of points sliced-wasserstein.
        data: The new place of the run's data, if they were moved.
        data_dir: Folder where data sets are looked for first.
        game: The game of a run of networks of one's own.

    Yields:
        The progress.

    Returns:
        The reports of all checkpoints, and which is the best.

    Raises:
        BadInput: As `Run.select_checkpoint` does, and for a share file.
    """
    found = open_source(path, game)
    if not isinstance(found, Run):
        raise BadInput(f"{path} is a share file, which has one checkpoint; --every-checkpoint is for runs")
    run = Run(found.path, game, data=data, data_dir=data_dir)
    usual = "fid" if run.dataset.is_image else "sliced-wasserstein"
    return (yield from run.select_checkpoint(plan, plan.measures[0] if plan.measures else usual))


def _evaluate_on_own_data(
    path: Path,
    plan: EvaluationPlan,
    options: ImageOptions | None,
    *,
    way: str | None,
    **source: Unpack[SourceKeywords],
) -> Generator[Progress, None, Report]:
    found = _open_way(path, way, source)
    if options is not None and options.chosen_flags:
        raise BadInput(
            f"{', '.join(options.chosen_flags)}: {path} is measured on images of the size and colours that it draws. "
            "Leave the flag out; it is for images in files, and for --against."
        )
    if isinstance(found, Run):
        return (yield from Run(found.path, **source).evaluate_own_data(plan, way))
    data, data_dir = source.get("data"), source.get("data_dir")
    dataset = found.dataset(data, data_dir)
    yield from _tell(reading_notes(data or dataset.name, dataset))
    report = yield from evaluate_sampler(found, dataset, plan)
    report.must_have_measures()
    return report


def ways_of(path: Path, game: Game | CycleGame | None = None) -> list[str]:
    """Return the ways of the run at a path, "there" and "back" of a cycle; nothing for all else.

    Args:
        path: Whatever can be measured.
        game: The game of a run of networks of one's own.
    """
    if is_of_files(path) or not (path / "recipe.json").is_file():
        return []
    found = open_source(path, game)
    return [way for way in found.ways if way] if isinstance(found, Run) else []


def _open_way(path: Path, way: str | None, source: SourceKeywords) -> Run | Model:
    """The run at a path, which has this way, or the model of this way."""
    found = open_source(path, source.get("game"), source.get("checkpoint"))
    if way is None:
        return found
    if isinstance(found, Run):
        expect_way(found.ways, way, str(path))
        return found
    return find_model(path, way=way)


def _evaluate_files(
    path: Path,
    plan: EvaluationPlan,
    others: str | None,
    data: str | None,
    data_dir: str | None,
    options: ImageOptions | None,
) -> Generator[Progress, None, Report]:
    if others is None:
        hint = " (--data is for runs and share files)" if data else ""
        what = "it is not a run directory, and images" if path.is_dir() else "images"
        raise BadInput(f"{path}: {what} in files need others to be measured against: --against FOLDER|DATA{hint}")
    if plan.n is not None:
        raise BadInput("--n is for models, which draw as many samples; all images in files are measured. Leave it out.")
    for_path, for_others = options_where_they_apply([str(path), others], options)
    dataset = load_reference_data(others, data_dir, for_others)
    yield from _tell(reading_notes(others, dataset))
    yield Progress(f"reading {path}", 0.0)
    subject = subject_of_files(path, for_path)
    yield from _tell(subject.notes)
    report = yield from evaluate_samples(subject, dataset, plan)
    report.must_have_measures()
    return report


def _tell(notes: Sequence[str]) -> Generator[Progress, None, None]:
    for note in notes:
        yield Progress(note, 0.0, note=True)
