"""advnets play: the paper's Figure 1, alive in the browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from advnets.cli.flags.arguments import parse
from advnets.cli.output import write_output
from advnets.errors import BadInput, unknown
from advnets.studies.playground import LESSONS, Link
from advnets.web import serve
from advnets.web.play import play_page

ABOUT = """Play a game between a discriminator and a generator, and watch it move: the 2014 paper's Figure 1 in the
browser, on the line or in the plane.

The page is served on this machine alone, until Ctrl-C. Its address holds the whole state behind the #: give that to
others, who open it by --state. What trains behind it are the library's own games, algorithms and objectives."""


@dataclass(frozen=True)
class PlayFlags:
    """What the page begins with.

    Attributes:
        lesson: Begin with a prepared lesson: saturation, helvetica, small-k, cycling, r1-heals, wgan, extragradient or
            mode-dropping.
        state: Begin with the state that an address holds behind its #.
        korean: Show the page in Korean.
        port: The port of the page; 0 takes any that is free.
        no_browser: Print the address, and open no browser.
    """

    lesson: str | None = None
    state: Annotated[str, tyro.conf.arg(metavar="STATE")] = ""
    korean: bool = False
    port: int = 0
    no_browser: bool = False


def main(argv: Sequence[str]) -> int:
    """Serve the page until a signal.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    flags = parse(PlayFlags, argv, verb="play", about=ABOUT)
    serve(play_page(), port=flags.port, open_browser=not flags.no_browser, show=_show, state=_state(flags))
    return 0


def _state(flags: PlayFlags) -> str:
    if flags.lesson is not None and flags.state:
        raise BadInput("--lesson and --state are both given; expected one of them")
    if flags.lesson is not None and flags.lesson not in LESSONS:
        raise unknown("lesson", flags.lesson, LESSONS)
    link = Link.of(flags.state if flags.lesson is None else LESSONS[flags.lesson].fragment)
    return (link.replace(language="ko") if flags.korean else link).fragment()


def _show(address: str) -> None:
    write_output(f"play at {address}\nThe page is on this machine alone. Ctrl-C ends it.")
