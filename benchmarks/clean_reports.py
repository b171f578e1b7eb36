"""How many reports on clean samples tell a difference, over random re-splits of real data.

    ADVNETS_DATA=... OMP_NUM_THREADS=1 python benchmarks/clean_reports.py --data mnist --samples 1000 [--resplits 300]
    python benchmarks/clean_reports.py --page

All images of the training and validation splits are drawn anew into samples, held-out images (as many as samples, but
at least 2,000, and at most as many as the data set holds out) and images to train on (at most 5,000, which only the
rows of memorisation look at). All three are of one distribution by construction, so that whatever a report tells is
false. A report that tells anything should be one in twenty at most.

Features and logits are computed once for all images, and a re-split only picks rows of them. The classifier was trained
on most of the pool; a re-split does not know which, so that samples and held-out images are exchangeable all the same.

Estimates are kept, a line a report, in --keep; a later call goes on from there. The verdicts are made from these lines,
so that another rule can be held against the same reports. --page writes clean_reports.md beside this file.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe

from advnets import assessment, data
from advnets.assessment.context import Context
from advnets.assessment.run_measures import take_measure
from advnets.assessment.summary import summarise
from advnets.assessment.verdict import verdicts
from advnets.data import Split
from advnets.errors import AdvnetsError
from advnets.statistics import Estimate

LEAST_HELD_OUT, MOST_TRAIN = 2_000, 5_000
KEPT = Path(__file__).with_suffix(".jsonl")


class Pool:
    """All images of the training and validation splits, with features and logits."""

    def __init__(self, name: str) -> None:
        self.dataset = data.load(name)
        self.reference = assessment.reference(self.dataset)
        parts = (self.dataset.train, self.dataset.validation)
        self.images = torch.cat([part.values for part in parts])
        self.labels = torch.cat([part.labels for part in parts if part.labels is not None])
        self.features = self.reference.extractor.features(self.images)
        self.logits = self.reference.require_classifier().logits(self.images)

    def context(self, n: int, number: int) -> Context:
        """A clean re-split: n samples, and what they are measured against."""
        order = torch.from_numpy(np.random.default_rng([n, number]).permutation(len(self.images)))
        held = min(max(n, LEAST_HELD_OUT), len(self.dataset.validation))
        samples, held_out = order[:n], order[n : n + held]
        train = order[n + held : n + held + MOST_TRAIN]
        held_split, rest = (Split(self.images[which], self.labels[which]) for which in (held_out, train))
        again = replace(self.dataset, train=rest, validation=held_split, test=held_split, known_digest=f"re-split {n}")
        against = replace(self.reference, dataset=again)
        vars(against).update(held_out_features=self.features[held_out], train_features=self.features[train],
                             held_out_logits=self.logits[held_out])  # fmt: skip
        case = Context(self.images[samples], against, seed=number)
        vars(case).update(features=self.features[samples], logits=self.logits[samples])
        return case


def measure(case: Context, without: list[str]) -> dict[str, Any]:
    """Every measure that can be taken, as JSON."""
    found = {}
    for name, row in assessment.MEASURES.items():
        if name in without or row.of not in ("any", "images"):
            continue
        try:
            found[name] = take_measure(name, case).estimate.as_dict()
        except AdvnetsError:
            continue
    return found


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """What was kept."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)


def told(line: Mapping[str, Any]) -> list[str]:
    """The measures that tell a difference, by today's verdicts."""
    estimates = {name: Estimate.from_dict(fields) for name, fields in line["estimates"].items()}
    return [name for name, one in verdicts(estimates).items() if one.differs]


def claimed(line: Mapping[str, Any]) -> bool:
    """Whether the three sentences that a report begins with claim a difference."""
    estimates = {name: Estimate.from_dict(fields) for name, fields in line["estimates"].items()}
    return bool(summarise(estimates, verdicts(estimates), LEAST_HELD_OUT).claims)


def page(kept: list[dict[str, Any]]) -> str:
    """The table, of what was kept."""
    groups: dict[tuple[str, int], list[list[str]]] = {}
    claims: Counter[tuple[str, int]] = Counter()
    for line in kept:
        groups.setdefault((line["data"], line["samples"]), []).append(told(line))
        claims[line["data"], line["samples"]] += claimed(line)
    rows = [
        "| data | samples | reports | whose first sentences claim anything | that tell anything | share | by |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for (name, n), reports in sorted(groups.items()):
        false = sum(bool(one) for one in reports)
        by = Counter(measure for one in reports for measure in one).most_common()
        names = ", ".join(f"{measure} {times}" for measure, times in by) or "none"
        rows.append(
            f"| {name} | {n:,} | {len(reports)} | {claims[name, n]} | {false} | {false / len(reports):.1%} | {names} |"
        )
    false, total = sum(bool(one) for reports in groups.values() for one in reports), len(kept)
    said = "\n".join(rows)
    return (
        "# Clean reports that tell a difference\n\n"
        "`ADVNETS_DATA=... OMP_NUM_THREADS=1 python benchmarks/clean_reports.py --data NAME --samples N`, then "
        "`--page`; "
        f"{sum(line['seconds'] for line in kept) / 60:.0f} minutes of measuring on one thread of a busy machine. "
        f"{describe()}\n\nWhat was done stands in the file.\n\n{said}\n\n"
        f"In all, {claims.total()} of {total} reports claim anything in their first three sentences, and {false} of "
        f"{total} tell anything in their table, {false / max(total, 1):.1%}.\n"
    )


def main() -> None:
    """Measure what is missing, or write the page."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="digits", help="digits, mnist or cifar10")
    asked.add_argument("--samples", type=int, default=200, help="samples of a report")
    asked.add_argument("--resplits", type=int, default=300, help="reports; default 300")
    asked.add_argument("--without", default="", help="measures to leave out, with commas between")
    asked.add_argument("--keep", type=Path, default=KEPT, help="where estimates are kept")
    asked.add_argument("--page", action="store_true", help="write clean_reports.md of what was kept")
    given = asked.parse_args()
    if given.page:
        Path(__file__).with_suffix(".md").write_text(page(list(lines(given.keep))))
        return
    pool, without = Pool(given.data), [name for name in given.without.split(",") if name]
    done = {
        line["number"] for line in lines(given.keep) if (line["data"], line["samples"]) == (given.data, given.samples)
    }
    for number in range(given.resplits):
        if number in done:
            continue
        began = time.monotonic()
        found = measure(pool.context(given.samples, number), without)
        line = {"data": given.data, "samples": given.samples, "number": number, "estimates": found,
                "seconds": round(time.monotonic() - began, 1)}  # fmt: skip
        with given.keep.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(given.data, given.samples, number, line["seconds"], told(line), flush=True)


if __name__ == "__main__":
    main()
