"""A replay: what was seen of a game as one HTML file, which plays without a server and asks nobody for anything."""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from advnets.studies.playground import LESSONS, Link, Playground
from advnets.web.json_text import json_text
from advnets.web.play.frames import backdrop_of, frame_of
from advnets.web.static_files import STATIC

MOST = 240
"""Moments of a replay; of a longer history every second, third, ... is taken."""

POLICY = "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'"
"""What a replay may do: run the one script and take the one style within, and load nothing at all."""

SHELL = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>advnets replay</title>
<style>{style}</style>
<body class="replay">
<div id="page"></div>
<noscript>This replay needs JavaScript, which is all within this file.</noscript>
<script type="application/json" id="recorded">{recorded}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def replay_html(games: Sequence[Playground], link: Link) -> str:
    """Return a replay of games as one self-contained page.

    Args:
        games: One game, or two that were played side by side.
        link: The state of the page that they were played on: its language, and its lesson.

    Returns:
        The HTML. Its policy lets nothing run but the script within, and lets that load nothing.
    """
    lesson = LESSONS.get(link.lesson)
    told = {
        "fragment": link.fragment(),
        "language": link.language,
        "lesson": None if lesson is None else {"title": lesson.title, "look": lesson.look},
        "games": [{**backdrop_of(game), "frames": _frames(game)} for game in games],
    }
    script = "\n".join(_as_one_script(name) for name in ("play/texts.js", "play/draw.js", "play/replay.js"))
    style = "\n".join((STATIC / name).read_text() for name in ("theme.css", "play/play.css"))
    return SHELL.format(
        language=link.language, recorded=json_text(told), script=script, style=style,
        policy=POLICY.format(script=_hash(script), style=_hash(style)),
    )  # fmt: skip


def _frames(game: Playground) -> list[dict[str, Any]]:
    """The moments of a replay, evenly spread, the first and the last among them."""
    moments = list(game.history)
    stride = -(-len(moments) // MOST)
    chosen = moments[::stride] if (len(moments) - 1) % stride == 0 else [*moments[::stride], moments[-1]]
    return [frame_of(moment) for moment in chosen]


def _as_one_script(name: str) -> str:
    """A module without its imports and exports, to stand in one script with the others."""
    text = (STATIC / name).read_text()
    text = re.sub(r"^import .*?;\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export ", "", text, flags=re.MULTILINE)


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
