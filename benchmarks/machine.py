"""The machine that a benchmark ran on, in a line."""

import os
import platform

import torch


def describe() -> str:
    """Processor, cores, threads and versions; nothing that names the machine."""
    return (
        f"Machine: {_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {platform.system()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}."
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
