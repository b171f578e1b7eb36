"""Names as text: what a terminal, a page of Markdown and a shell make of them is the name itself."""

import os
import random
import subprocess
import unicodedata
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from advnets.errors import AdvnetsError, BadInput
from advnets.text import escape, escape_lines, escape_markdown, format_code, format_reasons, quote_word

NAMES = (
    "plain", "paper_adam", "_a_", "__init__", "a b", "lab[red]y", "a[/b]", "[x](http://y)", "![x](y)", "a|b", "a\\|b",
    "\\", "a\\", "\\a", "C:\\runs\\a", "`code`", "``", "*a*", "**", "~~a~~", "$x$", "<b>bold</b>", "<!-- x -->",
    "a < b", "&lt;", "&amp;lt;", "&", "#1", "1.", "a\x1b[31mred", "a\nb", "a\r\nb", "\u202eabc", "\udcff", "\x7f",
    "\x9b31m", "é", "雪", "😀", "'", '"', "a'b\x07c\\", "$(reboot)", "-x", "--", "!!", "%s", "{}", "a\u2028b",
)  # fmt: skip
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def draw_names(n: int) -> list[str]:
    """Names of marks, controls and letters, drawn at random."""
    rng, signs = random.Random(0), "ab1 \\`|*_[]()<>&;#~$!-+.:'\"\n\r\t\x00\x1b\x9b\u202e\udcfeé"
    return ["".join(rng.choices(signs, k=rng.randint(1, 9))) for _ in range(n)]


ALL = [*NAMES, *draw_names(300)]


def test_a_name_is_one_line_that_prints() -> None:
    for name in ALL:
        shown = escape(name)
        assert shown.isprintable()
        assert shown.encode()
        assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert shown == name or not name.isprintable()
        assert escape(shown) == shown
        if "\\" not in name:
            assert shown.encode("latin-1", "backslashreplace").decode("unicode_escape") == name


def test_lines_stay_lines() -> None:
    assert escape_lines("a\nb\x1b\n") == "a\nb\\x1b\n"


def test_an_error_is_one_line_that_prints() -> None:
    assert str(BadInput("photos.zip: \x1b[2J\nx")) == r"photos.zip: \x1b[2J\nx"
    assert str(AdvnetsError()) == ""


def text_of(page: str) -> str:
    """The text of a page in the order of its reading; a page that holds anything but text fails."""
    texts = []
    for token in MARKDOWN.parse(page):
        assert token.type not in ("html_block", "code_block", "fence"), token
        for child in token.children or ():
            assert child.type in ("text", "text_special"), (child.type, page)
            texts.append(child.content)
    return "".join(texts)


def test_markdown_shows_a_name_as_it_is() -> None:
    """Read by another implementation of CommonMark: in a heading, in a line of a list and in a cell of a table."""
    for name in ALL:
        shown, markdown = escape(name), escape_markdown(name)
        assert text_of(f"# x{markdown}x") == f"x{shown}x"
        assert text_of(f"- x: {markdown}x") == f"x: {shown}x"
        assert text_of(f"| a | b |\n| --- | --- |\n| x{markdown}x | y |") == f"abx{shown}xy"


def test_plain_names_stay_as_they_are() -> None:
    for name in ("paper_adam", "runs/20260101-paper-adam-digits", "C:\\runs\\a", "class-shares", "+-", "a (b)", "1.5"):
        assert escape_markdown(name) == name


def test_code_in_markdown() -> None:
    for name in ALL:
        tokens = MARKDOWN.parse(f"- {format_code(name)} x")
        (code,) = [one.content for token in tokens for one in token.children or () if one.type == "code_inline"]
        assert code.strip() == escape(name).strip()


def test_reasons() -> None:
    assert text_of(format_reasons({"fid|": "no <b>samples</b>"})) == "fid|: no <b>samples</b>"


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="there is no bash to read the words")
def test_bash_reads_a_quoted_name_as_it_is() -> None:
    names = [name for name in [*ALL, "a b", "x\x1b'\\y\n"] if "\x00" not in name]
    script = "".join(f"printf '%s\\0' {quote_word(name)}\n" for name in names)
    done = subprocess.run(
        ["/bin/bash", "-c", script], capture_output=True, check=True, env={**os.environ, "LC_ALL": "C"}
    )
    read = [os.fsdecode(word).removeprefix("./") for word in done.stdout.split(b"\0")[:-1]]
    assert read == names
    assert all(escape(quote_word(name)) == quote_word(name) for name in names), "what is suggested prints as it is"
