"""What is done to checkpoints to see whether damage is noticed, and which of them must be kept."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from advnets import runs
from advnets.errors import Damaged


def state(step: int = 3) -> dict[str, Any]:
    torch.manual_seed(step)
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    shared = torch.arange(6.0)
    return {
        "network": dict(network.state_dict()),
        "optimizer": optimizer.state_dict(),
        "views": {"a": shared, "b": shared[2:4], "t": torch.randn(3, 2).T},
        "kinds": [torch.tensor(True), torch.empty(0, dtype=torch.uint8), torch.tensor(7), torch.randn(2).double(),
                  torch.randn(2).bfloat16()],
        "plain": {"none": None, "flag": True, "int": 2**60, "float": 0.1 + 0.2, "text": "ü\n", 5: "five"},
    }  # fmt: skip


def flips(path: Path, n: int, rng: random.Random) -> list[tuple[Path, Callable[[bytes], bytes]]]:
    damages: list[tuple[Path, Callable[[bytes], bytes]]] = []
    files = sorted(path.iterdir())
    for number in range(n):
        file = files[number % len(files)]
        bit = rng.randrange(8 * file.stat().st_size)
        damages.append((file, lambda content, bit=bit: flip(content, bit)))  # type: ignore[misc]
    return damages


def flip(content: bytes, bit: int) -> bytes:
    return content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]


def truncations(path: Path, n: int, rng: random.Random) -> list[tuple[Path, Callable[[bytes], bytes]]]:
    damages: list[tuple[Path, Callable[[bytes], bytes]]] = []
    files = sorted(path.iterdir())
    for number in range(n):
        file = files[number % len(files)]
        length = rng.randrange(file.stat().st_size)
        damages.append((file, lambda content, length=length: content[:length]))  # type: ignore[misc]
    return damages


def undetected(path: Path) -> int:
    """Of 500 single-bit flips and 200 truncations over the files, manifest included: how many load all the same."""
    rng, passed = random.Random(11), 0
    for file, damage in [*flips(path, 500, rng), *truncations(path, 200, rng)]:
        content = file.read_bytes()
        file.write_bytes(damage(content))
        try:
            runs.load_checkpoint(path)
            passed += 1
        except Exception as error:
            assert isinstance(error, Damaged), f"{file.name}: {error!r}"
            assert str(path) in str(error)
        file.write_bytes(content)
    return passed


def keep_the_newest_good_ones(folder: Path) -> None:
    """The newest good checkpoint is the latest, and two good ones are kept."""
    for step in (1, 2, 3):
        runs.save_checkpoint(folder, step, state(step))
    assert sorted(path.name for path in folder.iterdir()) == ["00000002", "00000003"]
    (folder / "00000003" / "state.json").write_text("{}")
    step, _, skipped = runs.load_latest(folder)
    assert step == 2
    (folder / "00000002" / "state.json").rename(folder / "aside")
    with pytest.raises(Damaged, match="Bring one back from a copy, or start a new run"):
        runs.load_latest(folder)
    (folder / "aside").rename(folder / "00000002" / "state.json")
    assert [path.name for path, _ in skipped] == ["00000003"]
    runs.save_checkpoint(folder, 4, state(4))
    assert (folder / "00000002").exists(), "a damaged checkpoint does not count as one of the two that are kept"


def keep_the_best_one(folder: Path) -> None:
    """The best checkpoint stays beside the newest two, until another is the best."""
    for step in (1, 2, 3, 4):
        runs.save_checkpoint(folder, step, state(step), None, 1)
    assert sorted(path.name for path in folder.iterdir()) == ["00000001", "00000003", "00000004"]
    assert runs.load_checkpoint(folder / "00000001")[0] == 1
    runs.save_checkpoint(folder, 5, state(5), None, 3)
    assert sorted(path.name for path in folder.iterdir()) == ["00000003", "00000004", "00000005"]
