"""How a run comes to be, by a recipe's name or by a game of your own, and how it goes on."""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Unpack

import torch

from advnets import distributed, runs
from advnets.capture import expect_capturable
from advnets.data import STORED_NAME, Dataset, is_named
from advnets.errors import BadInput
from advnets.experiment.keywords import BudgetKeywords, RecipeKeywords, TrainKeywords, apply_keywords, split_keywords
from advnets.experiment.notebook import follow_training
from advnets.experiment.origin import begin_from
from advnets.experiment.preparation.build_training import check_stages, given_shape_of
from advnets.experiment.preparation.prepare import prepare_training
from advnets.experiment.preparation.trial_move import try_one_move
from advnets.experiment.run import Run
from advnets.experiment.run_data import choose_data, data_notes, refuse_other_data
from advnets.experiment.run_evaluation import expect_measurable
from advnets.experiment.run_record import RunRecord, describe_optimizers, recipe_from
from advnets.experiment.settings import Settings, find_device, settings_from, settle_direction
from advnets.games import (
    AUTO,
    AdversarialRow,
    CycleGame,
    CycleRow,
    Game,
    bfloat16_speedup,
    describe_game,
    describe_speedup,
    settle_precision,
)
from advnets.recipes import Choice, DataFacts, Recipe, choose_recipe, find, own
from advnets.recipes.changes import with_values
from advnets.recipes.recipe import own_optimizers


@torch.inference_mode(False)  # the caller may have switched gradients off
def start(
    recipe: Recipe | str | Path | None = None,
    *,
    game: Game | CycleGame | None = None,
    settings: Settings | None = None,
    data: Any = None,
    labels: Any = None,
    given: Any = None,
    **asked: Unpack[TrainKeywords],
) -> Run:
    """Make the run directory of a new run; nothing is trained yet.

    Args:
        recipe: A recipe, the name of one, or the path of a recipe.json. None takes `recipes.own` with `game`, which a
            recipe must leave the learner to, and otherwise the one that `recipes.choose_recipe` chooses for the data.
        game: A game of your own.
        settings: What is asked of the run beside its recipe, as one value; None for the defaults.
        data: Data in place of those that the settings name: a name, a path, or data in memory, which are a tensor or a
            NumPy array as `Dataset.of` takes them, a torch TensorDataset, or a Dataset. A run does not store data in
            memory; it takes them again when it is resumed.
        labels: Integers (n,) for a tensor or an array, or None.
        given: Images (n, c', h', w') for a tensor or an array, or None.
        **asked: Fields of `Settings`, such as minutes=10, in place of those of `settings`; and values of the recipe, in
            place of its own: objective="minimax" or objective=advnets.minimax, k=3, generator_rate=.1. Their names are
            the flags of `advnets train`, with underscores.

    Returns:
        The run.

    Raises:
        BadInput: For anything that cannot be trained, before anything is written: both players make a trial move first.
    """
    distributed.init_process_group()
    settings, values = _settle_keywords(settings, asked)
    found = None if recipe is None and game is None else apply_keywords(find_recipe(recipe, game), values)
    _expect_free_place(settings)
    refuse_other_data(settings, data)
    if settings.on_collapse != "warn":  # the doctor looks at runs of one process alone
        distributed.expect_one_process(f"--on-collapse {settings.on_collapse}")
    if settings.keep_best is not None:
        distributed.expect_one_process(f"--keep-best {settings.keep_best}")
    read = settle_direction(settings, game if found is None or found.learner is None else found.learner, data)
    settings, dataset = distributed.local_rank0_first(lambda: choose_data(read, data, labels=labels, given=given))
    device = find_device(settings.device)
    chosen = apply_keywords(choose_recipe_for(dataset, settings).recipe, values) if found is None else found
    recipe, measured = _settle_precision(chosen, device)
    if settings.capture:
        distributed.expect_one_process("training with --capture")
        expect_capturable(device)
    prepared = prepare_training(recipe, dataset, seed=settings.seed, device=device, game=game, capture=settings.capture)
    check_stages(recipe, dataset)
    record = _record_of(recipe, settings, dataset, game, measured)
    if settings.start_from is not None:
        prepared, origin = begin_from(settings.start_from, prepared, record, game)
        record = replace(record, origin=origin)
    noted = try_one_move(prepared, recipe.transform if dataset.is_image else "identity")
    record = replace(record, notes=(*record.notes, *noted))
    if settings.keep_best is not None:
        unborn = Run.begin(Path(recipe.name), game, record=record, dataset=dataset, prepared=prepared)
        expect_measurable(unborn, {"training": prepared.training.state(), "average": prepared.average.state()})
    path = Path(distributed.on_rank0(lambda: str(_create(recipe, settings, record))))
    run = Run.begin(path, game, record=record, dataset=dataset, prepared=prepared)
    if record.origin is not None:
        run.save_beginning()
    return run


