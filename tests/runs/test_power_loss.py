"""The power is cut at any moment of a save: the newest checkpoint or the one before is there, whole."""

import os
import time
from pathlib import Path

import pytest

from power_cuts import a_new_run, one_save

pytestmark = pytest.mark.skipif(os.name == "nt", reason="folders cannot be forced to the disk on Windows")


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
