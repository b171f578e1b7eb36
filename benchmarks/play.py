"""The page of the playground: how soon it can be used, how fast it plays, and how soon it answers.

python benchmarks/play.py

A real chromium looks at it, on the same machine. "usable" is the time from the command to a page that has drawn its
first picture and takes input; the browser itself runs already. An answer is the time from an input to the next frame of
the screen after the picture that the input led to was drawn; inputs come while the game goes on.
"""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machine import describe
from playwright.sync_api import sync_playwright

from advnets.studies.playground import LESSONS
from advnets.web.json_text import json_text
from advnets.web.play.session import Session

STARTS, SECONDS, INPUTS = 3, 8, 60
APART = 250
"""Milliseconds after an input, in which nothing but the page works in the browser."""
GAMES = {
    "the line": "",
    "the plane, eight Gaussians, R1": "dimension=2&data=eight_gaussians&latent_size=2&start=0.0&spread=1.0&r1=0.05",
    "two games: lesson cycling and its twin under R1": LESSONS["r1-heals"].fragment,
}


@contextmanager
def server() -> Iterator[tuple[str, float]]:
    """The address of a page, and when the command was given."""
    began = time.perf_counter()
    words = [sys.executable, "-m", "advnets", "play", "--no-browser"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[2], began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def wait_until(page: Any, expression: str) -> None:
    """Ask until it is true; playwright's own waiting evaluates texts in the page, which its policy forbids."""
    ends = time.perf_counter() + 120
    while not page.evaluate(expression):
        assert time.perf_counter() < ends, expression
        time.sleep(0.005)


def opened(browser: Any, address: str) -> Any:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(address, timeout=120_000)
    wait_until(page, "Boolean(window.advnetsPage && advnetsPage.frames >= 1 && advnetsPage.state)")
    return page


def measure_start(browser: Any) -> float:
    with server() as (address, began):
        page = opened(browser, address)
        taken = time.perf_counter() - began
        page.context.close()
    return taken


def measure_pace(page: Any) -> tuple[float, float]:
    """Frames and steps a second, of the first game."""
    look = "[advnetsPage.frames, advnetsPage.games[0].frame.numbers.step, performance.now()]"
    page.click("[name=play]")
    wait_until(page, "advnetsPage.state.playing")
    page.wait_for_timeout(1000)
    before = page.evaluate(look)
    page.wait_for_timeout(1000 * SECONDS)
    after = page.evaluate(look)
    frames, steps, milliseconds = (b - a for a, b in zip(before, after, strict=True))
    return 1000 * frames / milliseconds, 1000 * steps / milliseconds


def measure_answers(page: Any) -> list[float]:
    """Milliseconds from an input to the picture, in order, while the game goes on."""
    page.evaluate("advnetsPage.timings = []")
    for number in range(INPUTS):
        page.locator("[name=g_rate]").fill(str(0.0011 + 0.00001 * number))
        page.locator("[name=g_rate]").press("Tab")
        page.wait_for_timeout(APART)  # who asks the page every few milliseconds slows what is measured
        wait_until(page, f"advnetsPage.timings.length > {number}")
    return sorted(page.evaluate("advnetsPage.timings"))


def measure_cost(fragment: str) -> tuple[float, float]:
    """CPU milliseconds of a step of all games, and of a picture of them with its place in the past."""
    session = Session()
    session.answer(json.dumps({"do": "open", "fragment": fragment}))
    session._play(20)
    began = time.process_time()
    session._play(200)
    middle = time.process_time()
    for _ in range(50):
        json_text(session._frame(session._record()))
    return 5 * (middle - began), 20 * (time.process_time() - middle)


def cost_row(name: str, fragment: str) -> str:
    step, picture = measure_cost(fragment)
    return f"| {name} | {step:.1f} | {picture:.1f} | {(1000 - 25 * picture) / step:.0f} |"


def main() -> None:
    """Measure, print and write the page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    loads = [os.getloadavg()[0]]
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium)
        starts = [measure_start(browser) for _ in range(STARTS)]
        rows = []
        for name, fragment in GAMES.items():
            with server() as (address, _):
                page = opened(browser, f"{address}#{fragment}")
                frames, steps = measure_pace(page)
                answers = measure_answers(page)
                p95 = answers[int(0.95 * len(answers))]
                rows.append(f"| {name} | {frames:.1f} | {steps:.0f} | {statistics.median(answers):.0f} | {p95:.0f} |")
                page.context.close()
            loads.append(os.getloadavg()[0])
        browser.close()
    head = "| game | frames/s | steps/s | answer, median ms | answer, 95 % ms |\n| --- | ---: | ---: | ---: | ---: |"
    text = (
        f"Usable after {statistics.median(starts):.1f} s, the median of {STARTS} starts ({min(starts):.1f} to "
        f"{max(starts):.1f} s).\n\n"
        f"{head}\n"
        + "\n".join(rows)
        + f"\n\nLoad of the machine meanwhile (1 minute): {min(loads):.1f} to {max(loads):.1f}. What a step "
        "and a picture cost by the CPU's clock, and the steps that a core of the server's own has time for at 25 "
        "pictures a second:\n\n| game | CPU ms a step | CPU ms a picture | steps/s |\n| --- | ---: | ---: | ---: |\n"
        + "\n".join(cost_row(*game) for game in GAMES.items())
    )
    print(text)
    page_text = f"# The page of the playground\n\n`python benchmarks/play.py`. {describe()}\n\n{text}\n"
    Path(__file__).with_suffix(".md").write_text(page_text, encoding="utf-8")


if __name__ == "__main__":
    main()
