"""advnets push RUN user/name: a generator on a hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result
from advnets.text import escape

ABOUT = """Put a generator on a model hub: its share file, its model card and a picture of samples, as one commit.

The hub is Hugging Face's, or the one at $HF_ENDPOINT. Your token is that of `hf auth login`, or $HF_TOKEN. A repository
that is missing is made, and only you see it, unless you say --public. Nothing but these three files is sent: no pickle,
no checkpoint, no image of your data. At the end the hub is asked which bytes it has, and they must be those sent.

This needs an extra: pip install 'advnets[hub]'"""


@dataclass(frozen=True)
class PushFlags:
    """What is pushed, and where it goes.

    Attributes:
        run: The run directory, a file that `advnets export` wrote, or a model that ships.
        repository: The repository on the hub.
        checkpoint: Take this checkpoint of a run, by its step, or the best, which --keep-best has kept; default the
            newest good one.
        public: Let everybody see a repository that is made; one that is there stays as it is.
        half: Store a run's numbers in half precision.
        licence: The licence under which others may use a run's generator, such as cc-by-4.0.
        notes: What else they should know of it.
        json: Print the result as JSON.
    """

    run: tyro.conf.Positional[Path]
    repository: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="USER/NAME")]
    checkpoint: Annotated[str | None, tyro.conf.arg(metavar="STEP|best")] = None
    public: bool = False
    half: bool = False
    licence: str = ""
    notes: str = ""
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Push a generator and say how it is pulled.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(PushFlags, argv, verb="push", about=ABOUT)
    source: Path | experiment.Run = asked.run
    if asked.checkpoint is not None:
        opened = experiment.open_source(asked.run, checkpoint=asked.checkpoint)
        assert isinstance(opened, experiment.Run)  # a file is refused
        source = opened
    lock = experiment.push(
        source,
        asked.repository,
        public=asked.public,
        half=asked.half,
        licence=asked.licence,
        notes=asked.notes,
    )
    digest = lock.files[experiment.SHARE_FILE].sha256
    result = {"repository": lock.repository, "commit": lock.commit, "sha256": digest}
    text = escape(f"{lock.repository}: {asked.run} is on the hub, as commit {lock.commit}")
    text = f"{text}\n  advnets pull {lock.repository}@{lock.commit} --sha256 {digest} --out generator"
    print_result(result, as_json=asked.json, text=text, kept=f"{lock.repository}@{lock.commit}")
    return 0
