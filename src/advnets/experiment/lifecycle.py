"""The front door: how a run comes to be, by a recipe's name or by networks of your own, and how it goes on."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from advnets import data, distributed, runs
from advnets.capture import expect_capturable
from advnets.errors import BadInput
from advnets.experiment.baseline_training import training
from advnets.experiment.run import Run
from advnets.experiment.settings import Settings, find_device, settings_from
from advnets.games.game import Game
from advnets.randomness import Streams
from advnets.recipes import Recipe, find, from_json, own, to_json


def start(
    recipe: Recipe | str | Path | None = None, *, game: Game | None = None, settings: Settings | None = None
) -> Run:
    """Make the run directory of a new run; nothing is trained yet.

    recipe: a recipe, the name of one, or the path of a recipe.json; with `game` it defaults to `recipes.own`.
    Raises BadInput for anything that cannot be trained, before anything is written.
    """
    distributed.init_process_group()
    recipe, settings = find_recipe(recipe, game), settings or Settings()
    dataset = distributed.local_rank0_first(settings.dataset)
    device = find_device(settings.device)
    if settings.capture:
        distributed.expect_one_process("training with --capture")
        expect_capturable(device)
    with Streams(settings.seed, device).as_defaults():
        tried = training(recipe, dataset, seed=settings.seed, device=device, game=game, capture=settings.capture)
        for _ in recipe.stages:
            tried.next_stage(0)
    told = {
        "recipe": to_json(recipe),
        "settings": {**settings.as_json(), "data": _absolute_path(settings.data)},
        "data": asdict(runs.DataCard(dataset.name, dataset.digest, dataset.shape, dataset.classes)),
        "source": dataset.source,
        "notes": [] if dataset.survey is None else list(dataset.survey.notes),
        "networks": "own" if game else "recipe",
    }
    run = Run(Path(distributed.on_rank0(lambda: str(_create(recipe, settings, told)))), game)
    vars(run)["dataset"] = dataset  # where cached_property keeps it: large data are not loaded twice
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


def _create(recipe: Recipe, settings: Settings, told: dict[str, Any]) -> Path:
    path = Path(settings.out) if settings.out else runs.new_run_path(Path("runs"), recipe.name, told["data"]["name"])
    return runs.create_run(path, told, runs.describe_environment()).path


def _absolute_path(name: str) -> str:
    return str(Path(name).resolve()) if name not in data.DATASETS else name
