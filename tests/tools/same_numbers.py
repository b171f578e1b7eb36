"""Whether two checkouts compute the same numbers, to the last bit, on one machine: for a change that is only of names.

    PYTHONPATH=BEFORE/src python tests/tools/same_numbers.py measure --adapter before --out numbers-before.json
    PYTHONPATH=AFTER/src python tests/tools/same_numbers.py measure --adapter after --out numbers-after.json
    python tests/tools/same_numbers.py compare numbers-before.json numbers-after.json

An adapter, `same_numbers_<NAME>.py` beside this file, holds every name inside the package that is needed here. The
entries of a file of numbers are hashes of tensors, by player and order, and numbers that commands print, by the words
of the adapter. All budgets are in steps, so that no number depends on a clock. It is run by hand, in minutes.
"""

import argparse
import hashlib
import importlib
import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Entries = Iterator[tuple[str, Any]]

HALF, WHOLE = 20, 40
"""Steps at which each run of a recipe is saved: it is left at some later step, resumed from there, and ends."""

VARIANT_STEPS, GAME_STEPS, MEASURED_STEPS, TABLE_STEPS = 10, 4, 300, 200
SAMPLES, PREVIEWED = 300, 16

POINT_MEASURES = "sliced-wasserstein,mind,high-quality,modes,mode-divergence"
CANARIES = ("--damages", "noise,shift", "--clean", "3", "--repeats", "1", "--n", "60")


def main() -> int:
    """Measure one side, or compare two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    measuring = verbs.add_parser("measure", help="write the numbers of the package that is imported")
    measuring.add_argument("--out", type=Path, required=True, help="FILE.json for the numbers")
    measuring.add_argument("--adapter", default="before", help="NAME of same_numbers_NAME.py (default: before)")
    measuring.add_argument("--only", help="kinds of entries, between commas (default: all)")
    comparing = verbs.add_parser("compare", help="tell which numbers of two files differ")
    comparing.add_argument("first", type=Path)
    comparing.add_argument("second", type=Path)
    asked = parser.parse_args()
    if asked.verb == "compare":
        return compare(json.loads(asked.first.read_text()), json.loads(asked.second.read_text()))
    measure(asked.out, asked.adapter, asked.only.split(",") if asked.only else list(KINDS))
    return 0


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> int:
    """Print every entry that is not the same on both sides, and how many are, by kind; 0 if all are, else 1."""
    equal: Counter[str] = Counter()
    differing: Counter[str] = Counter()
    for name in sorted({*first, *second}):
        sides = [json.dumps(side[name]) if name in side else "missing" for side in (first, second)]
        same = sides[0] == sides[1]
        (equal if same else differing)[name.partition("/")[0]] += 1
        if not same:
            print(f"{name}\n    {sides[0]}\n    {sides[1]}")
    for kind in sorted({*equal, *differing}):
        print(f"{kind}: {equal[kind]} equal, {differing[kind]} different")
    print(f"all: {equal.total()} equal, {differing.total()} different")
    return 0 if equal and not differing else 1


def measure(out: Path, adapter: str, kinds: Sequence[str]) -> None:
    """Write the numbers of these kinds to a file, telling each on the way."""
    out, began = out.resolve(), time.monotonic()
    os.environ["OMP_NUM_THREADS"] = "1"  # is read when NumPy and torch are imported, which is why nothing above does
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["ADVNETS_CACHE"] = str(Path(folder, "cache"))
        used = importlib.import_module(f"same_numbers_{adapter}")
        importlib.import_module("torch").set_num_threads(1)
        print(f"measuring {Path(importlib.import_module('advnets').__file__ or '').parent}", flush=True)
        found: dict[str, Any] = {}
        for kind in kinds:
            for name, value in KINDS[kind](used):
                assert f"{kind}/{name}" not in found, f"two entries are called {kind}/{name}"
                found[f"{kind}/{name}"] = value
                print(f"{time.monotonic() - began:6.1f} s  {kind}/{name}", flush=True)
        os.chdir(out.parent)
    out.write_text(json.dumps(found, indent=0) + "\n")
    print(f"{len(found)} entries in {time.monotonic() - began:.0f} s")


def recipe_entries(adapter: Any) -> Entries:
    """Of every recipe: 20 steps, a save, a resume by a new run of the same folder, and 20 steps more."""
    write_colour_images(Path("colour.npz"))
    for label, recipe in adapter.small_recipes().items():
        data = "colour.npz" if "cifar10" in label else "digits"
        adapter.start_run(label, recipe, data=data, steps=WHOLE, save=HALF, stop=HALF + 5)
        yield from prefixed(f"{label}/step {HALF}", checkpoint_entries(adapter, label))
        adapter.resume_run(label)
        yield from prefixed(f"{label}/step {WHOLE}", checkpoint_entries(adapter, label))
        yield from prefixed(label, written_entries(adapter, label))


def variant_entries(adapter: Any) -> Entries:
    """Of recipes that use what no recipe of the package does: some steps in one go."""
    for label, recipe in adapter.small_variants().items():
        adapter.start_run(label, recipe, data="digits", steps=VARIANT_STEPS, save=VARIANT_STEPS, stop=VARIANT_STEPS)
        yield from prefixed(label, checkpoint_entries(adapter, label))
        yield from prefixed(label, written_entries(adapter, label))


def checkpoint_entries(adapter: Any, folder: str) -> Entries:
    """Of a run's newest checkpoint: what it holds, and what its generator draws."""
    state = adapter.state_of(folder)
    for what in ("parameters", "buffers", "optimizers"):
        for player, values in getattr(state, what).items():
            yield f"{player}/{what}", hash_of(values)
    yield "average", hash_of(state.average)
    yield "rest of the state", hash_of(state.rest)
    yield "samples", hash_of(adapter.samples_of(folder, PREVIEWED))
    yield "emitted", hash_of(adapter.emitted_of(folder, PREVIEWED))


