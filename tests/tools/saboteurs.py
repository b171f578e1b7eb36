"""Saboteurs: what would break the promises of a run, each switched on by a patch, and the check that must notice it."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from advnets import process
from advnets.data import Batches
from advnets.data.formats import npz
from advnets.experiment import settings
from advnets.experiment.game_training import GameTraining
from advnets.experiment.loop import Loop
from advnets.runs import checkpoint, directory, files
from advnets.runs.journal import Journal

Patch = pytest.MonkeyPatch
Saboteur = Callable[[Patch], None]


def forced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def files_are_not_forced(patch: Patch) -> None:
    def write_files(temporary: Path, contents: Mapping[str, bytes]) -> None:
        temporary.mkdir()
        for name, content in contents.items():
            (temporary / name).write_bytes(content)
        checkpoint.sync_folder(temporary)

    patch.setattr(checkpoint, "write_files", write_files)


def folders_are_not_forced(patch: Patch) -> None:
    patch.setattr(checkpoint, "sync_folder", lambda folder: None)


def renamed_before_written(patch: Patch) -> None:
    later: dict[str, bytes] = {}

    def write_files(temporary: Path, contents: Mapping[str, bytes]) -> None:
        temporary.mkdir()
        later.update(contents)

    def commit(temporary: Path, path: Path) -> None:
        os.rename(temporary, path)
        checkpoint.sync_folder(path.parent)
        for name, content in later.items():
            forced(path / name, content)
        checkpoint.sync_folder(path)

    patch.setattr(checkpoint, "write_files", write_files)
    patch.setattr(checkpoint, "commit_checkpoint", commit)


def written_under_the_final_name(patch: Patch) -> None:
    write_files = checkpoint.write_files

    def straight(temporary: Path, contents: Mapping[str, bytes]) -> None:
        step = json.loads(contents[checkpoint.MANIFEST])["step"]
        write_files(temporary.with_name(f"{step:08d}"), contents)

    patch.setattr(checkpoint, "write_files", straight)
    patch.setattr(checkpoint, "commit_checkpoint", lambda temporary, path: checkpoint.sync_folder(path.parent))


def pruned_before_the_save(patch: Patch) -> None:
    commit = checkpoint.commit_checkpoint

    def late(temporary: Path, path: Path) -> None:
        checkpoint.prune_checkpoints(path.parent, keep=0)
        commit(temporary, path)

    patch.setattr(checkpoint, "commit_checkpoint", late)


def pruned_without_verifying(patch: Patch) -> None:
    patch.setattr(checkpoint, "is_good_checkpoint", lambda path: True)


def hashes_are_not_compared(patch: Patch) -> None:
    def read_files(path: Path) -> dict[str, bytes]:
        return {name: (path / name).read_bytes() for name in checkpoint.FILES}

    patch.setattr(checkpoint, "verify_checkpoint", read_files)


def journal_is_not_forced(patch: Patch) -> None:
    patch.setattr(Journal, "sync", lambda self: None)


def status_is_written_in_place(patch: Patch) -> None:
    patch.setattr(files, "write_bytes", lambda path, content: path.write_bytes(content))


def nothing_is_swept(patch: Patch) -> None:
    patch.setattr(directory, "remove_leftovers", lambda folder: None)


def after_load(change: Callable[[Loop, dict[str, Any]], None]) -> Saboteur:
    """A saboteur that changes a course when it has been loaded; it is given the course's streams at its start."""

    def sabotage(patch: Patch) -> None:
        load = Loop.load

        def forgetful(self: Loop, state: Mapping[str, Any]) -> None:
            fresh = {"streams": dict(self.streams.states), "average": clone(self.average.state())}
            load(self, state)
            change(self, fresh)

        patch.setattr(Loop, "load", forgetful)

    return sabotage


def clone(average: Mapping[str, Mapping[str, torch.Tensor]]) -> dict[str, dict[str, torch.Tensor]]:
    return {way: {name: tensor.clone() for name, tensor in tensors.items()} for way, tensors in average.items()}


def stream_forgotten(name: str) -> Saboteur:
    return after_load(lambda course, fresh: course.streams.states.update({name: fresh["streams"][name]}))


def average_forgotten(course: Loop, fresh: dict[str, Any]) -> None:
    course.average.load(fresh["average"])


