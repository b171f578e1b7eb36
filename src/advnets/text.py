"""Names of users, and numbers, as text: for a terminal, for a page of Markdown, for a command that is typed.

A name may hold anything: a path has any bytes but one, and the names in a zip, a run or a report come from others. A
terminal obeys some characters, a page reads some as marks, and a shell splits words at some.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence

MARKS = re.compile(r"[`|*\[\]~$]|\\(?=[!-/:-@\[-`{-~]|$)|(?<![^\W_])_|_(?![^\W_])")
"""What a page of Markdown reads as marks; an underscore within a word and a backslash before a letter are none."""
ENTITIES = {"<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    r"""Return a text on one line, with what does not print written as Python writes it.

    These are control characters, among them those that begin the escape sequences of a terminal; characters that change
    the direction of writing; and bytes of a path that are no text. Colours, moves of the cursor and other commands to a
    terminal can thus not stand in a name.

    Args:
        text: Any text.

    Returns:
        The text; it can be encoded as UTF-8.

    Example:
        >>> print(escape("a\x1b[2Jb\nc"))
        a\x1b[2Jb\nc
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def escape_lines(text: str) -> str:
    """Return lines of text, each as `escape` has it.

    Args:
        text: Lines, parted by line feeds.

    Returns:
        As many lines.
    """
    return "\n".join(escape(line) for line in text.split("\n"))


def escape_markdown(text: str) -> str:
    r"""Return a text that a page of Markdown shows as it is: in a line, a heading or a cell of a table.

    Args:
        text: Any text.

    Returns:
        Markdown on one line.

    Example:
        >>> print(escape_markdown("a|b <i>paper_adam</i> [x](y)"))
        a\|b &lt;i&gt;paper_adam&lt;/i&gt; \[x\](y)
    """
    shown = re.sub(r"&(?=#?\w+;)", "&amp;", escape(text))
    return re.sub("[<>]", lambda found: ENTITIES[found[0]], MARKS.sub(r"\\\g<0>", shown))


def format_reasons(reasons: Mapping[str, str]) -> str:
    """Return a list of Markdown: names, and why.

    Args:
        reasons: Reasons by name.

    Returns:
        One line for each.
    """
    return "\n".join(escape_markdown(f"- {name}: {reason}") for name, reason in reasons.items())


def format_code(text: str) -> str:
    """Return a text as code in a line of Markdown, fenced by more backticks than it holds in a row.

    Args:
        text: Any text.

    Returns:
        Markdown on one line.

    Example:
        >>> print(format_code("a `b`"))
        `` a `b` ``
    """
    shown = escape(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"`{shown}`" if len(fence) == 1 else f"{fence} {shown} {fence}"


def format_code_block(text: str, language: str = "") -> str:
    """Return lines of text as a block of code of a page of Markdown, fenced by more backticks than it holds in a row.

    Args:
        text: Lines, parted by line feeds; each is shown as `escape` has it.
        language: What the lines are written in, for colours.

    Returns:
        Markdown of several lines.

    Example:
        >>> print(format_code_block("a = 1", "python"))
        ```python
        a = 1
        ```
    """
    shown = escape_lines(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence}{language}\n{shown}\n{fence}"


def format_number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, and up to a million without an exponent.

    Args:
        value: The number.
        digits: Significant digits, 1 or more.

    Returns:
        The text.

    Example:
        >>> format_number(2398.4, 2), format_number(775, 2), format_number(0.12345), format_number(3.2e9)
        ('2,400', '780', '0.123', '3.2e+09')
    """
    short = f"{value:.{digits}g}"
    return f"{float(short):,.0f}" if 10**digits <= abs(float(short)) < 1e6 else short


def format_clock(seconds: float) -> str:
    """Return a length of time as minutes and seconds.

    Args:
        seconds: The length, 0 or more; infinity where it is not known.

    Returns:
        The text.

    Example:
        >>> format_clock(75), format_clock(float("inf"))
        ('1:15', '?')
    """
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def shorten_digests(text: str) -> str:
    """Return a text with the first 12 digits of each SHA-256 in it, which is what a person compares.

    Args:
        text: The text, such as the id of an extractor.

    Returns:
        The shorter text.
    """
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1...", text)


def quote_word(word: str | os.PathLike[str]) -> str:
    r"""Return a path as it is typed in a command.

    Args:
        word: The path.

    Returns:
        One word of a shell. Where the path holds what does not print, it is quoted as bash and zsh have it.

    Example:
        >>> print(quote_word("faces [v2] 64"), quote_word("runs/a"), quote_word("a\x1b'b"))
        'faces [v2] 64' runs/a $'a\x1b\'b'
    """
    text = os.fspath(word)
    if os.name == "nt":
        return subprocess.list2cmdline([text])
    text = f"./{text}" if text.startswith("-") else text  # a word that begins with a dash is a flag
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(_quote_character(one) for one in text) + "'"


def align_table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A table of Markdown whose columns are aligned as text.

    Args:
        rows: The cells of each row; the first row is the head.
        right: Numbers of the columns that are set to the right, from 0.

    Returns:
        The table.
    """
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(rows[0]))]
    rule = [f"{'-' * (width - 1)}{':' if column in right else '-'}" for column, width in enumerate(widths)]
    lines = []
    for row in (rows[0], rule, *rows[1:]):
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _quote_character(one: str) -> str:
    if one in "\\'":
        return f"\\{one}"
    return one if one.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(one))
