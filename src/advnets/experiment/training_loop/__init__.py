"""The loop of a run, how far it has come, and what looks on: the doctor, and the measure of each checkpoint.

Inside of the room a file imports only from those before it: timetable, validation, progress, rollback, doctor, loop,
run_loop.
"""

from advnets.experiment.training_loop.doctor import Doctor, read_standing_findings
from advnets.experiment.training_loop.loop import Loop
from advnets.experiment.training_loop.progress import TrainingProgress
from advnets.experiment.training_loop.validation import MeasuredCheckpoint, Validation, Validator

__all__ = [
    "Doctor",
    "Loop",
    "MeasuredCheckpoint",
    "TrainingProgress",
    "Validation",
    "Validator",
    "read_standing_findings",
]
