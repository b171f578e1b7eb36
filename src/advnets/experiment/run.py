"""A run: started, resumed, sampled, measured. Whatever a command or a page can do is here."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from advnets import data, figures, metrics, runs
from advnets.averaging import MovingAverage
from advnets.data import TRANSFORMS, Dataset
from advnets.errors import BadInput
from advnets.experiment.course import Course, Progress
from advnets.experiment.evaluation import Report, measure, note_reading
from advnets.experiment.play import Play, play
from advnets.experiment.preview import Preview
from advnets.experiment.samples import Samples
from advnets.experiment.settings import Settings, find_device, settings_from
from advnets.games import Game
from advnets.randomness import Streams
from advnets.recipes import Recipe, find, from_json, own, to_json


@dataclass(frozen=True)
class Run:
    """A run directory and what can be done with it.

    path: the directory. game: networks of your own, if it was trained on such.
    """

    path: Path
    game: Game | None = None

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

    def sample(self, n: int = 64, *, seed: int = 0) -> Samples:
        """n samples of the newest good checkpoint's averaged generator, by noises of that seed."""
        if n < 1:
            raise BadInput(f"n is {n}; expected at least 1 sample")
        course = self._course(torch.device("cpu"))
        with course.streams.active():
            emitted = course.play.game.sample(n, torch.Generator().manual_seed(seed), course.average.network)
        return Samples.of(emitted, self._transform)

    def evaluate(
        self, *, split: str = "validation", protocol: str = "goodfellow2014", n: int | None = None, seed: int = 0
    ) -> Report:
        """Measure the run: Parzen score, its controls, classes; kept in report.json and report.md.

        split: "validation", or "test", each reading of which is noted in the run's test-readings.jsonl.
        protocol: row of metrics.PROTOCOLS. n: samples, default 10,000 or as many as there are training images.
        """
        n = n or min(10_000, len(self.dataset.train) // 1000 * 1000 or len(self.dataset.train))
        samples = self.sample(n, seed=seed)
        report = measure(samples, self.dataset, split=split, protocol=protocol, seed=seed,
                         run=self.path.name, step=self.step)  # fmt: skip
        if split == "test":
            note_reading(self.directory.test_readings, report)
        runs.write_json(self.directory.path / "report.json", report.as_dict())
        (self.directory.path / "report.md").write_text(report.markdown(), encoding="utf-8")
        return report

    @property
    def step(self) -> int:
        """The step of the newest good checkpoint."""
        return runs.latest(self.directory.checkpoints)[0]

    def figure2(self, *, seed: int = 0) -> Any:
        """Figure 2 of the 2014 paper: 4 x 5 fresh samples; last column, the nearest training image of the fifth."""
        samples = self.sample(20, seed=seed).values
        fifth = torch.from_numpy(samples[4::5]).permute(0, 3, 1, 2).flatten(1)
        indices, _ = metrics.nearest(fifth, self.dataset.train.values)
        nearest = self.dataset.train.values[indices].permute(0, 2, 3, 1).numpy()
        return figures.figure2(samples.astype(np.uint8), nearest)

    def figure3(self, *, rows: int = 4, columns: int = 12, seed: int = 0) -> Any:
        """Figure 3 of the 2014 paper: straight lines between two points of z."""
        course = self._course(torch.device("cpu"))
        ends = course.play.game.latent(2 * rows, torch.Generator().manual_seed(seed))
        weights = torch.linspace(0, 1, columns)[None, :, None]
        z = torch.lerp(ends[:rows, None], ends[rows:, None], weights.expand(rows, columns, 1))
        with torch.no_grad():
            emitted = course.average.network(z.flatten(0, 1))
        images = Samples.of(emitted, self._transform).values
        return figures.figure3(images.astype(np.uint8).reshape(rows, columns, *images.shape[1:]))

    def carry_on(self, *, steps: int | None = None, minutes: float | None = None) -> Iterator[Progress]:
        """Train on from the newest good checkpoint, to the run's own budget or a new one, yielding as it goes.

        Raises InUse if another process is training it.
        """
        with runs.lock(self.directory.path):
            runs.sweep(self.directory.checkpoints)
            course = self._course(find_device(self.settings.device), steps=steps, minutes=minutes)
            self.directory.journal.cut(course.step)
            yield from course.carry_on()

    def notes(self) -> list[str]:
        """What was decided of the data; of a resumed run, damaged checkpoints passed over, other threads."""
        told = [] if self.dataset.survey is None else list(self.dataset.survey.notes)
        if not runs.has_checkpoints(self.directory.checkpoints):
            return told
        step, _, skipped = runs.latest(self.directory.checkpoints)
        told += [f"checkpoint {path.name} is damaged and passed over: {reason}" for path, reason in skipped]
        told += [f"from the checkpoint of step {step:,}"]
        former = runs.read_json(self.directory.environment_json).get("threads")
        if former not in (None, torch.get_num_threads()):
            told += [f"torch has {torch.get_num_threads()} threads, {former} when the run began: not bit-identical"]
        return told

    @property
    def _transform(self) -> data.Transform:
        return TRANSFORMS[self.recipe.transform if self.dataset.is_image else "identity"]

    def _course(self, device: torch.device, *, steps: int | None = None, minutes: float | None = None) -> Course:
        settings = self.settings
        if steps is not None or minutes is not None:
            settings = settings_from({**settings.as_json(), "steps": steps, "minutes": minutes})
        course = _course(self.directory, self.recipe, settings, dataset=self.dataset, device=device, game=self.game)
        if runs.has_checkpoints(self.directory.checkpoints):
            course.load(runs.latest(self.directory.checkpoints)[1])
        return course


def start(
    recipe: Recipe | str | Path | None = None, *, game: Game | None = None, settings: Settings | None = None
) -> Run:
    """Make the run directory of a new run; nothing is trained yet.

    recipe: a recipe, the name of one, or the path of a recipe.json; with `game` it defaults to `recipes.own`.
    Raises BadInput for anything that cannot be trained, before anything is written.
    """
    recipe, settings = find_recipe(recipe, game), settings or Settings()
    dataset = settings.dataset()
    device = find_device(settings.device)
    with Streams(settings.seed, device).active():
        play(recipe, dataset, seed=settings.seed, device=device, game=game)
    path = Path(settings.out) if settings.out else runs.new_path(Path("runs"), recipe.name, dataset.name)
    told = {
        "recipe": to_json(recipe),
        "settings": {**settings.as_json(), "data": _lasting(settings.data)},
        "data": {"name": dataset.name, "digest": dataset.digest, "source": dataset.source},
    }
    runs.create(path, told, runs.environment())
    run = Run(path, game)
    run.__dict__["dataset"] = dataset  # where cached_property keeps it: large data are not loaded twice
    return run


def train(recipe: Recipe | str | Path | None = None, *, game: Game | None = None, **settings: Any) -> Run:
    """Start a run and train it to the end of its budget; the keywords are the fields of Settings.

    recipe: as in `start`. game: networks of your own.
    """
    run = start(recipe, game=game, settings=settings_from(settings))
    for _ in run.carry_on():
        pass
    return run


def resume(
    path: str | Path, *, game: Game | None = None, steps: int | None = None, minutes: float | None = None
) -> Run:
    """Train a run on from its newest good checkpoint, to its own budget or a new one.

    game: the same networks again, if it was started on your own. A run with a limit in steps, resumed on the same
    machine with as many threads, ends bit for bit as if it had never stopped.
    """
    run = Run(Path(path), game)
    for _ in run.carry_on(steps=steps, minutes=minutes):
        pass
    return run


def find_recipe(recipe: Recipe | str | Path | None, game: Game | None = None) -> Recipe:
    """The recipe meant: itself, one by name, or one in a recipe.json (a bare recipe's, or a run's)."""
    if isinstance(recipe, Recipe):
        return recipe
    if recipe is None:
        if game is None:
            raise BadInput("give a recipe, by name or path, or a game of your own")
        return own
    if str(recipe).endswith(".json"):
        value = runs.read_json(Path(recipe))
        return from_json(value.get("recipe", value))
    return find(str(recipe))


def _lasting(name: str) -> str:
    return str(Path(name).resolve()) if name not in data.DATASETS else name


def _course(
    directory: runs.RunDirectory,
    recipe: Recipe,
    settings: Settings,
    *,
    dataset: Dataset,
    device: torch.device,
    game: Game | None,
) -> Course:
    """The course of a run at its first step: the same seed gives the same weights, noises and order of the data."""
    streams = Streams(settings.seed, device)
    with streams.active():
        game_play: Play = play(recipe, dataset, seed=settings.seed, device=device, game=game)
    average = MovingAverage(game_play.game.generator, recipe.ema_half_life)
    preview = Preview(game_play.game, recipe, dataset, seed=settings.seed)
    minutes = settings.minutes if settings.minutes or settings.steps else recipe.usual_minutes
    return Course(directory, game_play, average, streams, preview, settings, minutes)
