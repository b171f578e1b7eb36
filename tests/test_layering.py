"""The house laws: imports go down only, and what must not be imported is not."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "advnets"

FLOORS = [
    {"__init__", "__main__"},
    {"text", "errors", "markup", "disk", "process", "averaging", "training", "distributed"},
    {"objectives", "constraints", "theory", "schedules", "records", "figures", "networks"},
    {"augmentations", "penalties", "latents", "randomness", "optimizers", "statistics", "data"},
    {"games", "baselines", "metrics", "runs"},
    {"extractors", "turns"},
    {"algorithm", "capture", "assessment"},
    {"recipes", "diagnosis"},
    {"experiment"},
    {"comparison", "studies"},
    {"web"},
    {"cli"},
]  # fmt: skip
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
LAZY = {
    "IPython", "matplotlib", "sklearn", "requests", "resource", "onnx", "onnxruntime", "urllib3", "huggingface_hub",
    "tensorboard",
}  # fmt: skip
"""Third-party packages that are slow, one that Windows lacks, and those of extras: a function may import them."""

RESTRICTED = 'torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)'
"""The one pickle of others that is read: after its checksum, by torch's reader that makes tensors only."""

FILES = sorted(SOURCE.rglob("*.py"))
ROOMS = [path.parent for path in FILES if path.name == "__init__.py" and len(list(path.parent.glob("*.py"))) > 2][1:]
NETWORKS = ("torch.nn", "advnets.networks", "advnets.games")


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
        assert other in (room, "errors", "text") or FLOOR_OF[other] < FLOOR_OF[room], f"{room} must not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_stand_at_the_top(path: Path) -> None:
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef):
            late = {name.split(".")[0] for name in imports(function)}
            assert late <= LAZY, f"{path.name}: {function.name} imports {late - LAZY}"


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in FILES} == set(FLOOR_OF)


NEVER_SEES = {
    "algorithm": ("advnets.recipes", "advnets.data", "advnets.runs", "pathlib", "time"),
    "turns": ("advnets.recipes", "advnets.data", "advnets.runs", "pathlib", "time"),
    "games": ("advnets.data", "advnets.runs", "advnets.recipes"),
    "metrics": NETWORKS,
    "statistics": NETWORKS,
    "theory": NETWORKS,
    "assessment": (*NETWORKS, "advnets.training", "advnets.algorithm", "advnets.turns", "advnets.recipes"),
    "diagnosis": (*NETWORKS, "advnets.training", "advnets.algorithm", "advnets.turns", "advnets.recipes"),
}
"""What a room must not import, beside what stands above it."""


@pytest.mark.parametrize("room", NEVER_SEES)
def test_a_room_never_sees_what_is_not_its_business(room: str) -> None:
    for path in FILES:
        if room_of(path) == room:
            names = [name for name in imports(ast.parse(path.read_text())) if name.startswith(NEVER_SEES[room])]
            assert set(names) <= {"torch.nn.functional"}, path.name


def members_of(folder: Path) -> list[str]:
    """Files and rooms inside of a room."""
    files = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    return files + [path.parent.name for path in folder.glob("*/__init__.py")]


def order_of(folder: Path) -> list[str]:
    """The order of a room's files, as its docstring says it."""
    text = " ".join((ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or "").split())
    found = re.search(r"a file imports only from those before it: ([\w, ]+)\.", text)
    if found is None:
        return []
    return found.group(1).split(", ")


@pytest.mark.parametrize("folder", ROOMS, ids=lambda folder: str(folder.relative_to(SOURCE)))
def test_inside_of_a_room_a_file_imports_only_from_those_before_it(folder: Path) -> None:
    """A file that the order leaves out stands alone: it imports none of the room, and none of the room imports it."""
    order, members = order_of(folder), members_of(folder)
    assert len(set(order)) == len(order)
    assert set(order) <= set(members)
    prefix = ".".join(("advnets", *folder.relative_to(SOURCE).parts, ""))
    for member in members:
        before = order[: order.index(member)] if member in order else []
        alone = folder / f"{member}.py"
        for path in [alone] if alone.exists() else sorted((folder / member).rglob("*.py")):
            for name in imports(ast.parse(path.read_text())):
                other = name.removeprefix(prefix).split(".")[0] if name.startswith(prefix) else member
                assert other == member or other in before, f"{member} must not import {other}"


