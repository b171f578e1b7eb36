"""What the doctor has judged of a run by its last probe, and what it cannot judge yet; no model is loaded."""

from collections.abc import Mapping, Sequence
from typing import Any

from advnets.diagnosis import DETECTORS, NotJudged, Probe, describe_silence, gather_not_judged
from advnets.disk import Folder
from advnets.errors import Damaged
from advnets.runs.tail import read_last_lines, read_tail
from advnets.web.watch.folder import standing_findings

PROBES = "probes.jsonl"
UNPROBED = "The doctor has made no probe of this run yet. Once there is a checkpoint, ask it: advnets diagnose RUN"


def describe_judgement(folder: Folder) -> dict[str, Any]:
    """Return what is not judged yet at the last probe, as `advnets diagnose` says it.

    Args:
        folder: The run's directory, held open.

    Returns:
        {"step": ..., "probes": ..., "failures": ..., "words": ..., "not_judged": [{"name": ..., "until": ...}]}. The
        step is that of the last probe, None without any; the words are those for a run without a finding.

    Raises:
        Damaged: If a line is no probe.
        OSError: If a file cannot be read.
    """
    standing = standing_findings(folder)
    probes = _read_probe_lines(folder)
    if not probes:
        return {"step": None, "probes": 0, "failures": len(DETECTORS), "words": UNPROBED, "not_judged": []}
    try:
        step, waiting = _judge(probes, standing)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Damaged(
            f"{folder.path / PROBES}: a line is no probe ({error}); expected what the doctor writes. Bring the "
            "file back from a copy, or remove it."
        ) from error
    words = describe_silence(step, len(waiting))
    later = [{"name": one.name, "until": one.words_of_wait()} for one in waiting]
    return {"step": step, "probes": len(probes), "failures": len(DETECTORS), "words": words, "not_judged": later}


def _read_probe_lines(folder: Folder) -> list[Mapping[str, Any]]:
    """The probes of the first part of the file, which are more than are waited for, and then the last ones."""
    tail = read_tail(folder, PROBES)
    return [*tail.entries, *(read_last_lines(folder, PROBES) if tail.is_more else [])]


def _judge(lines: Sequence[Mapping[str, Any]], standing: Mapping[str, str]) -> tuple[int, list[NotJudged]]:
    ways: dict[str, list[Probe]] = {}
    for line in lines:
        probe = Probe.from_json(line)
        ways.setdefault(probe.way, []).append(probe)
    return max(past[-1].step for past in ways.values()), gather_not_judged(ways, standing)
