"""What a comparison says of a side: its steps, seeds and recipe, and what a step of its training costs."""

from collections.abc import Sequence

from advnets.comparison.comparison import Side
from advnets.comparison.inputs import SideRequest
from advnets.comparison.work import describe_work, trained_seconds
from advnets.experiment.run import Run


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
    )
