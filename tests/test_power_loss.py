"""The power is cut at any moment of a save: the newest checkpoint or the one before is there, whole."""

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from power_loss import Recorder, clear, laid_out, recorded, states
from saves import advance, born, found, stand

pytestmark = pytest.mark.skipif(os.name == "nt", reason="folders cannot be forced to the disk on Windows")


def survey(recorder: Recorder, folder: Path, *, first: int, most: int) -> Counter[int]:
    """Cut the power everywhere; what is found must be the step that was promised, or the one being saved."""
    rng, seen, steps = random.Random(3), set(), Counter[int]()
    for disk in recorder.moments:
        for tree in states(disk, most, rng):
            key = (disk.done, frozenset((path, content) for path, content in tree.items()))
            if key in seen:
                continue
            seen.add(key)
            root = laid_out(tree, folder / "cut")
            step = found(root / "run") if (root / "run" / "recipe.json").exists() else 0
            clear(root)
            promised = first + disk.done
            assert step in (promised, promised + 1), f"step {step} is found, {promised} was promised"
            steps[step] += 1
    return steps


def one_save(folder: Path, most: int = 2_000) -> Counter[int]:
    """All states of the save of step 3 after steps 1 and 2."""
    disk = folder / "disk"
    disk.mkdir()
    stand(disk / "run")
    with recorded(disk) as recorder:
        advance(disk / "run", 3)
        recorder.mark()
    return survey(recorder, folder, first=2, most=most)


def a_new_run(folder: Path, most: int) -> Counter[int]:
    """From nothing to step 3, a mark after each save."""
    disk = folder / "disk"
    disk.mkdir()
    with recorded(disk) as recorder:
        born(disk / "run")
        for step in (1, 2, 3):
            advance(disk / "run", step)
            recorder.mark()
    return survey(recorder, folder, first=0, most=most)


def test_one_save(tmp_path: Path) -> None:
    began = time.monotonic()
    steps = one_save(tmp_path)
    print(f"{steps.total()} states in {time.monotonic() - began:.1f} s: {dict(steps)}")
    assert set(steps) == {2, 3}
    assert min(steps.values()) >= 10


def test_a_new_run(tmp_path: Path) -> None:
    steps = a_new_run(tmp_path, most=30)
    print(dict(steps))
    assert set(steps) == {0, 1, 2, 3}


@pytest.mark.slow
def test_a_new_run_in_all_states(tmp_path: Path) -> None:
    print(dict(a_new_run(tmp_path, most=2_000)))