def train(
    recipe: Recipe | str | Path | None = None,
    *,
    game: Game | CycleGame | None = None,
    data: Any = None,
    labels: Any = None,
    given: Any = None,
    **asked: Unpack[TrainKeywords],
) -> Run:
    """Start a run and train it to the end of its budget.

    Args:
        recipe: As in `start`.
        game: As in `start`.
        data: As in `start`, such as "mnist", a path or a tensor; None takes the digits.
        labels: As in `start`.
        given: As in `start`.
        **asked: Fields of `Settings` and values of the recipe, as in `start`, such as minutes=10, k=3.

    Returns:
        The run.

    Raises:
        BadInput: As `start` does.
        NonFinite: If a loss or a gradient is not finite.
    """
    run = start(recipe, game=game, data=data, labels=labels, given=given, **asked)
    for _ in follow_training(run.directory, run.carry_on()):
        pass
    return run


def resume(
    path: str | Path,
    *,
    game: Game | CycleGame | None = None,
    data: Any = None,
    labels: Any = None,
    given: Any = None,
    data_dir: str | PathLike[str] | None = None,
    optimizer: Any = None,
    **budget: Unpack[BudgetKeywords],
) -> Run:
    """Train a run on from its newest good checkpoint, to its own budget or a new one.

    A run with a limit in steps, resumed on the same machine with as many threads, ends bit for bit as if it had never
    stopped.

    Args:
        path: The run directory.
        game: The same game again, if it was started on your own.
        data: The same data again, if they were given in memory; or the new place of data that were moved.
        labels: The same labels again.
        given: The same given images again.
        data_dir: Folder where the files of a named data set are looked for first, in place of that of the start.
        optimizer: The same optimizer again, if it was your own: the function, or {player: function}.
        **budget: A new budget, which is the run's from now on: steps, or minutes.

    Returns:
        The run.

    Raises:
        BadInput: If there is no such run, or it was started on another game or other data.
        InUse: If another process is training it.
    """
    run = Run(Path(path), game, data, labels, given, data_dir, optimizer)
    for _ in follow_training(run.directory, run.carry_on(**budget)):
        pass
    return run


def change_recipe(recipe: Recipe | str | Path, **values: Unpack[RecipeKeywords]) -> Recipe:
    """Return a recipe with values in place of its own, such as objective="minimax" and k=3.

    Args:
        recipe: A recipe, the name of one, or the path of a recipe.json.
        **values: The values, by the flags of `advnets train` with underscores.

    Returns:
        The changed recipe.

    Raises:
        BadInput: For a name or a value that does not fit, with the nearest and what is right.
    """
    return with_values(find_recipe(recipe), values)


