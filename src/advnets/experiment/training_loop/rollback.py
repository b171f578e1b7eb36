"""Back to a state from before a collapse: with new random numbers and half the rates, for the same would fall again."""

from typing import Any

from advnets import runs
from advnets.errors import Collapsed, Missing
from advnets.experiment.preparation.game_training import GameTraining
from advnets.training import Training

MOST_ROLLBACKS = 3
"""After so many the recipe is at fault, not chance."""
SLOWER = 0.5
"""Each rollback multiplies both players' rates by this, until the end of the run."""


def state_before(directory: runs.RunDirectory, sound_step: int | None, step: int) -> dict[str, Any]:
    """Load the newest good checkpoint of a step at which the samples were sound, and remove those after it.

    Args:
        directory: The run.
        sound_step: The last step at which they were; None if they never were.
        step: The step at which the collapse was found.

    Returns:
        The state.

    Raises:
        Collapsed: If there is no such checkpoint.
    """
    folder, held = directory.checkpoints, directory.held
    for path in runs.newest_first(folder, held):
        if sound_step is not None and int(path.name) <= sound_step:
            runs.remove_checkpoints_after(folder, int(path.name), held)
            try:
                return runs.load_latest(folder, held)[1]
            except Missing:
                break
    raise Collapsed(
        f"the generator has collapsed at step {step:,}, and no checkpoint is from before: the last sound probe was at "
        f"step {sound_step}. Save more often, by --checkpoint-steps or --checkpoint-minutes."
    )


def slow_down(training: Training, rollbacks: int) -> None:
    """Multiply the rates that were just set by SLOWER for each rollback.

    Args:
        training: The training, between `schedule` and its next step.
        rollbacks: Rollbacks so far.
    """
    if rollbacks and isinstance(training, GameTraining):
        for optimizer in training.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] *= SLOWER**rollbacks
