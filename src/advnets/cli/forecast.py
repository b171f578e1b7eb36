"""What a training will cost, in the lines that are printed before it."""

import math

from advnets.experiment import Cost, Settings
from advnets.recipes import COARSE_BELOW
from advnets.text import format_number

LARGE = 64
"""Sides of images in pixels above which smaller ones are advised."""


def line_of_cost(cost: Cost) -> str:
    """Say in one line what a training takes.

    Args:
        cost: Its cost.

    Returns:
        The line.
    """
    memory = "" if cost.mebibytes is None else f"; {cost.mebibytes:,.0f} MiB of memory"
    pace = f"{cost.milliseconds_per_step:,.0f} ms a step, as busy as the machine is now"
    doubt = f". {cost.doubt}" if cost.doubt else ""
    return f"cost: {pace}; {cost.length}{memory}; {cost.disk}{doubt}"


def notes_of_few_steps(cost: Cost, settings: Settings) -> list[str]:
    """Say of a training that is too short for good pictures how long would do.

    Args:
        cost: Its cost.
        settings: Its settings, with a budget.

    Returns:
        One line, or none.
    """
    if cost.steps >= COARSE_BELOW:
        return []
    minutes = math.ceil(COARSE_BELOW * cost.milliseconds_per_step / 60_000)
    length = "1 minute makes" if minutes == 1 else f"{format_number(minutes, 2)} minutes make"
    enough = f"about {length} {COARSE_BELOW:,} steps at this pace"
    ends_by_steps = settings.minutes is None or cost.steps == settings.steps
    advice = f"--steps {COARSE_BELOW}; {enough}" if ends_by_steps else f"{enough} (--minutes {minutes})"
    smaller = "; steps on smaller images are faster (--image-size 64)" if max(cost.shape[1:], default=0) > LARGE else ""
    return [f"note: pictures are coarse below {COARSE_BELOW:,} steps: {advice}{smaller}"]
