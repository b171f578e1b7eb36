"""Whether the report's tests find a planted fault, and leave clean samples alone, on real MNIST.

    ADVNETS_DATA=... python benchmarks/detection.py [--resplits N] [--seed S]

The 60,000 training and validation images are drawn anew into 40,000 to train on, 10,000 held out and 10,000 that stand
for samples: of one distribution by construction, which the official splits are not, whose writers differ. Planted are
5 % copies of training images, a class left out, and 10 % duplicates; each must be found at an adjusted p < .01. On 100
clean re-splits a test may flag 3 at p < .01: a fair one flags 1 on average, and more than 3 in 1.8 % of such studies.

The classifier whose features are looked at was trained on 50,000 of the 60,000. A re-split does not know which, so that
as large a share of the samples was seen as of the held-out and of the training images, give or take chance: the three
are exchangeable all the same.

Features are computed once for all images, and a re-split only picks rows of them. The tests of copying search for
nearest others by products in float32, of which exact distances choose. The first clean re-split is measured by the
usual search as well, and must come out alike.

What is measured is kept, a line each, in detection.jsonl beside this file; a later call goes on from there.
"""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accusations import FastSearch
from machine import describe
from torch import Tensor

from advnets import assessment, data
from advnets.assessment.context import Context
from advnets.assessment.reference import Reference
from advnets.assessment.run_measures import take_measure
from advnets.assessment.verdict import verdicts
from advnets.data import Dataset, Split
from advnets.metrics import memorisation
from advnets.statistics import exchange
from advnets.studies import canaries

N = 10_000
LEVEL, ALLOWED = 0.01, 3
PLANTED = {"5 % training copies": ("training copies", 0.05), "a class left out": ("class lost", 1.0),
           "10 % duplicates": ("duplicates", 0.1)}  # fmt: skip
KEPT = Path(__file__).with_suffix(".jsonl")


