"""What the documents say runs, and what the code offers is documented."""

import ast
import doctest
import re
import runpy
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import inceptions
from advnets.cli.main import VERBS
from advnets.recipes import RECIPES
from test_layering import FLOORS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


Play = Callable[..., str]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Play:
    """Run a program of examples/ with these words in this process, where torch is imported already; what it prints."""

    def played(name: str, *words: str) -> str:
        path = ROOT / "examples" / f"{name}.py"
        assert len(path.read_text().splitlines()) <= 40
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [str(path), *words])
        runpy.run_path(str(path), run_name="__main__")
        return capsys.readouterr().out

    return played


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def digits_cache(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One classifier of digits for all programs, which is trained by the first that measures."""
    monkeypatch.setenv("ADVNETS_CACHE", str(cache))


@pytest.mark.parametrize(
    ("name", "word"),
    [("front_door", "0.01"), ("algorithm1", "3"), ("algorithm1_by_hand", "200"), ("own_networks", "20")],
)
def test_examples_run_and_are_short(name: str, word: str, play: Play, digits_cache: None) -> None:
    assert play(name, word)


def test_the_demo_shows_a_generator_a_strip_and_three_sentences(tmp_path: Path, play: Play, digits_cache: None) -> None:
    told = play("demo", "demo", "0.02")
    for name in ("shipped.png", "strip.png", "grid.png"):
        assert (tmp_path / "demo" / name).stat().st_size > 500
        assert name in told
    assert [line.split()[1] for line in told.splitlines() if line.startswith("- ")] == [
        "Fidelity.",
        "Variety.",
        "Copies.",
    ]
    assert len(told.splitlines()) < 40


def test_the_example_of_a_published_fid_runs(tmp_path: Path, play: Play) -> None:
    weights = inceptions.saved(tmp_path / "random.safetensors")
    for name, seed in (("made.npz", 0), ("real.npz", 1)):
        images = np.random.default_rng(seed).integers(0, 256, (10, 8, 8, 3), dtype=np.uint8)
        np.savez(tmp_path / name, images=images)
    told = play("published_fid", str(tmp_path / "made.npz"), str(tmp_path / "real.npz"), "stylegan3", str(weights))
    assert re.match(r"[0-9.e-]+ ", told)
    assert "scaled as in tensorflow" in told


def test_every_example_is_run() -> None:
    run_above = {"demo", "front_door", "algorithm1", "algorithm1_by_hand", "own_networks", "published_fid"}
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == run_above


def test_the_readme_names_every_verb_and_recipe() -> None:
    assert [verb for verb in VERBS if f"advnets {verb}" not in README] == []
    assert [name for name in RECIPES if name not in README] == []


def test_the_readme_is_short() -> None:
    shown = re.sub(r"```.*?```|<!--.*?-->", "", README, flags=re.DOTALL)
    assert len(shown.split()) <= 700


def test_the_page_of_the_house_has_every_room_on_its_floor() -> None:
    page = (ROOT / "docs" / "house.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|$", page, re.MULTILINE)
    assert {(int(floor), room) for floor, room, _ in rows} == {
        (floor, room) for floor, rooms in enumerate(FLOORS) for room in rooms if floor
    }
    assert [words for _, _, words in rows if len(words.split()) > 8] == []


def test_the_log_can_be_searched() -> None:
    lines = (ROOT / "LOG.md").read_text().splitlines()
    assert [line for line in lines if len(line) > 120] == []
    headings = [line for line in lines if line.startswith("## ")]
    assert [line for line in headings if not re.match(r"## \d{4}-\d\d-\d\d: .", line)] == []
    assert sum(line.startswith("- **Result") for line in lines) == len(headings) == len(set(headings))


WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "src").rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings(module: str) -> None:
    found = doctest.testmod(import_module(module))
    assert found.attempted > 0
    assert found.failed == 0


def test_every_public_thing_has_a_docstring() -> None:
    missing: list[str] = []
    for path in (ROOT / "src").rglob("*.py"):
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), path
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        for node in [*tree.body, *(inner for outer in classes for inner in outer.body)]:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                missing += [] if ast.get_docstring(node) else [f"{path.name}:{node.name}"]
    assert missing == []


def test_no_document_leads_nowhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name} links to {link}"
