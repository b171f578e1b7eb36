"""What a resumed run tells people: where it goes on, what was damaged, and why it may not be bit-identical."""

from collections.abc import Mapping
from typing import Any

from advnets import distributed, runs
from advnets.capture import can_capture
from advnets.experiment.run_record import RunRecord, own_code
from advnets.experiment.settings import Settings, find_device
from advnets.games import python_version
from advnets.randomness import fits_device


def resume_notes(directory: runs.RunDirectory, settings: Settings, record: RunRecord) -> list[str]:
    """Compare a run's newest good checkpoint with the machine as it is now.

    Args:
        directory: The run's files.
        settings: What was asked of the run, with the device that it goes on with.
        record: What recipe.json says of the run.

    Returns:
        A sentence for each thing to tell; none of a run without checkpoints.

    Raises:
        Damaged: If no checkpoint is good.
    """
    if not runs.has_checkpoints(directory.checkpoints):
        has_begun = directory.journal.path.exists()
        return ["it ended before its first checkpoint, and begins again at step 0"] if has_begun else []
    device = find_device(settings.device)
    step, state, skipped = runs.load_latest(directory.checkpoints)
    notes = [f"checkpoint {path.name} is damaged and passed over: {reason}" for path, reason in skipped]
    notes += [f"training goes on from the checkpoint of step {step:,}"]
    notes += _early_end_notes(runs.read_json(directory.status_json), step)
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
    notes += _own_code_notes(record.game or {}, record.optimizers or {})
    notes += _arithmetic_notes(state["arithmetic"], runs.describe_arithmetic(device))
    return notes + [
        f"{player}: no checkpoint holds what is left of {', '.join(names)}: if training uses it, not bit-identical"
        for player, names in state["training"].get("not stored", {}).items()
        if names
    ]


def _early_end_notes(status: Mapping[str, Any], step: int) -> list[str]:
    """That the run has ended before its limit, of its own, and how it goes on all the same."""
    message, share = str(status.get("message", "")), status.get("share")
    if status.get("state") != "finished" or status.get("step") != step or not message or share == 1:
        return []
    return [f"{message} A new limit trains on: --steps N or --minutes N"]


def _own_code_notes(*described: Mapping[str, Any]) -> list[str]:
    """That functions of one's own are known by name alone, as their digests are of another version of Python."""
    former, now = {held["python"] for one in described for held in own_code(one).values()}, python_version()
    if former <= {now}:
        return []
    return [
        f"functions of your own: Python {now} now, {', '.join(former)} when the run was started: their names are "
        "compared, and their code cannot be"
    ]


def _arithmetic_notes(former: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What decides how numbers are rounded, and is another than when the checkpoint was saved."""
    return [
        f"{name}: {now.get(name, 'not set')} now, {former.get(name, 'not set')} when it was saved: not bit-identical"
        for name in sorted({*former, *now})
        if former.get(name) != now.get(name)
    ]
