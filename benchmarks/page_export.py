"""What a generator's page costs, and how near its pixels are: sizes, times, requests and differences, in chromium.

    python benchmarks/page_export.py WORK [RECIPE ...]   # pages into WORK, the table into benchmarks/page_export.md

The model that ships, and generators of published sizes with fresh weights. A page is opened anew for every time of the
first picture; 64 samples are timed by the page itself, for fresh seeds.
"""

import os
import statistics
import sys
from pathlib import Path
from typing import Any

import machine
import numpy as np
import torch

from advnets.averaging import prepare_sampling
from advnets.experiment import export_generator, find_model
from advnets.experiment.model import Model
from advnets.experiment.page_export import page_of
from advnets.networks import Code, GeneratorRow, Sizes
from advnets.recipes import RECIPES, to_json
from advnets.runs import Card, DataCard

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))
from page_models import drawn_pixels, expected_pixels, open_browser

PUBLISHED = {"infogan": (1, 28, 28), "wgan-gp": (1, 28, 28), "sngan": (3, 32, 32), "dcgan": (3, 64, 64),
             "modern": (3, 64, 64)}  # fmt: skip
"""Recipes whose generators are timed, and the sizes of their images."""
LOADS, SEEDS = 5, 5


def fresh_model(name: str, shape: tuple[int, ...]) -> Model:
    """The generator of a recipe, with the weights that it starts from."""
    learner: Any = RECIPES[name].learner
    row: GeneratorRow = learner.generator
    code = getattr(learner, "code", None) or Code()
    torch.manual_seed(0)
    network = prepare_sampling(row.build(Sizes(shape, learner.latent_size, code=code)))
    data = DataCard("fresh", "0" * 64, shape, None)
    transform = RECIPES[name].transform
    card = Card(to_json(row), learner.latent, learner.latent_size, transform, data, name, 0, "0.1.0", code=code)
    return Model(name, network, card)


def open_page(browser: Any, file: Path) -> tuple[Any, float]:
    """A fresh page, and milliseconds to its first picture."""
    page = browser.new_context().new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-grid-milliseconds]", timeout=300_000)
    return page, float(page.evaluate("document.documentElement.dataset.firstPicture"))


def grid_milliseconds(page: Any) -> list[float]:
    """Milliseconds of 64 samples, for seeds that were not drawn yet."""
    found = []
    for _ in range(SEEDS):
        page.evaluate("delete document.documentElement.dataset.gridMilliseconds")
        page.click("#next")
        page.wait_for_selector("html[data-grid-milliseconds]", timeout=300_000)
        found.append(float(page.evaluate("document.documentElement.dataset.gridMilliseconds")))
    return found


def measure(browser: Any, name: str, model: Model, file: Path, n: int) -> list[str]:
    """One row of the table."""
    loads = [open_page(browser, file) for _ in range(LOADS)]
    page = loads[-1][0]
    first, grid = [one[1] for one in loads], grid_milliseconds(page)
    difference = np.abs(drawn_pixels(page, file.read_text("utf-8"), n, 7) - expected_pixels(model, n, 7))
    outside = [url for url in page.asked if not url.startswith(("file:", "blob:"))]
    numbers = sum(parameter.numel() for parameter in model.network.parameters())
    spread = f"{statistics.median(first):,.0f} ({min(first):,.0f} to {max(first):,.0f})"
    times = f"{statistics.median(grid):,.0f} ({min(grid):,.0f} to {max(grid):,.0f})"
    same = f"{difference.max()} of 255, {100 * (difference > 0).mean():.4f} % differ (n = {n:,})"
    size = f"{file.stat().st_size / 1e6:.2f}"
    return [name, f"{numbers:,}", size, spread, times, str(len(outside)), same]


def write_table(rows: list[list[str]], version: str) -> None:
    """Write what was measured until now."""
    heads = ["generator", "parameters", "MB", "first picture, ms", "64 samples, ms", "requests", "largest difference"]
    table = "\n".join("| " + " | ".join(row) + " |" for row in [heads, ["---"] * len(heads), *rows])
    head = (
        f"# What a generator's page costs\n\n`python benchmarks/page_export.py WORK`, chromium {version} without a "
        f"window; load {os.getloadavg()[0]:.1f} at the end. {machine.describe()} Medians of {LOADS} openings and "
        f"{SEEDS} seeds, with the least and the most. `requests` are those beside the file itself. Differences are in "
        "levels, against `model.sample`. The first row is a trained generator, stored in half precision; others have "
        "fresh weights, float32 but for `--half`.\n\n"
    )
    Path(__file__).with_suffix(".md").write_text(f"{head}{table}\n", "utf-8")
    print(rows[-1], flush=True)


def main(work: Path, names: list[str]) -> None:
    """Measure, print, and write the table after each row."""
    work.mkdir(parents=True, exist_ok=True)
    with open_browser() as browser:
        shipped = work / "paper-mnist.html"
        shipped.unlink(missing_ok=True)
        export_generator("paper-mnist", shipped)
        rows = [measure(browser, "paper-mnist, as it ships", find_model("paper-mnist"), shipped, 1000)]
        write_table(rows, browser.version)
        for name in names:
            shape = PUBLISHED[name]
            for half in (False, True):
                model, file = fresh_model(name, shape), work / f"{name}-{half}.html"
                file.write_text(page_of(model, half=half), "utf-8")
                sides = f"{shape[0]} x {shape[1]} x {shape[2]}"
                rows.append(measure(browser, f"{name}, {sides}{', --half' * half}", model, file, 8))
                write_table(rows, browser.version)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(PUBLISHED))