def _settle_keywords(settings: Settings | None, asked: Mapping[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """The settings of a run, and the values that are asked of its recipe."""
    fields, values = split_keywords(asked)
    fields = {name: fspath(value) if isinstance(value, PathLike) else value for name, value in fields.items()}
    return settings_from({**({} if settings is None else settings.as_json()), **fields}), values


def find_recipe(recipe: Recipe | str | Path | None, game: Game | CycleGame | None = None) -> Recipe:
    """Return the recipe that is meant.

    Args:
        recipe: The recipe itself, the name of one, or the path of a recipe.json, a bare recipe's or a run's.
        game: A game of your own, with which no recipe need be named.

    Returns:
        The recipe.

    Raises:
        BadInput: If none is named, or there is none of that name.
        Damaged: If the file has a digest of its content, and that is another.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe is None:
        if game is None:
            raise BadInput("no recipe is given: name one of `advnets recipes`, or give a game of your own as game=")
        return own
    if str(recipe).endswith(".json"):
        return recipe_from(Path(recipe))
    return find(str(recipe))


def _record_of(
    recipe: Recipe, settings: Settings, dataset: Dataset, game: Game | CycleGame | None, measured: tuple[str, ...]
) -> RunRecord:
    """What recipe.json will say of a new run."""
    return RunRecord(
        recipe=recipe,
        settings=_with_absolute_paths(settings),
        data=_data_card(dataset, recipe, game),
        source=dataset.source,
        notes=(*measured, *data_notes(dataset)),
        game=None if game is None else describe_game(game),
        optimizers=describe_optimizers(own_optimizers(recipe)),
    )


def _settle_precision(recipe: Recipe, device: torch.device) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe with the precision that "auto" stands for here, so that a resumed run keeps it; and what was found."""
    row = recipe.learner
    if not isinstance(row, AdversarialRow | CycleRow) or row.precision != AUTO:
        return recipe, ()
    settled = distributed.on_rank0(lambda: settle_precision(AUTO, device))
    ratio = distributed.on_rank0(lambda: bfloat16_speedup(device))
    note = f"precision: {settled}, for {describe_speedup(ratio)}"
    return replace(recipe, learner=replace(row, precision=settled)), (note,)


def choose_recipe_for(dataset: Dataset, settings: Settings) -> Choice:
    """Choose a recipe for a data set, where none is named.

    Args:
        dataset: The data.
        settings: Length and device are read.

    Returns:
        The recipe, and why it was taken.

    Raises:
        Unsupported: For data that no recipe is chosen for.
    """
    facts = DataFacts(dataset.name, len(dataset.train), dataset.shape, dataset.classes)
    on_gpu = find_device(settings.device).type == "cuda"
    return choose_recipe(facts, minutes=settings.minutes, on_gpu=on_gpu)


def _expect_free_place(settings: Settings) -> None:
    """Expect that the run directory that is asked for can be made, before the data are read."""
    if settings.out is not None:
        place = Path(settings.out)
        distributed.on_rank0(lambda: runs.expect_new_run(place))


def _create(recipe: Recipe, settings: Settings, record: RunRecord) -> Path:
    path = Path(settings.out) if settings.out else runs.new_run_path(Path("runs"), recipe.name, record.data.name)
    return runs.create_run(path, record.as_json(), runs.describe_environment()).path


def _data_card(dataset: Dataset, recipe: Recipe, game: Game | CycleGame | None) -> runs.DataCard:
    given = getattr(game if game is not None else recipe.learner, "given", None)
    is_paired = given == "images" or isinstance(game, CycleGame)
    labels = dataset.train.labels if given == "labels" else None
    frequencies = (
        None if labels is None else tuple((labels.bincount(minlength=dataset.classes or 0) / len(labels)).tolist())
    )
    shape = given_shape_of(dataset) if is_paired else None
    names = None if labels is None else dataset.class_names
    return runs.DataCard(dataset.name, dataset.digest, dataset.shape, dataset.classes, frequencies, shape, names)


def _with_absolute_paths(settings: Settings) -> Settings:
    other = None if settings.other is None else _absolute_path(settings.other)
    data, folder = _absolute_path(settings.data), _absolute_folder(settings.data_dir)
    return replace(settings, data=data, other=other, data_dir=folder)


def _absolute_folder(folder: str | None) -> str | None:
    return folder and str(Path(folder).resolve())


def _absolute_path(name: str) -> str:
    return name if name == STORED_NAME or is_named(name) else str(Path(name).resolve())
