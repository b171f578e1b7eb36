"""Whether clean samples of other class shares or quality are called copies, and whether copies are found, on real
images.

    OMP_NUM_THREADS=1 ADVNETS_DATA=... python benchmarks/accusations.py [--data mnist] [--sets S] [--samples N]

The training and validation images are drawn anew for each set, into samples, held-out and training images, so that
samples are copies of nothing. Then the samples are drawn by other class shares, or every one of them is written as JPEG
or blurred. `copying` must name copies in none of these sets; that the samples differ must be told, by `class-distance`
or `spectrum`, at a level of .05 shared by 26 rows. Copies are planted in samples of several sizes, and must be found.

Features of all images are computed once for each damage, and a set picks rows of them. Nearest others are found by a
product in float32, and the distances of the ten nearest computed again in float64.

What is measured is kept, a line each, in accusations.jsonl beside this file; a later call goes on from there.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe
from torch import Tensor

from advnets import assessment, data, metrics
from advnets.metrics import memorisation
from advnets.statistics import exchange
from advnets.studies import canaries

LEVEL, ROWS = 0.05, 26
TESTS = ("copying_share", "nearest_training_test", "data_copying", "authenticity")
SHARES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "class 1 at 22 %": lambda rng: np.where(np.arange(10) == 1, 2.25, 1.0),
    "shares by Dirichlet(2)": lambda rng: rng.dirichlet(np.full(10, 2.0)),
}
QUALITIES = {"JPEG 60": ("JPEG", 60.0), "blur .5": ("blur", 0.5)}
COPIES = (200, 1000, 10_000)
SHARE = 0.03
KEPT = Path(__file__).with_suffix(".jsonl")


class Pool:
    """All images with their features and votes, clean and damaged."""

    def __init__(self, name: str, samples: int) -> None:
        self.samples, dataset = samples, data.load(name)
        self.reference, parts = assessment.reference(dataset), (dataset.train, dataset.validation)
        self.classes = dataset.classes or 10
        some = torch.randperm(sum(len(part) for part in parts), generator=torch.Generator().manual_seed(0))[
            : 6 * samples
        ]
        self.images = {"": torch.cat([part.values for part in parts])[some]}
        self.labels = torch.cat([part.labels for part in parts if part.labels is not None])[some].numpy()
        clean = canaries.CleanImages(self.images[""], self.images[""])
        for told, (damage, strength) in QUALITIES.items():
            self.images[told] = canaries.DAMAGES[damage].act(clean, strength, np.random.default_rng(0))
        extractor, classifier = self.reference.extractor, self.reference.require_classifier()
        self.features = {told: extractor.features(images) for told, images in self.images.items()}
        self.votes = classifier.logits(self.images[""]).argmax(1)


class FastSearch:
    """Searches for nearest others by a product in float32; what was asked for last stays known.

    The product's rounding may exchange the last of k: so it finds SPARE more, of which the exact distances choose.
    """

    SPARE = 6

    def __init__(self) -> None:
        self.known: dict[tuple[int, int, int, int], tuple[Tensor, Tensor, Tensor, Tensor]] = {}

    def few(self, x: Tensor, r: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """As `find_nearest_few`."""
        key = (len(x), len(r), k, hash((float(x.sum()), float(r.sum()))))
        if key not in self.known:
            norms, index, squared = r.square().sum(1), [], []
            for part in x.split(1000):
                rough = (norms - 2 * part @ r.T).topk(min(k + self.SPARE, len(r)), largest=False, sorted=False).indices
                exact, order = (part[:, None] - r[rough]).double().square().sum(2).sort(1)
                index.append(rough.gather(1, order)[:, :k])
                squared.append(exact[:, :k])
            self.known[key] = (torch.cat(index), torch.cat(squared), x, r)
        return self.known[key][:2]

    def nearest(self, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        """As `find_nearest`."""
        index, squared = self.few(x, r, 1)
        return index[:, 0], squared[:, 0]

    def others(self, x: Tensor, k: int, *, rows: Tensor) -> tuple[Tensor, Tensor]:
        """As `find_nearest_others` for k = 1."""
        index, squared = self.few(x[rows], x, k + 1)
        return index[:, 1:], squared[:, 1:]


def measure(pool: Pool, kind: str, number: int) -> dict[str, Any]:
    """A line for a set of one kind."""
    began, rng = time.monotonic(), np.random.default_rng([number, len(kind), 3])
    order = rng.permutation(len(pool.labels))
    n = pool.samples
    held_out, train, rest = np.split(order, [n, 3 * n])
    count, told = n, kind if kind in QUALITIES else ""
    if kind in SHARES:
        weights = SHARES[kind](rng)[pool.labels[rest]]
        rest = rng.choice(rest, min(n, int((weights > 0).sum())), replace=False, p=weights / weights.sum())
    elif kind.startswith("copies"):
        count = min(n, int(kind.split()[-1]))
    chosen = rest[:count]
    samples = pool.features[told][chosen]
    if kind.startswith("copies"):
        samples = samples.clone()
        samples[: round(SHARE * count)] = pool.features[""][train[: round(SHARE * count)]]
    search = FastSearch()
    memorisation.find_nearest_few, memorisation.find_nearest = search.few, search.nearest  # type: ignore[assignment]
    exchange.find_nearest_few = search.few  # type: ignore[assignment]
    memorisation.find_nearest_others = search.others  # type: ignore[assignment]
    sets = (samples, pool.features[""][held_out], pool.features[""][train])
    p_values = {name: getattr(metrics, name)(*sets).p_value for name in TESTS}
    if kind in SHARES:
        found = metrics.class_distance(pool.votes[chosen], pool.votes[held_out], pool.classes)
        p_values["class_distance"] = found.p_value
    if kind in QUALITIES:
        some = (pool.images[told][chosen[:5000]], pool.images[""][held_out[:5000]])
        p_values["spectrum_distance"] = metrics.spectrum_distance(*some, permutations=999).p_value
    return {
        "kind": kind,
        "number": number,
        "samples": count,
        "p_values": p_values,
        "seconds": round(time.monotonic() - began, 1),
    }


def lines() -> list[dict[str, Any]]:
    """What was measured before."""
    return [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []


def missing(name: str, sets: int, samples: int) -> Iterator[tuple[str, int]]:
    """The sets that were not measured yet, all kinds in turn."""
    done = {(line["kind"], line["number"]) for line in lines() if (line["data"], line["held_out"]) == (name, samples)}
    kinds = [*SHARES, *QUALITIES]
    for number in range(sets):
        planted = [f"copies {count}" for count in COPIES if count <= samples] if number < sets // 4 else []
        yield from ((kind, number) for kind in [*kinds, *planted] if (kind, number) not in done)


def page() -> str:
    """The tables, of what was kept."""
    found = lines()
    rows = [
        "| data | held out | samples | sets | copies named | difference told | p < .01: copying | nearest-training | "
        "data-copying | authenticity | least p of copying |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, n, kind in dict.fromkeys((line["data"], line["held_out"], line["kind"]) for line in found):
        sets = [line["p_values"] for line in found if (line["data"], line["held_out"], line["kind"]) == (name, n, kind)]
        of = [[one[test] for one in sets] for test in TESTS]
        named = sum(p * ROWS < LEVEL for p in of[0])
        told = [one.get("class_distance", one.get("spectrum_distance")) for one in sets]
        seen = "" if None in told else f"{sum(p * ROWS < LEVEL for p in told)}"
        flags = " | ".join(str(sum(p < 0.01 for p in values)) for values in of)
        rows.append(f"| {name} | {n:,} | {kind} | {len(sets)} | {named} | {seen} | {flags} | {min(of[0]):.1g} |")
    minutes = sum(line["seconds"] for line in found) / 60
    return (
        "# Clean samples of other shares and quality, and planted copies\n\n`OMP_NUM_THREADS=1 ADVNETS_DATA=... python "
        f"benchmarks/accusations.py`; {minutes:.0f} minutes on a busy machine. {describe()}\n\nAs many "
        f"samples as held out, but with copies, and twice as many to train on; `copies n` has {SHARE:.0%} training "
        f"images among n samples. Named and told: p < {LEVEL} / {ROWS}, as of one of {ROWS} rows.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def main() -> None:
    """Measure what is missing, and write accusations.md beside this file."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="mnist", help="mnist or cifar10")
    asked.add_argument("--sets", type=int, default=50, help="sets of each kind; default 50")
    asked.add_argument("--samples", type=int, default=10_000, help="samples, and held out; default 10,000")
    asked.add_argument("--minutes", type=float, default=60, help="stop after so many; default 60")
    given = asked.parse_args()
    began, pool = time.monotonic(), Pool(given.data, given.samples)
    for kind, number in missing(given.data, given.sets, given.samples):
        if time.monotonic() - began > 60 * given.minutes:
            break
        with KEPT.open("a") as file:
            line = {"data": given.data, "held_out": given.samples, **measure(pool, kind, number)}
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
    Path(__file__).with_suffix(".md").write_text(page())


if __name__ == "__main__":
    main()
