"""Every control of watch, driven in a real browser; no request leaves the machine, and the console stays empty."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import tiny
from advnets import experiment
from advnets.data import load
from advnets.recipes import RECIPES
from advnets.web.watch import watch_page
from web_client import running

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to drive")]

SCRIPT = "<img src=x onerror=document.title='run'>"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, one that translates images, one that is damaged, and one whose name is a script."""
    folder = tmp_path_factory.mktemp("browser")
    for seed in (0, 1):
        tiny.trained(str(folder / f"run-{seed}"), seed=seed).evaluate(measures="tone,pairwise-distance", n=60)
    values = load("digits").train.values
    settings = tiny.settings(str(folder / "translator"), steps=4)
    for _ in experiment.start(
        tiny.narrow(RECIPES["pix2pix"]), settings=settings, data=values, given=255 - values
    ).carry_on():
        pass
    finding = {"name": "collapse", "severity": "warning", "step": 20, "what": SCRIPT, "remedy": "--penalty r1=1",
               "since": 10, "measured": 0.02, "threshold": 0.1, "null": "real samples have 1"}  # fmt: skip
    note = {"name": "batch-reading", "severity": "note", "step": 30, "what": "D reads batches."}
    gone = {"name": "cycling", "severity": "gone", "step": 30}
    lines = [json.dumps(one) + "\n" for one in (finding, {**gone, "severity": "finding", "step": 10}, note, gone)]
    (folder / "run-1" / "findings.jsonl").write_text("".join(lines))
    probes = ({"step": 0, "spread": 0.5}, {"step": 20, "spread": 0.5})
    (folder / "run-1" / "probes.jsonl").write_text("".join(json.dumps(one) + "\n" for one in probes))
    shutil.copytree(folder / "run-0", folder / SCRIPT.replace("/", ""))
    shutil.copytree(folder / "run-0", folder / "damaged")
    (folder / "damaged" / "recipe.json").write_text("{")
    return folder


class Viewer:
    """A browser at the page, with what its console said and what it asked for."""

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.said, self.asked = page, list[str](), list[str]()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.set_default_timeout(60_000)
        page.goto(address)
        page.wait_for_selector(".progress")

    def choose(self, name: str) -> None:
        self.page.locator(f'.runs .name[title="{name}"]').click()
        self.page.wait_for_selector(f'.progress h2[title="{name}"]')

    def open(self, tab: str) -> None:
        self.page.click(f"#tab-{tab}")

    def expect_change(self, read: Callable[[], Any], act: Callable[[], Any]) -> None:
        """Do something, and wait until what is read is another than before."""
        before = read()
        act()
        for _ in range(300):
            if read() not in (before, None):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"nothing changed: {str(before)[:200]}")

    def slide(self, selector: str, value: float) -> None:
        self.page.locator(selector).evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })); }",
            value,
        )

    def drawn(self) -> str | None:
        """The picture of the latents, as its pixels."""
        found: str | None = self.page.evaluate(
            """() => { const image = document.getElementById('drawn');
            if (!image || !image.complete || !image.naturalWidth || image.classList.contains('busy')) return null;
            const canvas = document.createElement('canvas'); canvas.width = image.naturalWidth;
            canvas.height = image.naturalHeight; canvas.getContext('2d').drawImage(image, 0, 0);
            return canvas.toDataURL(); }"""
        )
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def viewer(root: Path, browser: Any) -> Iterator[Viewer]:
    with running(watch_page(root)) as (port, token):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
        viewer = Viewer(context.new_page(), f"http://127.0.0.1:{port}/?token={token}")
        assert token not in viewer.page.url
        yield viewer
        assert viewer.said == []
        assert {url.split("/")[2] for url in viewer.asked if not url.startswith("blob:")} == {f"127.0.0.1:{port}"}
        assert viewer.page.title() == "advnets watch"
        context.close()


def test_the_list_of_runs_and_their_state(viewer: Viewer, root: Path) -> None:
    page = viewer.page
    assert page.locator(".runs li").count() == 5
    viewer.expect_change(page.locator(".runs li").count, lambda: page.fill("#filter", "translator"))
    assert page.locator(".runs li").count() == 1
    page.fill("#filter", "")
    viewer.choose("damaged")
    page.wait_for_selector(".progress details")
    viewer.choose(SCRIPT.replace("/", ""))
    viewer.choose("run-0")
    page.locator('.runs input[aria-label^="run-1"]').check()
    page.wait_for_function("document.querySelectorAll('.progress').length === 2")
    page.go_back()
    page.wait_for_function("document.querySelectorAll('.progress').length === 1")
    viewer.expect_change(lambda: page.evaluate("document.documentElement.dataset.theme"), lambda: page.click("#theme"))
    page.set_viewport_size({"width": 390, "height": 800})
    assert not page.locator(".runs").is_visible()
    page.click("#runs")
    assert page.locator(".runs").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_curves_and_pictures(viewer: Viewer, root: Path) -> None:
    page = viewer.page
    viewer.choose("run-0")
    page.wait_for_selector('.chart [role="img"]')
    pixels = lambda: page.locator(".chart canvas").first.evaluate("canvas => canvas.toDataURL()")  # noqa: E731
    viewer.expect_change(pixels, lambda: viewer.slide("#smooth", 0.9))
    viewer.expect_change(pixels, lambda: page.select_option("#axis", "seconds"))
    assert "seconds" in page.locator(".u-legend").first.inner_text()
    viewer.expect_change(pixels, lambda: page.check("#log"))
    step = lambda: page.locator(".gallery img").first.get_attribute("data-step")  # noqa: E731
    page.wait_for_selector(".gallery img")
    viewer.expect_change(step, lambda: viewer.slide("#time", 0))
    assert "at=" in page.url
    viewer.expect_change(step, lambda: page.click("#newest"))
    viewer.expect_change(step, lambda: page.click("#play"))
    with (root / "run-0" / "journal.jsonl").open("a") as journal:  # a training goes on
        viewer.expect_change(
            lambda: page.locator('.chart [role="img"]').first.get_attribute("data-points"),
            lambda: (journal.write('{"step": 45, "discriminator/objective": 1.0}\n'), journal.flush()),
        )


