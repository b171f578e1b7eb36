"""advnets info: versions, devices, caches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from advnets import experiment
from advnets.cli.flags.arguments import parse, print_result
from advnets.errors import BadInput
from advnets.text import escape

ABOUT = """Tell what is installed, what it computes on, and what lies in the cache.

--clear-cache removes what advnets made there and can make again: trained classifiers and decoded images. It takes --yes
as well. Downloads, and every file that advnets did not make, stay."""


@dataclass(frozen=True)
class InfoFlags:
    """What is told or done.

    Attributes:
        clear_cache: Remove trained classifiers and decoded images from the cache.
        yes: Do it; without this, --clear-cache removes nothing.
        json: Print the result as JSON.
    """

    clear_cache: bool = False
    yes: bool = False
    json: bool = False


def main(argv: Sequence[str]) -> int:
    """Describe the installation, or clear the cache.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    asked = parse(InfoFlags, argv, verb="info", about=ABOUT)
    if asked.yes and not asked.clear_cache:
        raise BadInput("--yes is given, and nothing that it answers; expected --clear-cache beside it. Leave it out.")
    if asked.clear_cache:
        _clear(asked)
        return 0
    told = experiment.describe_installation()
    print_result(told, as_json=asked.json, text=format_rows(told))
    return 0


def _clear(asked: InfoFlags) -> None:
    sizes = experiment.measure_cache()
    if not asked.yes:
        held = sum(sizes.get(name, 0) for name in ("classifiers", "images"))
        raise BadInput(
            f"--clear-cache would remove trained classifiers and decoded images, {held:,} bytes, and nothing was "
            "removed. Say --yes as well."
        )
    removed = experiment.clear_cache()
    text = "\n".join(f"{name}: {count:,} bytes removed" for name, count in removed.items()) or "the cache was empty"
    print_result({"removed_bytes": dict(removed)}, as_json=asked.json, text=text, kept="the cache")


def format_rows(told: dict[str, Any]) -> str:
    """Return the description as lines of text."""
    extras = {name: version for packages in told["extras"].values() for name, version in packages.items()}
    sizes = told["cache"]["bytes"]
    rows = {
        "advnets": f"{told['advnets']}{_format_commit(told)}",
        "Python": f"{told['python']} on {told['platform']}",
        "packages": ", ".join(f"{name} {version or 'missing'}" for name, version in told["packages"].items()),
        "extras": ", ".join(f"{name} {version or 'not installed'}" for name, version in extras.items()),
        "devices": ", ".join(told["devices"]),
        "processor": f"{told['arithmetic']['processor']}, {told['cores']} cores",
        "memory": f"{told['memory_bytes'] / 2**30:.1f} GiB",
        "threads": told["arithmetic"]["threads"],
        "cache": told["cache"]["folder"],
        **{f"  {name}": f"{size:,} bytes" for name, size in sizes.items()},
        "data folder": told["data_folder"] or "none ($ADVNETS_DATA is not set)",
    }
    return "\n".join(f"{name:<14}{escape(str(value))}" for name, value in rows.items())


def _format_commit(told: dict[str, Any]) -> str:
    """The commit of a checkout and whether files differ from it; nothing outside of one."""
    if told["commit"] is None:
        return ""
    state = {True: " (with changes)", False: " (clean)", None: ""}[told["changes"]]
    return f", commit {told['commit'][:7]}{state}"
