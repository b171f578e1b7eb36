"""The page of the playground in a real browser: every control is driven, and changes what it names."""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advnets.studies.playground import CONTROLS, Link
from advnets.web import serve
from advnets.web.play import play_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")]
SAME = "(first) => document.querySelector('.game canvas').toDataURL() === first"
OTHER = "(first) => document.querySelector('.game canvas').toDataURL() !== first"
READY = 60_000
"""Milliseconds that a busy machine may take to answer."""

VALUES: dict[str, Any] = {
    "batch": "64", "seed": "3", "algorithm": "extragradient", "k": "4", "objective": "least_squares", "r1": "1.5",
    "r2": "0.5", "gradient_penalty": "2", "r1_finite": "0.1", "r2_finite": "0.1", "clip": "0.5", "d_layers": "1",
    "d_width": "16", "d_optimizer": "sgd", "d_rate": "0.02", "d_until": "9", "g_layers": "1", "g_width": "16",
    "g_optimizer": "rmsprop", "g_rate": "0.02", "activation": "relu", "start": "-1", "spread": "0.5",
    "latent": "uniform", "latent_size": "2", "instance_noise": "0", "average": "300", "pack": "2",
}  # fmt: skip
"""A value of each control, in the order in which they are set; noise does not go with finite differences."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    told, ends, shown = [], threading.Event(), threading.Event()

    def show(text: str) -> None:
        told.append(text)
        shown.set()

    thread = threading.Thread(target=lambda: serve(play_page(), show=show, until=ends.is_set), daemon=True)
    thread.start()
    assert shown.wait(60)
    yield told[0]
    ends.set()
    thread.join(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as tool:
        found = tool.chromium.launch(executable_path=CHROMIUM)
        yield found
        found.close()


def wait_until(page: Any, expression: str, arg: Any = None) -> None:
    """Ask until it is true; playwright's own waiting evaluates texts in the page, which its policy forbids."""
    ends = time.monotonic() + READY / 1000
    while not page.evaluate(expression, arg):
        assert time.monotonic() < ends, expression
        time.sleep(0.02)


