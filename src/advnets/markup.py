"""Small tables, pictures and bars as HTML, which notebooks show: escaped, without scripts, and nothing from a network.

Colours are the notebook's own, so that all of it reads on light and on dark ground.
"""

import base64
import html
from collections.abc import Iterable, Sequence
from typing import Any

from advnets.text import escape

CELL = "padding:.15em .8em .15em 0;text-align:{};vertical-align:top;border:0"
MOST_LETTERS = 400
"""Letters of a cell; a longer text is cut there."""


def html_text(value: Any) -> str:
    """Return a value as text that HTML shows as it is, on one line.

    Args:
        value: Any value.

    Returns:
        Its text, escaped, and cut where it is long.
    """
    text = escape(str(value))
    return html.escape(text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…")


def html_card(title: str, *parts: str) -> str:
    """Return a title above parts that are HTML already.

    Args:
        title: The title, as text.
        *parts: Tables, pictures and bars.

    Returns:
        The HTML.
    """
    return f'<div style="margin:.3em 0"><strong>{html_text(title)}</strong>{"".join(parts)}</div>'


def html_table(rows: Iterable[Sequence[Any]], *, head: Sequence[Any] = (), right: Sequence[int] = ()) -> str:
    """Return a table.

    Args:
        rows: The cells of each row.
        head: The cells above them, or none.
        right: Numbers of the columns that are set to the right, from 0.

    Returns:
        The HTML.
    """

    def line(cells: Sequence[Any], tag: str) -> str:
        sides = ("right" if place in right else "left" for place in range(len(cells)))
        return "".join(
            f'<{tag} style="{CELL.format(side)}">{html_text(cell)}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)
        )

    above = f"<thead><tr>{line(head, 'th')}</tr></thead>" if head else ""
    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    style = "border-collapse:collapse;margin:.3em 0;background:transparent"
    return f'<table style="{style}">{above}<tbody>{body}</tbody></table>'


def html_lines(lines: Iterable[str]) -> str:
    """Return lines of text, each a paragraph."""
    return "".join(f'<p style="margin:.3em 0">{html_text(line)}</p>' for line in lines)


def html_picture(png: bytes, about: str) -> str:
    """Return a picture whose bytes are within the HTML.

    Args:
        png: The bytes of a PNG file.
        about: What it shows, for who does not see it.

    Returns:
        The HTML.
    """
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    style = "max-width:100%;margin:.3em 0;display:block"
    return f'<img alt="{html_text(about)}" style="{style}" src="{source}">'


def html_bar(share: float, text: str) -> str:
    """Return a bar that is filled to a share, with a text below.

    Args:
        share: From 0 to 1.
        text: The text.

    Returns:
        The HTML.
    """
    filled = f"height:100%;width:{100 * min(max(share, 0.0), 1.0):.1f}%;background:currentColor;opacity:.6"
    frame = "height:.6em;max-width:30em;margin:.4em 0;border:1px solid currentColor;border-radius:.2em"
    return f'<div style="{frame}"><div style="{filled}"></div></div>{html_lines([text])}'