def written_entries(adapter: Any, folder: str) -> Entries:
    """Of a run: the losses in its journal, and the pixels of its previews."""
    from PIL import Image

    for step, losses in adapter.losses_of(folder).items():
        yield f"losses/step {step}", losses
    for step, path in sorted(adapter.previews_of(folder).items()):
        with Image.open(path) as picture:
            yield f"preview/step {step}", hash_of([*picture.size, picture.mode, picture.tobytes()])


def game_entries(adapter: Any) -> Entries:
    """Of every objective with every penalty and with none, under every algorithm: a few steps on points."""
    choices = (adapter.OBJECTIVE_LABELS, (None, *adapter.PENALTY_LABELS), adapter.ALGORITHM_LABELS)
    for rows in itertools.product(*choices):
        networks, real = small_networks()
        losses = adapter.play_game(rows, networks, real, steps=GAME_STEPS)
        label = ", ".join(row or "no penalty" for row in rows)
        yield f"{label}/losses", losses
        for player, network in zip(("generator", "discriminator"), networks, strict=True):
            yield f"{label}/{player}/parameters", hash_of(list(network.parameters()))


def evaluate_entries(adapter: Any) -> Entries:
    """Of a run and of fixed samples: every measure that needs no download, and distances in other features."""
    write_samples(Path("slight.npz"), noise=20.0)
    write_points(Path("points.npz"))
    run = small_run(adapter, "evaluated", "paper-adam")
    commands = {
        "run": (run, "--n", str(SAMPLES)),
        "run, test split": (run, "--n", str(SAMPLES), "--split", "test", "--measures", "fid,parzen"),
        "samples": ("slight.npz", "--against", "digits"),
        "points": ("points.npz", "--against", "mixture-1d", "--measures", POINT_MEASURES),
    }
    for features in ("random", "pixels", "pca"):
        commands[f"samples, {features}"] = ("slight.npz", "--against", "digits", "--measures",
                                            "fid,kid,mind,precision,copying", "--extractor", features)  # fmt: skip
    for label, words in commands.items():
        yield from prefixed(label, leaves(adapter.numbers_of_report(adapter.answer_of("evaluate", *words))))


def compare_entries(adapter: Any) -> Entries:
    """Of two files of fixed samples; of two runs, measured in pairs and by their reports; of groups of seeds."""
    for name, noise in {"slight.npz": 20.0, "strong.npz": 60.0}.items():
        write_samples(Path(name), noise=noise)
    seeds = (0, 1)
    groups = [[small_run(adapter, f"{of}-{seed}", of, seed=seed) for seed in seeds] for of in ("paper-adam", "paper")]
    for run, _ in groups:
        adapter.answer_of("evaluate", run, "--n", str(SAMPLES), "--measures", "fid,kid,precision,parzen")
    runs, enough = [group[0] for group in groups], ("--n", str(SAMPLES))
    sides = [f"{name}={','.join(group)}" for name, group in zip(("one", "other"), groups, strict=True)]
    commands = {
        "samples": ("slight.npz", "strong.npz", "--against", "digits"),
        "runs": (*runs, *enough),
        "reports": (*runs, "--reports"),
        "seeds": (*sides, *enough, "--measures", "fid,precision"),
        "seeds, unpaired": (*sides, *enough, "--measures", "fid,precision", "--unpaired"),
    }
    for label, words in commands.items():
        yield from prefixed(label, leaves(adapter.numbers_of_comparison(adapter.answer_of("compare", *words))))