def test_a_folder_holds_at_most_twenty_files() -> None:
    folders = {path.parent for path in FILES}
    assert {folder.name: n for folder in folders if (n := len(list(folder.glob("*.py")))) > 20} == {}


NOUNS = {
    "training", "Training", "averaging", "distributed", "opening", "Recording", "Preprocessing", "Judged", "ranking",
    "ceiling", "encoding", "markdown", "Missing", "Damaged", "Collapsed", "Unsupported", "build", "unknown", "field",
    "seed", "Finding", "finding",
}  # fmt: skip
"""Names of one word that end as participles do, and are nouns of the field or errors."""


def test_no_name_is_a_bare_participle() -> None:
    """A function is a verb with its object or the noun that it returns: `told`, `filled` and `noting` say neither."""
    found = {path.stem for path in FILES}
    for path in FILES:
        nodes = ast.walk(ast.parse(path.read_text()))
        found |= {node.name.strip("_") for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    bare = {name for name in found if re.fullmatch(r"[A-Za-z][a-z]+(ed|ing|wn|ld|lt)", name)}
    assert bare - NOUNS == set()


def test_files_stay_short() -> None:
    assert {path.name: n for path in FILES if (n := len(path.read_text().splitlines())) > 400} == {}


def test_importing_advnets_does_not_import_torch() -> None:
    code = "import sys, advnets; assert 'torch' not in sys.modules; advnets.Game; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_list_of_verbs_does_not_import_torch() -> None:
    code = "import sys; from advnets.cli.main import main; main(['--help']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_no_verb_begins_with_an_import_that_is_slow() -> None:
    """Half of a second each: scipy loads `scipy.stats` when it is first used, so that `import scipy` costs little."""
    verbs = sorted(path.stem for path in (SOURCE / "cli").glob("*.py") if path.stem != "__init__")
    verbs += [f"{path.parent.name}.{path.stem}" for path in sorted((SOURCE / "cli").glob("[!_]*/[!_]*.py"))]
    code = f"import sys, importlib\nfor verb in {verbs}: importlib.import_module('advnets.cli.' + verb)\n"
    slow = {
        "scipy.stats", "scipy.optimize", "scipy.linalg", "sklearn", "matplotlib", "onnxruntime", "huggingface_hub",
        "tensorboard",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", f"{code}assert not {slow!r} & set(sys.modules)"], check=True)


def test_no_pickle_and_no_eval() -> None:
    for path in FILES:
        text = path.read_text()
        for word in ("import pickle", "torch.load", "torch.save", "eval(", "exec(", "allow_pickle=True"):
            used = text.replace(".eval()", "").replace(RESTRICTED, "")
            assert word not in used, f"{path.name} uses {word}"


WRITES = re.compile(
    r"write_text\(|(?<!runs)\.write_bytes\(|(?<!archive\.)open\((?!os.devnull)[^)]*[\"'][wax]b?\+?[\"']|os\.(replace|rename|link|O_CREAT)|mkstemp|"
    r"savefig\((?!file|buffer)|np\.save\w*\((?!file)"
)
WRITERS = {"held_folder.py", "cache.py", "download.py"}
"""Files are written by `disk`; by the picture cache, which is too large to be written at once; and by a download, into
a temporary file of pooch's."""


def test_files_are_written_in_one_place() -> None:
    """Whole or not at all, never over another's, through no link: nobody else needs to think of it."""
    found = {path.name: WRITES.findall(path.read_text()) for path in FILES}
    assert {name for name, calls in found.items() if calls} == WRITERS
