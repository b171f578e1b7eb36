"""Odd words, odd variables, odd streams: the command ends in time, with a code of its help, and without a traceback."""

from pathlib import Path

import pytest

import command_fuzz
from advnets.cli import main as command
from advnets.cli import output
from fuzzing import needs_fork

pytestmark = [needs_fork, pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")]


def test_the_help_names_the_exit_codes() -> None:
    assert command_fuzz.DOCUMENTED == {0, 2, 3, 4, 130, 141, 143}


def test_a_hundred_calls_end_as_documented(tmp_path: Path) -> None:
    found = command_fuzz.fuzz(100, folder=tmp_path)
    command_fuzz.assert_ends_as_documented(found)
    assert found.outcomes["exit 0"] >= 20, "else too few calls do any work"
    assert found.outcomes["exit 2"] >= 20


@pytest.mark.slow
def test_two_thousand_calls_end_as_documented(tmp_path: Path) -> None:
    found = command_fuzz.fuzz(2000, folder=tmp_path, seed=1)
    command_fuzz.assert_ends_as_documented(found)
    assert found.verbs == set(command.VERBS)


def fail(*given: object, **more: object) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("names", "outcome"),
    [
        (("_encodable", lambda text, stream: text), "traceback"),
        (("escape_lines", lambda text: text), "raw control characters"),
        (("close_streams", lambda: None), "undocumented: 120"),
        (("write_error", lambda text: None), "no clear line"),
    ],
)
def test_a_broken_output_is_noticed(
    names: tuple[str, object], outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fuzz bites: what the output does for a call is left out, and a call shows it."""
    name, instead = names
    for module in (output, command):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, instead)
    call = {
        "traceback": command_fuzz.Call(("\N{SNOWMAN}",), {}, "ascii", ("file", "file"), True),
        "raw control characters": command_fuzz.Call(("--version",), {}, "utf-8", ("file", "file"), True),
        "undocumented: 120": command_fuzz.Call(("nothing",), {}, "utf-8", ("file", "full"), True),
        "no clear line": command_fuzz.Call(("nothing",), {}, "utf-8", ("file", "file"), True),
    }[outcome]
    place = tmp_path / "call"
    place.mkdir()
    assert command_fuzz.make_call(call, place).outcome == outcome