def table_entries(adapter: Any) -> Entries:
    """Of the table of digits, its rows small and trained for some steps, and its controls."""
    with adapter.small_table(TABLE_STEPS) as words:
        told = adapter.answer_of("table", "--data", "digits", *words)
    yield from leaves(adapter.numbers_of_table(told))


def canary_entries(adapter: Any) -> Entries:
    """Of some damage done to digits: every reading."""
    yield from leaves(adapter.numbers_of_canaries(adapter.answer_of("canaries", "--data", "digits", *CANARIES)))


KINDS: dict[str, Callable[[Any], Entries]] = {
    "recipes": recipe_entries,
    "variants": variant_entries,
    "games": game_entries,
    "evaluate": evaluate_entries,
    "compare": compare_entries,
    "table": table_entries,
    "canaries": canary_entries,
}


def small_run(adapter: Any, folder: str, label: str, *, seed: int = 0) -> str:
    """The folder of a small run of digits, trained to its end, whose samples are not all the mean."""
    recipe = adapter.lively_recipes()[label]
    adapter.start_run(folder, recipe, data="digits", steps=MEASURED_STEPS, save=MEASURED_STEPS,
                      stop=MEASURED_STEPS, seed=seed)  # fmt: skip
    return folder


def small_networks() -> tuple[tuple[Any, Any], Any]:
    """A generator and a discriminator of points, and points on a ring, all by a fixed seed.

    Logits are large at once, so that no margin of an objective is left alone.
    """
    import torch
    from torch import nn

    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2))
    last = nn.Linear(12, 1)
    nn.init.normal_(last.weight, std=4.0)
    discriminator = nn.Sequential(nn.Linear(2, 12), nn.LeakyReLU(0.2), last)
    return (generator, discriminator), torch.nn.functional.normalize(torch.randn(200, 2), dim=1)


def write_colour_images(path: Path) -> None:
    """Noise of 8 x 8 pixels in colour, as the contract tests train recipes of CIFAR-10 on."""
    import numpy as np

    np.savez(path, images=np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), np.uint8))


def write_samples(path: Path, *, noise: float) -> None:
    """Digits with noise of that deviation, in levels of 0 .. 255: fixed samples that no model made."""
    import numpy as np
    from sklearn.datasets import load_digits

    rng = np.random.RandomState(2014)
    images = load_digits().images[rng.permutation(1797)[:SAMPLES], :, :, None] * 255 / 16
    np.savez(path, images=(images + noise * rng.standard_normal(images.shape)).clip(0, 255).round().astype(np.uint8))


def write_points(path: Path) -> None:
    """Points about the modes of the mixture on the line: fixed samples that no model made."""
    import numpy as np

    rng = np.random.RandomState(2014)
    points = rng.choice([-2.0, 2.0], SAMPLES, p=[0.4, 0.6]) + 0.7 * rng.standard_normal(SAMPLES)
    np.savez(path, points=points[:, None].astype(np.float32))


def prefixed(prefix: str, entries: Entries) -> Entries:
    """The same entries below a prefix."""
    return ((f"{prefix}/{name}", value) for name, value in entries)


def leaves(value: Any) -> Entries:
    """What nested mappings hold, by path; lists are one value."""
    for key, item in value.items():
        yield from prefixed(key, leaves(item)) if isinstance(item, Mapping) else [(key, item)]


def hash_of(value: Any) -> str:
    """SHA-256 of tensors, arrays, numbers and texts, in their order, however they are nested, and by whatever keys."""
    digest = hashlib.sha256()
    for part in parts_of(value):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def parts_of(value: Any) -> Iterator[bytes]:
    """The bytes of each item, one after the other; those of tensors after their type and shape."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if hasattr(value, "tobytes"):
        yield f"{value.dtype} {value.shape}".encode()
        yield value.tobytes()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from parts_of(item)
    else:
        yield repr(value).encode()


if __name__ == "__main__":
    sys.exit(main())
