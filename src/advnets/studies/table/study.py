"""The study of the table: each unit is trained, measured and stored before the next is begun."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from advnets import data, distributed
from advnets.data import Dataset
from advnets.errors import BadInput, Missing, NonFinite
from advnets.experiment import Run, Settings, TrainingProgress, start
from advnets.recipes import RECIPES
from advnets.studies.results_file import ResultsFile
from advnets.studies.table.controls import CONTROLS
from advnets.studies.table.evaluator import Evaluator
from advnets.studies.table.measure_run import measure_control, measure_finished_run, recipe_digest
from advnets.studies.table.results import TableResults
from advnets.studies.table.rows import TableRow, find_rows

GATED = "n/a: the data set is given by its owners on request"
"""What stands in place of the table of Toronto faces where their file is not at hand."""


@dataclass(frozen=True)
class TableProgress:
    """How far one unit, or one control, has come.

    Attributes:
        what: The unit or the control.
        progress: How far its training has come, None outside of training.
        doing: What is done now, empty in training.
    """

    what: str
    progress: TrainingProgress | None = None
    doing: str = ""


@dataclass(frozen=True)
class TableStudy:
    """The table of one data set: its models are trained, and measured beside controls.

    Attributes:
        data: Data set: digits, the default (minutes for all of it), mnist (hours), cifar10, olivetti, tfd, tfd-0 to
            tfd-4 (tfd is tfd-0), or a path as for train.
        data_dir: Folder where data sets are looked for first.
        rows: Recipes, between commas; by default all rows.
        seeds: Number of seeds, from 0 on.
        share: Part of each row's steps that is trained.
        runs: Folder of the runs; by default runs/table-DATA.
        results: FILE.json that finished units are added to; by default results/table-DATA.json.
        device: Where models are trained: auto, cpu, cuda or mps. All are sampled on the CPU.

    Raises:
        BadInput: If a row or the device is unknown, or a number out of range.
    """

    data: str = "digits"
    data_dir: str | None = None
    rows: str | None = None
    seeds: int = 1
    share: float = 1.0
    runs: str | None = None
    results: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        _ = find_rows(self.rows)
        if type(self.seeds) is not int or self.seeds < 1:
            raise BadInput(f"seeds is {self.seeds!r}; expected a whole number of seeds, at least 1")
        if not 0 < self.share < float("inf"):
            raise BadInput(f"share is {self.share!r}; expected the part of each row's steps to train, above 0")
        _ = self.settings

    @property
    def settings(self) -> Settings:
        """The settings of every run of the table."""
        name = "tfd-0" if self.data == "tfd" else self.data
        return Settings(data=name, data_dir=self.data_dir, device=self.device)

    @cached_property
    def dataset(self) -> Dataset | None:
        """The data set; None for Toronto faces that are asked for by name and not at hand.

        Raises:
            BadInput: If it holds points.
        """
        try:
            dataset = self.settings.dataset()
        except Missing:
            if self.settings.data in data.DATASETS and self.settings.data.startswith("tfd"):
                return None
            raise
        if not dataset.is_image:
            raise BadInput(f"{self.data} holds points, and the table measures images. Name a data set of images.")
        return dataset

    @property
    def runs_folder(self) -> Path:
        """The folder of the units' runs."""
        return Path(self.runs or f"runs/table-{self.file_words}")

    @property
    def results_file(self) -> ResultsFile[TableResults]:
        """The file that finished units are added to."""
        return ResultsFile(Path(self.results or f"results/table-{self.file_words}.json"), TableResults)

    @cached_property
    def name(self) -> str:
        """The name of the data; a file of one's own is not taken for the data set that it may be named after."""
        assert self.dataset is not None, GATED
        is_known = self.settings.data in data.DATASETS or self.dataset.name.startswith("tfd-")
        return self.dataset.name if is_known else f"{self.dataset.name}-{self.dataset.digest[:8]}"

    @property
    def file_words(self) -> str:
        """The name of the data as a part of names of files."""
        name = re.sub(r"\.(npz|zip|mat)(?=$|:)", "", Path(self.settings.data).name)
        return re.sub(r"[^\w.-]+", "-", name)

    def read(self) -> TableResults:
        """Return the results as they are, without training.

        Returns:
            The results.

        Raises:
            Missing: If there are none.
            Damaged: If the file does not hold results of a table.
        """
        path = self.results_file.path
        try:
            return self.results_file.read()
        except Missing as error:
            raise Missing(
                f"{path} is not there. Call it from the folder where the table was trained, name the file with "
                "--results, or leave out --show to train."
            ) from error

    def run(self) -> Iterator[TableProgress]:
        """Measure the controls and train the units that the results lack.

        A unit is the run <runs>/<recipe>-seed<seed>. It is carried on if it was stopped, and only measured if it is
        finished. KeyboardInterrupt and SystemExit leave what is finished in the results and what is not in the run.

        Yields:
            How far the units have come.

        Raises:
            BadInput: If a run or a unit of that name was of other numbers.
            NonFinite: At the end, if units diverged; the others are finished.
        """
        distributed.expect_one_process("`advnets table`")
        dataset = self.dataset
        assert dataset is not None, GATED
        empty = TableResults(self.name, dataset.digest)
        self._check(self.results_file.read_or(empty))
        evaluator = Evaluator.of(dataset)
        if evaluator.lacks_classifier:
            yield TableProgress(dataset.name, doing="training a classifier, once")
        yield from self._measure_controls(empty, evaluator)
        diverged: list[str] = []
        units = [(row, seed) for seed in range(self.seeds) for row in find_rows(self.rows)]
        if all(self.results_file.read_or(empty).find_unit(row.recipe, seed) for row, seed in units):
            yield TableProgress(
                self.name,
                doing=f"nothing is trained, since {self.results_file.path} holds all rows that are asked for. To train "
                "them anew: --results NEW.json --runs NEW",
            )
        for row, seed in units:
            if self.results_file.read_or(empty).find_unit(row.recipe, seed) is None:
                try:
                    yield from self._make_unit(row, seed, empty, evaluator)
                except NonFinite as error:  # a unit that has diverged does not keep the others from their turn
                    diverged.append(f"{row.recipe}, seed {seed}: {error}")
                    yield TableProgress(f"{row.recipe}, seed {seed}", doing=str(error))
        if diverged:
            raise NonFinite("; ".join(diverged))

    def _check(self, found: TableResults) -> None:
        """Refuse units of another length or other numbers, which must not stand beside others in one mean."""
        for row in find_rows(self.rows):
            steps, least = self._steps(row), RECIPES[row.recipe].batch_size
            if self.dataset is not None and len(self.dataset.train) < least:
                raise BadInput(
                    f"{self.name} has {len(self.dataset.train)} training images, and {row.recipe} takes {least} a "
                    "step. Bring more images, or name other --rows."
                )
            for unit in found.units_of_row(row.recipe):
                if unit.steps != steps:
                    raise BadInput(
                        f"{self.results_file.path}: {row.recipe}, seed {unit.seed}, was trained for {unit.steps:,} "
                        f"steps, and {steps:,} are asked now. Name other --results and --runs, or the same --share."
                    )
                if unit.recipe != recipe_digest(RECIPES[row.recipe]):
                    raise BadInput(
                        f"{self.results_file.path}: {row.recipe}, seed {unit.seed}, was trained by other numbers than "
                        "the recipe has now. Name other --results and --runs, or use the former version of advnets."
                    )

    def _steps(self, row: TableRow) -> int:
        return max(1, round(row.length(self.name) * self.share))

    def _measure_controls(self, empty: TableResults, evaluator: Evaluator) -> Iterator[TableProgress]:
        for name in CONTROLS:
            if name not in self.results_file.read_or(empty).controls:
                yield TableProgress(name, doing="measuring")
                self.results_file.add(replace(empty, controls={name: measure_control(name, evaluator)}))

    def _make_unit(
        self, row: TableRow, seed: int, empty: TableResults, evaluator: Evaluator
    ) -> Iterator[TableProgress]:
        what = f"{row.recipe}, seed {seed}"
        run = self._open_run(row, seed)
        if not run.directory.is_finished:
            yield TableProgress(what, doing=f"training for {self._steps(row):,} steps in {run.path}")
            for progress in run.carry_on():
                yield TableProgress(what, progress)
        yield TableProgress(what, doing="measuring")
        unit = measure_finished_run(run, evaluator)
        self.results_file.add(replace(empty, units=(unit,)))

    def _open_run(self, row: TableRow, seed: int) -> Run:
        """Start or open the run of a unit; one that was started otherwise is refused."""
        path, steps = self.runs_folder / f"{row.recipe}-seed{seed}", self._steps(row)
        if not (path / "recipe.json").exists():
            recipe = RECIPES[row.recipe]
            return start(recipe, settings=replace(self.settings, out=str(path), seed=seed, steps=steps))
        run = Run(path)
        if run.recipe != RECIPES[row.recipe] or (run.settings.seed, run.settings.steps) != (seed, steps):
            raise BadInput(
                f"{path} was begun as another run than {row.recipe}, seed {seed}, {steps:,} steps. Name another "
                "folder with --runs, or move it away."
            )
        assert self.dataset is not None
        digest = run.record.data.digest
        if digest != self.dataset.digest:
            raise BadInput(
                f"{path} was begun on other data ({digest[:12]}, expected {self.dataset.digest[:12]}). Name another "
                "folder with --runs, or move it away."
            )
        return run