def optimizer_step_forgotten(course: Loop, fresh: dict[str, Any]) -> None:
    assert isinstance(course.training, GameTraining)
    for optimizer in course.training.optimizers.values():
        for held in optimizer.state.values():
            held["step"].zero_()


def position(**changed: Callable[[int], int]) -> Saboteur:
    """A saboteur that goes to another position in the data."""

    def sabotage(patch: Patch) -> None:
        load = Batches.load

        def astray(self: Batches, state: Mapping[str, int]) -> None:
            load(self, {**state, **{name: change(state[name]) for name, change in changed.items()}})

        patch.setattr(Batches, "load", astray)

    return sabotage


def journal_is_not_cut(patch: Patch) -> None:
    patch.setattr(Journal, "drop_after", lambda self, step: None)


def preview_draws_from_the_training(patch: Patch) -> None:
    stretch = Loop._stretch

    def drawing(self: Loop, steps: Any) -> dict[str, float]:
        readings = stretch(self, steps)
        if self.step % self.settings.preview_steps == 0:
            torch.rand(1)
        return readings

    patch.setattr(Loop, "_stretch", drawing)


def only_losses_are_checked_for_nan(patch: Patch) -> None:
    patch.setattr(checkpoint, "_refuse_non_finite", lambda tensors, step: None)


def no_lock(patch: Patch) -> None:
    class Open:
        def __init__(self, path: Path) -> None: ...
        def acquire(self, timeout: float) -> None: ...
        def release(self) -> None: ...

    patch.setattr(directory, "FileLock", Open)


def pickles_are_allowed(patch: Patch) -> None:
    patch.setattr(npz, "_read", lambda path: dict(np.load(path, allow_pickle=True)))


def nothing_is_saved_where_the_loop_is_left(patch: Patch) -> None:
    patch.setattr(Loop, "_end_early", lambda self, error: None)


def half_a_step_is_saved(patch: Patch) -> None:
    patch.setattr(Loop, "_between_steps", property(lambda self: True, lambda self, value: None), raising=False)


def a_stop_is_counted(patch: Patch) -> None:
    patch.setattr(process, "LONGEST_TICK_SECONDS", 1e9)


def the_budget_is_not_written(patch: Patch) -> None:
    patch.setattr(settings, "write_json", lambda path, value: None)


SABOTEURS: dict[str, tuple[Saboteur, str]] = {
    "files are not forced to the disk": (files_are_not_forced, "power"),
    "folders are not forced to the disk": (folders_are_not_forced, "power"),
    "renamed before written": (renamed_before_written, "power"),
    "written under the final name": (written_under_the_final_name, "power"),
    "pruned before the save": (pruned_before_the_save, "power"),
    "journal is not forced to the disk": (journal_is_not_forced, "power"),
    "status is written in place": (status_is_written_in_place, "power"),
    "nothing is swept": (nothing_is_swept, "power"),
    "pruned without verifying": (pruned_without_verifying, "prune"),
    "hashes are not compared": (hashes_are_not_compared, "damage"),
    "torch's random numbers are not restored": (stream_forgotten("torch"), "resume"),
    "numpy's random numbers are not restored": (stream_forgotten("numpy"), "resume"),
    "Python's random numbers are not restored": (stream_forgotten("python"), "resume"),
    "the sampler's index is off by one": (position(index=lambda index: index + 1), "resume"),
    "the sampler's epoch is not restored": (position(epoch=lambda epoch: 0), "resume"),
    "the average is not restored": (after_load(average_forgotten), "resume"),
    "the optimizer's step is not restored": (after_load(optimizer_step_forgotten), "resume"),
    "the journal is not cut": (journal_is_not_cut, "resume"),
    "a preview draws from the training's random numbers": (preview_draws_from_the_training, "watching"),
    "only losses are checked for NaN": (only_losses_are_checked_for_nan, "finite"),
    "nothing is saved where the loop is left": (nothing_is_saved_where_the_loop_is_left, "left"),
    "half a step is saved": (half_a_step_is_saved, "whole steps"),
    "the time of a stop is counted": (a_stop_is_counted, "stopped"),
    "a new budget is not written": (the_budget_is_not_written, "budget"),
    "no lock": (no_lock, "alone"),
    "pickles are allowed": (pickles_are_allowed, "nothing runs"),
}
