"""Every block of code in README and docs/ runs, in the order of its page, or says why it does not."""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

from advnets.cli.main import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?P<before>(?:<!--.*?-->\s*)?)^```{?(?P<language>\w*)}?\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE
)
REPLACED = re.compile(r'"([^"]+)" is "([^"]+)"')
SERVERS = {"play", "watch"}
"""Verbs that serve a page until Ctrl-C."""
SHOWN = {"text", "toctree"}
"""Languages of blocks that only show something, such as a file or what is printed."""


class Block(NamedTuple):
    """A block of code on a page."""

    language: str
    code: str
    why_not_run: str | None


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, with the replacements that its comments name made."""
    text = page.read_text(encoding="utf-8")
    replaced = [pair for comment in re.findall(r"<!-- in tests: (.*?)-->", text, re.DOTALL)
                for pair in REPLACED.findall(comment)]  # fmt: skip
    found = []
    for one in BLOCK.finditer(text):
        code = one["code"]
        for old, new in replaced:
            code = code.replace(old, new)
        why = re.search(r"<!-- not run: (.*?) -->", one["before"])
        found.append(Block(one["language"], code, None if why is None else why[1]))
    return found


def runs(page: Path) -> bool:
    return any(block.why_not_run is None and block.language not in SHOWN for block in blocks_of(page))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def desk(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a few photos of two classes, and one cache for all pages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADVNETS_CACHE", str(cache))
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path


def run_console(code: str) -> None:
    """Run the lines of a shell that call advnets; comments behind them are left out."""
    for line in code.splitlines():
        words = shlex.split(line, comments=True)
        if words:
            assert words[0] == "advnets", line
            is_served = words[1] in SERVERS
            assert (serve_once if is_served else main)(words[1:]) == (130 if is_served else 0), line


def serve_once(words: list[str]) -> int:
    """The exit code of a command that serves a page, after the page was asked for and Ctrl-C was pressed."""
    command = [sys.executable, "-m", "advnets", *words, "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = re.search(r"http://\S+", process.stdout.readline())
        try:
            assert address is not None
            with urlopen(address[0], timeout=30) as answer:
                assert b"<title>advnets</title>" in answer.read()
        finally:
            process.send_signal(signal.SIGINT)
        return process.wait(30)


SLOW = {"first-hour-ko.md"}
"""Pages whose blocks are those of other pages, in another language: `--all` runs them."""


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] * (page.name in SLOW)) for page in PAGES if runs(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_a_page_runs_as_it_stands(page: Path, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks_of(page):
        if block.why_not_run is not None or block.language in SHOWN:
            continue
        if block.language == "console":
            run_console(block.code)
        else:
            exec(compile(block.code, str(page), "exec"), names)


def test_every_block_runs_or_says_why_not() -> None:
    unknown = [
        f"{page.relative_to(ROOT)}: {block.code.splitlines()[0]}"
        for page in PAGES
        for block in blocks_of(page)
        if block.why_not_run is None and block.language not in SHOWN | {"python", "console"}
    ]
    assert unknown == []


def test_a_block_that_fails_is_noticed(tmp_path: Path, desk: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```python\nraise KeyError("here")\n```\n\n<!-- not run: shown only -->\n```python\n1 / 0\n```\n')
    good, shown = blocks_of(page)
    assert (good.why_not_run, shown.why_not_run) == (None, "shown only")
    with pytest.raises(KeyError, match="here"):
        exec(good.code, {})
    with pytest.raises(AssertionError):
        run_console("advnets sample no-such-run --out x.png")
    with pytest.raises(AssertionError):
        run_console("rm -r photos")
