"""The versions, machine and command that a run was started with, so that its numbers can be traced."""

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from advnets import distributed


def describe_environment() -> dict[str, Any]:
    """Return versions, machine, threads, processes, command and, in a git checkout, the commit.

    Returns:
        JSON values by name; the commit is None outside of a checkout.
    """
    packages = ("advnets", "numpy", "safetensors")
    return {
        **{name: version(name) for name in packages},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        **describe_arithmetic(),
        "processes": distributed.world_size(),
        "commit": find_commit(),
        "command": sys.argv,
    }


ARITHMETIC = (
    "ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE", "MKL_DYNAMIC",
    "MKL_NUM_THREADS", "MKL_DOMAIN_NUM_THREADS", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA",
    "DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE", "OPENBLAS_CORETYPE", "NVIDIA_TF32_OVERRIDE",
    "CUBLAS_WORKSPACE_CONFIG",
)  # fmt: skip
"""Variables of the environment by which libraries choose how they multiply and add."""


def describe_arithmetic(device: torch.device | None = None) -> dict[str, Any]:
    """Return what decides how numbers are rounded: threads, torch, processor, and the settings of its libraries.

    Args:
        device: The device that is computed on; a GPU is named too.

    Returns:
        The values, by names that people read.
    """
    found = {
        "threads": torch.get_num_threads(),
        "torch": version("torch"),
        "CPU capability": torch.backends.cpu.get_cpu_capability(),
        "processor": _processor(),
        "precision of products": torch.get_float32_matmul_precision(),
    }
    if device is not None and device.type == "cuda":
        found["GPU"] = torch.cuda.get_device_name(device)
    return found | {name: os.environ[name] for name in ARITHMETIC if name in os.environ}


@cache
def _processor() -> str:
    """The model of the processor, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def physical_memory() -> int:
    """Return the bytes of memory of this machine; where they are not known, those of a large one.

    Returns:
        The number of bytes.
    """
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**40


def find_commit() -> str | None:
    """Return the commit of the git checkout that advnets runs from.

    A checkout of another project that advnets is installed inside of, such as into its `.venv`, is not meant.

    Returns:
        The commit, 40 hexadecimal digits; None outside of a checkout, and where git is not installed.
    """
    here = Path(__file__).resolve()
    if not _ask_git(here.parent, "ls-files", "--", here.name):
        return None
    return _ask_git(here.parent, "rev-parse", "HEAD") or None


def has_changes() -> bool | None:
    """Return whether a file of that checkout differs from its commit; files that git does not track are not asked.

    Returns:
        Whether it does; None outside of a checkout.
    """
    if find_commit() is None:
        return None
    found = _ask_git(Path(__file__).resolve().parent, "status", "--porcelain", "--untracked-files=no")
    return None if found is None else bool(found)


def _ask_git(folder: Path, *words: str) -> str | None:
    """What git prints of a folder; None where it fails. Nothing is written, for other programs may use the checkout."""
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
