"""Whether each test of memorisation finds one copy of an MNIST training image in twenty samples.

    OMP_NUM_THREADS=1 ADVNETS_DATA=... python benchmarks/memorisation.py

The 20,000 images of the validation and test sets are drawn into 10,000 that stand for samples and 10,000 held out, so
that both have one distribution; then 500 samples are replaced by training images, of 50,000. Pixels are the features.
"""

import os
import time
from pathlib import Path

import torch
from machine import describe

from advnets import data, metrics

TESTS = ("copying", "nearest_training_test", "data_copying", "authenticity")


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
            began = time.process_time()
            found = getattr(metrics, name)(points, held_out, train)
            spent = time.process_time() - began
            page.append(
                f"| {name} | {told} | {found.value:.4f} | {found.floor:.4f} | {found.p_value:.2g} | {spent:.1f} |"
            )
            print(page[-1], flush=True)
    Path(__file__).with_suffix(".md").write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