class Viewer:
    """A page, and all that it has said and asked for."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(READY)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)
        self.page.wait_for_selector("[name=play]")

    def click(self, name: str) -> None:
        self.page.click(f"[name='{name}']")

    def wait(self, condition: str) -> None:
        told = "const game = advnetsPage.games[0], page = advnetsPage;"
        wait_until(self.page, f"(() => {{ {told} return {condition}; }})()")

    def picture(self) -> str:
        """The pixels of the first game."""
        return str(self.page.evaluate("document.querySelector('.game canvas').toDataURL()"))

    def link(self) -> Link:
        return Link.of(self.page.evaluate("location.hash"))


def test_every_control_is_set_and_begun_with() -> None:
    assert {*VALUES, "dimension", "data"} == set(CONTROLS)


def test_a_session(browser: Any, address: str, tmp_path: Path) -> None:
    viewer = Viewer(browser, address, viewport={"width": 1440, "height": 900})
    page = viewer.page
    blank = viewer.picture()
    # Moves, by button and by key.
    viewer.click("step-d")
    viewer.wait("game.frame.numbers.d_moves === 1 && game.frame.numbers.g_moves === 0")
    page.keyboard.press("g")
    viewer.wait("game.frame.numbers.g_moves === 1")
    page.keyboard.press("s")
    viewer.wait("game.frame.numbers.step === 1 && game.frame.numbers.d_moves === 2")
    assert viewer.picture() != blank
    page.keyboard.press("Space")
    viewer.wait("page.state.playing && game.frame.numbers.step > 3")
    # What is typed while pictures come stays until it is taken.
    page.fill("[name=g_rate]", "0.004")
    seen = page.evaluate("advnetsPage.frames")
    wait_until(page, "(seen) => advnetsPage.frames > seen + 2", seen)
    page.press("[name=g_rate]", "Tab")
    viewer.wait("game.settings.g_rate === 0.004")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    viewer.wait("!page.state.playing")
    # The past.
    page.keyboard.press("ArrowLeft")
    viewer.wait("page.place === page.length - 2")
    page.fill("[name=scrub]", "0")
    viewer.wait("game.frame.numbers.step === 0 && page.place === 0")
    wait_until(page, SAME, blank)
    # Every layer is a part of the picture.
    for layer in ("real", "fake", "D", "best", "arrows"):
        before = viewer.picture()
        viewer.click(f"layer-{layer}")
        wait_until(page, OTHER, before)
        viewer.click(f"layer-{layer}")
    # Every control reaches the game, and is in the address.
    for group in page.query_selector_all("details.group:not([open]) summary"):
        group.click()
    for name, value in VALUES.items():
        field = page.locator(f"[name='{name}']").first
        if CONTROLS[name].options:
            field.select_option(value)
        elif field.is_enabled():
            field.fill(value)
            field.press("Tab")
        else:
            assert name == "k"  # of Algorithm 1 alone
            continue
        expected = repr(value) if CONTROLS[name].options else value
        viewer.wait(f"game.settings.{name} === {expected} && page.state.settings[0].{name} === {expected}")
    found = viewer.link().first
    assert {name: str(found.values[name]) for name in ("objective", "pack", "latent", "average")} == {
        name: VALUES[name] for name in ("objective", "pack", "latent", "average")
    }
    page.locator("[name=algorithm]").select_option("algorithm1")
    page.locator("[name=k]").fill("4")
    page.locator("[name=k]").press("Tab")
    viewer.wait("game.settings.k === 4")
    # What goes with nothing else is said, and the page goes on.
    page.locator("[name=instance_noise]").fill("0.5")
    page.locator("[name=instance_noise]").press("Tab")
    assert "finite differences" in page.inner_text(".note")
    viewer.click("close-error")
    # Two games, a lesson, another language, hidden controls.
    viewer.click("lesson-wgan")
    viewer.wait("page.games.length === 2 && page.state.lesson === 'wgan'")
    assert viewer.link().lesson == "wgan"
    wait_until(page, "document.querySelectorAll('.game canvas').length === 2")
    viewer.click("language")
    wait_until(page, "document.documentElement.lang === 'ko'")
    wait_until(page, "document.querySelector('.look').innerText.includes('비평자')")  # a frame of the screen later
    viewer.click("language")
    viewer.click("hide")
    page.click("[name=show-seed]")
    viewer.wait("page.state.hidden.length === 1")
    page.keyboard.press("Escape")
    page.wait_for_selector("[name=seed]", state="detached")
    assert viewer.link().hidden == ("seed",)
    viewer.click("compare")
    viewer.wait("page.games.length === 1")
    # Slow motion names the lines.
    page.keyboard.press("m")
    page.wait_for_selector("li.now")
    assert page.inner_text("li.now").startswith("Sample minibatch of m noise samples")
    page.keyboard.press("m")
    page.wait_for_selector("li.now", state="detached")
    # The plane, and data that are drawn by hand.
    viewer.click("dimension-2")
    viewer.wait("game.settings.dimension === 2 && game.frame?.arrays.heat.length === 4096")
    viewer.click("data-drawn")
    viewer.wait("game.settings.data === 'drawn'")
    viewer.click("clear")
    pad = page.locator(".pad").bounding_box()
    page.mouse.move(pad["x"] + 20, pad["y"] + 20)
    page.mouse.down()
    page.mouse.move(pad["x"] + 90, pad["y"] + 60, steps=3)
    page.mouse.up()
    viewer.wait("game.settings.drawn.length === 8")
    for layer in ("heat", "real", "fake", "arrows", "grid"):
        before = viewer.picture()
        viewer.click(f"layer-{layer}")
        wait_until(page, OTHER, before)
        viewer.click(f"layer-{layer}")
    # What is copied says where it opens.
    for name, words in (("link", "in this browser while the command runs"), ("give", "advnets play --state '")):
        viewer.click(name)
        page.wait_for_selector(f'.note.good:has-text("{words}")')
    # Dark and light, help.
    viewer.click("theme")
    assert page.evaluate("document.documentElement.dataset.theme") in ("dark", "light")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    # An address of its own brings the same game, and a replay leaves the server behind.
    again = Viewer(browser, address.partition("#")[0] + page.evaluate("location.hash"))
    assert again.link() == viewer.link()
    viewer.click("step")
    viewer.wait("game.frame.numbers.step === 1")
    with page.expect_download() as download:
        viewer.click("replay")
    download.value.save_as(tmp_path / "replay.html")
    assert viewer.said == again.said == []
    host = address.split("/")[2]
    assert {re.split(r"/+", url)[1] for url in viewer.asked if not url.startswith("blob:")} == {host}
    viewer.context.close()
    again.context.close()
    expect_replay_alone(browser, tmp_path / "replay.html")


def expect_replay_alone(browser: Any, path: Path) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(".numbers b")
    wait_until(page, "document.querySelector('[name=scrub]').value === document.querySelector('[name=scrub]').max")
    assert asked == [path.as_uri()]
    assert said == []
    # A lecture reads what the lines are, what is played, and how to open it again.
    assert {"real x", "fake G(z)"} < set(page.locator(".legend").inner_text().splitlines())
    assert "k = " in page.locator(".game h2").first.inner_text()
    assert "advnets play --state '" in page.locator("code").inner_text()
    assert "D(G(z))" in page.locator(".charts").inner_text()
    # Whatever the file tried to fetch would be stopped by its own policy.
    refused = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'went', () => 'refused')")
    assert refused == "refused"
    assert any("Content Security Policy" in text for text in said)
    context.close()


RECORD_STROKES = """
window.strokes = [];
const stroke = CanvasRenderingContext2D.prototype.stroke;
CanvasRenderingContext2D.prototype.stroke = function () {
  if (this.canvas.className === "line") strokes.push([this.strokeStyle, this.getLineDash(), this.lineWidth]);
  stroke.call(this);
};
"""
SWATCHES = """() => ["real", "fake", "D", "best"].map((name) => {
  const style = getComputedStyle(document.querySelector(`.swatch.${name}`));
  return [style.borderTopColor, style.borderTopStyle];
})"""


def as_rgb(colour: str) -> tuple[int, ...]:
    if colour.startswith("#"):
        return tuple(bytes.fromhex(colour[1:]))
    return tuple(map(int, re.findall(r"\d+", colour)[:3]))


def colour_of_the(strokes: list[Any], kind: str) -> tuple[int, ...]:
    """The colour of the one line of a kind; the axes and arrows are thinner than all of them."""
    kinds = {"dotted": (2.4, [2.4, 3.4]), "solid": (2.6, []), "dashed": (2.4, [9, 5]), "thin": (1.3, [])}
    (colour,) = {
        colour for colour, dash, width in strokes if (round(width, 3), [round(part, 3) for part in dash]) == kinds[kind]
    }
    return as_rgb(colour)


def expect_lines_of_the_paper(page: Any, *, is_dark: bool) -> None:
    """As `figures.draw_dynamics` draws Figure 1: the data dotted, p_g solid and green, D dashed and blue, D* thin."""
    strokes = page.evaluate("strokes")
    data, made, D, best = (colour_of_the(strokes, kind) for kind in ("dotted", "solid", "dashed", "thin"))
    assert max(data) - min(data) < 12
    assert min(data) > 220 if is_dark else max(data) < 40
    assert made[1] > max(made[0], made[2])
    assert D[2] > D[1] > D[0]
    assert best == D
    swatches = [(as_rgb(colour), style) for colour, style in page.evaluate(SWATCHES)]
    assert swatches == [(data, "dotted"), (made, "solid"), (D, "dashed"), (D, "solid")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_line_is_drawn_in_the_lines_of_the_paper(browser: Any, address: str, scheme: str, tmp_path: Path) -> None:
    context = browser.new_context(color_scheme=scheme)
    context.add_init_script(RECORD_STROKES)
    page = context.new_page()
    page.set_default_timeout(READY)
    page.goto(address)
    page.wait_for_selector("[name=play]")
    page.click("[name=step]")
    wait_until(page, "advnetsPage.games[0].frame?.numbers.step === 1")
    wait_until(page, "strokes.length > 0")
    expect_lines_of_the_paper(page, is_dark=scheme == "dark")
    with page.expect_download() as download:
        page.click("[name=replay]")
    download.value.save_as(tmp_path / "replay.html")
    page.goto((tmp_path / "replay.html").as_uri())
    page.wait_for_selector(".numbers b")
    expect_lines_of_the_paper(page, is_dark=scheme == "dark")
    context.close()


def test_colours_follow_the_dimensions_of_x(browser: Any, address: str) -> None:
    """Green is p_g's on the line, and nobody's in the plane; a game that turns back has its colours again."""
    viewer = Viewer(browser, address, color_scheme="light")
    colours = (
        "['data', 'd', 'g'].map((name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`))"
    )
    line = viewer.page.evaluate(colours)
    viewer.click("dimension-2")
    viewer.wait("game.settings.dimension === 2 && game.frame?.arrays.heat.length === 4096")
    plane = viewer.page.evaluate(colours)
    assert line[2] not in plane
    viewer.click("dimension-1")
    viewer.wait("game.settings.dimension === 1 && game.frame !== null")
    assert viewer.page.evaluate(colours) == line
    assert viewer.said == []
    viewer.context.close()


def test_a_phone_needs_no_sideways_scroll(browser: Any, address: str) -> None:
    viewer = Viewer(browser, address, viewport={"width": 390, "height": 844})
    for name in ("lesson-mode-dropping", "dimension-1"):
        viewer.click(name)
        viewer.wait("game.frame !== null && page.games.length === " + ("2" if name[0] == "l" else "1"))
        assert viewer.page.evaluate("document.documentElement.scrollWidth") == 390
    assert viewer.said == []
    viewer.context.close()