def test_latents(viewer: Viewer) -> None:
    page = viewer.page
    viewer.choose("run-0")
    viewer.open("latents")
    page.wait_for_selector("#drawn")
    viewer.expect_change(viewer.drawn, lambda: page.select_option("#n", "4"))
    viewer.expect_change(viewer.drawn, lambda: page.check("#nearest"))
    assert "nearest=1" in page.url
    viewer.expect_change(viewer.drawn, lambda: page.fill("#seed", "5"))
    viewer.expect_change(viewer.drawn, lambda: viewer.slide('[data-coordinate="0"]', 3))
    viewer.expect_change(viewer.drawn, lambda: page.click("#forget"))
    viewer.expect_change(viewer.drawn, lambda: page.click("#dice"))
    page.fill("#other", "9")
    viewer.expect_change(viewer.drawn, lambda: viewer.slide("#way", 1))
    address = page.url
    assert {"tab=latents", "n=4", "other=9", "way=1"} <= set(address.partition("#")[2].split("&"))


def test_a_translator_translates_an_upload(viewer: Viewer) -> None:
    page = viewer.page
    viewer.choose("translator")
    viewer.open("latents")
    page.wait_for_selector("#upload")
    file = io.BytesIO()
    Image.linear_gradient("L").resize((20, 12)).save(file, "png")
    page.set_input_files("#upload", {"name": "a.png", "mimeType": "image/png", "buffer": file.getvalue()})
    page.wait_for_selector("#drawn")
    viewer.expect_change(viewer.drawn, lambda: page.fill("#translation-seed", "7"))


def test_measures_begin_with_the_verdict(viewer: Viewer) -> None:
    page = viewer.page
    viewer.choose("run-0")
    viewer.open("measures")
    page.wait_for_selector(".measures tbody tr")
    assert [told.split(".")[0] for told in page.locator(".sentences p").all_inner_texts()] == [
        "Fidelity",
        "Variety",
        "Copies",
    ]
    assert all(page.locator(".measures tbody td:last-child").all_inner_texts())
    both = page.locator('.runs input[aria-label^="run-1"]')
    viewer.expect_change(page.locator(".sentences").count, both.check)
    assert page.locator(".sentences strong").all_inner_texts() == ["run-0", "run-1"]


def test_what_is_measured_while_a_run_trains_has_its_chart(viewer: Viewer, root: Path) -> None:
    page = viewer.page
    with (root / "run-1" / "journal.jsonl").open("a") as journal:
        for step in (40, 60):
            numbers = {"validation/fid": 9.0 + step, "doctor/auc": 0.9, "doctor/there/gap": 0.1, "augment/p": 0.5}
            journal.write(json.dumps({"step": step, **numbers}) + "\n")
    viewer.choose("run-1")
    page.wait_for_selector("text=What the doctor measures")
    shown = page.locator("main").inner_text()
    for words in ("Measured on held-out data", "D: real above fake", "samples: distance from the data (there)",
                  "chance of augmentation", "fid"):  # fmt: skip
        assert words in shown, words


def test_settings_findings_and_keys(viewer: Viewer) -> None:
    page = viewer.page
    viewer.choose("run-1")
    page.focus("#tab-live")
    for tab in ("latents", "measures", "settings"):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f'#tab-{tab}[aria-selected="true"]')
    rows = page.locator(".settings tbody tr")
    page.wait_for_selector(".settings tbody tr")
    viewer.expect_change(rows.count, lambda: page.fill("#find", "batch_size"))
    page.fill("#find", "")
    page.locator('.runs input[aria-label^="run-0"]').check()
    page.wait_for_selector("#all")
    viewer.expect_change(rows.count, lambda: page.check("#all"))
    viewer.open("findings")
    page.wait_for_selector(".finding")
    assert SCRIPT in page.locator(".finding").first.inner_text()
    assert "Evidence: measured 0.02, threshold 0.1; real samples have 1." in page.locator(".finding").first.inner_text()
    assert "since step 10" in page.locator(".finding").first.inner_text()
    assert "null" not in page.locator(".findings").inner_text()
    names = page.locator(".finding h3").all_inner_texts()
    assert names == ["collapse", "batch-reading", "cycling"], "the gravest first, each once, what is gone last"
    assert page.locator("#tab-findings .count").inner_text() == "1"
    assert page.locator(".finding img").count() == 0
    page.wait_for_selector(".not-judged")
    assert "from step 100 on" in page.locator(".not-judged").first.inner_text()
