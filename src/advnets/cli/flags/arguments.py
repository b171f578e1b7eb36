"""How a verb's words and flags become a frozen dataclass."""

import difflib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

import tyro

from advnets.cli.flags.help import lines_of, render
from advnets.cli.output import write_output
from advnets.errors import BadInput

Arguments = TypeVar("Arguments")

IMAGE_GROUP = {
    "images in files, and those of --against": (
        "image_size", "image_fit", "image_alpha", "image_channels", "cache_memory", "verify",
    ),
}  # fmt: skip
"""The flags of images in the help of the verbs that measure."""


def parse(
    kind: type[Arguments],
    argv: Sequence[str],
    *,
    verb: str,
    about: str,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> Arguments:
    """Parse the flags of a verb into a dataclass, or print its help, or say what is wrong with them.

    Args:
        kind: The dataclass, one field a flag.
        argv: The words of the command line after the verb.
        verb: The verb and the words that stand before its flags, such as "data [NAME|PATH]".
        about: What the verb does, for the help.
        groups: {title: fields} for the help; fields of no group stand under "flags".

    Returns:
        The flags.

    Raises:
        BadInput: For a flag that the verb does not have, and for a value that does not fit its flag.
        SystemExit: With 0 after the help.
    """
    if {"-h", "--help"} & set(argv):
        write_output(help_text(kind, verb=verb, about=about, groups=groups or {}).rstrip())
        raise SystemExit(0)
    expect_flags(argv, [line.spelling for line in lines_of(kind).values()], verb=verb)
    return parse_words(kind, argv, verb=verb)


def parse_words(kind: type[Arguments], argv: Sequence[str], *, verb: str, default: Any = None) -> Arguments:
    """Parse flags that are known, without help.

    Args:
        kind: As `parse` takes it.
        argv: As `parse` takes it.
        verb: As `parse` takes it.
        default: An instance that holds the defaults; None for those of the fields.

    Returns:
        The flags.

    Raises:
        BadInput: For a value that does not fit its flag, or is missing.
    """
    config = (tyro.conf.AvoidSubcommands, tyro.conf.FlagCreatePairsOff)
    given = {} if default is None else {"default": default}
    words = io.StringIO()
    try:
        with redirect_stdout(words), redirect_stderr(words):
            parsed: Arguments = tyro.cli(kind, args=list(argv), prog=f"advnets {verb}", config=config, **given)
    except SystemExit as stop:
        said = _read_box(words.getvalue()) or "the flags cannot be read"
        raise BadInput(f"{said}. `advnets {verb.split()[0]} --help` lists the flags.") from stop
    return parsed


def _read_box(box: str) -> str:
    """What the parser says, of the box that it prints: a title, a rule, its words, and help that is left out here."""
    lines = [line.strip("│|").rstrip() for line in box.splitlines()]
    rules = [place for place, line in enumerate(lines) if not line.strip("─- ") and line] or [0]
    words = lines[rules[0] + 1 :]
    end = next((place for place, line in enumerate(words) if not line.strip("─- ")), len(words))
    found = " ".join(line.strip() for line in words[:end] if not line.startswith(" " * 8))
    for pattern, plain in PLAINER:
        found = re.sub(pattern, plain, found)
    return found


PLAINER = (
    (r"^Error parsing (\S+): ", r"\1: "),
    (r"no type matching (?:\{None\}\|)?(\S+) could be instantiated from \[(.*)\]", r"found \2, expected \1"),
    (r"invalid literal for int\(\) with base 10: (.*)$", r"found \1, expected a whole number"),
    (r"could not convert string to float: (.*)$", r"found \1, expected a number"),
    (r"expected FLOAT\b", "expected a number"),
    (r"expected INT\b", "expected a whole number"),
    (r"^Missing value for argument '(.+)'\. Expected 1 values?", r"\1: found no value, expected one"),
    (r" \(required\)|[.:]$", ""),
)
"""Patterns in the words of the parser, and what is said in their place."""


def expect_flags(argv: Sequence[str], spellings: Iterable[str], *, verb: str) -> None:
    """Refuse a flag that a verb does not have.

    Args:
        argv: The words of the command line after the verb.
        spellings: How the verb's flags are typed, such as "-n, --n N".
        verb: The verb, for the message.

    Raises:
        BadInput: For the first flag that is none of them, with the nearest one.
    """
    known = [word.rstrip(",") for spelling in spellings for word in spelling.split() if word.startswith("-")]
    for word in argv:
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag not in known:
            near = difflib.get_close_matches(flag, known, n=1)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            raise BadInput(f"unknown flag {flag!r}. {meant}`advnets {verb.split()[0]} --help` lists the flags.")


def help_text(kind: type[Any], *, verb: str, about: str, groups: Mapping[str, Sequence[str]]) -> str:
    """Return the help of a verb.

    Args:
        kind: As `parse` takes it.
        verb: As `parse` takes it.
        about: As `parse` takes it.
        groups: As `parse` takes it.

    Returns:
        The text, which ends with a newline.
    """
    lines = lines_of(kind)
    words = [line for line in lines.values() if line.is_word]
    needed = [line for line in lines.values() if line.is_needed and not line.is_word]
    grouped = {name for names in groups.values() for name in names}
    others = [line for name, line in lines.items() if name not in grouped and not line.is_word]
    typed = [line.spelling if line.is_needed else f"[{line.spelling}]" for line in (*words, *needed)]
    usage = " ".join(["advnets", verb, *typed, "[flags]"])
    titled = {title: [lines[name] for name in names] for title, names in groups.items()}
    return render(usage, about, {"arguments": words, **titled, "flags": others})


def print_result(value: Any, *, as_json: bool, text: str, kept: str | Path | None = None) -> None:
    """Print a result, as one JSON document or as text.

    Args:
        value: The result as JSON values.
        as_json: Whether it is printed as JSON.
        text: The result as text.
        kept: As `write_output` takes it.

    Raises:
        CannotWrite: As `write_output` does.
        BrokenPipeError: As `write_output` does.
    """
    # JSON is ASCII but for this character, whose escape sequence in JSON is not that of a terminal.
    write_output(json.dumps(value, indent=2).replace("\x7f", r"\u007f") if as_json else text, kept=kept)


def split_words(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split leading words from the flags that follow them.

    Args:
        argv: The words of the command line after the verb.

    Returns:
        The words before the first flag, and the rest.
    """
    cut = next((place for place, word in enumerate(argv) if word.startswith("-")), len(argv))
    return list(argv[:cut]), list(argv[cut:])
