"""Settings and recipes of any content, and run directories that something happened to; all counts are slow."""

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny
from advnets import experiment, runs
from advnets.errors import AdvnetsError, BadInput
from advnets.experiment.settings import settings_from
from advnets.recipes import RECIPES, to_json
from fuzzing import Bounds, assert_only_our_errors, fuzz, needs_fork

pytestmark = needs_fork


def told(recipe: Any) -> bytes:
    """A recipe.json as a run has it."""
    settings = {**tiny.settings("run").as_json(), "out": None}
    return json.dumps({"recipe": to_json(recipe), "settings": settings, "data": {}}).encode()


SMALL = [tiny.narrow(recipe) for recipe in RECIPES.values()]
SEEDS = [told(tiny.RECIPE), json.dumps(to_json(tiny.RECIPE)).encode(), *map(told, SMALL)]
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.5, 10**6, 10**12, 10**30, -(10**400), 1e308, float("nan"), float("inf"), "", "x",
    "paper", "../../etc/passwd", "\ud800", "digits\0", "ring", [], [1, 2], [[]], {}, {"row": "linear"}, {"row": []},
    {"row": "Constant", "value": "x"}, {"a": 1},
)  # fmt: skip


def odd_json(data: bytes, rng: random.Random) -> bytes:
    """One to three values, names or places in the JSON changed."""
    value = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        place, name = rng.choice(places(value))
        kind = rng.randrange(6)
        if kind < 3:
            place[name] = rng.choice(ODD)
        elif kind == 3:
            del place[name]
        elif kind == 4 and isinstance(place, dict):
            place[f"{name}s"] = place.pop(name)
        else:
            other, key = rng.choice(places(value) or [(place, name)])
            place[name] = json.loads(json.dumps(other[key]))
        if not places(value):
            break
    text = json.dumps(value)
    return text.encode() if rng.random() < 0.9 else rng.choice((twice, deep))(text).encode()


def twice(text: str) -> str:
    return '{"recipe": 3, ' + text.lstrip("{")


def deep(text: str) -> str:
    return '{"recipe": ' + "[" * 100_000 + "]" * 100_000 + "}"


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every value in the JSON, as what it is in and where."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, name) for name, _ in inner] + [place for _, item in inner for place in places(item)]


def start(path: Path) -> None:
    """Start a run by a file; it is refused before anything is written, or the run is there."""
    out = path.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    try:
        settings = settings_from(runs.read_json(path).get("settings", {}))
        run = experiment.start(path, settings=replace(settings, out=str(out)))
    except AdvnetsError:
        assert not out.exists(), "something was written"
        raise
    assert experiment.Run(out).recipe == run.recipe


@pytest.mark.parametrize("n", [40, pytest.param(1_000, marks=pytest.mark.slow)])
def test_any_settings_and_recipe(n: int, tmp_path: Path) -> None:
    result = fuzz(start, SEEDS, n, folder=tmp_path, name="mine.json", mutators=[odd_json], named=False,
                  bounds=Bounds(seconds=5))  # fmt: skip
    assert_only_our_errors(result)


CORPUS = {
    "dropout-is-a-number.json": "dropout is 1; expected",
    "constraints-are-a-text.json": "constraints is 'x'; expected",
    "objective-is-a-truth-value.json": "objective is True; expected",
    "a-size-is-a-list.json": "hidden, item 0 is ",
    "a-size-is-half.json": "hidden, item 0 is ",
    "beta-above-one.json": "beta 2 is 1.5",
}
"""What once ended in a traceback, and what is said of it now."""


@pytest.mark.parametrize("name", CORPUS)
def test_a_crasher_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=CORPUS[name]):
        experiment.find_recipe(Path(__file__).parents[1] / "corpus" / name)


def test_the_corpus_is_listed() -> None:
    assert {path.name for path in (Path(__file__).parents[1] / "corpus").iterdir()} >= set(CORPUS)


def remove(path: Path, rng: random.Random) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def truncate(path: Path, rng: random.Random) -> None:
    if path.is_file():
        os.truncate(path, rng.randrange(path.stat().st_size + 1))


def flip(path: Path, rng: random.Random) -> None:
    if path.is_file() and path.stat().st_size:
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)


def rename(path: Path, rng: random.Random) -> None:
    names = (
        "00000012",
        "00000002",
        "x",
        ".tmp-1-x",
        "00000008-copy",
        "tensors.safetensors",
        "99999999999999999999",
        "²",
    )
    to = path.with_name(rng.choice(names))
    if not to.exists():
        path.rename(to)


def duplicate(path: Path, rng: random.Random) -> None:
    to = path.with_name(rng.choice(("00000012", "00000003", f"{path.name} (copy)")))
    if path.is_dir() and not to.exists():
        shutil.copytree(path, to)
    elif path.is_file() and not to.exists():
        shutil.copy(path, to)


def link(path: Path, rng: random.Random) -> None:
    remove(path, rng)
    path.symlink_to(rng.choice(("nowhere", "/dev/null", "/dev/zero", "..", path.name, "/etc/hostname")))


def lock_out(path: Path, rng: random.Random) -> None:
    path.chmod(rng.choice((0, 0o444)))


def become(path: Path, rng: random.Random) -> None:
    was_file = path.is_file()
    remove(path, rng)
    path.mkdir() if was_file else path.write_bytes(b"file")


CONTENTS = (b"", b"{}", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 10_000, b'{"step": 1}\n', b"0" * 5_000)


def replace_bytes(path: Path, rng: random.Random) -> None:
    if path.is_file():
        path.write_bytes(rng.choice(CONTENTS))


HAPPENINGS: tuple[Callable[[Path, random.Random], None], ...] = (
    remove, truncate, flip, rename, duplicate, link, lock_out, become, replace_bytes)  # fmt: skip


@pytest.mark.parametrize("n", [16, pytest.param(300, marks=pytest.mark.slow)])
def test_a_run_directory_that_something_happened_to(n: int, tmp_path: Path) -> None:
    golden = tiny.trained("golden", steps=8, journal_steps=2, preview_steps=4)
    states = {step: runs.load_checkpoint(golden.directory.checkpoints / f"{step:08d}")[1] for step in (4, 8)}
    ends = {step: runs.state_fingerprint(state) for step, state in states.items()}

    def survive(case: Path) -> None:
        """Damage a copy by the case, then use it: the last state, the one before, or an error of ours."""
        rng, out = random.Random(case.read_bytes()), case.parent / "run"
        if out.exists():
            remove_anyhow(out)
        shutil.copytree("golden", out)
        for _ in range(rng.choice((1, 1, 2, 3))):
            chosen = rng.choice(sorted(path for path in out.rglob("*") if path.name != ".lock"))
            rng.choice(HAPPENINGS)(chosen, rng)
        use(out, ends)

    told = fuzz(survive, [b"a run"], n, folder=tmp_path, named=False, bounds=Bounds(seconds=10))
    assert_only_our_errors(told, refused=0.05)
    assert told.outcomes["ok"] > n / 4


def remove_anyhow(path: Path) -> None:
    """Remove a tree whatever its permissions."""
    for folder, _, _ in os.walk(path):
        os.chmod(folder, 0o700)
    shutil.rmtree(path)


def use(out: Path, ends: dict[int, str]) -> None:
    run = experiment.Run(out)
    run.sample(2)
    step, state, _ = runs.load_latest(run.directory.checkpoints)
    assert runs.state_fingerprint(state) == ends[step]
    run.notes()
    run.directory.journal.read()
    assert experiment.resume(out, steps=9).step == 9
