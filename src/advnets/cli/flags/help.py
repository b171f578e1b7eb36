"""The help of a verb: what it does, then its flags in groups, one line or a few for each."""

import dataclasses
import re
import textwrap
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import docstring_parser
import tyro

from advnets.cli.output import terminal_width

WIDTH = 100
"""The widest that help is printed; a narrower terminal makes it narrower."""
COLUMN = 24
"""Where the words about a flag begin."""
VALUES = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}
"""What the help writes for a value of each type."""
SPELLINGS = {
    "against": "NAME|PATH",
    "cache_memory": "SIZE",
    "control": "{holm, benjamini-hochberg}",
    "damages": "LIST",
    "data": "NAME|PATH",
    "other": "NAME|PATH",
    "data_dir": "FOLDER",
    "device": "{auto, cpu, cuda, mps}",
    "extractor": "{classifier, random, pixels, pca, inception, onnx}|MODULE:NAME",
    "game": "MODULE:NAME",
    "doctor": "{on, off}",
    "keep_best": "MEASURE",
    "image_alpha": "COLOUR|keep",
    "image_channels": "{grey, rgb}",
    "image_fit": "{crop, pad}",
    "image_size": "N|HxW",
    "measures": "LIST",
    "on_collapse": "{warn, stop, rollback}",
    "out": "FOLDER",
    "protocol": "{goodfellow2014, optimal-sigma, fixed-sigma}",
    "picture": "FILE.png",
    "recipe": "NAME|FILE",
    "results": "FILE.json",
    "rows": "LIST",
    "runs": "FOLDER",
    "split": "{validation, test}",
    "weights": "FILE",
}
"""What it writes for the value of a flag, whichever verb has it; a verb may say something else."""

POSITIONAL = get_args(tyro.conf.Positional[str])[1]
"""How tyro marks a value that is typed without a flag."""


@dataclass(frozen=True)
class HelpLine:
    """A flag, or a word, and what it does.

    Attributes:
        spelling: How it is typed, such as "--steps N".
        about: What it does, in whole sentences.
        is_word: Whether it is typed without a flag.
        is_needed: Whether it has no default.
    """

    spelling: str
    about: str
    is_word: bool = False
    is_needed: bool = False


def render(usage: str, about: str, groups: Mapping[str, Sequence[HelpLine]]) -> str:
    """Return the help as it is printed.

    Args:
        usage: The command and its words, such as "advnets resume RUN [flags]".
        about: What it does; paragraphs are wrapped, and indented lines stay as they are.
        groups: {title: its lines}; empty groups are left out.

    Returns:
        The text, which ends with a newline.
    """
    width = min(WIDTH, terminal_width())
    parts = [f"usage: {usage}", *(_wrap(paragraph, width) for paragraph in about.split("\n\n"))]
    for title, lines in groups.items():
        if lines:
            parts.append("\n".join([f"{title}:", *(row for line in lines for row in _rows(line, width))]))
    return "\n\n".join(parts) + "\n"


def lines_of(kind: type[Any]) -> dict[str, HelpLine]:
    """Return the help of a dataclass of flags, by field; fields that are dataclasses of flags give their own.

    Args:
        kind: The dataclass; its fields are documented in its docstring, or below each of them.

    Returns:
        {field: its line}.
    """
    hints = get_type_hints(kind, include_extras=True)
    words = field_docs(kind)  # type: ignore[arg-type]  # mypy takes classes for unhashable
    found: dict[str, HelpLine] = {}
    for spec in dataclasses.fields(kind):
        inner = next(_kinds(hints[spec.name]))
        if dataclasses.is_dataclass(inner):
            found |= lines_of(inner)  # type: ignore[arg-type]  # an Annotated hint holds the class itself
        else:
            found[spec.name] = _line(spec, hints[spec.name], words.get(spec.name, ""))
    return found


@cache
def field_docs(kind: type[Any]) -> dict[str, str]:
    """Return what is written about each field of a dataclass and of its bases, as one line each."""
    parsed = [docstring_parser.parse_from_object(base) for base in reversed(kind.__mro__) if base is not object]
    return {one.arg_name: " ".join((one.description or "").split()) for doc in parsed for one in doc.params}


def _line(spec: Any, hint: Any, about: str) -> HelpLine:
    is_word, is_needed = POSITIONAL in get_args(hint)[1:], spec.default is dataclasses.MISSING
    usual = _format_value(spec.default)
    said = re.search(rf"(?<!\w){re.escape(usual)}(?!\w)", about)
    if not is_needed and not said and spec.default is not None and spec.default is not False and usual:
        about = f"{about} Default: {usual}."
    return HelpLine(_format_flag(spec.name, hint, is_word), about.strip(), is_word, is_needed)


def _format_value(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _format_flag(name: str, hint: Any, is_word: bool) -> str:
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    metavar = next((one.metavar for one in extras if getattr(one, "metavar", None)), None)
    if is_word:
        return metavar or name.upper()
    kinds = list(_kinds(hint))
    short = [alias for one in extras for alias in getattr(one, "aliases", None) or ()]
    value = metavar or ("" if kinds == [bool] else SPELLINGS.get(name) or VALUES.get(kinds[-1], "TEXT"))
    typed = next((one.name for one in extras if getattr(one, "name", None)), None) or name
    return f"{', '.join([*short, '--' + typed.replace('_', '-')])} {value}".rstrip()


def _kinds(hint: Any) -> Iterator[Any]:
    """The plain types within a hint."""
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _kinds(get_args(hint)[0])
    elif origin in (Union, types.UnionType, tuple):
        for inner in get_args(hint):
            if inner is not types.NoneType and inner is not ...:
                yield from _kinds(inner)
    else:
        yield hint


def _wrap(paragraph: str, width: int) -> str:
    if paragraph.startswith("  "):
        return paragraph.rstrip()
    return textwrap.fill(" ".join(paragraph.split()), width, break_long_words=False, break_on_hyphens=False)


def _rows(line: HelpLine, width: int) -> list[str]:
    """The spelling and what it does: beside each other, or below where the spelling is too long for a short end."""
    head = f"  {line.spelling}"
    beside = f"{head:<{COLUMN - 2}}  {line.about}".rstrip()
    if len(beside) <= width:
        return [beside]
    words = textwrap.wrap(line.about, max(width - COLUMN, 20), break_long_words=False, break_on_hyphens=False)
    below = [" " * COLUMN + row for row in words]
    if len(head) + 2 <= COLUMN:
        return [f"{head:<{COLUMN}}{''.join(words[:1])}".rstrip(), *below[1:]]
    spelled = textwrap.wrap(line.spelling, width, initial_indent="  ", subsequent_indent="      ")
    if len(spelled) > 1 and len(spelled[-1]) + 2 <= COLUMN:
        return [*spelled[:-1], f"{spelled[-1]:<{COLUMN}}{''.join(words[:1])}".rstrip(), *below[1:]]
    return [*spelled, *below]
