"""advnets pull user/name[@revision]: a generator from a hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result
from advnets.text import escape, quote_word

ABOUT = """Fetch a generator and its model card from a model hub into a new folder.

The hub is Hugging Face's, or the one at $HF_ENDPOINT. Only model.safetensors and README.md are fetched, whatever else
is there: no pickle and no code. The share file appears once its size and SHA-256 are those that the hub has named, and
all checks of `advnets sample` are passed. hub-lock.json beside it holds the commit and the SHA-256 of both files.

  advnets pull ada/digits --out generator
  advnets sample generator/model.safetensors --out samples.png
  advnets pull generator/hub-lock.json --out again        # the very same bytes, or an error

This needs an extra: pip install 'advnets[hub]'"""


@dataclass(frozen=True)
class PullFlags:
    """What is fetched, and where it goes.

    Attributes:
        model: The repository, with a branch, a tag or a commit if it is not to be the newest; or a lock.
        out: The folder, which is not there yet, or is empty.
        sha256: The SHA-256 that the share file must have, if you know it.
        json: Print the result as JSON.
    """

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="USER/NAME[@REVISION]|hub-lock.json")]
    out: Path
    sha256: Annotated[str | None, tyro.conf.arg(metavar="HEX")] = None
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Fetch a generator and say how it is sampled.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(PullFlags, argv, verb="pull", about=ABOUT)
    lock = experiment.pull(asked.model, asked.out, sha256=asked.sha256)
    file = asked.out / experiment.SHARE_FILE
    pin = lock.files[experiment.SHARE_FILE]
    result = {"out": str(asked.out), "repository": lock.repository, "commit": lock.commit, "sha256": pin.sha256}
    text = escape(f"{file}: {lock.repository} at commit {lock.commit}, {pin.bytes:,} bytes")
    text = f"{text}\n  advnets sample {quote_word(file)} --out samples.png"
    print_result(result, as_json=asked.json, text=text, kept=asked.out)
    return 0
