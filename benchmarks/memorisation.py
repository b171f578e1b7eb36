"""Whether each test of memorisation finds its fault among 10,000 MNIST images: copies of training images, duplicates.

    OMP_NUM_THREADS=1 ADVNETS_DATA=... python benchmarks/memorisation.py

The 20,000 images of the validation and test sets are drawn into 10,000 that stand for samples and 10,000 held out, so
that both have one distribution; then 500 samples are replaced by training images, of 50,000. For `duplicates` 1,000
samples are replaced by copies of 1,000 others, and 20,000 training images are the real ones. Pixels are the features.
"""

import os
import time
from pathlib import Path

import torch
from machine import describe

from advnets import data, metrics

TESTS = ("copying_share", "nearest_training_test", "data_copying", "authenticity")

NOTE = """With 999 permutations the least p-value of `duplicates` is .001. Its real samples are validation and test
images: p = .019 may be luck or a difference between these and training images; 10,000 other training images in their
place (69 pairs) had p = .15."""


def row(name: str, told: str, *sets: torch.Tensor) -> str:
    """A line of the table: one test of samples, which are the first set."""
    began = time.process_time()
    found = getattr(metrics, name)(*sets)
    spent = time.process_time() - began
    line = f"| {name} | {told} | {found.value:.4f} | {found.floor:.4f} | {found.p_value:.2g} | {spent:.1f} |"
    print(line, flush=True)
    return line


def main() -> None:
    """Measure, print, and write memorisation.md beside this file."""
    mnist = data.load("mnist")
    train = mnist.train.values.flatten(1)
    others = torch.cat([mnist.validation.values, mnist.test.values]).flatten(1)
    others = others[torch.randperm(len(others), generator=torch.Generator().manual_seed(0))]
    samples, held_out = others[:10_000], others[10_000:]
    copies = samples.clone()
    copies[:500] = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(1))[:500]]
    page = [
        "# Memorisation",
        "",
        f"{describe()} Command: `OMP_NUM_THREADS=1 ADVNETS_DATA=... python benchmarks/memorisation.py`. "
        f"Load average at the start: {os.getloadavg()[0]:.1f}.",
        "",
        "| test | samples | value | floor | p | CPU seconds |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name in TESTS:
        for told, points in (("real", samples), ("5 % copies", copies)):
            page.append(row(name, told, points, held_out, train))
    twice = samples.clone()
    twice[:1000] = samples[1000:2000]
    for told, points in (("real", samples), ("10 % duplicates", twice)):
        page.append(row("duplicates", told, points, train[:20_000]))
    page += ["", NOTE]
    Path(__file__).with_suffix(".md").write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
