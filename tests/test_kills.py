"""kill -9 at any time; the resumed run ends with the hash of the uninterrupted one."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).with_name("kill_server.py")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills are dealt by a process that forks")


def kill(folder: Path, kills: int, *saboteur: str) -> dict[str, Any]:
    command = [sys.executable, str(SERVER), str(kills), "7", *saboteur]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def check(told: dict[str, Any], kills: int, least: int) -> None:
    hit = Counter(one["phase"] for one in told["kills"])
    assert sum(hit.values()) == kills
    assert all(hit[phase] >= least for phase in ("step", "write", "rename")), f"the kills hit {hit}"
    assert any(one["stale"] for one in told["kills"]), "no kill left a half-written checkpoint: the test is vacuous"
    assert any(one["step"] not in (None, 20) for one in told["kills"])
    assert {one["hash"] for one in told["kills"]} == {told["expected"]}


def test_twenty_kills(tmp_path: Path) -> None:
    check(kill(tmp_path, 20), kills=20, least=4)


@pytest.mark.slow
def test_two_hundred_kills(tmp_path: Path) -> None:
    check(kill(tmp_path, 200), kills=200, least=40)


@pytest.mark.parametrize("saboteur", ["random", "position", "average"])
def test_a_broken_resume_is_noticed(saboteur: str, tmp_path: Path) -> None:
    told = kill(tmp_path, 3, saboteur)
    assert {one["hash"] for one in told["kills"]} != {told["expected"]}