class Pool:
    """All 60,000 images with their features and logits, and re-splits of them."""

    def __init__(self, dataset: Dataset, seed: int) -> None:
        self.seed, self.reference = seed, assessment.reference(dataset)
        parts = (dataset.train, dataset.validation)
        self.images = torch.cat([part.values for part in parts])
        self.labels = torch.cat([part.labels for part in parts if part.labels is not None])
        self.dataset, self.features = dataset, self.reference.extractor.features(self.images)
        self.logits = self.reference.require_classifier().logits(self.images)

    def drawn(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Indices of samples, of held-out images and of training images."""
        order = torch.from_numpy(np.random.default_rng([self.seed, number]).permutation(len(self.images)))
        samples, held_out, train = order.split([N, N, len(order) - 2 * N])
        return samples, held_out, train

    def against(self, held_out: Tensor, train: Tensor) -> Reference:
        """The reference of a re-split, its features picked, not computed."""
        held, rest = (Split(self.images[which], self.labels[which]) for which in (held_out, train))
        here = replace(self.reference, dataset=replace(
            self.dataset, train=rest, validation=held, test=held, known_digest=f"re-split {len(train)}"))  # fmt: skip
        vars(here).update(held_out_features=self.features[held_out], train_features=self.features[train],
                          held_out_logits=self.logits[held_out])  # fmt: skip
        return here


@contextmanager
def looked_up() -> Iterator[None]:
    """Within, the tests of memorisation search fast, and look up what was searched for last."""
    search = FastSearch()
    fast = {"find_nearest": search.nearest, "find_nearest_few": search.few, "find_nearest_others": search.others}
    places = [(module, name) for module in (memorisation, exchange) for name in fast if hasattr(module, name)]
    before = [getattr(module, name) for module, name in places]
    for module, name in places:
        setattr(module, name, fast[name])
    try:
        yield
    finally:
        for (module, name), former in zip(places, before, strict=True):
            setattr(module, name, former)


def tested(case: Context, names: list[str]) -> dict[str, Any]:
    """The estimates that have a p-value."""
    found = {name: take_measure(name, case).estimate for name in names}
    return {name: one for name, one in found.items() if one.p_value is not None}


def usual_names() -> list[str]:
    """Every measure of images that needs no discriminator, but the Parzen score, which is no test."""
    rows = assessment.MEASURES.items()
    return [name for name, row in rows if row.of != "points" and set(row.needs) <= {"labels"} and name != "parzen"]


def planted(pool: Pool) -> Iterator[dict[str, Any]]:
    """A line for each planted fault: adjusted p-values of all tests."""
    samples, held_out, train = pool.drawn(0)
    against = pool.against(held_out, train)
    clean = canaries.CleanImages(pool.images[samples], pool.images[train], pool.labels[samples])
    for fault, (damage, strength) in PLANTED.items():
        began = time.monotonic()
        rng = np.random.default_rng([pool.seed, 1, len(fault)])
        case = Context(canaries.DAMAGES[damage].act(clean, strength, rng), against)
        found = tested(case, usual_names())
        adjusted = {name: one.adjusted for name, one in verdicts(found).items()}
        yield {"fault": fault, "adjusted": adjusted, "seconds": round(time.monotonic() - began, 1)}


def clean(pool: Pool, number: int, names: list[str]) -> dict[str, Any]:
    """A line for a clean re-split: p-values of all tests."""
    began = time.monotonic()
    samples, held_out, train = pool.drawn(number)
    case = Context(pool.images[samples], pool.against(held_out, train))
    vars(case).update(features=pool.features[samples], logits=pool.logits[samples])
    p_values = {name: one.p_value for name, one in tested(case, names).items()}
    return {"clean": number, "p_values": p_values, "seconds": round(time.monotonic() - began, 1)}


def lines() -> list[dict[str, Any]]:
    """What was measured before."""
    return [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []


def keep(line: dict[str, Any]) -> None:
    """Add a line, and print it."""
    with KEPT.open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


def page(pool_id: str, resplits: int, seed: int) -> str:
    """The table, of what was kept."""
    found = lines()
    faults = [line for line in found if "fault" in line]
    flags: dict[str, list[float]] = {}
    for line in found:
        for name, p_value in line.get("p_values", {}).items():
            flags.setdefault(name, []).append(p_value)
    rows = ["| planted | found by, adjusted p | others that see it, adjusted p < .01 |", "| --- | --- | --- |"]
    for line in faults:
        by = sorted(line["adjusted"].items(), key=lambda pair: pair[1])
        others = ", ".join(f"{name} {p:.1g}" for name, p in by[1:] if p < LEVEL) or "none"
        rows.append(f"| {line['fault']} | {by[0][0]}, {by[0][1]:.1g} | {others} |")
    rows += [
        "",
        f"| test | flags at p < {LEVEL:g}, of clean re-splits | at p < .05 | smallest p |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, p_values in flags.items():
        low, five = sum(p < LEVEL for p in p_values), sum(p < 0.05 for p in p_values)
        rows.append(f"| {name} | {low} of {len(p_values)} | {five} | {min(p_values):.2g} |")
    worst = max((sum(p < LEVEL for p in p_values) for p_values in flags.values()), default=0)
    seconds = sum(line["seconds"] for line in found)
    said = "\n".join(rows)
    return (
        f"# Planted faults, and clean re-splits, on MNIST\n\n`ADVNETS_DATA=... python benchmarks/detection.py "
        f"--resplits {resplits} --seed {seed}`; {seconds / 60:.0f} minutes of measuring, on one thread of a busy "
        f"machine. {describe()}\n\nSamples {N:,}, held out {N:,}, to train on 40,000; features: {pool_id}. What it "
        f"means stands in the file.\n\n{said}\n\nThe most flags of any test: {worst}, at most {ALLOWED} allowed.\n"
    )


def main() -> None:
    """Measure what is missing, and write detection.md beside this file."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--resplits", type=int, default=100, help="clean ones; default 100")
    asked.add_argument("--seed", type=int, default=0, help="of all draws; default 0")
    given = asked.parse_args()
    pool = Pool(data.load("mnist"), given.seed)
    done = lines()
    if not any("fault" in line for line in done):
        for line in planted(pool):
            keep(line)
    names = next(list(line["adjusted"]) for line in lines() if "fault" in line)
    measured = {line["clean"] for line in done if "clean" in line}
    for number in range(1, given.resplits + 1):
        if number not in measured:
            with looked_up():
                line = clean(pool, number, names)
            if number == 1:
                assert line["p_values"] == clean(pool, number, names)["p_values"], "looked up is not as searched for"
            keep(line)
    Path(__file__).with_suffix(".md").write_text(page(pool.reference.extractor.id, given.resplits, given.seed))


if __name__ == "__main__":
    main()
