"""The house laws: imports go down only, and what must not be imported is not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "advnets"

FLOORS = [
    {"__init__", "__main__"},
    {"errors", "disk", "averaging", "training"},
    {"objectives", "constraints", "theory", "schedules", "records", "distributed", "figures", "networks"},
    {"penalties", "latents", "randomness", "optimizers", "statistics", "data"},
    {"games", "baselines", "metrics", "runs"},
    {"extractors", "turns"},
    {"algorithm", "capture", "assessment"},
    {"recipes"},
    {"experiment"},
    {"comparison", "studies"},
    {"cli"},
]  # fmt: skip
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
LAZY = {"matplotlib", "sklearn", "resource", "onnxruntime"}
"""Third-party packages that are slow, one that Windows lacks, one of an extra: these may be imported in a function."""

RESTRICTED = 'torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)'
"""The one pickle of others that is read: after its checksum, by torch's reader that makes tensors only."""

FILES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[0]


def imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "advnets":
            found += [f"advnets.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_imports_only_from_lower_floors_or_its_own_room(path: Path) -> None:
    room = room_of(path)
    if path.parent == SOURCE and room == "__init__":
        return
    for name in imports(ast.parse(path.read_text())):
        if not name.startswith("advnets."):
            continue
        other = name.split(".")[1]
        if room == "__main__":
            assert other == "cli"
            continue
        assert other in FLOOR_OF, f"{other} is on no floor"
        assert other in (room, "errors") or FLOOR_OF[other] < FLOOR_OF[room], f"{room} must not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_stand_at_the_top(path: Path) -> None:
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef):
            late = {name.split(".")[0] for name in imports(function)}
            assert late <= LAZY, f"{path.name}: {function.name} imports {late - LAZY}"


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in FILES} == set(FLOOR_OF)


@pytest.mark.parametrize("room", ["metrics", "theory"])
def test_measuring_never_sees_a_network(room: str) -> None:
    for path in FILES:
        if room_of(path) == room:
            names = imports(ast.parse(path.read_text()))
            seen = [name for name in names if name.startswith(("torch.nn", "advnets.networks", "advnets.games"))]
            assert set(seen) <= {"torch.nn.functional"}


def test_files_stay_short() -> None:
    assert {path.name: n for path in FILES if (n := len(path.read_text().splitlines())) > 400} == {}


def test_importing_advnets_does_not_import_torch() -> None:
    code = "import sys, advnets; assert 'torch' not in sys.modules; advnets.Game; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_list_of_verbs_does_not_import_torch() -> None:
    code = "import sys; from advnets.cli.main import main; main(['--help']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_no_pickle_and_no_eval() -> None:
    for path in FILES:
        text = path.read_text()
        for word in ("import pickle", "torch.load", "torch.save", "eval(", "exec(", "allow_pickle=True"):
            used = text.replace(".eval()", "").replace(RESTRICTED, "")
            assert word not in used, f"{path.name} uses {word}"
