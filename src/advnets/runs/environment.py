"""The versions, machine and command that a run was started with, so that its numbers can be traced."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from advnets import distributed


def describe_environment() -> dict[str, Any]:
    """Return versions, machine, threads, processes, command and, in a git checkout, the commit."""
    packages = ("advnets", "torch", "numpy", "safetensors")
    return {
        **{name: version(name) for name in packages},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": distributed.world_size(),
        "commit": _commit(),
        "command": sys.argv,
    }


def physical_memory() -> int:
    """Return the bytes of memory of this machine; where they are not known, those of a large one."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**40


def _commit() -> str | None:
    here = Path(__file__).resolve().parent
    try:
        words = ["git", "-C", str(here), "rev-parse", "HEAD"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
