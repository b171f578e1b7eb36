"""Whether the three sentences that a report begins with say every damage that one of its rows finds.

    ADVNETS_DATA=... OMP_NUM_THREADS=1 python benchmarks/summary.py --data digits [--samples 309] [--clean 200]
    python benchmarks/summary.py --page

Each damage of `advnets canaries` is done at each of its strengths to real images of one re-split, and a whole report is
made of each. A damage is found if the verdict of any row says so. It is said if a sentence claims a difference, and
hinted at if one names a row between .01 and .05. Clean samples of other re-splits are measured likewise: of these, one
in a hundred at most should claim anything.

Estimates are kept, a line a report, in --keep; a later call goes on from there. Verdicts and sentences are made from
these lines, so that another rule can be held against the same reports. --page writes summary.md beside this file.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from machine import describe

from advnets import data
from advnets.assessment.summary import Summary, summarise
from advnets.assessment.verdict import Verdict, verdicts
from advnets.statistics import Estimate
from advnets.studies.canaries import DAMAGES, MeasureSamples, damage_images, default_battery, default_size, draw_resplit

CLEAN, CLEAN_FROM = "clean", 1000
"""What samples without damage are called, and the number of their first re-split."""
KEPT = Path(__file__).with_suffix(".jsonl")
PARTS = ("fidelity", "variety", "copies")


def measure(name: str, samples: int | None, clean: int, keep: Path) -> None:
    """Measure the reports that are missing, and keep their estimates."""
    dataset = data.load(name)
    n, battery = samples or default_size(dataset), default_battery(dataset)
    done = {(line["damage"], line["strength"], line["number"]) for line in lines(keep)
            if (line["data"], line["samples"]) == (name, n)}  # fmt: skip
    damaged = [(damage, strength, 0) for damage, row in DAMAGES.items() for strength in row.strengths]
    last: tuple[int, Any, MeasureSamples] | None = None
    for damage, strength, number in [*damaged, *((CLEAN, 0.0, CLEAN_FROM + one) for one in range(clean))]:
        if (damage, strength, number) in done:
            continue
        if last is None or last[0] != number:
            drawn = draw_resplit(dataset, n, seed=0, number=number)
            last = number, drawn, battery.prepare(drawn)
        _, drawn, take = last
        began = time.monotonic()
        found = take(damage_images(drawn.clean, damage, strength, seed=(0, number)))
        estimates = {row: one.as_dict() for row, one in found.items() if isinstance(one, Estimate)}
        line = {"data": name, "samples": n, "damage": damage, "strength": strength, "number": number,
                "held_out": len(drawn.dataset.validation), "estimates": estimates,
                "skipped": [row for row, one in found.items() if isinstance(one, str)],
                "seconds": round(time.monotonic() - began, 1)}  # fmt: skip
        with keep.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(name, damage, strength, number, line["seconds"], read(line)[1].claims, flush=True)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """What was kept."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)


def read(line: Mapping[str, Any]) -> tuple[dict[str, Verdict], Summary]:
    """The verdicts and the sentences on a report, by today's rules."""
    estimates = {name: Estimate.from_dict(fields) for name, fields in line["estimates"].items()}
    found = verdicts(estimates)
    return found, summarise(estimates, found, line["held_out"], line["skipped"])


def describe_damage(line: Mapping[str, Any]) -> tuple[str, bool, bool, bool]:
    """A row of the table; whether a row finds the damage, whether a sentence claims it, and whether one hints at it."""
    found, summary = read(line)
    rows = [name for name, one in found.items() if one.differs]
    sentences = [getattr(summary, part) for part in PARTS]
    hinted = any("A hint at one is" in one for one in sentences)
    told = {name: one for name, one in found.items() if one.adjusted is not None}
    clearest = min(told, key=lambda name: told[name].adjusted or 0.0) if rows else ""
    said = "claimed" if summary.claims else "hinted at" if hinted else "not said"
    cells = [line["damage"], f"{line['strength']:g} {DAMAGES[line['damage']].unit}".strip(), str(len(rows)), clearest]
    return f"| {' | '.join([*cells, said if rows else ''])} |", bool(rows), bool(summary.claims), hinted


def page(kept: list[dict[str, Any]]) -> str:
    """The tables, of what was kept."""
    parts = []
    for name, n in sorted({(line["data"], line["samples"]) for line in kept}):
        here = [line for line in kept if (line["data"], line["samples"]) == (name, n)]
        damaged = [describe_damage(line) for line in here if line["damage"] != CLEAN]
        clean = [read(line)[1] for line in here if line["damage"] == CLEAN]
        found = [one for one in damaged if one[1]]
        claimed, hinted = sum(one[2] for one in found), sum(one[3] and not one[2] for one in found)
        false = sum(bool(one.claims) for one in clean)
        parts.append(
            f"## {name}, {n:,} samples\n\nOf {len(damaged)} damaged sets a row finds {len(found)}. Of these the three "
            f"sentences claim {claimed}, hint at {hinted}, and do not say {len(found) - claimed - hinted}. Of "
            f"{len(clean)} clean sets they claim anything in {false}.\n\n"
            "| damage | strength | rows that find it | the clearest | the sentences |\n"
            "| --- | --- | ---: | --- | --- |\n" + "\n".join(one[0] for one in damaged)
        )
    return (
        "# Do three sentences say what the rows find?\n\n"
        "`ADVNETS_DATA=... OMP_NUM_THREADS=1 python benchmarks/summary.py --data NAME`, then `--page`; "
        f"{sum(line['seconds'] for line in kept) / 60:.0f} minutes of measuring on one thread of a busy machine. "
        f"{describe()}\n\nWhat was done stands in the file.\n\n" + "\n\n".join(parts) + "\n"
    )


def main() -> None:
    """Measure what is missing, or write the page."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="digits", help="a data set of images")
    asked.add_argument("--samples", type=int, help="samples of a report; by default those of `advnets canaries`")
    asked.add_argument("--clean", type=int, default=200, help="clean reports; default 200")
    asked.add_argument("--keep", type=Path, default=KEPT, help="where estimates are kept")
    asked.add_argument("--page", action="store_true", help="write summary.md of what was kept")
    given = asked.parse_args()
    if given.page:
        Path(__file__).with_suffix(".md").write_text(page(list(lines(given.keep))))
    else:
        measure(given.data, given.samples, given.clean, given.keep)


if __name__ == "__main__":
    main()
