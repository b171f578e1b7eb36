"""advnets canaries: which measures notice which damage, on your own data."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from advnets.cli.arguments import parse, print_result
from advnets.errors import BadInput
from advnets.runs import make_folder, write_bytes
from advnets.studies import canaries

ABOUT = """Which measures notice which damage, and from what strength on: known damage is done to real images.

Training and validation images are drawn anew into images to train on, held-out ones and some that stand for samples;
the test split is not read. Samples of several such re-splits are measured as they are, those of others with each
damage at each strength. A measure notices by its own p-value, or by a value unlike the clean ones, at p < .01.
What is finished is kept in the results and not measured again.

Damages: {damages}.

digits take a minute or two, mnist about an hour: less with fewer --n, --clean or --damages."""


@dataclass(frozen=True)
class CanariesFlags:
    """On what, how much, and where results are kept."""

    data: str = "digits"
    """A data set of images, by name or path."""
    data_dir: str | None = None
    """Folder where data sets are looked for first."""
    damages: str | None = None
    """Names, between commas; default all."""
    clean: int = 20
    """Re-splits whose samples are measured as they are, 3 or more."""
    repeats: int = 2
    """Re-splits whose samples are damaged; a measure has to notice it in all of them."""
    n: int | None = None
    """Samples; default a fifth of the images, at most 5,000."""
    seed: int = 0
    """Of the re-splits and the damage."""
    results: str | None = None
    """FILE.json of what is measured; default results/canaries-DATA.json."""
    out: Path | None = None
    """FILE.md for the tables as a page; nothing is overwritten."""
    json: bool = False
    """Print JSON."""


def main(argv: Sequence[str]) -> int:
    """Measure what is missing, and print."""
    asked = parse(CanariesFlags, argv, verb="canaries", about=ABOUT.format(damages=", ".join(canaries.DAMAGES)))
    if asked.out is not None and (asked.out.suffix.lower() != ".md" or asked.out.exists()):
        raise BadInput(f"--out {asked.out}: expected the name of a .md file that is not there yet")
    study = canaries.Canaries(asked.data, asked.data_dir, damages=asked.damages, clean=asked.clean,
                              repeats=asked.repeats, n=asked.n, seed=asked.seed, results=asked.results)  # fmt: skip
    _follow(study.fill())
    results = study.keeper.read()
    if asked.out is not None:
        make_folder(asked.out.parent)
        write_bytes(asked.out, canaries.as_markdown(results).encode())
    print_result(canaries.as_json(results), as_json=asked.json, text=canaries.as_text(results))
    return 0


def _follow(events: Iterator[canaries.CanaryProgress]) -> None:
    """Exhaust the events, telling them on standard error, a line a unit."""
    for event in events:
        left = "" if event.seconds_left is None else f"  {event.seconds_left / 60:.1f} minutes left"
        print(f"{event.done}/{event.of}  {event.what}{left}", file=sys.stderr, flush=True)
