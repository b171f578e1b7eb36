"""The errors a user can meet.

    AdvnetsError                      the root: catch this to catch them all
    |- BadInput (ValueError)          something given is not what was expected; the command exits with 2
    |  |- Missing                     a file, data set or run that is not there
    |  |- Unsupported                 well formed, but of a kind this version does not read
    |  |- TooBig                      more bytes, pixels or numbers than the limit that is named
    |  |- Damaged                     bytes that are not those once written
    |  `- InUse                       a run that another process is training
    |- NonFinite (ArithmeticError)    a NaN or an Inf in a tensor that is named; the command exits with 3
    |- Collapsed                      the generator has collapsed, and the run was to stop then; exits with 5
    |- CannotWrite                    the disk is full, read-only or failing; what was saved before is intact (2)
    `- ProcessLost                    another process of the same run is gone or silent; the command exits with 4

A message says what was found, what was expected and what to do.
"""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from advnets.text import escape


class AdvnetsError(Exception):
    """The root of every error this package raises on purpose; its text is one line that any terminal can show."""

    def __str__(self) -> str:
        return escape(super().__str__())


class BadInput(AdvnetsError, ValueError):
    """Something given is not what was expected."""


class Missing(BadInput):
    """A file, data set or run is not there."""


class Unsupported(BadInput):
    """The input is well formed, but of a kind that this version does not read."""


class TooBig(BadInput):
    """There are more bytes, pixels or numbers than the limit that is named."""


class Damaged(BadInput):
    """The bytes are not those once written."""


class InUse(BadInput):
    """Another process is training the run."""


class NonFinite(AdvnetsError, ArithmeticError):
    """There is a NaN or an Inf in a tensor that is named."""


class Collapsed(AdvnetsError):
    """The generator has collapsed, and the run was asked to stop at a collapse, or cannot be rolled back."""


class CannotWrite(AdvnetsError):
    """The disk is full, read-only or failing; what was saved before is intact.

    Attributes:
        result: What was measured, and could not be kept; None if nothing was.
    """

    result: Any = None


class ProcessLost(AdvnetsError):
    """Another process of the same run is gone or silent."""


@contextmanager
def keep_result(result: object) -> Iterator[None]:
    """Give what was measured to a CannotWrite that is raised inside, so that it is not lost with the file.

    Args:
        result: What was measured.
    """
    try:
        yield
    except CannotWrite as error:
        error.result = result
        raise


def is_of_advnets(code: object) -> bool:
    """Return whether a function, or the class of an object, is defined in advnets, and not by its user.

    Args:
        code: A function, a `functools.partial` of one, or any object.

    Returns:
        True if its module is one of advnets.
    """
    while isinstance(code, partial):
        code = code.func
    module = getattr(code, "__module__", None) or type(code).__module__
    return str(module).partition(".")[0] == __name__.partition(".")[0]


@contextmanager
def name_own_failure(code: object, whose: str, advice: str = "") -> Iterator[None]:
    """Raise as BadInput, by its name, whatever the user's own code raises inside.

    The errors of this module pass as they are, and so does what code of advnets raises.

    Args:
        code: The function or object that is called inside.
        whose: How the error calls it.
        advice: What to do, as a sentence.

    Raises:
        BadInput: For every other Exception, with its kind and text; KeyboardInterrupt and the like are none.
    """
    try:
        yield
    except AdvnetsError:
        raise
    except Exception as error:
        if is_of_advnets(code):
            raise
        told = f": {first_line(error)}" if str(error) else ""
        raise BadInput(f"{whose} raised {type(error).__name__}{told}{'. ' if advice else ''}{advice}") from error


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its name if it says nothing."""
    return str(error).splitlines()[0].rstrip(".")[:160] if str(error) else type(error).__name__


def parse_whole_number(name: str, text: str, least: int, most: int, advice: str) -> int:
    """Return the whole number that a text holds.

    Args:
        name: What the number is, such as the name of a variable of the environment.
        text: The text.
        least: The least that it may be.
        most: The most that it may be.
        advice: What to do otherwise, as a sentence.

    Returns:
        The number.

    Raises:
        BadInput: If it is none, or out of bounds.

    Example:
        >>> parse_whole_number("RANK", "1", 0, 3, "Unset it.")
        1
    """
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise BadInput(f"{name} is {text[:80]!r}, expected a whole number from {least} to {most}. {advice}")
    return number


def unknown(kind: str, found: str, expected: Iterable[str]) -> BadInput:
    """Return the error for a name that is in no table.

    Args:
        kind: What the name should be, such as "recipe".
        found: The name.
        expected: All names of the table.

    Returns:
        An error that says what was found, the nearest name, and all names.

    Example:
        >>> print(unknown("recipe", "papr", ["paper", "paper-adam"]))
        unknown recipe 'papr'. Did you mean 'paper'? Known: paper, paper-adam
    """
    names = list(expected)
    near = difflib.get_close_matches(found, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return BadInput(f"unknown {kind} {found!r}.{hint} Known: {', '.join(names)}")
