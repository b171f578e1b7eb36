"""The loop of a run at its first step, built of what the run was started with."""

from collections.abc import Mapping
from typing import Any

from advnets.capture import can_capture
from advnets.data import Dataset
from advnets.experiment.preparation.prepare import PreparedTraining, prepare_training
from advnets.experiment.settings import Settings, find_device, settings_from, with_budget
from advnets.experiment.training_loop.doctor import Doctor
from advnets.experiment.training_loop.loop import Loop
from advnets.experiment.training_loop.validation import Validator
from advnets.games import CycleGame, Game
from advnets.recipes import Recipe
from advnets.runs import RunDirectory


def build_loop(
    directory: RunDirectory,
    recipe: Recipe,
    dataset: Dataset,
    settings: Settings,
    *,
    budget: Mapping[str, Any] | None,
    game: Game | CycleGame | None,
    prepared: PreparedTraining | None,
    validator: Validator | None,
) -> Loop:
    """Build the loop of a run at its first step.

    Args:
        directory: The run's files.
        recipe: The recipe, with the optimizers of your own.
        dataset: The data.
        settings: What was asked of the run when it was started.
        budget: The settings of the budget that take the place of those; None or empty for none.
        game: The game of your own, if there is one.
        prepared: What `start` has prepared; None prepares it anew.
        validator: What measures each checkpoint on held-out data; None if the run does not ask for it.

    Returns:
        The loop.
    """
    settings = settings_from({**settings.as_json(), **(budget or {})})
    if prepared is None:
        device = find_device(settings.device)
        capture = settings.capture and can_capture(device)
        prepared = prepare_training(recipe, dataset, seed=settings.seed, device=device, game=game, capture=capture)
    doctor = Doctor.of(directory, recipe, dataset, settings, prepared.training)
    return Loop(directory, recipe, *prepared, with_budget(settings, recipe), doctor=doctor, validator=validator)


def begin_watching(loop: Loop, *, is_longer: bool) -> None:
    """Let the doctor and the measure of checkpoints begin at the loop's step.

    Args:
        loop: The loop, with what it has loaded.
        is_longer: Whether a new budget was asked for.
    """
    if loop.doctor is not None:
        loop.doctor.begin(loop.step)
    if loop.validator is not None:
        loop.validator.begin(loop.step, is_longer=is_longer)
