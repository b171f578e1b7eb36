"""Filling the table: each unit trained, measured and kept before the next is begun."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from advnets import data, distributed, runs
from advnets.data import Dataset
from advnets.errors import BadInput, Missing, NonFinite
from advnets.experiment import Run, Settings, TrainingProgress, start
from advnets.recipes import RECIPES
from advnets.studies.table.controls import CONTROLS
from advnets.studies.table.evaluator import Evaluator
from advnets.studies.table.measure_run import control_of, fingerprint, measure_finished_run
from advnets.studies.table.results import TableFile, TableResults
from advnets.studies.table.rows import TableRow, find_rows

GATED = "n/a: the data set is given by its owners on request"
"""What stands in place of the table of Toronto faces where their file is not at hand."""


@dataclass(frozen=True)
class TableProgress:
    """What is told while the table is filled: of which unit, and how far it has come or what is done now."""

    what: str
    progress: TrainingProgress | None = None
    doing: str = ""


@dataclass(frozen=True)
class Table:
    """A table of one data set.

    data, data_dir: as in Settings; "tfd" is fold 0. rows: recipes between commas, None for all. seeds: how many, from
    0 on. share: of each row's minutes that are spent. runs, results: where runs and finished units are kept.
    Raises BadInput for an unknown row, and for numbers that cannot be.
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
            raise BadInput(f"seeds is {self.seeds!r}; expected how many, a whole number of at least 1")
        if not 0 < self.share < float("inf"):
            raise BadInput(f"share is {self.share!r}; expected the part of each row's minutes to spend, above 0")
        _ = self.settings

    @property
    def settings(self) -> Settings:
        """What every run of the table is asked."""
        name = "tfd-0" if self.data == "tfd" else self.data
        return Settings(data=name, data_dir=self.data_dir, device=self.device)

    @cached_property
    def dataset(self) -> Dataset | None:
        """The data; None for Toronto faces, asked for by name, that are not at hand. Raises BadInput for points."""
        try:
            dataset = self.settings.dataset()
        except Missing:
            if self.settings.data in data.DATASETS and self.settings.data.startswith("tfd"):
                return None
            raise
        if not dataset.is_image:
            raise BadInput(f"{self.data} holds points; the table measures images in [0, 1]")
        return dataset

    @property
    def runs_folder(self) -> Path:
        """Where the runs of units are."""
        return Path(self.runs or f"runs/table-{self.said}")

    @property
    def keeper(self) -> TableFile:
        """Where results are."""
        path = Path(self.results or f"results/table-{self.said}.json")
        return TableFile(path, path.with_name(f".{path.name}.lock"))

    @cached_property
    def name(self) -> str:
        """What the data are called: a file of your own is not taken for the data set that it may be named after."""
        assert self.dataset is not None, GATED
        known = self.settings.data in data.DATASETS or self.dataset.name.startswith("tfd-")
        return self.dataset.name if known else f"{self.dataset.name}-{self.dataset.digest[:8]}"

    @property
    def said(self) -> str:
        """The data's name as a part of names of files."""
        name = re.sub(r"\.(npz|zip|mat)(?=$|:)", "", Path(self.settings.data).name)
        return re.sub(r"[^\w.-]+", "-", name)

    def read(self) -> TableResults:
        """The results as they are, without training; raises Missing where there are none."""
        try:
            return self.keeper.read()
        except Missing as error:
            raise Missing(
                f"{self.keeper.path} is not there; leave out --show to train, or name it: --results"
            ) from error

    def fill(self) -> Iterator[TableProgress]:
        """Measure the controls and train the units that the results lack, telling of it on the way.

        A unit is the run <runs>/<recipe>-seed<seed>: carried on if it was stopped, only measured if it is finished.
        KeyboardInterrupt and SystemExit leave what is finished in the results and what is not in the run.
        Raises BadInput if a run or a unit of that name was of other numbers, NonFinite at the end if units diverged,
        and what else training raises.
        """
        distributed.expect_one_process("`advnets table`")
        dataset = self.dataset
        assert dataset is not None, GATED
        held = self.keeper.open(self.name, dataset.digest)
        self._check(held)
        yardstick = Evaluator.of(dataset)
        if yardstick.lacks_classifier:
            yield TableProgress(dataset.name, doing="training a classifier, once")
        for name in CONTROLS:
            if name not in held.controls:
                yield TableProgress(name, doing="measuring")
                held = self.keeper.add(self.name, dataset.digest, {name: control_of(name, yardstick)})
        diverged: list[str] = []
        for seed in range(self.seeds):
            for row in find_rows(self.rows):
                if self.keeper.open(self.name, dataset.digest).unit(row.recipe, seed) is None:
                    try:
                        yield from self._unit(row, seed, yardstick)
                    except NonFinite as error:  # one unit that has diverged does not keep the others from their turn
                        diverged.append(f"{row.recipe}, seed {seed}: {error}")
                        yield TableProgress(f"{row.recipe}, seed {seed}", doing=str(error))
        if diverged:
            raise NonFinite("; ".join(diverged))

    def _check(self, held: TableResults) -> None:
        """Units of another budget are not to stand beside each other in one mean."""
        for row in find_rows(self.rows):
            asked, least = self._budget(row), RECIPES[row.recipe].batch_size
            if self.dataset is not None and len(self.dataset.train) < least:
                raise BadInput(
                    f"{self.name} has {len(self.dataset.train)} training images, and {row.recipe} takes {least} a "
                    "step. Bring more images, or name other --rows."
                )
            for unit in held.of_row(row.recipe):
                if unit.budget != asked:
                    raise BadInput(
                        f"{self.keeper.path}: {row.recipe}, seed {unit.seed}, was given {unit.budget:g} minutes, and "
                        f"{asked:g} are asked now. Name other --results and --runs, or the same --share."
                    )
                if unit.recipe != fingerprint(RECIPES[row.recipe]):
                    raise BadInput(
                        f"{self.keeper.path}: {row.recipe}, seed {unit.seed}, was trained by other numbers than the "
                        "recipe has now. Name other --results and --runs, or take the former version of advnets."
                    )

    def _budget(self, row: TableRow) -> float:
        return round(row.budget(self.name) * self.share, 9)

    def _unit(self, row: TableRow, seed: int, yardstick: Evaluator) -> Iterator[TableProgress]:
        what = f"{row.recipe}, seed {seed}"
        run = self._run(row, seed)
        if not run.directory.is_finished:
            yield TableProgress(what, doing=f"training for {self._budget(row):g} minutes in {run.path}")
            for progress in run.carry_on():
                yield TableProgress(what, progress)
        yield TableProgress(what, doing="measuring")
        unit = measure_finished_run(run, yardstick, budget=self._budget(row))
        self.keeper.add(self.name, yardstick.dataset.digest, unit)

    def _run(self, row: TableRow, seed: int) -> Run:
        """The run of a unit, begun or found; raises BadInput if one that is found was begun otherwise."""
        path, minutes = self.runs_folder / f"{row.recipe}-seed{seed}", self._budget(row)
        if not (path / "recipe.json").exists():
            recipe = RECIPES[row.recipe]
            steps = None if recipe.usual_steps is None else max(1, round(recipe.usual_steps * self.share))
            return start(
                recipe, settings=replace(self.settings, out=str(path), seed=seed, minutes=minutes, steps=steps)
            )
        run = Run(path)
        if run.recipe != RECIPES[row.recipe] or (run.settings.seed, run.settings.minutes) != (seed, minutes):
            raise BadInput(
                f"{path} was begun as another run than {row.recipe}, seed {seed}, {minutes:g} minutes. Name another "
                "folder with --runs, or move it away."
            )
        assert self.dataset is not None
        digest = str(runs.read_json(run.directory.recipe_json)["data"]["digest"])
        if digest != self.dataset.digest:
            raise BadInput(
                f"{path} was begun on other data ({digest[:12]}, expected {self.dataset.digest[:12]}). Name another "
                "folder with --runs, or move it away."
            )
        return run
