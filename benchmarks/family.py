"""The family on MNIST: every recipe for the same minutes, over seeds, in one table.

    OMP_NUM_THREADS=1 ADVNETS_DATA=... python benchmarks/family.py WORK [--only wgan dcgan] [--seeds 0 1 2]
    python benchmarks/family.py WORK --page

One thread a run, two runs at a time. After the minutes, 2,000 samples are measured against the validation split: in the
features of a classifier of real digits, and by a Parzen window. Recipes with labels are asked for each class as often
as the data have it. Of a code, each category is drawn 500 times and stands for one class, so that as many samples as
can be are of the class that they stand for.

Each run is kept as a line of family.jsonl beside this file; a later call makes what is missing, and goes on with runs
that were interrupted. --page writes family.md, and the samples of the first seed as a picture.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe
from scipy.optimize import linear_sum_assignment

from advnets import data, experiment
from advnets.experiment import Model
from advnets.extractors import train_classifier
from advnets.recipes import RECIPES

KEPT = Path(__file__).with_suffix(".jsonl")
UNCONDITIONAL = ("lsgan", "wgan", "wgan-gp", "sngan-small", "infogan", "packed", "dcgan", "modern")
CONDITIONAL = ("cgan", "acgan", "dcgan-classes", "modern-classes")
WITHOUT_MIRROR = {"dcgan": "none", "dcgan-classes": "none"} | dict.fromkeys(
    ("modern", "modern-classes"), "translation,cutout"
)
"""What D sees digits through: these recipes have a mirror for photos, which turns digits into others."""

MEASURES = ("fid", "precision", "recall", "coverage", "parzen")
SAMPLES, OF_CATEGORY = 2000, 500


@dataclass(frozen=True)
class Reading:
    """What a run is after its minutes; of each measure the value and its error."""

    recipe: str
    seed: int
    minutes: float
    steps: int
    values: Mapping[str, tuple[float, float | None]]


def readings() -> list[Reading]:
    """Those that were kept."""
    return [Reading(**json.loads(line)) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []


def call(*arguments: str, log: Path) -> None:
    """Run advnets on one thread, its output in a log beside the run."""
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    with log.with_name(f"{log.name}.log").open("a", encoding="utf-8") as output:
        subprocess.run(
            [sys.executable, "-m", "advnets", *arguments], env=alone, stdout=output, stderr=output, check=True
        )


def train(work: Path, recipe: str, seed: int, minutes: float) -> None:
    """Train one run to its minutes, measure it and keep what it is."""
    run = work / f"{recipe}-{seed}"
    if run.exists():
        call("resume", str(run), "--minutes", f"{minutes:g}", log=run)
    else:
        words = ["--data", "mnist", "--minutes", f"{minutes:g}", "--seed", str(seed), "--out", str(run)]
        words += ["--augment.parts", WITHOUT_MIRROR[recipe]] if recipe in WITHOUT_MIRROR else []
        call("train", recipe, *words, log=run)
    learner: Any = RECIPES[recipe].learner
    asked = (*MEASURES, *(("class-asked",) if learner.given == "labels" else ()))
    call("evaluate", str(run), "--measures", ",".join(asked), "--n", str(SAMPLES), log=run)
    report = json.loads((run / "report.json").read_text())
    values = {one["name"]: (one["value"], one["error"]) for one in report["measures"] if one["name"] in asked}
    if learner.code.categories:
        values["class found"] = share_of_classes(experiment.Run(run).model, seed)
    line = Reading(recipe, seed, minutes, report["step"], values)
    with KEPT.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(line)) + "\n")
    print(line, flush=True)


def share_of_classes(model: Model, seed: int) -> tuple[float, float]:
    """The share of samples that are of the class that their category stands for, and its error."""
    classifier = train_classifier(data.load("mnist"))
    categories = model.card.code.categories
    counts = np.zeros((categories, 10))
    for category in range(categories):
        samples = model.sample(OF_CATEGORY, seed=seed, category=category).stored_values
        counts[category] = np.bincount(classifier.classify(samples).numpy(), minlength=10)
    share = counts[linear_sum_assignment(-counts)].sum() / counts.sum()
    return float(share), float(np.sqrt(share * (1 - share) / counts.sum()))


def page(kept: list[Reading], work: Path) -> str:
    """The table of what was kept; pictures of the first seed's samples are written beside this file."""
    by: dict[str, list[Reading]] = {}
    for one in sorted(kept, key=lambda each: each.seed):
        by.setdefault(one.recipe, []).append(one)
    rows = [
        "| recipe | seeds | steps | FD | precision | recall | coverage | Parzen, nats | class asked or found |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for recipe, runs in sorted(by.items(), key=lambda item: np.mean([one.values["fid"][0] for one in item[1]])):
        asked = next((name for name in ("class-asked", "class found") if name in runs[0].values), None)
        cells = [spread([one.values[name] for one in runs]) for name in MEASURES]
        last = spread([one.values[asked] for one in runs], 100) + " %" if asked else ""
        steps = np.mean([one.steps for one in runs])
        rows.append(f"| `{recipe}` | {len(runs)} | {steps:,.0f} | {' | '.join(cells)} | {last} |")
    pictures = [f"## {name}\n\n![Samples of {name}](family-{name}.png)" for name in write_pictures(by, work)]
    return (
        "# The family on MNIST\n\n"
        "`ADVNETS_DATA=... python benchmarks/family.py WORK`, then `--page`: "
        f"{kept[0].minutes:g} minutes a run, one thread, two runs at a time. {describe()}\n\n"
        "Each number is the mean over seeds and, after the sign, its standard error over them; one seed has the "
        f"measure's own error. {SAMPLES:,} samples against the validation split; the test split was not read."
        " FD is in the features of a classifier of real digits. The mirror of `dcgan` and `modern` is left out.\n\n"
        + "\n".join(rows) + "\n\n" + "\n\n".join(pictures) + "\n"
    )  # fmt: skip


def spread(values: list[tuple[float, float | None]], scale: float = 1.0) -> str:
    """A mean and its standard error over seeds; of one seed the measure's own."""
    means = [scale * value for value, _ in values]
    error = np.std(means, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else scale * (values[0][1] or 0.0)
    digits = 1 if max(map(abs, means)) >= 20 else 3 if max(map(abs, means)) < 1.5 else 2
    return f"{np.mean(means):.{digits}f} +- {error:.{digits}f}"


def write_pictures(by: Mapping[str, list[Reading]], work: Path) -> list[str]:
    """Write 50 samples of each recipe's first seed, the first that its seed draws, and return the recipes' names."""
    written = []
    for recipe, runs in by.items():
        run = work / f"{recipe}-{runs[0].seed}"
        if run.exists():
            model = experiment.Run(run).model
            given = [number // 5 for number in range(50)] if model.card.given == "labels" else None
            samples = model.sweep(1, steps=5) if model.card.code.categories else model.sample(50, given=given)
            samples.picture().save(Path(__file__).with_name(f"family-{recipe}.png"))
            written.append(recipe)
    return written


def main() -> None:
    """Read the command line; train what is missing, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", nargs="*", default=[*UNCONDITIONAL, *CONDITIONAL])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if asked.page:
        KEPT.with_suffix(".md").write_text(page(readings(), asked.work))
        return
    torch.set_num_threads(1)
    asked.work.mkdir(parents=True, exist_ok=True)
    made = {(one.recipe, one.seed) for one in readings() if one.minutes == asked.minutes}
    with ThreadPoolExecutor(2) as pool:
        waiting = [
            pool.submit(train, asked.work, recipe, seed, asked.minutes)
            for seed in asked.seeds
            for recipe in asked.only
            if (recipe, seed) not in made
        ]
        for one in waiting:
            one.result()


if __name__ == "__main__":
    main()
