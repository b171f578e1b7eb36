"""Start-up times, and the peak memory of a training of the paper's nets on MNIST, each of a whole process.

ADVNETS_DATA=... python benchmarks/process.py
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe

STARTS = 11
TRAIN = ["-m", "advnets", "train", "paper-adam", "--data", "mnist", "--steps", "300", "--preview-steps", "100"]


def seconds(words: list[str]) -> float:
    """Median wall time of a process, over eleven starts."""
    taken = []
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def peak_mebibytes(words: list[str]) -> float:
    """Peak resident memory of one process, the first child that is large."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *words, "--out", f"{folder}/run"]
        subprocess.run(command, check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Measure, print and write the table."""
    rows = [
        ("`advnets --help`", f"{seconds(['-m', 'advnets', '--help']):.3f} s, median of {STARTS}"),
        ("`import advnets`", f"{seconds(['-c', 'import advnets']):.3f} s, median of {STARTS}"),
        ("python alone", f"{seconds(['-c', 'pass']):.3f} s, median of {STARTS}"),
        (
            f"`advnets {' '.join(TRAIN[2:])}`",
            f"{peak_mebibytes(TRAIN):.0f} MiB at the peak, checkpoint and previews too",
        ),
    ]
    lines = ["| whole process | measured |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    text = "\n".join(lines)
    print(text)
    page = f"# Start-up and memory\n\n`python benchmarks/process.py`. {describe()}\n\n{text}\n"
    Path(__file__).with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
