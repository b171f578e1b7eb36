"""Saboteurs: what would break the promises of a run, each switched on by a patch, and the check that must notice it."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from advnets import errors, process, runs
from advnets.assessment import report
from advnets.cli import output
from advnets.data import Batches, Split
from advnets.data.formats import npz
from advnets.data.images import arrangement, cache, layout
from advnets.data.images.layout import Layout
from advnets.disk import Folder
from advnets.experiment import lifecycle, settings
from advnets.experiment.preparation import trial_move
from advnets.experiment.preparation.game_training import GameTraining
from advnets.experiment.training_loop.loop import Loop
from advnets.extractors import onnx
from advnets.runs import ModuleMemory, checkpoint, directory, files
from advnets.runs.journal import Journal

Patch = pytest.MonkeyPatch
Saboteur = Callable[[Patch], None]


def files_are_not_forced(patch: Patch) -> None:
    create = Folder.create
    patch.setattr(Folder, "create", lambda self, name, content: create(self, name, content, force=False))


def folders_are_not_forced(patch: Patch) -> None:
    patch.setattr(Folder, "sync", lambda self: None)


def renamed_before_written(patch: Patch) -> None:
    later: dict[str, bytes] = {}

    def write_files(folder: Folder, temporary: str, contents: Mapping[str, bytes]) -> None:
        folder.make_folder(temporary)
        later.update(contents)

    def commit(folder: Folder, temporary: str, name: str) -> None:
        folder.rename(temporary, name)
        folder.sync()
        with folder.folder(name) as made:
            for file, content in later.items():
                made.create(file, content)
            made.sync()

    patch.setattr(checkpoint, "write_files", write_files)
    patch.setattr(checkpoint, "commit_checkpoint", commit)


def written_under_the_final_name(patch: Patch) -> None:
    write_files = checkpoint.write_files

    def straight(folder: Folder, temporary: str, contents: Mapping[str, bytes]) -> None:
        step = json.loads(contents[checkpoint.MANIFEST])["step"]
        write_files(folder, f"{step:08d}", contents)

    patch.setattr(checkpoint, "write_files", straight)
    patch.setattr(checkpoint, "commit_checkpoint", lambda folder, temporary, name: folder.sync())


def pruned_before_the_save(patch: Patch) -> None:
    commit = checkpoint.commit_checkpoint

    def late(folder: Folder, temporary: str, name: str) -> None:
        checkpoint.prune_checkpoints(folder, keep=0)
        commit(folder, temporary, name)

    patch.setattr(checkpoint, "commit_checkpoint", late)


def pruned_without_verifying(patch: Patch) -> None:
    patch.setattr(checkpoint, "is_good_checkpoint", lambda path, held=None: True)


def the_best_is_pruned(patch: Patch) -> None:
    prune = checkpoint.prune_checkpoints
    patch.setattr(checkpoint, "prune_checkpoints", lambda folder, best=None: prune(folder))


def hashes_are_not_compared(patch: Patch) -> None:
    def read_files(path: Path, held: Folder | None = None) -> dict[str, bytes]:
        return {name: (path / name).read_bytes() for name in checkpoint.FILES}

    patch.setattr(checkpoint, "verify_checkpoint", read_files)


def journal_is_not_forced(patch: Patch) -> None:
    patch.setattr(Journal, "sync", lambda self: None)


def status_is_written_in_place(patch: Patch) -> None:
    patch.setattr(files, "write_bytes", lambda path, content, held=None: path.write_bytes(content))


def nothing_is_swept(patch: Patch) -> None:
    patch.setattr(Folder, "remove_leftovers", lambda self: None)


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
        if self.timetable.is_preview_due(self.step, self.seconds):
            torch.rand(1)
        return readings

    patch.setattr(Loop, "_stretch", drawing)


def only_losses_are_checked_for_nan(patch: Patch) -> None:
    patch.setattr(checkpoint, "_refuse_non_finite", lambda tensors, step: None)


def seals_are_not_compared(patch: Patch) -> None:
    patch.setattr(directory, "expect_seal", lambda *words: None)


def pixels_are_not_verified_when_copied(patch: Patch) -> None:
    patch.setattr(cache, "copy_verified", lambda pixels, sums: np.array(pixels))


def pixels_are_not_verified_when_mapped(patch: Patch) -> None:
    patch.setattr(Split, "verify", lambda self, places=None: None)


def other_files_are_not_hashed(patch: Patch) -> None:
    patch.setattr(onnx, "_hash_all", lambda content, beside: hashlib.sha256(content).hexdigest())


def memory_of_modules_is_forgotten(patch: Patch) -> None:
    patch.setattr(ModuleMemory, "load", lambda self, network, state: None)


def no_lock(patch: Patch) -> None:
    class Open:
        def __init__(self, path: Path) -> None: ...
        def acquire(self, timeout: float) -> None: ...
        def release(self) -> None: ...

    patch.setattr(directory, "FileLock", Open)
    patch.setattr(Folder, "lock", lambda self: True)


def written_by_path(patch: Patch) -> None:
    lock = directory.lock_run

    @contextmanager
    def forget_the_handle(path: Path) -> Iterator[directory.RunDirectory]:
        with lock(path) as held:
            held.path.mkdir(exist_ok=True)
            yield directory.RunDirectory(held.path)

    patch.setattr(runs, "lock_run", forget_the_handle)


def links_are_followed(patch: Patch) -> None:
    patch.setattr(Folder, "refuse_links", lambda self, *names: None)
    patch.setattr(Folder, "folder", lambda self, name, *, make=False: Folder.open(self.path / name))


def only_the_lock_file_is_locked(patch: Patch) -> None:
    patch.setattr(Folder, "lock", lambda self: True)


def a_reader_does_not_look_again(patch: Patch) -> None:
    newest, listed = checkpoint.newest_first, []

    def stale(folder: Path, held: Folder | None = None) -> list[Path]:
        listed[:] = listed or newest(folder, held)
        return list(listed)

    patch.setattr(checkpoint, "newest_first", stale)


def one_file_is_opened_after_the_other(patch: Patch) -> None:
    patch.setattr(checkpoint, "_read_files", lambda folder: {name: folder.read(name) for name in folder.names()})


def what_appears_is_overwritten(patch: Patch) -> None:
    patch.setattr(Folder, "write_new", Folder.write)


def pickles_are_allowed(patch: Patch) -> None:
    patch.setattr(npz, "_read", lambda path: dict(np.load(path, allow_pickle=True)))


def splits_are_taken_for_classes(patch: Patch) -> None:
    patch.setattr(arrangement, "find_layout", lambda names, where: Layout(None, names, []))


def split_names_are_taken_as_typed(patch: Patch) -> None:
    patch.setattr(layout, "WORD", re.compile(r"^(train|val|validation|test)$"))


def names_are_printed_as_they_are(patch: Patch) -> None:
    patch.setattr(output, "escape_lines", str)
    patch.setattr(errors, "escape", str)


def names_are_marks(patch: Patch) -> None:
    patch.setattr(report, "escape_markdown", str)
    patch.setattr(report, "format_reasons", lambda reasons: "\n".join(f"- {name}: {reasons[name]}" for name in reasons))


def tried_on_the_networks_themselves(patch: Patch) -> None:
    patch.setattr(trial_move, "copy_deeply", lambda value: value)
    patch.setattr(trial_move, "prepare_sampling", lambda network: network)


def tried_on_the_programs_random_numbers(patch: Patch) -> None:
    class Nothing:
        def __init__(self, seed: int, device: torch.device) -> None: ...

        def as_defaults(self) -> Any:
            return nullcontext()

    patch.setattr(trial_move, "Streams", Nothing)


def tried_on_the_runs_random_numbers(patch: Patch) -> None:
    inner = lifecycle.try_one_move

    def drawing(prepared: Any, *given: Any) -> list[str]:
        with prepared.streams.as_defaults():
            torch.rand(1)
        return inner(prepared, *given)

    patch.setattr(lifecycle, "try_one_move", drawing)


def tried_on_the_next_batch(patch: Patch) -> None:
    patch.setattr(Batches, "peek", lambda self, n: next(self))


def nothing_is_saved_where_the_loop_is_left(patch: Patch) -> None:
    patch.setattr(Loop, "_end_early", lambda self, error: None)


def half_a_step_is_saved(patch: Patch) -> None:
    patch.setattr(Loop, "_between_steps", property(lambda self: True, lambda self, value: None), raising=False)


def a_stop_is_counted(patch: Patch) -> None:
    patch.setattr(process, "LONGEST_TICK_SECONDS", 1e9)


def the_budget_is_not_written(patch: Patch) -> None:
    patch.setattr(settings, "write_sealed", lambda path, value, held: None)


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
    "the best is pruned": (the_best_is_pruned, "best"),
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
    "the networks themselves make the trial move": (tried_on_the_networks_themselves, "trial"),
    "a trial draws from the program's random numbers": (tried_on_the_programs_random_numbers, "trial"),
    "a trial draws from the run's random numbers": (tried_on_the_runs_random_numbers, "trial"),
    "a trial takes the training's next batch": (tried_on_the_next_batch, "trial"),
    "nothing is saved where the loop is left": (nothing_is_saved_where_the_loop_is_left, "left"),
    "half a step is saved": (half_a_step_is_saved, "whole steps"),
    "the time of a stop is counted": (a_stop_is_counted, "stopped"),
    "a new budget is not written": (the_budget_is_not_written, "budget"),
    "no lock": (no_lock, "alone"),
    "a run is written by its path": (written_by_path, "renamed"),
    "links are followed": (links_are_followed, "links"),
    "only the lock file is locked": (only_the_lock_file_is_locked, "lock file"),
    "a reader does not look again": (a_reader_does_not_look_again, "reader"),
    "one file is opened after the other": (one_file_is_opened_after_the_other, "pruned"),
    "what appears is overwritten": (what_appears_is_overwritten, "appears"),
    "the digest of recipe.json is not compared": (seals_are_not_compared, "seal"),
    "pixels of the cache are not verified when they are copied": (pixels_are_not_verified_when_copied, "pixels"),
    "pixels of the cache are not verified when they are mapped": (pixels_are_not_verified_when_mapped, "pixels"),
    "the files beside an ONNX file are not hashed": (other_files_are_not_hashed, "id"),
    "what modules remember is not restored": (memory_of_modules_is_forgotten, "resume"),
    "splits are taken for classes": (splits_are_taken_for_classes, "held out"),
    "names of splits are taken as typed": (split_names_are_taken_as_typed, "held out"),
    "pickles are allowed": (pickles_are_allowed, "nothing runs"),
    "names are printed as they are": (names_are_printed_as_they_are, "plain text"),
    "names are marks of Markdown": (names_are_marks, "plain pages"),
}
