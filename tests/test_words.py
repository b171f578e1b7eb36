"""How long sentences are, and how many numbers README has: what a stranger reads first must be easy to read."""

import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_WORDS = 20
"""Words of a sentence that half of all sentences may not exceed."""
LONGEST = 40
HELP = sorted((ROOT / "docs" / "help").glob("*.txt"))


def prose(page: str) -> str:
    """What is read of a page of Markdown: no blocks of code, comments or targets of links; code in a line is a word."""
    shown = re.sub(r"```.*?```|<!--.*?-->", "", page, flags=re.DOTALL)
    return re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"`[^`]*`", "code", shown))


def help_prose(page: str) -> str:
    """What is read of a help: each flag's or verb's words are a block, and names and examples are none."""
    rows = re.sub(r"(?m)^ *(?:-\S.*?|advnets\b.*|[\w-]+(?: \+ n)?)(?: {2,}|$)", "\n\n", page)
    return re.sub(r"(?:[\w-]+, ){8,}[\w-]+", "names", " ".join(rows.split(" ")).replace(",\n", ", "))


def sentence_lengths(text: str) -> dict[str, int]:
    """The words of each sentence; headings and tables are none, and a row of a list begins one."""
    found = {}
    for block in re.split(r"\n\s*\n|\n(?=[-|#*] |\||\d+\. )", text):
        if not block.lstrip().startswith(("|", "#")):
            for sentence in re.split(r"(?<=[.!?:;])\s+", " ".join(block.split())):
                found[sentence] = len(re.findall(r"\w[\w'-]*", sentence))
    return {sentence: count for sentence, count in found.items() if count}


def test_sentences_are_counted() -> None:
    page = "# A head\n\nOne two three. Four `five six` [seven](x.md):\n\n- eight\n- nine ten\n\n| a | b |\n"
    assert list(sentence_lengths(prose(page)).values()) == [3, 3, 1, 2]
    page = "Usage: advnets x\n\n  --name TEXT   Three words here. Two words.\n  train         a verb of five words\n"
    assert list(sentence_lengths(help_prose(page)).values()) == [1, 2, 3, 2, 5]


@pytest.mark.parametrize("path", [ROOT / "README.md", *HELP], ids=lambda path: path.stem)
def test_sentences_are_short(path: Path) -> None:
    text = path.read_text()
    lengths = sentence_lengths(prose(text) if path.suffix == ".md" else help_prose(text))
    assert statistics.median(lengths.values()) <= MOST_WORDS
    assert {sentence: count for sentence, count in lengths.items() if count > LONGEST} == {}


def test_readme_has_few_numbers() -> None:
    text = prose((ROOT / "README.md").read_text())
    numbers = re.findall(r"(?<![\w.])\d[\d,.]*", text)
    assert len(numbers) <= len(text.split()) / 20
