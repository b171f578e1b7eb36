"""`advnets train` on a disk of 2 MB that fills up, and `advnets resume` when there is room again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
mkdir disk; mount -t tmpfs -o size=2M none disk || exit 77
head -c 1650K /dev/zero >disk/filler
$PYTHON -m advnets train paper-adam --data digits --steps 200 --out disk/run --device cpu --generator.hidden 16 \
    --discriminator.units 8 --journal-steps 5 --preview-steps 4 --checkpoint-steps 20 >/dev/null 2>train.txt
echo $? >train.code
find disk -name '.tmp-*' >stale.txt
rm disk/filler; mount -o remount,size=64M disk
$PYTHON -m advnets resume disk/run --json >resume.json 2>resume.txt
echo $? >resume.code
find disk -name '.tmp-*' >>stale.txt
cp disk/run/status.json status.json
"""


def namespace() -> str:
    """Why a file system cannot be mounted here; nothing if it can."""
    if not shutil.which("unshare"):
        return "unshare is not installed"
    words = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /mnt"]
    return "" if subprocess.run(words, capture_output=True, check=False).returncode == 0 else "mounting is not allowed"


WHY_NOT = namespace()


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "a disk can be mounted")
def test_training_says_that_the_disk_is_full_and_goes_on_when_it_is_not(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHON": sys.executable}
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", SCRIPT], env=environment, check=False, timeout=120)
    assert done.returncode == 0
    told = Path("train.txt").read_text()
    assert Path("train.code").read_text() == "2\n", told
    last = told.splitlines()[-1]
    assert last.startswith("advnets: disk/run/")
    assert "could not be written: the disk is full." in last
    assert "Traceback" not in told
    assert Path("stale.txt").read_text() == ""
    told = Path("resume.txt").read_text()
    assert Path("resume.code").read_text() == "0\n", told
    assert "from the checkpoint of step" in told
    assert '"step": 200' in Path("status.json").read_text()
