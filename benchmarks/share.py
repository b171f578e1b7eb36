"""What share files cost: sizes, opening, refusing hostile ones, and what half precision does to the pixels.

    python benchmarks/share.py RUN        # e.g. of `advnets train paper-adam --data digits --steps 300 --out RUN`

Prints the table of benchmarks/share.md.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import advnets
from advnets import experiment

TESTS = Path(__file__).resolve().parent.parent / "tests"


def refusals(good: Path, folder: Path) -> list[dict[str, float]]:
    """How each of the ninety hostile files is refused, in a fork of its own."""
    sys.path.insert(0, str(TESTS))
    import evil_files

    content = good.read_bytes()
    evil, huge = evil_files.evil_files(folder / "evil", content), evil_files.huge_files(folder / "huge", content)
    given = "\n".join(map(str, [*evil.values(), *huge.values()]))
    words = [sys.executable, str(TESTS / "evil_child.py"), str(good)]
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main(path: Path) -> None:
    """Measure and print."""
    run = experiment.Run(path)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {half: run.export(folder / f"{half}.safetensors", half) for half in (False, True)}
        print("| what | measured |\n| --- | --- |")
        for half, file in files.items():
            seconds = []
            for _ in range(15):
                began = time.perf_counter()
                model = advnets.open_model(file)
                seconds.append(time.perf_counter() - began)
            kind = "half" if half else "float32"
            print(f"| {kind}: size, opening (median of 15) | {file.stat().st_size:,} bytes, "
                  f"{1000 * statistics.median(seconds):.1f} ms |")  # fmt: skip
        whole, half_ = (advnets.open_model(file).sample(1000).values.astype(int) for file in files.values())
        moved = np.abs(whole - half_)
        print(f"| half against float32, 1,000 samples | largest difference {moved.max()} of 255, "
              f"{100 * (moved > 0).mean():.2f} % of pixels differ |")  # fmt: skip
        same = np.array_equal(whole, run.sample(1000).values)
        print(f"| float32 against the run, 1,000 samples | {'equal' if same else 'NOT equal'} |")
        told = refusals(files[False], folder)
        slow, large = max(line["seconds"] for line in told), max(line["mebibytes"] for line in told)
        print(f"| {len(told)} hostile files | slowest refusal {1000 * slow:.0f} ms, most memory {large:.0f} MiB |")
        assert model.step == run.step


if __name__ == "__main__":
    main(Path(sys.argv[1]))
