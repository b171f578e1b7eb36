"""The page of a generator: its pixels, its seeds, what it loads and says, and how it is used, in a real browser."""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import tiny
from advnets.cli.main import main
from advnets.errors import Unsupported
from advnets.experiment import export_generator, find_model
from advnets.experiment.page_export import directions, layers, page as page_file, page_of
from advnets.experiment.preparation.build_model import build_row_on_meta
from advnets.latents import LATENTS
from advnets.networks import NETWORKS, Code, GeneratorRow
from advnets.recipes import RECIPES
from page_models import CASES, LABELS, drawn_pixels, expected_pixels, model_of, open_browser

HURT = '</script><img src=x onerror="window.hurt = 1"> {{style}} \u2028 \ud800'
GIVEN_IMAGES = {"pix2pix_generator", "cyclegan_generator"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as started:
        yield started


@pytest.fixture(scope="module")
def digits(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The page of the model that ships."""
    return visit(browser, export_generator("paper-mnist", tmp_path_factory.mktemp("page") / "page.html").path)


def visit(browser: Any, file: Path, **settings: Any) -> Any:
    """Open a page, wait for its pictures, and note what it asks for and what goes wrong."""
    page = browser.new_context(**settings).new_page()
    page.file, page.asked, page.wrong = file, [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and page.wrong.append(message.text))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-grid-milliseconds]")
    return page


def write(text: str, file: Path) -> Path:
    file.write_text(text, "utf-8")
    return file


def pixels_of(page: Any, selector: str) -> Any:
    """What a canvas shows, (h, w, 4)."""
    found = page.evaluate(
        """(selector) => {
          const canvas = document.querySelector(selector);
          return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
        }""",
        selector,
    )
    return np.array(found).reshape(-1, page.evaluate("width"), 4)


def difference(page: Any, name: str, n: int = 4, seed: int = 5) -> int:
    model = model_of(name)
    labels = LABELS if model.card.given else None
    expected = expected_pixels(model, n, seed, labels)
    assert expected[..., :3].std(0).mean() > 2, "samples that are all alike would show nothing"
    found = drawn_pixels(page, page_of(model), n, seed, labels)
    return int(np.abs(found - expected).max())


def test_every_row_that_draws_images_from_noise_has_a_case() -> None:
    rows = {name for name, row in NETWORKS.items() if issubclass(row, GeneratorRow)}
    assert rows == {name.split(" ")[0] for name in CASES} | GIVEN_IMAGES


def test_every_generator_draws_the_models_pixels(digits: Any) -> None:
    found = {name: difference(digits, name) for name in CASES}
    assert {name: levels for name, levels in found.items() if levels > 1} == {}


def test_the_shipped_generator_draws_the_models_pixels(digits: Any) -> None:
    model, text = find_model("paper-mnist"), digits.file.read_text("utf-8")
    for n, seed in ((64, 0), (1, 2**53 - 1)):
        found, expected = drawn_pixels(digits, text, n, seed), expected_pixels(model, n, seed)
        assert np.abs(found - expected).max() <= 1
        assert (found == expected).mean() > 0.999
    assert len(text) <= 8_000_000


def test_half_precision_moves_a_pixel_by_a_level_or_two(digits: Any) -> None:
    model = model_of("dcgan_generator")
    whole, half = page_of(model), page_of(model, half=True)
    found = drawn_pixels(digits, half, 4, 0)
    assert len(half) < 0.75 * len(whole)
    assert 0 < np.abs(found - expected_pixels(model, 4, 0)).max() <= 8


@pytest.mark.parametrize("latent", sorted(LATENTS))
def test_a_seed_draws_the_z_of_torch(digits: Any, latent: str) -> None:
    """Fewer than 16 numbers and more, multiples of 16 and others, with codes behind them, for all kinds of seeds."""
    for size, code in ((1, Code()), (5, Code()), (16, Code()), (100, Code()), (12, Code(10, 2)), (23, Code(4, 3))):
        for n in (1, 3, 64):
            for seed in (0, 1, 2**31, 2**32 + 5, 2**53 - 1):
                asked = {"size": size, "name": latent, "categories": code.categories, "continuous": code.continuous}
                found = digits.evaluate("([latent, n, seed]) => [...drawNoises(latent, n, seed)]", [asked, n, seed])
                z = LATENTS[latent](size, code)(n, torch.Generator().manual_seed(seed))
                np.testing.assert_allclose(found, z.flatten().numpy(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("latent", sorted(LATENTS))
def test_the_way_between_seeds_is_that_of_python(digits: Any, latent: str) -> None:
    prior, asked = LATENTS[latent](20), {"size": 20, "name": latent, "categories": 0, "continuous": 0}
    p, q = prior(2, torch.Generator().manual_seed(3))
    shares = [0.0, 0.25, 0.9, 1.0]
    words = "([l, p, q, t]) => [...interpolateNoises(l, Float32Array.from(p), Float32Array.from(q), t)]"
    found = [digits.evaluate(words, [asked, p.tolist(), q.tolist(), share]) for share in shares]
    np.testing.assert_allclose(found, prior.interpolate(p, q, torch.tensor(shares).double()), rtol=0, atol=1e-6)


def wide_eps(patch: pytest.MonkeyPatch) -> None:
    moments = layers._moments

    def wrong(layer: Any) -> Any:
        layer.eps = 0.05
        return moments(layer)

    patch.setattr(layers, "_moments", wrong)


SABOTEURS = {
    "another seed": ("mersenne", "this.state[0] = seed", "this.state[0] = seed + 1"),
    "halves of a block swapped": ("mersenne", "block[j] = radius * Math.cos", "block[j] = radius * Math.sin"),
    "no cropping behind": (
        "forward",
        "- 2 * padding[i] + kernel[i]",
        "- 2 * padding[i] + kernel[i] - 0 * (padding[i] = 0)",
    ),
    "labels of the first sample": ("forward", "(labels[i] + 1) * more)", "(labels[i] + 1) * more).fill(0)"),
    "rounded down": ("forward", "back(sample[c * area + p]))) + 0.5", "back(sample[c * area + p]))) - 1.5"),
}


@pytest.mark.parametrize("name", SABOTEURS)
def test_a_program_that_is_wrong_is_noticed(browser: Any, tmp_path: Path, monkeypatch: Any, name: str) -> None:
    program, right, wrong = SABOTEURS[name]
    for file in page_file.ASSETS.iterdir():
        text = file.read_text("utf-8")
        assert file.stem != program or file.suffix != ".js" or right in text
        (tmp_path / file.name).write_text(text.replace(right, wrong) if file.name == f"{program}.js" else text, "utf-8")
    monkeypatch.setattr(page_file, "ASSETS", tmp_path)
    page = visit(browser, write(page_of(model_of("dcgan_generator with labels")), tmp_path / "wrong.html"))
    assert difference(page, "dcgan_generator with labels") > 1


def test_a_wrong_eps_is_noticed(digits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wide_eps(monkeypatch)
    assert difference(digits, "dcgan_generator") > 1


def test_it_loads_nothing_and_says_nothing_wrong(digits: Any) -> None:
    assert [url for url in digits.asked if not url.startswith(("file:", "blob:"))] == []
    assert len([url for url in digits.asked if url.startswith("file:")]) == 1
    assert digits.wrong == []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        tries = """async (url) => {
          await fetch(url).catch(() => null);
          navigator.sendBeacon(url);
          await new Promise((done) => {
            const image = new Image();
            image.onload = image.onerror = done;
            image.src = url;
          });
        }"""
        digits.evaluate(tries, f"http://127.0.0.1:{server.getsockname()[1]}/")
        with pytest.raises(TimeoutError):
            server.accept()
    assert len([text for text in digits.wrong if "Content Security Policy" in text]) >= 2


def test_what_users_wrote_is_text_and_runs_nothing(browser: Any, tmp_path: Path) -> None:
    model = model_of("cgan_generator", licence=HURT, notes=HURT)
    model = replace(model, card=replace(model.card, recipe=HURT, data=replace(model.card.data, name=HURT)))
    page = visit(browser, write(page_of(model), tmp_path / "hurt.html"))
    assert page.evaluate("window.hurt") is None
    assert page.locator("img").count() == 0
    assert "<img src=x onerror=" in page.locator("#facts").inner_text()
    assert "<img src=x onerror=" in page.locator("h1").inner_text()
    assert page.locator("#class option").all_inner_texts()[2] == "</script><script>window.hurt = 1</script>"
    page.select_option("#class", "1")
    page.wait_for_timeout(100)
    assert r"""--class 'a '\''dog'\'''""" in page.locator("#one-command").inner_text()
    assert page.wrong == []


@pytest.mark.parametrize(("scheme", "name"), [("light", "infogan_generator"), ("dark", "acgan_generator")])
def test_it_fits_a_phone(browser: Any, tmp_path: Path, scheme: Any, name: str) -> None:
    file = write(page_of(model_of(name, notes="long" * 60)), tmp_path / "page.html")
    page = visit(browser, file, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    beyond = (
        "[...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > 390.5).length"
    )
    assert page.evaluate(beyond) == 0
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 19)"
    assert dark == (scheme == "dark")


def test_every_control_has_a_name_and_hears_the_keyboard(browser: Any, tmp_path: Path) -> None:
    model = model_of("infogan_generator")
    page = visit(browser, write(page_of(model), tmp_path / "page.html"))
    page.locator("summary").press("Enter")
    page.wait_for_selector("#z-3-input")
    unnamed = page.evaluate("""[...document.querySelectorAll("button, input, select, [role=img]")]
        .filter((one) => !(one.labels?.length || one.getAttribute("aria-label") || one.textContent.trim()))
        .map((one) => one.outerHTML)""")
    assert unnamed == []
    before = pixels_of(page, "#one")
    assert np.abs(before - expected_pixels(model, 1, 0)[0]).max() <= 1
    page.locator("#direction-0-input").press("ArrowRight")
    assert page.evaluate("state.amounts[0]") == 0.05
    page.locator("#z-4-input").press("End")
    page.wait_for_timeout(100)
    assert (pixels_of(page, "#one") != before).any()
    assert "moved by the sliders" in page.locator("#one-command").inner_text()
    page.locator("#reset").press("Enter")
    page.wait_for_timeout(100)
    assert (pixels_of(page, "#one") == before).all()
    page.locator("#grid button").first.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    assert page.evaluate("state.chosen") == 8
    assert (pixels_of(page, "#one") == pixels_of(page, "#grid button:nth-child(9) canvas")).all()
    page.select_option("#category", "7")
    page.locator("#continuous-1-input").fill("-0.5")
    assert page.evaluate("[...currentNoise()].slice(-12, -2)") == [float(i == 7) for i in range(10)]
    assert page.evaluate("currentNoise()[29]") == -0.5
    assert page.wrong == []


def test_seeds_classes_and_variety_are_those_of_sample(browser: Any, tmp_path: Path) -> None:
    model = model_of("acgan_generator")
    page = visit(browser, write(page_of(model, source="my run"), tmp_path / "page.html"))
    page.fill("#seed", "12")
    page.locator("#seed").press("Enter")
    page.select_option("#class", "3")
    page.locator("#variety-input").fill("0.5")
    page.wait_for_timeout(500)
    expected = model.sample(1, seed=12, given=3, truncation=0.5).values[0]
    assert np.abs(pixels_of(page, "#one")[..., :3] - expected).max() <= 1
    command = "advnets sample 'my run' -n 1 --seed 12 --truncation 0.5 --class 'ü' --out one.png"
    assert command in page.locator("#one-command").inner_text()
    grid = model.sample(64, seed=12, given=[i % 4 for i in range(64)], truncation=0.5).values
    assert np.abs(pixels_of(page, "#grid button:nth-child(63) canvas")[..., :3] - grid[62]).max() <= 1
    way = model.interpolate([1, 2], frames=7, given=3, truncation=0.5).values
    assert np.abs(pixels_of(page, "#strip canvas:nth-child(3)")[..., :3] - way[2]).max() <= 1
    page.fill("#seed", "1.5")
    page.locator("#seed").press("Enter")
    assert page.locator("#seed").get_attribute("aria-invalid") == "true"
    assert page.evaluate("location.hash") == "#seed=12&class=3"


def test_pictures_are_saved_as_they_are(browser: Any, tmp_path: Path) -> None:
    model = model_of("dense_generator")
    page = visit(browser, write(page_of(model), tmp_path / "page.html"), accept_downloads=True)
    for button, size, columns in (("#save-one", 1, 1), ("#save-grid", 64, 8)):
        with page.expect_download() as download:
            page.click(button)
        download.value.save_as(tmp_path / "saved.png")
        factor = 512 // (9 * columns)
        with Image.open(tmp_path / "saved.png") as saved:
            found = np.asarray(saved.convert("L"))[factor // 2 :: factor, factor // 2 :: factor]
        samples = model.sample(size, seed=0).values[..., 0]
        rows = [np.concatenate(list(samples[i : i + columns]), 1) for i in range(0, size, columns)]
        assert np.abs(found.astype(int) - np.concatenate(rows)).max() <= 1


def test_without_workers_the_page_draws_by_itself(browser: Any, tmp_path: Path) -> None:
    model = model_of("dense_generator")
    text = page_of(model).replace("worker-src blob:", "worker-src 'none'")
    page = visit(browser, write(text, tmp_path / "page.html"))
    assert np.abs(pixels_of(page, "#grid button:nth-child(64) canvas") - expected_pixels(model, 64, 0)[63]).max() <= 1


def test_the_first_direction_changes_pictures_most() -> None:
    model = model_of("infogan_generator")
    found = directions.principal_directions(model)
    assert found.shape == (8, 18)
    torch.testing.assert_close(found @ found.T, torch.eye(8), rtol=0, atol=1e-5)
    z = model.draw(64, seed=3)

    def change(direction: torch.Tensor) -> float:
        moved = z.clone()
        moved[:, :18] += 0.05 * direction
        with torch.no_grad():
            return float((model.network(moved) - model.network(z)).square().sum())

    others = torch.nn.functional.normalize(torch.randn(20, 18), dim=1)
    assert change(found[0]) > 1.2 * np.mean([change(one) for one in others])
    assert change(found[0]) > change(found[7])


def test_a_run_is_exported_with_what_was_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.trained("run", steps=4)
    assert main(["evaluate", "run", "--n", "100", "--measures", "parzen"]) == 0
    capsys.readouterr()
    assert main(["export", "run", "--out", "page.html", "--licence", "CC0-1.0", "--notes", "mine", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    size = Path("page.html").stat().st_size
    assert told == {"out": "page.html", "bytes": size, "half": False, "step": 4, "notes": []}
    content = content_of(Path("page.html"))
    facts = dict(content["facts"])
    assert (facts["Licence"], facts["Notes"], facts["Training step"]) == ("CC0-1.0", "mine", "4")
    assert content["measures"]["rows"][0][0] == "parzen"
    assert "100 samples against" in content["measures"]["about"]
    assert main(["export", "run", "--out", "page.html"]) == 2
    assert "page.html is there already and is not overwritten" in capsys.readouterr().err


def test_a_page_of_a_file_names_that_file_in_its_command(tmp_path: Path) -> None:
    tiny.trained("run", steps=2)
    for source, out in (("run", "G.safetensors"), ("run", "run.html"), ("G.safetensors", "file.html")):
        assert main(["export", source, "--out", out]) == 0
    assert main(["export", "paper-mnist", "--out", "ships.html"]) == 0
    named = {name: content_of(Path(f"{name}.html"))["source"] for name in ("run", "file", "ships")}
    assert named == {"run": "RUN", "file": "G.safetensors", "ships": "paper-mnist"}


def content_of(page: Path) -> Any:
    found = re.search('id="content">(.*)</script>', page.read_text("utf-8"))
    assert found is not None
    return json.loads(found[1])


def test_what_a_page_cannot_draw_is_told(tmp_path: Path) -> None:
    model = model_of("dense_generator")
    mirrored = torch.nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")
    hooked = torch.nn.ReLU()
    hooked.register_forward_hook(lambda *_: None)
    for layer, words in (
        (torch.nn.Softmax(1), "found a layer of the kind Softmax, which a page cannot run"),
        (mirrored, "expected convolutions whose padding is a number of zeros"),
        (hooked, "a layer of the kind ReLU"),
        (torch.nn.BatchNorm2d(3, track_running_stats=False), "which takes the moments of each batch"),
    ):
        with pytest.raises(Unsupported, match=words):
            page_of(replace(model, network=torch.nn.Sequential(model.network, layer)))
    chain = build_row_on_meta(RECIPES["dae"].expect_learner().makers()[""], replace(model.card, latent_size=500))
    with pytest.raises(Unsupported, match="a layer of the kind DenoisingChain"):
        page_of(replace(model, network=chain))
    points = replace(model.card, data=replace(model.card.data, shape=(2,)))
    with pytest.raises(Unsupported, match="draws points of 2 numbers, and a page shows images"):
        page_of(replace(model, card=points))
    with pytest.raises(Unsupported, match="makes images of given ones"):
        page_of(replace(model, card=replace(model.card, given="images", latent_size=0)))
    with pytest.raises(Unsupported, match=r"page.txt: expected a name that ends in"):
        export_generator("paper-mnist", tmp_path / "page.txt")
