"""Power cuts at every moment of a save, and what the next start must find."""

import random
from collections import Counter
from pathlib import Path

from power_loss import Recorder, clear, laid_out, recorded, states
from saves import advance, born, found, stand


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
