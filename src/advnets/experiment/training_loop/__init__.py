"""The loop of a run, how far it has come, and the doctor beside it.

Inside of the room a file imports only from those before it: progress, rollback, doctor, loop, run_loop.
"""

from advnets.experiment.training_loop.doctor import Doctor
from advnets.experiment.training_loop.loop import Loop
from advnets.experiment.training_loop.progress import TrainingProgress
from advnets.experiment.training_loop.run_loop import build_loop

__all__ = ["Doctor", "Loop", "TrainingProgress", "build_loop"]
