"""How well the classifiers that samples are looked at through know their data, and how long they take to train.

    ADVNETS_DATA=... python benchmarks/classifier.py [DATA ...] [--seeds N]

Settings were chosen on the validation splits. What the cache holds is not trained again: its minutes are those of its
training, so that the seeds may be trained in several calls; with ADVNETS_CACHE=NEW_FOLDER all are trained here.
"""

import argparse
import math
import os
import statistics
from pathlib import Path

from machine import describe

from advnets import data, extractors


def row(dataset: data.Dataset, seed: int) -> tuple[str, float]:
    """A line of the table, and the test accuracy in %."""
    classifier = extractors.train_classifier(dataset, extractors.ClassifierSettings(seed=seed))
    test = 100 * extractors.accuracy(classifier, dataset.test)
    parameters = sum(parameter.numel() for parameter in classifier.network.parameters())
    line = (
        f"| {dataset.name} | {seed} | {100 * classifier.accuracy:.2f} | {test:.2f} | {classifier.seconds / 60:.2f} "
        f"| {parameters:,} | {classifier.id.rpartition(' ')[2][:12]} |"
    )
    print(line, flush=True)
    return line, test


def main() -> None:
    """Train, measure, and write classifier.md beside this file."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("data", nargs="*", default=["digits", "mnist"], help="names or files; default: digits mnist")
    asked.add_argument("--seeds", type=int, default=3, help="how many; default 3")
    given = asked.parse_args()
    lines, means = [], []
    for name in given.data:
        dataset = data.load(name)
        found = [row(dataset, seed) for seed in range(given.seeds)]
        lines += [line for line, _ in found]
        means.append(f"{dataset.name} {statistics.mean(test for _, test in found):.2f} %")
    told = ", ".join(means)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan  # Windows has none
    page = [
        "# Classifiers trained on the spot",
        "",
        f"{describe()} Command: `ADVNETS_DATA=... python benchmarks/classifier.py {' '.join(given.data)}`. "
        f"Load average at the end: {load:.1f}; minutes on a busy machine are no measure.",
        "",
        "| data | seed | validation, % | test, % | minutes of training | parameters | weights, SHA-256 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
        *lines,
        "",
        f"Mean on the test split: {told}. Stages of {extractors.ClassifierSettings().widths} channels; the "
        "settings were chosen on the validation splits.",
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
