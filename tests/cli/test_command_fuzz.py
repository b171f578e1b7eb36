"""Odd words, odd variables, odd streams: the command ends in time, with a code of its help, and without a traceback."""

import time
from pathlib import Path

import pytest

import command_fuzz
from advnets import errors
from advnets.cli import main as command, output
from fuzzing import needs_fork

pytestmark = [needs_fork, pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")]


def test_the_help_names_the_exit_codes() -> None:
    assert sorted(command_fuzz.DOCUMENTED) == [0, 2, 3, 4, 5, 129, 130, 141, 143]


def test_every_verb_is_fuzzed() -> None:
    assert {words[0] for words in command_fuzz.CALLS if words} >= set(command.VERBS)


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


def divide(*given: object) -> None:
    print(1 // 0)


BROKEN: dict[str, tuple[dict[str, object], command_fuzz.Call]] = {
    "traceback": ({"_run_verb": divide}, command_fuzz.Call((), {}, "utf-8", ("closed", "closed"), True)),
    "raw control characters": (
        {"escape_lines": str, "escape": str},
        command_fuzz.Call(("sample", "\x1b[31m", "--out", "x.png"), {}, "utf-8", ("file", "file"), True),
    ),
    "undocumented: 120": (
        {"close_streams": lambda: None},
        command_fuzz.Call(("nothing",), {}, "utf-8", ("file", "full"), True),
    ),
    "no clear line": (
        {"write_error": lambda text: None},
        command_fuzz.Call(("nothing",), {}, "utf-8", ("file", "file"), True),
    ),
    "hang": ({"_run_verb": lambda *given: time.sleep(60)}, command_fuzz.Call((), {}, "utf-8", ("file", "file"), True)),
}
"""What is left out or broken, by what the fuzz must say of a call then."""


@pytest.mark.parametrize("outcome", BROKEN)
def test_the_fuzz_notices_a_broken_command(outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, call = BROKEN[outcome]
    for module in (output, command, errors):
        for name in changes.keys() & vars(module).keys():
            monkeypatch.setattr(module, name, changes[name])
    if outcome == "hang":
        monkeypatch.setattr(command_fuzz, "SECONDS", 0.2)
    place = tmp_path / "call"
    place.mkdir()
    assert command_fuzz.make_call(call, place).outcome == outcome
