"""The fuzz harness bites: each kind of misbehaviour is caught, told, and laid to the case that did it."""

import ctypes
import os
import random
import time
from pathlib import Path

import pytest

from advnets.errors import Damaged
from fuzzing import Bounds, assert_only_our_errors, fuzz, mutated, needs_fork

SEEDS = [bytes(range(200)), b"a" * 100]


def marked(data: bytes, rng: random.Random) -> bytes:
    """One case in about twenty begins with an exclamation mark."""
    return b"!" + data if rng.random() < 0.1 else data


def reader(misbehave: object) -> object:
    def load(path: Path) -> None:
        content = path.read_bytes()
        if content.startswith(b"!"):
            misbehave(path)  # type: ignore[operator]
        if content[:1] != b"a":
            raise Damaged(f"{path} does not begin with a")

    return load


def key_error(path: Path) -> None:
    raise KeyError("no error of ours")


def segfault(path: Path) -> None:
    ctypes.string_at(0)


def sleep(path: Path) -> None:
    time.sleep(60)


def burn(path: Path) -> None:
    while True:
        pass


def flood(path: Path) -> None:
    bytes(bytearray(80 * 2**20))


def claim(path: Path) -> None:
    bytearray(2**40)


def leave(path: Path) -> None:
    os._exit(0)


def name_nothing(path: Path) -> None:
    raise Damaged("something is wrong")


SABOTEURS = [
    (key_error, "other: KeyError"),
    (segfault, "signal: SIGSEGV"),
    (sleep, "time"),
    (burn, "time"),
    (flood, "memory"),
    (claim, "memory"),
    (leave, "exit 0"),
    (name_nothing, "unnamed: Damaged"),
]
QUICK = Bounds(seconds=0.3, stall=1.0, memory=50 * 2**20)
PATIENT = Bounds(seconds=10.0, memory=50 * 2**20)
"""For what is caught by other bounds than those of time: a busy machine takes a second for 80 MiB."""


@needs_fork
@pytest.mark.parametrize(("saboteur", "expected"), SABOTEURS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_saboteur_is_caught(saboteur: object, expected: str, tmp_path: Path) -> None:
    load = reader(saboteur)
    bounds = QUICK if expected == "time" else PATIENT
    told = fuzz(load, SEEDS[1:], 40, folder=tmp_path, mutators=[marked], bounds=bounds)  # type: ignore[arg-type]
    assert told.outcomes.total() == 40, "the cases after a death go on"
    assert set(told.outcomes) <= {"ok", "Damaged", expected}
    assert told.outcomes[expected] >= 1
    for failure in told.failures:
        assert failure.replay is not None
        assert failure.replay.read_bytes().startswith(b"!"), "laid to the case that did it"
    with pytest.raises(AssertionError, match=expected):
        assert_only_our_errors(told)


@needs_fork
def test_a_good_reader_passes_and_the_cases_are_reproducible(tmp_path: Path) -> None:
    def load(path: Path) -> None:
        if path.read_bytes() != SEEDS[0]:
            raise Damaged(f"{path} is another file")

    told = [fuzz(load, SEEDS, 600, folder=tmp_path, seed=seed) for seed in (1, 1, 2)]
    assert_only_our_errors(told[0])
    assert told[0].outcomes == told[1].outcomes
    assert told[0].outcomes.total() == 600


@needs_fork
def test_a_reader_that_refuses_nothing_is_vacuous(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="were refused"):
        assert_only_our_errors(fuzz(lambda path: None, SEEDS, 20, folder=tmp_path))


def test_mutation_changes_bytes_and_repeats_by_its_seed() -> None:
    made = {mutated(SEEDS[0], random.Random(seed), SEEDS) for seed in range(300)}
    assert len(made) > 250
    assert made == {mutated(SEEDS[0], random.Random(seed), SEEDS) for seed in range(300)}
    assert {len(one) < 200 for one in made} == {True, False}
    assert mutated(b"", random.Random(1)) is not None
