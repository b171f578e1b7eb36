"""What a comparison says of a side: its steps, seeds and recipe, and what a step of its training costs."""

from collections.abc import Sequence

from advnets.comparison.comparison import Side
from advnets.comparison.inputs import SideRequest
from advnets.comparison.settings_difference import flatten_settings
from advnets.comparison.work import describe_work, trained_seconds
from advnets.experiment.run import Run
from advnets.recipes.changes import format_typed, recipe_values


def side_card(side: SideRequest, runs: Sequence[Run | None], steps: Sequence[int | None], recipe: str = "") -> Side:
    """Return what a comparison says of a side.

    Args:
        side: The side as the user gave it.
        runs: The run at each of its paths; None for a file.
        steps: The step of each.
        recipe: The recipe of a file; a run has its own.

    Returns:
        The side.
    """
    pairs = list(zip(runs, steps, strict=True))
    first = next((run for run in runs if run is not None), None)
    return Side(
        side.name,
        side.paths,
        tuple(steps),
        tuple(None if run is None else run.settings.seed for run in runs),
        recipe if first is None else first.recipe.name,
        {} if first is None else describe_work(first.record),
        tuple(None if run is None else trained_seconds(run, step) for run, step in pairs),
        {} if first is None else _settings_of(first),
    )


def _settings_of(run: Run) -> dict[str, str]:
    """The recipe of a run as it would be typed, and what else its recipe.json says."""
    typed = {f"--{value.name}": format_typed(value) for value in recipe_values(run.recipe)}
    others = flatten_settings(run.record.as_json())
    return {**typed, **{name: text for name, text in others.items() if not name.startswith("recipe.")}}
