"""What a resumed run tells people: where it goes on, what was damaged, and why it may not be bit-identical."""

import torch

from advnets import distributed, runs
from advnets.capture import can_capture
from advnets.experiment.settings import Settings
from advnets.randomness import fits_device


def resume_notes(directory: runs.RunDirectory, settings: Settings, device: torch.device) -> list[str]:
    """Compare a run's newest good checkpoint with the machine as it is now.

    Args:
        directory: The run's files; there is a checkpoint.
        settings: What was asked of the run.
        device: The device that it goes on with.

    Returns:
        A sentence for each thing to tell.

    Raises:
        Damaged: If no checkpoint is good.
    """
    step, state, skipped = runs.load_latest(directory.checkpoints)
    notes = [f"checkpoint {path.name} is damaged and passed over: {reason}" for path, reason in skipped]
    notes += [f"from the checkpoint of step {step:,}"]
    if broken := directory.journal.broken_lines():
        notes += [f"journal.jsonl: lines {', '.join(map(str, broken))} are not JSON of a step and are dropped"]
    processes = len(state["random"]["own"])
    if processes != distributed.world_size():
        notes += [
            f"processes: {distributed.world_size()} now, {processes} when it was saved; the same batches and noises, "
            "other dropout masks: not bit-identical"
        ]
    if not fits_device(state["random"]["shared"], device):
        notes += ["another kind of device than when it was saved, which draws other numbers: not bit-identical"]
    if settings.capture and not can_capture(device):
        notes += ["capture: there is no CUDA device here, so moves are not recorded; the run learns the same, slower"]
    former = runs.read_json(directory.environment_json).get("threads")
    if former not in (None, torch.get_num_threads()):
        notes += [f"torch has {torch.get_num_threads()} threads, {former} when the run began: not bit-identical"]
    return notes
